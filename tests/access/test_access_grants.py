"""Grants become the documents that AWS's pages show, and what would let strangers in is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.loaders import Loader
from hypothesis import given
from hypothesis import strategies as st

from ecr_stack.aws.iam import PULL, PUSH
from ecr_stack.aws.iam.actions import ACTIONS, REGISTRY_ACTIONS, REPOSITORY_ACTIONS
from ecr_stack.aws.iam.quotas import REGISTRY_POLICY, REPOSITORY_POLICY
from ecr_stack.errors import InvalidInput, Problem
from ecr_stack.model import parse
from ecr_stack.schema.access import Access, RegistryAccess
from ecr_stack.schema.access_documents import (
    access_problems,
    policy_text,
    registry_policy,
    repository_policy,
)

# Actions that are granted and are no operations of the API.
GRANTED_ONLY = {"ecr:BatchImportUpstreamImage", "ecr:ReplicateImage", "ecr:GetImageCopyStatus"}
ACCOUNT = "123456789012"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
ORG = "o-a1b2c3d4e5"


def access(**data: Any) -> Access:
    return parse(Access, data, "access", source="test")


def statements(**data: Any) -> dict[str, dict[str, Any]]:
    document = repository_policy(access(**data), ACCOUNT, "aws")
    assert document is not None
    assert document["Version"] == "2012-10-17"
    return {statement["Sid"]: statement for statement in document["Statement"]}


def mistakes(model: type[Access] | type[RegistryAccess] = Access, **data: Any) -> list[Problem]:
    with pytest.raises(InvalidInput) as caught:
        parse(model, data, "access", source="test")
    return list(caught.value.problems)


def custom(**changes: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "ecr:BatchGetImage", **changes}


# --- actions


def test_the_actions_are_those_of_the_api_and_the_three_that_are_only_granted() -> None:
    model = Loader().load_service_model("ecr", "service-2")
    assert {f"ecr:{operation}" for operation in model["operations"]} == ACTIONS - GRANTED_ONLY


def test_actions_are_of_a_repository_where_their_request_names_one() -> None:
    model = Loader().load_service_model("ecr", "service-2")
    named = {
        f"ecr:{name}"
        for name, operation in model["operations"].items()
        if {"repositoryName", "repositoryNames", "resourceArn"}
        & set(model["shapes"][operation["input"]["shape"]]["members"])
    }
    assert named | GRANTED_ONLY == REPOSITORY_ACTIONS
    assert not REPOSITORY_ACTIONS & REGISTRY_ACTIONS


def test_a_push_may_read_the_manifest_and_may_not_download_layers() -> None:
    assert "ecr:BatchGetImage" in PUSH
    assert "ecr:GetDownloadUrlForLayer" not in PUSH
    assert set(PULL) | set(PUSH) <= REPOSITORY_ACTIONS


def test_the_limit_of_a_policy_is_that_of_the_api() -> None:
    shapes = Loader().load_service_model("ecr", "service-2")["shapes"]
    assert shapes["RepositoryPolicyText"]["max"] == REPOSITORY_POLICY.limit
    assert shapes["RegistryPolicyText"]["max"] == REGISTRY_POLICY.limit


# --- grants


def test_no_grant_makes_no_document() -> None:
    assert repository_policy(access(), ACCOUNT, "aws") is None
    assert registry_policy(parse(RegistryAccess, {}, "", source="test"), ACCOUNT, "us-east-1", "aws") is None


def test_roles_are_matched_by_a_condition_so_that_they_need_not_exist() -> None:
    found = statements(pull=["role/node", "arn:aws:iam::111122223333:role/team/ci"])
    assert found == {
        "AllowPull": {
            "Sid": "AllowPull",
            "Effect": "Allow",
            "Principal": {"AWS": [ROOT, "arn:aws:iam::111122223333:root"]},
            "Action": ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            "Condition": {
                "ArnEquals": {
                    "aws:PrincipalArn": [f"arn:aws:iam::{ACCOUNT}:role/node", "arn:aws:iam::111122223333:role/team/ci"]
                }
            },
        }
    }


def test_roles_are_the_principals_themselves_where_that_is_asked_for() -> None:
    push = statements(push=["role/ci"], match="PRINCIPAL")["AllowPush"]
    assert push["Principal"] == {"AWS": [f"arn:aws:iam::{ACCOUNT}:role/ci"]}
    assert "Condition" not in push


def test_push_is_granted_without_pull() -> None:
    found = statements(push=["role/ci"])
    assert list(found) == ["AllowPush"]
    assert found["AllowPush"]["Action"] == list(PUSH)


def test_accounts_are_direct_and_stand_apart_from_conditions() -> None:
    found = statements(pull=["role/node", "111122223333", ROOT], accounts=["444455556666"])
    assert found["AllowPullByAccounts"]["Principal"] == {
        "AWS": ["arn:aws:iam::111122223333:root", ROOT, "arn:aws:iam::444455556666:root"]
    }
    assert "Condition" not in found["AllowPullByAccounts"]
    assert found["AllowPull"]["Principal"] == {"AWS": [ROOT]}


def test_an_organization_is_everybody_under_its_id() -> None:
    assert statements(organizations=[ORG])["AllowPullByOrganizations"] == {
        "Sid": "AllowPullByOrganizations",
        "Effect": "Allow",
        "Principal": "*",
        "Action": list(PULL),
        "Condition": {"StringEquals": {"aws:PrincipalOrgID": [ORG]}},
    }


def test_lambda_of_another_account_takes_both_statements() -> None:
    assert statements(**{"lambda": ["111122223333"]}) == {
        "AllowLambdaAccounts": {
            "Sid": "AllowLambdaAccounts",
            "Effect": "Allow",
            "Principal": {"AWS": ["arn:aws:iam::111122223333:root"]},
            "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
        },
        "AllowLambda": {
            "Sid": "AllowLambda",
            "Effect": "Allow",
            "Principal": {"Service": ["lambda.amazonaws.com"]},
            "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            "Condition": {"ArnLike": {"aws:SourceArn": ["arn:aws:lambda:*:111122223333:function:*"]}},
        },
    }


def test_lambda_of_this_account_needs_no_statement_for_the_account() -> None:
    pattern = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:api-*"
    found = statements(**{"lambda": [pattern]})
    assert list(found) == ["AllowLambda"]
    assert found["AllowLambda"]["Condition"] == {"ArnLike": {"aws:SourceArn": [pattern]}}


def test_another_partition_has_its_own_arns() -> None:
    document = repository_policy(access(pull=["role/node"], **{"lambda": ["111122223333"]}), ACCOUNT, "aws-cn")
    text = policy_text(document or {})
    assert "arn:aws-cn:iam::123456789012:role/node" in text
    assert "arn:aws-cn:lambda:*:111122223333:function:*" in text
    assert "arn:aws:" not in text


def test_the_same_grants_make_the_same_text() -> None:
    document = repository_policy(access(pull=["role/node"], push=["role/ci"]), ACCOUNT, "aws")
    text = policy_text(document or {})
    assert text.startswith('{"Version":"2012-10-17","Statement":[{"Sid":"AllowPull",')
    assert json.loads(text) == document


def test_grants_are_the_same_by_their_python_names() -> None:
    by_name = parse(Access, {"lambda_": ["111122223333"], "pull": ["role/a"]}, "", source="test", python_names=True)
    assert by_name == access(pull=["role/a"], **{"lambda": ["111122223333"]})


# --- the registry


def registry(**data: Any) -> list[dict[str, Any]]:
    document = registry_policy(
        parse(RegistryAccess, data, "registryAccess", source="test"), ACCOUNT, "eu-west-1", "aws"
    )
    return document["Statement"] if document else []


def test_another_registry_may_replicate_and_create_repositories() -> None:
    assert registry(replicationFrom=["111122223333"]) == [
        {
            "Sid": "AllowReplication",
            "Effect": "Allow",
            "Principal": {"AWS": ["arn:aws:iam::111122223333:root"]},
            "Action": ["ecr:CreateRepository", "ecr:ReplicateImage"],
            "Resource": [f"arn:aws:ecr:eu-west-1:{ACCOUNT}:repository/*"],
        }
    ]


def test_imports_are_limited_to_the_namespaces_of_caches() -> None:
    found = registry(pullThroughCache=[{"principals": [ACCOUNT], "namespaces": ["ecr-public", "quay"]}])
    assert found[0]["Action"] == ["ecr:BatchImportUpstreamImage", "ecr:CreateRepository"]
    assert found[0]["Resource"] == [
        f"arn:aws:ecr:eu-west-1:{ACCOUNT}:repository/ecr-public/*",
        f"arn:aws:ecr:eu-west-1:{ACCOUNT}:repository/quay/*",
    ]


def test_every_statement_of_a_registry_has_a_sid_of_its_own_and_names_resources() -> None:
    found = registry(
        pull=["role/a", "111122223333"],
        push=["role/b"],
        organizations=[ORG],
        replicationFrom=["111122223333"],
        pullThroughCache=[{"principals": ["role/a"]}, {"principals": ["role/b", ACCOUNT], "namespaces": ["quay"]}],
        statements=[{**custom(), "Sid": "Extra"}],
    )
    sids = [statement["Sid"] for statement in found]
    assert len(set(sids)) == len(sids) == 9
    assert all(statement["Resource"] for statement in found)


# --- what is refused


PUBLIC: dict[str, Any] = {
    "star": "*",
    "star as AWS": {"AWS": "*"},
    "star in a list": {"AWS": ["*"]},
    "star among others": {"AWS": ["111122223333", "*"]},
    "star and a service": {"AWS": "*", "Service": "lambda.amazonaws.com"},
    "star as a kind": {"*": "*"},
    "star in an ARN": {"AWS": "arn:aws:iam::*:root"},
    "star as a role": {"AWS": "arn:aws:iam::111122223333:role/*"},
    "star as a service": {"Service": "*"},
    "star as an identity provider": {"Federated": "*"},
    "everybody's canonical user": {"CanonicalUser": "*"},
    "star with spaces": " * ",
    "star in a bare list": ["*"],
}


@pytest.mark.parametrize("principal", PUBLIC.values(), ids=PUBLIC.keys())
def test_a_public_principal_is_refused_however_it_is_written(principal: Any) -> None:
    assert mistakes(statements=[custom(Principal=principal)])
    assert mistakes(RegistryAccess, statements=[custom(Principal=principal)])


NOT_BOUND: dict[str, Any] = {
    "if it exists": {"StringEqualsIfExists": {"aws:PrincipalOrgID": ORG}},
    "for all values": {"ForAllValues:StringEquals": {"aws:PrincipalOrgID": ORG}},
    "not equal": {"StringNotEquals": {"aws:PrincipalOrgID": ORG}},
    "any organization": {"StringLike": {"aws:PrincipalOrgID": "*"}},
    "any organization by its first letters": {"StringLike": {"aws:PrincipalOrgID": "o-*"}},
    "one value of several is a wildcard": {"StringLike": {"aws:PrincipalOrgID": [ORG, "*"]}},
    "only that there is one": {"Null": {"aws:PrincipalOrgID": "false"}},
    "any account": {"StringLike": {"aws:PrincipalAccount": "1*"}},
    "a role of any account": {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/node"}},
    "any ARN": {"StringLike": {"aws:PrincipalArn": "*"}},
    "about something else": {"Bool": {"aws:SecureTransport": True}},
    "any address": {"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}},
    "a tag that everybody can set": {"StringEquals": {"aws:PrincipalTag/team": "platform"}},
    "any path": {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "*"}},
}


@pytest.mark.parametrize("condition", NOT_BOUND.values(), ids=NOT_BOUND.keys())
def test_a_condition_that_names_nobody_leaves_a_statement_public(condition: Any) -> None:
    (problem,) = mistakes(statements=[custom(Principal="*", Condition=condition)])
    assert "everybody" in problem.rule
    assert "aws:PrincipalOrgID" in problem.remedy


BOUND: list[Any] = [
    {"StringEquals": {"aws:PrincipalOrgID": ORG}},
    {"StringEquals": {"AWS:principalorgid": [ORG]}},
    {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": f"{ORG}/r-ab12/ou-ab12-11111111/*"}},
    {"StringEquals": {"aws:PrincipalAccount": "111122223333"}},
    {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::111122223333:role/eks-*"}},
    {"Bool": {"aws:SecureTransport": True}, "StringEquals": {"aws:PrincipalOrgID": ORG}},
]


@pytest.mark.parametrize("condition", BOUND)
def test_everybody_of_a_named_organization_or_account_is_allowed(condition: Any) -> None:
    document = repository_policy(
        access(statements=[custom(Principal={"AWS": "*"}, Condition=condition)]), ACCOUNT, "aws"
    )
    assert document is not None
    assert document["Statement"][0]["Principal"] == "*"


def test_numbers_and_booleans_become_the_texts_that_are_compared() -> None:
    condition = {"NumericLessThan": {"aws:MultiFactorAuthAge": [3600, 7.0, 0.5]}, "Bool": {"aws:SecureTransport": True}}
    assert statements(statements=[custom(Sid="A", Condition=condition)])["A"]["Condition"] == {
        "NumericLessThan": {"aws:MultiFactorAuthAge": ["3600", "7", "0.5"]},
        "Bool": {"aws:SecureTransport": ["true"]},
    }


def test_everybody_may_be_denied_something() -> None:
    found = statements(
        statements=[custom(Sid="NoDeletes", Effect="Deny", Principal="*", Action="ecr:DeleteRepository")]
    )
    assert found["NoDeletes"]["Action"] == ["ecr:DeleteRepository"]


@pytest.mark.parametrize(
    ("change", "place", "said"),
    [
        ({"Action": "ecr:*"}, "Action[0]", "wildcard"),
        ({"Action": ["ecr:BatchGetImage", "ecr:Batch*"]}, "Action[1]", "wildcard"),
        ({"Action": "*"}, "Action[0]", "wildcard"),
        ({"Action": "ecr:GetAuthorizationToke?"}, "Action[0]", "wildcard"),
        ({"Action": "ecr:GetAuthorizationToken"}, "Action[0]", "does not apply to a repository"),
        ({"Action": "ecr:DescribeRegistry"}, "Action[0]", "applies to the registry"),
        ({"Action": "s3:GetObject"}, "Action[0]", "not an action of Amazon ECR"),
        ({"Action": "ecr:BatchGetImages"}, "Action[0]", "not an action of Amazon ECR"),
        ({"Action": []}, "Action", "at least 1"),
        ({"Sid": "has spaces"}, "Sid", "letters and digits"),
        ({"Sid": "AllowPull"}, "Sid", "used by"),
        ({"Effect": "allow"}, "Effect", "Allow"),
        ({"Principal": {}}, "Principal", "needs a principal"),
        ({"Principal": {"AWS": []}}, "Principal.AWS", "at least 1"),
        ({"Principal": {"AWS": "arn:aws:sts::111122223333:assumed-role/ci/x"}}, "Principal.AWS[0]", "role"),
        ({"Principal": {"Service": "evil.example.com"}}, "Principal.Service[0]", "service"),
        ({"NotPrincipal": {"AWS": "111122223333"}}, "", "also covers everything"),
        ({"NotAction": "ecr:BatchGetImage"}, "", "also covers everything"),
        (
            {"Condition": {"StringEqual": {"aws:PrincipalOrgID": ORG}}},
            "Condition.StringEqual",
            "not a condition operator",
        ),
        ({"Condition": {"StringEquals": {}}}, "Condition.StringEquals", "at least 1"),
        ({"Condition": {"StringEquals": {"aws:PrincipalOrgID": []}}}, "Condition.StringEquals.aws:PrincipalOrgID", "1"),
        ({"Condition": {"StringEquals": {"PrincipalOrgID": ORG}}}, "Condition.StringEquals.PrincipalOrgID", "prefix"),
        ({"Resource": "arn:aws:s3:::bucket"}, "Resource", "its own repository"),
        ({"Resources": "*"}, "Resources", "not a known key"),
    ],
)
def test_a_statement_out_of_shape_is_refused_at_its_place(change: dict[str, Any], place: str, said: str) -> None:
    data = custom(**change)
    if "NotPrincipal" in change:
        del data["Principal"]
    problems = mistakes(statements=[data])
    assert [problem.place for problem in problems] == ["access.statements[0]" + (place and f".{place}")]
    assert said in problems[0].rule
    assert problems[0].remedy


def test_an_action_in_the_wrong_case_is_told_the_right_one() -> None:
    (problem,) = mistakes(statements=[custom(Action="ecr:batchgetimage")])
    assert problem.remedy == "write `ecr:BatchGetImage`"


def test_caches_in_other_registries_may_be_granted_what_aws_lists() -> None:
    actions = [
        "ecr:BatchGetImage",
        "ecr:BatchImportUpstreamImage",
        "ecr:GetDownloadUrlForLayer",
        "ecr:GetImageCopyStatus",
    ]
    assert statements(statements=[custom(Sid="Cache", Action=actions)])["Cache"]["Action"] == actions


@pytest.mark.parametrize("namespace", ["a", "x" * 31, "Quay", "quay/", "qu*y", "ROOT", ""])
def test_a_namespace_that_no_cache_can_have_is_refused(namespace: str) -> None:
    grant = {"principals": ["role/a"], "namespaces": [namespace]}
    (problem,) = mistakes(RegistryAccess, pullThroughCache=[grant])
    assert problem.place == "access.pullThroughCache[0].namespaces[0]"


def test_a_sid_stands_once() -> None:
    (problem,) = mistakes(statements=[custom(Sid="A"), custom(Sid="A")])
    assert "more than one" in problem.rule


@pytest.mark.parametrize(
    "grants",
    [
        {"pull": ["*"]},
        {"pull": ["arn:aws:iam::111122223333:role/*"]},
        {"push": ["arn:aws:sts::111122223333:assumed-role/ci/x"]},
        {"pull": [111122223333]},
        {"pull": "role/node"},
        {"pull": ["role/a", "role/a"]},
        {"pull": ["role/\u0430dmin"]},
        {"pull": ["arn:aws:iam::111122223333:role/\uff41"]},
        {"push": ["role/" + "x" * 65]},
        {"push": ["user/" + "p/" * 300 + "x"]},
        {"pull": ["role/team//ci"]},
        {"pull": ["role/${aws:username}"]},
        {"pull": ["role/${aws:PrincipalTag}/x"]},
        {"accounts": ["role/a"]},
        {"organizations": ["*"]},
        {"organizations": ["o-*"]},
        {"lambda": ["*"]},
        {"lambda": ["arn:aws:lambda:us-east-1:*:function:x"]},
        {"lambda": ["arn:aws:lambda:us-east-1:11112222333?:function:x"]},
        {"match": "GUESS"},
        {"pulls": ["role/a"]},
    ],
)
def test_a_grant_out_of_shape_is_refused(grants: dict[str, Any]) -> None:
    (problem,) = mistakes(**grants)
    assert problem.rule
    assert problem.remedy


# --- a section as a whole


def test_a_policy_that_is_too_long_says_what_to_shorten_and_by_how_much() -> None:
    pull = [f"arn:aws:iam::111122223333:role/{'x' * 40}{number:03}" for number in range(200)]
    grants = access(pull=pull, push=["role/ci"])
    (problem,) = access_problems(grants)
    assert problem.place == ""
    assert "AWS allows 10,240" in problem.rule
    assert "`pull` takes" in problem.remedy
    over = int(problem.remedy.split(" characters")[0].removeprefix("remove ").replace(",", ""))
    shortened = over // 70 + 1
    assert access_problems(access(pull=pull[shortened:], push=["role/ci"])) == []


def test_somebody_of_another_partition_is_refused_where_it_is_known() -> None:
    grants = access(pull=["role/a", "arn:aws-cn:iam::111122223333:role/node"])
    assert access_problems(grants) == []
    (problem,) = access_problems(grants, partition="aws")
    assert problem.place == "pull[1]"
    assert "partition aws" in problem.rule


def test_two_names_of_one_principal_are_reported() -> None:
    grants = access(pull=["role/a", f"arn:aws:iam::{ACCOUNT}:role/a"])
    (problem,) = access_problems(grants, account=ACCOUNT)
    assert problem.place == "pull[1]"
    (both,) = access_problems(access(pull=["111122223333"], accounts=["111122223333"]))
    assert both.place == "accounts[0]"


# --- properties

_accounts = st.text("0123456789", min_size=12, max_size=12)
_names = st.text("abcdefgXYZ0189+=,.@_-", min_size=1, max_size=64)
_principals = st.one_of(
    _accounts,
    st.builds("role/{}".format, _names),
    st.builds("arn:aws:iam::{}:role/{}".format, _accounts, _names),
    st.builds("arn:aws:iam::{}:user/{}".format, _accounts, _names),
)
_statement = st.fixed_dictionaries(
    {
        "Effect": st.sampled_from(["Allow", "Deny"]),
        "Principal": st.one_of(st.just("*"), st.builds(lambda name: {"AWS": name}, _principals)),
        "Action": st.lists(st.sampled_from(sorted(ACTIONS)), min_size=1, max_size=4),
    },
    optional={
        "Condition": st.dictionaries(
            st.sampled_from(["StringEquals", "ArnLike", "StringEqualsIfExists"]),
            st.dictionaries(
                st.sampled_from(["aws:PrincipalOrgID", "aws:PrincipalArn", "aws:SourceIp"]),
                st.one_of(st.text(max_size=20), st.just(ORG), st.integers(), st.booleans()),
                min_size=1,
            ),
            min_size=1,
        ),
    },
)
_access = st.fixed_dictionaries(
    {},
    optional={
        "pull": st.lists(_principals, max_size=120),
        "push": st.lists(_principals, max_size=60),
        "accounts": st.lists(_accounts, max_size=60),
        "organizations": st.lists(st.just(ORG), max_size=2),
        "lambda": st.lists(_accounts, max_size=60),
        "match": st.sampled_from(["CONDITION", "PRINCIPAL"]),
        "statements": st.lists(_statement, max_size=3),
    },
)


@given(_access)
def test_whatever_is_accepted_becomes_a_document_that_ecr_takes(data: dict[str, Any]) -> None:
    try:
        document = repository_policy(parse(Access, data, "access", source="test"), ACCOUNT, "aws")
    except InvalidInput as refused:
        assert refused.problems
        assert all(problem.rule and problem.remedy for problem in refused.problems)
        return
    if document is None:
        assert not any(value for key, value in data.items() if key != "match")
        return
    assert len(policy_text(document)) <= REPOSITORY_POLICY.limit
    sids = [statement["Sid"] for statement in document["Statement"] if "Sid" in statement]
    assert len(sids) == len(set(sids))
    for statement in document["Statement"]:
        assert set(statement) <= {"Sid", "Effect", "Principal", "Action", "Condition"}
        assert set(statement["Action"]) <= REPOSITORY_ACTIONS
        if statement["Effect"] == "Allow" and statement["Principal"] == "*":
            assert ORG in json.dumps(statement["Condition"])


_anything = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.just("*")),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.one_of(
                st.sampled_from(
                    [
                        "pull",
                        "push",
                        "lambda",
                        "match",
                        "statements",
                        "Principal",
                        "Action",
                        "Condition",
                        "Effect",
                        "AWS",
                    ]
                ),
                st.text(max_size=8),
            ),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=12,
)


@given(_anything, st.sampled_from([Access, RegistryAccess]), st.booleans())
def test_data_of_any_shape_is_taken_or_refused(data: Any, model: Any, python_names: bool) -> None:
    try:
        parse(model, data, "access", source="test", python_names=python_names)
    except InvalidInput as refused:
        assert str(refused)


@given(st.lists(_anything, max_size=2), st.fixed_dictionaries({}, optional={
    "Effect": _anything, "Principal": _anything, "Action": _anything, "Condition": _anything, "Resource": _anything,
    "Sid": _anything}))  # fmt: skip
def test_statements_of_any_shape_are_taken_or_refused(others: list[Any], statement: dict[str, Any]) -> None:
    for model in (Access, RegistryAccess):
        try:
            parse(model, {"statements": [statement, *others]}, "access", source="test")
        except InvalidInput as refused:
            assert str(refused)
