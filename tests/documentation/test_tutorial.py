"""The tutorial, step by step as it is written. Where there is no docker and no crane, a plain OCI client pushes."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.conftest import PROJECT

PAGE = (PROJECT / "docs" / "tutorial.md").read_text()
STEPS = {
    match[1]: re.findall(r"```(\w+)\n(.*?)```", match[2], re.DOTALL)
    for match in re.finditer(r"(?ms)^## \d\. (.+?)$(.*?)(?=^## |\Z)", PAGE)
}
CLIENTS = Path.home() / ".cache" / "ecr-stack" / "clients" / "bin"
PATH = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath), str(CLIENTS)])


def commands(step: str, number: int = 0) -> str:
    return [block for language, block in STEPS[step] if language == "sh"][number]


def text_in(step: str) -> str:
    return next(block for language, block in STEPS[step] if language == "text")


class Reader:
    """Somebody at a terminal, who goes on in the same shell."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        self.environment = {**kept, "PATH": PATH, "REGISTRY_AUTH_FILE": str(folder / "auth.json")}
        self.environment["DOCKER_CONFIG"] = str(folder)
        self.before = ""

    def run(self, block: str, code: int = 0) -> str:
        done = subprocess.run(
            ["bash", "-euc", f"{self.before}\n{block}"], cwd=self.folder, env=self.environment,
            capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Reader:
    return Reader(tmp_path_factory.mktemp("registry"))


@pytest.fixture(scope="module")
def stack_file(reader: Reader) -> str:
    reader.run(commands("Write a stack file"))
    (block,) = [block for language, block in STEPS["Write a stack file"] if language == "yaml"]
    (reader.folder / "Pulumi.dev.yaml").write_text(block)
    return block


@pytest.fixture(scope="module")
def registry(reader: Reader, stack_file: str) -> Iterator[str]:
    """The second terminal; and what the first one exports."""
    serve, exports = commands("Start the registry"), commands("Start the registry", 1)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    assert "5050" in serve
    assert "5050" in exports
    process = subprocess.Popen(
        ["bash", "-c", f"exec {serve.replace('5050', port)}"], cwd=reader.folder, env=reader.environment,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        about = None
        deadline = time.monotonic() + 90
        while about is None and process.poll() is None and time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/_ecr-stack", timeout=5) as answer:
                    about = json.load(answer)
            except OSError:
                time.sleep(0.2)
        assert about is not None, process.communicate(timeout=10)
        lines = exports.replace("5050", port).splitlines()
        reader.before = "\n".join(line for line in lines if not line.startswith("ecr-stack"))
        assert "api" in reader.run("\n".join(line for line in lines if line.startswith("ecr-stack")))
        yield about["registries"]["us-east-1"]
    finally:
        process.terminate()
        process.communicate(timeout=60)


@pytest.fixture(scope="module")
def pushed(reader: Reader, registry: str) -> str:
    """The two images, by whichever of the page's ways there is here."""
    docker, crane = commands("Push an image"), commands("Push an image", 1)
    if shutil.which("docker", path=PATH) and reader.run("docker info > /dev/null 2>&1 && echo up || true"):
        reader.run(docker)
    elif shutil.which("crane", path=PATH) and shutil.which("skopeo", path=PATH):
        reader.run(crane)
    else:
        sys.path.insert(0, str(PROJECT / "tests" / "local"))
        from registry_client import Client

        token = reader.run("python -c 'import boto3; print(boto3.client(\"ecr\", \"us-east-1\").get_authorization_token()"
                           "[\"authorizationData\"][0][\"authorizationToken\"])'")  # fmt: skip
        client = Client(registry, token.strip())
        client.push("api", "v1.0.0", b"hello")
        client.push("api", "dev-login", b"bye")
    return registry


def test_set_up_is_a_target_of_make_and_the_environment_it_makes() -> None:
    lines = commands("Set up").splitlines()
    assert lines == ["make setup", ". .venv/bin/activate"]
    done = subprocess.run(["make", "--dry-run", "setup"], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_folder_of_ones_own_is_made_beside_the_clone(tmp_path: Path) -> None:
    (tmp_path / "clone").mkdir()
    Reader(tmp_path / "clone").run(commands("Set up", 1))
    assert (tmp_path / "registry").is_dir()


def test_init_says_what_the_page_says(tmp_path: Path) -> None:
    assert Reader(tmp_path).run(commands("Write a stack file")) == text_in("Write a stack file")


def test_the_stack_file_goes_up_and_a_mistake_in_it_is_explained(reader: Reader, stack_file: str) -> None:
    assert text_in("Rehearse it").strip() in reader.run(commands("Rehearse it"))
    assert "tagMutability: IMUTABLE" in PAGE
    wrong = reader.folder / "Pulumi.dev.yaml"
    wrong.write_text(stack_file.replace("IMMUTABLE_WITH_EXCLUSION ", "IMUTABLE "))
    try:
        told = reader.run(commands("Rehearse it"), code=2)
    finally:
        wrong.write_text(stack_file)
    assert re.search(r"Pulumi\.dev\.yaml:\d+: ecr-stack:repositoryDefaults\.tagMutability: \"IMUTABLE\"", told)
    assert "remedy:" in told
    assert yaml.safe_load(stack_file)["config"]["ecr-stack:repositories"] == {"api": {}}


def test_the_image_is_listed_scanned_and_replicated(reader: Reader, pushed: str) -> None:
    listed, gate, status = commands("Check the image").strip().splitlines()
    told = reader.run(listed)
    assert "v1.0.0" in told
    assert "dev-login" in told
    assert "open" in reader.run(gate)
    assert "COMPLETE" in reader.run(status)


def test_a_second_push_of_a_tag_is_refused_in_the_words_of_the_page(reader: Reader, pushed: str) -> None:
    program = (
        "import boto3\necr = boto3.client('ecr', 'us-east-1')\n"
        "image = ecr.batch_get_image(repositoryName='api', imageIds=[{'imageTag': 'dev-login'}])['images'][0]\n"
        "try:\n    ecr.put_image(repositoryName='api', imageManifest=image['imageManifest'], imageTag='v1.0.0')\n"
        "except ecr.exceptions.ImageTagAlreadyExistsException as error:\n    print(error)\n"
    )
    (reader.folder / "again.py").write_text(program)
    assert text_in("Check the image").strip() in reader.run("python again.py")


def test_time_passes_and_the_doctor_is_asked(reader: Reader, pushed: str) -> None:
    lifecycle, listed = commands("Let time pass").strip().splitlines()
    told = reader.run(lifecycle)
    assert re.search(r"expired\s+us-east-1\s+api .* dev-login", told)
    assert re.search(r"expired\s+us-west-2\s+api .* dev-login", told)
    left = reader.run(listed)
    assert "v1.0.0" in left
    assert "dev-login" not in left
    assert "✓" in reader.run(commands("Run the doctor"))
