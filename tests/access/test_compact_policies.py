"""Policies are made to fit IAM's quotas, and the smaller ones allow what the plain ones do."""

from __future__ import annotations

import itertools
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_stack.aws.iam.actions import PULL, PUSH
from ecr_stack.aws.iam.compact import (
    fits_inline,
    named_subjects,
    permission_statements,
    pipeline_trust,
    split_policies,
    trust_problem,
    without_covered,
)
from ecr_stack.aws.iam.evaluation import Policies, Principal, Verdict, evaluate
from ecr_stack.aws.iam.matching import condition_holds, covers, glob
from ecr_stack.aws.iam.quotas import INLINE_POLICIES, MANAGED_POLICY, TRUST_POLICY, policy_size, size_problem
from ecr_stack.aws.iam.reader import read_policy
from ecr_stack.errors import InvalidInput

ACCOUNT = "123456789012"
HOST = "token.actions.githubusercontent.com"
PROVIDER = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{HOST}"
AUDIENCE = "sts.amazonaws.com"
REFS = ("ref:refs/heads/main", "ref:refs/heads/release/*", "ref:refs/tags/v*")


def arn(name: str) -> str:
    return f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository/{name}"


def plain_trust(subjects: list[str]) -> dict[str, Any]:
    condition = {"StringEquals": {f"{HOST}:aud": AUDIENCE}, "StringLike": {f"{HOST}:sub": subjects}}
    return {"Statement": {"Effect": "Allow", "Principal": {"Federated": PROVIDER}, "Condition": condition}}


def token(repository: str, suffix: str, ids: tuple[int, int] | None = None) -> dict[str, list[str]]:
    """The claims of a job's token, as GitHub signs them."""
    owner, _, name = repository.partition("/")
    subject = f"repo:{owner}@{ids[0]}/{name}@{ids[1]}" if ids else f"repo:{repository}"
    return {
        f"{HOST}:aud": [AUDIENCE],
        f"{HOST}:sub": [f"{subject}:{suffix}"],
        f"{HOST}:repository": [repository],
        f"{HOST}:repository_id": [str(ids[1] if ids else abs(hash(repository)) % 10**6)],
    }


def trusted(document: dict[str, Any], claims: dict[str, list[str]]) -> bool:
    return any(condition_holds(each.conditions, claims) is True for each in read_policy(document))


# --- trust


def test_twenty_repositories_with_two_branches_and_a_tag_pattern_fit_into_a_trust_policy() -> None:
    subjects = [f"repo:octo-org/service-{number:02}:{ref}" for number in range(20) for ref in REFS]
    assert policy_size(plain_trust(subjects)) > TRUST_POLICY.limit
    document = pipeline_trust(PROVIDER, AUDIENCE, subjects)
    assert policy_size(document) <= TRUST_POLICY.limit
    assert trust_problem(document, "pipelines.ci") is None
    for name, suffix in itertools.product(("service-00", "service-19"), ("ref:refs/heads/main", "ref:refs/tags/v1")):
        assert trusted(document, token(f"octo-org/{name}", suffix))
    for repository, suffix in (
        ("octo-org/service-20", "ref:refs/heads/main"),
        ("evil/service-00", "ref:refs/heads/main"),
        ("octo-org/service-00", "ref:refs/heads/other"),
        ("octo-org/service-00", "pull_request"),
        ("octo-org/service-00", "environment:x:ref:refs/heads/main"),
    ):
        assert not trusted(document, token(repository, suffix))


def test_a_short_list_of_subjects_stays_one_condition() -> None:
    (statement,) = pipeline_trust(PROVIDER, AUDIENCE, ["repo:o/a:ref:refs/heads/main"] * 2)["Statement"]
    assert statement["Condition"] == {
        "StringEquals": {f"{HOST}:aud": AUDIENCE, f"{HOST}:sub": ["repo:o/a:ref:refs/heads/main"]}
    }


