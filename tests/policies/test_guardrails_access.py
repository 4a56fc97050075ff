"""Access: public principals and wildcard actions, however they are written."""

from __future__ import annotations

from typing import Any

import pytest
from guarded import ACCOUNT, document, messages, record, repository_policy, statement
from guardrails.check import violations

PUBLIC = "policies-name-no-public-principal"
WILDCARD = "policies-name-no-wildcard-action"
SERVICES = "policies-let-services-act-for-named-sources-only"
ORGANIZATION = {"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}
ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/nodes"

EVERYONE: list[Any] = [
    "*",
    ["*"],
    {"AWS": "*"},
    {"AWS": ["*"]},
    {"AWS": [ROLE_ARN, "*"]},
    {"AWS": "arn:aws:iam::*:root"},
    {"AWS": "arn:aws:iam::*:role/nodes"},
    {"AWS": "arn:aws:iam::????????????:root"},
    {"Service": "*"},
    {"Service": "*.amazonaws.com"},
    {"Federated": "*"},
    {"CanonicalUser": "*"},
]


@pytest.mark.parametrize("principal", EVERYONE, ids=str)
def test_everyone_is_recognised_in_every_spelling(principal: Any) -> None:
    [message] = messages(PUBLIC, repository_policy(statement(principal)))
    assert "is public: statement 1 allows the principal" in message


@pytest.mark.parametrize("principal", EVERYONE, ids=str)
def test_everyone_of_an_organization_passes(principal: Any) -> None:
    assert messages(PUBLIC, repository_policy(statement(principal, Condition=ORGANIZATION))) == []


def test_everyone_but_some_is_everyone_whatever_the_condition() -> None:
    but = statement(NotPrincipal={"AWS": ROLE_ARN}, Condition=ORGANIZATION)
    [message] = messages(PUBLIC, repository_policy(but))
    assert "NotPrincipal" in message


@pytest.mark.parametrize(
    "condition",
    [
        {"StringEquals": {"aws:PrincipalAccount": [ACCOUNT, "999999999999"]}},
        {"StringEquals": {"AWS:principalorgid": "o-a1b2c3d4e5"}},
        {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": ["o-a1b2c3d4e5/r-ab12/*"]}},
        {"ArnEquals": {"aws:PrincipalArn": [ROLE_ARN]}},
        {"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/*"}},
        {"StringLike": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/*"}},
        {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
        {"StringNotEquals": {"aws:PrincipalAccount": "999999999999"}, **ORGANIZATION},
        {"StringEquals": {"aws:PrincipalTag/team": "platform", "aws:PrincipalOrgID": "o-a1b2c3d4e5"}},
        {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-a1b2c3d4e5/r-ab12/ou-ab12-*/"}},
        {"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}, "Null": {"aws:PrincipalOrgID": "false"}},
        {
            "ForAllValues:StringLike": {"aws:PrincipalOrgPaths": "o-a1b2c3d4e5/*"},
            "Null": {"AWS:principalorgpaths": False},
        },
        {"StringLike": {"aws:userId": "AROA1234567890ABCDEF:*"}},
        {"ArnLike": {"aws:SourceArn": f"arn:aws:lambda:*:{ACCOUNT}:function:*"}},
        {"ArnEquals": {"aws:PrincipalArn": f"arn:*:iam::{ACCOUNT}:role/*"}},
    ],
    ids=str,
)
def test_conditions_that_bind_close_a_public_statement(condition: dict[str, Any]) -> None:
    assert messages(PUBLIC, repository_policy(statement("*", Condition=condition))) == []


@pytest.mark.parametrize(
    "condition",
    [
        {},
        {"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}},
        {"StringLike": {"aws:PrincipalOrgID": "*"}},
        {"StringLike": {"aws:PrincipalOrgID": "o-*"}},
        {"StringEquals": {"aws:PrincipalOrgID": []}},
        {"StringEquals": {"aws:PrincipalOrgID": ["o-a1b2c3d4e5", "*"]}},
        {"StringNotEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}},
        {"ForAllValues:StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}},
        {"ForAllValues:StringLike": {"aws:PrincipalOrgPaths": "o-a1b2c3d4e5/*"}},
        {"Null": {"aws:PrincipalOrgID": "false"}},
        {"Null": {"aws:PrincipalOrgID": "true"}, "StringEqualsIfExists": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}},
        {"Null": {"aws:PrincipalArn": "false"}, "StringEqualsIfExists": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}},
        {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": ["o-a1b2c3d4e5/*", "o-*/r-ab12/*"]}},
        {"StringLike": {"aws:userId": "*:session"}},
        {"Bool": {"aws:PrincipalIsAWSService": "true"}},
        {"StringEquals": {"aws:PrincipalServiceName": "lambda.amazonaws.com"}},
        {"StringLikeIfExists": {"aws:SourceArn": f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:*"}},
        {"ArnLike": {"aws:SourceArn": "arn:aws:lambda:us-east-1:*:function:api"}},
        {"StringLike": {"aws:SourceArn": f"arn:aws:lambda:*:{ACCOUNT}:function:*"}},
        {"ArnLikeIfExists": {"aws:SourceArn": f"arn:aws:lambda:*:{ACCOUNT}:function:*"}},
        {"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}},
        {"Bool": {"aws:SecureTransport": "true"}},
        {"StringLike": {"aws:PrincipalAccount": "1234*"}},
        {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/nodes"}},
        {"StringLike": {"aws:PrincipalArn": f"*:iam::{ACCOUNT}:role/nodes"}},
        {"StringEquals": {"aws:PrincipalTag/team": "platform"}},
        {"StringEquals": {"aws:PrincipalAccount": "${aws:PrincipalAccount}"}},
        {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}},
        {"StringEquals": {"aws:SourceVpce": "vpce-1a2b3c4d"}},
    ],
    ids=str,
)
def test_conditions_that_do_not_bind_leave_a_statement_public(condition: dict[str, Any]) -> None:
    assert messages(PUBLIC, repository_policy(statement({"AWS": "*"}, Condition=condition)))


def test_further_binding_conditions_can_be_configured() -> None:
    policy = repository_policy(statement("*", Condition={"StringEquals": {"aws:SourceVpce": "vpce-1a2b3c4d"}}))
    assert (
        messages(
            PUBLIC,
            policy,
            config={"bindingConditionKeys": ["aws:sourcevpce"], "reason": "decided by the platform team"},
        )
        == []
    )


@pytest.mark.parametrize(
    ("addresses", "closed"),
    [
        ("192.0.2.0/24", True),
        ("10.0.0.0/8", True),
        ("2001:db8::/32", True),
        ("0.0.0.0/0", False),
        ("128.0.0.0/1", False),
        ("2000::/16", False),
        ("192.0.2.1/24", True),
        ("::/0", False),
        (["192.0.2.0/24", "0.0.0.0/1"], False),
        ("office", False),
    ],
    ids=str,
)
def test_addresses_bind_where_configured_and_not_half_the_internet(addresses: Any, closed: bool) -> None:
    policy = repository_policy(statement("*", Condition={"IpAddress": {"aws:SourceIp": addresses}}))
    found = messages(
        PUBLIC, policy, config={"bindingConditionKeys": ["aws:SourceIp"], "reason": "decided by the platform team"}
    )
    assert bool(found) is not closed
    excepted = repository_policy(statement("*", Condition={"NotIpAddress": {"aws:SourceIp": addresses}}))
    assert messages(
        PUBLIC, excepted, config={"bindingConditionKeys": ["aws:SourceIp"], "reason": "decided by the platform team"}
    )


def test_a_wildcard_behind_the_account_of_a_principal_lets_in_nobody_else() -> None:
    # ECR refuses it; it is not everyone.
    assert messages(PUBLIC, repository_policy(statement({"AWS": f"arn:aws:iam::{ACCOUNT}:role/*"}))) == []


@pytest.mark.parametrize(
    "condition",
    [
        None,
        {"Bool": {"aws:SecureTransport": "true"}},
        {"StringEqualsIfExists": {"aws:SourceAccount": ACCOUNT}},
        {"ArnLike": {"aws:SourceArn": "arn:aws:lambda:us-east-1:*:function:api"}},
        {"StringEquals": {"aws:PrincipalAccount": ACCOUNT}},
        {"StringEquals": {"aws:SourceAccount": []}},
    ],
    ids=str,
)
def test_a_service_that_acts_for_anybody_is_advised_against(condition: Any) -> None:
    policy = repository_policy(statement({"Service": "lambda.amazonaws.com"}, Condition=condition))
    [message] = messages(SERVICES, policy)
    assert "lets lambda.amazonaws.com act for anybody" in message
    [found] = violations([policy], stack="prod")
    assert (found["policy"], found["level"]) == (SERVICES, "advisory")


@pytest.mark.parametrize(
    "condition",
    [
        {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
        {
            "ArnLike": {"aws:SourceArn": f"arn:aws:lambda:*:{ACCOUNT}:function:*"}
        },  # what docs/reference/access.md writes
        {"StringLike": {"aws:sourceArn": f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:*"}},
        {"ArnEquals": {"aws:SourceArn": "arn:aws:s3:::bucket"}},
        {"StringEquals": {"aws:SourceOrgID": "o-a1b2c3d4e5"}},
    ],
    ids=str,
)
def test_a_service_with_a_named_source_passes(condition: dict[str, Any]) -> None:
    named = statement({"Service": "lambda.amazonaws.com"}, Condition=condition)
    denied = statement({"Service": "lambda.amazonaws.com"}, Effect="Deny")
    assert messages(SERVICES, repository_policy(named, denied)) == []


def test_named_principals_and_denials_pass() -> None:
    policy = repository_policy(
        statement({"AWS": [ROLE_ARN, "999999999999"]}),
        statement({"Service": "lambda.amazonaws.com"}),
        statement("*", "ecr:*", Effect="Deny"),
    )
    assert messages(PUBLIC, policy) == []
    assert messages(WILDCARD, policy) == []


@pytest.mark.parametrize("effect", ["allow", None, "Alow"])
def test_what_is_not_clearly_a_denial_is_judged_as_an_allowance(effect: str | None) -> None:
    assert messages(PUBLIC, repository_policy(statement("*", Effect=effect)))


@pytest.mark.parametrize("actions", ["*", "ecr:*", ["ecr:BatchGetImage", "ecr:Batch*"], "ecr:GetImag?", "ECR:*"])
def test_wildcard_actions_are_reported(actions: Any) -> None:
    [message] = messages(WILDCARD, repository_policy(statement({"AWS": ROLE_ARN}, actions)))
    assert "by wildcard" in message


def test_all_actions_but_some_are_reported() -> None:
    policy = repository_policy(statement({"AWS": ROLE_ARN}, None, NotAction="ecr:DeleteRepository"))
    [message] = messages(WILDCARD, policy)
    assert "NotAction ecr:DeleteRepository" in message


def test_policies_of_registries_and_templates_are_read_as_well() -> None:
    text = document(statement("*", "ecr:*"))
    registry = record("aws:ecr/registryPolicy:RegistryPolicy", policy=text)
    template = record("aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate", repositoryPolicy=text)
    for resource in (registry, template):
        assert messages(PUBLIC, resource)
        assert messages(WILDCARD, resource)


@pytest.mark.parametrize("lower", [False, True])
def test_a_document_may_be_an_object_with_one_statement(lower: bool) -> None:
    inner = statement("*")
    policy = {"statement" if lower else "Statement": inner}
    assert messages(PUBLIC, repository_policy(policy=policy))


@pytest.mark.parametrize(
    "policy",
    [
        "not json",
        "[]",
        "null",
        "{}",
        '{"Statement": []}',
        '{"Statement": "Allow"}',
        '{"Statement": ["Allow"]}',
        '{"Statement": [{"Effect": "Allow", "Principal": 7, "Action": [{}]}]}',
        '{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "a:B", "Condition": "none"}]}',
        '{"Statement": [{"Effect": "Allow", "Principal": "*", "Principal": "111122223333", "Action": "a:B"}]}',
        '{"Statement": [{"Effect": "Allow", "Principal": "*", "principal": "111122223333", "Action": "a:B"}]}',
        "[" * 100_000,
        7,
        True,
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_document_that_is_none_is_a_message(policy: Any) -> None:
    for name in (PUBLIC, WILDCARD):
        [message] = messages(name, repository_policy(policy=policy))
        assert any(said in message for said in ("It must", "is not JSON", "must have", "twice"))
        assert "Traceback" not in message
