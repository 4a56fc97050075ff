"""An account served in this process, and clients of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from registry_client import ACCOUNT, REGION, Client, token_of

from ecr_stack.embedded_aws import EmbeddedAws
from ecr_stack.local.server import LocalAws, local_aws


@pytest.fixture
def local() -> Iterator[LocalAws]:
    with local_aws(ACCOUNT, REGION) as served:
        yield served


@pytest.fixture
def aws(local: LocalAws) -> EmbeddedAws:
    return local.aws


@pytest.fixture
def client(local: LocalAws) -> Client:
    return Client(local.registries[REGION], token_of(local.aws))


@pytest.fixture
def api(aws: EmbeddedAws) -> str:
    aws.call("ecr", "CreateRepository", {"repositoryName": "team/api"})
    return "team/api"
