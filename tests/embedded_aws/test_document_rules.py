from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecr_stack.embedded_aws import EmbeddedAws

ROOT = "arn:aws:iam::111122223333:root"


def _document(**changes: Any) -> str:
    statement = {"Sid": "Pull", "Effect": "Allow", "Principal": {"AWS": ROOT}, "Action": "ecr:BatchGetImage"}
    statement.update(changes)
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [{key: value for key, value in statement.items() if value is not None}],
        }
    )


@pytest.mark.parametrize(
    "policy",
    [
        _document(),
        _document(Action="*"),
        _document(Action="ecr:*"),
        _document(Action=["ecr:Get*", "ecr:BatchCheckLayerAvailability"]),
        _document(Action="ecr:ReplicateImage"),
        _document(Resource="*"),
        _document(Principal="*", Condition={"StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}}),
        _document(Principal={"AWS": "*"}),
        _document(Principal={"AWS": ["999988887777", "arn:aws:iam::999988887777:role/any"]}),
        _document(Principal={"Service": "lambda.amazonaws.com"}),
        _document(Effect="Deny", Principal=None, NotPrincipal={"AWS": ROOT}),
        _document(Action=None, NotAction="ecr:DeleteRepository"),
        _document(Sid=None),
    ],
)
def test_repository_policies_that_aws_accepts_are_read_back(aws: EmbeddedAws, repository: str, policy: str) -> None:
    aws.call("ecr", "SetRepositoryPolicy", {"repositoryName": repository, "policyText": policy})
    assert aws.call("ecr", "GetRepositoryPolicy", {"repositoryName": repository})["policyText"] == policy


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ("not json", "Invalid repository policy"),
        ("[]", "not a JSON object"),
        ("{}", "no Statement"),
        ('{"Version": "2012-10-17", "Statement": []}', "no Statement"),
        ('{"Version": "2012-10-17", "Statement": ["x"]}', "not a JSON object"),
        (_document().replace("2012-10-17", "2020-01-01"), "Version"),
        (_document().replace('"Version"', '"version"'), "unknown element version"),
        (_document(Effect="allow"), "Effect"),
        (_document(Principal=None), "Principal"),
        (_document(NotPrincipal="*"), "Principal"),
        (_document(Action=None), "Action"),
        (_document(Action=[]), "Action"),
        (_document(Action="BatchGetImage"), "no service prefix"),
        (_document(Action="s3:GetObject"), "another service"),
        (_document(Action="ecr:PullImage"), "no action ecr:PullImage"),
        (_document(Actions="ecr:*"), "unknown element Actions"),
        (_document(Condition=["x"]), "Condition"),
        (_document(Condition={"StringEquals": {}}), "names no keys"),
        (_document(Condition={"StringEquals": {"aws:x": {}}}), "values of aws:x"),
        (_document(Sid=3), "Sid"),
        (_document(Resource=[]), "Resource"),
        (_document(Action=[f"ecr:Batch{'?' * 2000}"] * 6), "less than or equal to 10240"),
    ],
)
def test_repository_policies_that_aws_refuses_are_refused(
    aws: EmbeddedAws, refused: Any, repository: str, policy: str, words: str
) -> None:
    code, message = refused("ecr", "SetRepositoryPolicy", {"repositoryName": repository, "policyText": policy})
    assert code == "InvalidParameterException"
    assert words in message
    code, _ = refused("ecr", "GetRepositoryPolicy", {"repositoryName": repository})
    assert code == "RepositoryPolicyNotFoundException"


@pytest.mark.parametrize(
    "principal",
    [
        {"AWS": "arn:aws:iam::111122223333:role/nobody"},
        {"AWS": "arn:aws:iam::111122223333:user/nobody"},
        {"AWS": [ROOT, "arn:aws:iam::111122223333:role/nobody"]},
        {"AWS": "arn:aws:iam::111122223333:role/*"},
        {"AWS": "arn:aws-cn:iam::111122223333:root"},
        {"AWS": "arn:aws:sts::111122223333:role/nobody"},
        {"AWS": "arn:aws:iam::111122223333:root/x"},
        {"AWS": "12345"},
        {"AWS": "role/nobody"},
        {"Service": "lambda"},
        {"Team": "platform"},
        {},
        "somebody",
    ],
)
def test_unknown_principals_are_not_found(refused: Any, repository: str, principal: Any) -> None:
    asked = {"repositoryName": repository, "policyText": _document(Principal=principal)}
    code, message = refused("ecr", "SetRepositoryPolicy", asked)
    assert code == "InvalidParameterException"
    assert "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Principal not found" in message


def test_a_role_is_found_once_it_exists(aws: EmbeddedAws, refused: Any, repository: str) -> None:
    policy = _document(Principal={"AWS": "arn:aws:iam::111122223333:role/teams/ci"})
    asked = {"repositoryName": repository, "policyText": policy}
    assert "Principal not found" in refused("ecr", "SetRepositoryPolicy", asked)[1]
    trust = _document(Principal={"Service": "ec2.amazonaws.com"}, Action="sts:AssumeRole")
    aws.call("iam", "CreateRole", {"RoleName": "ci", "Path": "/teams/", "AssumeRolePolicyDocument": trust})
    aws.call("ecr", "SetRepositoryPolicy", asked)
    assert "role/teams/ci" in aws.call("ecr", "GetRepositoryPolicy", {"repositoryName": repository})["policyText"]


