"""The guard stops a lifecycle change that would remove more than the limits allow, before anything is touched."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from ecr_stack.aws.lifecycle import policy_text
from ecr_stack.embedded_aws import EmbeddedAws
from ecr_stack.errors import NotFound, Unavailable
from ecr_stack.operations.guard import Limits, Verdict, guard, judge, preview, report
from ecr_stack.schema.guard import RepositoryGuard
from ecr_stack.schema.lifecycle import LifecycleRule, compile_rules

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def document(**rule: Any) -> str:
    return policy_text(compile_rules([LifecycleRule.model_validate(rule)]))


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
    assert verdict.exceeded == ("120 images would expire; maxExpire is 50",)
    assert len(verdict.affected) == verdict.images == 120
    assert verdict.repository == "api"


def test_a_change_within_the_limits_goes_through(cloud: EmbeddedAws) -> None:
    cloud.seed_images("api", [image(number) for number in range(10)])
    assert asked(cloud, UNTAGGED, Limits(0, 0, protect_pulled_within_days=365)).exceeded == ()


def test_a_share_of_the_repository_is_counted(cloud: EmbeddedAws) -> None:
    cloud.seed_images("api", [image(n, days=100 if n < 3 else 0.1) for n in range(10)])
    assert asked(cloud, EVERYTHING, Limits(max_expire_percent=30)).exceeded == ()
    assert asked(cloud, EVERYTHING, Limits(max_expire_percent=29)).exceeded


def test_what_was_pulled_of_late_is_kept_and_listed_first(cloud: EmbeddedAws) -> None:
    cloud.seed_images("api", [image(1), image(2, pulled=40), image(3, pulled=5)])
    verdict = asked(cloud, EVERYTHING, Limits(protect_pulled_within_days=30))
    assert "1 of them was pulled within the last 30 days" in verdict.exceeded[0]
    assert [loss.tags for loss in verdict.affected] == [("v1.0.3",), ("v1.0.2",), ("v1.0.1",)]
    assert asked(cloud, EVERYTHING, Limits(protect_pulled_within_days=4)).exceeded == ()


@pytest.mark.parametrize("days", [800_000, 10**11])
def test_days_beyond_the_calendar_protect_whatever_was_pulled(cloud: EmbeddedAws, days: int) -> None:
    cloud.seed_images("api", [image(1, pulled=40)])
    (limit,) = asked(cloud, EVERYTHING, Limits(protect_pulled_within_days=days)).exceeded
    assert "which protectPulledWithinDays forbids" in limit


def test_an_empty_repository_is_not_previewed(cloud: EmbeddedAws) -> None:
    verdict = asked(cloud, EVERYTHING, Limits(0, 0))
    assert (verdict.images, verdict.exceeded) == (0, ())
    assert "ecr:StartLifecyclePolicyPreview" not in cloud.calls


def test_a_repository_that_is_not_found_does_not_pass(cloud: EmbeddedAws) -> None:
    with pytest.raises(NotFound):
        asked(cloud, EVERYTHING, Limits(0, 0), "not-there-yet")


KEEP_ONE = document(any=True, keepLast=1)


def level(*pulled: float | None) -> list[dict[str, Any]]:
    """Images pushed in one second, each pulled so many days ago."""
    at = datetime.now(UTC).replace(microsecond=0) - timedelta(days=9)
    return [image(number, pulled=days) | {"imagePushedAt": at} for number, days in enumerate(pulled, 1)]


def test_images_of_which_ecr_may_take_others_are_named(cloud: EmbeddedAws) -> None:
    cloud.seed_images("api", level(None, None, None))
    verdict = asked(cloud, KEEP_ONE, Limits(max_expire=2))
    assert verdict.exceeded == ()
    assert (
        "rule 1 takes 2 of 3 images pushed at the same instant, and ECR may choose others: v1.0.2; v1.0.3; v1.0.1"
        in report(verdict)
    )


def test_an_image_pulled_of_late_is_protected_if_ecr_may_take_it_instead_of_another(cloud: EmbeddedAws) -> None:
    cloud.seed_images("api", level(5, None, None))
    assert [loss.tags for loss in asked(cloud, KEEP_ONE, Limits()).affected] == [("v1.0.3",), ("v1.0.2",)]
    verdict = asked(cloud, KEEP_ONE, Limits(protect_pulled_within_days=30))
    assert "1 of them was pulled within the last 30 days" in verdict.exceeded[0]
    assert asked(cloud, KEEP_ONE, Limits(protect_pulled_within_days=4)).exceeded == ()


def test_of_images_that_tie_no_more_count_as_pulled_of_late_than_go(cloud: EmbeddedAws) -> None:
    cloud.seed_images("api", level(5, 5, 5))
    verdict = asked(cloud, KEEP_ONE, Limits(protect_pulled_within_days=30))
    assert "2 of them were pulled" in verdict.exceeded[0]


def test_the_report_lists_what_would_go_and_says_how_to_allow_it(cloud: EmbeddedAws) -> None:
    cloud.seed_images("api", [image(number, pulled=number) for number in range(1, 31)])
    text = report(asked(cloud, EVERYTHING, Limits(max_expire=3)))
    for words in (
        "the lifecycle change was stopped",
        "30 images would expire",
        "v1.0.1; pulled",
        "and 10 more",
        "overrides",
    ):
        assert words in text
    assert "ecr:PutLifecyclePolicy" not in cloud.calls


def test_an_override_is_told_with_its_reason(cloud: EmbeddedAws) -> None:
    cloud.seed_images("api", [image(number) for number in range(5)])
    verdict = asked(cloud, EVERYTHING, Limits(max_expire=5, reason="old nightly builds, OPS-123"))
    assert verdict.exceeded == ()
    assert "overridden: old nightly builds, OPS-123" in report(verdict)


def test_images_that_would_go_to_the_archive_count_as_well(cloud: EmbeddedAws) -> None:
    cloud.seed_images("api", [image(number) for number in range(10)])
    archive = document(any=True, archiveAfterDays=1)
    assert asked(cloud, archive, Limits(max_expire=9)).exceeded
    assert asked(cloud, archive, Limits(max_expire=0, max_archive=10)).exceeded == ()
    assert asked(cloud, archive, Limits(max_expire=100, max_archive=9)).exceeded
    assert asked(cloud, archive, Limits(max_archive_percent=99)).exceeded


def test_the_limits_for_what_expires_are_those_for_the_archive_where_it_has_none() -> None:
    gone = [{"imageDigest": f"sha256:{n}", "action": {"type": "TRANSITION"}} for n in range(3)]
    for limits in (Limits(max_expire=2), Limits(max_expire_percent=99)):
        assert len(judge("api", gone, gone, limits, NOW).exceeded) == 1
    for limits in (Limits(max_expire=2, max_archive=3), Limits(max_expire_percent=99, max_archive_percent=100)):
        assert judge("api", gone, gone, limits, NOW).exceeded == ()


@pytest.mark.parametrize("text", [UNTAGGED, "", "{", None])
def test_the_preview_of_another_document_is_not_taken_for_the_answer(text: str | None) -> None:
    class Other:
        def start_lifecycle_policy_preview(self, **_: Any) -> None: ...

        def get_lifecycle_policy_preview(self, **_: Any) -> dict[str, Any]:
            return {"status": "COMPLETE", "previewResults": [], "lifecyclePolicyText": text}

    with pytest.raises(Unavailable, match="another document"):
        preview(Other(), "api", EVERYTHING)


class Answering:
    """An ECR that refuses to start a preview, or has none yet, for so many questions; one second is a question."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, refused: list[str] | None = None, pending: int = 0) -> None:
        self.refused = refused or []
        self.pending = pending
        self.slept: list[float] = []
        monkeypatch.setattr("ecr_stack.operations.guard.time", self)

    def monotonic(self) -> float:
        return sum(self.slept)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def start_lifecycle_policy_preview(self, **_: Any) -> None:
        if self.refused:
            raise ClientError({"Error": {"Code": self.refused.pop(), "Message": "no"}}, "StartLifecyclePolicyPreview")

    def get_lifecycle_policy_preview(self, **_: Any) -> dict[str, Any]:
        self.pending -= 1
        if self.pending >= 0:
            return {"status": "IN_PROGRESS"}
        return {
            "status": "COMPLETE",
            "previewResults": [{"imageDigest": "sha256:a"}],
            "lifecyclePolicyText": EVERYTHING,
        }


