from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from ecr_stack.embedded_aws import EmbeddedAws
from ecr_stack.embedded_provider import Provider
from ecr_stack.errors import Unavailable

COMMAND = "command:local:Command"


def test_a_command_runs_with_its_environment_directory_and_input(make: Any, tmp_path: Path) -> None:
    id_, outputs = make(
        COMMAND,
        "look",
        create='pwd; cat; echo "$GREETING"; echo aside >&2',
        dir=str(tmp_path),
        stdin="from stdin\n",
        environment={"GREETING": "hello"},
    )
    assert id_.startswith("look")
    assert outputs["stdout"] == f"{tmp_path}\nfrom stdin\nhello"
    assert outputs["stderr"] == "aside"


def test_a_command_that_fails_says_what_it_said(make: Any) -> None:
    with pytest.raises(Unavailable, match=r"exit status 3.*(?s:.)*40 images would go"):
        make(COMMAND, "guard", create="echo 40 images would go >&2; exit 3")


def test_a_command_that_cannot_be_run_says_so(make: Any) -> None:
    with pytest.raises(Unavailable, match="no-such-interpreter"):
        make(COMMAND, "guard", create="true", interpreter=["/no-such-interpreter"])


def test_a_command_sees_the_embedded_aws_and_no_other(
    make: Any, aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "secret")
    aws.call("ecr", "CreateRepository", {"repositoryName": "api"})
    script = (
        "import boto3, os\n"
        "print(boto3.client('ecr').describe_repositories()['repositories'][0]['repositoryArn'])\n"
        "print('AWS_PROFILE' in os.environ or 'AWS_SESSION_TOKEN' in os.environ)\n"
    )
    _, outputs = make(COMMAND, "guard", create=script, interpreter=[sys.executable, "-c"])
    assert outputs["stdout"] == "arn:aws:ecr:eu-west-1:111122223333:repository/api\nFalse"
    assert os.environ["AWS_PROFILE"] == "production"


def test_updates_and_deletions_have_scripts_and_see_the_output_before(
    make: Any, provider: Provider, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    old = {"create": "echo one", "update": f'echo "updated after $PULUMI_COMMAND_STDOUT" | tee {log}'}
    new = {**old, "delete": f'echo "deleted after $PULUMI_COMMAND_STDOUT" >> {log}'}
    id_, outputs = make(COMMAND, "steps", **old)
    changed = provider.update(COMMAND, id_, old, new, outputs)
    assert changed["stdout"] == "updated after one"
    provider.delete(COMMAND, id_, changed)
    assert log.read_text().splitlines() == ["updated after one", "deleted after updated after one"]


def test_without_an_update_script_create_runs_again(make: Any, provider: Provider) -> None:
    id_, outputs = make(COMMAND, "steps", create="echo one")
    changed = provider.update(COMMAND, id_, {"create": "echo one"}, {"create": "echo two"}, outputs)
    assert changed["stdout"] == "two"
