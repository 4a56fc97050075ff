"""The component package: a schema that other languages can use, and components that understand what they send."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from typing import Any

import grpc
import pytest

from ecr_stack.components import COMPONENTS
from tests.api.surface import component_schema
from tests.package.conftest import ACCOUNT, Package, output

SCHEMA = component_schema()
REPOSITORY = "aws:ecr/repository:Repository"
LIFECYCLE = "aws:ecr/lifecyclePolicy:LifecyclePolicy"
POLICY = "aws:ecr/repositoryPolicy:RepositoryPolicy"


def properties() -> Iterator[tuple[str, Mapping[str, Any]]]:
    for token, resource in SCHEMA["resources"].items():
        for part in ("inputProperties", "properties"):
            for name, described in resource[part].items():
                yield f"{token} {part} {name}", described
    for token, type_ in SCHEMA["types"].items():
        for name, described in type_.get("properties", {}).items():
            yield f"{token} {name}", described


def test_every_component_is_in_the_schema() -> None:
    assert set(SCHEMA["resources"]) == {f"ecr-stack:index:{component.__name__}" for component in COMPONENTS}
    assert all(resource["isComponent"] for resource in SCHEMA["resources"].values())
    assert (SCHEMA["name"], SCHEMA["version"]) == ("ecr-stack", version("ecr-stack"))


def test_everything_in_the_schema_is_described() -> None:
    bare = [place for place, described in properties() if not described.get("description")]
    bare += [token for token, type_ in SCHEMA["types"].items() if not type_.get("description")]
    bare += [token for token, resource in SCHEMA["resources"].items() if not resource.get("description")]
    bare += [
        f"{token} {value['value']}"
        for token, type_ in SCHEMA["types"].items()
        for value in type_.get("enum", [])
        if not value.get("description")
    ]
    assert bare == []


def test_only_statements_of_policies_may_be_anything() -> None:
    anything = [place for place, described in properties() if "pulumi.json#/Any" in json.dumps(described)]
    assert {place.rpartition(" ")[2] for place in anything} == {"statements"}


def test_enums_have_the_values_of_aws() -> None:
    values = {
        token.removeprefix("ecr-stack:index:"): {value["value"] for value in type_["enum"]}
        for token, type_ in SCHEMA["types"].items()
        if "enum" in type_
    }
    assert values["TagMutability"] == {"MUTABLE", "IMMUTABLE", "MUTABLE_WITH_EXCLUSION", "IMMUTABLE_WITH_EXCLUSION"}
    assert values["ScanFrequency"] == {"SCAN_ON_PUSH", "CONTINUOUS_SCAN", "MANUAL"}
    assert values["ScanType"] == {"BASIC", "ENHANCED"}
    assert {"EncryptionType", "Match", "NodePolicy", "Platform"} <= set(values)


@pytest.mark.parametrize(
    ("component", "required"),
    [
        ("CreationTemplate", {"region"}),
        ("EncryptionKey", set()),
        ("LifecyclePolicy", {"repository", "rules"}),
        ("PipelineAccess", set()),
        ("PullAccess", {"roles"}),
        ("Registry", {"repositories"}),
        ("RegistryPolicy", {"access"}),
        ("RegistryScanning", {"type"}),
        ("Replication", {"rules"}),
        ("Repository", set()),
        ("RepositoryPolicy", {"access", "repository"}),
    ],
)
def test_a_component_requires_what_it_cannot_do_without(component: str, required: set[str]) -> None:
    assert set(SCHEMA["resources"][f"ecr-stack:index:{component}"].get("requiredInputs") or []) == required


def test_objects_and_lists_of_objects_are_plain_values() -> None:
    # The SDK cannot map one that is only known later: it would say that required inputs are missing.
    later = [
        place
        for place, described in properties()
        if " properties " not in place
        for inner in [described.get("items") or described.get("additionalProperties") or described]
        if inner.get("$ref", "").startswith("#/types/") and not (described.get("plain") and inner.get("plain"))
    ]
    assert later == []


def test_the_running_package_gives_the_same_schema(package: Package) -> None:
    assert package.schema() == SCHEMA


def test_a_repository_from_another_language_is_made_as_it_was_meant(package: Package) -> None:
    outputs = package.construct(
        "Repository",
        "jobs",
        {
            "name": "team/jobs",
            "tagMutability": "IMMUTABLE_WITH_EXCLUSION",
            "mutableTags": ["latest"],
            "scanOnPush": False,
            "lifecycle": [
                {"description": "Keep ten", "tagPrefixes": ["v", "release-"], "keepLast": 10},
                {"description": "A day", "untagged": True, "expireAfterDays": 1},
            ],
            # a role of the same program: its ARN comes out of it
            "access": {
                "pull": [output(f"arn:aws:iam::{ACCOUNT}:role/runner", "urn:pulumi:staging::theirs::aws:iam/role::r")],
                "accounts": ["111122223333"],
                "lambda": ["444455556666"],
                "statements": [
                    {
                        "Sid": "OwnWords",
                        "Effect": "Allow",
                        "Principal": {"AWS": "111122223333"},
                        "Action": "ecr:ListImages",
                    }
                ],
            },
            "tags": {"camelCase": "kept", "snake_case": "kept"},
        },
    )
    url = f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/team/jobs"
    assert outputs == {
        "repositoryName": "team/jobs",
        "repositoryUrl": url,
        "arn": f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository/team/jobs",
        "registryId": ACCOUNT,
    }
    (made,) = [inputs for inputs in package.engine.made(REPOSITORY) if inputs["name"] == "team/jobs"]
    assert made["imageTagMutability"] == "IMMUTABLE_WITH_EXCLUSION"
    assert made["imageTagMutabilityExclusionFilters"] == [{"filter": "latest", "filterType": "WILDCARD"}]
    assert made["imageScanningConfiguration"] == {"scanOnPush": False}
    assert made["tags"].items() >= {"camelCase": "kept", "snake_case": "kept", "Environment": "staging"}.items()
    (lifecycle,) = [inputs for inputs in package.engine.made(LIFECYCLE) if inputs["repository"] == "team/jobs"]
    rules = json.loads(lifecycle["policy"])["rules"]
    # numbers are all floats on the wire, and AWS wants whole ones
    assert [json.dumps(rule["selection"]["countNumber"]) for rule in rules] == ["10", "10", "1"]
    assert [rule["selection"].get("tagPrefixList") for rule in rules] == [["v"], ["release-"], None]
    (policy,) = [inputs for inputs in package.engine.made(POLICY) if inputs["repository"] == "team/jobs"]
    text = policy["policy"]
    assert f"arn:aws:iam::{ACCOUNT}:role/runner" in text
    assert {"AllowPull", "OwnWords"} <= {statement["Sid"] for statement in json.loads(text)["Statement"]}
    assert "444455556666" in text


def test_the_limits_of_a_guard_stay_whole_numbers(package: Package) -> None:
    package.construct(
        "Repository",
        "guarded",
        {"lifecycle": [{"any": True, "keepLast": 3}], "lifecycleGuard": {"maxExpire": 5, "maxExpirePercent": 10}},
    )
    (command,) = [
        inputs
        for inputs in package.engine.made("command:local:Command")
        if inputs["environment"]["ECR_STACK_REPOSITORY"] == "guarded"
    ]
    assert command["environment"]["ECR_STACK_MAX_EXPIRE"] == "5"
    assert command["environment"]["ECR_STACK_MAX_EXPIRE_PERCENT"] == "10"


def test_a_registry_from_another_language_is_made_with_all_that_is_nested_in_it(package: Package) -> None:
    outputs = package.construct(
        "Registry",
        "acme",
        {
            "environment": "acme",
            "encryption": {"deletionWindowInDays": 7},
            "repositoryDefaults": {
                "tagMutability": "IMMUTABLE",
                "lifecycle": [{"description": "Keep ten", "tagPrefixes": ["v"], "keepLast": 10}],
                "access": {"match": "CONDITION", "pull": ["role/nodes"]},
            },
            # maps of objects with lists of objects in them
            "repositories": {
                "api": {},
                "big-data": {"tagMutability": "MUTABLE", "lifecycle": [{"any": True, "expireAfterDays": 3}]},
            },
            "tagSchemes": [{"name": "releases", "tagPatterns": ["v*"]}],
            "replication": {"rules": [{"destinations": [{"region": "us-west-2"}], "repositoryFilters": ["api"]}]},
            "scanning": {"type": "BASIC", "rules": [{"frequency": "SCAN_ON_PUSH", "filters": ["*"]}]},
            "pipelines": {
                "ci": {"platform": "GITHUB", "repositories": [{"repository": "acme/api", "branches": ["main"]}]}
            },
        },
    )
    assert set(outputs["repositoryUrls"]) == {"api", "big-data"}
    assert outputs["keyAlias"] == "alias/acme-ecr"
    assert outputs["replicationDestinations"] == [f"{ACCOUNT}.dkr.ecr.us-west-2.amazonaws.com"]
    assert outputs["pipelineRoleArns"] == {"ci": f"arn:aws:iam::{ACCOUNT}:role/acme-ecr-push-ci"}
    described = package.engine.aws.call("ecr", "DescribeRepositories", {"repositoryNames": ["api", "big-data"]})
    mutability = {one["repositoryName"]: one["imageTagMutability"] for one in described["repositories"]}
    assert mutability == {"api": "IMMUTABLE", "big-data": "MUTABLE"}
    policy = package.engine.aws.call("ecr", "GetLifecyclePolicy", {"repositoryName": "big-data"})["lifecyclePolicyText"]
    assert json.loads(policy)["rules"][0]["selection"]["countNumber"] == 3


def test_components_are_made_side_by_side(package: Package) -> None:
    rules = {"lifecycle": [{"any": True, "keepLast": 3}], "access": {"pull": ["role/nodes"]}}
    with ThreadPoolExecutor(4) as threads:
        made = threads.map(lambda number: package.construct("Repository", f"beside-{number}", rules), range(4))
    assert [outputs["repositoryName"] for outputs in made] == [f"beside-{number}" for number in range(4)]


def test_a_preview_does_without_what_is_not_known_yet(package: Package) -> None:
    unknown = output(f"arn:aws:iam::{ACCOUNT}:role/later")
    del unknown["value"]
    outputs = package.construct("Repository", "previewed", {"access": {"pull": [unknown]}}, dryRun=True)
    assert outputs["repositoryName"] == "previewed"


@pytest.mark.parametrize(
    ("component", "inputs", "words"),
    [
        ("Repository", {"keyArn": output("alias/mine")}, ["key_arn", "remedy:"]),
        (
            "Registry",
            {"environment": "Prod", "repositories": {"API": {}}},
            ["2 mistakes", "write `prod`", "write `api`"],
        ),
    ],
)
def test_a_mistake_is_told_with_its_remedy_and_without_a_traceback(
    refusing_package: Package, component: str, inputs: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(grpc.RpcError) as refusal:
        refusing_package.construct(component, "mistaken", inputs)
    text = refusal.value.details()  # type: ignore[attr-defined]
    for word in words:
        assert word in text
    assert 'File "' not in text


def test_a_value_that_no_enum_has_is_refused_by_its_path(refusing_package: Package) -> None:
    with pytest.raises(grpc.RpcError) as refusal:
        refusing_package.construct(
            "RegistryScanning", "mistaken", {"type": "BASIC", "rules": [{"frequency": "SOMETIMES"}]}
        )
    metadata = dict(refusal.value.trailing_metadata())  # type: ignore[attr-defined]
    assert b"frequency" in metadata["grpc-status-details-bin"]
