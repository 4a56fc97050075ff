"""The embedded AWS over HTTP, a clock that tests turn, and images with scans in it."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from ecr_stack.cli.app import app
from ecr_stack.embedded_aws import EmbeddedAws
from ecr_stack.operations.ecr import client
from ecr_stack.operations.scanning import reading
from ecr_stack.operations.scanning.reading import Deadline, ScanReader
from ecr_stack.operations.scanning.references import parse_reference

ACCOUNT, REGION = "123456789012", "us-east-1"
HOST = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"


def finding(
    name: str = "CVE-2026-1000", severity: str = "CRITICAL", package: str = "openssl", **more: Any
) -> dict[str, Any]:
    return {"name": name, "severity": severity, "package": package, "version": "1.1.1-1", **more}


@dataclass
class Clock:
    """A clock on which only sleeping takes time."""

    time: float = 0.0
    sleeps: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.time += seconds

    def deadline(self, seconds: float = 600) -> Deadline:
        return Deadline(seconds, clock=self, sleep=self.sleep, jitter=lambda: 1.0)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that the command goes by too."""
    clock = Clock()
    monkeypatch.setattr(
        reading, "Deadline", functools.partial(Deadline, clock=clock, sleep=clock.sleep, jitter=lambda: 1.0)
    )
    return clock


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddedAws]:
    with EmbeddedAws(account=ACCOUNT, region=REGION) as aws:
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.serve())
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_SESSION_TOKEN"):
            monkeypatch.delenv(name, raising=False)
        aws.call("ecr", "CreateRepository", {"repositoryName": "team/api"})
        yield aws


@pytest.fixture
def reader(aws: EmbeddedAws, clock: Clock) -> Callable[..., ScanReader]:
    def make(seconds: float = 600, **options: Any) -> ScanReader:
        ecr = options.pop("ecr", None) or client(REGION, patient=False, timeout=5)
        return ScanReader(ecr, clock.deadline(seconds), **options)

    return make


def enhanced(aws: EmbeddedAws, scan_filter: str = "*", frequency: str = "CONTINUOUS_SCAN") -> None:
    rule = {"scanFrequency": frequency, "repositoryFilters": [{"filter": scan_filter, "filterType": "WILDCARD"}]}
    aws.call("ecr", "PutRegistryScanningConfiguration", {"scanType": "ENHANCED", "rules": [rule]})


def image(name: str = "team/api:v1") -> Any:
    return parse_reference(f"{HOST}/{name}")


def run(*arguments: str) -> Result:
    """Run `ecr-stack scan` as a user does; errors come out as they are raised."""
    return CliRunner().invoke(app, ["scan", *arguments], catch_exceptions=True)


def decision(*arguments: str) -> tuple[int, dict[str, Any]]:
    """Run the gate; give its exit code and its answer."""
    result = run("gate", *arguments, "--format", "json")
    assert result.stdout, result.exception
    return result.exit_code, json.loads(result.stdout)
