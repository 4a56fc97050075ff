"""What the value of a condition may be, at the edges."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from ecr_stack.aws.iam.conditions import Conditions, condition_problems
from ecr_stack.errors import InvalidInput
from ecr_stack.schema.stack import settings_in

CONDITIONS: TypeAdapter[Any] = TypeAdapter(Conditions)


def read(key: str, value: Any) -> Any:
    return CONDITIONS.validate_python({"StringEquals": {key: value}})["StringEquals"][key]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("é\tß", "é\tß"),
        ("x" * 2048, "x" * 2048),
        (True, "true"),
        (7.0, "7"),
        (0.5, "0.5"),
        (2**53 - 1, str(2**53 - 1)),
        (1 - 2**53, str(1 - 2**53)),
    ],
)
def test_a_value_is_taken_for_the_text_that_iam_compares(value: Any, text: str) -> None:
    assert read("aws:PrincipalTag/team", value) == [text]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("x" * 2049, "at most 2,048"),
        ("名", "Latin-1"),
        ("a\x7fb", "Latin-1"),
        (2**53, "too large"),
        (-(2**53), "too large"),
        (float("nan"), "valid string"),
        ([], "at least 1"),
    ],
)
def test_a_value_that_iam_would_refuse_is_a_mistake(value: Any, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        read("aws:PrincipalTag/team", value)


def test_a_key_has_at_most_256_characters() -> None:
    key = "aws:PrincipalTag/" + "x" * 239
    assert read(key, "a") == ["a"]
    with pytest.raises(ValidationError, match="a condition key must be"):
        read(f"{key}x", "a")


@pytest.mark.parametrize(
    ("key", "remedy"),
    [
        ("aws:PrincipalOrgld", "write `aws:PrincipalOrgID`"),
        ("aws:PrincpalArn", "write `aws:PrincipalArn`"),
        ("AWS:SourceAcount", "write `aws:SourceAccount`"),
        ("aws:PrincipalTags/team", "write `aws:PrincipalTag/team`"),
        ("aws:SecureTransports", "write `aws:SecureTransport`"),
    ],
)
def test_a_misspelt_global_key_is_a_mistake(key: str, remedy: str) -> None:
    (problem,) = condition_problems({"StringNotEquals": {key: ["x"]}})
    assert (problem.place, problem.remedy) == (f"Condition.StringNotEquals.{key}", remedy)


@pytest.mark.parametrize(
    "key", ["aws:principalorgid", "aws:PrincipalTag/Team", "aws:SomethingNew", "ecr:ResourceTag/a", "aws:SourceVpcArn"]
)
def test_keys_that_exist_or_may_be_new_pass(key: str) -> None:
    assert list(condition_problems({"StringEquals": {key: ["x"]}})) == []


@pytest.mark.parametrize(
    ("operator", "value", "wrong"),
    [
        ("Bool", "no", True),
        ("BoolIfExists", "1", True),
        ("ForAllValues:Bool", "yes", True),
        ("Null", "0", True),
        ("Bool", "False", False),
        ("Null", "true", False),
        ("Bool", "${aws:PrincipalTag/x}", False),
        ("StringEquals", "no", False),
    ],
)
def test_what_is_compared_with_true_or_false_is_one_of_them(operator: str, value: str, wrong: bool) -> None:
    problems = list(condition_problems({operator: {"aws:SecureTransport": [value]}}))
    assert bool(problems) is wrong


def test_a_condition_that_never_holds_is_told_with_its_place_in_the_stack_file() -> None:
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": ["ecr:PutImage"],
        "Condition": {"Bool": {"aws:ViaAWSService": "no"}},
    }
    config = {
        "ecr-stack:environment": "prod",
        "ecr-stack:repositories": json.dumps({"api": {"access": {"statements": [statement]}}}),
    }
    with pytest.raises(InvalidInput) as caught:
        settings_in(config, source="Pulumi.prod.yaml")
    (problem,) = caught.value.problems
    assert problem.place == "ecr-stack:repositories.api.access.statements[0].Condition.Bool.aws:ViaAWSService"
