"""What `docs/reference/access.md` shows works as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from ecr_stack.aws.iam import PULL, PUSH
from ecr_stack.model import parse
from ecr_stack.schema.access import Access
from ecr_stack.schema.access_documents import repository_policy

TEXT = (Path(__file__).parents[2] / "docs" / "reference" / "access.md").read_text()


def test_the_stack_file_in_the_documentation_becomes_a_policy() -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    data = yaml.safe_load(block)["ecr-stack:repositoryDefaults"]["access"]
    document = repository_policy(
        parse(Access, data, "access", source="docs/reference/access.md"), "123456789012", "aws"
    )
    assert document is not None
    assert [statement["Sid"] for statement in document["Statement"]] == [
        "AllowPull", "AllowPullByAccounts", "AllowPullByOrganizations", "AllowPush", "AllowLambdaAccounts",
        "AllowLambda", "AuditorsRead",
    ]  # fmt: skip


def test_the_actions_in_the_documentation_are_those_that_are_granted() -> None:
    for word, actions in (("pull", PULL), ("push", PUSH)):
        (sentence,) = re.findall(rf"- A {word} is (.*?)[.;]?(?:, as|\n-)", TEXT, re.DOTALL)
        assert re.findall(r"`(\w+)`", sentence) == [action.removeprefix("ecr:") for action in actions]


def test_every_grant_is_in_the_documentation() -> None:
    keys = {field.alias or name for name, field in Access.model_fields.items()}
    assert {key for key in keys if f"`{key}" not in TEXT} == set()
