"""The policy pack under the real engine, over the shipped production stack and over a program of somebody else's."""

from __future__ import annotations

import re
from pathlib import Path

from pulumi_engine import PROJECT, Engine

PACK = str(PROJECT / "policies")
ELSEWHERE = """
import json
import pulumi_aws as aws

key = aws.kms.Key("key", enable_key_rotation=True, tags={"Name": "k", "Environment": "dev", "ManagedBy": "x"})
aws.ecr.Repository(
    "sound",  # but for the tag that calls it dev, in the stack live-prod
    name="sound",
    encryption_configurations=[{"encryption_type": "KMS", "kms_key": key.arn}],
    image_scanning_configuration={"scan_on_push": True},
    tags={"Name": "sound", "Environment": "dev", "ManagedBy": "x"},
)
careless = aws.ecr.Repository("careless", name="careless", force_delete=True)
everyone = {"Effect": "Allow", "Principal": {"AWS": ["*"]}, "Action": "ecr:*"}
aws.ecr.RepositoryPolicy("careless", repository=careless.name, policy=json.dumps({"Statement": everyone}))
"""


def objections(said: str) -> set[tuple[str, str]]:
    """The policies that object, and to which resource."""
    return set(re.findall(r"- \[mandatory].*?  ([a-z-]+)  \(\S+ ([\w-]+)\)", said))


def test_the_shipped_production_stack_passes_a_preview_and_an_update(engine: Engine) -> None:
    # The guard of lifecycle changes runs a command, whose provider may not be here.
    config = {name: value for name, value in engine.shipped("prod").items() if name != "ecr-stack:lifecycleGuard"}
    # the role of a creation template may use the key
    config["ecr-stack:replication"] = {"rules": [{"destinations": [{"region": "us-west-2", "replicas": "template"}]}]}
    engine.stack("prod", config)
    for command in (["preview"], ["up", "--yes", "--skip-preview"]):
        answer = engine(*command, "--policy-pack", PACK)
        assert "ecr-guardrails@" in answer.said
        assert "[mandatory]" not in answer.said
        # A preview does not know the ARN of a key that is not made yet, and so not the IAM policies that name it.
        waiting = set(re.findall(r"can't run policy '([a-z-]+)'", answer.said))
        assert waiting == ({"identity-policies-allow-no-wildcard"} if command == ["preview"] else set())
        assert answer.said.count("[advisory]") == answer.said.count("can't run policy")


def test_a_preview_of_somebody_elses_program_is_stopped_with_every_objection(engine: Engine) -> None:
    engine.configure("live-prod", {"aws:region": "us-east-1"})
    Path(engine.project, "__main__.py").write_text(ELSEWHERE)
    Path(engine.project, "Pulumi.yaml").write_text(
        "name: shop\nruntime: {name: python, options: {toolchain: pip, virtualenv: .venv}}\n"
    )
    engine("stack", "init", "live-prod")
    answer = engine("preview", "--policy-pack", PACK, code=-1)
    assert objections(answer.said) == {
        ("every-repository-has-a-lifecycle-policy", "careless"),
        ("every-repository-has-a-lifecycle-policy", "sound"),
        ("image-tags-in-production-are-immutable", "careless"),
        ("image-tags-in-production-are-immutable", "sound"),
        ("policies-name-no-public-principal", "careless"),
        ("policies-name-no-wildcard-action", "careless"),
        ("repositories-and-keys-have-the-required-tags", "careless"),
        ("repositories-are-encrypted-with-a-customer-key", "careless"),
        ("repositories-are-scanned-on-push", "careless"),
        ("repositories-in-production-are-not-force-deleted", "careless"),
        ("repositories-in-production-are-protected", "careless"),
        ("repositories-in-production-are-protected", "sound"),
        ("repositories-in-production-are-replicated", "shop-live-prod"),
    }
