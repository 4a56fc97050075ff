"""`guardrails.check` judges as the engine's own servant of a policy pack does, over whole stacks."""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf import json_format, struct_pb2
from guarded import Record
from guardrails.check import violations
from guardrails.configuration import configured
from guardrails.pack import POLICIES
from pulumi.runtime import proto
from pulumi_policy import EnforcementLevel
from pulumi_policy.policy import _PolicyAnalyzerServicer

from ecr_stack.rehearsal import Report

REPOSITORY = "aws:ecr/repository:Repository"
Found = Counter[tuple[str, str, str, str]]


def records(report: Report) -> list[Record]:
    return [
        {
            "urn": each.urn,
            "type": each.type,
            "name": each.name,
            "inputs": json.loads(json.dumps(dict(each.inputs))),
            "outputs": json.loads(json.dumps(dict(each.outputs))),
            "parent": each.parent,
            "dependencies": list(each.dependencies),
            "options": dict(each.options),
        }
        for each in report.resources
    ]


def struct(values: dict[str, Any]) -> struct_pb2.Struct:
    return json_format.ParseDict(values, struct_pb2.Struct())


def by_the_servant(resources: list[Record], config: dict[str, Any] | None) -> Found:
    """What the engine would be told: it fills in the schemas' defaults, remedies, and asks in this order."""
    servant = _PolicyAnalyzerServicer("guardrails", "1.0.0", [*POLICIES], EnforcementLevel.MANDATORY)
    numbers = {
        EnforcementLevel.ADVISORY: proto.ADVISORY,
        EnforcementLevel.MANDATORY: proto.MANDATORY,
        EnforcementLevel.REMEDIATE: proto.REMEDIATE,
        EnforcementLevel.DISABLED: proto.DISABLED,
    }
    given = {
        each.policy.name: proto.PolicyConfig(enforcementLevel=numbers[each.level], properties=struct(dict(each.config)))
        for each in configured(POLICIES, config)[0]
    }
    servant.Configure(proto.ConfigureAnalyzerRequest(policyConfig=given), None)
    found: Found = Counter()

    def note(response: Any, urn: str) -> None:
        for each in response.diagnostics:
            level = "mandatory" if each.enforcementLevel == proto.MANDATORY else "advisory"
            message = each.message.removeprefix(each.description).lstrip("\n")
            found[each.policyName, level, each.urn or urn, message] += 1

    together = []
    for each in resources:
        same = {"type": each["type"], "urn": each["urn"], "name": each["name"]}
        options = proto.AnalyzerResourceOptions(protect=bool(each["options"].get("protect")), parent=each["parent"])
        asked = proto.AnalyzeRequest(**same, properties=struct(each["inputs"]), options=options)
        for remedied in servant.Remediate(asked, None).remediations:
            asked.properties.CopyFrom(remedied.properties)
        note(servant.Analyze(asked, None), each["urn"])
        together.append(
            proto.AnalyzerResource(
                **same,
                properties=struct(each["inputs"] | each["outputs"]),
                options=options,
                parent=each["parent"],
                dependencies=each["dependencies"],
            )
        )
    note(servant.AnalyzeStack(proto.AnalyzeStackRequest(resources=together), None), "")
    return found


def by_the_check(resources: list[Record], config: dict[str, Any] | None) -> Found:
    found = violations(resources, stack="prod", config=config)
    return Counter((each["policy"], each["level"], each["urn"], each["message"]) for each in found)


def repositories(resources: list[Record]) -> list[Record]:
    return [each for each in resources if each["type"] == REPOSITORY]


def unprotect(resources: list[Record]) -> None:
    for each in repositories(resources):
        each["options"]["protect"] = False
        each["inputs"] |= {"forceDelete": True, "imageTagMutability": "MUTABLE", "tags": {"Environment": "prod"}}


def unlock(resources: list[Record]) -> None:
    for each in repositories(resources):
        each["inputs"]["encryptionConfigurations"] = each["outputs"]["encryptionConfigurations"] = []
    for each in resources:
        if each["type"] == "aws:kms/key:Key":
            each["inputs"] |= {"enableKeyRotation": False, "deletionWindowInDays": 7}
            open_ = {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"}]}
            each["outputs"]["policy"] = json.dumps(open_)


def open_up(resources: list[Record]) -> None:
    for number, each in enumerate(each for each in resources if each["type"].endswith(":RepositoryPolicy")):
        broken = ['{"Statement": ', json.dumps({"Statement": {"Principal": {"AWS": ["*"]}, "Action": "ecr:*"}}), ""]
        each["inputs"]["policy"] = broken[number % 3]


def forget(resources: list[Record]) -> None:
    gone = ("LifecyclePolicy", "ReplicationConfiguration", "RegistryScanningConfiguration")
    resources[:] = [each for each in resources if not each["type"].endswith(gone)]
    for each in repositories(resources):
        each["inputs"]["imageScanningConfiguration"] = each["outputs"]["imageScanningConfiguration"] = None


def muddle(resources: list[Record]) -> None:
    for each in resources:
        for values in (each["inputs"], each["outputs"]):
            for key in values:
                values[key] = None if len(key) % 2 else {"not": ["what", {"was": "meant"}]}


def nothing(_: list[Record]) -> None:
    pass


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (nothing, set()),
        (
            unprotect,
            {
                "image-tags-in-production-are-immutable",
                "repositories-in-production-are-not-force-deleted",
                "repositories-in-production-are-protected",
                "repositories-and-keys-have-the-required-tags",
            },
        ),
        (
            unlock,
            {
                "repositories-are-encrypted-with-a-customer-key",
                "keys-rotate",
                "keys-in-production-wait-before-deletion",
            },
        ),
        (
            open_up,
            {
                "policies-name-no-public-principal",
                "policies-name-no-wildcard-action",
                "policies-let-services-act-for-named-sources-only",
            },
        ),
        (
            forget,
            {
                "every-repository-has-a-lifecycle-policy",
                "repositories-are-scanned-on-push",
                "repositories-in-production-are-replicated",
            },
        ),
        (muddle, None),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
@pytest.mark.parametrize(
    "config",
    [
        None,
        {
            "keys-are-enabled": {"enforcementLevel": "advisory", "reason": "tried elsewhere"},
            "keys-rotate": {"enforcementLevel": "disabled", "reason": "tried elsewhere"},
        },
        {
            "repositories-and-keys-have-the-required-tags": {
                "enforcementLevel": "remediate",
                "required": ["Name", "Environment", "ManagedBy", "Owner"],
                "values": {"Name": "{name}", "ManagedBy": "Pulumi"},
            },
            "keys-in-production-wait-before-deletion": {"minimumDays": 7, "reason": "tried in the sandbox"},
            "repositories-are-not-replaced": {"standing": {"gone": {"encryptionType": "KMS"}}},
        },
    ],
    ids=["unconfigured", "advisory", "configured"],
)
def test_the_check_finds_what_the_engines_servant_finds(
    prod: Report, change: Callable[[list[Record]], None], expected: set[str] | None, config: dict[str, Any] | None
) -> None:
    resources = copy.deepcopy(records(prod))
    change(resources)
    found = by_the_check(resources, config)
    assert found == by_the_servant(resources, config)
    if config is None and expected is not None:
        assert {policy for policy, *_ in found} == expected
    if expected is None:
        assert found
