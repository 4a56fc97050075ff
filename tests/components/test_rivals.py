"""Which resources of a stack's state stand for the same thing in AWS as one that is about to be made."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ecr_stack.components.takeover import rivals_of

REPOSITORY = "aws:ecr/repository:Repository"
POLICY = "aws:ecr/lifecyclePolicy:LifecyclePolicy"
SECRET = "1b47061264138c4ac30d75fd1eb44270"


def secret(value: str) -> dict[str, str]:
    """A secret as `pulumi stack export --show-secrets` prints it."""
    return {"4dabf18193072939515e22adb298388d": SECRET, "plaintext": json.dumps(value)}


def resource(name: Any, token: str = REPOSITORY, **more: Any) -> dict[str, Any]:
    key = "name" if token == REPOSITORY else "repository"
    return {"urn": f"urn:pulumi:dev::theirs::{token}::old", "type": token, "inputs": {key: name}, **more}


def rivals(*state: dict[str, Any], token: str = REPOSITORY) -> list[str]:
    inputs = {"name": "team/api"} if token == REPOSITORY else {"repository": "team/api"}
    return [each["urn"] for each in rivals_of(f"urn:pulumi:dev::theirs::{token}::new", token, inputs, state)]


@pytest.mark.parametrize("token", [REPOSITORY, POLICY])
@pytest.mark.parametrize("name", ["team/api", secret("team/api")], ids=["plain", "secret"])
def test_another_resource_of_the_same_name_is_found(token: str, name: Any) -> None:
    assert rivals(resource(name, token), token=token) == [f"urn:pulumi:dev::theirs::{token}::old"]


def test_what_aws_answered_counts_before_what_was_asked_for() -> None:
    assert rivals(resource(secret("old-name"), outputs={"name": secret("team/api")}))


@pytest.mark.parametrize(
    "other",
    [
        resource("team/web"),
        resource(secret("team/web")),
        resource("team/api", POLICY),
        resource("team/api", delete=True),
        resource("team/api", retainOnDelete=True),
        resource("team/api", external=True),
        {**resource("team/api"), "urn": f"urn:pulumi:dev::theirs::{REPOSITORY}::new"},
    ],
)
def test_what_is_another_thing_goes_anyway_or_is_the_resource_itself_is_no_rival(other: dict[str, Any]) -> None:
    assert rivals(other) == []
