"""`ecr-stack login` hands the token over on standard input, and nowhere else."""

from __future__ import annotations

import base64
import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ecr_stack.embedded_aws import EmbeddedAws
from tests.images.conftest import ACCOUNT, REGION, here, run

CLIENT = """#!{python}
import json, os, pathlib, sys
pathlib.Path("seen.json").write_text(json.dumps({{
    "arguments": sys.argv[1:],
    "input": sys.stdin.read(),
    "environment": dict(os.environ),
    "processes": [
        path.read_bytes().decode(errors="replace")
        for path in pathlib.Path("/proc").glob("[0-9]*/cmdline") if os.access(path, os.R_OK)
    ],
}}))
sys.exit({code})
"""


def install(name: str, monkeypatch: pytest.MonkeyPatch, code: int = 0) -> None:
    folder = Path("bin")
    folder.mkdir(exist_ok=True)
    program = folder / name
    program.write_text(CLIENT.format(python=sys.executable, code=code))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(folder.resolve()))


def token(aws: EmbeddedAws) -> str:
    data = aws.call("ecr", "GetAuthorizationToken", {})["authorizationData"][0]
    return base64.b64decode(data["authorizationToken"]).decode().partition(":")[2]


@pytest.mark.parametrize("client", ["docker", "podman", "skopeo", "finch"])
def test_the_token_is_on_standard_input_alone(aws: EmbeddedAws, client: str, monkeypatch: pytest.MonkeyPatch) -> None:
    install(client, monkeypatch)
    result = run("login", *here("--client", client))
    assert result.exit_code == 0, result.exception
    seen: dict[str, Any] = json.loads(Path("seen.json").read_text())
    password = seen["input"]
    assert password
    assert "--password-stdin" in seen["arguments"]
    assert seen["arguments"][-1].startswith(f"{ACCOUNT}.dkr.ecr.{REGION}.")
    assert not any(password in line for line in seen["processes"])
    assert password not in json.dumps(seen["environment"])
    assert "AWS_SECRET_ACCESS_KEY" not in seen["environment"]
    assert password not in result.output + result.stderr
    files = [path for path in Path().rglob("*") if path.is_file() and path.name != "seen.json"]
    assert not any(password in path.read_text() for path in files)
    assert "credential helper" in result.stderr


def test_the_first_client_that_is_installed_is_taken(aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    install("skopeo", monkeypatch)
    assert "skopeo is logged in" in run("login", *here()).stderr


def test_a_client_that_is_missing_or_refuses_is_named(aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    install("podman", monkeypatch, code=125)
    assert "docker is not installed" in str(run("login", *here("--client", "docker")).exception)
    assert "podman did not log in" in str(run("login", *here("--client", "podman")).exception)


@pytest.mark.skipif(shutil.which("skopeo") is None, reason="skopeo is not installed")
def test_skopeo_itself_is_logged_in_to_a_registry_that_is_served(tmp_path: Path) -> None:
    program = "from ecr_stack.cli import main; main()"
    served = subprocess.Popen(
        [sys.executable, "-c", program, "local", "--format", "json"], stdout=subprocess.PIPE, text=True, cwd=tmp_path
    )
    try:
        assert served.stdout is not None
        told = json.loads(served.stdout.readline())
        environment = {
            **os.environ, "AWS_ENDPOINT_URL": told["endpoint"], "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
            "REGISTRY_AUTH_FILE": str(tmp_path / "auth.json"), "HOME": str(tmp_path),
        }  # fmt: skip
        region = next(iter(told["registries"]))
        done = subprocess.run(
            [sys.executable, "-c", program, "login", "--client", "skopeo", "--region", region],
            env=environment, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert "credential helper" not in done.stderr  # it would not find this registry
        assert told["registries"][region] in json.loads((tmp_path / "auth.json").read_text())["auths"]
    finally:
        served.terminate()
        served.wait(timeout=30)
