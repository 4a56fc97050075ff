"""Transforms and logged errors: a rehearsal does what the engine does."""

from __future__ import annotations

from pulumi_engine import Engine, plain

from ecr_stack.rehearsal import rehearse

TRANSFORMED = """
import pulumi
import pulumi_aws as aws
from ecr_stack import Registry

REPOSITORY = "aws:ecr/repository:Repository"

def owner(name, **options):
    def transform(args):
        if args.type_ != REPOSITORY:
            return None
        tags = args.props.get("tags") or {}
        props = {**args.props, "tags": {**tags, "Owners": (tags.get("Owners", "") + " " + name).strip()}}
        return pulumi.ResourceTransformResult(
            props, pulumi.ResourceOptions.merge(args.opts, pulumi.ResourceOptions(**options))
        )
    return transform

pulumi.runtime.register_resource_transform(owner("stack"))
parent = pulumi.ComponentResource("own:index:Parent", "p", opts=pulumi.ResourceOptions(transforms=[owner("parent")]))
opts = pulumi.ResourceOptions(parent=parent, transforms=[owner("first", protect=False), owner("second", retain_on_delete=True)])
aws.ecr.Repository("raw", name="raw", opts=opts)
Registry(
    "dev",
    {"environment": "dev", "encryption": {"type": "AES256"}, "repositories": {"api": {"lifecycle": [{"untagged": True, "expire_after_days": 3}]}}},
    pulumi.ResourceOptions(transforms=[owner("registry")]),
)
"""


def test_a_rehearsal_transforms_resources_as_the_engine_does(engine: Engine) -> None:
    engine.stack("test", plain())
    engine.write(TRANSFORMED)
    report = rehearse("test", engine.project, account="210987654321")
    rehearsed = {each.urn: each for each in report.resources if each.type == "aws:ecr/repository:Repository"}
    engine.up()
    deployed = {each["urn"]: each for each in engine.state().values()}
    assert len(rehearsed) == 2
    for urn, record in rehearsed.items():
        assert record.inputs["tags"] == deployed[urn]["inputs"]["tags"]
        assert record.options["protect"] is deployed[urn].get("protect", False)
        assert record.options["retainOnDelete"] is deployed[urn].get("retainOnDelete", False)


def test_an_error_that_a_program_only_logs_stops_neither_a_deployment_nor_a_rehearsal(engine: Engine) -> None:
    engine.stack("test", plain())
    engine.write("import pulumi\npulumi.log.error('no such team')\n")
    assert "no such team" in engine.up().said
    assert rehearse("test", engine.project, account="210987654321").passes
