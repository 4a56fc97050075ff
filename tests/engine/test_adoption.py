"""A registry that `ecr-stack init --from-account` wrote down is adopted by the real engine, and nothing is replaced."""

from __future__ import annotations

import json
from typing import Any

from pulumi_engine import Engine

from ecr_stack.operations.adoption import read_registry, stack_file_of
from ecr_stack.operations.live_registry import LiveRegistry
from ecr_stack.operations.sessions import ProviderSettings, client, session

ROLE = "arn:aws:iam::123456789012:role/nodes"
LIFECYCLE = {
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
PULL = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Sid": "Nodes", "Effect": "Allow", "Principal": {"AWS": ROLE}, "Action": PULL}],
}


def by_hand(engine: Engine) -> None:
    aws = engine.aws
    aws.suppose(ROLE)
    key = aws.call("kms", "CreateKey")["KeyMetadata"]["Arn"]
    for name, more in {
        "team/api": {
            "imageTagMutability": "IMMUTABLE",
            "encryptionConfiguration": {"encryptionType": "KMS", "kmsKey": key},
            "tags": [{"Key": "Team", "Value": "api"}],
        },
        "plain": {"imageScanningConfiguration": {"scanOnPush": True}},
    }.items():
        aws.call("ecr", "CreateRepository", {"repositoryName": name, **more})
        aws.push_image(name, "v1")
    aws.call("ecr", "PutLifecyclePolicy", {"repositoryName": "plain", "lifecyclePolicyText": json.dumps(LIFECYCLE)})
    aws.call("ecr", "SetRepositoryPolicy", {"repositoryName": "team/api", "policyText": json.dumps(POLICY)})


def written_down(engine: Engine) -> dict[str, Any]:
    settings = ProviderSettings(access_key="any", secret_key="any", endpoints={"ecr": engine.aws.serve()})
    here = session(settings, "us-east-1")
    registry = LiveRegistry("123456789012", "us-east-1", here, settings, client(here, "ecr", settings))
    return stack_file_of(read_registry(registry), "live").config


def test_a_registry_that_was_written_down_is_imported_and_loses_nothing(engine: Engine) -> None:
    by_hand(engine)
    engine.stack("live", written_down(engine))
    changes = engine.changes()
    repositories = {name: what for name, what in changes.items() if name.startswith("aws:ecr/repository:Repository")}
    assert len(repositories) == 2
    assert set(repositories.values()) == {"import"}
    assert set(changes.values()) <= {"import", "create"}
    engine.up()

    config = written_down(engine)
    del config["ecr-stack:repositoryDefaults"]["import"]
    engine.configure("live", config)
    assert set(engine.changes().values()) <= {"update"}
    engine.up()
    engine.up("--expect-no-changes")
    for name in ("team/api", "plain"):
        assert len(engine.aws.call("ecr", "DescribeImages", {"repositoryName": name})["imageDetails"]) == 1
    assert engine.repository("team/api")["imageTagMutability"] == "IMMUTABLE"
    policy = engine.aws.call("ecr", "GetRepositoryPolicy", {"repositoryName": "team/api"})["policyText"]
    assert json.loads(policy)["Statement"][0]["Action"] == PULL
