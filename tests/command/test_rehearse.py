"""The command as a person or a script meets it: what it prints, and how it exits."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ecr_stack.cli.rehearse import _purpose
from ecr_stack.embedded_provider.provider import RESOURCE_TYPES
from ecr_stack.embedded_provider.states import _outputs_of
from ecr_stack.rehearsal import UNKNOWN_VALUE, ResourceRecord

Make = Callable[[dict[str, Any]], Path]
CONFIG = {
    "aws:region": "us-east-1",
    "ecr-stack:environment": "test",
    "ecr-stack:repositories": {"api": {}, "worker": None},
}


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "PULUMI_"))}
    environment["PATH"] = os.defpath
    return subprocess.run(
        [Path(sys.executable).parent / "ecr-stack", *arguments],
        cwd=folder,
        env={**environment, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_json_is_one_object_with_the_names_that_scripts_rely_on(project: Make) -> None:
    done = run(project(CONFIG), "rehearse", "--stack", "test", "--format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads(done.stdout)
    assert {"stack", "account", "resources", "outputs", "violations", "calls", "seconds"} <= set(report)
    assert report["stack"] == "test"
    assert report["calls"]["ecr:CreateRepository"] == 2
    urns = {resource["urn"] for resource in report["resources"]}
    assert len(urns) == len(report["resources"])
    for resource in report["resources"]:
        assert {"urn", "type", "name", "parent", "inputs", "outputs", "dependencies", "options"} <= set(resource)
        assert {"protect", "retainOnDelete", "aliases", "import"} <= set(resource["options"])
        assert resource["parent"] is None or resource["parent"] in urns
        assert set(resource["dependencies"]) <= urns
    (repository,) = [
        resource
        for resource in report["resources"]
        if resource["type"] == "aws:ecr/repository:Repository" and resource["inputs"]["name"] == "api"
    ]
    assert repository["urn"] == (
        "urn:pulumi:test::ecr-stack::ecr-stack:index:Registry$ecr-stack:index:Repository$"
        "aws:ecr/repository:Repository::test-api"
    )


def test_people_get_a_tree_the_outputs_and_a_verdict(project: Make) -> None:
    done = run(project(CONFIG), "rehearse", "--stack", "test")
    assert done.returncode == 0, done.stderr
    for words in (
        "Registry test",
        "Repository test-api",
        "Encrypts the container images of test",
        "repositoryUrls",
        "would deploy",
    ):
        assert words in done.stdout


def test_a_bad_stack_file_exits_with_2_and_every_mistake(project: Make) -> None:
    bad = {**CONFIG, "ecr-stack:repositories": {"API": {}}, "ecr-stack:encryption": {"deletionWindowInDays": 5}}
    done = run(project(bad), "rehearse", "--stack", "test", "--format", "json")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Pulumi.test.yaml: 2 errors" in done.stderr
    assert "ecr-stack:repositories.API" in done.stderr
    assert "ecr-stack:encryption.deletionWindowInDays: 5" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("rehearse", "--stack", "tset"), "did you mean test"),
        (("rehearse", "--stak", "test"), "--stak"),
        (("rehearse", "--format", "xml"), "xml"),
        (("rehearse", "--stack", "test", "--account", "1"), "12 digits"),
        (("nothing",), "nothing"),
    ],
)
def test_what_cannot_be_carried_out_exits_with_2(project: Make, arguments: tuple[str, ...], words: str) -> None:
    done = run(project(CONFIG), *arguments)
    assert done.returncode == 2, done.stdout
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_without_a_project_exits_with_2(tmp_path: Path) -> None:
    done = run(tmp_path, "rehearse")
    assert done.returncode == 2
    assert "Pulumi.yaml" in done.stderr


def test_a_program_that_fails_is_said_with_its_line(project: Make) -> None:
    folder = project(CONFIG)
    (folder / "__main__.py").write_text("import pulumi\n\nnumber = 1 / 0\n")
    done = run(folder, "rehearse", "--stack", "test")
    assert done.returncode == 2
    assert "ZeroDivisionError: division by zero (__main__.py, line 3)" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_aws_would_refuse_is_refused_with_awss_words(project: Make) -> None:
    folder = project(CONFIG)
    (folder / "__main__.py").write_text("import pulumi_aws as aws\naws.ecr.Repository('one', name='Upper')\n")
    done = run(folder, "rehearse", "--stack", "test")
    assert done.returncode == 2
    assert 'aws:ecr/repository:Repository "one"' in done.stderr
    assert "Upper" in done.stderr or "InvalidParameterException" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_policy_that_does_not_wait_for_its_repository_is_a_violation(project: Make) -> None:
    folder = project(CONFIG)
    (folder / "__main__.py").write_text(
        "import json, time\n"
        "import pulumi_aws as aws\n"
        "import pulumi\n"
        "repository = aws.ecr.Repository('one', name='one')\n"
        "rule = {'rulePriority': 1, 'selection': {'tagStatus': 'untagged', 'countType': 'sinceImagePushed',"
        " 'countUnit': 'days', 'countNumber': 1}, 'action': {'type': 'expire'}}\n"
        "aws.ecr.LifecyclePolicy('one', repository='one', policy=json.dumps({'rules': [rule]}, indent=2))\n"
    )
    done = run(folder, "rehearse", "--stack", "test", "--format", "json")
    if done.returncode == 2:  # it was made before its repository, and AWS refused it
        assert "RepositoryNotFoundException" in done.stderr
    else:
        assert done.returncode == 1
        policies = [violation["policy"] for violation in json.loads(done.stdout)["violations"]]
        assert policies == ["what-needs-a-resource-depends-on-it"]


def test_two_resources_of_one_name_are_refused_as_the_engine_does(project: Make) -> None:
    folder = project(CONFIG)
    (folder / "__main__.py").write_text(
        "import pulumi_aws as aws\naws.ecr.Repository('one', name='one')\naws.ecr.Repository('one', name='two')\n"
    )
    done = run(folder, "rehearse", "--stack", "test")
    assert done.returncode == 2
    assert "two resources" in done.stderr


def test_a_tree_shows_resources_of_which_nothing_is_known_yet() -> None:
    for type_ in (*RESOURCE_TYPES, "pulumi:index:Stash"):
        outputs = dict.fromkeys(_names_of(type_), UNKNOWN_VALUE)
        record = ResourceRecord("urn", type_, "a", None, {}, outputs, [], {}, "a")
        line = _purpose(record, {})
        assert len(line) < 200, line


def _names_of(type_: str) -> set[str]:
    kind = RESOURCE_TYPES.get(type_)
    return {"input", "policy"} if kind is None else set(_outputs_of(kind.args))


def test_lists_that_are_not_known_yet_do_not_stop_a_preview(project: Make) -> None:
    folder = project(CONFIG)
    (folder / "__main__.py").write_text(
        "import pulumi_aws as aws\n"
        "from ecr_stack import Repository\n"
        "key = aws.kms.Key('k')\n"
        "mutability = key.id.apply(lambda _: 'IMMUTABLE_WITH_EXCLUSION')\n"
        "Repository('api', {'tag_mutability': mutability, 'mutable_tags': [key.id.apply(lambda _: 'latest')]})\n"
    )
    done = run(folder, "rehearse", "--stack", "test", "--preview")
    assert (done.returncode, done.stderr) == (0, "")


def test_an_existing_repository_is_adopted(project: Make) -> None:
    config = {**CONFIG, "ecr-stack:repositories": {"api": {"import": True, "encryption": {"type": "AES256"}}}}
    done = run(project(config), "rehearse", "--stack", "test", "--format", "json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    (repository,) = [r for r in report["resources"] if r["type"] == "aws:ecr/repository:Repository"]
    assert repository["options"]["import"] == "api"


def test_a_renamed_key_keeps_its_repository_by_an_alias(project: Make) -> None:
    config = {**CONFIG, "ecr-stack:repositories": {"orders": {"name": "order-service", "aliases": ["order-service"]}}}
    done = run(project(config), "rehearse", "--stack", "test", "--format", "json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    (component,) = [r for r in report["resources"] if r["type"] == "ecr-stack:index:Repository"]
    assert component["options"]["aliases"] == [
        "urn:pulumi:test::ecr-stack::ecr-stack:index:Registry$ecr-stack:index:Repository::test-order-service"
    ]
    (repository,) = [r for r in report["resources"] if r["type"] == "aws:ecr/repository:Repository"]
    assert repository["outputs"]["name"] == "order-service"


def test_the_guard_costs_no_process_in_a_rehearsal(project: Make) -> None:
    rule = {"untagged": True, "expireAfterDays": 1}
    config = {
        **CONFIG,
        "ecr-stack:repositoryDefaults": {"lifecycle": [rule]},
        "ecr-stack:lifecycleGuard": {"maxExpire": 5},
    }
    done = run(project(config), "rehearse", "--stack", "test", "--format", "json")
    assert done.returncode == 0, done.stderr
    assert [r for r in json.loads(done.stdout)["resources"] if r["type"] == "command:local:Command"] == []


def test_pipelines_and_nodes_get_their_roles(project: Make) -> None:
    source = {"repository": "acme/api", "branches": ["main"]}
    config = {
        **CONFIG,
        "ecr-stack:pipelines": {"github": {"repositories": [source], "roleName": "github-actions-role"}},
        "ecr-stack:nodes": {"roles": ["role/eks-nodes"]},
    }
    done = run(project(config), "rehearse", "--stack", "test", "--format", "json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["outputs"]["pipelineRoleArns"] == {"github": "arn:aws:iam::123456789012:role/github-actions-role"}
    (role,) = [r for r in report["resources"] if r["type"] == "aws:iam/role:Role"]
    trust = json.loads(role["outputs"]["assumeRolePolicy"])["Statement"][0]
    assert trust["Condition"]["StringEquals"] == {
        "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
        "token.actions.githubusercontent.com:sub": ["repo:acme/api:ref:refs/heads/main"],
    }
    (attachment,) = [r for r in report["resources"] if "rolePolicyAttachment" in r["type"]]
    assert attachment["outputs"]["policyArn"] == "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly"
    assert attachment["outputs"]["role"] == "eks-nodes"


def test_an_existing_key_is_taken_for_given_and_said_so(project: Make) -> None:
    arn = "arn:aws:kms:us-east-1:123456789012:key/0a1b2c3d-0000-1111-2222-333344445555"
    done = run(project({**CONFIG, "ecr-stack:encryption": {"keyArn": arn}}), "rehearse", "--stack", "test")
    assert done.returncode == 0, done.stderr
    assert f"assumed to exist: {arn}" in done.stdout


def test_the_schema_is_printed(tmp_path: Path) -> None:
    done = run(tmp_path, "schema")
    assert done.returncode == 0
    assert "ecr-stack:repositories" in json.loads(done.stdout)["properties"]["config"]["properties"]
