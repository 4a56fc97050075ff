"""Measures the guardrails: `python benchmarks/guardrails.py [REPOSITORIES]`.

Each repository has a lifecycle policy and a repository policy with different documents. All guardrails check all
resources, as at the end of a rehearsal. The limit is 1.5 s for 1,000 repositories on one core.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "policies"))

from guardrails.check import violations
from guardrails.pack import POLICIES

ACCOUNT = "123456789012"
KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555"


def record(kind: str, called: str, /, **inputs: Any) -> dict[str, Any]:
    urn = f"urn:pulumi:prod::shop::{kind}::{called}"
    return {"urn": urn, "type": kind, "name": called, "inputs": inputs, "outputs": inputs, "options": {"protect": True}}


def registry(size: int) -> list[dict[str, Any]]:
    rules = [{"destinations": [{"region": "us-west-2", "registryId": ACCOUNT}]}]
    kind = "aws:ecr/replicationConfiguration:ReplicationConfiguration"
    made = [record(kind, "registry", replicationConfiguration={"rules": rules})]
    for number in range(size):
        name = f"service-{number}"
        selection = {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days"}
        expire = {"selection": {**selection, "countNumber": number + 1}, "action": {"type": "expire"}}
        allow = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:role/{name}"}}
        made += [
            record(
                "aws:ecr/repository:Repository",
                name,
                name=name,
                imageTagMutability="IMMUTABLE",
                encryptionConfigurations=[{"encryptionType": "KMS", "kmsKey": KEY}],
                imageScanningConfiguration={"scanOnPush": True},
                tags={"Name": name, "Environment": "prod", "ManagedBy": "Pulumi"},
            ),
            record(
                "aws:ecr/lifecyclePolicy:LifecyclePolicy",
                name,
                repository=name,
                policy=json.dumps({"rules": [{"rulePriority": 1, **expire}]}),
            ),
            record(
                "aws:ecr/repositoryPolicy:RepositoryPolicy",
                name,
                repository=name,
                policy=json.dumps({"Statement": [{**allow, "Action": ["ecr:BatchGetImage"]}]}),
            ),
        ]
    return made


def main(size: int) -> None:
    resources = registry(size)
    times = []
    for _ in range(5):
        began = time.perf_counter()
        found = violations(resources, stack="prod")
        times.append(time.perf_counter() - began)
        assert not found, found[0]
    print(
        f"{size} repositories, {len(resources)} resources, {len(POLICIES)} policies:"
        f" first {times[0]:.2f} s, median {statistics.median(times):.2f} s,"
        f" {statistics.median(times) / size * 1e6:.0f} µs per repository"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