def test_registry_policies_need_a_resource_and_allow_every_action_of_ecr(aws: EmbeddedAws, refused: Any) -> None:
    code, message = refused("ecr", "PutRegistryPolicy", {"policyText": _document()})
    assert (code, "Resource" in message) == ("InvalidParameterException", True)
    policy = _document(Action=["ecr:ReplicateImage", "ecr:BatchGetImage"], Resource="*")
    aws.call("ecr", "PutRegistryPolicy", {"policyText": policy})
    assert aws.call("ecr", "GetRegistryPolicy")["policyText"] == policy
    unknown = _document(Principal={"AWS": "arn:aws:iam::111122223333:role/nobody"}, Resource="*")
    assert "Principal not found" in refused("ecr", "PutRegistryPolicy", {"policyText": unknown})[1]


def _lifecycle(**changes: Any) -> dict[str, Any]:
    selection = {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 1}
    rule: dict[str, Any] = {"rulePriority": 1, "selection": selection, "action": {"type": "expire"}}
    rule.update(changes)
    return rule


def test_a_lifecycle_policy_with_an_archive_rule_is_read_back(aws: EmbeddedAws, repository: str) -> None:
    archive = _lifecycle(
        selection={"tagStatus": "any", "countType": "sinceImagePulled", "countUnit": "days", "countNumber": 60},
        action={"type": "transition", "targetStorageClass": "archive"},
    )
    text = json.dumps({"rules": [archive]})
    aws.call("ecr", "PutLifecyclePolicy", {"repositoryName": repository, "lifecyclePolicyText": text})
    found = aws.call("ecr", "GetLifecyclePolicy", {"repositoryName": repository})
    assert found["lifecyclePolicyText"] == text
    aws.call("ecr", "DeleteLifecyclePolicy", {"repositoryName": repository})


@pytest.mark.parametrize(
    "rules",
    [
        [_lifecycle(), _lifecycle()],
        [_lifecycle(rulePriority=0)],
        [_lifecycle(action={"type": "delete"})],
        [_lifecycle(selection={"tagStatus": "tagged", "countType": "imageCountMoreThan", "countNumber": 1})],
        [
            _lifecycle(selection={"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 5}),
            _lifecycle(rulePriority=2),
        ],
    ],
)
@pytest.mark.parametrize("operation", ["PutLifecyclePolicy", "StartLifecyclePolicyPreview"])
def test_lifecycle_policies_that_aws_refuses_are_refused(
    refused: Any, repository: str, operation: str, rules: list[dict[str, Any]]
) -> None:
    text = json.dumps({"rules": rules})
    code, message = refused("ecr", operation, {"repositoryName": repository, "lifecyclePolicyText": text})
    assert code == "InvalidParameterException"
    assert "Lifecycle policy validation failure" in message


def test_a_lifecycle_policy_that_is_too_short_is_refused(refused: Any, repository: str) -> None:
    asked = {"repositoryName": repository, "lifecyclePolicyText": '{"rules": []}'}
    code, message = refused("ecr", "PutLifecyclePolicy", asked)
    assert (code, "greater than or equal to 100" in message) == ("InvalidParameterException", True)


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ("{", "invalid Json"),
        (_document(Action="sts:AssumeRole", Resource="*"), "Resource"),
        (_document(Action="ecr:BatchGetImage"), "another service"),
        (_document(Action="sts:AssumeRole", Principal={"AWS": "arn:aws:iam::111122223333:role/nobody"}), "nobody"),
    ],
)
def test_trust_policies_that_aws_refuses_are_refused(refused: Any, policy: str, words: str) -> None:
    code, message = refused("iam", "CreateRole", {"RoleName": "ci", "AssumeRolePolicyDocument": policy})
    assert code == "MalformedPolicyDocument"
    assert words in message


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        (_document(Resource="*"), "should not specify a principal"),
        (_document(Principal=None), "Resource"),
        ("nothing", "invalid Json"),
    ],
)
def test_identity_policies_that_aws_refuses_are_refused(refused: Any, policy: str, words: str) -> None:
    code, message = refused("iam", "CreatePolicy", {"PolicyName": "pull", "PolicyDocument": policy})
    assert code == "MalformedPolicyDocument"
    assert words in message


_WORDS = [
    "Version",
    "Statement",
    "Effect",
    "Allow",
    "Principal",
    "AWS",
    "Action",
    "ecr:*",
    "*",
    "Resource",
    "Condition",
]
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from([*_WORDS, "2012-10-17", ROOT]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_WORDS), inner, max_size=5),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(statement=_JSON, whole=_JSON)
def test_no_policy_of_any_shape_is_a_crash(aws: EmbeddedAws, statement: Any, whole: Any) -> None:
    with suppress(ClientError):
        aws.call("ecr", "CreateRepository", {"repositoryName": "fuzzed"})
    for document in (whole, {"Version": "2012-10-17", "Statement": [statement]}, {"Statement": statement}):
        text = json.dumps(document)
        for service, operation, parameters in (
            ("ecr", "SetRepositoryPolicy", {"repositoryName": "fuzzed", "policyText": text}),
            ("ecr", "PutRegistryPolicy", {"policyText": text}),
            ("kms", "CreateKey", {"Policy": text}),
            ("iam", "CreatePolicy", {"PolicyName": "fuzzed", "PolicyDocument": text}),
            ("iam", "CreateRole", {"RoleName": "fuzzed", "AssumeRolePolicyDocument": text}),
        ):
            with suppress(ClientError):
                aws.call(service, operation, parameters)
