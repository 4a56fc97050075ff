"""The component package: a schema that other languages can use, and components that understand what they send."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any

import grpc
import pytest

from ecr_stack.components.package import components
from ecr_stack.schema.typed_dicts import source as args_source
from ecr_stack.schema.typed_dicts import typed_models
from tests.api.surface import component_schema
from tests.package.conftest import ACCOUNT, Package, is_secret, not_known_yet, output, secret

SCHEMA = component_schema()
REPOSITORY = "aws:ecr/repository:Repository"
LIFECYCLE = "aws:ecr/lifecyclePolicy:LifecyclePolicy"
POLICY = "aws:ecr/repositoryPolicy:RepositoryPolicy"
PYTHON_NAMES = sorted({name for model in typed_models() for name in model.model_fields if "_" in name.strip("_")})


def properties() -> Iterator[tuple[str, Mapping[str, Any]]]:
    for token, resource in SCHEMA["resources"].items():
        for part in ("inputProperties", "properties"):
            for name, described in resource[part].items():
                yield f"{token} {part} {name}", described
    for token, type_ in SCHEMA["types"].items():
        for name, described in type_.get("properties", {}).items():
            yield f"{token} {name}", described


def test_every_component_is_in_the_schema() -> None:
    assert set(SCHEMA["resources"]) == {f"ecr-stack:index:{name}" for name in components()}
    assert all(resource["isComponent"] for resource in SCHEMA["resources"].values())
    assert (SCHEMA["name"], SCHEMA["version"]) == ("ecr-stack", version("ecr-stack"))


def test_everything_in_the_schema_is_described() -> None:
    bare = [place for place, described in properties() if not described.get("description")]
    bare += [token for token, type_ in SCHEMA["types"].items() if not type_.get("description")]
    bare += [token for token, resource in SCHEMA["resources"].items() if not resource.get("description")]
    assert bare == []


def test_every_type_that_is_referred_to_is_described() -> None:
    referred = set(re.findall(r'"#/types/([^"]+)"', json.dumps(SCHEMA)))
    assert referred == set(SCHEMA["types"])


def test_only_the_documents_of_aws_may_hold_anything() -> None:
    anything = [place for place, described in properties() if "pulumi.json#/Any" in json.dumps(described)]
    assert {place.rpartition(" ")[2] for place in anything} == {"statements", "document", "lifecycleDocument"}


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


def test_a_component_requires_what_it_cannot_do_without() -> None:
    required = {
        token.rpartition(":")[2]: set(one.get("requiredInputs") or []) for token, one in SCHEMA["resources"].items()
    }
    assert required == {
        "AccountSettings": set(),
        "Budget": {"amount"},
        "CreationTemplate": set(),
        "EncryptionKey": set(),
        "LifecyclePolicy": {"repository"},
        "Notifications": set(),
        "PipelineAccess": set(),
        "PublicRepository": set(),
        "PullAccess": set(),
        "PullThroughCache": {"upstream"},
        "Registry": {"repositories"},
        "RegistryPolicy": {"access"},
        "RegistryScanning": {"type"},
        "RegistrySigning": {"rules"},
        "Replication": {"rules"},
        "Repository": set(),
        "RepositoryPolicy": {"access", "repository"},
    }


def test_only_what_decides_which_resources_there_are_must_be_known() -> None:
    repository = SCHEMA["types"]["ecr-stack:index:RepositorySettings"]["properties"]
    assert {name for name, described in repository.items() if described.get("plain")} == {
        "protect", "encryption", "import", "aliases", "profile",
    }  # fmt: skip
    registry = SCHEMA["resources"]["ecr-stack:index:Registry"]["inputProperties"]
    assert registry["repositories"]["plain"]
    assert registry["repositories"]["additionalProperties"]["plain"]
    # a string in a list that must be known may come out of another resource all the same
    roles = SCHEMA["types"]["ecr-stack:index:NodeAccess"]["properties"]["roles"]
    assert (roles["plain"], roles["items"]) == (True, {"type": "string"})


def test_other_languages_and_python_agree_on_what_may_be_an_output() -> None:
    source = args_source()
    for token, type_ in SCHEMA["types"].items():
        if "enum" in type_:
            continue
        # the names of fields are Python's in the one and camelCase in the other, in the same order
        body = source.partition(f"class {token.rpartition(':')[2]}Args(TypedDict):")[2].partition("\n\n\n")[0]
        body = body or source.partition(f"{token.rpartition(':')[2]}Args = TypedDict(")[2].partition("\n)\n")[0]
        fields = re.findall(r"(?m)^ +\"?\w+\"?: (?:NotRequired\[)?(pulumi\.Input)?", body)
        assert [not field for field in fields] == [bool(one.get("plain")) for one in type_["properties"].values()]


@pytest.mark.skipif(shutil.which("pulumi") is None, reason="there is no `pulumi` on PATH: see docs/how-to/engine.md")
def test_pulumi_finds_nothing_wrong_with_the_schema(tmp_path: Path) -> None:
    (tmp_path / "schema.json").write_text(json.dumps(SCHEMA))
    done = subprocess.run(
        ["pulumi", "schema", "check", tmp_path / "schema.json"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


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
                "pull": [output(f"arn:aws:iam::{ACCOUNT}:role/runner")],
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


def test_a_guard_from_another_language_stands_before_the_policy(package: Package) -> None:
    package.construct(
        "Repository",
        "guarded",
        {"lifecycle": [{"any": True, "keepLast": 3}], "lifecycleGuard": {"maxExpire": 5, "maxExpirePercent": 10}},
    )
    hooks = [hook for one in package.engine.requests if "guarded" in one.name for hook in one.hooks.before_create]
    assert any(hook.startswith("ecr-stack-lifecycle-guard-guarded") for hook in hooks)


def test_hooks_of_two_components_have_different_names(package: Package) -> None:
    for name in ("hooked", "hooked-too"):
        package.construct("Repository", name, {"name": f"{name}-{len(package.engine.requests)}"})
    hooks: dict[str, set[str]] = {}
    for one in package.engine.requests:
        if one.name.startswith("hooked"):
            hooks.setdefault(one.name, set()).update(one.hooks.before_create)
    assert [len(names) for names in hooks.values()] == [1, 1]
    assert hooks["hooked"] != hooks["hooked-too"]


@pytest.mark.parametrize(
    "lifecycle",
    [
        output([{"tagPrefixes": ["v"], "keepLast": 5}]),
        [output({"tagPrefixes": ["v"], "keepLast": 5})],
        [{"tagPrefixes": output(["v"]), "keepLast": output(5)}],
        [{"tagPrefixes": [output("v")], "keepLast": 5}],
        secret([{"tagPrefixes": ["v"], "keepLast": 5}]),
    ],
)
def test_what_is_known_later_may_be_a_part_or_the_whole(package: Package, lifecycle: Any) -> None:
    name = f"later-{len(package.engine.requests)}"
    package.construct("Repository", name, {"lifecycle": lifecycle, "tags": {"Team": output("a"), "keepLast": "kept"}})
    policy = package.engine.aws.call("ecr", "GetLifecyclePolicy", {"repositoryName": name})["lifecyclePolicyText"]
    (rule,) = json.loads(policy)["rules"]
    assert rule["selection"]["tagPrefixList"] == ["v"]
    assert json.dumps(rule["selection"]["countNumber"]) == "5"
    (made,) = [inputs for inputs in package.engine.made(REPOSITORY) if inputs["name"] == name]
    assert made["tags"].items() >= {"Team": "a", "keepLast": "kept"}.items()


def test_a_secret_stays_one_and_makes_nothing_else_one(package: Package) -> None:
    package.construct(
        "Repository",
        "secretive",
        {
            "access": {"pull": [secret(f"arn:aws:iam::{ACCOUNT}:role/hidden")]},
            "lifecycle": [{"any": True, "keepLast": 3}],
        },
    )
    requests = {one.type.partition(":")[2]: one for one in package.engine.requests if one.name == "secretive"}
    assert is_secret(requests[POLICY.partition(":")[2]].object["policy"])
    assert not is_secret(requests[LIFECYCLE.partition(":")[2]].object)


def test_a_document_of_aws_keeps_its_keys_and_its_whole_numbers(package: Package) -> None:
    selection = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 7}
    document = {"rules": [{"rulePriority": 1, "selection": selection, "action": {"type": "expire"}}]}
    package.construct("Repository", "documented", {"lifecycleDocument": document})
    (made,) = [inputs for inputs in package.engine.made(LIFECYCLE) if inputs["repository"] == "documented"]
    assert json.dumps(json.loads(made["policy"])["rules"][0]["selection"]["countNumber"]) == "7"
    assert json.loads(made["policy"]) == document


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
    outputs = package.construct(
        "Repository",
        "previewed",
        {"access": {"pull": [not_known_yet()]}, "lifecycle": not_known_yet(), "tags": {"Team": not_known_yet()}},
        dryRun=True,
    )
    assert outputs["repositoryName"] == "previewed"


MISTAKES = [
    ("Repository", {"keyArn": output("alias/mine")}, ["keyArn: ", "`keyArn` is not a known key"]),
    ("Repository", {"tagMutabilty": "MUTABLE"}, ["write `tagMutability`"]),
    ("Repository", {"tag_mutability": "MUTABLE"}, ["`tag_mutability` is not a known key", "write `tagMutability`"]),
    (
        "Repository",
        {"lifecycle": [{"tag_prefixes": ["v"], "keepLast": 5}]},
        ["lifecycle[0].tag_prefixes", "write `tagPrefixes`"],
    ),
    ("Repository", {"mutableTags": ["v*"]}, ["mutableTags", "`tagMutability: IMMUTABLE_WITH_EXCLUSION`"]),
    ("Registry", {"environment": "Prod", "repositories": {"API": {}}}, ["2 errors", "write `prod`", "write `api`"]),
    # the same when it is known later
    (
        "Repository",
        {"lifecycle": [{"untagged": True, "expireAfterDays": output(0.5)}]},
        ["lifecycle[0].expireAfterDays"],
    ),
    ("Repository", {"access": {"fullAccess": [output("nobody at all")]}}, ["access.fullAccess[0]", '"nobody at all"']),
    ("Repository", {"access": output({"full_access": ["role/x"]})}, ["access.full_access", "write `fullAccess`"]),
    ("Repository", {"import": output(True)}, ["import: ", "must be known"]),
    ("Repositories", {}, ["no component ecr-stack:index:Repositories"]),
]


@pytest.mark.parametrize(("component", "inputs", "words"), MISTAKES)
def test_a_mistake_is_told_in_the_words_of_other_languages_and_without_a_traceback(
    package: Package, component: str, inputs: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(grpc.RpcError) as refusal:
        package.construct(component, f"mistaken-{len(package.engine.requests)}", inputs)
    text = refusal.value.details()  # type: ignore[attr-defined]
    for word in words:
        assert word in text
    for foreign in ('File "', "Unexpected <class", "__str__", *PYTHON_NAMES):
        assert foreign not in text or any(foreign in word for word in words)
    assert refusal.value.code() == grpc.StatusCode.INVALID_ARGUMENT  # type: ignore[attr-defined]


def test_after_a_refused_component_the_next_one_is_made(package: Package) -> None:
    for number, (component, inputs, _) in enumerate(MISTAKES):
        with pytest.raises(grpc.RpcError):
            package.construct(component, f"refused-{number}", inputs)
        outputs = package.construct("Repository", f"after-{number}", {"access": {"pull": ["role/nodes"]}})
        assert outputs["repositoryName"] == f"after-{number}"
    assert package.printed() == ""


def test_after_a_component_that_aws_refuses_the_next_one_is_made(package: Package) -> None:
    package.construct("Repository", "taken", {})
    with pytest.raises(grpc.RpcError) as refusal:
        package.construct("Repository", "taken-again", {"name": "taken", "access": {"pull": ["role/nodes"]}})
    assert "already exists" in refusal.value.details()  # type: ignore[attr-defined]
    assert 'File "' not in refusal.value.details()  # type: ignore[attr-defined]
    assert package.construct("Repository", "after-it", {})["repositoryName"] == "after-it"


def test_refused_and_good_components_side_by_side_do_not_disturb_each_other(package: Package) -> None:
    def make(number: int) -> str:
        if number % 2:
            return str(package.construct("Repository", f"good-{number}", {"access": {"pull": ["role/n"]}})["arn"])
        with pytest.raises(grpc.RpcError) as refusal:
            package.construct("Repository", f"bad-{number}", {"access": {"pull": [output("nobody at all")]}})
        return str(refusal.value.details())  # type: ignore[attr-defined]

    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(make, range(16)))
    for number, answer in enumerate(made):
        assert (f"repository/good-{number}" if number % 2 else f'Repository "bad-{number}"') in answer
