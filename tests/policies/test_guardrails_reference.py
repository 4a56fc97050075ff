"""docs/guardrails.md lists the policies as they are."""

from __future__ import annotations

from pathlib import Path

from guardrails.pack import POLICIES
from guardrails.production import PRODUCTION
from guardrails.reference import written_anew

PAGE = Path(__file__).parents[2] / "docs" / "guardrails.md"


def test_the_page_lists_the_policies_as_they_are() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == written_anew(page), "write the tables anew: make docs"


def test_policies_that_ask_what_production_is_say_so_in_their_names() -> None:
    about = {policy.name for policy in POLICIES if PRODUCTION.keys() <= policy.facts.config.keys()}
    assert about == {policy.name for policy in POLICIES if "in-production" in policy.name}


def test_every_policy_is_a_sentence_with_a_reason_and_a_page() -> None:
    for policy in POLICIES:
        assert policy.name.count("-") >= 1
        assert policy.facts.reason.endswith(".")
        assert policy.facts.remedy.endswith(".")
        assert policy.facts.url.startswith("https://")
        for schema in policy.facts.config.values():
            assert schema["description"].endswith(".")
            assert "default" in schema


def test_the_names_of_policies_are_their_own() -> None:
    assert len({policy.name for policy in POLICIES}) == len(POLICIES)
