"""What needs another resource says so, whatever order the resources happened to be made in."""

from __future__ import annotations

from typing import Any

from ecr_stack.rehearsal import ResourceRecord
from ecr_stack.rehearsal.order import in_order, undeclared_orders

REPOSITORY = "aws:ecr/repository:Repository"
POLICY = "aws:ecr/repositoryPolicy:RepositoryPolicy"


def record(type_: str, label: str, /, *needs: str, region: str = "us-east-1", **inputs: Any) -> ResourceRecord:
    outputs = {**inputs, "region": region}
    return ResourceRecord(
        f"urn:{label}", type_, label, None, inputs, outputs, [f"urn:{need}" for need in needs], {}, label
    )


def test_a_policy_that_names_its_repository_without_depending_on_it_is_reported() -> None:
    (found,) = undeclared_orders([record(REPOSITORY, "r", name="api"), record(POLICY, "p", repository="api")])
    assert (found.policy, found.level, found.urn) == ("what-needs-a-resource-depends-on-it", "mandatory", "urn:p")
    assert "`repository` names 'r'" in found.message


def test_a_dependency_through_another_resource_is_one() -> None:
    resources = [
        record(REPOSITORY, "r", name="api"),
        record("command:local:Command", "c", "r"),
        record(POLICY, "p", "c", repository="api"),
    ]
    assert list(undeclared_orders(resources)) == []


def test_a_repository_of_another_region_or_stack_is_not_meant() -> None:
    there = record(REPOSITORY, "r", region="eu-west-1", name="api")
    assert list(undeclared_orders([there, record(POLICY, "p", repository="api")])) == []
    assert list(undeclared_orders([record(POLICY, "p", repository="theirs")])) == []


def test_resources_come_after_what_they_depend_on_and_always_in_one_order() -> None:
    resources = [record(POLICY, "a", "z"), record(REPOSITORY, "z"), record(REPOSITORY, "y")]
    assert [item.name for item in in_order(resources)] == ["y", "z", "a"]
    assert in_order(resources[::-1]) == in_order(resources)
