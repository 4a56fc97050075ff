"""Borders: accounts, organizations and issuers that nobody listed, wherever they are let in or relied on."""

from __future__ import annotations

import json
from typing import Any

import pytest
from guarded import (
    ACCOUNT,
    KEY_ARN,
    Record,
    document,
    key,
    messages,
    record,
    replication,
    repository,
    repository_policy,
    role,
    sound,
    statement,
)
from guardrails.check import violations

BORDERS = "nothing-crosses-to-those-who-are-not-trusted"
OTHER = "999999999999"
ROOT = f"arn:aws:iam::{OTHER}:root"
OWN = f"arn:aws:iam::{ACCOUNT}:root"
KEY_OF_OTHER = KEY_ARN.replace(ACCOUNT, OTHER)
TEMPLATE = "aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate"
SOURCE = f"arn:aws:lambda:us-east-1:{OTHER}:function:*"

SPELLINGS: list[Any] = [
    {"Principal": {"AWS": ROOT}},
    {"Principal": {"AWS": [OWN, ROOT]}},
    {"Principal": {"aws": ROOT}},
    {"principal": {"AWS": OTHER}},
    {"Principal": {"AWS": f"arn:aws:sts::{OTHER}:assumed-role/ci/session"}},
    {"Principal": {"AWS": f"arn:aws-cn:iam::{OTHER}:user/somebody"}},
    {"Principal": {"AWS": "AROA1234567890ABCDEFG"}},
    {"Principal": {"CanonicalUser": "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"}},
    {"Principal": "*", "Condition": {"StringEquals": {"aws:PrincipalAccount": OTHER}}},
    {"Principal": "*", "Condition": {"StringEquals": {"aws:PrincipalAccount": [ACCOUNT, OTHER]}}},
    {"Principal": {"AWS": "*"}, "Condition": {"ArnLike": {"AWS:principalarn": f"arn:aws:iam::{OTHER}:role/*"}}},
    {"Principal": {"Service": "lambda.amazonaws.com"}, "Condition": {"ArnLike": {"aws:SourceArn": SOURCE}}},
    {"Principal": {"Service": "lambda.amazonaws.com"}, "Condition": {"StringEquals": {"aws:SourceAccount": OTHER}}},
    {"Principal": "*", "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}},
    {"Principal": "*", "Condition": {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-a1b2c3d4e5/r-ab12/*"}}},
    {"Principal": {"AWS": ROOT}, "Condition": {"StringNotEquals": {"aws:PrincipalAccount": "111122223333"}}},
    {"Principal": {"AWS": ROOT}, "NotAction": "ecr:DeleteRepository", "Action": None},
]


def crossing(elements: dict[str, Any]) -> str:
    written = {"Effect": "Allow", "Action": "ecr:BatchGetImage"} | elements
    return document({name: value for name, value in written.items() if value is not None})


@pytest.mark.parametrize("elements", SPELLINGS, ids=lambda each: json.dumps(each)[:90])
def test_whoever_is_not_listed_is_reported_in_every_policy_and_spelling(elements: dict[str, Any]) -> None:
    written = crossing(elements)
    resources = [
        repository_policy(policy=written),
        repository_policy(policy=json.loads(written)),
        record("aws:ecr/registryPolicy:RegistryPolicy", policy=written),
        record(TEMPLATE, prefix="ROOT", repositoryPolicy=written),
        record("aws:ecrpublic/repositoryPolicy:RepositoryPolicy", repositoryName="api", policy=written),
        key(written),
        record("aws:kms/keyPolicy:KeyPolicy", keyId=KEY_ARN, policy=written),
        record("aws:iam/role:Role", assumeRolePolicy=written),
    ]
    for resource in resources:
        found = messages(BORDERS, repository(), resource)
        assert found and all("not trusted" in message for message in found), resource["type"]


RELYING = [
    replication(replicationConfiguration={"rules": [{"destinations": [{"region": "x", "registryId": OTHER}]}]}),
    repository("pci", encryptionConfigurations=[{"encryptionType": "KMS", "kmsKey": KEY_OF_OTHER}]),
    record(TEMPLATE, prefix="ROOT", encryptionConfigurations=[{"encryptionType": "KMS", "kmsKey": KEY_OF_OTHER}]),
    record(TEMPLATE, prefix="ROOT", customRoleArn=f"arn:aws:iam::{OTHER}:role/template"),
    record("aws:kms/grant:Grant", keyId=KEY_ARN, granteePrincipal=f"arn:aws:iam::{OTHER}:role/ci"),
    record("aws:kms/grant:Grant", keyId=KEY_ARN, granteePrincipal=OWN, retiringPrincipal=ROOT),
    record("aws:kms/grant:Grant", keyId=KEY_OF_OTHER, granteePrincipal=OWN),
    record("aws:kms/grant:Grant", keyId=KEY_ARN, granteePrincipal=OTHER),
    replication(replicationConfiguration={"rules": [{"destinations": [{"region": "x", "registryId": int(OTHER)}]}]}),
    record("aws:kms/replicaKey:ReplicaKey", primaryKeyArn=KEY_OF_OTHER),
    record(
        "aws:ecr/pullThroughCacheRule:PullThroughCacheRule",
        upstreamRegistryUrl=f"{OTHER}.dkr.ecr.us-east-1.amazonaws.com",
    ),
]


@pytest.mark.parametrize("resource", RELYING, ids=lambda each: f"{each['type']} {json.dumps(each['inputs'])[:60]}")
def test_what_is_copied_to_encrypted_by_or_granted_to_another_account_is_reported(resource: Record) -> None:
    [message] = messages(BORDERS, repository(), resource)
    assert f"account {OTHER}, which is not trusted (this stack's account is {ACCOUNT})" in message
    assert "`ecr-stack:trusted`" in message
    assert messages(BORDERS, repository(), resource, config={"trustedAccounts": [OTHER]}) == []


TRUSTED = {"accounts": [OTHER], "organizations": ["o-a1b2c3d4e5"], "issuers": ["gitlab.example.com"]}


@pytest.mark.parametrize(
    ("config", "stack_config"),
    [
        ({"trustedAccounts": [OTHER], "trustedOrganizations": ["o-a1b2c3d4e5"]}, None),
        ({}, {"ecr-stack:trusted": TRUSTED}),
        ({}, {"ecr-stack:trusted": json.dumps(TRUSTED)}),
        ({}, {"ecr-stack:trusted": {**TRUSTED, "accounts": [int(OTHER)]}}),
    ],
    ids=["pack", "stack file", "stack file as Pulumi gives it", "a number"],
)
def test_who_is_listed_once_is_trusted_by_every_policy(config: Any, stack_config: Any) -> None:
    named = [crossing(each) for each in SPELLINGS if "AROA" not in str(each) and "Canonical" not in str(each)]
    resources = [
        repository(),
        *RELYING,
        *(key(each) for each in named),
        *(repository_policy(policy=each) for each in named),
    ]
    assert messages(BORDERS, *resources, config=config, stack_config=stack_config) == []


def test_an_organization_may_be_the_limit_for_an_account_that_is_not_listed() -> None:
    condition = {"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}
    limited = repository_policy(statement({"AWS": ROOT}, Condition=condition))
    assert messages(BORDERS, limited)
    assert messages(BORDERS, limited, config={"trustedOrganizations": ["o-a1b2c3d4e5"]}) == []


def test_the_stacks_own_account_services_and_denials_cross_nothing() -> None:
    own = [
        statement({"AWS": [OWN, ACCOUNT, f"arn:aws:iam::{ACCOUNT}:role/ci"]}),
        statement({"Service": "lambda.amazonaws.com"}),
        statement("*", Condition={"StringEquals": {"kms:CallerAccount": ACCOUNT}}),
        statement({"AWS": ROOT}, Effect="Deny"),
    ]
    trust = role(statement({"Service": "ecr.amazonaws.com"}, "sts:AssumeRole"))
    assert messages(BORDERS, *sound(), repository_policy(*own), key(document(*own)), trust) == []


def test_of_a_stack_that_is_not_made_yet_the_key_policy_tells_the_own_account() -> None:
    unmade = key(document(statement({"AWS": OWN}, "kms:*", Resource="*")))
    shared = repository_policy(statement({"AWS": ROOT}))
    for resource in (unmade, shared):
        resource["outputs"] = {}
    [message] = messages(BORDERS, unmade, shared)
    assert f"account {OTHER}" in message


def test_where_nothing_tells_the_own_account_the_policy_says_so() -> None:
    lone = repository_policy(statement({"AWS": ROOT}))
    lone["outputs"] = {}
    [found] = [each for each in violations([lone], stack="prod") if each["policy"] == BORDERS]
    assert found["level"] == "advisory"
    assert "set aws:allowedAccountIds" in found["message"]
    allowed = {"aws:allowedAccountIds": json.dumps([ACCOUNT])}
    [message] = messages(BORDERS, lone, stack_config=allowed)
    assert f"account {OTHER}, which is not trusted" in message


def test_reading_somebody_elses_key_does_not_make_its_account_the_stacks() -> None:
    read = record("aws:kms/key:Key", "theirs")
    read["outputs"] = {"arn": KEY_OF_OTHER}
    encrypted = repository(encryptionConfigurations=[{"encryptionType": "KMS", "kmsKey": KEY_OF_OTHER}])
    assert messages(BORDERS, read, encrypted)


@pytest.mark.parametrize(
    "issuer", ["gitlab.example.com", "token.actions.githubusercontent.com.evil.example", "x.example"]
)
def test_issuers_that_are_not_listed_are_reported(issuer: str) -> None:
    provider = record("aws:iam/openIdConnectProvider:OpenIdConnectProvider", url=f"https://{issuer}")
    trust = role(
        statement({"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{issuer}"}, "sts:AssumeRoleWithWebIdentity")
    )
    for resource in (provider, trust):
        [message] = messages(BORDERS, repository(), resource)
        assert f"trusts the OIDC issuer {issuer}" in message
        assert messages(BORDERS, repository(), resource, config={"trustedIssuers": [f"https://{issuer}"]}) == []


@pytest.mark.parametrize(
    "issuer",
    [
        "token.actions.githubusercontent.com",
        "gitlab.com",
        "app.terraform.io",
        "oidc.circleci.com/org/0f8fad5b-d9cb-469f-a165-70867728950e",
        "api.bitbucket.org/2.0/workspaces/acme/pipelines-config/identity/oidc",
        "agent.buildkite.com",
        "api.pulumi.com/oidc",
        "acme.app.spacelift.io",
        "oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B716D3041E",
    ],
)
def test_the_usual_issuers_are_listed(issuer: str) -> None:
    provider = record("aws:iam/openIdConnectProvider:OpenIdConnectProvider", url=f"https://{issuer}")
    assert messages(BORDERS, repository(), provider) == []


@pytest.mark.parametrize("pattern", ["*", "*.com", "example.com*", "*/x", "gitlab*", "?.example", "[a-z]*.[a-z]*"])
def test_a_pattern_that_is_every_issuer_trusts_none(pattern: str) -> None:
    provider = record("aws:iam/openIdConnectProvider:OpenIdConnectProvider", url="https://evil.example.org")
    trusted = {"ecr-stack:trusted": {"issuers": [pattern]}}
    assert messages("nothing-crosses-to-those-who-are-not-trusted", repository(), provider, stack_config=trusted)
