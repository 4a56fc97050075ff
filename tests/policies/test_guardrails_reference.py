"""docs/reference/guardrails.md lists the policies as they are."""

from __future__ import annotations

import re
from pathlib import Path

from guardrails.pack import POLICIES
from guardrails.production import PRODUCTION
from guardrails.reference import written_anew

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "guardrails.md"


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


def test_the_comparison_with_other_scanners_names_policies_that_exist() -> None:
    table = PAGE.read_text(encoding="utf-8").partition("comparison: begin")[2].partition("comparison: end")[0]
    rows = [row.split("|")[1:3] for row in table.splitlines()[3:] if row.startswith("|")]
    names = {policy.name for policy in POLICIES}
    named = {name for _, ours in rows for name in re.findall(r"`([a-z]+(?:-[a-z]+){2,})`", ours)}
    assert named <= names
    for check in ("ECR.1", "ECR.2", "ECR.3", "ECR.5", "KMS.4", "CKV_AWS_136", "AVD-AWS-0032"):
        assert any(check in theirs for theirs, _ in rows)