@pytest.mark.parametrize(
    "provider",
    [
        f"arn:aws:iam::{ACCOUNT}:oidc-provider/gitlab.com",
        f"arn:aws-us-gov:iam::{ACCOUNT}:oidc-provider/{HOST}",
    ],
)
def test_trust_that_cannot_be_made_smaller_is_a_problem_with_its_size_and_remedy(provider: str) -> None:
    subjects = [f"repo:octo-org/service-{number:02}:{ref}" for number in range(20) for ref in REFS]
    document = pipeline_trust(provider, AUDIENCE, subjects)
    problem = trust_problem(document, "pipelines.ci")
    assert problem is not None
    assert problem.place == "pipelines.ci"
    assert f"{policy_size(document):,} characters" in problem.rule
    assert "2,048" in problem.rule
    assert "divide" in problem.remedy


def test_a_repository_of_the_same_name_with_another_id_is_not_trusted() -> None:
    subjects = [f"repo:octo-org@1/service-{n:02}@{n}:{ref}" for n in range(20) for ref in REFS]
    document = pipeline_trust(PROVIDER, AUDIENCE, subjects)
    assert policy_size(document) <= TRUST_POLICY.limit
    assert trusted(document, token("octo-org/service-07", "ref:refs/heads/main", (1, 7)))
    assert not trusted(document, token("octo-org/service-07", "ref:refs/heads/main", (1, 99)))
    assert not trusted(document, token("octo-org/service-07", "ref:refs/heads/main", (2, 7)))
    assert not trusted(document, token("octo-org/service-07", "ref:refs/heads/main"))


_owner = st.sampled_from(["octo-org", "octo-org2", "other"])
_name = st.sampled_from([f"service-with-a-long-name-{number}" for number in range(12)])
_suffix = st.sampled_from(
    ["ref:refs/heads/main", "ref:refs/heads/release/*", "ref:refs/tags/v?", "environment:production", "environment:p*"]
)
_asked = st.sampled_from(
    ["ref:refs/heads/main", "ref:refs/heads/release/1", "ref:refs/heads/release", "ref:refs/tags/v1", "pull_request",
     "environment:production", "environment:p:ref:refs/heads/main", "environment:main"]
)  # fmt: skip
_subject = st.builds(lambda owner, name, suffix: f"repo:{owner}/{name}:{suffix}", _owner, _name, _suffix)


@given(
    st.lists(_subject, min_size=30, max_size=90), st.lists(st.tuples(_owner, _name, _asked), min_size=5, max_size=40)
)
def test_the_smaller_trust_lets_in_the_same_jobs(subjects: list[str], asked: list[tuple[str, str, str]]) -> None:
    small, plain = pipeline_trust(PROVIDER, AUDIENCE, subjects), plain_trust(subjects)
    for owner, name, suffix in asked:
        claims = token(f"{owner}/{name}", suffix)
        expected = trusted(plain, claims)
        if claims[f"{HOST}:sub"][0].count(":") <= 3:
            assert trusted(small, claims) is expected
        else:  # a subject that GitHub does not write by default: fewer may be trusted, and never more
            assert expected or not trusted(small, claims)


@given(
    st.lists(st.tuples(_owner, _name), min_size=16, max_size=30, unique=True),
    st.lists(_suffix, min_size=2, max_size=3, unique=True),
    st.lists(_subject, max_size=5),
    st.booleans(),
)
def test_the_subjects_that_a_smaller_trust_names_are_those_that_were_asked_for(
    repositories: list[tuple[str, str]], suffixes: list[str], others: list[str], ids: bool
) -> None:
    alike = [f"repo:{owner}/{name}:{suffix}" for owner, name in repositories for suffix in suffixes]
    subjects = list(dict.fromkeys([*alike, *others]))
    if ids:
        subjects = [
            re.sub(
                r"repo:([\w-]+)/([a-z-]+)([0-9]+):", lambda m: f"repo:{m[1]}@1/{m[2]}{m[3]}@{len(m[1])}{m[3]}:", each
            )
            for each in subjects
        ]
    document = pipeline_trust(PROVIDER, AUDIENCE, subjects)
    named = [subject for statement in read_policy(document) for subject in named_subjects(statement)]
    assert sorted(named) == sorted(subjects)


