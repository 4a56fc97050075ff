"""A changed policy is said as whom it lets in and shuts out."""

from __future__ import annotations

from typing import Any

import pytest

from ecr_stack.review.comparison import Property
from ecr_stack.review.openings import openings

ROLE = "arn:aws:iam::123456789012:role/stranger"
ACCOUNT = {"Effect": "Allow", "Principal": {"AWS": ["arn:aws:iam::111122223333:root"]}, "Action": ["ecr:BatchGetImage"]}
BY_CONDITION = {"Effect": "Allow", "Principal": "*", "Condition": {"ArnEquals": {"aws:PrincipalArn": [ROLE]}}}
OPEN = {"Effect": "Allow", "Principal": "*", "Action": "ecr:*"}
DENIAL = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": "ecr:*",
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}
NAMED = "policy.Statement[Sid=One]"
TRUST = {
    "Effect": "Allow",
    "Principal": {"Federated": "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"},
    "Condition": {"StringLike": {"token.actions.githubusercontent.com:sub": "repo:acme/*"}},
}


@pytest.mark.parametrize(
    ("path", "before", "after", "level", "words"),
    [
        (NAMED, None, ACCOUNT, "danger", "a statement is new, for arn:aws:iam::111122223333:root"),
        (NAMED, None, BY_CONDITION, "danger", f"a statement is new, for {ROLE}"),
        (NAMED, None, OPEN, "danger", "a statement is new, for *"),
        (NAMED, None, TRUST, "danger", "repo:acme/*"),
        (NAMED, ACCOUNT, None, "attention", "a statement is gone, for arn:aws:iam::111122223333:root"),
        (NAMED, DENIAL, None, "danger", "a denial is gone, for *"),
        (NAMED, None, DENIAL, "attention", "a denial is new, for *"),
        ("policy.Statement", [ACCOUNT], [ACCOUNT, OPEN], "danger", "a statement is new, for *"),
        ("policy.Statement", [ACCOUNT, OPEN], [ACCOUNT], "attention", "a statement is gone, for *"),
        (f"{NAMED}.Effect", "Deny", "Allow", "danger", "what was a matter of Deny is one of Allow"),
        (f"{NAMED}.Principal.AWS", None, ROLE, "danger", f"a principal is let in: {ROLE}"),
        (f"{NAMED}.Condition.ArnEquals.aws:PrincipalArn", ROLE, None, "attention", f"a principal is shut out: {ROLE}"),
        (f"{NAMED}.Action", None, "ecr:PutImage", "danger", "an action is let in: ecr:PutImage"),
        (f"{NAMED}.Condition.Bool.aws:SecureTransport", "false", None, "danger", "changes: false → nothing"),
        (f"{NAMED}.Resource", "arn:one", "*", "danger", "what access is given to changes: arn:one → *"),
    ],
)
def test_a_change_of_a_policy_is_said_by_whom_it_concerns(
    path: str, before: Any, after: Any, level: str, words: str
) -> None:
    ((found, text),) = openings(Property(path, before, after))
    assert found == level
    assert words in text


@pytest.mark.parametrize("name", ["Version", "Id"])
def test_what_lets_nobody_in_is_not_spoken_of(name: str) -> None:
    assert list(openings(Property(f"policy.{name}", "a", "b"))) == []


def test_a_name_of_a_statement_that_speaks_of_principals_is_only_a_name() -> None:
    path = "policy.Statement[Sid=PrincipalActions].Sid"
    assert list(openings(Property(path, "a", "b"))) == []
