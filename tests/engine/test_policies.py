"""The policy pack, run by the engine as `--policy-pack policies`."""

from __future__ import annotations

import json
import subprocess

import pytest
import yaml
from pulumi_engine import LIFECYCLE, PROJECT, Engine, plain

PACK = ("--policy-pack", str(PROJECT / "policies"))


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_the_shipped_stacks_pass(engine: Engine, stack: str) -> None:
    engine.stack(stack)
    answer = engine("preview", *PACK)
    assert "ecr-guardrails" in answer.out
    assert "[mandatory]" not in answer.out


def test_a_mandatory_violation_stops_a_preview_and_an_up(engine: Engine) -> None:
    open_to_all = {"lifecycle": LIFECYCLE, "tagMutability": "MUTABLE", "forceDelete": True}
    engine.stack("test", {**plain(repositoryDefaults=open_to_all), "ecr-stack:environment": "prod"})
    refused = engine("preview", *PACK, code=-1)
    assert "[mandatory]" in refused.out
    assert "image-tags-in-production-are-immutable" in refused.out
    assert "Traceback" not in refused.said
    engine.up(*PACK, code=-1)
    assert engine.aws.call("ecr", "DescribeRepositories")["repositories"] == []


def test_the_engine_and_the_rehearsal_without_it_find_the_same(engine: Engine) -> None:
    config = {**plain(repositoryDefaults={"lifecycle": LIFECYCLE}), "ecr-stack:environment": "prod"}
    engine.stack("test", config)
    (engine.project / "policies").symlink_to(PROJECT / "policies")
    stack_file = engine.project / "Pulumi.test.yaml"
    stack_file.write_text(yaml.safe_dump({"config": config}))
    without = subprocess.run(
        [str(PROJECT / ".venv" / "bin" / "ecr-stack"), "rehearse", "--stack", "test", "--format", "json"],
        cwd=engine.project,
        capture_output=True,
        text=True,
        check=False,
    )
    found = {(each["policy"], each["level"]) for each in json.loads(without.stdout)["violations"]}
    assert found
    said = engine("preview", *PACK, code=None).out
    told = {(policy, level) for policy, level in found if policy in said and f"[{level}]" in said}
    assert told == found
