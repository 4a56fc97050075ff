"""The pack as the engine speaks to it: configuration, levels, unknown values, remediation; and its real process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2, json_format, struct_pb2
from guarded import (
    KEY_ARN,
    Record,
    document,
    lifecycle,
    record,
    replication,
    repository,
    repository_policy,
    scanning,
    statement,
)
from guardrails.engine import Analyzer
from guardrails.pack import POLICIES
from guardrails.production import PRODUCTION
from guardrails.stack import SENT
from pulumi.runtime import proto
from pulumi.runtime.proto import analyzer_pb2_grpc
from pulumi_policy import EnforcementLevel
from pulumi_policy.deserialize import SPECIAL_SECRET_SIG, SPECIAL_SIG_KEY
from pulumi_policy.policy import _PolicyAnalyzerServicer
from pulumi_policy.proxy import UNKNOWN_ARRAY_VALUE, UNKNOWN_OBJECT_VALUE, UNKNOWN_STRING_VALUE

PACK = Path(__file__).parents[2] / "policies"
TAGS = "repositories-and-keys-have-the-required-tags"
Said = list[tuple[str, int]]


@pytest.fixture
def pack(monkeypatch: pytest.MonkeyPatch) -> _PolicyAnalyzerServicer:
    for name in ("PULUMI_PROJECT", "PULUMI_STACK", "PULUMI_DRY_RUN"):
        monkeypatch.delenv(name, raising=False)
    return _PolicyAnalyzerServicer("guardrails", "1.0.0", [*POLICIES], EnforcementLevel.MANDATORY)


def options(resource: Record) -> Any:
    return proto.AnalyzerResourceOptions(protect=resource["options"]["protect"])


def struct(values: dict[str, Any]) -> struct_pb2.Struct:
    return json_format.ParseDict(values, struct_pb2.Struct())


def request(resource: Record) -> Any:
    return proto.AnalyzeRequest(
        type=resource["type"],
        urn=resource["urn"],
        name=resource["name"],
        properties=struct(resource["inputs"]),
        options=options(resource),
    )


def stack(*resources: Record) -> Any:
    return proto.AnalyzeStackRequest(
        resources=[
            proto.AnalyzerResource(
                type=each["type"],
                urn=each["urn"],
                name=each["name"],
                properties=struct(each["inputs"] | each["outputs"]),
                options=options(each),
                dependencies=each["dependencies"],
            )
            for each in resources
        ]
    )


def said(response: Any) -> Said:
    return sorted((each.policyName, each.enforcementLevel) for each in response.diagnostics)


def configure(pack: _PolicyAnalyzerServicer, name: str, level: Any, **properties: Any) -> None:
    config = proto.PolicyConfig(enforcementLevel=level, properties=struct(properties))
    pack.Configure(proto.ConfigureAnalyzerRequest(policyConfig={name: config}), None)


def test_a_sound_repository_passes(pack: _PolicyAnalyzerServicer) -> None:
    assert said(pack.Analyze(request(repository()), None)) == []
    assert said(pack.AnalyzeStack(stack(repository(), lifecycle(), replication()), None)) == []


def test_violations_of_one_resource_and_of_the_stack_are_told_apart(pack: _PolicyAnalyzerServicer) -> None:
    bare = record("aws:ecr/repository:Repository", protect=False, name="api", imageTagMutability="IMMUTABLE")
    assert said(pack.Analyze(request(bare), None)) == [
        ("repositories-and-keys-have-the-required-tags", proto.MANDATORY),
        ("repositories-are-encrypted-with-a-customer-key", proto.MANDATORY),
        ("repositories-in-production-are-protected", proto.MANDATORY),
    ]
    response = pack.AnalyzeStack(stack(bare), None)
    assert said(response) == [
        ("every-repository-has-a-lifecycle-policy", proto.MANDATORY),
        ("repositories-are-scanned-on-push", proto.MANDATORY),
        ("repositories-in-production-are-replicated", proto.MANDATORY),
    ]
    assert {each.urn for each in response.diagnostics} == {bare["urn"], ""}


def test_a_key_that_only_the_update_makes_is_a_key(pack: _PolicyAnalyzerServicer) -> None:
    first = repository(encryptionConfigurations=[{"encryptionType": "KMS", "kmsKey": UNKNOWN_STRING_VALUE}])
    assert said(pack.Analyze(request(first), None)) == []
    assert said(pack.AnalyzeStack(stack(first, lifecycle(), replication()), None)) == []


@pytest.mark.parametrize("unknown", [UNKNOWN_ARRAY_VALUE, UNKNOWN_OBJECT_VALUE, UNKNOWN_STRING_VALUE])
def test_no_unknown_property_of_a_repository_makes_a_violation(pack: _PolicyAnalyzerServicer, unknown: str) -> None:
    for name in ("name", "tags", "encryptionConfigurations", "imageTagMutability", "imageScanningConfiguration", "arn"):
        resource = repository(**{name: unknown})
        assert [each for each in said(pack.Analyze(request(resource), None)) if each[1] != proto.ADVISORY] == []


def test_unknown_elements_of_lists_make_no_violation(pack: _PolicyAnalyzerServicer) -> None:
    first = repository(encryptionConfigurations=[UNKNOWN_OBJECT_VALUE], imageScanningConfiguration=None)
    assert said(pack.Analyze(request(first), None)) == []
    copied, scanned = replication(), scanning("web", kind="ENHANCED")
    copied["inputs"]["replicationConfiguration"] = {"rules": [UNKNOWN_OBJECT_VALUE]}
    for rules in (
        [UNKNOWN_OBJECT_VALUE],
        UNKNOWN_ARRAY_VALUE,
        [{"scanFrequency": UNKNOWN_STRING_VALUE, "repositoryFilters": [{"filter": "*"}]}],
        [{"scanFrequency": "SCAN_ON_PUSH", "repositoryFilters": [{"filter": UNKNOWN_STRING_VALUE}]}],
    ):
        scanned["inputs"]["rules"] = rules
        assert said(pack.AnalyzeStack(stack(first, lifecycle(), copied, scanned), None)) == []


def test_one_unknown_repository_does_not_hide_the_others(pack: _PolicyAnalyzerServicer) -> None:
    unknown = repository("later", imageScanningConfiguration=UNKNOWN_OBJECT_VALUE)
    unscanned = repository("web", imageScanningConfiguration=None)
    policies = [lifecycle(name="later"), lifecycle(name="web")]
    response = pack.AnalyzeStack(stack(unknown, unscanned, *policies, replication()), None)
    assert [(each.policyName, each.urn) for each in response.diagnostics] == [
        ("repositories-are-scanned-on-push", unscanned["urn"])
    ]


def test_a_lifecycle_policy_belongs_to_its_repository_before_the_name_is_known(pack: _PolicyAnalyzerServicer) -> None:
    named_later = repository(name=UNKNOWN_STRING_VALUE)
    policy = lifecycle(repository=UNKNOWN_STRING_VALUE)
    policy["dependencies"] = [named_later["urn"]]
    assert said(pack.AnalyzeStack(stack(named_later, policy, replication()), None)) == []


def test_a_document_that_only_the_update_knows_is_said_to_wait(pack: _PolicyAnalyzerServicer) -> None:
    later = record("aws:iam/role:Role", assumeRolePolicy=UNKNOWN_STRING_VALUE)
    response = pack.Analyze(request(later), None)
    assert {each.enforcementLevel for each in response.diagnostics} == {proto.ADVISORY}
    assert all("can't be known during preview" in each.message for each in response.diagnostics)


def test_a_malformed_document_is_a_message(pack: _PolicyAnalyzerServicer) -> None:
    broken = record("aws:ecr/repositoryPolicy:RepositoryPolicy", repository="api", policy='{"Statement": ')
    response = pack.Analyze(request(broken), None)
    assert said(response) == [
        ("policies-let-services-act-for-named-sources-only", proto.ADVISORY),
        ("policies-name-no-public-principal", proto.MANDATORY),
        ("policies-name-no-wildcard-action", proto.MANDATORY),
    ]
    assert all("is not JSON" in each.message for each in response.diagnostics)


def test_a_policy_given_as_an_object_is_read(pack: _PolicyAnalyzerServicer) -> None:
    policy = json.loads(document(statement({"AWS": ["*"]})))
    written = record("aws:ecr/repositoryPolicy:RepositoryPolicy", repository="api", policy=policy)
    assert ("policies-name-no-public-principal", proto.MANDATORY) in said(pack.Analyze(request(written), None))


def test_level_and_parameters_come_from_the_configuration(pack: _PolicyAnalyzerServicer) -> None:
    name = "image-tags-in-production-are-immutable"
    configure(pack, name, proto.ADVISORY, productionValues=["gold"], productionStacks=["gold"])
    assert said(pack.Analyze(request(repository(imageTagMutability="MUTABLE")), None)) == []
    live = repository(imageTagMutability="MUTABLE", environment="gold")
    assert said(pack.Analyze(request(live), None)) == [(name, proto.ADVISORY)]
    configure(pack, name, proto.DISABLED)
    assert said(pack.Analyze(request(live), None)) == []


@pytest.fixture
def analyzer(pack: _PolicyAnalyzerServicer) -> Analyzer:
    return Analyzer("guardrails", "1.0.0", [*POLICIES], EnforcementLevel.MANDATORY)


@pytest.mark.parametrize("reason", ["", "  ", "…", "decided by NAME in TICKET", "OPS-1"])
def test_what_is_disabled_without_a_reason_stays_in_force(
    analyzer: Analyzer, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "repositories-are-encrypted-with-a-customer-key"
    weak = repository(encryptionConfigurations=None)
    configure(analyzer, name, proto.DISABLED, reason=reason)
    assert said(analyzer.Analyze(request(weak), None)) == [(name, proto.MANDATORY)]
    told = capsys.readouterr().err
    assert f"Relaxed without a reason, and therefore still enforced: {name}." in told
    assert f"{name}.reason is {reason!r}" in told if reason.strip() else "must come with a reason" in told
    configure(analyzer, name, proto.DISABLED, reason="The images are public anyway")
    assert said(analyzer.Analyze(request(weak), None)) == []
    assert capsys.readouterr().err == ""


def test_each_policy_keeps_its_own_level_unless_it_has_a_reason_of_its_own(
    analyzer: Analyzer, capsys: pytest.CaptureFixture[str]
) -> None:
    first, *others = [policy.name for policy in POLICIES]
    off = {name: proto.PolicyConfig(enforcementLevel=proto.DISABLED) for name in (first, *others[1:])}
    off[first].properties.update({"reason": "Decided by the platform team"})
    asked = proto.ConfigureAnalyzerRequest(policyConfig=off)
    analyzer.Configure(asked, None)
    own = {policy.name: policy.enforcement_level or EnforcementLevel.MANDATORY for policy in POLICIES}
    assert EnforcementLevel.ADVISORY in own.values()
    assert {name: config.enforcementLevel for name, config in asked.policyConfig.items()} == {
        first: proto.DISABLED,
        **{name: getattr(proto, own[name].value.upper()) for name in others[1:]},
    }
    assert f"therefore still enforced: {', '.join(others[1:])}." in capsys.readouterr().err


def test_production_is_not_configured_away_without_a_reason(analyzer: Analyzer) -> None:
    name = "image-tags-in-production-are-immutable"
    properties = {each: schema["default"] for each, schema in PRODUCTION.items()} | {"productionStacks": ["gold"]}
    mutable = repository(imageTagMutability="MUTABLE")
    configure(analyzer, name, proto.MANDATORY, **properties)
    assert said(analyzer.Analyze(request(mutable), None)) == [(name, proto.MANDATORY)]
    configure(analyzer, name, proto.MANDATORY, **properties | {"productionValues": ["gold"], "reason": "Other names"})
    assert said(analyzer.Analyze(request(mutable), None)) == []


def test_the_environment_in_the_stacks_configuration_makes_production(
    pack: _PolicyAnalyzerServicer, monkeypatch: pytest.MonkeyPatch
) -> None:
    mutable = repository(imageTagMutability="MUTABLE", environment="dev", stack="blue")
    assert said(pack.Analyze(request(mutable), None)) == []
    monkeypatch.setattr("pulumi.runtime.get_config", {"ecr-stack:environment": "prod"}.get)
    assert said(pack.Analyze(request(mutable), None)) == [("image-tags-in-production-are-immutable", proto.MANDATORY)]


@pytest.fixture
def no_stack() -> Iterator[None]:
    yield
    SENT.clear()


@pytest.mark.usefixtures("no_stack")
def test_the_configuration_that_the_engine_sends_counts(analyzer: Analyzer) -> None:
    mutable = repository(imageTagMutability="MUTABLE", environment="dev", stack="blue")
    assert said(analyzer.Analyze(request(mutable), None)) == []
    sent = proto.AnalyzerStackConfigureRequest(stack="blue", config={"ecr-stack:environment": "prod"}, tags={"a": "b"})
    analyzer.ConfigureStack(sent, None)
    assert said(analyzer.Analyze(request(mutable), None)) == [
        ("image-tags-in-production-are-immutable", proto.MANDATORY)
    ]
    analyzer.ConfigureStack(proto.AnalyzerStackConfigureRequest(stack="blue"), None)
    assert said(analyzer.Analyze(request(mutable), None)) == []


def test_trust_in_the_stack_file_holds_in_the_engine(
    pack: _PolicyAnalyzerServicer, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = repository_policy(statement({"AWS": "arn:aws:iam::999999999999:root"}))
    judged = stack(repository(), lifecycle(), replication(), shared)
    assert said(pack.AnalyzeStack(judged, None)) == [("nothing-crosses-to-those-who-are-not-trusted", proto.MANDATORY)]
    trusted = {"ecr-stack:trusted": json.dumps({"accounts": ["999999999999"]})}
    monkeypatch.setattr("pulumi.runtime.get_config", trusted.get)
    assert said(pack.AnalyzeStack(judged, None)) == []


def test_a_document_that_is_not_known_does_not_hide_who_else_crosses(pack: _PolicyAnalyzerServicer) -> None:
    later = repository_policy(policy=UNKNOWN_STRING_VALUE, repository="web")
    shared = repository_policy(statement({"AWS": "arn:aws:iam::999999999999:root"}))
    response = pack.AnalyzeStack(stack(repository(), lifecycle(), replication(), later, shared), None)
    name = "nothing-crosses-to-those-who-are-not-trusted"
    assert said(response) == [(name, proto.ADVISORY), (name, proto.MANDATORY)]


def test_default_tags_of_the_provider_count(pack: _PolicyAnalyzerServicer) -> None:
    bare = repository(tags={"Name": "api"})
    asked = request(bare)
    tags = json.dumps({"tags": {"Environment": "prod", "ManagedBy": "Pulumi"}})
    provider = proto.AnalyzerProviderResource(
        type="pulumi:providers:aws", name="default", properties=struct({"defaultTags": tags})
    )
    asked.provider.CopyFrom(provider)
    assert said(pack.Analyze(asked, None)) == []


def test_remediation_adds_tags_and_leaves_unknown_values_unknown(pack: _PolicyAnalyzerServicer) -> None:
    configure(pack, TAGS, proto.REMEDIATE)
    encryption = [{"encryptionType": "KMS", "kmsKey": UNKNOWN_STRING_VALUE}]
    bare = repository(tags={"Team": "platform", "Owner": UNKNOWN_STRING_VALUE}, encryptionConfigurations=encryption)
    [remedied] = pack.Remediate(request(bare), None).remediations
    inputs = json_format.MessageToDict(remedied.properties)
    assert inputs["tags"] == {
        "Team": "platform",
        "Owner": UNKNOWN_STRING_VALUE,
        "Name": "api",
        "Environment": "prod",
        "ManagedBy": "Pulumi",
    }
    assert inputs["encryptionConfigurations"] == encryption


def test_remediation_leaves_tags_alone_that_are_not_known(pack: _PolicyAnalyzerServicer) -> None:
    configure(pack, TAGS, proto.REMEDIATE)
    later = repository(tags=UNKNOWN_OBJECT_VALUE)
    assert list(pack.Remediate(request(later), None).remediations) == []
    assert said(pack.Analyze(request(later), None)) == []


def test_remediation_happens_though_another_property_is_not_known(pack: _PolicyAnalyzerServicer) -> None:
    configure(pack, TAGS, proto.REMEDIATE)
    bare = record("aws:kms/key:Key", enableKeyRotation=True, policy=UNKNOWN_STRING_VALUE)
    [remedied] = pack.Remediate(request(bare), None).remediations
    assert remedied.diagnostic == ""
    inputs = json_format.MessageToDict(remedied.properties)
    assert inputs["policy"] == UNKNOWN_STRING_VALUE
    assert sorted(inputs["tags"]) == ["Environment", "ManagedBy", "Name"]


def test_remediation_keeps_secrets_secret(pack: _PolicyAnalyzerServicer) -> None:
    configure(pack, TAGS, proto.REMEDIATE)
    hidden = {SPECIAL_SIG_KEY: SPECIAL_SECRET_SIG, "value": "hidden"}
    [remedied] = pack.Remediate(request(repository(name=hidden, tags={"Owner": hidden})), None).remediations
    inputs = json_format.MessageToDict(remedied.properties)
    assert (inputs["name"], inputs["tags"]["Owner"]) == (hidden, hidden)
    whole = {SPECIAL_SIG_KEY: SPECIAL_SECRET_SIG, "value": {"Owner": "hidden"}}
    [remedied] = pack.Remediate(request(repository(tags=whole)), None).remediations
    tags = json_format.MessageToDict(remedied.properties)["tags"]
    assert tags[SPECIAL_SIG_KEY] == SPECIAL_SECRET_SIG
    assert sorted(tags["value"]) == ["Environment", "ManagedBy", "Name", "Owner"]


@pytest.fixture(scope="module")
def served() -> Iterator[Any]:
    """The pack's own process, as the engine starts it."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PULUMI_")}
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "pulumi.policy", "127.0.0.1:1", "."],
        cwd=PACK,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        try:
            assert process.stdout is not None
            port = int(process.stdout.readline())
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                yield analyzer_pb2_grpc.AnalyzerStub(channel)
        finally:
            process.kill()


