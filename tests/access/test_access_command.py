"""`ecr-stack access` answers from what the stack produces."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from ecr_stack.aws.iam.evaluation import Principal, Verdict
from ecr_stack.aws.iam.managed import PULL_ONLY, managed_policy_arn
from ecr_stack.aws.iam.matrix import matrix
from ecr_stack.cli import app
from ecr_stack.errors import InvalidInput, NotFound
from ecr_stack.rehearsal.policy_inventory import policy_inventory
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
    node = [line.split("\t") for line in result.stdout.splitlines() if line.startswith("role/node\t")]
    assert [line[1] for line in node] == ["api, web", "shared"]
    assert "own policy" in node[0][2]
    assert "NoDeletes" not in result.stdout
    assert "DeleteRepository: denied" in result.stdout
    assert f"account {OTHER}" in result.stdout
    # a pipe gets one line a row
    assert [line.split("\t")[0] for line in result.stdout.splitlines()][:2] == ["principal", "role/ci"]


def test_a_narrow_terminal_breaks_no_name(ask: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "40")
    text = re.sub(r"\x1b\[[0-9;]*m", "", ask().stdout)
    assert "\nrole/node\n  api, web: pull with own policy" in text
    assert "DeleteRepository denied" in text
    assert f"pull with ArnLike aws:SourceArn arn:aws:lambda:*:{OTHER}:function:*" in text


@pytest.mark.parametrize(
    ("words", "error", "said"),
    [
        (["--action", "pul"], InvalidInput, "write `pull`"),
        (["--action", "PutImages"], InvalidInput, "write `ecr:PutImage`"),
        (["--action", "ecr:*"], InvalidInput, "no repository action"),
        (["--principal", "*"], InvalidInput, "a principal must be"),
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
        record(
            "aws:iam/role:Role", name="builder", arn=f"arn:aws:iam::{OWN}:role/builder",
            managedPolicyArns=[managed_policy_arn(PULL_ONLY, "aws"), "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"],
            inlinePolicies=[
                {"name": "x", "policy": policy({"Effect": "Allow", "Action": "ecr:BatchDeleteImage", "Resource": arn})},
                {"name": None, "policy": None},
            ],
        ),
        record("aws:iam/rolePolicyAttachment:RolePolicyAttachment", role="node", policyArn=managed_policy_arn(PULL_ONLY, "aws")),
        record("aws:iam/rolePolicyAttachment:RolePolicyAttachment", role="auditor", policyArn=own),
        record("aws:iam/policy:Policy", arn=own, policy=policy({"Effect": "Allow", "Action": "ecr:*", "Resource": "*"})),
        record("aws:iam/rolePolicy:RolePolicy", role="ci", policy=policy({"Effect": "Allow", "Action": "ecr:*", "Resource": arn})),
    ]  # fmt: skip
    inventory = policy_inventory(report)
    cells = {cell.principal.name: cell for cell in matrix(inventory, inventory.principals(), inventory.actions())}
    said = {
        name: tuple(answer and answer.verdict for answer in (cells[arn].ability("pull"), cells[arn].ability("push")))
        for name, arn in role.items()
    }
    assert said == {
        "node": (Verdict.ALLOWED, Verdict.NOT_ALLOWED),
        "ci": (Verdict.ALLOWED, Verdict.ALLOWED),
        "auditor": (Verdict.DENIED, Verdict.DENIED),
    }
    builder = cells[f"arn:aws:iam::{OWN}:role/builder"]
    verdicts = {
        name: getattr(builder.ability(name), "verdict", None) for name in ("pull", "push", "ecr:BatchDeleteImage")
    }
    assert verdicts == {
        "pull": Verdict.ALLOWED, "push": Verdict.CONDITIONAL, "ecr:BatchDeleteImage": Verdict.ALLOWED,
    }  # fmt: skip
    push = builder.ability("push")
    assert push is not None
    # the document of a policy that the stack neither makes nor knows leaves it open
    assert push.conditions == ("AmazonS3ReadOnlyAccess allows it",)
    assert inventory.unresolved() == []
    stranger = matrix(inventory, [Principal.of("role/stranger", OWN, "aws")], inventory.actions())[0]
    assert not stranger.anything


def test_policies_of_users_and_of_their_groups_count_too() -> None:
    arn = f"arn:aws:ecr:us-east-1:{OWN}:repository/api"
    everything = policy({"Effect": "Allow", "Action": "ecr:*", "Resource": "*"})
    mine = f"arn:aws:iam::{OWN}:policy/mine"
    report = Report("test", "p", OWN, "us-east-1")
    report.resources = [
        record("aws:ecr/repository:Repository", arn=arn, name="api"),
        record("aws:iam/policy:Policy", arn=mine, policy=everything),
        record("aws:iam/user:User", name="ann", arn=f"arn:aws:iam::{OWN}:user/team/ann"),
        record("aws:iam/userPolicy:UserPolicy", user="ann", policy=everything),
        record("aws:iam/userPolicyAttachment:UserPolicyAttachment", user="bob", policyArn=mine),
        record("aws:iam/policyAttachment:PolicyAttachment", users=["cem"], policyArn=mine),
        record("aws:iam/userPolicyAttachmentsExclusive:UserPolicyAttachmentsExclusive", userName="dee", policyArns=[mine]),
        record("aws:iam/rolePolicyAttachmentsExclusive:RolePolicyAttachmentsExclusive", roleName="ci", policyArns=[mine]),
        record("aws:iam/groupPolicy:GroupPolicy", group="devs", policy=everything),
        record("aws:iam/groupPolicyAttachment:GroupPolicyAttachment", group="ops", policyArn=mine),
        record("aws:iam/groupMembership:GroupMembership", group="devs", users=["eve"]),
        record("aws:iam/userGroupMembership:UserGroupMembership", user="fay", groups=["ops", "others"]),
        record("aws:iam/user:User", name="gus", arn=f"arn:aws:iam::{OWN}:user/gus", permissionsBoundary=mine),
    ]  # fmt: skip
    inventory = policy_inventory(report)
    named = [f"arn:aws:iam::{OWN}:{who}" for who in
             ("role/ci", "user/bob", "user/cem", "user/dee", "user/eve", "user/fay", "user/gus", "user/team/ann")]  # fmt: skip
    assert [each.name for each in inventory.principals()] == named
    cells = matrix(inventory, inventory.principals(), ["ecr:PutImage"])
    verdicts = {each.principal.name.rpartition("/")[2]: each.answers["ecr:PutImage"].verdict for each in cells}
    assert verdicts.pop("gus") is Verdict.NOT_ALLOWED  # a boundary grants nothing
    assert set(verdicts.values()) == {Verdict.ALLOWED}


def test_the_boundary_of_a_role_and_ids_in_policies_leave_answers_open() -> None:
    arn, boundary = f"arn:aws:ecr:us-east-1:{OWN}:repository/api", f"arn:aws:iam::{OWN}:policy/limits"
    limits = policy({"Effect": "Allow", "Action": "ecr:BatchGetImage", "Resource": "*"})
    everything = [{"name": "x", "policy": policy({"Effect": "Allow", "Action": "ecr:*", "Resource": "*"})}]

    def verdict(action: str, *more: ResourceRecord, **role: Any) -> Verdict:
        report = Report("test", "p", OWN, "us-east-1")
        report.resources = [
            record("aws:ecr/repository:Repository", arn=arn, name="api"),
            record("aws:ecr/repositoryPolicy:RepositoryPolicy", repository="api",
                   policy=policy({"Effect": "Allow", "Principal": {"AWS": "AROAEXAMPLEID1234567"}, "Action": "ecr:PutImage"})),
            record("aws:iam/role:Role", name="ci", arn=f"arn:aws:iam::{OWN}:role/ci", **role),
            *more,
        ]  # fmt: skip
        inventory = policy_inventory(report)
        assert inventory.unresolved() == ["AROAEXAMPLEID1234567"]
        (cell,) = matrix(inventory, [Principal.of("role/ci", OWN, "aws")], [action])
        return cell.answers[action].verdict

    own = record("aws:iam/policy:Policy", arn=boundary, policy=limits)
    role = {"inlinePolicies": everything, "permissionsBoundary": boundary}
    assert verdict("ecr:BatchGetImage", own, **role) is Verdict.ALLOWED
    assert verdict("ecr:DeleteRepository", own, **role) is Verdict.NOT_ALLOWED
    assert verdict("ecr:BatchGetImage", **role) is Verdict.CONDITIONAL
    assert verdict("ecr:PutImage") is Verdict.CONDITIONAL
    attached = record(
        "aws:iam/policyAttachment:PolicyAttachment",
        roles=["ci"],
        policyArn="arn:aws:iam::aws:policy/AdministratorAccess",
    )
    assert verdict("ecr:DeleteRepository", attached) is Verdict.ALLOWED


def test_replicas_have_the_policy_of_the_template_that_makes_them() -> None:
    names = ("api", "team/web", "team-x", "db")
    allow = {
        name: {"Effect": "Allow", "Principal": {"AWS": OTHER}, "Action": f"ecr:{name}"}
        for name in ("PutImage", "ListImages")
    }
    report = Report("test", "p", OWN, "us-east-1")
    report.resources = [
        *(
            record("aws:ecr/repository:Repository", arn=f"arn:aws:ecr:us-east-1:{OWN}:repository/{name}", name=name)
            for name in names
        ),
        record("aws:ecr/repository:Repository", arn=f"arn:aws:ecr:eu-west-1:{OWN}:repository/db", name="db"),
        record(
            "aws:ecr/replicationConfiguration:ReplicationConfiguration",
            region="us-east-1",
            replicationConfiguration={
                "rules": [
                    {"destinations": [{"region": "us-west-2", "registryId": OWN}, {"region": "us-east-1", "registryId": OTHER}]},
                    {
                        "destinations": [{"region": "eu-west-1", "registryId": OWN}],
                        "repositoryFilters": [{"filter": "api", "filterType": "PREFIX_MATCH"}, {"filter": "db"}],
                    },
                ]
            },
        ),
        *(
            record(
                "aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate",
                region="us-west-2", prefix=prefix, appliedFors=[use], repositoryPolicy=policy(allow[said]),
            )
            for prefix, use, said in (
                ("ROOT", "REPLICATION", "ListImages"),
                ("team", "REPLICATION", "PutImage"),
                ("api", "PULL_THROUGH_CACHE", "PutImage"),
            )
        ),
    ]  # fmt: skip
    inventory = policy_inventory(report)
    replicas = {(found.region, found.name): found.policy for found in inventory.repositories if found.replica}
    # db stands in eu-west-1 already: it is the stack's own, and no template touches what exists
    in_ireland = {("eu-west-1", "api"), ("eu-west-1", "db")}
    assert set(replicas) == in_ireland | {("us-west-2", name) for name in names}
    assert all(replicas[one] == () for one in in_ireland)
    taken = {name: replicas["us-west-2", name][0].actions for name in names}
    assert taken == {
        "api": ("ecr:ListImages",),
        "team/web": ("ecr:PutImage",),
        "team-x": ("ecr:ListImages",),
        "db": ("ecr:ListImages",),
    }


def test_the_report_tells_replicas_from_originals(
    project: Callable[[dict[str, Any]], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = [
        {"destinations": [{"region": "us-west-2"}]},
        {"destinations": [{"region": "eu-west-1"}], "repositoryFilters": ["api"]},
    ]
    monkeypatch.chdir(project({**config(), "ecr-stack:replication": {"rules": rules}}))
    result = CliRunner().invoke(
        app, ["access", "--stack", "test", "--principal", "role/ci", "--format", "json"], env={"COLUMNS": "200"}
    )
    (entry,) = json.loads(result.stdout)["principals"]
    found = {(one["region"], one["repository"]): (one["replica"], one["push"]) for one in entry["repositories"]}
    assert {key: replica for key, (replica, _) in found.items()} == {
        **{("us-east-1", name): False for name in ("api", "web", "shared")},
        **{("us-west-2", name): True for name in ("api", "web", "shared")},
        ("eu-west-1", "api"): True,
    }
    # what is denied at one repository is not denied at its replica: the template is the same for all
    assert found["us-east-1", "shared"][1] == "DENIED"
    assert found["us-west-2", "api"][1] == "CONDITIONAL"


def test_roles_of_the_account_that_is_told_are_its_own(
    project: Callable[[dict[str, Any]], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = f"arn:aws:iam::{OTHER}:role/eks/node"
    data = {
        **config(),
        "ecr-stack:repositoryDefaults": {"access": {"pull": [theirs]}},
        "ecr-stack:repositories": {"api": {}},
        "ecr-stack:nodes": {"roles": [theirs, "workers"]},
    }
    monkeypatch.chdir(project(data))
    words = ["access", "--stack", "test", "--action", "pull", "--format", "json"]
    told = CliRunner().invoke(app, [*words, "--account", OTHER])
    assert {who: found["api"]["pull"] for who, found in principals(told).items()} == {
        theirs: "ALLOWED",
        f"arn:aws:iam::{OTHER}:role/workers": "ALLOWED",
    }
    untold = CliRunner().invoke(app, words)
    assert f"this is {OWN}" in str(untold.exception)
    assert CliRunner().invoke(app, [*words, "--account", "12"]).exit_code == 2
