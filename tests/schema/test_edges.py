"""Values at the edges of what they may be: the last ones that are accepted, the first ones that are not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from ecr_stack.aws.names import EmailAddress
from ecr_stack.errors import InvalidInput
from ecr_stack.schema.access import LambdaSource, PullThroughCacheGrant
from ecr_stack.schema.budget import BudgetSettings, Threshold
from ecr_stack.schema.guard import Limit, Percent, RoleArn
from ecr_stack.schema.notifications import ChannelId, Prefix, WorkspaceId
from ecr_stack.schema.pipelines import NewRoleName, PipelineTrust
from ecr_stack.schema.public_repository import PublicRepositoryName
from ecr_stack.schema.pull_through_cache import CachePrefix
from ecr_stack.schema.registry import NamePrefix
from ecr_stack.schema.stack import stack_settings_of

ROLE = "arn:aws:iam::123456789012:role/"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:"


def of(annotated: Any) -> Callable[[Any], Any]:
    return TypeAdapter(annotated).validate_python


def amount(value: Any) -> Any:
    return BudgetSettings.model_validate({"amount": value, "email": ["team@example.com"]})


def namespace(value: Any) -> Any:
    return PullThroughCacheGrant.model_validate({"principals": ["111122223333"], "namespaces": [value]})


def subject(value: Any) -> Any:
    return PipelineTrust.model_validate({"subjects": [value]})


EDGES: dict[str, tuple[Callable[[Any], Any], list[Any], list[Any]]] = {
    "limit": (of(Limit), [0, 1], [-1]),
    "percentage": (of(Percent), [0, 100], [-1, 101]),
    "role": (
        of(RoleArn),
        [f"{ROLE}a", f"{ROLE}team/a+=,.@-", "arn:aws-us-gov:iam::123456789012:role/a"],
        [ROLE, f"{ROLE}a b", f"{ROLE}é", "role/a", f"x{ROLE}a", f"{ROLE}a\n"],
    ),
    "name of a role": (of(NewRoleName), ["a", "a" * 64, "a+=,.@_-"], ["", "a" * 65, "team/a", "é", "a b"]),
    "amount": (amount, [0.01, 49.9, 1e12], [0, -1, 0.001, 1e12 + 1]),
    "threshold": (of(Threshold), [0.5, 80, 1e9], [0, -1, 1e9 + 1]),
    "namespace": (namespace, ["ab", "a" * 30, "ecr-public"], ["a", "a" * 31, "Ab", "a--/b-"]),
    "Lambda function": (
        of(LambdaSource),
        ["123456789012", f"{FUNCTION}api", f"{FUNCTION}api:live", f"{FUNCTION}*", FUNCTION.replace("us-east-1", "*") + "a"],
        ["12345678901", FUNCTION, f"{FUNCTION}é", f"{FUNCTION}a:", f"x{FUNCTION}a", FUNCTION.replace("123456789012", "*") + "a"],
    ),
    "subject": (subject, ["a", "a b", "a" * 1024], ["", " a", "a ", "a" * 1025, "a*", "a?", "a${b}", "é"]),
    "beginning of a name": (of(Prefix), ["a", "0", "a" * 256, "a._/-"], ["", "-a", "A", "a" * 257, "a*"]),
    "e-mail address": (of(EmailAddress), ["a@b.c", "a.b+c@example.co.uk"], ["a@b", "@b.c", "a b@c.d", "a@b.c,d@e.f", "a@b.c "]),
    "workspace": (of(WorkspaceId), ["T0", "T" + "0" * 254], ["T", "C0", "t0", "T" + "0" * 255]),
    "channel": (of(ChannelId), ["C0", "G0"], ["C", "T0", "c0", "C0\n"]),
    "public repository": (of(PublicRepositoryName), ["ab", "a" * 205, "a/b_c.d-e"], ["a", "a" * 206, "A-b", "ab-"]),
    "prefix of a cache": (of(CachePrefix), ["ab", "a" * 30], ["a", "a" * 31, "AB", "ab/", "ab/*"]),
    "prefix of names": (of(NamePrefix), ["a", "a" * 200, "team/", "team-"], ["", "a" * 201, "A", "-a", "a//"]),
}  # fmt: skip


@pytest.mark.parametrize("what", EDGES)
def test_a_value_is_accepted_up_to_its_edges(what: str) -> None:
    read, accepted, refused = EDGES[what]
    for value in accepted:
        read(value)
    for value in refused:
        with pytest.raises(ValidationError):
            read(value)
            pytest.fail(f"{value!r} is accepted")


def settings(**more: Any) -> Any:
    return stack_settings_of(
        {"environment": "prod", "repositories": {"api": {}}, **more}, source="", region="us-east-1"
    )


def source(repository: str, **more: Any) -> dict[str, Any]:
    return {"repositories": [{"repository": repository, **(more or {"branches": ["main"]})}]}


ISSUER = {"platform": "OTHER", "issuer": "https://id.example.com"}


@pytest.mark.parametrize(
    "trust",
    [
        source("octo-org/api"),
        source("octo-org@1/api@2"),
        source("octo-org/api", environments=["production"]),
        source("group/team/api") | {"platform": "GITLAB"},
        source("group/api", tags=["v*"]) | {"platform": "GITLAB"},
        ISSUER | {"subjects": ["ci"]},
    ],
    ids=str,
)
def test_pipelines_are_named_in_the_words_of_their_platform(trust: dict[str, Any]) -> None:
    assert settings(pipelines={"main": trust}).pipelines


@pytest.mark.parametrize(
    ("trust", "place"),
    [
        ({}, "ecr-stack:pipelines.main"),
        (source("octo-org/team/api"), "repositories[0].repository"),
        (source("octo-org@1/api"), "repositories[0].repository"),
        (source("group@1/api@2") | {"platform": "GITLAB"}, "repositories[0].repository"),
        (source("group/api", environments=["production"]) | {"platform": "GITLAB"}, "repositories[0].environments"),
        (source("octo-org/api", branches=[]), "repositories[0]"),
        ({**ISSUER}, "ecr-stack:pipelines.main"),
        ({"platform": "OTHER", "subjects": ["ci"]}, "ecr-stack:pipelines.main"),
        (ISSUER | {"subjects": ["ci"]} | source("octo-org/api"), "ecr-stack:pipelines.main"),
    ],
    ids=str,
)
def test_pipelines_in_the_words_of_another_platform_are_a_mistake(trust: dict[str, Any], place: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        settings(pipelines={"main": trust})
    assert {problem.place.removeprefix("ecr-stack:pipelines.main.") for problem in caught.value.problems} == {place}


@pytest.mark.parametrize("principal", ["*", {"AWS": "*"}, {"AWS": "111122223333"}, {"Service": "lambda.amazonaws.com"}])
def test_a_statement_names_whom_it_is_about(principal: Any) -> None:
    statement = {"Effect": "Deny", "Principal": principal, "Action": "ecr:BatchGetImage"}
    assert settings(repositoryDefaults={"access": {"statements": [statement]}})


def test_a_statement_that_names_nobody_is_a_mistake() -> None:
    statement = {"Effect": "Deny", "Principal": {}, "Action": "ecr:BatchGetImage"}
    with pytest.raises(InvalidInput, match=r"statements\[0\]\.Principal"):
        settings(repositoryDefaults={"access": {"statements": [statement]}})