BUSY = "LifecyclePolicyPreviewInProgressException"


def test_the_preview_is_waited_for_with_growing_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    ecr = Answering(monkeypatch, refused=[BUSY, BUSY], pending=8)
    assert preview(ecr, "api", EVERYTHING) == [{"imageDigest": "sha256:a"}]
    assert ecr.slept == [1, 1, 1, 1.5, 2.25, 3.375, 5.0625, 7.59375, 10, 10]


def test_a_preview_that_does_not_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    ecr = Answering(monkeypatch, pending=1000)
    with pytest.raises(Unavailable, match="took more than 600 s"):
        preview(ecr, "api", EVERYTHING)
    assert 600 < ecr.monotonic() <= 610


def test_a_preview_of_somebody_else_that_does_not_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    ecr = Answering(monkeypatch, refused=[BUSY] * 1000)
    with pytest.raises(Unavailable, match=BUSY):
        preview(ecr, "api", EVERYTHING, patience=20)
    assert 20 < ecr.monotonic() <= 21


def test_a_preview_that_is_refused_for_another_reason_is_not_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    ecr = Answering(monkeypatch, refused=["ServerException", "ServerException"])
    with pytest.raises(Unavailable, match="ServerException"):
        preview(ecr, "api", EVERYTHING)
    assert ecr.slept == []


