"""What counts as production, and what a review says when it no longer does."""

from __future__ import annotations

from typing import Any

import pytest

from ecr_stack.cli.comparison import sign, summary
from ecr_stack.review.compare import compare

REPOSITORY = "aws:ecr/repository:Repository"


def report(stack: str, environment: str | None, tag: str | None = None, **more: Any) -> dict[str, Any]:
    inputs = {"name": "api", "tags": {} if tag is None else {"Environment": tag}}
    repository = {
        "urn": f"urn:pulumi:{stack}::p::{REPOSITORY}::api", "type": REPOSITORY, "name": "api", "id": "api", "parent": None,
        "inputs": inputs, "outputs": {**inputs, "region": "us-east-1"}, "options": {}, "dependencies": [],
    }  # fmt: skip
    settings = {} if environment is None else {"ecr-stack:environment": environment}
    return {"stack": stack, "resources": [repository], "violations": [], "settings": settings, "guardrails": {}, **more}


def risks(base: dict[str, Any], head: dict[str, Any]) -> list[str]:
    return [f"{each.level} {each.name}: {each.message}" for each in compare(base, head).risks]


NOT_ASKED = "production policies no longer apply here, so the absence of violations means little"


def test_production_that_is_configured_as_something_else_is_no_longer_production() -> None:
    base, head = report("main", "prod", "prod"), report("main", "staging", "staging")
    assert risks(base, head) == [
        f"danger ecr-stack:environment: no longer counts as production (prod → staging): {NOT_ASKED}"
    ]
    assert sign(compare(base, head)) == "🛑"


def test_the_name_of_the_stack_is_enough_and_the_review_says_so() -> None:
    base, head = report("prod", "prod", "prod"), report("prod", "staging", "staging")
    assert risks(base, head) == [
        "attention ecr-stack:environment: no longer says production (prod → staging); it still counts as production by "
        "the stack's name"
    ]
    assert sign(compare(base, head)) == "⚠️"


def test_a_tag_by_itself_makes_production_and_takes_it_away() -> None:
    gone = f"danger api: no longer counts as production (the tag `Environment`: live → dev): {NOT_ASKED}"
    assert risks(report("eu", "eu", "live"), report("eu", "eu", "dev")) == [gone]
    still = (
        "attention api: no longer says production (the tag `Environment`: prod → none); it still counts as production by "
        "`ecr-stack:environment`"
    )
    assert risks(report("eu", "prd", "prod"), report("eu", "prd")) == [still]
    # a base of an older version has no settings
    assert risks({**report("eu", None, "live"), "settings": None}, report("eu", "eu", "dev")) == [gone]


@pytest.mark.parametrize(
    ("base", "head"),
    [
        (report("dev", "dev", "dev"), report("dev", "staging", "staging")),
        (report("eu", "dev", "dev"), report("eu", "prod", "prod")),
        (report("prod", "prod", "prod"), report("prod", "production", "PROD")),
        (report("prod", "preprod", "preprod"), report("prod", "qa", "qa")),
    ],
)
def test_what_was_not_called_production_loses_nothing(base: dict[str, Any], head: dict[str, Any]) -> None:
    assert risks(base, head) == []


def test_what_means_production_to_the_guardrails_means_it_to_the_review() -> None:
    gold: dict[str, Any] = {"guardrails": {"p": {"productionValues": ["gold"], "reason": "our words"}}}
    assert "no longer counts as production" in risks(report("x", "gold", **gold), report("x", "tin", **gold))[0]
    assert risks(report("x", "gold"), report("x", "tin")) == []


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (report("prod", "prod"), "Guardrails: no violations."),
        (report("prod", "staging"), "Guardrails: no violations."),
        (report("x", "x", "live"), "Guardrails: no violations."),
        (
            report("dev", "dev", "dev"),
            "Guardrails: no violations. What they ask of production alone is not asked of this stack.",
        ),
        (report("prod", "prod", guardrails=None), "No guardrail was run: what they would say is not known."),
    ],
)
def test_nothing_is_violated_is_said_of_what_was_asked(head: dict[str, Any], said: str) -> None:
    assert said in summary(compare({**head, "guardrails": None}, head))
