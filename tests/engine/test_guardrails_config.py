"""A configuration of the policy pack under the real engine: levels, properties, remediation."""

from __future__ import annotations

import json
import re
from typing import Any

from pulumi_engine import LIFECYCLE, PROJECT, Engine, plain

TAGS = "repositories-and-keys-have-the-required-tags"
IMMUTABLE = "image-tags-in-production-are-immutable"

NAMES = re.findall(r"^def (\w+)\(", "\n".join(file.read_text() for file in (PROJECT / "policies").rglob("*.py")), re.M)
OFF = {
    name.replace("_", "-"): {"enforcementLevel": "disabled", "reason": "Another policy is under test"}
    for name in NAMES
    if f".{name}," in (PROJECT / "policies" / "guardrails" / "pack.py").read_text()
}


def pack(engine: Engine, config: dict[str, Any]) -> tuple[str, ...]:
    file = engine.project / "guardrails.json"
    file.write_text(json.dumps(config))
    return "--policy-pack", str(PROJECT / "policies"), "--policy-pack-config", str(file)


def levels(said: str) -> dict[str, str]:
    """The policies that object, and how loudly."""
    return {policy: level for level, policy in re.findall(r"- \[(\w+)\].*?  ([a-z-]+)  \(", said)}


def test_levels_and_properties_are_the_configurations(engine: Engine) -> None:
    careless = {"lifecycle": LIFECYCLE, "tagMutability": "MUTABLE"}
    engine.stack("test", {**plain(repositoryDefaults=careless), "ecr-stack:environment": "prod"})
    advisory = {name: {**said, "enforcementLevel": "advisory"} for name, said in OFF.items()}
    advice = levels(engine("preview", *pack(engine, advisory)).said)
    assert advice[IMMUTABLE] == "advisory"
    assert set(advice.values()) == {"advisory"}
    for silent in ({"all": "advisory"}, {IMMUTABLE: {"enforcementLevel": "advisory", "reason": "…"}}):
        refused = engine("preview", *pack(engine, silent), code=-1).said
        assert levels(refused)[IMMUTABLE] == "mandatory"
        assert "Relaxed without a reason" in refused
    elsewhere = {
        **OFF,
        IMMUTABLE: {"enforcementLevel": "mandatory", "productionValues": ["gold"], "reason": "Elsewhere"},
    }
    assert levels(engine("preview", *pack(engine, elsewhere)).said) == {}
    here = {**OFF, IMMUTABLE: {"enforcementLevel": "mandatory", "productionValues": ["prod"]}}
    assert levels(engine("preview", *pack(engine, here), code=-1).said) == {IMMUTABLE: "mandatory"}


def test_remediation_tags_what_is_made(engine: Engine) -> None:
    engine.stack("test", plain(repositoryDefaults={"lifecycle": LIFECYCLE}))
    remedy: dict[str, Any] = {
        "enforcementLevel": "remediate",
        "required": ["Owner"],
        "values": {"Owner": "{stack}-{name}"},
    }
    remedy["reason"] = "The other tags are not under test"
    engine.up(*pack(engine, {**OFF, TAGS: remedy}))
    arn = engine.repository("api")["repositoryArn"]
    tags = engine.aws.call("ecr", "ListTagsForResource", {"resourceArn": arn})["tags"]
    assert {"Key": "Owner", "Value": "test-api"} in tags
    assert any(tag["Key"] == "Environment" for tag in tags)
