"""Policies are read in one way, whoever asks, and what they say agrees with a second, naive reading."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_stack.aws.iam.conditions import OPERATORS
from ecr_stack.aws.iam.evaluation import Answer, Policies, Principal, Verdict, evaluate
from ecr_stack.aws.iam.reader import (
    Party,
    UnreadablePolicy,
    accounts,
    bound,
    conditions_of,
    named_principals,
    parties,
    public,
    read_policy,
    unbound_services,
)

OWN = "123456789012"
OTHER = "111122223333"
ORG = "o-a1b2c3d4e5"
ROLE = f"arn:aws:iam::{OWN}:role/ci"
REPOSITORY = f"arn:aws:ecr:us-east-1:{OWN}:repository/api"
PULL = "ecr:BatchGetImage"


def one(**statement: Any) -> Any:
    (found,) = read_policy({"Statement": {"Effect": "Allow", **statement}})
    return found


def test_every_spelling_of_a_statement_reads_the_same() -> None:
    long = {
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": [ROLE]},
                "Action": [PULL],
                "Condition": {"Bool": {"A:b": ["true"]}},
            }
        ]
    }
    short = {
        "statement": {
            "EFFECT": "Allow",
            "principal": {"AWS": ROLE},
            "action": PULL,
            "condition": {"Bool": {"A:b": True}},
        }
    }
    assert read_policy(long) == read_policy(short) == read_policy(json.dumps(short))


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("{", "not JSON"),
        ('{"Statement": [{"Effect": "Deny", "Effect": "Allow"}]}', "twice"),
        ({"Statement": [{"Effect": "Deny", "effect": "Allow"}]}, "twice"),
        ({}, "no Statement"),
        ([], "must be a JSON object"),
        ({"Statement": [1]}, "Statement 1 is 1"),
        ({"Statement": [{"Sid": "A", "Action": [{}]}]}, "The Action of statement 'A'"),
        ({"Statement": [{"Condition": {"Bool": "x"}}]}, "The Condition of statement 1"),
    ],
)
def test_what_is_no_policy_is_refused_in_words(document: Any, words: str) -> None:
    with pytest.raises(UnreadablePolicy, match=re.escape(words)):
        read_policy(document)


@pytest.mark.parametrize(
    ("principal", "condition", "said"),
    [
        ("*", {}, [Party("everyone", "", "*")]),
        ({"AWS": [ROLE, OTHER]}, {}, [Party("account", OWN, ROLE), Party("account", OTHER, OTHER)]),
        ({"Service": "lambda.amazonaws.com"}, {}, [Party("service", "lambda.amazonaws.com", "lambda.amazonaws.com")]),
        ({"AWS": "AROAEXAMPLEID1234567"}, {}, [Party("unknown", "", "AROAEXAMPLEID1234567")]),
        ("*", {"StringEquals": {"aws:PrincipalOrgID": ORG}}, [Party("organization", ORG, ORG)]),
        ("*", {"StringLike": {"aws:PrincipalOrgPaths": f"{ORG}/r-1/*"}}, [Party("organization", ORG, f"{ORG}/r-1/*")]),
        ("*", {"StringEquals": {"kms:CallerAccount": OTHER}}, [Party("account", OTHER, OTHER)]),
        ("*", {"ArnLike": {"aws:PrincipalArn": ROLE + "*"}}, [Party("account", OWN, ROLE + "*")]),
        ("*", {"StringEqualsIfExists": {"aws:PrincipalOrgID": ORG}}, [Party("everyone", "", "*")]),
        ("*", {"StringNotEquals": {"aws:PrincipalAccount": OTHER}}, [Party("everyone", "", "*")]),
        ("*", {"ForAllValues:StringEquals": {"aws:PrincipalOrgPaths": f"{ORG}/x"}}, [Party("everyone", "", "*")]),
        ("*", {"StringEquals": {"aws:PrincipalAccount": [OTHER, "*"]}}, [Party("everyone", "", "*")]),
        ("*", {"StringLike": {"aws:PrincipalArn": f"arn:aws:iam::*:role/{OTHER}:x"}}, [Party("everyone", "", "*")]),
    ],
)
def test_whom_a_statement_lets_in(principal: Any, condition: Any, said: list[Party]) -> None:
    statement = one(Principal=principal, Action=PULL, Condition=condition)
    assert list(parties(statement)) == said
    assert (public(statement) is not None) is any(party.kind == "everyone" for party in said)
    assert list(accounts(statement)) == [
        (party.id, party.text) for party in said if party.kind in ("account", "unknown")
    ]


def test_a_denial_lets_nobody_in_and_an_exception_lets_everybody_else_in() -> None:
    assert list(parties(one(Effect="Deny", Principal="*", Action=PULL))) == []
    assert public(one(NotPrincipal={"AWS": ROLE}, Action=PULL)) is not None


def test_a_condition_on_a_key_that_must_exist_binds_with_if_exists() -> None:
    condition = {"StringEqualsIfExists": {"aws:PrincipalOrgID": ORG}, "Null": {"aws:principalorgid": "false"}}
    assert bound(conditions_of(condition))
    assert not bound(conditions_of({**condition, "Null": {"aws:principalorgid": "true"}}))


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (f'["{ROLE}", "{ROLE}"]', [ROLE]),
        (f"arn:aws:iam::{OWN}:role/admin-*", []),
        (f"arn:aws:iam::{OWN}:role/admin-?x", []),
        (f"arn:aws:iam::{OWN}:role/${{aws:username}}", []),
        (f"arn:aws:iam::{OWN}:user/team/me", [f"arn:aws:iam::{OWN}:user/team/me"]),
        (f"arn:aws:iam::*:role/x arn:aws:iam::{OWN}:root", []),
    ],
)
def test_only_whole_names_are_principals(text: str, named: list[str]) -> None:
    assert named_principals(text) == named


# --- permissions boundaries and policies that are not known


def asked(who: str = "role/ci", resource: Any = (), identity: Any = (), **more: Any) -> Answer:
    sides = [read_policy({"Statement": list(side)}) if side else () for side in (resource, identity)]
    return evaluate(Principal.of(who, OWN, "aws"), PULL, REPOSITORY, OWN, Policies(sides[0], sides[1], **more))


ALLOW = {"Effect": "Allow", "Action": "ecr:*", "Resource": "*"}
BOUNDARY = read_policy({"Statement": {"Effect": "Allow", "Action": "ecr:Describe*", "Resource": "*"}})
WIDE = read_policy({"Statement": ALLOW})
NAMED = {"Effect": "Allow", "Action": PULL}


@pytest.mark.parametrize(
    ("who", "resource", "identity", "boundary", "verdict"),
    [
        ("role/ci", [], [ALLOW], WIDE, Verdict.ALLOWED),
        ("role/ci", [], [ALLOW], BOUNDARY, Verdict.NOT_ALLOWED),
        ("role/ci", [{**NAMED, "Principal": {"AWS": ROLE}}], [], BOUNDARY, Verdict.NOT_ALLOWED),
        ("role/ci", [], [ALLOW], read_policy({"Statement": {**ALLOW, "Effect": "Deny"}}), Verdict.DENIED),
        ("role/ci", [], [ALLOW], "arn:aws:iam::1:policy/limits", Verdict.CONDITIONAL),
        ("role/ci", [], [], "arn:aws:iam::1:policy/limits", Verdict.NOT_ALLOWED),
        ("user/me", [], [ALLOW], BOUNDARY, Verdict.NOT_ALLOWED),
        # what names a user is not limited by the user's boundary
        ("user/me", [{**NAMED, "Principal": {"AWS": f"arn:aws:iam::{OWN}:user/me"}}], [], BOUNDARY, Verdict.ALLOWED),
    ],
)
def test_a_permissions_boundary_limits_what_policies_allow(
    who: str, resource: Any, identity: Any, boundary: Any, verdict: Verdict
) -> None:
    assert asked(who, resource, identity, identity_complete=True, boundary=boundary).verdict is verdict


SESSION = f"arn:aws:sts::{OWN}:assumed-role/ci/build"
BY_ROLE = {"ArnEquals": {"aws:PrincipalArn": ROLE}}
BUT = {"Effect": "Deny", "NotPrincipal": {"AWS": ROLE}, "Action": PULL}


@pytest.mark.parametrize(
    ("resource", "verdict", "conditions"),
    [
        # what is granted to a session, or to `*` with a condition on the role, is not limited by a boundary
        ([{**NAMED, "Principal": {"AWS": SESSION}}], Verdict.CONDITIONAL, ("statement 1 applies",)),
        ([{**NAMED, "Principal": "*", "Condition": BY_ROLE}], Verdict.ALLOWED, ()),
        ([{**NAMED, "Principal": {"AWS": "*"}, "Condition": BY_ROLE}], Verdict.ALLOWED, ()),
        # AWS does not say it of `*` alone
        ([{**NAMED, "Sid": "All", "Principal": "*"}], Verdict.CONDITIONAL, ("the permissions boundary does not limit All",)),
        ([{**NAMED, "Principal": {"AWS": OWN}, "Condition": BY_ROLE}], Verdict.NOT_ALLOWED, ()),
        ([{**NAMED, "Principal": {"AWS": [ROLE, OWN]}}], Verdict.NOT_ALLOWED, ()),
        ([{**NAMED, "Principal": "*", "Condition": {"ArnEquals": {"aws:PrincipalArn": ROLE + "x"}}}], Verdict.NOT_ALLOWED, ()),
        # whoever has a boundary is denied by NotPrincipal, named or not
        ([BUT, {**NAMED, "Principal": "*", "Condition": BY_ROLE}], Verdict.DENIED, ()),
    ],
    ids=str,
)  # fmt: skip
def test_what_a_permissions_boundary_does_not_limit(
    resource: Any, verdict: Verdict, conditions: tuple[str, ...]
) -> None:
    answer = asked(resource=resource, identity=[ALLOW], boundary=BOUNDARY, identity_complete=True)
    assert (answer.verdict, answer.conditions) == (verdict, conditions)
    # a denial of the boundary limits all of it
    denied = asked(resource=resource, boundary=read_policy({"Statement": {**ALLOW, "Effect": "Deny"}}))
    assert denied.verdict is Verdict.DENIED
    # another account needs the principal's side whole
    elsewhere = read_policy({"Statement": resource})
    theirs = Policies(elsewhere, WIDE, True, boundary=BOUNDARY)
    answer = evaluate(Principal.of(ROLE, OTHER, "aws"), PULL, REPOSITORY.replace(OWN, OTHER), OTHER, theirs)
    assert answer.verdict in (Verdict.NOT_ALLOWED, Verdict.DENIED)


def test_a_boundary_that_is_not_known_may_deny_what_it_does_not_limit() -> None:
    limits = f"arn:aws:iam::{OWN}:policy/limits"
    user = {"resource": [{**NAMED, "Principal": {"AWS": f"arn:aws:iam::{OWN}:user/me"}}], "boundary": limits}
    assert (asked("user/me", **user).verdict, asked("user/me", **user).unless) == (
        Verdict.CONDITIONAL,
        ("limits denies it",),
    )
    role: Any = {"resource": [{**NAMED, "Principal": "*", "Condition": BY_ROLE}], "boundary": limits}
    assert asked(**role).unless == ("limits denies it",)
    assert asked(**{**role, "boundary": "arn:aws:iam::aws:policy/PowerUserAccess"}).verdict is Verdict.ALLOWED


def test_what_depends_on_a_policy_that_is_not_known_says_so() -> None:
    bounded = asked(identity=[ALLOW], boundary="arn:aws:iam::1:policy/limits")
    assert bounded.conditions == ("limits allows it",)
    unread = asked(unread=["arn:aws:iam::aws:policy/PowerUserAccess"], identity_complete=True)
    assert (unread.verdict, unread.conditions) == (Verdict.CONDITIONAL, ("PowerUserAccess allows it",))
    # a policy of the account's own may deny as well
    own = asked(identity=[ALLOW], unread=[f"arn:aws:iam::{OWN}:policy/mine"])
    assert (own.verdict, own.unless) == (Verdict.CONDITIONAL, ("mine denies it",))
    assert asked(identity=[ALLOW], unread=["arn:aws:iam::aws:policy/PowerUserAccess"]).verdict is Verdict.ALLOWED


# --- a second reading of the same documents, for a role whose policies and request are known whole


def matches(pattern: str, value: str) -> bool:
    expression = "".join(".*" if each == "*" else "." if each == "?" else re.escape(each) for each in pattern)
    return re.fullmatch(expression, value, re.DOTALL) is not None


def values_of(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def naive(resource: list[dict[str, Any]], identity: list[dict[str, Any]], context: dict[str, str]) -> bool:
    """The rules of AWS's page on evaluation, for a role of the repository's own account."""

    def applies(statement: dict[str, Any]) -> bool:
        action = "Action" in statement
        hit = any(
            matches(each.lower(), PULL.lower()) for each in values_of(statement["Action" if action else "NotAction"])
        )
        if hit is not action or not any(
            matches(each, REPOSITORY) for each in values_of(statement.get("Resource", "*"))
        ):
            return False
        for operator, keys in statement.get("Condition", {}).items():
            for key, wanted in keys.items():
                actual = context.get(key)
                negative, exists = "Not" in operator, operator.endswith("IfExists")
                if actual is None:
                    held = negative or exists
                else:
                    compare = matches if "Like" in operator else str.__eq__
                    held = any(compare(each, actual) for each in values_of(wanted)) is not negative
                if not held:
                    return False
        return True

    def named(statement: dict[str, Any]) -> str:
        principal = statement["Principal"]
        names = ["*"] if principal == "*" else values_of(principal.get("AWS", []))
        if {"*", ROLE} & set(names):
            return "name"
        return "account" if {OWN, f"arn:aws:iam::{OWN}:root"} & set(names) else ""

    sides = [(each, named(each)) for each in resource if applies(each)]
    own = [each for each in identity if applies(each)]
    if any(each["Effect"] == "Deny" for each in own) or any(each["Effect"] == "Deny" and how for each, how in sides):
        return False
    own_allows = any(each["Effect"] == "Allow" for each in own)
    # naming the account leaves it to the role's own policies, which then allow it by themselves
    return own_allows or any(each["Effect"] == "Allow" and how == "name" for each, how in sides)


def naive_with_boundary(
    resource: list[dict[str, Any]],
    identity: list[dict[str, Any]],
    boundary: list[dict[str, Any]],
    context: dict[str, str],
) -> bool | None:
    """The same with a permissions boundary; `None` where AWS does not say."""
    if any(each["Effect"] == "Deny" and naive([], [each | {"Effect": "Allow"}], context) for each in boundary):
        return False
    if not naive(resource, identity, context):
        return False
    if naive([], boundary, context):
        return True
    everyone = [
        each for each in resource
        if each["Effect"] == "Deny" or each["Principal"] == "*" or "*" in values_of(each["Principal"].get("AWS", []))
    ]  # fmt: skip
    return None if naive(everyone, [], context) else False


def element(*entries: str) -> Any:
    return st.sampled_from(entries) | st.lists(st.sampled_from(entries), min_size=1, max_size=3)


@st.composite
def a_statement(draw: st.DrawFn, resource: bool) -> dict[str, Any]:
    statement: dict[str, Any] = {"Effect": draw(st.sampled_from(["Allow", "Allow", "Deny"]))}
    statement[draw(st.sampled_from(["Action", "Action", "NotAction"]))] = draw(
        element(PULL, "ecr:*", "*", "ECR:batchget?mage", "ecr:PutImage")
    )
    if resource:
        statement["Principal"] = draw(
            st.just("*")
            | st.fixed_dictionaries({"AWS": element("*", ROLE, ROLE + "x", OWN, f"arn:aws:iam::{OTHER}:root")})
            | st.just({"Service": "lambda.amazonaws.com"})
        )
    else:
        statement["Resource"] = draw(element("*", REPOSITORY, REPOSITORY[:-1] + "?", "arn:aws:s3:::*"))
    if draw(st.booleans()):
        operator = draw(st.sampled_from(["StringEquals", "StringNotEquals", "StringLike", "StringNotLike"]))
        operator += draw(st.sampled_from(["", "", "IfExists"]))
        statement["Condition"] = {operator: {draw(st.sampled_from(["k:a", "k:b"])): draw(element("x", "x*", "y"))}}
    return statement


@given(
    st.lists(a_statement(resource=True), max_size=3),
    st.lists(a_statement(resource=False), max_size=3),
    st.dictionaries(st.sampled_from(["k:a", "k:b"]), st.sampled_from(["x", "xy", "z", "x*"])),
)
def test_the_answer_agrees_with_a_naive_reading(
    resource: list[dict[str, Any]], identity: list[dict[str, Any]], context: dict[str, str]
) -> None:
    known = {key: [context[key]] if key in context else [] for key in ("k:a", "k:b")}
    sides = [read_policy({"Statement": side}) if side else () for side in (resource, identity)]
    answer = evaluate(
        Principal.of("role/ci", OWN, "aws"), PULL, REPOSITORY, OWN, Policies(sides[0], sides[1], True), known
    )
    assert answer.verdict is not Verdict.CONDITIONAL
    assert (answer.verdict is Verdict.ALLOWED) is naive(resource, identity, context)


@given(
    st.lists(a_statement(resource=True), max_size=3),
    st.lists(a_statement(resource=False), max_size=2),
    st.lists(a_statement(resource=False), min_size=1, max_size=2),
    st.dictionaries(st.sampled_from(["k:a", "k:b"]), st.sampled_from(["x", "xy", "z", "x*"])),
)
def test_the_answer_within_a_boundary_agrees_with_a_naive_reading(
    resource: list[dict[str, Any]],
    identity: list[dict[str, Any]],
    boundary: list[dict[str, Any]],
    context: dict[str, str],
) -> None:
    known = {key: [context[key]] if key in context else [] for key in ("k:a", "k:b")}
    sides = [read_policy({"Statement": side}) if side else () for side in (resource, identity, boundary)]
    policies = Policies(sides[0], sides[1], True, boundary=sides[2])
    verdict = evaluate(Principal.of("role/ci", OWN, "aws"), PULL, REPOSITORY, OWN, policies, known).verdict
    expected = naive_with_boundary(resource, identity, boundary, context)
    assert (verdict is Verdict.CONDITIONAL) is (expected is None)
    assert (verdict is Verdict.ALLOWED) is (expected is True)


# --- which conditions narrow a statement

NARROWING = {"StringEquals", "StringEqualsIgnoreCase", "StringLike", "ArnEquals", "ArnLike"}
NAMING = {
    "aws:PrincipalOrgID": ORG,
    "aws:PrincipalOrgPaths": f"{ORG}/r-ab12/ou-ab12-11111111/*",
    "aws:PrincipalAccount": OTHER,
    "aws:PrincipalArn": ROLE,
    "aws:SourceArn": f"arn:aws:lambda:us-east-1:{OTHER}:function:*",
    "aws:SourceAccount": OTHER,
    "aws:SourceOrgID": ORG,
    "kms:CallerAccount": OTHER,
    "aws:userid": "AROAEXAMPLEID1234567:*",
}


@pytest.mark.parametrize("operator", sorted(OPERATORS))
@pytest.mark.parametrize("key", NAMING)
def test_only_operators_that_refuse_everybody_else_narrow(operator: str, key: str) -> None:
    quantifier, _, comparison = operator.rpartition(":")
    strict = quantifier != "ForAllValues" and not comparison.endswith("IfExists")
    condition = {operator: {key: NAMING[key]}}
    assert bound(conditions_of(condition)) is (strict and comparison in NARROWING)
    # A key that must be there takes away what the suffix and the quantifier let through.
    needed = {**condition, **({"Null": {key: "false"}} if operator != "Null" else {})}
    assert bound(conditions_of(needed)) is (comparison.removesuffix("IfExists") in NARROWING)
    for name, written in ((operator.lower(), key.upper()), (operator.upper(), key.lower())):
        assert bound(conditions_of({name: {written: NAMING[key]}})) is bound(conditions_of(condition))


OPEN_VALUES = [
    "*", "?*", "**", "*?", "*:*", "*/*", "????????????", "*.*", "", " ", "-", "arn:*", "arn:aws:*", "arn:aws*:*",
    "arn:*:*:*:*:*", "arn:aws:iam::*:*", "arn:aws:iam::*:role/*", "arn:aws:iam::?23456789012:role/x", "o-*", "o-?*",
    "1*", "*1", "A*", "AROA*", "${aws:PrincipalAccount}", "${aws:PrincipalArn}", "${aws:PrincipalOrgID, 'x'}",
]  # fmt: skip


@pytest.mark.parametrize("operator", sorted(NARROWING))
@pytest.mark.parametrize("value", OPEN_VALUES)
def test_a_value_that_is_true_of_strangers_does_not_narrow(operator: str, value: str) -> None:
    for key, name in NAMING.items():
        for values in (value, [value], [name, value], [value, name]):  # values are alternatives
            (condition,) = conditions_of({operator: {key: values}})
            assert not bound([condition]), (key, values)
            statement = one(Principal="*", Action=PULL, Condition={operator: {key: values}})
            assert public(statement) is not None
            assert unbound_services(one(Principal={"Service": "x.amazonaws.com"}, Condition={operator: {key: values}}))


@pytest.mark.parametrize(
    "key", ["token.actions.githubusercontent.com:sub", "aws:ResourceTag/Team", "iam:PassedToService"]
)
@pytest.mark.parametrize("value", ["*", "?*", "**", "*:*", "*/*", "", "-*", "arn:*", "${KEY}", "*${KEY}", "${ KEY }"])
@pytest.mark.parametrize("operator", ["StringLike", "ForAnyValue:StringLike", "ArnLike", "StringEquals"])
def test_a_value_that_says_nothing_binds_no_key(key: str, value: str, operator: str) -> None:
    (condition,) = conditions_of({operator: {key: ["named", value.replace("KEY", key)]}})
    assert not condition.binds
    (other,) = conditions_of({operator: {key: ["named", "${aws:PrincipalTag/Team}"]}})
    assert other.binds


@pytest.mark.parametrize(
    ("addresses", "narrow"),
    [("203.0.113.0/24", True), ("10.0.0.0/8", True), ("0.0.0.0/0", False), ("0.0.0.0/1", False), ("::/0", False),
     ("2001:db8::/32", True), ("2000::/3", False), ("::ffff:0:0/96", False), ("::ffff:203.0.113.0/120", True),
     ("*", False), ("", False)],
)  # fmt: skip
def test_which_addresses_are_somebodys(addresses: str, narrow: bool) -> None:
    condition = {"IpAddress": {"aws:SourceIp": addresses}}
    assert bound(conditions_of(condition), ["aws:SourceIp"]) is narrow
    assert not bound(conditions_of(condition))
    assert not bound(conditions_of({"NotIpAddress": {"aws:SourceIp": addresses}}), ["aws:SourceIp"])
    assert not bound(conditions_of({"IpAddressIfExists": {"aws:SourceIp": addresses}}), ["aws:SourceIp"])
    both = {"IpAddress": {"aws:SourceIp": ["203.0.113.0/24", addresses]}}
    assert bound(conditions_of(both), ["aws:SourceIp"]) is narrow


@pytest.mark.parametrize("names", [{"AWS": ROLE}, {"AWS": "*"}, "*", {"Service": "x.amazonaws.com"}, {"AWS": []}])
def test_everyone_but_some_is_everyone(names: Any) -> None:
    statement = one(NotPrincipal=names, Action=PULL)
    assert public(statement) is not None
    assert [party.kind for party in parties(statement)] == ["everyone"]
    assert public(one(Effect="Deny", NotPrincipal=names, Action=PULL)) is None