def test_a_wildcard_that_no_claim_narrows_stays_one() -> None:
    small = pipeline_trust(
        PROVIDER, AUDIENCE, [f"repo:octo-org/service-{n:02}:{ref}" for n in range(20) for ref in REFS]
    )
    (whole,) = small["Statement"]
    for operator, key in (("StringNotLike", f"{HOST}:sub"), ("StringEquals", f"{HOST}:repository")):
        kept = {name: value for name, value in whole["Condition"][operator].items() if name != key}
        condition = {**whole["Condition"], operator: kept}
        (statement,) = read_policy({"Statement": {**whole, "Condition": condition}})
        assert "repo:octo-org/*:ref:refs/heads/main" in named_subjects(statement)


@pytest.mark.parametrize("claim", ["octo-org/*", "octo-org/service-?", "octo-org/${aws:PrincipalTag/repo}"])
def test_a_claim_that_is_a_pattern_narrows_no_wildcard(claim: str) -> None:
    condition = {
        "StringNotLike": {f"{HOST}:sub": "*:*:*:*:*"},
        "StringLike": {f"{HOST}:sub": "repo:octo-org/*:ref:refs/heads/main", f"{HOST}:repository": claim},
    }
    (statement,) = read_policy({"Statement": {"Effect": "Allow", "Condition": condition}})
    assert named_subjects(statement) == ["repo:octo-org/*:ref:refs/heads/main"]


def test_a_claim_narrows_wildcards_of_its_own_owner_and_leaves_other_subjects() -> None:
    subjects = [
        "repo:octo-org/*:ref:refs/heads/main",
        "repo:octo-org/web:ref:refs/tags/v1",
        "repo:octo-org@7/*:ref:refs/heads/main",
    ]
    condition = {
        "StringNotLike": {f"{HOST}:sub": "*:*:*:*:*"},
        "StringLike": {f"{HOST}:sub": subjects},
        "StringEquals": {f"{HOST}:repository": ["octo-org/api", "other/web"]},
    }
    (statement,) = read_policy({"Statement": {"Effect": "Allow", "Condition": condition}})
    assert named_subjects(statement) == ["repo:octo-org/api:ref:refs/heads/main", *subjects[1:]]


# --- permissions

_arns = st.lists(
    st.sampled_from([arn(name) for name in ("a", "b", "team/a", "team/b", "team/*", "te?m/a", "t*", "team/b?")]),
    max_size=6,
)


def allowed(documents: list[dict[str, Any]], action: str, resource: str) -> bool:
    statements = [statement for document in documents for statement in read_policy(document)]
    who = Principal.of("role/x", ACCOUNT, "aws")
    return evaluate(who, action, resource, ACCOUNT, Policies((), statements, True)).verdict is Verdict.ALLOWED


@given(_arns, _arns, st.integers(600, 1500))
def test_smaller_and_divided_permissions_allow_the_same(pull: list[str], push: list[str], limit: int) -> None:
    plain = {
        "Statement": [
            {"Effect": "Allow", "Action": list(actions), "Resource": arns}
            for actions, arns in ((PULL, pull), (PUSH, push))
            if arns
        ]
        or [{"Effect": "Deny", "Action": "*", "Resource": "*"}]
    }
    documents = split_policies(permission_statements(pull=pull, push=push), limit=limit)
    assert all(policy_size(document) <= limit for document in documents)
    for action in sorted({*PULL, *PUSH, "ecr:DeleteRepository"}):
        for name in ("a", "b", "team/a", "team/b", "team/bc", "tEam/a", "other"):
            assert allowed(documents, action, arn(name)) is allowed([plain], action, arn(name))
    assert allowed(documents, "ecr:GetAuthorizationToken", "*")


def test_eighty_repositories_fit_into_an_inline_policy_and_with_long_names_into_managed_ones() -> None:
    short = [arn(f"service-{number:02}") for number in range(80)]
    assert fits_inline(permission_statements(pull=short, push=short))
    assert not fits_inline(permission_statements(pull=short, push=short), beside=INLINE_POLICIES.limit - 100)
    long = [arn(f"{number:02}{'x' * 254}") for number in range(80)]
    statements = permission_statements(pull=long, push=long)
    assert not fits_inline(statements)
    documents = split_policies(statements)
    assert len(documents) == 5
    assert all(policy_size(document) <= MANAGED_POLICY.limit for document in documents)
    resources = [each for document in documents for statement in read_policy(document) for each in statement.resources]
    assert sorted(resources) == sorted(["*", *long])


