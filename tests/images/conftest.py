"""The embedded AWS over HTTP with a repository in it, and requests that fail on demand."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from typer.testing import CliRunner, Result

from ecr_stack.cli.app import app
from ecr_stack.embedded_aws import EmbeddedAws

ACCOUNT, REGION = "123456789012", "us-east-1"
NOW = datetime.now(UTC)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[EmbeddedAws]:
    with EmbeddedAws(account=ACCOUNT, region=REGION) as aws:
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.serve())
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_SESSION_TOKEN"):
            monkeypatch.delenv(name, raising=False)
        aws.call("ecr", "CreateRepository", {"repositoryName": "api"})
        monkeypatch.chdir(tmp_path)
        yield aws


def run(*arguments: str, text: str | None = None) -> Result:
    """Run `ecr-stack` as a user does."""
    return CliRunner().invoke(app, arguments, input=text)


def answer(*arguments: str) -> tuple[int, Any]:
    """Run a command with `--format json`; give its exit code and its answer."""
    result = run(*arguments, "--format", "json")
    assert result.stdout, repr(result.exception)
    return result.exit_code, json.loads(result.stdout)


def here(*arguments: str) -> list[str]:
    return [*arguments, "--region", REGION]


def digests(aws: EmbeddedAws, repository: str = "api", status: str = "ANY") -> set[str]:
    asked = {"repositoryName": repository, "filter": {"imageStatus": status}, "maxResults": 1000}
    return {each["imageDigest"] for each in aws.call("ecr", "DescribeImages", asked)["imageDetails"]}


def tags(aws: EmbeddedAws, repository: str = "api") -> dict[str, str]:
    asked = {"repositoryName": repository, "filter": {"imageStatus": "ANY"}, "maxResults": 1000}
    images = aws.call("ecr", "DescribeImages", asked)["imageDetails"]
    return {tag: each["imageDigest"] for each in images for tag in each.get("imageTags", ())}


def old(number: int, *tags: str, days: int = 100, **more: Any) -> dict[str, Any]:
    """An image of long ago for `seed_images`."""
    return {
        "imageDigest": f"sha256:{number:064x}",
        "imagePushedAt": NOW - timedelta(days=days),
        "imageSizeInBytes": 1000 + number,
        **({"imageTags": list(tags)} if tags else {}),
        **more,
    }


Fault = Callable[[Any], Any]


def refusal(code: str, status: int = 400) -> Fault:
    class Raw:
        def stream(self, **_: Any) -> Iterator[bytes]:
            yield f'{{"__type":"{code}","message":"injected"}}'.encode()

    return lambda request: AWSResponse(request.url, status, {"x-amzn-RequestId": "1"}, Raw())


@pytest.fixture
def fail(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, list[Fault | None]], None]:
    """Lets the next requests of an operation fail, below everything that boto3 does; `None` lets one through."""
    faults: dict[str, list[Fault | None]] = {}
    original = boto3.Session.client

    def client(self: Any, service: str, *arguments: Any, **options: Any) -> Any:
        made = original(self, service, *arguments, **options)
        for operation in list(faults):

            def send(request: Any, operation: str = operation, **_: Any) -> Any:
                fault = faults[operation].pop(0) if faults[operation] else None
                return fault(request) if fault else None

            made.meta.events.register(f"before-send.{service}.{operation}", send)
        return made

    monkeypatch.setattr(boto3.Session, "client", client)
    return faults.__setitem__