def test_the_process_says_what_it_has(served: Any) -> None:
    info = served.GetAnalyzerInfo(empty_pb2.Empty(), timeout=20)
    assert info.name == "ecr-guardrails"
    assert [each.name for each in info.policies] == [policy.name for policy in POLICIES]
    immutable = next(each for each in info.policies if each.name == "image-tags-in-production-are-immutable")
    assert "[Security Hub ECR.2]" in immutable.description
    assert immutable.framework.specification == "ECR.2"
    assert "productionTag" in json_format.MessageToDict(immutable.configSchema)["properties"]


def test_the_process_keeps_what_is_disabled_without_a_reason(served: Any) -> None:
    name = "repositories-are-encrypted-with-a-customer-key"
    weak = repository(encryptionConfigurations=None)
    try:
        for reason, expected in (("", [(name, proto.MANDATORY)]), ("Public images", [])):
            config = proto.PolicyConfig(enforcementLevel=proto.DISABLED, properties=struct({"reason": reason}))
            served.Configure(proto.ConfigureAnalyzerRequest(policyConfig={name: config}), timeout=20)
            assert said(served.Analyze(request(weak), timeout=20)) == expected
    finally:
        served.Configure(proto.ConfigureAnalyzerRequest(), timeout=20)


def test_the_process_answers(served: Any) -> None:
    weak = repository(encryptionConfigurations=[{"encryptionType": "AES256"}])
    response = served.Analyze(request(weak), timeout=20)
    assert said(response) == [("repositories-are-encrypted-with-a-customer-key", proto.MANDATORY)]
    strong = repository(encryptionConfigurations=[{"encryptionType": "KMS", "kmsKey": KEY_ARN}])
    assert said(served.Analyze(request(strong), timeout=20)) == []
