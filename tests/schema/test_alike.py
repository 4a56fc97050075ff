"""What only looks different, or trusts everybody, is refused in a stack file."""

from __future__ import annotations

from typing import Any

import pytest

from ecr_stack.errors import InvalidInput
from ecr_stack.schema.stack import stack_settings_of


def told(**said: Any) -> list[str]:
    settings = {"environment": "test", "repositories": {"api": {}}, **said}
    try:
        stack_settings_of(settings, source="Pulumi.test.yaml", region="us-east-1")
    except InvalidInput as error:
        return [problem.place for problem in error.problems]
    return []


@pytest.mark.parametrize(
    ("tags", "places"),
    [
        ({"Team": "a", "team": "b"}, ["ecr-stack:tags.team"]),
        ({"environment": "x"}, ["ecr-stack:tags.environment"]),
        ({"Team": "a", "Teams": "b"}, []),
    ],
)
def test_tags_that_iam_does_not_tell_apart(tags: dict[str, str], places: list[str]) -> None:
    assert told(tags=tags) == places


@pytest.mark.parametrize("issuer", ["*", "*.com", "https://*", "*/x.example.com", "*.com/*"])
def test_an_issuer_that_is_everybody(issuer: str) -> None:
    assert told(trusted={"issuers": [issuer]}) == ["ecr-stack:trusted.issuers[0]"]


@pytest.mark.parametrize("issuer", ["gitlab.example.com", "*.example.com/*", "https://x.example.com/a"])
def test_an_issuer_with_a_domain(issuer: str) -> None:
    assert told(trusted={"issuers": [issuer]}) == []
