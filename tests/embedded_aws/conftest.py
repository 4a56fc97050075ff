from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ecr_stack.embedded_aws import EmbeddedAws

ACCOUNT = "111122223333"
UNTAGGED = json.dumps(
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

InvalidArguments = Callable[..., tuple[str, str]]


@pytest.fixture
def aws() -> Iterator[EmbeddedAws]:
    with EmbeddedAws(account=ACCOUNT, region="eu-west-1") as embedded:
        yield embedded


@pytest.fixture
def refused(aws: EmbeddedAws) -> InvalidArguments:
    """Make a call that must be refused, and give the code and the message of the refusal."""

    def call(service: str, operation: str, parameters: dict[str, Any], region: str | None = None) -> tuple[str, str]:
        with pytest.raises(ClientError) as error:
            aws.call(service, operation, parameters, region)
        answer = error.value.response["Error"]
        return answer["Code"], answer["Message"]

    return call


@pytest.fixture
def repository(aws: EmbeddedAws) -> str:
    aws.call("ecr", "CreateRepository", {"repositoryName": "api-gateway"})
    return "api-gateway"


@pytest.fixture
def key(aws: EmbeddedAws) -> dict[str, Any]:
    found: dict[str, Any] = aws.call("kms", "CreateKey", {})["KeyMetadata"]
    return found
