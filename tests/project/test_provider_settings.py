"""Keys of the AWS provider are those that the installed provider has, and its accounts those that are worked in."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from ecr_stack.project.provider_settings import provider_keys, provider_problems


def test_the_keys_are_those_of_the_installed_provider() -> None:
    program = (
        "import json, sys, pulumi_aws.config as config\n"
        "config = config.region or sys.modules['pulumi_aws.config']\n"  # a lazy module, which this imports
        "print(json.dumps([n for n, each in vars(type(config)).items() if isinstance(each, property)]))\n"
    )
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    snake = json.loads(shown.stdout)
    assert len(snake) > 20
    assert {key.lower() for key in provider_keys()} == {name.replace("_", "") for name in snake}


@pytest.mark.parametrize(
    ("key", "remedy"),
    [
        ("aws:regoin", "write `aws:region`"),
        ("aws:Profile", "write `aws:profile`"),
        ("aws:defaultTag", "write `aws:defaultTags`"),
        ("aws:zzzzzz", "remove it, or see the options of the AWS provider"),
    ],
)
def test_a_misspelt_key_of_the_provider_is_answered_with_the_right_one(key: str, remedy: str) -> None:
    (problem,) = provider_problems({key: "x", "aws:region": "us-east-1", "other:regoin": "x"})
    assert (problem.place, problem.remedy) == (key, remedy)


@pytest.mark.parametrize("namespace", ["AWS", "Aws", "aws ", "awss", "asw"])
def test_a_misspelt_namespace_of_the_provider_is_told(namespace: str) -> None:
    (problem,) = provider_problems({f"{namespace}:allowedAccountIds": "[]"})
    assert problem.remedy == "write `aws:allowedAccountIds`"
    assert "would have no effect" in problem.rule


@pytest.mark.parametrize("key", ["aws-native:region", "awsx:region", "gcp:region", "AWS:mine", "was-it:region"])
def test_keys_of_other_namespaces_are_left_alone(key: str) -> None:
    assert list(provider_problems({key: "x"})) == []


@pytest.mark.parametrize(
    ("config", "places"),
    [
        ({"aws:allowedAccountIds": '["111122223333"]'}, ["aws:allowedAccountIds"]),
        ({"aws:allowedAccountIds": '["111122223333","123456789012"]'}, []),
        ({"aws:forbiddenAccountIds": '["123456789012"]'}, ["aws:forbiddenAccountIds"]),
        ({"aws:forbiddenAccountIds": '["111122223333"]'}, []),
        (
            {"aws:allowedAccountIds": '["123456789012"]', "aws:forbiddenAccountIds": '["111122223333"]'},
            ["aws:forbiddenAccountIds"],
        ),
        ({"aws:allowedAccountIds": "not JSON"}, []),
    ],
)
def test_accounts_that_the_provider_would_refuse_are_told(config: dict[str, str], places: list[str]) -> None:
    assert [problem.place for problem in provider_problems(config, "123456789012")] == places


def test_without_an_account_nothing_is_said_of_accounts() -> None:
    assert list(provider_problems({"aws:allowedAccountIds": '["111122223333"]'})) == []
