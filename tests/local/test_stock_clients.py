"""What nobody here wrote logs in, pushes, pulls, lists and deletes: the AWS CLI, skopeo, buildah, podman, crane, oras.

A test is skipped where its client is missing. Repository URIs and passwords are those that the AWS CLI is told.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from registry_client import ACCOUNT, REGION, digest_of

from ecr_stack.local.server import LocalAws

PLACES = os.pathsep.join([os.environ.get("PATH", os.defpath), str(Path.home() / "go" / "bin")])


class Shell:
    """Commands in an environment that knows the account and nothing of the user's own files."""

    def __init__(self, folder: Path, endpoint: str) -> None:
        self.folder = folder
        configuration = folder / ".config" / "containers"
        (configuration / "registries.conf.d").mkdir(parents=True)
        (configuration / "policy.json").write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
        # as docs/how-to/local.md says
        (configuration / "registries.conf.d" / "loopback.conf").write_text(
            '[[registry]]\nlocation = "localhost"\ninsecure = true\n'
        )
        self.environment = {
            "PATH": PLACES,
            "HOME": str(folder),
            "XDG_CONFIG_HOME": str(folder / ".config"),
            "DOCKER_CONFIG": str(folder / ".docker"),
            "REGISTRY_AUTH_FILE": str(folder / "auth.json"),
            "STORAGE_DRIVER": "vfs",
            "BUILDAH_ISOLATION": "chroot",
            "NO_PROXY": "127.0.0.1,localhost",
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_PAGER": "",
        }
        # pyenv's shims lead to the real home
        if "PYENV_ROOT" in os.environ:
            self.environment["PYENV_ROOT"] = os.environ["PYENV_ROOT"]

    def run(self, *command: str, given: str = "", code: int = 0) -> str:
        """Run a command that must end with a code; give what it says."""
        if shutil.which(command[0], path=PLACES) is None:
            pytest.skip(f"there is no `{command[0]}` here")
        done = subprocess.run(
            command,
            check=False,
            cwd=self.folder,
            env=self.environment,
            input=given,
            capture_output=True,
            text=True,
            timeout=180,
        )
        assert done.returncode == code, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
        return done.stdout if code == 0 else done.stdout + done.stderr

    def aws(self, *arguments: str) -> Any:
        return json.loads(self.run("aws", *arguments, "--output", "json") or "null")

    def repository(self, name: str, *arguments: str) -> str:
        """Make a repository; give the URI that AWS answers."""
        made = self.aws("ecr", "create-repository", "--repository-name", name, *arguments)
        return str(made["repository"]["repositoryUri"])

    def login(self, client: str, *words: str) -> None:
        password = self.run("aws", "ecr", "get-login-password")
        proxy = self.aws("ecr", "get-authorization-token")["authorizationData"][0]["proxyEndpoint"]
        host = proxy.removeprefix("http://")
        self.run(client, *words, "login", "--username", "AWS", "--password-stdin", host, given=password)

    def layer(self, name: str, text: str) -> str:
        """Write a layer of one file; give its name."""
        content = self.folder / f"{name}.txt"
        content.write_text(text)
        with tarfile.open(self.folder / f"{name}.tar", "w") as archive:
            archive.add(content, arcname=content.name)
        return f"{name}.tar"


@pytest.fixture
def storage() -> Iterator[list[str]]:
    """Options for image storage of its own; podman takes short paths only."""
    with tempfile.TemporaryDirectory(prefix="ecr-") as folder:
        yield ["--root", f"{folder}/storage", "--runroot", f"{folder}/run"]


@pytest.fixture
def shell(local: LocalAws, tmp_path: Path) -> Shell:
    return Shell(tmp_path, local.endpoint)


def test_crane_pushes_pulls_copies_lists_and_deletes(shell: Shell) -> None:
    uri, other = shell.repository("team/api"), shell.repository("team/copy")
    shell.login("crane", "auth")
    shell.run("crane", "append", "-f", shell.layer("one", "1"), "-t", f"{uri}:v1")
    digest = shell.run("crane", "digest", f"{uri}:v1").strip()
    image = shell.aws("ecr", "describe-images", "--repository-name", "team/api")["imageDetails"][0]
    assert (image["imageDigest"], image["imageTags"]) == (digest, ["v1"])
    shell.run("crane", "validate", "--remote", f"{uri}:v1")
    shell.run("crane", "copy", f"{uri}:v1", f"{other}:copied")
    assert shell.run("crane", "digest", f"{other}:copied").strip() == digest
    shell.run("crane", "tag", f"{uri}:v1", "v2")
    assert shell.run("crane", "ls", uri).split() == ["v1", "v2"]
    assert "team/copy" in shell.run("crane", "catalog", uri.partition("/")[0]).split()
    shell.run("crane", "pull", f"{uri}:v1", "pulled.tar")
    with tarfile.open(shell.folder / "pulled.tar") as archive:
        assert any(name.endswith(".tar.gz") for name in archive.getnames())
    shell.run("crane", "delete", f"{uri}@{digest}")
    assert shell.run("crane", "ls", uri).split() == []


