"""Resources to judge: a production repository as it should be, its key and its policies, and changes to them."""

from __future__ import annotations

import json
from typing import Any

from guardrails.check import violations
from guardrails.pack import POLICIES

ACCOUNT = "123456789012"
KEY_ARN = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555"
Record = dict[str, Any]


def record(kind: str, called: str = "api", /, *, stack: str = "prod", protect: bool = True, **inputs: Any) -> Record:
    """A resource as a rehearsal records it; an input of None is left out."""
    given = {key: value for key, value in inputs.items() if value is not None}
    return {
        "urn": f"urn:pulumi:{stack}::shop::{kind}::{called}",
        "type": kind,
        "name": called,
        "inputs": given,
        "outputs": {"registryId": ACCOUNT} if kind.startswith("aws:ecr/") else {},
        "parent": None,
        "dependencies": [],
        "options": {"protect": protect},
    }


def repository(called: str = "api", /, *, environment: str | None = "prod", **changes: Any) -> Record:
    tags = {"Name": called, "ManagedBy": "Pulumi"} | ({"Environment": environment} if environment else {})
    inputs: dict[str, Any] = {
        "name": called,
        "imageTagMutability": "IMMUTABLE",
        "encryptionConfigurations": [{"encryptionType": "KMS", "kmsKey": KEY_ARN}],
        "imageScanningConfiguration": {"scanOnPush": True},
        "tags": tags,
    }
    return record("aws:ecr/repository:Repository", called, **(inputs | changes))


UNTAGGED = {
    "rulePriority": 1,
    "selection": {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 1},
    "action": {"type": "expire"},
}


def lifecycle(*rules: Record, name: str = "api", **changes: Any) -> Record:
    inputs = {"repository": name, "policy": json.dumps({"rules": list(rules or [UNTAGGED])})}
    return record("aws:ecr/lifecyclePolicy:LifecyclePolicy", name, **(inputs | changes))


def replication(*filters: str, region: str = "us-west-2", **changes: Any) -> Record:
    rule: dict[str, Any] = {"destinations": [{"region": region, "registryId": ACCOUNT}]}
    if filters:
        rule["repositoryFilters"] = [{"filter": each, "filterType": "PREFIX_MATCH"} for each in filters]
    kind = "aws:ecr/replicationConfiguration:ReplicationConfiguration"
    return record(kind, "registry", **({"replicationConfiguration": {"rules": [rule]}} | changes))


def scanning(wild: str, frequency: str = "SCAN_ON_PUSH", kind: str = "BASIC", **changes: Any) -> Record:
    rules = [{"scanFrequency": frequency, "repositoryFilters": [{"filter": wild, "filterType": "WILDCARD"}]}]
    inputs = {"scanType": kind, "rules": rules}
    name = "aws:ecr/registryScanningConfiguration:RegistryScanningConfiguration"
    return record(name, "registry", **(inputs | changes))


def key(policy: Any = None, **changes: Any) -> Record:
    inputs = {
        "enableKeyRotation": True,
        "deletionWindowInDays": 30,
        "policy": policy if policy is None or isinstance(policy, str) else json.dumps(policy),
        "tags": {"Name": "images", "Environment": "prod", "ManagedBy": "Pulumi"},
    }
    made = record("aws:kms/key:Key", "images", **(inputs | changes))
    made["outputs"] = {"arn": KEY_ARN}
    return made


def statement(principal: Any = None, actions: Any = "ecr:BatchGetImage", **elements: Any) -> Record:
    written = {"Effect": "Allow", "Principal": principal, "Action": actions} | elements
    return {name: value for name, value in written.items() if value is not None}


def document(*statements: Record) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def repository_policy(*statements: Record, **changes: Any) -> Record:
    inputs = {"repository": "api", "policy": document(*statements)}
    return record("aws:ecr/repositoryPolicy:RepositoryPolicy", **(inputs | changes))


def role(*statements: Record, **changes: Any) -> Record:
    return record("aws:iam/role:Role", "pipeline", **({"assumeRolePolicy": document(*statements)} | changes))


def sound() -> list[Record]:
    """A production stack with nothing to say about."""
    return [repository(), lifecycle(), replication(), key()]


def messages(
    policy: str,
    *resources: Record,
    config: dict[str, Any] | None = None,
    level: str | None = None,
    stack_config: dict[str, Any] | None = None,
) -> list[str]:
    """What a policy says, its parameters given."""
    assert policy in {each.name for each in POLICIES}
    given: dict[str, Any] = {policy: {"enforcementLevel": level or "mandatory", **(config or {})}}
    found = violations(list(resources), stack="prod", config=given, stack_config=stack_config)
    return [each["message"] for each in found if each["policy"] == policy]


def names(*resources: Record, stack: str = "prod") -> set[str]:
    """The policies that object."""
    return {each["policy"] for each in violations(list(resources), stack=stack)}
