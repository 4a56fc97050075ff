"""`ecr-stack access` answers from what the stack produces."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from ecr_stack.cli import app
from ecr_stack.cli.access import estate_of
from ecr_stack.documents.policy.evaluation import Principal, Verdict
from ecr_stack.documents.policy.managed import PULL_ONLY, managed_policy_arn
from ecr_stack.documents.policy.matrix import matrix
from ecr_stack.errors import InvalidInput, NotFound
from ecr_stack.rehearsal.report import Report, ResourceRecord

OTHER = "111122223333"
ORG = "o-a1b2c3d4e5"
OWN = "123456789012"


def config() -> dict[str, Any]:
    return {
        "aws:region": "us-east-1",
        "ecr-stack:environment": "test",
        "ecr-stack:encryption": {"type": "AES256"},
        "ecr-stack:repositoryDefaults": {"access": {"pull": ["role/node"], "push": ["role/ci"]}},
        "ecr-stack:repositories": {
            "api": {},
            "web": {},
            "shared": {
                "access": {
                    "accounts": [OTHER],
                    "organizations": [ORG],
                    "lambda": [OTHER],
                    "statements": [
                        {
                            "Sid": "NoDeletes",
                            "Effect": "Deny",
                            "Principal": {"AWS": "role/ci"},
                            "Action": ["ecr:DeleteRepository", "ecr:PutImage"],
                        }
                    ],
                }
            },
        },
    }


@pytest.fixture
def ask(project: Callable[[dict[str, Any]], Path], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.chdir(project(config()))
    return lambda *words: CliRunner().invoke(app, ["access", "--stack", "test", *words], env={"COLUMNS": "200"})


def principals(result: Result) -> dict[str, dict[str, Any]]:
    assert result.exception is None, result.exception
    answer = json.loads(result.stdout)
    assert answer["stack"] == "test"
    return {
        entry["principal"]: {found["repository"]: found for found in entry["repositories"]}
        for entry in answer["principals"]
    }


def test_everybody_who_is_named_is_in_the_matrix(ask: Callable[..., Result]) -> None:
    found = principals(ask("--format", "json"))
    assert set(found) == {
        f"arn:aws:iam::{OWN}:role/node",
        f"arn:aws:iam::{OWN}:role/ci",
        f"arn:aws:iam::{OTHER}:root",
        "lambda.amazonaws.com",
        ORG,
    }
    node = found[f"arn:aws:iam::{OWN}:role/node"]
    assert {name: (entry["pull"], entry["push"]) for name, entry in node.items()} == {
        "api": ("CONDITIONAL", "NOT_ALLOWED"),
        "web": ("CONDITIONAL", "NOT_ALLOWED"),
        "shared": ("CONDITIONAL", "NOT_ALLOWED"),
    }
    assert node["api"]["actions"]["ecr:BatchGetImage"] == {
        "verdict": "CONDITIONAL", "needsOwnPolicy": True, "conditions": [], "unless": [],
        "statements": ["AllowPull"],
    }  # fmt: skip
    assert node["shared"]["actions"]["ecr:BatchGetImage"]["conditions"] == [f"StringEquals aws:PrincipalOrgID {ORG}"]
    ci = found[f"arn:aws:iam::{OWN}:role/ci"]
    assert ci["shared"]["push"] == "DENIED"
    assert ci["shared"]["actions"]["ecr:DeleteRepository"]["statements"] == ["NoDeletes"]
    function = found["lambda.amazonaws.com"]["shared"]["actions"]["ecr:BatchGetImage"]
    assert function["conditions"] == [f"ArnLike aws:SourceArn arn:aws:lambda:*:{OTHER}:function:*"]


def test_one_principal_and_one_action_is_a_question_with_an_exit_code(ask: Callable[..., Result]) -> None:
    yes = ask("--principal", "role/ci", "--action", "push", "--format", "json")
    assert yes.exit_code == 0
    answers = principals(yes)[f"arn:aws:iam::{OWN}:role/ci"]
    assert {name: entry["push"] for name, entry in answers.items()} == {
        "api": "CONDITIONAL", "web": "CONDITIONAL", "shared": "DENIED",
    }  # fmt: skip
    assert "pull" not in answers["api"]
    assert ask("--principal", "role/stranger", "--action", "push").exit_code == 1
    assert ask("--principal", "role/ci", "--action", "push", "--repository", "shared").exit_code == 1
    assert ask("--principal", "role/stranger").exit_code == 0


def test_people_read_a_table_in_which_like_repositories_share_a_row(ask: Callable[..., Result]) -> None:
    result = ask()
    assert result.exit_code == 0
    (node,) = [line for line in result.stdout.splitlines() if "role/node" in line]
    assert "api, web" in node
    assert "own policy" in node
    assert "NoDeletes" not in result.stdout
    assert "DeleteRepository: denied" in result.stdout
    assert f"account {OTHER}" in result.stdout


@pytest.mark.parametrize(
    ("words", "error", "said"),
    [
        (["--action", "pul"], InvalidInput, "write `pull`"),
        (["--action", "PutImages"], InvalidInput, "write `ecr:PutImage`"),
        (["--action", "ecr:*"], InvalidInput, "no action"),
        (["--principal", "*"], InvalidInput, "a principal is"),
        (["--repository", "apy"], NotFound, "did you mean api"),
        (["--stack", "nowhere"], NotFound, "nowhere"),
    ],
)
def test_a_question_about_nothing_cannot_be_answered(
    ask: Callable[..., Result], words: list[str], error: type[Exception], said: str
) -> None:
    result = ask(*words)
    assert isinstance(result.exception, error)
    assert said in str(result.exception)


def record(type_: str, **outputs: Any) -> ResourceRecord:
    return ResourceRecord("urn", type_, "x", None, {}, outputs, [], {})


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def test_policies_of_roles_and_of_the_registry_count_too() -> None:
    arn = f"arn:aws:ecr:us-east-1:{OWN}:repository/api"
    own = f"arn:aws:iam::{OWN}:policy/mine"
    role = {name: f"arn:aws:iam::{OWN}:role/team/{name}" for name in ("node", "ci", "auditor")}
    report = Report("test", "p", OWN, "us-east-1")
    report.resources = [
        record("aws:ecr/repository:Repository", arn=arn, name="api"),
        record(
            "aws:ecr/registryPolicy:RegistryPolicy",
            policy=policy({"Effect": "Deny", "Principal": {"AWS": role["auditor"]}, "Action": "*", "Resource": "*"}),
        ),
        *(record("aws:iam/role:Role", name=name, arn=arn) for name, arn in role.items()),
        record("aws:iam/rolePolicyAttachment:RolePolicyAttachment", role="node", policyArn=managed_policy_arn(PULL_ONLY, "aws")),
        record("aws:iam/rolePolicyAttachment:RolePolicyAttachment", role="auditor", policyArn=own),
        record("aws:iam/policy:Policy", arn=own, policy=policy({"Effect": "Allow", "Action": "ecr:*", "Resource": "*"})),
        record("aws:iam/rolePolicy:RolePolicy", role="ci", policy=policy({"Effect": "Allow", "Action": "ecr:*", "Resource": arn})),
    ]  # fmt: skip
    estate = estate_of(report)
    cells = {cell.principal.name: cell for cell in matrix(estate, estate.principals(), estate.actions())}
    said = {
        name: tuple(answer and answer.verdict for answer in (cells[arn].ability("pull"), cells[arn].ability("push")))
        for name, arn in role.items()
    }
    assert said == {
        "node": (Verdict.ALLOWED, Verdict.NOT_ALLOWED),
        "ci": (Verdict.ALLOWED, Verdict.ALLOWED),
        "auditor": (Verdict.DENIED, Verdict.DENIED),
    }
    stranger = matrix(estate, [Principal.of("role/stranger", OWN, "aws")], estate.actions())[0]
    assert not stranger.anything
