"""Roles: whom their trust policies let in."""

from __future__ import annotations

import json
from typing import Any

import pytest
from guarded import ACCOUNT, document, messages, record, role, statement

from ecr_stack.aws.iam.compact import pipeline_trust

SUBJECTS = "oidc-roles-trust-named-subjects"
EVERYONE = "roles-are-not-assumed-by-everyone"
GITHUB = "token.actions.githubusercontent.com"
PROVIDER = {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{GITHUB}"}


def trust(*subjects: str, operator: str = "StringLike", **more: Any) -> dict[str, Any]:
    condition = {operator: {f"{GITHUB}:sub": list(subjects)}} if subjects else {}
    condition = condition | more or None  # type: ignore[assignment]
    return role(statement(PROVIDER, "sts:AssumeRoleWithWebIdentity", Condition=condition))


@pytest.mark.parametrize(
    "subject",
    [
        "repo:acme/api:ref:refs/heads/main",
        "repo:acme/api:ref:refs/heads/release-*",
        "repo:acme/api:ref:refs/tags/v*",
        "repo:acme/api:environment:production",
        "repo:acme@123456/api@456789:ref:refs/heads/main",
        "repository_id:456789:environment:production",
        "repo:acme/api:job_workflow_ref:acme/ci/.github/workflows/deploy.yml@refs/heads/main",
        "repository_owner_id:1:repository_id:2:ref:refs/tags/v*",
        "repo:acme/api:ref:refs/heads/release/*",
    ],
)
def test_subjects_that_are_named_pass(subject: str) -> None:
    assert messages(SUBJECTS, trust(subject)) == []


@pytest.mark.parametrize(
    "subject",
    [
        "*",
        "",
        "repo:*",
        "repo:acme*",
        "repo:acme/*",
        "repo:acme/*:ref:refs/heads/main",
        "repo:acme/api*:ref:refs/heads/main",
        "repo:acme/api:*",
        "repo:acme/api:ref:*",
        "repo:acme/api:ref:refs/*",
        "repo:acme/api:ref:refs/heads/*",
        "repo:acme/ap?:ref:refs/heads/main",
        "repo:acme/api:r*",
        "repo:acme/api:ref:refs*",
        "repo:acme/api:ref:refs/heads*",
        "repo:acme/api:ref:refs/heads/m*",
        "repo:acme/api:ref:refs/pull/*",
        "repo:acme/api:ref:refs/tags/*",
        "repo:acme/api:pull_request",
        "repo:acme/api:environment:*",
        "repo:acme/api:environment:p*",
        "repo:acme/api",
        "repo:acme@1/api@*:ref:refs/heads/main",
        "repository_owner:acme:ref:refs/heads/main",
        "repository_id:4*:ref:refs/heads/main",
        "job_workflow_ref:acme/ci/.github/workflows/*@refs/heads/main",
        "actor:someone:ref:refs/heads/main",
        "*:ref:refs/heads/main",
        "repo:${aws:PrincipalTag/repo}:ref:refs/heads/main",
    ],
)
@pytest.mark.parametrize("operator", ["StringLike", "StringEquals", "ForAnyValue:StringLike"])
def test_subjects_that_nobody_named_are_reported(subject: str, operator: str) -> None:
    [message] = messages(SUBJECTS, trust("repo:acme/api:ref:refs/heads/main", subject, operator=operator))
    assert repr(subject) in message


@pytest.mark.parametrize(
    "operator", ["StringLikeIfExists", "StringNotLike", "ForAllValues:StringLike", "StringNotEquals", "Null"]
)
def test_conditions_that_do_not_bind_are_no_subject(operator: str) -> None:
    [message] = messages(SUBJECTS, trust("repo:acme/api:ref:refs/heads/main", operator=operator))
    assert "any token" in message


def test_an_audience_is_no_subject() -> None:
    [message] = messages(SUBJECTS, trust(StringEquals={f"{GITHUB}:aud": "sts.amazonaws.com"}))
    assert "any token" in message
    assert messages(SUBJECTS, trust())


def test_providers_that_aws_knows_without_an_arn_tell_applications_apart_by_the_audience() -> None:
    cognito = {"Federated": "cognito-identity.amazonaws.com"}
    action = "sts:AssumeRoleWithWebIdentity"
    pool = {"StringEquals": {"cognito-identity.amazonaws.com:aud": "us-east-1:12345678-dddd-eeee-ffff-123456790ab"}}
    assert messages(SUBJECTS, role(statement(cognito, action, Condition=pool))) == []
    [message] = messages(SUBJECTS, role(statement(cognito, action)))
    assert "any token" in message


def test_saml_providers_have_no_subject_of_that_kind() -> None:
    saml = {"Federated": f"arn:aws:iam::{ACCOUNT}:saml-provider/idp"}
    assert messages(SUBJECTS, role(statement(saml, "sts:AssumeRoleWithSAML"))) == []


def test_one_closed_condition_closes_the_statement() -> None:
    assert (
        messages(SUBJECTS, trust("repo:acme/*", StringEquals={f"{GITHUB}:sub": "repo:acme/api:environment:prod"})) == []
    )


def test_other_claims_can_be_configured() -> None:
    trusted = trust(StringEquals={f"{GITHUB}:repository_id": "123"})
    assert (
        messages(
            SUBJECTS,
            trusted,
            config={"subjectKeys": ["sub", "repository_id"], "reason": "decided by the platform team"},
        )
        == []
    )


def test_a_trust_that_names_its_repositories_in_a_claim_names_its_subjects() -> None:
    subjects = [f"repo:octo-org/service-{number:02}:ref:refs/heads/{ref}" for number in range(20) for ref in "abc"]
    trust = pipeline_trust(f"arn:aws:iam::{ACCOUNT}:oidc-provider/{GITHUB}", "sts.amazonaws.com", subjects)
    assert "repo:octo-org/*:ref:refs/heads/a" in json.dumps(trust)
    assert messages(SUBJECTS, role(*trust["Statement"])) == []


def test_roles_of_services_and_accounts_need_no_subject() -> None:
    service = statement({"Service": "ecr.amazonaws.com"}, "sts:AssumeRole")
    account = statement({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "sts:AssumeRole")
    assert messages(SUBJECTS, role(service, account)) == []
    assert messages(EVERYONE, role(service, account)) == []


@pytest.mark.parametrize("principal", ["*", {"AWS": "*"}, {"Service": "*"}], ids=str)
def test_roles_that_everyone_can_assume_are_reported(principal: Any) -> None:
    [message] = messages(EVERYONE, role(statement(principal, "sts:AssumeRole")))
    assert "by everybody" in message
    condition = {"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}
    assert messages(EVERYONE, role(statement(principal, "sts:AssumeRole", Condition=condition))) == []


IDENTITY = "identity-policies-allow-no-wildcard"
WIDE: list[dict[str, Any]] = [
    {"Action": "*"},
    {"Action": ["ecr:PutImage", "*"], "Resource": "arn:aws:ecr:*:*:repository/api"},
    {"action": "*:*"},
    {"Action": "ecr:*"},
    {"Action": "ECR:**"},
    {"Action": "e*:PutImage"},
    {"NotAction": "iam:CreateUser"},
    {"NotAction": []},
    {"Action": "kms:Decrypt", "Resource": "*"},
    {"Action": "KMS:D*", "Resource": ["*"]},
    {"Action": "kms:ReEncrypt*", "Resource": f"arn:aws:kms:*:{ACCOUNT}:key/*"},
    {"Action": "kms:Decrypt", "NotResource": "arn:aws:kms:us-east-1:1:key/x"},
    {"Action": "iam:PassRole"},
    {"Action": "iam:PassRole", "Resource": f"arn:aws:iam::{ACCOUNT}:role/*"},
    {"Action": "sts:AssumeRole", "Resource": "*"},
    {"Action": "*", "Effect": "allow"},
    {"Action": "secretsmanager:GetSecretValue"},
    {"Action": "ssm:GetParameter*"},
    {"Action": "ecr:*Image*"},
    {"Action": "ecr:BatchDeleteImage", "NotResource": f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository/api"},
    {"Action": "iam:Create*"},
    {"Action": "kms:Decryp?"},
    {"Action": "kms:CreateGrant"},
    {"Action": "iam:PassRole", "Condition": {"StringLike": {"iam:PassedToService": "*"}}},
    {"Action": "kms:Decrypt", "Condition": {"StringLike": {"kms:ViaService": ["ecr.*", "*"]}}},
    *(
        {"Action": action, "Condition": {"StringLike": {key: value}}}
        for action, key in (("iam:PassRole", "iam:PassedToService"), ("kms:Decrypt", "kms:ViaService"))
        for value in (
            "*.amazonaws.com",
            "*amazonaws.com",
            "?*.amazonaws.com",
            "e*",
            "*.com",
            "*:*",
            "e?s.amazonaws.com",
        )
    ),
    {"Action": "iam:PassRole", "Condition": {"StringEqualsIfExists": {"iam:PassedToService": "ec2.amazonaws.com"}}},
    {"Action": "iam:PassRole", "Condition": {"StringNotEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}},
    {"Action": "iam:PassRole", "Condition": {"StringEquals": {"iam:PassedToServiceX": "ec2.amazonaws.com"}}},
    {"Action": "iam:PassRole", "Condition": {"StringLike": {"iam:AssociatedResourceArn": "arn:aws:*"}}},
    {"Action": "iam:PassRole", "Condition": {"ArnLike": {"iam:AssociatedResourceArn": "arn:*:*:*:*:*"}}},
    {"Action": "kms:Decrypt", "Condition": {"ForAnyValue:StringLike": {"kms:ResourceAliases": "alias/*"}}},
    {"Action": "kms:Decrypt", "Condition": {"ForAllValues:StringEquals": {"kms:ResourceAliases": "alias/prod"}}},
    {"Action": "kms:CreateGrant", "Condition": {"Bool": {"kms:GrantIsForAWSResource": "false"}}},
    {"Action": "kms:CreateGrant", "Condition": {"BoolIfExists": {"kms:GrantIsForAWSResource": "true"}}},
    {"Action": "sts:AssumeRole", "Condition": {"StringLike": {"aws:ResourceAccount": "1*"}}},
    {"Action": "sts:AssumeRole", "Condition": {"StringLike": {"aws:ResourceOrgID": "o-*"}}},
    {"Action": "ecr:PutImage", "Condition": {"StringLike": {"aws:ResourceTag/Team": "*"}}},
    {"Action": "ecr:PutImage", "Condition": {"Null": {"aws:ResourceTag/Team": "false"}}},
    {"Action": "ecr:PutImage", "Resource": f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository/*"},
    {"Action": "ecr:BatchDeleteImage", "Resource": "arn:aws:ecr:*"},
    {"Action": "secretsmanager:GetSecretValue", "Resource": f"arn:aws:secretsmanager:*:{ACCOUNT}:secret:*"},
    {"Action": "ssm:GetParameter", "Resource": f"arn:aws:ssm:us-east-1:{ACCOUNT}:parameter/*"},
    {"Action": "iam:AttachUserPolicy", "Resource": f"arn:aws:iam::{ACCOUNT}:user/*"},
    {"Action": "iam:CreatePolicyVersion", "Resource": f"arn:aws:iam::{ACCOUNT}:policy/*"},
    {"Action": "iam:PutRolePolicy", "Condition": {"ArnLike": {"iam:PermissionsBoundary": "arn:aws:iam::*:policy/*"}}},
]


@pytest.mark.parametrize("elements", WIDE, ids=str)
def test_iam_policies_that_allow_too_much_are_reported_wherever_they_are(elements: dict[str, Any]) -> None:
    given = {"Effect": "Allow", "Resource": "*"} | elements
    for policy in (document(given), {"Statement": given}):
        for kind in ("policy:Policy", "rolePolicy:RolePolicy", "userPolicy:UserPolicy", "groupPolicy:GroupPolicy"):
            [message] = messages(IDENTITY, record(f"aws:iam/{kind}", policy=policy))
            assert "allows too much: statement 1" in message
        assert messages(IDENTITY, role(inlinePolicies=[{"name": "all", "policy": policy}]))


@pytest.mark.parametrize(
    "name",
    ["AdministratorAccess", "IAMFullAccess", "PowerUserAccess", "AmazonEC2ContainerRegistryFullAccess",
     "AmazonEC2ContainerRegistryPowerUser"],
)  # fmt: skip
def test_managed_policies_that_allow_everything_are_reported(name: str) -> None:
    arn = f"arn:aws:iam::aws:policy/{name}"
    for resource in (
        role(managedPolicyArns=[arn]),
        record("aws:iam/rolePolicyAttachment:RolePolicyAttachment", role="ci", policyArn=arn),
        record("aws:iam/userPolicyAttachment:UserPolicyAttachment", user="ci", policyArn=arn),
        record("aws:iam/policyAttachment:PolicyAttachment", policyArn=arn.replace(":aws:", ":aws-cn:", 1)),
        record("aws:iam/rolePolicyAttachmentsExclusive:RolePolicyAttachmentsExclusive", policyArns=[arn]),
    ):
        [message] = messages(IDENTITY, resource)
        assert f"policy/{name}" in message


def test_iam_policies_that_a_registry_needs_pass() -> None:
    needed = [
        {"Action": "ecr:GetAuthorizationToken", "Resource": "*"},
        {"Action": ["ecr:BatchGetImage", "ecr:Describe*"], "Resource": f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository/*"},
        {"Action": ["kms:Decrypt", "kms:GenerateDataKey"], "Resource": f"arn:aws:kms:us-east-1:{ACCOUNT}:key/1-2"},
        {
            "Action": "kms:Decrypt",
            "Resource": "*",
            "Condition": {"StringEquals": {"kms:ViaService": "ecr.us-east-1.amazonaws.com"}},
        },
        {"Action": "iam:PassRole", "Resource": f"arn:aws:iam::{ACCOUNT}:role/ecr-template"},
        *(
            {"Action": "iam:PassRole", "Resource": "*", "Condition": {"StringLike": {"iam:PassedToService": service}}}
            for service in ("ecr.amazonaws.com", "ecr.*", ["ecs-tasks.amazonaws.com", "ec2.amazonaws.com.cn"])
        ),
        {
            "Action": "kms:Decrypt",
            "Resource": "*",
            "Condition": {"StringLike": {"kms:ViaService": "ecr.*.amazonaws.com"}},
        },
        {
            "Action": "kms:Decrypt",
            "Resource": "*",
            "Condition": {"ForAnyValue:StringLike": {"kms:ResourceAliases": "alias/prod-*"}},
        },
        {
            "Action": "kms:CreateGrant",
            "Resource": "*",
            "Condition": {"Bool": {"kms:GrantIsForAWSResource": True}},
        },
        {
            "Action": "iam:PutRolePolicy",
            "Resource": "*",
            "Condition": {"StringEquals": {"iam:PermissionsBoundary": f"arn:aws:iam::{ACCOUNT}:policy/ci"}},
        },
        {"Action": "ecr:PutImage", "Resource": f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository/team/*"},
        {"Action": "*", "Effect": "Deny", "Resource": "*"},
        {
            "Action": ["ecr:PutImage", "ecr:BatchDeleteImage"],
            "Resource": "*",
            "Condition": {"StringEquals": {"aws:ResourceTag/Team": "platform"}},
        },
        {
            "Action": "secretsmanager:GetSecretValue",
            "Resource": f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:ci-*",
        },
    ]
    policy = document(*({"Effect": "Allow"} | each for each in needed))
    read_only = "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryReadOnly"
    attached = record("aws:iam/rolePolicyAttachment:RolePolicyAttachment", role="nodes", policyArn=read_only)
    assert messages(IDENTITY, record("aws:iam/policy:Policy", policy=policy), attached) == []


def test_policies_of_users_are_reported() -> None:
    name = "iam-policies-belong-to-roles-or-groups"
    arn = "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryReadOnly"
    for resource in (
        record("aws:iam/userPolicy:UserPolicy", user="ci", policy="{}"),
        record("aws:iam/userPolicyAttachment:UserPolicyAttachment", user="ci", policyArn=arn),
        record("aws:iam/policyAttachment:PolicyAttachment", users=["ci"], policyArn=arn),
    ):
        [message] = messages(name, resource)
        assert "to the user ci" in message
    assert messages(name, record("aws:iam/policyAttachment:PolicyAttachment", roles=["ci"], policyArn=arn)) == []
