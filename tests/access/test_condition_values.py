"""What the value of a condition may be, at the edges."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from ecr_stack.aws.iam.conditions import Conditions

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
