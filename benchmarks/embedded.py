"""Measures the time per repository in the embedded AWS: `python benchmarks/embedded.py [REPOSITORIES]`.

Each repository has a lifecycle policy and a repository policy: three creations and four reads, first as plain API calls,
then through the provider. The time per repository must stay constant as the registry grows.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable

from ecr_stack.embedded_aws import EmbeddedAws
from ecr_stack.embedded_provider import Provider

LIFECYCLE = json.dumps(
    {
        "rules": [
            {
                "rulePriority": 1,
                "selection": {
                    "tagStatus": "untagged",
                    "countType": "sinceImagePushed",
                    "countUnit": "days",
                    "countNumber": 1,
                },
                "action": {"type": "expire"},
            }
        ]
    }
)
ACTIONS = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability"]
TAGS = {"Team": "platform", "Stage": "prod"}


def policy(account: str) -> str:
    principal = {"AWS": f"arn:aws:iam::{account}:root"}
    statement = {"Effect": "Allow", "Principal": principal, "Action": ACTIONS}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def by_calls(aws: EmbeddedAws, name: str, key: str) -> None:
    named = {"repositoryName": name}
    encryption = {"encryptionType": "KMS", "kmsKey": key}
    tags = [{"Key": tag, "Value": value} for tag, value in TAGS.items()]
    aws.call("ecr", "CreateRepository", {**named, "encryptionConfiguration": encryption, "tags": tags})
    arn = aws.call("ecr", "DescribeRepositories", {"repositoryNames": [name]})["repositories"][0]["repositoryArn"]
    aws.call("ecr", "ListTagsForResource", {"resourceArn": arn})
    aws.call("ecr", "PutLifecyclePolicy", {**named, "lifecyclePolicyText": LIFECYCLE})
    aws.call("ecr", "GetLifecyclePolicy", named)
    aws.call("ecr", "SetRepositoryPolicy", {**named, "policyText": policy(aws.account)})
    aws.call("ecr", "GetRepositoryPolicy", named)


def by_provider(aws: EmbeddedAws, name: str, key: str) -> None:
    provider = Provider(aws)
    encryption = [{"encryptionType": "KMS", "kmsKey": key}]
    for type_, inputs in (
        ("aws:ecr/repository:Repository", {"name": name, "encryptionConfigurations": encryption, "tags": TAGS}),
        ("aws:ecr/lifecyclePolicy:LifecyclePolicy", {"repository": name, "policy": LIFECYCLE}),
        ("aws:ecr/repositoryPolicy:RepositoryPolicy", {"repository": name, "policy": policy(aws.account)}),
    ):
        provider.create(type_, name, provider.check(type_, inputs, name))


def measure(title: str, make: Callable[[EmbeddedAws, str, str], None], repositories: int) -> None:
    with EmbeddedAws() as aws:
        key = aws.call("kms", "CreateKey")["KeyMetadata"]["Arn"]
        make(aws, "warm-up", key)
        tenth = max(1, repositories // 10)
        spent = []
        for start in range(0, repositories, tenth):
            began = time.perf_counter()
            for number in range(start, start + tenth):
                make(aws, f"service-{number}", key)
            spent.append((time.perf_counter() - began) * 1000 / tenth)
        mean = sum(spent) / len(spent)
        print(f"{title}: {mean:.2f} ms per repository (first tenth {spent[0]:.2f}, last tenth {spent[-1]:.2f})")


def main() -> None:
    repositories = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    measure("API calls", by_calls, repositories)
    measure("provider", by_provider, repositories)


if __name__ == "__main__":
    main()
