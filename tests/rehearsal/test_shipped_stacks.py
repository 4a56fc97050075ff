"""The shipped stacks become the registry that the operations guide meant."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from ecr_stack.rehearsal import Report, ResourceRecord

SERVICES = {"api-gateway", "auth-service", "order-service", "user-service", "notification-service"}


def of(report: Report, type_: str, **outputs: Any) -> list[ResourceRecord]:
    return [
        resource
        for resource in report.resources
        if resource.type == type_ and all(resource.outputs.get(key) == value for key, value in outputs.items())
    ]


def home(report: Report, type_: str) -> list[ResourceRecord]:
    return of(report, type_, region="us-east-1")


def repositories(report: Report) -> Mapping[str, ResourceRecord]:
    return {resource.outputs["name"]: resource for resource in home(report, "aws:ecr/repository:Repository")}


@pytest.fixture(params=["dev", "prod"])
def report(request: pytest.FixtureRequest) -> Report:
    found: Report = request.getfixturevalue(request.param)
    return found


def test_every_service_has_a_repository(report: Report) -> None:
    assert set(repositories(report)) == SERVICES


def test_every_repository_is_encrypted_with_the_environments_key(report: Report) -> None:
    (key,) = of(report, "aws:kms/key:Key", region="us-east-1")
    (alias,) = of(report, "aws:kms/alias:Alias", region="us-east-1")
    assert alias.outputs["name"] == f"alias/{report.stack}-ecr"
    assert alias.outputs["targetKeyArn"] == key.outputs["arn"] == report.outputs["keyArn"]
    for repository in repositories(report).values():
        assert repository.outputs["encryptionConfigurations"] == [
            {"encryptionType": "KMS", "kmsKey": key.outputs["arn"]}
        ]
        assert key.urn in repository.dependencies


def test_the_key_is_rotated_and_waits_before_it_goes(report: Report) -> None:
    (key,) = of(report, "aws:kms/key:Key", region="us-east-1")
    assert key.outputs["enableKeyRotation"] is True
    assert key.outputs["deletionWindowInDays"] == {"dev": 10, "prod": 30}[report.stack]


@pytest.mark.parametrize(
    "type_", ["aws:ecr/lifecyclePolicy:LifecyclePolicy", "aws:ecr/repositoryPolicy:RepositoryPolicy"]
)
def test_each_document_hangs_on_its_own_repository(report: Report, type_: str) -> None:
    found = {resource.outputs["repository"]: resource for resource in home(report, type_)}
    assert set(found) == SERVICES
    for name, document in found.items():
        repository = repositories(report)[name]
        assert repository.urn in document.dependencies
        assert document.options["deletedWith"] == repository.urn
        assert report.resources.index(document) > report.resources.index(repository)


def test_tags_say_whose_it_is(report: Report) -> None:
    for name, repository in repositories(report).items():
        assert repository.outputs["tags"] == {
            "Name": name,
            "Environment": report.stack,
            "ManagedBy": "Pulumi",
            "Team": "platform",
        }


def rules(report: Report) -> list[tuple[Any, ...]]:
    (text,) = {resource.outputs["policy"] for resource in of(report, "aws:ecr/lifecyclePolicy:LifecyclePolicy")}
    return [
        (
            rule["selection"].get("tagPrefixList", rule["selection"]["tagStatus"]),
            rule["selection"]["countType"],
            rule["selection"]["countNumber"],
            rule["action"]["type"],
        )
        for rule in json.loads(text)["rules"]
    ]


def test_dev_forgets_branches_after_a_week_and_untagged_images_after_a_day(dev: Report) -> None:
    assert (["dev-"], "sinceImagePushed", 7, "expire") in rules(dev)
    assert (["feature-"], "sinceImagePushed", 7, "expire") in rules(dev)
    assert ("untagged", "sinceImagePushed", 1, "expire") in rules(dev)


def test_prod_keeps_the_last_ten_releases(prod: Report) -> None:
    assert rules(prod)[0] == (["v"], "imageCountMoreThan", 10, "expire")
    assert ("untagged", "sinceImagePushed", 1, "expire") in rules(prod)


def test_prod_is_protected_and_dev_is_not(dev: Report, prod: Report) -> None:
    for repository in repositories(prod).values():
        assert repository.options["protect"] is True
        assert repository.outputs["forceDelete"] is False
    assert all(key.options["protect"] for key in of(prod, "aws:kms/key:Key"))
    assert not any(resource.options["protect"] for resource in dev.resources)


def test_tags_move_in_dev_and_only_latest_does_in_prod(dev: Report, prod: Report) -> None:
    assert {repository.outputs["imageTagMutability"] for repository in repositories(dev).values()} == {"MUTABLE"}
    for repository in repositories(prod).values():
        assert repository.outputs["imageTagMutability"] == "IMMUTABLE_WITH_EXCLUSION"
        assert repository.outputs["imageTagMutabilityExclusionFilters"] == [
            {"filter": "latest", "filterType": "WILDCARD"}
        ]


def test_prod_replicates_everything_to_the_west_and_a_subset_to_europe(prod: Report) -> None:
    (replication,) = of(prod, "aws:ecr/replicationConfiguration:ReplicationConfiguration")
    found = replication.outputs["replicationConfiguration"]["rules"]
    assert [rule["destinations"] for rule in found] == [
        [{"region": "us-west-2", "registryId": prod.account}],
        [{"region": "eu-west-1", "registryId": prod.account}],
    ]
    assert not found[0].get("repositoryFilters")
    assert [item["filter"] for item in found[1]["repositoryFilters"]] == ["api-", "auth-"]
    assert prod.outputs["replicationDestinations"] == [
        f"{prod.account}.dkr.ecr.us-west-2.amazonaws.com",
        f"{prod.account}.dkr.ecr.eu-west-1.amazonaws.com",
    ]


REPLICATED = {"us-west-2": SERVICES, "eu-west-1": {"api-gateway", "auth-service"}}


def test_replicas_are_made_like_their_originals(prod: Report) -> None:
    assert {region: set(names) for region, names in prod.outputs["replicas"].items()} == REPLICATED
    for region, names in REPLICATED.items():
        (key,) = of(prod, "aws:kms/key:Key", region=region)
        there = {each.outputs["name"]: each for each in of(prod, "aws:ecr/repository:Repository", region=region)}
        assert set(there) == names
        for name, replica in there.items():
            original = repositories(prod)[name]
            assert replica.outputs["encryptionConfigurations"] == [
                {"encryptionType": "KMS", "kmsKey": key.outputs["arn"]}
            ]
            same = ("imageTagMutability", "imageTagMutabilityExclusionFilters", "imageScanningConfiguration", "tags")
            assert [replica.outputs[key] for key in same] == [original.outputs[key] for key in same]
            assert replica.options["protect"] is True
        for type_ in ("aws:ecr/lifecyclePolicy:LifecyclePolicy", "aws:ecr/repositoryPolicy:RepositoryPolicy"):
            documents = {each.outputs["repository"]: each.outputs["policy"] for each in of(prod, type_, region=region)}
            originals = {each.outputs["repository"]: each.outputs["policy"] for each in home(prod, type_)}
            assert documents == {name: originals[name] for name in names}
        (scanning,) = of(prod, "aws:ecr/registryScanningConfiguration:RegistryScanningConfiguration", region=region)
        assert [rule["scanFrequency"] for rule in scanning.outputs["rules"]] == ["SCAN_ON_PUSH"]


def test_replication_begins_when_its_destinations_are_complete(prod: Report) -> None:
    (replication,) = of(prod, "aws:ecr/replicationConfiguration:ReplicationConfiguration")
    complete = {
        each.urn
        for each in prod.resources
        if each.type.startswith("aws:") and each.outputs.get("region") in ("us-west-2", "eu-west-1")
    }
    assert complete
    assert complete <= set(replication.dependencies)


def test_dev_stays_in_one_region(dev: Report) -> None:
    assert not of(dev, "aws:ecr/replicationConfiguration:ReplicationConfiguration")
    assert {r.outputs["region"] for r in dev.resources if "region" in r.outputs} == {"us-east-1"}


def test_outputs_are_what_a_pipeline_needs(report: Report) -> None:
    assert report.outputs["registryId"] == report.account
    assert report.outputs["region"] == "us-east-1"
    assert report.outputs["keyAlias"] == f"alias/{report.stack}-ecr"
    assert report.outputs["repositoryUrls"] == {
        name: f"{report.account}.dkr.ecr.us-east-1.amazonaws.com/{name}" for name in SERVICES
    }
    assert set(report.outputs["repositoryArns"]) == SERVICES


def test_nothing_is_violated(report: Report) -> None:
    assert [violation for violation in report.violations if violation.level == "mandatory"] == []
    if report.stack == "prod":
        assert report.violations == []
