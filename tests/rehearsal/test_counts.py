"""What a repository costs, in counts: they are the same on every machine, and grow with the number of repositories alone."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from ecr_stack import Repository
from ecr_stack.components.component import Component
from ecr_stack.rehearsal import rehearse_program
from ecr_stack.rehearsal.monitor import Recorder


def program(repositories: int) -> None:
    for number in range(repositories):
        Repository(
            f"team/r{number}",
            {"lifecycle": [{"untagged": True, "expire_after_days": 1}], "access": {"pull": ["role/ci"]}},
        )


def counted(repositories: int, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Rehearse, and count API calls, registrations and validations of arguments."""
    counts: Counter[str] = Counter()
    lock = threading.Lock()

    def counting(original: Callable[..., Any], name: str) -> Callable[..., Any]:
        def counted(*args: Any, **kwargs: Any) -> Any:
            with lock:
                counts[name] += 1
            return original(*args, **kwargs)

        return counted

    with monkeypatch.context() as patched:
        for owner, name in (
            (Recorder, "RegisterResource"),
            (Recorder, "RegisterResourceOutputs"),
            (Recorder, "Invoke"),
            (Component, "_validated_by"),
        ):
            patched.setattr(owner, name, counting(getattr(owner, name), name))
        report = rehearse_program(lambda: program(repositories), assume=["arn:aws:iam::123456789012:role/ci"])
    counts.update(report.calls)
    counts["resources"] = len(report.resources)
    return counts


def test_a_repository_costs_the_same_calls_registrations_and_validations_in_a_stack_of_any_size(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    few, more, many = (counted(size, monkeypatch) for size in (2, 5, 11))
    first, second = more - few, many - more
    assert second == Counter({name: 2 * times for name, times in first.items()})
    assert {name: times // 3 for name, times in first.items()} == {
        "RegisterResource": 4,
        "RegisterResourceOutputs": 1,
        "_validated_by": 1,
        "resources": 4,
        "ecr:CreateRepository": 1,
        "ecr:DescribeRepositories": 1,
        "ecr:ListTagsForResource": 1,
        "ecr:PutLifecyclePolicy": 1,
        "ecr:GetLifecyclePolicy": 1,
        "ecr:SetRepositoryPolicy": 1,
        "ecr:GetRepositoryPolicy": 1,
    }


def test_the_work_of_a_rehearsal_grows_no_faster_than_the_stack() -> None:
    """Calls of Python functions, in all threads."""
    works = []
    rehearse_program(lambda: program(2))  # imports and caches
    for size in (10, 20, 40):
        made = [0]

        def seen(_frame: Any, event: str, _arg: Any, made: list[int] = made) -> None:
            if event == "call":
                made[0] += 1

        before = sys.getprofile()
        threading.setprofile(seen)
        sys.setprofile(seen)
        try:
            rehearse_program(lambda size=size: program(size))  # type: ignore[misc]
        finally:
            sys.setprofile(before)
            threading.setprofile(None)
        works.append(made[0] / size)
    assert all(later <= 1.15 * earlier for earlier, later in pairwise(works)), works
