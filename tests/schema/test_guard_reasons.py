"""What messages propose in place of a reason is none."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ecr_stack.operations.guard import Limits, judge, report
from ecr_stack.schema.guard import LifecycleGuard
from ecr_stack.schema.reasons import PROPOSED, is_reason


@pytest.mark.parametrize(
    "text",
    ["", " ", "…", "...", "-", "TODO", "tbd.", "Reason", "why, and until when", PROPOSED, "see TICKET", "<reason>",
     "`todo`", "(TBD)", "n/a", "N.A.", "your reason here", "insert reason", "the reason", "TODO: write this", "xxx",
     "....x x x", "placeholder", "__", "\u200b", "why?!"],
)  # fmt: skip
def test_what_stands_in_for_a_reason_is_refused(text: str) -> None:
    assert not is_reason(text)
    with pytest.raises(ValueError, match="an override needs a reason"):
        LifecycleGuard.model_validate({"overrides": {"api": {"maxExpire": 9, "reason": text}}})
    with pytest.raises(ValueError, match="an override needs a reason"):
        LifecycleGuard.model_validate({"overrides": {"api": {"maxExpire": 9, "reason": f" {text} "}}})


@pytest.mark.parametrize(
    "text",
    [
        "OPS-1",
        "todos los repositorios",
        "the reason is OPS-1",
        "test images only",
        "nada",
        "10",
        "C",
        "old releases are gone",
        "x",
        "古いリリース",
        "agreed with Ann: names are free now",
    ],
)
def test_what_somebody_wrote_is_a_reason(text: str) -> None:
    assert is_reason(text)


def test_the_override_that_a_report_proposes_is_refused_until_somebody_fills_it_in() -> None:
    results = [{"imageDigest": "sha256:a"}, {"imageDigest": "sha256:b"}]
    images = [{"imageDigest": "sha256:a"}, {"imageDigest": "sha256:b"}]
    text = report(judge("api", results, images, Limits(max_expire=0), datetime.now(UTC)))
    proposed = text.rpartition("reason: ")[2].rstrip("}")
    assert proposed
    assert not is_reason(proposed)
