"""A change of policies is told as whom it lets in, whom it shuts out, and what it no longer denies."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_stack.review.access_changes import access_changes

ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/ci"
OTHER = f"arn:aws:iam::{ACCOUNT}:role/other"
PULL = "ecr:BatchGetImage"
PUSH = "ecr:PutImage"
REPOSITORY = "aws:ecr/repositoryPolicy:RepositoryPolicy"


def record(type_: str, name: str = "x", **inputs: Any) -> dict[str, Any]:
    return {"urn": f"urn:{type_}:{name}", "type": type_, "name": name, "inputs": inputs, "outputs": {}}


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def changes(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> list[str]:
    told = access_changes({each["urn"]: each for each in before}, {each["urn"]: each for each in after})
    return [f"{change.level}: {change.message}" for change in told]


def of_repository(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> list[str]:
    old, new = (
        [record(REPOSITORY, repository="api", policy=policy(*each))] if each else [] for each in (before, after)
    )
    return changes(old, new)


def allow(principal: Any, action: Any = PULL, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": principal, "Action": action, **more}


def deny(principal: Any, action: Any = PULL, **more: Any) -> dict[str, Any]:
    return {**allow(principal, action, **more), "Effect": "Deny"}


def named(*roles: str) -> dict[str, Any]:
    return {"ArnEquals": {"aws:PrincipalArn": list(roles)}}


TLS = {"Bool": {"aws:SecureTransport": "false"}}
ROOT = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ([], [allow({"AWS": ROLE})], [f"danger: grants access to {ROLE}: {PULL}"]),
        ([allow({"AWS": ROLE})], [], [f"attention: revokes access from {ROLE}: {PULL}"]),
        ([allow({"AWS": ROLE})], [allow({"AWS": [ROLE, OTHER]})], [f"danger: grants access to {OTHER}: {PULL}"]),
        ([allow({"AWS": ROLE})], [allow({"AWS": ROLE}, [PULL, PUSH])], [f"danger: grants access to {ROLE}: {PUSH}"]),
        ([allow(ROOT)], [allow({"AWS": ACCOUNT})], []),
        ([allow("*")], [allow({"AWS": "*"})], []),
        ([allow({"AWS": ROLE}, [PULL, PUSH])], [allow({"AWS": ROLE}, PULL), allow({"AWS": ROLE}, PUSH)], []),
        ([allow({"AWS": ROLE}, "ecr:*")], [allow({"AWS": ROLE}, "ECR:putimage")], [f"attention: revokes access from {ROLE}: ecr:*"]),
        ([allow(ROOT)], [allow({"AWS": ROLE}), allow(ROOT)], [f"danger: grants access to {ROLE}: {PULL}"]),
        # denials are the other way round
        ([deny({"AWS": [ROLE, OTHER]})], [deny({"AWS": ROLE})], [f"danger: no longer denies {OTHER}: {PULL}"]),
        ([deny({"AWS": ROLE})], [deny({"AWS": [ROLE, OTHER]})], [f"attention: denies {OTHER}: {PULL}"]),
        ([deny("*", [PULL, PUSH])], [deny("*", PULL)], [f"danger: no longer denies everyone: {PUSH}"]),
        ([deny("*")], [deny("*", Condition=TLS)], [f"danger: no longer denies everyone: {PULL}"]),
        ([deny("*", Condition=TLS)], [deny("*")], [f"attention: denies everyone: {PULL}"]),
        ([deny(ROOT)], [deny({"AWS": ROLE})], [f"danger: no longer denies the account {ACCOUNT}: {PULL}"]),
        ([deny({"AWS": ROLE})], [deny(ROOT)], [f"attention: denies the account {ACCOUNT}: {PULL}"]),
        ([deny("*"), allow("*")], [allow("*")], [f"danger: no longer denies everyone: {PULL}"]),
        ([deny("*")], [allow("*")], [f"danger: grants access to everyone: {PULL}", f"danger: no longer denies everyone: {PULL}"]),
        (
            [{"Effect": "Deny", "NotPrincipal": {"AWS": ROLE}, "Action": PULL}],
            [{"Effect": "Deny", "NotPrincipal": {"AWS": [ROLE, OTHER]}, "Action": PULL}],
            [f"danger: no longer denies all but {ROLE}: {PULL}"],
        ),
        (
            [{"Effect": "Deny", "Principal": "*", "NotAction": PULL}],
            [{"Effect": "Deny", "Principal": "*", "NotAction": [PULL, PUSH]}],
            ["danger: no longer denies everyone: all but ecr:BatchGetImage"],
        ),
        # conditions
        ([allow(ROOT, Condition=named(ROLE))], [allow(ROOT, Condition=named(ROLE, OTHER))], [f"danger: grants access to {OTHER}: {PULL}"]),
        ([allow(ROOT, Condition=named(ROLE))], [allow(ROOT)], [f"danger: grants access to the account {ACCOUNT}: {PULL}"]),
        ([allow(ROOT)], [allow(ROOT, Condition=named(ROLE))], [f"attention: revokes access from the account {ACCOUNT}: {PULL}"]),
        (
            [allow("*", Condition={"StringNotEquals": {"aws:SourceVpc": ["a", "b"]}})],
            [allow("*", Condition={"StringNotEquals": {"aws:SourceVpc": ["a"]}})],
            [f"danger: grants access to everyone: {PULL} where StringNotEquals aws:SourceVpc a"],
        ),
        (
            [allow({"Service": "lambda.amazonaws.com"}, Condition={"ArnLike": {"aws:SourceArn": "arn:aws:lambda:*:1:*"}})],
            [allow({"Service": "lambda.amazonaws.com"})],
            [f"danger: grants access to Service lambda.amazonaws.com: {PULL}"],
        ),
        ([allow({"AWS": ROLE})], [allow({"AWS": ROLE}, Condition={"Null": {"aws:PrincipalOrgID": "true"}})],
         [f"attention: revokes access from {ROLE}: {PULL}"]),
    ],
)  # fmt: skip
def test_it_is_told_whom_a_change_lets_in_and_shuts_out(
    before: list[dict[str, Any]], after: list[dict[str, Any]], told: list[str]
) -> None:
    assert [line for line in of_repository(before, after) if line.startswith("danger")] == [
        line for line in told if line.startswith("danger")
    ]
    assert set(told) <= set(of_repository(before, after))
    # what one direction opens, the other closes, and nothing else
    assert bool(of_repository(after, before)) is bool(told)


def test_policies_of_registries_keys_and_templates_are_read_too() -> None:
    for type_, key, owner in (
        ("aws:ecr/registryPolicy:RegistryPolicy", "policy", {}),
        ("aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate", "repositoryPolicy", {"prefix": "ROOT"}),
        ("aws:kms/key:Key", "policy", {}),
        ("aws:kms/keyPolicy:KeyPolicy", "policy", {"keyId": "k"}),
    ):
        old = record(type_, **owner, **{key: policy(allow(ROOT, "kms:*"))})
        new = record(type_, **owner, **{key: policy(allow(ROOT, "kms:*"), allow({"AWS": ROLE}, "kms:Decrypt"))})
        assert changes([old], [new]) == [f"danger: grants access to {ROLE}: kms:Decrypt"]


def test_a_grant_of_a_key_lets_its_grantee_in() -> None:
    grant = record("aws:kms/grant:Grant", keyId="k", granteePrincipal=ROLE, operations=["Decrypt"])
    bound = record("aws:kms/grant:Grant", keyId="k", granteePrincipal=ROLE, operations=["Decrypt"],
                   constraints=[{"encryptionContextEquals": {"a": "b"}}], retiringPrincipal=OTHER)  # fmt: skip
    assert changes([], [grant]) == [f"danger: grants access to {ROLE}: kms:Decrypt"]
    # what the constraints allowed is allowed without them
    assert changes([bound], [grant]) == [
        f"danger: grants access to {ROLE}: kms:Decrypt",
        f"attention: revokes access from {OTHER}: kms:RetireGrant",
    ]
    assert changes([grant], [bound]) == [
        f"danger: grants access to {OTHER}: kms:RetireGrant",
        f"attention: revokes access from {ROLE}: kms:Decrypt",
    ]


TRUST = {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com"}


def test_the_policies_of_a_role_are_read_together() -> None:
    own = {"Effect": "Allow", "Action": [PULL, PUSH], "Resource": "*"}
    inline = record("aws:iam/rolePolicy:RolePolicy", role="ci", policy=policy(own))
    managed = record("aws:iam/policy:Policy", arn="arn:x", policy=policy(own))
    attached = record("aws:iam/rolePolicyAttachment:RolePolicyAttachment", role="ci", policyArn="arn:x")
    assert changes([inline], [managed, attached]) == []
    wider = {**managed, "inputs": {"arn": "arn:x", "policy": policy({**own, "Action": "*"})}}
    assert changes([managed, attached], [wider, attached]) == ["danger: grants access to the role ci: *"]
    assert changes([inline], []) == ["attention: revokes access from the role ci: ecr:BatchGetImage, ecr:PutImage"]


def test_attachments_of_managed_policies_are_told_by_what_they_allow_or_by_name() -> None:
    def attachment(name: str) -> dict[str, Any]:
        arn = f"arn:aws:iam::aws:policy/{name}"
        return record("aws:iam/rolePolicyAttachment:RolePolicyAttachment", role="ci", policyArn=arn)

    assert changes([], [attachment("AdministratorAccess")]) == ["danger: grants access to the role ci: *"]
    assert changes([], [attachment("IAMFullAccess")]) == [
        "danger: gets the policy arn:aws:iam::aws:policy/IAMFullAccess, whose document is unknown"
    ]


def test_trust_and_the_boundary_of_a_role_are_told() -> None:
    def role(*subjects: str, **more: Any) -> dict[str, Any]:
        condition = {"StringEquals": {"token.actions.githubusercontent.com:sub": list(subjects)}}
        document = policy(allow(TRUST, "sts:AssumeRoleWithWebIdentity", Condition=condition))
        return record("aws:iam/role:Role", name="ci", assumeRolePolicy=document, **more)

    (told,) = changes([role("repo:o/a:x")], [role("repo:o/a:x", "repo:o/b:x")])
    assert told.startswith("danger: grants access to Federated ")
    assert told.endswith(" for repo:o/b:x: sts:AssumeRoleWithWebIdentity")
    assert changes([role("x", permissionsBoundary="arn:b")], [role("x")]) == [
        "danger: loses its permissions boundary arn:b"
    ]
    assert changes([role("x")], [role("x", permissionsBoundary="arn:b")]) == []


def test_a_value_without_wildcards_is_the_same_under_both_operators() -> None:
    def role(operator: str, *subjects: str) -> dict[str, Any]:
        condition = {operator: {"token.actions.githubusercontent.com:sub": list(subjects)}}
        document = policy(allow(TRUST, "sts:AssumeRoleWithWebIdentity", Condition=condition))
        return record("aws:iam/role:Role", name="ci", assumeRolePolicy=document)

    (told,) = changes([role("StringEquals", "repo:o/a:x")], [role("StringLike", "repo:o/a:x", "repo:o/a:y*")])
    assert told.startswith("danger: grants access to Federated ")
    assert told.endswith(" for repo:o/a:y*: sts:AssumeRoleWithWebIdentity")
    assert changes([role("StringLike", "repo:o/a:x")], [role("StringEquals", "repo:o/a:x")]) == []
    assert changes([role("StringEquals", "repo:o/a:*")], [role("StringLike", "repo:o/a:*")])


def test_a_role_of_which_only_a_preview_is_known_has_no_policies_yet() -> None:
    unknown = dict.fromkeys(("inlinePolicies", "managedPolicyArns"), "[unknown]")
    assert changes([], [record("aws:iam/role:Role", name="ci", **unknown)]) == []


def test_a_policy_that_cannot_be_read_is_told() -> None:
    (told,) = changes([], [record(REPOSITORY, repository="api", policy="{")])
    assert told.startswith("danger: has a policy that cannot be read: ")


_statement = st.builds(
    lambda effect, principal, action, condition: {
        "Effect": effect, "Principal": principal, "Action": action, **({"Condition": condition} if condition else {}),
    },
    st.sampled_from(["Allow", "Deny"]),
    st.sampled_from(["*", {"AWS": ROLE}, {"AWS": [ROLE, OTHER]}, ROOT]),
    st.sampled_from([PULL, PUSH, [PULL, PUSH], "ecr:*", "*"]),
    st.sampled_from([None, TLS, named(ROLE), named(ROLE, OTHER)]),
)  # fmt: skip


@given(st.lists(_statement, min_size=1, max_size=3), _statement)
def test_an_allowance_that_is_added_is_never_told_as_closing_and_a_denial_never_as_opening(
    statements: list[dict[str, Any]], more: dict[str, Any]
) -> None:
    level = "danger" if more["Effect"] == "Allow" else "attention"
    assert {line.split(":")[0] for line in of_repository(statements, [*statements, more])} <= {level}
    other = "attention" if level == "danger" else "danger"
    assert {line.split(":")[0] for line in of_repository([*statements, more], statements)} <= {other}


@given(st.lists(_statement, min_size=1, max_size=4), st.randoms())
def test_the_order_of_statements_is_no_change(statements: list[dict[str, Any]], random: Any) -> None:
    shuffled = list(statements)
    random.shuffle(shuffled)
    assert of_repository(statements, shuffled) == []