def test_crane_is_told_in_ecrs_words_that_a_tag_is_immutable(shell: Shell) -> None:
    uri = shell.repository("prod", "--image-tag-mutability", "IMMUTABLE")
    shell.login("crane", "auth")
    shell.run("crane", "append", "-f", shell.layer("one", "1"), "-t", f"{uri}:v1")
    said = shell.run("crane", "append", "-f", shell.layer("two", "2"), "-t", f"{uri}:v1", code=1)
    assert "TAG_INVALID: The image tag 'v1' already exists in the 'prod' repository" in said


def test_crane_pushes_an_index_of_two_platforms(shell: Shell) -> None:
    uri = shell.repository("multi")
    shell.login("crane", "auth")
    for name in ("amd64", "arm64"):
        shell.run("crane", "append", "-f", shell.layer(name, name), "-t", f"{uri}:{name}")
        shell.run("crane", "mutate", f"{uri}:{name}", "--set-platform", f"linux/{name}", "-t", f"{uri}:{name}")
    shell.run("crane", "index", "append", "-m", f"{uri}:amd64", "-m", f"{uri}:arm64", "-t", f"{uri}:v1")
    arm = shell.run("crane", "digest", "--platform", "linux/arm64", f"{uri}:v1").strip()
    assert arm == shell.run("crane", "digest", f"{uri}:arm64").strip()
    shell.run("crane", "validate", "--remote", f"{uri}:v1")
    index = shell.aws("ecr", "describe-images", "--repository-name", "multi", "--image-ids", "imageTag=v1")
    assert index["imageDetails"][0]["imageManifestMediaType"] in (
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.image.index.v1+json",
    )


def test_crane_without_a_login_is_refused(shell: Shell) -> None:
    uri = shell.repository("team/api")
    assert "Not Authorized" in shell.run("crane", "ls", uri, code=1)


def test_skopeo_copies_inspects_lists_and_deletes(shell: Shell) -> None:
    uri, other = shell.repository("team/api"), shell.repository("team/copy")
    shell.login("skopeo")
    shell.login("crane", "auth")
    shell.run("crane", "append", "-f", shell.layer("one", "1"), "-t", f"{uri}:v1")
    shell.run("skopeo", "copy", f"docker://{uri}:v1", "oci:layout:v1")
    shell.run("skopeo", "copy", "oci:layout:v1", f"docker://{other}:v2")
    shell.run("skopeo", "copy", f"docker://{uri}:v1", f"docker://{other}:v3")
    assert json.loads(shell.run("skopeo", "list-tags", f"docker://{other}"))["Tags"] == ["v2", "v3"]
    inspected = json.loads(shell.run("skopeo", "inspect", f"docker://{other}:v3"))
    assert inspected["Digest"] == shell.run("crane", "digest", f"{uri}:v1").strip()
    raw = shell.run("skopeo", "inspect", "--raw", f"docker://{other}:v2")
    images = shell.aws("ecr", "describe-images", "--repository-name", "team/copy")["imageDetails"]
    assert digest_of(raw.encode()) in {image["imageDigest"] for image in images}
    shell.run("skopeo", "delete", f"docker://{other}:v2")
    assert json.loads(shell.run("skopeo", "list-tags", f"docker://{other}"))["Tags"] == ["v3"]


def test_skopeo_needs_no_file_where_it_is_told_not_to_verify(shell: Shell) -> None:
    uri = shell.repository("team/api")
    (shell.folder / ".config" / "containers" / "registries.conf.d" / "loopback.conf").unlink()
    password = shell.run("aws", "ecr", "get-login-password")
    host = uri.partition("/")[0]
    shell.run("skopeo", "login", "--tls-verify=false", "-u", "AWS", "--password-stdin", host, given=password)
    listed = shell.run("skopeo", "list-tags", "--tls-verify=false", f"docker://{uri}")
    assert json.loads(listed)["Tags"] == []
    assert "HTTP response to HTTPS client" in shell.run("skopeo", "list-tags", f"docker://{uri}", code=1)


