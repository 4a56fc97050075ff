"""Somebody else's program with these components can be rehearsed, whichever provider it works with."""

from __future__ import annotations

from pathlib import Path

from ecr_stack.rehearsal import rehearse

PROGRAM = """
import pulumi
import pulumi_aws as aws
from ecr_stack import Registry

provider = aws.Provider("paris", region="eu-west-3")
Registry(
    "prod",
    {
        "environment": "prod",
        "repositories": {"api": {"lifecycle": [{"any": True, "keep_last": 5}], "access": {"pull": ["111122223333"]}}},
        "replication": {"rules": [{"destinations": [{"region": "eu-west-1"}]}], "creation_template": True},
        "pipelines": {"main": {"repositories": [{"repository": "octo-org/api", "branches": ["main"]}]}},
    },
    pulumi.ResourceOptions(provider=provider),
)
"""


def test_a_registry_of_an_explicit_provider_with_replication_can_be_rehearsed(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: theirs\nruntime: python\n")
    (tmp_path / "Pulumi.dev.yaml").write_text("config:\n  aws:region: us-east-1\n")
    (tmp_path / "__main__.py").write_text(PROGRAM)
    report = rehearse("dev", tmp_path)
    made = {each.type: each for each in report.resources}
    assert made["aws:ecr/repository:Repository"].outputs["region"] == "eu-west-3"
    assert made["aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate"].outputs["region"] == "eu-west-1"
    assert ":eu-west-3:123456789012:repository/api" in made["aws:iam/rolePolicy:RolePolicy"].inputs["policy"] or any(
        ":eu-west-3:123456789012:repository/api" in str(each.inputs.get("policy")) for each in report.resources
    )
    assert "region" not in made["aws:iam/role:Role"].outputs
