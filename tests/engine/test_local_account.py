"""The real engine deploys into an account that `ecr-stack local` serves."""

from __future__ import annotations

from pathlib import Path

from pulumi_engine import Engine, plain

from ecr_stack.local.server import local_aws
from ecr_stack.rehearsal.engine.server import serving


def test_a_program_is_deployed_with_uris_that_can_be_pushed_to_and_taken_down_again(tmp_path: Path) -> None:
    with local_aws("987654321098", "us-east-1") as local, serving(local.aws) as attached:
        engine = Engine(tmp_path / "engine", local.aws, attached)
        engine.stack("test", plain())
        engine.up()
        made = engine.state()["aws:ecr/repository:Repository test-api"]["outputs"]
        assert made["repositoryUrl"] == f"{local.registries['us-east-1']}/api"
        assert engine.repository("api")["repositoryUri"] == made["repositoryUrl"]
        local.aws.push_image("api", "v1")
        assert engine.changes() == {}
        local.aws.call("ecr", "BatchDeleteImage", {"repositoryName": "api", "imageIds": [{"imageTag": "v1"}]})
        engine("destroy", "--yes", "--skip-preview")
        assert local.aws.call("ecr", "DescribeRepositories")["repositories"] == []