@pytest.mark.parametrize("client", ["buildah", "podman"])
def test_what_builds_images_pushes_and_pulls_them(shell: Shell, storage: list[str], client: str) -> None:
    uri = shell.repository("team/api")
    shell.login(client)
    (shell.folder / "Containerfile").write_text("FROM scratch\nCOPY one.txt /\nLABEL version=1\n")
    shell.layer("one", "1")
    shell.run(client, *storage, "build", "-t", f"{uri}:v1", "-f", "Containerfile", ".")
    shell.run(client, *storage, "push", f"{uri}:v1")
    image = shell.aws("ecr", "describe-images", "--repository-name", "team/api")["imageDetails"][0]
    assert image["imageTags"] == ["v1"]
    shell.run(client, *storage, "rmi", "--all", "--force")
    shell.run(client, *storage, "pull", f"{uri}:v1")
    assert uri in shell.run(client, *storage, "images")


def test_oras_attaches_an_artifact_and_finds_it_by_its_subject(shell: Shell) -> None:
    uri = shell.repository("team/api")
    shell.login("oras")
    shell.login("crane", "auth")
    shell.run("crane", "append", "-f", shell.layer("one", "1"), "-t", f"{uri}:v1")
    (shell.folder / "sbom.json").write_text("{}")
    shell.run("oras", "attach", "--artifact-type", "application/spdx+json", f"{uri}:v1", "sbom.json:application/json")
    found = json.loads(shell.run("oras", "discover", "--format", "json", f"{uri}:v1"))
    entries = found.get("referrers") or found.get("manifests")
    assert [entry["artifactType"] for entry in entries] == ["application/spdx+json"]
    subject = shell.run("crane", "digest", f"{uri}:v1").strip()
    listed = shell.aws(
        "ecr", "list-image-referrers", "--repository-name", "team/api", "--subject-id", f"imageDigest={subject}"
    )
    assert [entry["digest"] for entry in listed["referrers"]] == [entries[0]["digest"]]
    # a registry with referrers needs no tag in their place
    assert shell.run("crane", "ls", uri).split() == ["v1"]


def test_the_aws_cli_moves_an_image_by_its_manifest(shell: Shell) -> None:
    uri = shell.repository("team/api")
    shell.login("crane", "auth")
    shell.run("crane", "append", "-f", shell.layer("one", "1"), "-t", f"{uri}:v1")
    name = ["--repository-name", "team/api"]
    image = shell.aws("ecr", "batch-get-image", *name, "--image-ids", "imageTag=v1")["images"][0]
    put = ["--image-tag", "stable", "--image-manifest", image["imageManifest"]]
    shell.aws("ecr", "put-image", *name, *put, "--image-manifest-media-type", image["imageManifestMediaType"])
    assert shell.run("crane", "ls", uri).split() == ["stable", "v1"]
    assert shell.run("crane", "digest", f"{uri}:stable") == shell.run("crane", "digest", f"{uri}:v1")


def test_a_push_by_crane_is_pulled_by_skopeo_in_another_region(shell: Shell, local: LocalAws) -> None:
    uri = shell.repository("team/api")
    rule = {"destinations": [{"region": "us-west-2", "registryId": ACCOUNT}]}
    configuration = json.dumps({"rules": [rule]})
    shell.aws("ecr", "put-replication-configuration", "--replication-configuration", configuration)
    shell.login("crane", "auth")
    shell.run("crane", "append", "-f", shell.layer("one", "1"), "-t", f"{uri}:v1")
    shell.environment.update(AWS_DEFAULT_REGION="us-west-2", AWS_REGION="us-west-2")
    described = shell.aws("ecr", "describe-repositories", "--repository-names", "team/api")
    there = described["repositories"][0]["repositoryUri"]
    assert there != uri
    shell.login("skopeo")
    inspected = json.loads(shell.run("skopeo", "inspect", f"docker://{there}:v1"))
    shell.run("skopeo", "copy", f"docker://{there}:v1", "oci:layout:v1")
    assert inspected["Digest"] == shell.run("crane", "digest", f"{uri}:v1").strip()
