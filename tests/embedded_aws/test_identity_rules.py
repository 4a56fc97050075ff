"""What IAM and STS refuse.

Quotas: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from ecr_stack.embedded_aws import EmbeddedAws

ROOT = "arn:aws:iam::111122223333:root"
GITHUB = "token.actions.githubusercontent.com"


def _trust(principal: Any = None, **more: Any) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": principal or {"Service": "ec2.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [{**statement, **more}]})


def _policy(size: int, **more: Any) -> str:
    """A policy of so many characters without white space."""
    statement = {"Effect": "Allow", "Action": "ecr:*", "Resource": "", **more}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    room = size - len(json.dumps(document, separators=(",", ":")))
    statement["Resource"] = "arn:aws:s3:::".ljust(room, "a")
    return json.dumps(document, indent=4)


@pytest.fixture
def role(aws: EmbeddedAws) -> str:
    aws.call("iam", "CreateRole", {"RoleName": "ci", "AssumeRolePolicyDocument": _trust()})
    return "ci"


def test_role_names_are_unique_whatever_their_case(refused: Any, role: str) -> None:
    # https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
    asked = {"RoleName": "CI", "AssumeRolePolicyDocument": _trust()}
    assert refused("iam", "CreateRole", asked)[0] == "EntityAlreadyExists"


def test_a_trust_policy_has_2048_characters(aws: EmbeddedAws, refused: Any, role: str) -> None:
    condition = {"StringEquals": {"aws:PrincipalTag/a": "b" * 1800}}
    long = _trust(Condition=condition)
    room = 2048 - len(long.replace(" ", ""))
    condition["StringEquals"]["aws:PrincipalTag/a"] += "b" * room
    fits = json.dumps(json.loads(_trust(Condition=condition)), indent=8)
    aws.call("iam", "UpdateAssumeRolePolicy", {"RoleName": role, "PolicyDocument": fits})
    condition["StringEquals"]["aws:PrincipalTag/a"] += "b"
    for operation, place in (("UpdateAssumeRolePolicy", "PolicyDocument"), ("CreateRole", "AssumeRolePolicyDocument")):
        name = role if operation.startswith("Update") else "other"
        code, message = refused("iam", operation, {"RoleName": name, place: _trust(Condition=condition)})
        assert (code, "ACLSizePerRole: 2048" in message) == ("LimitExceeded", True)


def test_the_inline_policies_of_a_role_have_10240_characters_together(
    aws: EmbeddedAws, refused: Any, role: str
) -> None:
    aws.call("iam", "PutRolePolicy", {"RoleName": role, "PolicyName": "a", "PolicyDocument": _policy(6000)})
    aws.call("iam", "PutRolePolicy", {"RoleName": role, "PolicyName": "b", "PolicyDocument": _policy(4240)})
    more = {"RoleName": role, "PolicyName": "b", "PolicyDocument": _policy(4241)}
    assert refused("iam", "PutRolePolicy", more)[0] == "LimitExceeded"


def test_a_managed_policy_has_6144_characters(aws: EmbeddedAws, refused: Any) -> None:
    made = aws.call("iam", "CreatePolicy", {"PolicyName": "a", "PolicyDocument": _policy(6144)})["Policy"]
    longer = {"PolicyName": "b", "PolicyDocument": _policy(6145)}
    assert refused("iam", "CreatePolicy", longer)[0] == "LimitExceeded"
    version = {"PolicyArn": made["Arn"], "PolicyDocument": _policy(6145)}
    assert refused("iam", "CreatePolicyVersion", version)[0] == "LimitExceeded"


def test_a_role_has_ten_managed_policies(aws: EmbeddedAws, refused: Any, role: str) -> None:
    arns = [
        aws.call("iam", "CreatePolicy", {"PolicyName": f"p{number}", "PolicyDocument": _policy(200)})["Policy"]["Arn"]
        for number in range(11)
    ]
    for arn in (*arns[:10], arns[0]):
        aws.call("iam", "AttachRolePolicy", {"RoleName": role, "PolicyArn": arn})
    code, message = refused("iam", "AttachRolePolicy", {"RoleName": role, "PolicyArn": arns[10]})
    assert (code, message) == ("LimitExceeded", "Cannot exceed quota for PoliciesPerRole: 10")


@pytest.mark.parametrize(
    "tags",
    [
        [{"Key": "aws:x", "Value": "1"}],
        [{"Key": "Team", "Value": "1"}, {"Key": "team", "Value": "2"}],
        [{"Key": "Team", "Value": "a;b"}],
    ],
)
def test_tags_that_iam_refuses_are_refused(refused: Any, role: str, tags: list[dict[str, str]]) -> None:
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html
    created = {"PolicyName": "a", "PolicyDocument": _policy(200), "Tags": tags}
    for operation, asked in (("TagRole", {"RoleName": role, "Tags": tags}), ("CreatePolicy", created)):
        assert refused("iam", operation, asked)[0] in ("InvalidInput", "ValidationError")


def test_a_role_has_fifty_tags(aws: EmbeddedAws, refused: Any, role: str) -> None:
    tags = [{"Key": f"k{number}", "Value": ""} for number in range(50)]
    aws.call("iam", "TagRole", {"RoleName": role, "Tags": tags})
    aws.call("iam", "TagRole", {"RoleName": role, "Tags": [{"Key": "k1", "Value": "again"}]})
    assert refused("iam", "TagRole", {"RoleName": role, "Tags": [{"Key": "k50", "Value": ""}]})[0] == "LimitExceeded"


@pytest.mark.parametrize(
    "service",
    ["ecs-tasks", "lambda", "codebuild", "eks-fargate-pods", "pods.eks", "states.us-east-1", "build.apprunner", "ecr"],
)
def test_service_principals_that_exist_are_trusted(aws: EmbeddedAws, service: str) -> None:
    trust = _trust({"Service": f"{service}.amazonaws.com"})
    aws.call("iam", "CreateRole", {"RoleName": "ci", "AssumeRolePolicyDocument": trust})


@pytest.mark.parametrize("service", ["codebild", "ecs_tasks", "nothing.here"])
def test_service_principals_that_do_not_exist_are_refused(refused: Any, service: str) -> None:
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
    trust = _trust({"Service": f"{service}.amazonaws.com"})
    code, message = refused("iam", "CreateRole", {"RoleName": "ci", "AssumeRolePolicyDocument": trust})
    assert (code, service in message) == ("MalformedPolicyDocument", True)


def _github(**conditions: Any) -> str:
    principal = {"Federated": f"arn:aws:iam::111122223333:oidc-provider/{GITHUB}"}
    more = {"Condition": conditions} if conditions else {}
    return _trust(principal, Action="sts:AssumeRoleWithWebIdentity", **more)


@pytest.mark.parametrize(
    "trust",
    [
        _github(),
        _github(StringEquals={f"{GITHUB}:aud": "sts.amazonaws.com"}),
        _github(StringLike={f"{GITHUB}:sub": "*"}),
        _github(StringLike={f"{GITHUB}:sub": "repo:*"}),
        _github(StringLike={f"{GITHUB}:sub": "repo:*/*:ref:refs/heads/main"}),
        _github(StringLike={f"{GITHUB}:sub": ["repo:org/x:*", "?*"]}),
        _github(StringNotLike={f"{GITHUB}:sub": "repo:org/*"}),
        _github(StringEquals={f"{GITHUB}:sub": ""}),
    ],
)
def test_trust_in_github_must_name_an_organization(refused: Any, trust: str) -> None:
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_oidc_secure-by-default.html
    code, message = refused("iam", "CreateRole", {"RoleName": "ci", "AssumeRolePolicyDocument": trust})
    assert (code, f"{GITHUB}:sub" in message) == ("MalformedPolicyDocument", True)


@pytest.mark.parametrize("subject", ["repo:org/*", "repo:org/api:ref:refs/heads/main", "repo:org*"])
def test_trust_in_an_organization_of_github_is_taken(aws: EmbeddedAws, subject: str) -> None:
    trust = _github(StringLike={f"{GITHUB}:sub": subject})
    aws.call("iam", "CreateRole", {"RoleName": "ci", "AssumeRolePolicyDocument": trust})


@pytest.mark.parametrize("sid", ["allow-pull", "Allow pull", "a_b"])
def test_statement_ids_of_iam_are_alphanumeric(refused: Any, role: str, sid: str) -> None:
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_sid.html
    for operation, asked in (
        ("UpdateAssumeRolePolicy", {"RoleName": role, "PolicyDocument": _trust(Sid=sid)}),
        ("PutRolePolicy", {"RoleName": role, "PolicyName": "a", "PolicyDocument": _policy(200, Sid=sid)}),
    ):
        code, message = refused("iam", operation, asked)
        assert (code, "alpha-numeric" in message) == ("MalformedPolicyDocument", True)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org",
        "https://example.org:8443",
        "https://example.org?x=1",
        "example.org",
        "https://",
        "https://a:b",
    ],
)
def test_issuers_that_iam_refuses_are_refused(refused: Any, url: str) -> None:
    # https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateOpenIDConnectProvider.html
    asked = {"Url": url, "ClientIDList": ["sts.amazonaws.com"]}
    assert refused("iam", "CreateOpenIDConnectProvider", asked)[0] in ("InvalidInput", "ValidationError")


@pytest.mark.parametrize("thumbprint", ["g" * 40, "ab:" * 13 + "a"])
def test_thumbprints_are_hexadecimal(refused: Any, thumbprint: str) -> None:
    asked = {"Url": "https://example.org", "ThumbprintList": [thumbprint]}
    assert refused("iam", "CreateOpenIDConnectProvider", asked)[0] == "InvalidInput"


def test_a_provider_has_a_hundred_client_ids(aws: EmbeddedAws, refused: Any) -> None:
    asked = {"Url": "https://example.org", "ClientIDList": [f"client-{number}" for number in range(100)]}
    more = {**asked, "ClientIDList": [*asked["ClientIDList"], "client-100"]}
    assert refused("iam", "CreateOpenIDConnectProvider", more)[0] == "LimitExceeded"
    arn = aws.call("iam", "CreateOpenIDConnectProvider", asked)["OpenIDConnectProviderArn"]
    added = {"OpenIDConnectProviderArn": arn, "ClientID": "client-1"}
    aws.call("iam", "AddClientIDToOpenIDConnectProvider", added)
    over = {**added, "ClientID": "client-100"}
    assert refused("iam", "AddClientIDToOpenIDConnectProvider", over)[0] == "LimitExceeded"


def test_the_caller_is_a_user_that_iam_has(aws: EmbeddedAws) -> None:
    identity = aws.call("sts", "GetCallerIdentity")
    assert identity["Arn"] == aws.caller_arn() == "arn:aws:iam::111122223333:user/ecr-stack"
    user = aws.call("iam", "GetUser", {"UserName": "ecr-stack"})["User"]
    assert (user["Arn"], user["UserId"]) == (identity["Arn"], identity["UserId"])
    china = aws.call("sts", "GetCallerIdentity", {}, "cn-north-1")
    assert china["Arn"] == "arn:aws-cn:iam::111122223333:user/ecr-stack"


def test_a_policy_may_name_the_caller(aws: EmbeddedAws, repository: str) -> None:
    # as the complete example of terraform-aws-modules does, before anything else was asked of IAM
    statement = {"Effect": "Allow", "Principal": {"AWS": aws.caller_arn()}, "Action": "ecr:BatchGetImage"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    aws.call("ecr", "SetRepositoryPolicy", {"repositoryName": repository, "policyText": policy})


def test_a_role_that_is_assumed_is_who_calls(aws: EmbeddedAws, refused: Any, role: str) -> None:
    arn = f"arn:aws:iam::111122223333:role/{role}"
    session = {"RoleArn": arn, "RoleSessionName": "build-1"}
    key = aws.call("sts", "AssumeRole", session)["Credentials"]["AccessKeyId"]
    identity = aws.call("sts", "GetCallerIdentity", access_key=key)
    assert identity["Arn"] == "arn:aws:sts::111122223333:assumed-role/ci/build-1"
    missing = {**session, "RoleArn": "arn:aws:iam::111122223333:role/nobody"}
    assert refused("sts", "AssumeRole", missing)[0] == "AccessDenied"


def test_a_program_may_make_the_user_that_stands_for_the_caller(aws: EmbeddedAws) -> None:
    aws.call("sts", "GetCallerIdentity")
    aws.call("iam", "CreateUser", {"UserName": "ecr-stack"})
