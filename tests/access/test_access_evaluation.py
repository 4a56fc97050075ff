"""What policies allow, against truth worked out by hand from AWS's page on evaluation, and properties of any policies."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_stack.aws.iam.conditions import OPERATORS as KNOWN_OPERATORS
from ecr_stack.aws.iam.evaluation import Answer, Policies, Principal, Verdict, evaluate
from ecr_stack.aws.iam.matching import condition_holds, covers, glob
from ecr_stack.aws.iam.reader import Statement, conditions_of, read_policy

OWN = "123456789012"
OTHER = "111122223333"
REPOSITORY = f"arn:aws:ecr:us-east-1:{OWN}:repository/api"
PULL = "ecr:BatchGetImage"
ORG = "o-a1b2c3d4e5"

ALLOWED, CONDITIONAL, NOT_ALLOWED, DENIED = (
    Verdict.ALLOWED, Verdict.CONDITIONAL, Verdict.NOT_ALLOWED, Verdict.DENIED,
)  # fmt: skip


def root(account: str) -> str:
    return f"arn:aws:iam::{account}:root"


def role(name: str, account: str = OWN) -> str:
    return f"arn:aws:iam::{account}:role/{name}"


def user(name: str, account: str = OWN) -> str:
    return f"arn:aws:iam::{account}:user/{name}"


def statement(principal: Any = None, effect: str = "Allow", action: Any = PULL, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"Effect": effect, "Action": action, **more}
    if principal is not None:
        found["Principal"] = principal
    return found


def read(statements: list[dict[str, Any]] | None) -> tuple[Statement, ...]:
    return read_policy({"Version": "2012-10-17", "Statement": statements}) if statements else ()


def ask(
    who: str,
    resource: list[dict[str, Any]],
    identity: list[dict[str, Any]] | None = None,
    action: str = PULL,
    context: dict[str, list[str]] | None = None,
) -> Answer:
    """Who asks, the repository's statements, all of who's own statements (None: not known)."""
    policies = Policies(read(resource), read(identity), identity is not None)
    return evaluate(Principal.of(who, OWN, "aws"), action, REPOSITORY, OWN, policies, context)


BY_NAME = statement({"AWS": role("ci")})
BY_NAME_ELSEWHERE = statement({"AWS": role("ci", OTHER)})
BY_ACCOUNT = statement({"AWS": root(OWN)})
BY_ACCOUNT_ELSEWHERE = statement({"AWS": OTHER})
BY_CONDITION = statement({"AWS": root(OWN)}, Condition={"ArnEquals": {"aws:PrincipalArn": [role("ci")]}})
BY_ORGANIZATION = statement("*", Condition={"StringEquals": {"aws:PrincipalOrgID": ORG}})
LAMBDA = statement(
    {"Service": "lambda.amazonaws.com"},
    Condition={"ArnLike": {"aws:SourceArn": f"arn:aws:lambda:*:{OTHER}:function:*"}},
)
LAMBDA_ANY = statement({"Service": "lambda.amazonaws.com"})
OWN_ALLOW = statement(Resource="*")
OWN_ALLOW_HERE = statement(action="ecr:Batch*", Resource=REPOSITORY)
OWN_ALLOW_THERE = statement(Resource=REPOSITORY + "-gateway")
OWN_DENY = statement(effect="Deny", action="*", Resource="*")
DENY_ALL = statement("*", "Deny", "ecr:*")

# who asks, the repository's statements, its own statements (None: not known), the verdict
TRUTH: list[tuple[str, list[dict[str, Any]], list[dict[str, Any]] | None, Verdict]] = [
    # the same account: either side is enough
    ("role/ci", [], None, NOT_ALLOWED),
    ("role/ci", [], [], NOT_ALLOWED),
    ("role/ci", [], [OWN_ALLOW], ALLOWED),
    ("role/ci", [], [OWN_ALLOW_HERE], ALLOWED),
    ("role/ci", [], [OWN_ALLOW_THERE], NOT_ALLOWED),
    ("role/ci", [BY_NAME], [], ALLOWED),
    ("role/ci", [BY_NAME], None, ALLOWED),
    ("role/node", [BY_NAME], None, NOT_ALLOWED),
    ("role/team/ci", [BY_NAME], None, NOT_ALLOWED),
    # an account that is named leaves it to its own policies
    ("role/ci", [BY_ACCOUNT], None, CONDITIONAL),
    ("role/ci", [BY_ACCOUNT], [], NOT_ALLOWED),
    ("role/ci", [BY_ACCOUNT], [OWN_ALLOW], ALLOWED),
    ("role/ci", [BY_CONDITION], None, CONDITIONAL),
    ("role/ci", [BY_CONDITION], [], NOT_ALLOWED),
    ("role/ci", [BY_CONDITION], [OWN_ALLOW], ALLOWED),
    ("role/node", [BY_CONDITION], None, NOT_ALLOWED),
    # another account: both sides are needed
    (role("ci", OTHER), [], [OWN_ALLOW], NOT_ALLOWED),
    (role("ci", OTHER), [BY_NAME_ELSEWHERE], [], NOT_ALLOWED),
    (role("ci", OTHER), [BY_NAME_ELSEWHERE], None, CONDITIONAL),
    (role("ci", OTHER), [BY_NAME_ELSEWHERE], [OWN_ALLOW], ALLOWED),
    (role("ci", OTHER), [BY_ACCOUNT_ELSEWHERE], [OWN_ALLOW], ALLOWED),
    (role("ci", OTHER), [BY_ACCOUNT_ELSEWHERE], [OWN_ALLOW_THERE], NOT_ALLOWED),
    (role("ci", OTHER), [BY_ACCOUNT], [OWN_ALLOW], NOT_ALLOWED),
    (OTHER, [BY_ACCOUNT_ELSEWHERE], None, CONDITIONAL),
    (OTHER, [BY_ACCOUNT], None, NOT_ALLOWED),
    # an organization that is not known to be the principal's
    (role("ci", OTHER), [BY_ORGANIZATION], [OWN_ALLOW], CONDITIONAL),
    ("role/ci", [BY_ORGANIZATION], [], CONDITIONAL),
    (ORG, [BY_ORGANIZATION], None, CONDITIONAL),
    ("o-zzzzzzzzzz", [BY_ORGANIZATION], None, NOT_ALLOWED),
    # services
    ("lambda.amazonaws.com", [LAMBDA], None, CONDITIONAL),
    ("lambda.amazonaws.com", [statement({"Service": ["lambda.amazonaws.com"]})], None, ALLOWED),
    ("ecs.amazonaws.com", [LAMBDA], None, NOT_ALLOWED),
    ("lambda.amazonaws.com", [BY_ORGANIZATION], None, NOT_ALLOWED),
    # a denial wins, whoever says it
    ("role/ci", [BY_NAME, DENY_ALL], [OWN_ALLOW], DENIED),
    ("role/ci", [BY_NAME], [OWN_DENY], DENIED),
    ("role/ci", [BY_NAME, statement({"AWS": OWN}, "Deny")], [OWN_ALLOW], DENIED),
    ("role/ci", [BY_NAME, statement({"AWS": OWN}, "Deny", "ecr:PutImage")], [OWN_ALLOW], ALLOWED),
    ("lambda.amazonaws.com", [LAMBDA, DENY_ALL], None, DENIED),
    ("role/ci", [BY_NAME, statement("*", "Deny", Condition={"Bool": {"aws:SecureTransport": "false"}})], [], CONDITIONAL),
    # negations
    ("role/ci", [statement({"AWS": role("ci")}, NotAction="ecr:PutImage", action=PULL)], [], ALLOWED),
    # who is excepted from a denial must be excepted with account and session, and a session has a name of its own
    ("role/ci", [{"Effect": "Deny", "NotPrincipal": {"AWS": role("ci")}, "Action": PULL}, BY_NAME], [], CONDITIONAL),
    ("role/ci", [{"Effect": "Deny", "NotPrincipal": {"AWS": [role("ci"), root(OWN)]}, "Action": PULL}, BY_NAME], [], CONDITIONAL),
    ("user/me", [{"Effect": "Deny", "NotPrincipal": {"AWS": user("me")}, "Action": PULL}], [OWN_ALLOW], CONDITIONAL),
    ("user/me", [{"Effect": "Deny", "NotPrincipal": {"AWS": [user("me"), OWN]}, "Action": PULL}], [OWN_ALLOW], ALLOWED),
    ("lambda.amazonaws.com", [LAMBDA_ANY, {"Effect": "Deny", "NotPrincipal": {"Service": "lambda.amazonaws.com"}, "Action": PULL}], None, ALLOWED),
    # of an account or an organization, somebody may be excepted
    (OWN, [{"Effect": "Deny", "NotPrincipal": {"AWS": role("ci")}, "Action": PULL}, statement("*")], [], CONDITIONAL),
    (OWN, [{"Effect": "Deny", "NotPrincipal": {"AWS": "AROAEXAMPLEID1234567"}, "Action": PULL}, statement("*")], [], CONDITIONAL),
    (OWN, [{"Effect": "Deny", "NotPrincipal": {"AWS": role("ci", OTHER)}, "Action": PULL}, statement("*")], [], DENIED),
    (OTHER, [{"Effect": "Deny", "NotPrincipal": {"AWS": OWN}, "Action": PULL}, statement("*")], [OWN_ALLOW], DENIED),
    (ORG, [{"Effect": "Deny", "NotPrincipal": {"AWS": OTHER}, "Action": PULL}, BY_ORGANIZATION], None, CONDITIONAL),
    (ORG, [{"Effect": "Deny", "NotPrincipal": {"Service": "x.amazonaws.com"}, "Action": PULL}, BY_ORGANIZATION], None, DENIED),
    ("role/node", [{"Effect": "Allow", "NotPrincipal": {"AWS": role("ci")}, "Action": PULL}], [], ALLOWED),
    ("role/ci", [{"Effect": "Allow", "NotPrincipal": {"AWS": role("ci")}, "Action": PULL}], [], CONDITIONAL),
    # an operator whose quantifier is not known says nothing
    ("role/ci", [statement({"AWS": role("ci")}, Condition={"foranyvalue:StringEquals": {"aws:PrincipalAccount": "x"}})], [], CONDITIONAL),
    # an id stands for one role or user, and it is not known for which
    ("role/ci", [statement({"AWS": "AROAEXAMPLEID1234567"})], [], CONDITIONAL),
    ("role/ci", [BY_NAME, statement({"AWS": "AROAEXAMPLEID1234567"}, "Deny")], [], CONDITIONAL),
    ("user/me", [statement({"AWS": "AROAEXAMPLEID1234567"})], [], NOT_ALLOWED),
    ("user/me", [statement({"AWS": "AIDAEXAMPLEID1234567"})], [], CONDITIONAL),
    ("role/node", [{"Effect": "Deny", "NotPrincipal": {"AWS": role("ci")}, "Action": PULL}], [OWN_ALLOW], DENIED),
    ("role/ci", [{"Effect": "Allow", "Principal": {"AWS": role("ci")}, "NotAction": "ecr:Put*"}], [], ALLOWED),
    ("role/ci", [{"Effect": "Allow", "Principal": {"AWS": role("ci")}, "NotAction": "ecr:Batch*"}], [], NOT_ALLOWED),
    ("role/ci", [], [{"Effect": "Allow", "Action": "*", "NotResource": REPOSITORY}], NOT_ALLOWED),
    ("role/ci", [], [{"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::*"}], ALLOWED),
    # everybody, and one session of a role
    ("role/ci", [statement("*")], [], ALLOWED),
    (role("ci", OTHER), [statement({"AWS": "*"})], [OWN_ALLOW], ALLOWED),
    ("role/ci", [statement({"AWS": f"arn:aws:sts::{OWN}:assumed-role/ci/build"})], [], CONDITIONAL),
    # actions are matched without case, by wildcards
    ("role/ci", [statement({"AWS": role("ci")}, action="ECR:batchget*")], [], ALLOWED),
    ("role/ci", [statement({"AWS": role("ci")}, action=["ecr:PutImage", "ecr:BatchGetImag"])], [], NOT_ALLOWED),
]  # fmt: skip


@pytest.mark.parametrize(("who", "resource", "identity", "verdict"), TRUTH)
def test_the_verdict_is_the_one_worked_out_by_hand(
    who: str, resource: list[dict[str, Any]], identity: list[dict[str, Any]] | None, verdict: Verdict
) -> None:
    assert ask(who, resource, identity).verdict is verdict


def test_an_answer_says_what_it_depends_on() -> None:
    delegated = ask("role/ci", [{**BY_CONDITION, "Sid": "AllowPull"}])
    assert delegated.needs_own_policy
    assert (delegated.conditions, delegated.statements) == ((), ("AllowPull",))
    assert ask(role("ci", OTHER), [BY_ORGANIZATION], [OWN_ALLOW]).conditions == (
        f"StringEquals aws:PrincipalOrgID {ORG}",
    )
    denial = statement("*", "Deny", Sid="OnlyHere", Condition={"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}})
    answer = ask("role/ci", [BY_NAME, denial], [])
    assert answer.unless == ("NotIpAddress aws:SourceIp 10.0.0.0/8",)
    assert answer.conditions == ()
    assert not answer.needs_own_policy


def test_a_managed_policy_that_cannot_be_read_is_named_without_its_path() -> None:
    policies = Policies(identity_complete=True, unread=(f"arn:aws:iam::{OWN}:policy/team/ci/pulls",))
    answer = evaluate(Principal.of("role/ci", OWN, "aws"), PULL, REPOSITORY, OWN, policies)
    assert answer.conditions == ("pulls allows it",)


def test_any_of_several_ways_is_enough_and_the_longer_ones_are_left_out() -> None:
    tls = statement(
        "*", Condition={"Bool": {"aws:SecureTransport": "true"}, "StringEquals": {"aws:PrincipalOrgID": ORG}}
    )
    vpc = statement("*", Condition={"StringEquals": {"aws:SourceVpc": "vpc-1"}})
    answer = ask(role("ci", OTHER), [BY_ORGANIZATION, tls, vpc], [OWN_ALLOW])
    assert answer.conditions == (f"StringEquals aws:PrincipalOrgID {ORG}", "StringEquals aws:SourceVpc vpc-1")
    sure = ask(OTHER, [BY_ACCOUNT_ELSEWHERE, BY_ORGANIZATION])
    assert (sure.needs_own_policy, sure.conditions) == (True, ())
    either = ask("role/ci", [BY_CONDITION, BY_ORGANIZATION])
    assert (either.needs_own_policy, either.conditions) == (
        False,
        (f"StringEquals aws:PrincipalOrgID {ORG}", "own policy"),
    )
    assert (either & ask("role/ci", [BY_CONDITION])).needs_own_policy
    assert (either & ask("role/ci", [BY_CONDITION])).conditions == ()
    assert (either & ask("role/ci", [])).verdict is NOT_ALLOWED
    assert (either & ask("role/ci", [BY_NAME])).conditions == either.conditions


def test_conditions_of_both_sides_must_hold_together() -> None:
    own = statement(Resource="*", Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}})
    answer = ask(role("ci", OTHER), [BY_ORGANIZATION], [own])
    assert answer.conditions == (f"Bool aws:MultiFactorAuthPresent true and StringEquals aws:PrincipalOrgID {ORG}",)


def test_what_is_known_of_a_request_settles_its_conditions() -> None:
    member = {"aws:PrincipalOrgID": [ORG]}
    stranger = {"aws:PrincipalOrgID": ["o-zzzzzzzzzz"]}
    nobody: dict[str, list[str]] = {"aws:PrincipalOrgID": []}
    assert ask(role("ci", OTHER), [BY_ORGANIZATION], [OWN_ALLOW], context=member).verdict is ALLOWED
    assert ask(role("ci", OTHER), [BY_ORGANIZATION], [OWN_ALLOW], context=stranger).verdict is NOT_ALLOWED
    assert ask(role("ci", OTHER), [BY_ORGANIZATION], [OWN_ALLOW], context=nobody).verdict is NOT_ALLOWED
    function = {"aws:SourceArn": [f"arn:aws:lambda:eu-west-1:{OTHER}:function:api"]}
    assert ask("lambda.amazonaws.com", [LAMBDA], context=function).verdict is ALLOWED


AT_THE_EDGE = {
    "NumericLessThan": False,
    "NumericLessThanEquals": True,
    "NumericGreaterThan": False,
    "NumericGreaterThanEquals": True,
}
# operator, values of the policy, values of the request (None: not known), whether it holds
OPERATORS: list[tuple[str, Any, list[str] | None, bool | None]] = [
    ("StringEquals", "a", ["a"], True),
    ("StringEquals", "a", ["A"], False),
    ("StringEquals", ["a", "b"], ["b"], True),
    ("StringEquals", "a", [], False),
    ("StringEquals", "a", None, None),
    ("StringEquals", "a*", ["ab"], False),
    ("StringEquals", "${aws:username}", ["a"], None),
    ("StringEqualsIgnoreCase", "A", ["a"], True),
    ("StringNotEquals", "a", ["b"], True),
    ("StringNotEquals", ["a", "b"], ["b"], False),
    ("StringNotEquals", "a", [], True),
    ("StringEqualsIfExists", "a", [], True),
    ("StringEqualsIfExists", "a", ["b"], False),
    ("StringLike", "eks-*", ["eks-node"], True),
    ("StringLike", "eks-?", ["eks-node"], False),
    ("StringNotLike", "eks-*", ["eks-node"], False),
    ("StringNotEquals", "${aws:username}", ["a"], None),
    ("ForAllValues:StringEquals", ["a", "b"], ["a", "b"], True),
    ("ForAllValues:StringEquals", ["a"], ["a", "b"], False),
    ("ForAllValues:StringEquals", ["a"], [], True),
    ("ForAnyValue:StringEquals", ["a"], ["a", "b"], True),
    ("ForAnyValue:StringEquals", ["a"], [], False),
    ("ForAllValues:StringNotEquals", ["a"], ["b", "c"], True),
    ("ForAnyValue:StringNotEquals", ["a"], ["a", "c"], True),
    ("ForAnyValue:StringNotEquals", ["a"], [], False),
    ("ForAllValues:StringNotEquals", ["a"], [], True),
    ("ArnLike", "arn:aws:iam::*:role/x", ["arn:aws:iam::1:role/x"], True),
    ("ArnLike", "arn:aws:iam::*", ["arn:aws:iam::1:role/x"], False),
    ("ArnEquals", "arn:aws:lambda:*:1:function:*", ["arn:aws:lambda:r:1:function:f:live"], True),
    ("ArnNotEquals", "arn:aws:iam::1:role/x", ["arn:aws:iam::1:role/x"], False),
    ("Bool", True, ["true"], True),
    ("Bool", "false", ["true"], False),
    ("Null", "true", [], True),
    ("Null", "true", ["a"], False),
    ("Null", "false", ["a"], True),
    ("Null", "true", None, None),
    ("NumericLessThan", "3600", ["60"], True),
    ("NumericGreaterThanEquals", 3600, ["60"], False),
    ("NumericEquals", "x", ["60"], False),
    ("DateGreaterThan", "2026-01-01T00:00:00Z", ["2026-06-01T00:00:00Z"], True),
    ("DateLessThan", "2026-01-01", ["1780000000"], False),
    ("DateGreaterThan", "2026-01-01", ["1780000000"], True),
    ("DateEquals", "2026-01-01T00:00:00Z", ["2026-01-01T02:00:00+02:00"], True),
    ("DateEquals", "2026-01-01T00:00:00Z", ["2026-01-01T00:00:00+02:00"], False),
    ("IpAddress", "10.0.0.0/8", ["10.1.2.3"], True),
    ("IpAddress", "10.1.2.3/8", ["10.9.9.9"], True),
    ("NotIpAddress", "10.0.0.0/8", ["10.1.2.3"], False),
    ("StringNotEqualsIgnoreCase", "A", ["a"], False),
    ("ArnNotLike", "arn:aws:iam::*:role/x", ["arn:aws:iam::1:role/x"], False),
    ("BinaryEquals", "QUJD", ["QUJD"], True),
    ("BinaryEquals", "QUJD", ["qujd"], False),
    ("NumericNotEquals", "1", ["1.0"], False),
    *((name, "60", ["60"], holds) for name, holds in AT_THE_EDGE.items()),
    *((name.replace("Numeric", "Date"), "60", ["60"], holds) for name, holds in AT_THE_EDGE.items()),
    ("NumericLessThanEquals", "60", ["61"], False),
    ("NumericGreaterThan", "60", ["61"], True),
    ("DateNotEquals", "60", ["60"], False),
    ("DateLessThanEquals", "60", ["61"], False),
    ("DateGreaterThanEquals", "60", ["61"], True),
    ("StringResembles", "a", ["a"], None),
]


def test_every_operator_is_tried() -> None:
    tried = {operator.rpartition(":")[2].removesuffix("IfExists") for operator, *_ in OPERATORS}
    assert all(operator.rpartition(":")[2].removesuffix("IfExists") in tried for operator in KNOWN_OPERATORS)


@pytest.mark.parametrize(("operator", "wanted", "actual", "holds"), OPERATORS)
def test_operators_hold_as_iam_says(operator: str, wanted: Any, actual: list[str] | None, holds: bool | None) -> None:
    context = {} if actual is None else {"aws:key": actual}
    assert condition_holds(conditions_of({operator: {"aws:Key": wanted}}), context) is holds


def test_all_conditions_of_a_statement_must_hold() -> None:
    both = {"StringEquals": {"aws:a": "1", "aws:b": "2"}}
    assert condition_holds(conditions_of(both), {"aws:a": ["1"], "aws:b": ["2"]}) is True
    assert condition_holds(conditions_of(both), {"aws:a": ["1"], "aws:b": ["3"]}) is False
    assert condition_holds(conditions_of(both), {"aws:a": ["1"]}) is None
    assert condition_holds(conditions_of(both), {"aws:a": ["2"]}) is False


def test_a_pattern_of_many_stars_is_matched_in_time() -> None:
    assert not glob("*a" * 12 + "*" * 3000 + "b", "a" * 40)


@given(st.text("a*?b", max_size=8), st.text("ab", max_size=8))
def test_patterns_match_as_the_same_regular_expression_does(pattern: str, value: str) -> None:
    expression = re.sub(r"\*+", ".*", pattern.replace("?", "."))
    assert glob(pattern, value) is (re.fullmatch(expression, value) is not None)


@pytest.mark.parametrize(
    ("pattern", "other", "covered"),
    [
        ("a?", "ab", True),
        ("a*", "a*b", True),
        ("a?", "a*", False),
        ("a*", "b*", False),
        ("${x}*", "${x}*", True),
        ("*", "${x}", False),
    ],
)
def test_a_pattern_covers_another_if_it_matches_whatever_that_matches(pattern: str, other: str, covered: bool) -> None:
    assert covers(pattern, other) is covered


@pytest.mark.parametrize("name", ["", "*", "role/", "ci", "arn:aws:iam::1:role/x", "arn:aws:iam::123456789012:root/x"])
def test_what_names_nobody_is_no_principal(name: str) -> None:
    with pytest.raises(ValueError):
        Principal.of(name, OWN, "aws")


# --- properties

_principal_element = st.sampled_from(
    ["*", {"AWS": "*"}, {"AWS": role("ci")}, {"AWS": role("ci", OTHER)}, {"AWS": [root(OWN), OTHER]},
     {"Service": "lambda.amazonaws.com"}, {"AWS": f"arn:aws:sts::{OWN}:assumed-role/ci/x"}]
)  # fmt: skip
_condition = st.sampled_from(
    [
        None,
        {"StringEquals": {"aws:PrincipalOrgID": ORG}},
        {"ArnEquals": {"aws:PrincipalArn": role("ci")}},
        {"StringNotEquals": {"aws:PrincipalAccount": OTHER}},
        {"Bool": {"aws:SecureTransport": "false"}},
        {"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-zzzzzzzzzz"}},
    ]
)
_action = st.sampled_from([PULL, "ecr:*", "*", "ecr:PutImage", ["ecr:Batch*", "ecr:PutImage"]])


@st.composite
def _statements(draw: st.DrawFn, effect: str | None = None, resource_side: bool = True) -> dict[str, Any]:
    found: dict[str, Any] = {"Effect": effect or draw(st.sampled_from(["Allow", "Deny"]))}
    found[draw(st.sampled_from(["Action", "Action", "NotAction"]))] = draw(_action)
    condition = draw(_condition)
    if condition:
        found["Condition"] = condition
    if resource_side:
        found[draw(st.sampled_from(["Principal", "Principal", "Principal", "NotPrincipal"]))] = draw(_principal_element)
    else:
        found["Resource"] = draw(st.sampled_from(["*", REPOSITORY, "arn:aws:s3:::x"]))
    return found


_who = st.sampled_from(["role/ci", "user/me", role("ci", OTHER), OTHER, OWN, "lambda.amazonaws.com", ORG])
_sides = st.tuples(
    st.lists(_statements(), max_size=3), st.none() | st.lists(_statements(resource_side=False), max_size=2)
)


@given(_who, _sides, _statements("Allow"), _statements("Allow", resource_side=False), st.booleans())
def test_one_more_allow_never_takes_access_away(
    who: str, sides: tuple[Any, Any], ours: dict[str, Any], theirs: dict[str, Any], on_the_resource: bool
) -> None:
    resource, identity = copy.deepcopy(sides)
    before = ask(who, resource, identity).verdict
    if on_the_resource:
        after = ask(who, [*resource, ours], identity).verdict
    else:
        after = ask(who, resource, None if identity is None else [*identity, theirs]).verdict
    assert after.rank >= before.rank
    if before is DENIED:
        assert after is DENIED


@given(_who, _sides, _statements("Deny"))
def test_one_more_denial_never_gives_access(who: str, sides: tuple[Any, Any], denial: dict[str, Any]) -> None:
    resource, identity = sides
    assert ask(who, [*resource, denial], identity).verdict.rank <= ask(who, resource, identity).verdict.rank


@given(_who, _sides, st.booleans())
def test_a_denial_without_conditions_always_wins(who: str, sides: tuple[Any, Any], on_the_resource: bool) -> None:
    resource, identity = sides
    if on_the_resource or identity is None:
        resource = [DENY_ALL, *resource]
    else:
        identity = [*identity, OWN_DENY]
    assert ask(who, resource, identity).verdict is DENIED


@given(_who, _sides)
def test_the_order_of_statements_does_not_matter(who: str, sides: tuple[Any, Any]) -> None:
    resource, identity = sides
    mirrored = ask(who, resource[::-1], identity and identity[::-1])
    assert mirrored.verdict is ask(who, resource, identity).verdict


@given(_who, _sides, st.sampled_from([[ORG], ["o-zzzzzzzzzz"], []]), st.sampled_from([["true"], ["false"]]))
def test_knowing_more_never_contradicts_a_certain_answer(
    who: str, sides: tuple[Any, Any], organization: list[str], secure: list[str]
) -> None:
    resource, identity = sides
    before = ask(who, resource, identity).verdict
    context = {"aws:SecureTransport": secure}
    if who not in (ORG, "lambda.amazonaws.com"):
        context["aws:PrincipalOrgID"] = organization
    after = ask(who, resource, identity, context=context).verdict
    if before is not CONDITIONAL:
        assert after.rank == before.rank


@pytest.mark.parametrize("principals", [[root(OWN), role("ci")], [role("ci"), root(OWN)]])
def test_who_is_named_beside_the_account_needs_no_policy_of_its_own(principals: list[str]) -> None:
    assert ask(role("ci"), [statement({"AWS": principals})], []).verdict is Verdict.ALLOWED
    assert ask(role("ci"), [statement({"AWS": root(OWN)})], []).verdict is not Verdict.ALLOWED