def test_a_preview_that_failed_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    ecr = Answering(monkeypatch)
    monkeypatch.setattr(ecr, "get_lifecycle_policy_preview", lambda **_: {"status": "FAILED"})
    with pytest.raises(Unavailable, match="ended as FAILED"):
        preview(ecr, "api", EVERYTHING)


def test_the_limits_of_a_stack_file_are_the_guards() -> None:
    written = {"maxExpire": 3, "maxArchivePercent": 4, "protectPulledWithinDays": 5, "reason": "old builds, OPS-123"}
    settings = RepositoryGuard.model_validate(written)
    assert Limits.of(settings) == Limits(3, None, None, 4, 5, "old builds, OPS-123")


def test_the_report_counts_what_expires_and_what_is_archived() -> None:
    results = [
        {"imageDigest": f"sha256:{n:064}", "action": {"type": kind}, "appliedRulePriority": 7, "imageTags": tags}
        for n, (kind, tags) in enumerate([("EXPIRE", ["v1", "latest"]), ("EXPIRE", []), ("TRANSITION", None)])
    ]
    images = [{**results[0], "lastRecordedPullTime": NOW}, *results[1:]]
    text = report(judge("api", results, images, Limits(max_expire=1), NOW))
    assert text.splitlines()[0] == "api: up to 2 of 3 images would expire, 1 archived"
    assert "nothing was changed" in text
    assert "sha256:000000000000… v1, latest; pulled 2026-06-01; rule 7" in text
    assert "sha256:000000000000… untagged; no pull recorded; rule 7" in text
    assert "api: {maxExpire: 2, maxExpirePercent: 100, maxArchive: 1, maxArchivePercent: 100, reason: …}" in text


def test_an_image_pulled_exactly_so_many_days_ago_is_protected() -> None:
    def exceeded(days: float) -> bool:
        images = [{"imageDigest": "sha256:a", "lastRecordedPullTime": NOW - timedelta(days=days)}]
        return bool(judge("api", images, images, Limits(protect_pulled_within_days=30), NOW).exceeded)

    assert [exceeded(days) for days in (0, 29.5, 30, 30.01)] == [True, True, True, False]


def test_an_image_that_came_after_the_images_were_read_counts_in_the_percentage() -> None:
    results = [{"imageDigest": f"sha256:{name}"} for name in "ab"]
    assert judge("api", results, results[:1], Limits(max_expire_percent=100), NOW).exceeded == ()
    assert judge("api", results, [], Limits(max_expire_percent=99), NOW).exceeded == (
        "100% of 2 images would expire; maxExpirePercent is 99",
    )


RESULTS = st.lists(
    st.tuples(st.integers(0, 20), st.sampled_from(["EXPIRE", "TRANSITION"]), st.none() | st.integers(0, 400)),
    unique_by=lambda item: item[0],
)
LIMITS = st.builds(
    Limits,
    max_expire=st.none() | st.integers(0, 20),
    max_expire_percent=st.none() | st.integers(0, 100),
    max_archive=st.none() | st.integers(0, 20),
    max_archive_percent=st.none() | st.integers(0, 100),
    protect_pulled_within_days=st.none() | st.integers(0, 400),
)


@given(RESULTS, st.integers(0, 20), LIMITS)
def test_whatever_goes_through_is_within_every_limit(results: list[Any], kept: int, limits: Limits) -> None:
    found = [{"imageDigest": f"sha256:{n}", "action": {"type": kind}} for n, kind, _ in results]
    images: list[dict[str, Any]] = [
        {"imageDigest": f"sha256:{n}"}
        | ({"lastRecordedPullTime": NOW - timedelta(days=pulled)} if pulled is not None else {})
        for n, _, pulled in results
    ] + [{"imageDigest": f"sha256:kept-{n}"} for n in range(kept)]
    verdict = judge("api", found, images, limits, NOW)
    within = limits.protect_pulled_within_days is None or all(
        pulled is None or pulled > limits.protect_pulled_within_days for _, _, pulled in results
    )
    for kind, limit, percent in (
        ("EXPIRE", limits.max_expire, limits.max_expire_percent),
        (
            "TRANSITION",
            limits.max_expire if limits.max_archive is None else limits.max_archive,
            limits.max_expire_percent if limits.max_archive_percent is None else limits.max_archive_percent,
        ),
    ):
        count = sum(kind == each for _, each, _ in results)
        within = within and (limit is None or count <= limit)
        within = within and (percent is None or count * 100 <= percent * len(images))
    assert (not verdict.exceeded) == within
    assert len(verdict.affected) == len(results)
