"""`ecr-stack local` as scripts and people run it: its first line, its end, what it keeps, what it says."""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from registry_client import Client, digest_of
from typer.testing import CliRunner

from ecr_stack.cli import app
from ecr_stack.errors import EcrStackError

PROJECT = Path(__file__).parent.parent.parent
COMMAND = [sys.executable, "-c", "from ecr_stack.cli import main; main()", "local"]


class Running:
    """The command, once it has said its first line."""

    def __init__(self, *arguments: str, directory: Path = PROJECT) -> None:
        self.process = subprocess.Popen(
            [*COMMAND, "--format", "json", *arguments],
            cwd=directory,
            env={name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.communicate()[1]
        self.told: dict[str, Any] = json.loads(line)

    def ecr(self, region: str = "us-east-1") -> Any:
        return boto3.client(
            "ecr",
            endpoint_url=self.told["endpoint"],
            region_name=region,
            aws_access_key_id="any",
            aws_secret_access_key="any",
            config=Config(proxies={}),
        )

    def client(self, region: str = "us-east-1") -> Client:
        answer = self.ecr(region).get_authorization_token()["authorizationData"][0]
        return Client(answer["proxyEndpoint"].removeprefix("http://"), answer["authorizationToken"])

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str, str]:
        """Interrupt it; give its exit code and what else it said."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=180)
        return self.process.returncode, out, err


@contextmanager
def running(*arguments: str, directory: Path = PROJECT) -> Iterator[Running]:
    command = Running(*arguments, directory=directory)
    try:
        yield command
    finally:
        if command.process.poll() is None:
            command.process.kill()
            command.process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_empty_account_is_served_until_a_signal_and_ends_well(number: int, tmp_path: Path) -> None:
    with running("--account", "111122223333", directory=tmp_path) as local:
        assert local.told["account"] == "111122223333"
        assert local.told["registries"].keys() == {"us-east-1"}
        assert [entry.partition(":")[0] for entry in local.told["debugProviders"].split(",")] == ["aws", "command"]
        assert local.ecr().describe_repositories()["repositories"] == []
        uri = local.ecr().create_repository(repositoryName="api")["repository"]["repositoryUri"]
        assert uri == f"{local.told['registries']['us-east-1']}/api"
        local.client().push("api", "v1")
        assert local.end(number) == (0, "", "")


def test_a_stack_is_deployed_into_it_with_uris_that_can_be_pushed_to() -> None:
    with running("--stack", "prod") as local:
        assert local.told["registries"].keys() == {"us-east-1", "us-west-2", "eu-west-1"}
        repositories = local.ecr().describe_repositories()["repositories"]
        assert {repository["repositoryName"] for repository in repositories} >= {"api-gateway", "order-service"}
        for repository in repositories:
            assert repository["repositoryUri"].startswith(local.told["registries"]["us-east-1"] + "/")
        digest = local.client().push("api-gateway", "v1.0.0", b"first")
        # the shipped stack replicates
        there = local.client("us-west-2")
        assert there.base == f"http://{local.told['registries']['us-west-2']}"
        assert digest_of(there("GET", "/v2/api-gateway/manifests/v1.0.0").data) == digest
        # how to pull the image is told with addresses that answer
        environment = {
            "AWS_ENDPOINT_URL": local.told["endpoint"],
            "AWS_ACCESS_KEY_ID": "x",
            "AWS_SECRET_ACCESS_KEY": "x",
        }
        asked = ["images", "show", "api-gateway:v1.0.0", "--region", "us-east-1", "--format", "json"]
        shown = CliRunner().invoke(app, asked, env=environment)
        commands = {each["region"]: each["command"] for each in json.loads(shown.stdout)["pull"]}
        assert commands == {
            region: f"docker pull {local.told['registries'][region]}/api-gateway:v1.0.0"
            for region in ("us-east-1", "us-west-2", "eu-west-1")
        }
        assert local.end()[0] == 0


def test_the_account_is_one_that_the_stack_file_allows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    CliRunner().invoke(app, ["init", "--stack", "dev"])
    file = tmp_path / "Pulumi.dev.yaml"
    file.write_text(file.read_text().replace("config:\n", 'config:\n  aws:allowedAccountIds: ["111122223333"]\n'))
    with running("--stack", "dev", directory=tmp_path) as local:
        assert local.told["account"] == "111122223333"
        environment = {
            "AWS_ENDPOINT_URL": local.told["endpoint"],
            "AWS_ACCESS_KEY_ID": "x",
            "AWS_SECRET_ACCESS_KEY": "x",
        }
        listed = CliRunner().invoke(app, ["repositories", "list", "--stack", "dev"], env=environment)
        assert (listed.exit_code, "api" in listed.stdout) == (0, True), listed.output


def test_an_account_goes_on_where_it_was_left(tmp_path: Path) -> None:
    data = str(tmp_path / "account")
    with running("--data", data) as local:
        local.ecr().create_repository(repositoryName="api", encryptionConfiguration={"encryptionType": "KMS"})
        local.ecr("eu-west-1").create_repository(repositoryName="there")
        before = local.ecr().describe_repositories()["repositories"]
        client = local.client()
        client.push("api", "v1", b"kept")
        client.push_blob("api", b"of no image")
        images = local.ecr().describe_images(repositoryName="api")["imageDetails"]
        first = local.told
        assert local.end()[0] == 0
    with running("--data", data) as local:
        assert local.told["endpoint"] == first["endpoint"]
        assert local.told["registries"].keys() == {"us-east-1", "eu-west-1"}
        assert local.ecr().describe_repositories()["repositories"] == before
        assert local.ecr().describe_images(repositoryName="api")["imageDetails"] == images
        # who was logged in still is
        assert client("GET", f"/v2/api/blobs/{digest_of(b'kept')}").data == b"kept"
        assert client("HEAD", f"/v2/api/blobs/{digest_of(b'of no image')}").status == 404
        assert len(list((tmp_path / "account" / "layers" / "layers").iterdir())) == 2, "its configuration and its layer"
        assert local.ecr("eu-west-1").describe_repositories()["repositories"][0]["repositoryName"] == "there"
        local.end()


def test_a_killed_account_loses_a_second_at_most(tmp_path: Path) -> None:
    with running("--data", str(tmp_path / "account")) as local:
        local.ecr().create_repository(repositoryName="api")
        state = tmp_path / "account" / "state.pickle"
        saved = state.stat().st_mtime_ns
        deadline = time.monotonic() + 60
        while state.stat().st_mtime_ns == saved and time.monotonic() < deadline:
            time.sleep(0.1)
        local.process.kill()
        local.process.communicate()
    with running("--data", str(tmp_path / "account")) as local:
        assert local.ecr().describe_repositories()["repositories"][0]["repositoryName"] == "api"


def test_lifecycle_policies_run_at_the_instant_that_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    selection = {"tagStatus": "any", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 14}
    policy = {"rules": [{"rulePriority": 7, "selection": selection, "action": {"type": "expire"}}]}
    with running() as local:
        local.ecr().create_repository(repositoryName="api")
        local.ecr().put_lifecycle_policy(repositoryName="api", lifecyclePolicyText=json.dumps(policy, indent=4))
        digest = local.client().push("api", "v1")
        monkeypatch.setenv("AWS_ENDPOINT_URL", local.told["endpoint"])
        now = CliRunner().invoke(app, ["local", "lifecycle", "--format", "json"])
        assert json.loads(now.output)["actions"] == []
        later = CliRunner().invoke(app, ["local", "lifecycle", "--at", "2099-01-01T00:00:00Z"])
        assert later.exit_code == 0
        assert "expired" in later.output
        assert digest[:19] in later.output
        assert "rule 7" in later.output
        assert local.ecr().describe_images(repositoryName="api")["imageDetails"] == []


def test_another_sites_page_cannot_run_the_policies() -> None:
    with running() as local:
        page = Client(local.told["endpoint"].removeprefix("http://"), None)
        body = b'{"at": "2099-01-01T00:00:00Z"}'
        assert page("POST", "/_ecr-stack/lifecycle", body, {"Content-Type": "text/plain"}).status == 415
        wrong = page("POST", "/_ecr-stack/lifecycle", b"{}", {"Content-Type": "application/json"})
        assert (wrong.status, "2026" in wrong.json()["message"]) == (400, True)


def test_no_password_is_in_what_it_says_or_in_what_others_can_read(tmp_path: Path) -> None:
    with running("--data", str(tmp_path / "account")) as local:
        token = local.ecr().get_authorization_token()["authorizationData"][0]["authorizationToken"]
        local.ecr().create_repository(repositoryName="api")
        client = local.client()
        client.push("api", "v1")
        client("GET", "/v2/api/manifests/none")
        # a client that tries TLS, and one that speaks nonsense
        host, _, port = local.told["registries"]["us-east-1"].partition(":")
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03")
            connection.recv(100)
        code, out, err = local.end()
    assert (code, out, err) == (0, "", "")
    password = base64.b64decode(token).partition(b":")[2]
    for file in (file for file in (tmp_path / "account").rglob("*") if file.is_file()):
        assert password not in file.read_bytes()
        assert token.encode() not in file.read_bytes()
    assert (tmp_path / "account").stat().st_mode & 0o077 == 0
    for name in ("account.json", "state.pickle"):
        assert (tmp_path / "account" / name).stat().st_mode & 0o077 == 0


def test_people_are_told_how_to_log_in_and_push(tmp_path: Path) -> None:
    process = subprocess.Popen(COMMAND, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    said = ""
    while "Ctrl-C" not in said:
        line = process.stdout.readline()
        assert line, process.communicate()[1]
        said += line
    process.send_signal(signal.SIGINT)
    assert process.wait(180) == 0
    host = next(line.split()[1] for line in said.splitlines() if line.strip().startswith("us-east-1"))
    assert f"docker login --username AWS --password-stdin {host}" in said
    assert f"docker push {host}/REPOSITORY:TAG" in said
    assert "export AWS_ENDPOINT_URL=http://127.0.0.1:" in said


def refusal(*arguments: str) -> str:
    """Run the command in this process, where it must not get as far as serving; give what it raises."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        result = CliRunner().invoke(app, ["local", *arguments], env={"AWS_REGION": None, "AWS_DEFAULT_REGION": None})
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    assert isinstance(result.exception, EcrStackError), result.output
    assert result.output == ""
    return str(result.exception)


def test_a_refusal_is_a_message_and_exit_code_2(tmp_path: Path) -> None:
    command = [*COMMAND, "--region", "mars-1"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=180, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "must be an AWS Region" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_cannot_be_served_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(PROJECT)
    assert "staging" in refusal("--stack", "staging")
    assert "--upstream" in refusal("--upstream", "quay.io")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert f"cannot listen on port {port}" in refusal("--port", port)
    (tmp_path / "file").write_text("")
    assert "cannot use the folder" in refusal("--data", str(tmp_path / "file"))


def test_a_folder_is_not_used_by_two_or_written_to_by_others_or_taken_for_another_account(tmp_path: Path) -> None:
    folder = tmp_path / "account"
    with running("--data", str(folder)) as local:
        assert "another process uses the folder" in refusal("--data", str(folder))
        local.end()
    assert "holds the account 123456789012" in refusal("--data", str(folder), "--account", "111122223333")
    about = json.loads((folder / "account.json").read_text())
    (folder / "account.json").write_text(json.dumps({**about, "versions": {"moto": "0.1"}}))
    assert "was written by moto 0.1" in refusal("--data", str(folder))
    folder.chmod(0o777)
    assert "must be writable only by you" in refusal("--data", str(folder))


def test_lifecycle_without_a_server_says_so() -> None:
    answer = CliRunner().invoke(app, ["local", "lifecycle", "--endpoint", "http://127.0.0.1:9"])
    assert isinstance(answer.exception, EcrStackError)
    assert "no `ecr-stack local` responds at http://127.0.0.1:9" in str(answer.exception)
    answer = CliRunner().invoke(app, ["local", "lifecycle"], env={"AWS_ENDPOINT_URL": ""})
    assert "--endpoint" in str(answer.exception)
    answer = CliRunner().invoke(app, ["local", "lifecycle", "--at", "tomorrow"])
    assert "--at" in str(answer.exception)
