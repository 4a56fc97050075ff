"""Transforms run in a rehearsal as under the engine: what they change is what is made, shown and checked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from ecr_stack import Registry, RegistryArgs, RepositoryDefaultsArgs
from ecr_stack.rehearsal import Report, rehearse_program
from ecr_stack.rehearsal.monitor import HookFailed
from ecr_stack.rehearsal.report import ResourceRecord

REPOSITORY = "aws:ecr/repository:Repository"
Answer = pulumi.ResourceTransformResult | None


def with_owner(owner: str) -> Callable[[pulumi.ResourceTransformArgs], Answer]:
    def transform(args: pulumi.ResourceTransformArgs) -> Answer:
        if args.type_ != REPOSITORY:
            return None
        properties: dict[str, Any] = dict(args.props)
        tags = properties.get("tags") or {}
        properties["tags"] = {**tags, "Owners": " ".join([*tags.get("Owners", "").split(), owner])}
        return pulumi.ResourceTransformResult(properties, args.opts)

    return transform


def registry(*transforms: Callable[[pulumi.ResourceTransformArgs], Answer]) -> Callable[[], None]:
    def program() -> None:
        defaults: RepositoryDefaultsArgs = {"tag_mutability": "IMMUTABLE"}
        args: RegistryArgs = {"environment": "dev", "repositories": {"api": {}}, "repository_defaults": defaults}
        Registry("dev", args, pulumi.ResourceOptions(transforms=list(transforms)))

    return program


def made(report: Report, name: str = "dev-api") -> ResourceRecord:
    return next(record for record in report.resources if (record.type, record.name) == (REPOSITORY, name))


def test_a_transform_of_a_component_changes_its_children() -> None:
    def weaken(args: pulumi.ResourceTransformArgs) -> Answer:
        if args.type_ != REPOSITORY:
            return None
        properties = {**args.props, "imageTagMutability": "MUTABLE", "forceDelete": True}
        return pulumi.ResourceTransformResult(properties, args.opts)

    repository = made(rehearse_program(registry(weaken)))
    assert repository.outputs["imageTagMutability"] == "MUTABLE"
    assert repository.inputs["forceDelete"] is True


@pytest.mark.parametrize("preview", [False, True])
def test_transforms_run_from_the_resource_outwards_and_those_of_the_stack_last(preview: bool) -> None:
    def program() -> None:
        pulumi.runtime.register_resource_transform(with_owner("stack"))
        parent = pulumi.ComponentResource(
            "own:index:Parent", "p", opts=pulumi.ResourceOptions(transforms=[with_owner("parent")])
        )
        opts = pulumi.ResourceOptions(parent=parent, transforms=[with_owner("first"), with_owner("second")])
        aws.ecr.Repository("raw", name="raw", opts=opts)

    assert (
        made(rehearse_program(program, preview=preview), "raw").inputs["tags"]["Owners"] == "first second parent stack"
    )


def test_options_that_a_transform_changes_count_and_the_others_stay() -> None:
    def protected(args: pulumi.ResourceTransformArgs) -> Answer:
        added = pulumi.ResourceOptions(protect=True, ignore_changes=["tags"], retain_on_delete=True)
        return pulumi.ResourceTransformResult(args.props, pulumi.ResourceOptions.merge(args.opts, added))

    plain, changed = (made(rehearse_program(registry(*each))) for each in ([], [protected]))
    assert changed.options["protect"] is True
    assert changed.options["retainOnDelete"] is True
    assert changed.options["ignoreChanges"] == ["tags"]
    others = {"protect", "retainOnDelete", "ignoreChanges"}
    assert {key: value for key, value in changed.options.items() if key not in others} == {
        key: value for key, value in plain.options.items() if key not in others
    }
    assert changed.dependencies == plain.dependencies
    assert changed.inputs["tags"] == plain.inputs["tags"]


def test_a_transform_that_fails_stops_the_rehearsal_and_says_where() -> None:
    def fail(_: pulumi.ResourceTransformArgs) -> Answer:
        raise ValueError("no such team")

    with pytest.raises(HookFailed, match='Registry "dev": a transform failed: no such team'):
        rehearse_program(registry(fail))


def test_a_transform_of_functions_is_listed_as_not_checked() -> None:
    report = rehearse_program(lambda: pulumi.runtime.register_invoke_transform(lambda _: None))
    assert [each.type for each in report.unchecked] == ["pulumi:invokeTransform"]