def test_an_inline_policy_fits_up_to_the_last_character_of_what_others_leave() -> None:
    statements = permission_statements(pull=[arn("api")])
    size = policy_size({"Version": "2012-10-17", "Statement": statements})
    assert fits_inline(statements, beside=INLINE_POLICIES.limit - size)
    assert not fits_inline(statements, beside=INLINE_POLICIES.limit - size + 1)


def test_more_policies_than_a_role_can_have_are_refused() -> None:
    many = [arn(f"{number:03}{'x' * 253}") for number in range(300)]
    with pytest.raises(InvalidInput) as caught:
        split_policies(permission_statements(pull=many), "nodes.repositories", beside=2)
    (problem,) = caught.value.problems
    assert problem.place == "nodes.repositories"
    assert "managed policies" in problem.rule
    assert "AWS allows 10" in problem.rule


def test_a_role_may_have_as_many_policies_as_iam_allows_and_no_more() -> None:
    statements = permission_statements(pull=[arn(f"{number:02}{'x' * 254}") for number in range(80)])
    count = len(split_policies(statements))
    assert len(split_policies(statements, beside=10 - count)) == count
    with pytest.raises(InvalidInput):
        split_policies(statements, beside=10 - count + 1)


@pytest.mark.parametrize("limit", range(500, 570, 3))
def test_divided_policies_are_as_full_as_their_limit_lets_them_be(limit: int) -> None:
    arns = [arn(f"service-{number:02}") for number in range(30)]
    documents = split_policies([{"Effect": "Allow", "Action": "ecr:BatchGetImage", "Resource": arns}], limit=limit)
    assert all(policy_size(document) <= limit for document in documents)
    one_more = len(f',"{arns[0]}"')
    assert all(policy_size(document) + one_more > limit for document in documents[:-1])


def test_two_resources_that_do_not_fit_together_are_divided() -> None:
    statement = {"Effect": "Allow", "Action": "ecr:BatchGetImage", "Resource": [arn("a" * 150), arn("b" * 150)]}
    assert len(split_policies([statement], limit=400)) == 2


def test_a_statement_that_excludes_resources_is_never_divided() -> None:
    excluded = {"Effect": "Allow", "Action": "*", "NotResource": [arn("x" * 200 + str(n)) for n in range(40)]}
    with pytest.raises(InvalidInput, match="alone has") as caught:
        split_policies([excluded], "nodes.repositories")
    assert caught.value.problems[0].place == "nodes.repositories"


def test_a_pattern_covers_only_what_it_surely_matches() -> None:
    assert without_covered([arn("a"), arn("team/*"), arn("team/b"), arn("a")]) == [arn("a"), arn("team/*")]
    assert without_covered([arn("te?m"), arn("te*m")]) == [arn("te*m")]
    assert not covers(arn("te?m"), arn("te*m"))
    assert without_covered([arn("${aws:PrincipalTag/team}*"), arn("${aws:PrincipalTag/team}a")]) != [
        arn("${aws:PrincipalTag/team}*")
    ]


@given(st.text("ab*?", max_size=6), st.text("ab*?", max_size=6), st.text("ab", max_size=7))
def test_what_a_covered_pattern_matches_its_cover_matches(pattern: str, other: str, value: str) -> None:
    if covers(pattern, other) and glob(other, value):
        assert glob(pattern, value)


def test_the_size_is_counted_without_white_space_between_parts_and_at_the_limit_it_fits() -> None:
    assert policy_size('{ "Version" :\n "2012-10-17" }') == len('{"Version":"2012-10-17"}')
    document = {"Id": "x" * (TRUST_POLICY.limit - len('{"Id":""}'))}
    assert size_problem([document], TRUST_POLICY, "p", "r") is None
    problem = size_problem([{"Id": document["Id"] + "x"}], TRUST_POLICY, "p", "r")
    assert problem is not None
    assert "2,049" in problem.rule
