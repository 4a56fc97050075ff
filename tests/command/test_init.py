"""`ecr-stack init`: a stack file that rehearses, and one that says of a live registry what it is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from ecr_stack.cli import app
from ecr_stack.embedded_aws import EmbeddedAws
from ecr_stack.errors import EcrStackError, Unavailable
from ecr_stack.operations.adoption import LiveRepository, RegistryRecord, stack_file_of
from ecr_stack.operations.live_registry import LiveRegistry
from ecr_stack.rehearsal import rehearse

ACCOUNT = "111122223333"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/nodes"
PULL = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "work"


def init(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["init", *arguments])
    if result.exception is not None:
        raise result.exception
    return result.output


def test_the_smallest_stack_file_rehearses_with_nothing_to_object_to(folder: Path) -> None:
    told = init()
    assert "wrote policies (guardrails)" in told
    for step in (
        "ecr-stack rehearse --stack dev ",
        "ecr-stack review --base ../base ",
        "pulumi stack init dev && pulumi up ",
    ):
        assert f"  {step}" in told
    assert max(map(len, told.splitlines())) <= 80
    assert "virtualenv: .venv\n" in (folder / "policies" / "PulumiPolicy.yaml").read_text()
    report = rehearse("dev", folder)
    assert report.guardrails is not None
    assert [each for each in report.violations if each.level == "mandatory"] == []
    assert not report.warnings
    assert list(report.outputs["repositoryUrls"]) == ["api"]


def test_names_and_region_are_those_that_are_asked_for(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    init("--stack", "Big.Stage_2", "-r", "team/api", "-r", "1e3")
    config = yaml.safe_load((folder / "Pulumi.Big.Stage_2.yaml").read_text())["config"]
    assert config["ecr-stack:environment"] == "big-stage-2"
    # a name that Pulumi would read as a number is in quotes
    assert set(rehearse("Big.Stage_2", folder).outputs["repositoryUrls"]) == {"team/api", "1e3"}
    assert config["aws:region"] == "eu-west-1"


def test_in_a_project_only_the_stack_file_is_written(folder: Path) -> None:
    init()
    (folder / "schema").mkdir()
    (folder / "schema" / "stack.schema.json").write_text("{}")
    (folder / "policies" / "PulumiPolicy.yaml").write_text("mine")
    told = init("--stack", "prod").splitlines()
    assert told[:2] == ["wrote Pulumi.prod.yaml", "next:"]
    assert (folder / "policies" / "PulumiPolicy.yaml").read_text() == "mine"
    assert (
        (folder / "Pulumi.prod.yaml")
        .read_text()
        .startswith("# yaml-language-server: $schema=schema/stack.schema.json\n")
    )


@pytest.mark.parametrize("name", ["Pulumi.dev.yaml", "Pulumi.yaml", "__main__.py"])
def test_nothing_is_overwritten(folder: Path, name: str) -> None:
    (folder / name).write_text("name: mine\nruntime: python\n")
    if name == "Pulumi.yaml":
        (folder / "Pulumi.dev.yaml").write_text("mine")
    before = {path: path.read_text() for path in folder.iterdir()}
    with pytest.raises(EcrStackError, match="already exists, so nothing was written"):
        init()
    assert {path: path.read_text() for path in folder.iterdir()} == before
    assert init("--print").startswith(("config:", "# yaml"))
    assert {path: path.read_text() for path in folder.iterdir()} == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--stack", "../dev"), "--stack"),
        (("--repository", "API"), "write `api`"),
        (("--environment", "My Env"), "environment"),
        (("--region", "mars-1"), "aws:region"),
        (("--from-account", "-r", "api"), "--from-account"),
    ],
)
def test_a_mistake_is_a_message_and_nothing_is_written(folder: Path, arguments: tuple[str, ...], message: str) -> None:
    with pytest.raises(EcrStackError) as refused:
        init(*arguments)
    assert message in str(refused.value)
    assert list(folder.iterdir()) == []


# From an account


def lifecycle(*selections: dict[str, Any]) -> str:
    rules = [
        {"rulePriority": number, "selection": each, "action": {"type": "expire"}}
        for number, each in enumerate(selections, start=1)
    ]
    return json.dumps({"rules": rules}, indent=2)


UNTAGGED = {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 1}
RELEASES = {"tagStatus": "tagged", "tagPrefixList": ["v"], "countType": "imageCountMoreThan", "countNumber": 10}
BOTH = {**RELEASES, "tagPrefixList": ["v", "release-"]}


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(**parts: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": {"AWS": ROLE}, "Action": PULL, **parts}


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddedAws]:
    """A registry that somebody made by hand: three repositories, no two alike."""
    with EmbeddedAws(account=ACCOUNT, region="us-east-1") as aws:
        aws.suppose(ROLE)
        key = aws.call("kms", "CreateKey")["KeyMetadata"]["Arn"]
        aws.call(
            "ecr", "CreateRepository",
            {
                "repositoryName": "team/api", "imageTagMutability": "IMMUTABLE_WITH_EXCLUSION",
                "imageTagMutabilityExclusionFilters": [{"filterType": "WILDCARD", "filter": "latest"}],
                "encryptionConfiguration": {"encryptionType": "KMS", "kmsKey": key},
                "imageScanningConfiguration": {"scanOnPush": True},
                "tags": [{"Key": "Team", "Value": "012"}, {"Key": "Name", "Value": "old"}],
            },
        )  # fmt: skip
        aws.call("ecr", "CreateRepository", {"repositoryName": "plain"})
        aws.call("ecr", "CreateRepository", {"repositoryName": "wild"})
        for name, text in {"team/api": lifecycle(RELEASES, UNTAGGED), "plain": lifecycle(BOTH)}.items():
            aws.call("ecr", "PutLifecyclePolicy", {"repositoryName": name, "lifecyclePolicyText": text})
        documents = {
            "team/api": policy(allow(Sid="AllowPull"), allow(Sid="AllowPush", Action="ecr:PutImage")),
            "plain": policy(allow(Sid="AllowPull", Action=PULL)),
            "wild": policy(allow(Action="ecr:*")),
        }
        for name, text in documents.items():
            aws.call("ecr", "SetRepositoryPolicy", {"repositoryName": name, "policyText": text, "force": True})
        rules = [
            {
                "destinations": [{"region": "us-west-2", "registryId": ACCOUNT}],
                "repositoryFilters": [
                    {"filter": "team/", "filterType": "PREFIX_MATCH"}, {"filter": "gone-", "filterType": "PREFIX_MATCH"},
                ],
            }
        ]  # fmt: skip
        aws.call("ecr", "PutReplicationConfiguration", {"replicationConfiguration": {"rules": rules}})
        template = {"prefix": "ROOT", "appliedFor": ["REPLICATION"]}
        aws.call("ecr", "CreateRepositoryCreationTemplate", template)
        cache = {"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io"}
        aws.call("ecr", "CreatePullThroughCacheRule", cache)
        aws.seed_images(
            "plain", [{"imageDigest": "sha256:" + "1" * 64, "imageTags": ["v1"], "imagePushedAt": 1700000000}]
        )
        for name, value in {
            "AWS_ENDPOINT_URL": aws.serve(), "AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any",
            "AWS_REGION": "us-east-1",
        }.items():  # fmt: skip
            monkeypatch.setenv(name, value)
        yield aws


def state(aws: EmbeddedAws) -> dict[str, Any]:
    """All that somebody could lose."""
    told: dict[str, Any] = {"replication": aws.call("ecr", "DescribeRegistry")["replicationConfiguration"]}
    for each in aws.call("ecr", "DescribeRepositories")["repositories"]:
        name = each["repositoryName"]
        told[name] = each
        told[f"{name} images"] = aws.call("ecr", "DescribeImages", {"repositoryName": name})["imageDetails"]
        text = aws.call("ecr", "GetRepositoryPolicy", {"repositoryName": name})["policyText"]
        statements = json.loads(text)["Statement"]
        for statement in statements:
            statement.pop("Sid", None)
            statement["Action"] = sorted(
                [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
            )
            principal = statement["Principal"]["AWS"]
            statement["Principal"]["AWS"] = [principal] if isinstance(principal, str) else principal
        told[f"{name} policy"] = statements
        if name != "wild":
            text = aws.call("ecr", "GetLifecyclePolicy", {"repositoryName": name})["lifecyclePolicyText"]
            told[f"{name} lifecycle"] = [rule["selection"] for rule in json.loads(text)["rules"]]
    return told


def test_a_live_registry_is_adopted_and_keeps_everything(aws: EmbeddedAws, folder: Path) -> None:
    before = state(aws)
    calls_before = dict(aws.calls)
    output = init("--from-account", "--stack", "live")
    asked = {name for name, count in aws.calls.items() if count > calls_before.get(name, 0)}
    assert all(name.split(".")[-1].split(":")[-1].startswith(("Describe", "Get", "List")) for name in asked), asked
    assert state(aws) == before

    text = (folder / "Pulumi.live.yaml").read_text()
    config = yaml.safe_load(text)["config"]
    assert (
        config["ecr-stack:repositoryDefaults"] | {"import": True, "protect": True}
        == config["ecr-stack:repositoryDefaults"]
    )
    repositories = config["ecr-stack:repositories"]
    assert repositories["team/api"]["tags"] == {"Team": "012"}
    assert [rule.get("keepLast") for rule in repositories["team/api"]["lifecycle"]] == [10, None]
    # two prefixes in one list mean both: no rule of a stack file says that
    assert repositories["plain"]["lifecycleDocument"]["rules"][0]["selection"] == BOTH
    assert repositories["plain"]["access"] == {"pull": [ROLE], "match": "PRINCIPAL"}
    assert [each.get("Sid") for each in repositories["team/api"]["access"]["statements"]] == [None, None]
    assert "access" not in repositories["wild"]
    for told in ("repository wild: its policy", "gone-", "the tags Name", "replicas: none", '"quay"', '"ROOT"'):
        assert told in text
    assert "cannot be read" not in text

    report = rehearse("live", folder, account=ACCOUNT, aws=aws)
    adopted = [each for each in report.resources if each.type == "aws:ecr/repository:Repository"]
    assert {each.options["import"] for each in adopted} == {"plain", "team/api", "wild"}
    assert not [each for each in report.resources if each.type.startswith("aws:kms")]
    after = state(aws)
    after["replication"]["rules"][0]["repositoryFilters"].append({"filter": "gone-", "filterType": "PREFIX_MATCH"})
    assert after == before
    assert "  ecr-stack rehearse --stack live " in output


def test_what_the_credentials_may_not_read_is_left_out_and_said(
    aws: EmbeddedAws, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = LiveRegistry.ask

    def refused(self: LiveRegistry, operation: str, **parameters: Any) -> dict[str, Any]:
        if operation == "get_lifecycle_policy":
            raise Unavailable("ECR refuses: not authorized (AccessDeniedException)")
        return ask(self, operation, **parameters)

    monkeypatch.setattr(LiveRegistry, "ask", refused)
    init("--from-account")
    text = (folder / "Pulumi.dev.yaml").read_text()
    assert "# - repository plain: lifecycle policy cannot be read: ECR refuses: not authorized" in text
    assert "lifecycle" not in yaml.safe_load(text)["config"]["ecr-stack:repositories"]["plain"]


def test_an_empty_registry_is_told_by_its_account_and_region(aws: EmbeddedAws) -> None:
    with pytest.raises(EcrStackError, match=f"{ACCOUNT} has no repository in eu-west-1"):
        init("--from-account", "--region", "eu-west-1")


def record(**parts: Any) -> RegistryRecord:
    repository = LiveRepository({"repositoryName": "api", "repositoryArn": "arn", "imageTagMutability": "MUTABLE"})
    return RegistryRecord(**{"account": ACCOUNT, "region": "us-east-1", "repositories": [repository], **parts})


def test_what_cannot_be_written_down_is_left_alone_and_said() -> None:
    everybody = policy(allow(Principal="*", Action="ecr:BatchGetImage"))
    adoption = stack_file_of(
        record(
            policy=everybody,
            caches=["quay"],
            templates=["ROOT"],
            scanning={"scanType": "ENHANCED", "rules": []},
            unread=("the creation templates cannot be read: no",),
        ),
        "live",
    )
    assert not {"ecr-stack:registryAccess", "ecr-stack:scanning"} & adoption.config.keys()
    for told in ("the registry policy", "quay", "ROOT", "ENHANCED", "cannot be read"):
        assert any(told in each for each in adoption.notes), told


@pytest.mark.parametrize(
    "document",
    [
        policy(allow(Principal={"AWS": "AROAEXAMPLEOFADELETEDROLE"})),
        policy({"Effect": "Allow", "NotPrincipal": {"AWS": ROLE}, "Action": PULL}),
        policy({**allow(), "NotAction": "ecr:PutImage"}),
        policy(allow(), allow(Action="ecr:*")),
    ],
)
def test_a_policy_that_can_be_said_in_part_only_is_left_out_whole(document: str) -> None:
    described = {"repositoryName": "api", "imageTagMutability": "MUTABLE"}
    adoption = stack_file_of(record(repositories=[LiveRepository(described, policy=document)]), "live")
    assert "access" not in adoption.config["ecr-stack:repositoryDefaults"]
    assert [each for each in adoption.notes if each.startswith("repository api: its policy cannot be expressed")]


@pytest.mark.parametrize("match", ["PRINCIPAL", "CONDITION"])
def test_a_policy_of_this_program_is_read_back_as_its_grants(match: str) -> None:
    from ecr_stack.model import parse
    from ecr_stack.schema.access import Access
    from ecr_stack.schema.access_documents import policy_text, repository_policy

    grants = {"pull": [ROLE, "444455556666"], "push": [ROLE], "match": match}
    document = repository_policy(parse(Access, grants, "access", source="test"), ACCOUNT, "aws")
    assert document is not None
    described = {"repositoryName": "api", "imageTagMutability": "MUTABLE"}
    live = LiveRepository(described, policy=policy_text(document))
    access = stack_file_of(record(repositories=[live]), "live").config["ecr-stack:repositoryDefaults"]["access"]
    assert {"match": "CONDITION", **access} == grants


def test_no_value_from_the_account_leaves_its_comment(folder: Path, aws: EmbeddedAws) -> None:
    from ecr_stack.cli.init import _text

    text = _text({"aws:region": "us-east-1"}, ["a\nconfig: {evil: 1}", "b\u2028c", "d\r\x85e"], from_account=True)
    assert yaml.safe_load(text) == {"config": {"aws:region": "us-east-1"}}
    assert all(line.startswith(("#", "config:", "  ")) for line in text.splitlines())
