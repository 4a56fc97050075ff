"""Scaffolded Dockerfiles built by buildah, on stand-in base images made from Debian's packages.

Left out unless `ECR_STACK_BASE_IMAGES` names the folder that `.ci/base-images` prints: see `make test-dockerfiles`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.images.conftest import run

BASES = os.environ.get("ECR_STACK_BASE_IMAGES", "")
pytestmark = [
    pytest.mark.skipif(not BASES, reason="ECR_STACK_BASE_IMAGES does not name a folder of base images"),
    pytest.mark.skipif(shutil.which("buildah") is None, reason="there is no buildah here"),
]

PACKAGE = {"name": "app", "version": "1.0.0", "scripts": {"build": "mkdir -p dist && cp main.js dist/main.js"}}
LOCK = {"name": "app", "version": "1.0.0", "lockfileVersion": 3, "packages": {"": {"name": "app", "version": "1.0.0"}}}
JAVA = 'public class App { public static void main(String[] args) { System.out.println("hello from java"); } }'
GO = 'package main\n\nimport "fmt"\n\nfunc main() { fmt.Println("hello from go") }\n'
APPLICATIONS: Mapping[str, Mapping[str, str]] = {
    "python": {"requirements.txt": "", "app/__main__.py": "print('hello from python')"},
    "node": {
        "package.json": json.dumps(PACKAGE),
        "package-lock.json": json.dumps(LOCK),
        "main.js": "console.log('hello from node')",
    },
    "go": {"go.mod": "module example.com/app\n\ngo 1.19\n", "main.go": GO},
    "java": {"pom.xml": "<project/>", "src/main/java/App.java": JAVA},
}
RUNTIMES = {"go": "scratch", "java": "localhost/java"}
"""The second stage's base image, where it is not the first one's."""
OWN = {
    "python": ["/app", "/opt/venv"],
    "node": ["/app", "/app/dist/main.js"],
    "go": [],  # there is no shell to look with
    "java": ["/app", "/app/app.jar"],
}
"""The program's own files, in the image."""


@pytest.fixture
def buildah(tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Runs buildah with a storage of its own."""
    configuration = tmp_path / ".config" / "containers"
    configuration.mkdir(parents=True)
    (configuration / "policy.json").write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
    storage = f'[storage]\nrunroot = "{tmp_path}/run"\ngraphroot = "{tmp_path}/storage"\n'
    (configuration / "storage.conf").write_text(storage)
    environment = {
        **os.environ,
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path / ".config"),
        "CONTAINERS_STORAGE_CONF": str(configuration / "storage.conf"),
        "STORAGE_DRIVER": "overlay",
        "BUILDAH_ISOLATION": "chroot",
        "TMPDIR": str(tmp_path),
    }

    # overlay copies nothing, and works in some containers only
    if subprocess.run(["buildah", "info"], env=environment, capture_output=True, check=False).returncode != 0:
        environment["STORAGE_DRIVER"] = "vfs"

    def call(*arguments: str, code: int = 0) -> str:
        done = subprocess.run(
            ["buildah", *arguments], env=environment, capture_output=True, text=True, check=False, timeout=300
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout.strip()

    yield call
    # its mounts would be in the way of whoever clears the folder
    call("rm", "--all")


@pytest.mark.parametrize("language", sorted(APPLICATIONS))
def test_the_dockerfile_builds_an_image_that_runs_as_nobody_and_holds_no_secret(
    language: str, buildah: Callable[..., str], tmp_path: Path
) -> None:
    container = buildah("from", "scratch")
    buildah("add", "--quiet", container, str((Path(BASES) / f"{language}.tar").resolve()), "/")
    buildah("commit", "--quiet", "--rm", container, f"localhost/{language}")

    application = tmp_path / "application"
    application.mkdir()
    assert run("scaffold", "dockerfile", language, "-C", str(application)).exit_code == 0
    files = {**APPLICATIONS[language], ".env": "PASSWORD=hunter2", ".git/config": "hunter2"}
    for name, text in files.items():
        (application / name).parent.mkdir(parents=True, exist_ok=True)
        (application / name).write_text(text)
    runtime = RUNTIMES.get(language)
    arguments = ["--build-arg", f"BASE=localhost/{language}"]
    arguments += ["--build-arg", f"RUNTIME={runtime}"] if runtime else []
    buildah("bud", "--quiet", *arguments, "--tag", "localhost/app", str(application))

    configuration = json.loads(buildah("inspect", "--type", "image", "localhost/app"))["OCIv1"]["config"]
    assert configuration["User"] == "10001:10001"
    command = [*configuration.get("Entrypoint", []), *configuration.get("Cmd", [])]
    image = buildah("from", "--pull-never", "localhost/app")
    assert buildah("run", image, "--", *command).splitlines()[-1] == f"hello from {language}"
    root = Path(buildah("mount", image))
    assert not [*root.rglob("app/**/.env"), *root.rglob("app/**/.git")]
    for name in OWN[language]:
        found = root / name.removeprefix("/")
        assert (found.stat().st_uid, found.stat().st_mode & 0o022) == (0, 0), "the process could change its own program"
