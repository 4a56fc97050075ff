"""The guard stops a lifecycle change that would remove more than the limits allow, before anything is touched."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.config import Config
from hypothesis import given
from hypothesis import strategies as st

from ecr_stack.aws.lifecycle import Rule, compile_rules, policy_text
from ecr_stack.components.lifecycle_guard import SCRIPT
from ecr_stack.embedded_aws import EmbeddedAws
from ecr_stack.embedded_provider import Provider
from ecr_stack.errors import Unavailable
from ecr_stack.operations.guard import Limits, Verdict, guard, judge

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def document(**rule: Any) -> str:
    return policy_text(compile_rules([Rule.model_validate(rule)]))


EVERYTHING = document(any=True, expireAfterDays=1)
UNTAGGED = document(untagged=True, expireAfterDays=1)


def image(number: int, *, days: float = 100, pulled: float | None = None, tag: str | None = None) -> dict[str, Any]:
    now = datetime.now(UTC)
    return {
        "imageDigest": f"sha256:{number:064x}",
        "imageTags": [tag or f"v1.0.{number}"],
        "imagePushedAt": now - timedelta(days=days),
        "imageSizeInBytes": 1000,
        "imageStatus": "ACTIVE",
        **({"lastRecordedPullTime": now - timedelta(days=pulled)} if pulled is not None else {}),
    }


@pytest.fixture
def cloud() -> Iterator[EmbeddedAws]:
    with EmbeddedAws() as aws:
        aws.call("ecr", "CreateRepository", {"repositoryName": "api"})
        yield aws


def asked(cloud: EmbeddedAws, text: str, limits: Limits, repository: str = "api") -> Verdict:
    ecr = boto3.client(
        "ecr",
        endpoint_url=cloud.serve(),
        region_name=cloud.region,
        aws_access_key_id="x",
        aws_secret_access_key="x",
        config=Config(retries={"max_attempts": 1}),
    )
    return guard(ecr, repository, text, limits, datetime.now(UTC))


def test_a_change_that_would_remove_everything_is_stopped(cloud: EmbeddedAws) -> None:
    cloud.seed_images("api", [image(number) for number in range(120)])
    verdict = asked(cloud, EVERYTHING, Limits(max_expire=50))
    assert verdict.passed == ("120 images would go, and maxExpire is 50",)
    assert len(verdict.losses) == verdict.images == 120


def test_a_change_within_the_limits_goes_through(cloud: EmbeddedAws) -> None:
    cloud.seed_images("api", [image(number) for number in range(10)])
    assert asked(cloud, UNTAGGED, Limits(0, 0, 365)).passed == ()


def test_a_share_of_the_repository_is_counted(cloud: EmbeddedAws) -> None:
    cloud.seed_images("api", [image(n, days=100 if n < 3 else 0.1) for n in range(10)])
    assert asked(cloud, EVERYTHING, Limits(max_expire_percent=30)).passed == ()
    assert asked(cloud, EVERYTHING, Limits(max_expire_percent=29)).passed


def test_what_was_pulled_of_late_is_kept_and_listed_first(cloud: EmbeddedAws) -> None:
    cloud.seed_images("api", [image(1), image(2, pulled=40), image(3, pulled=5)])
    verdict = asked(cloud, EVERYTHING, Limits(protect_pulled_within_days=30))
    assert "1 of them was pulled within the last 30 days" in verdict.passed[0]
    assert [loss.tags for loss in verdict.losses] == [("v1.0.3",), ("v1.0.2",), ("v1.0.1",)]
    assert asked(cloud, EVERYTHING, Limits(protect_pulled_within_days=4)).passed == ()


@pytest.mark.parametrize("repository", ["api", "not-there-yet"])
def test_where_there_is_nothing_there_is_nothing_to_ask(cloud: EmbeddedAws, repository: str) -> None:
    verdict = asked(cloud, EVERYTHING, Limits(0, 0, 1000), repository)
    assert (verdict.images, verdict.passed) == (0, ())
    assert "ecr:StartLifecyclePolicyPreview" not in cloud.calls


def command(limits: dict[str, str], text: str = EVERYTHING) -> dict[str, Any]:
    return {
        "create": SCRIPT,
        "interpreter": ["/bin/sh", "-c"],
        "stdin": text,
        "environment": {"ECR_STACK_REPOSITORY": "api", "ECR_STACK_REGION": "us-east-1", **limits},
        "triggers": [text],
    }


def test_the_command_fails_with_the_list_and_says_how_to_override(cloud: EmbeddedAws) -> None:
    cloud.seed_images("api", [image(number, pulled=number) for number in range(1, 31)])
    with pytest.raises(Unavailable) as caught:
        Provider(cloud).create("command:local:Command", "api", command({"ECR_STACK_MAX_EXPIRE": "3"}))
    message = str(caught.value)
    for words in (
        "the lifecycle change is stopped",
        "30 images would go",
        "v1.0.1; pulled",
        "and 10 more",
        "overrides",
    ):
        assert words in message
    assert "ecr:PutLifecyclePolicy" not in cloud.calls


def test_an_override_goes_through_and_stays_on_record(cloud: EmbeddedAws) -> None:
    cloud.seed_images("api", [image(number) for number in range(5)])
    inputs = command({"ECR_STACK_MAX_EXPIRE": "5", "ECR_STACK_REASON": "old nightly builds, OPS-123"})
    _, outputs = Provider(cloud).create("command:local:Command", "api", inputs)
    assert "overridden: old nightly builds, OPS-123" in outputs["stdout"]
    assert outputs["environment"]["ECR_STACK_REASON"] == "old nightly builds, OPS-123"


RESULTS = st.lists(
    st.tuples(st.integers(0, 20), st.sampled_from(["EXPIRE", "TRANSITION"]), st.none() | st.integers(0, 400)),
    unique_by=lambda item: item[0],
)
LIMITS = st.builds(
    Limits,
    max_expire=st.none() | st.integers(0, 20),
    max_expire_percent=st.none() | st.integers(0, 100),
    protect_pulled_within_days=st.none() | st.integers(0, 400),
)


@given(RESULTS, st.integers(0, 20), LIMITS)
def test_whatever_goes_through_is_within_every_limit(results: list[Any], kept: int, limits: Limits) -> None:
    preview = [{"imageDigest": f"sha256:{n}", "action": {"type": kind}} for n, kind, _ in results]
    images: list[dict[str, Any]] = [
        {"imageDigest": f"sha256:{n}"}
        | ({"lastRecordedPullTime": NOW - timedelta(days=pulled)} if pulled is not None else {})
        for n, _, pulled in results
    ] + [{"imageDigest": f"sha256:kept-{n}"} for n in range(kept)]
    verdict = judge("api", preview, images, limits, NOW)
    gone = [pulled for _, kind, pulled in results if kind == "EXPIRE"]
    within = (
        (limits.max_expire is None or len(gone) <= limits.max_expire)
        and (limits.max_expire_percent is None or len(gone) * 100 <= limits.max_expire_percent * len(images))
        and (
            limits.protect_pulled_within_days is None
            or all(pulled is None or pulled > limits.protect_pulled_within_days for pulled in gone)
        )
    )
    assert (not verdict.passed) == within
    assert len(verdict.losses) == len(gone)
    assert json.dumps(verdict.passed)
