from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ecr_stack.embedded_aws import EmbeddedAws
from ecr_stack.embedded_provider import Provider

Make = Callable[..., tuple[str, dict[str, Any]]]


@pytest.fixture
def aws() -> Iterator[EmbeddedAws]:
    with EmbeddedAws(account="111122223333", region="eu-west-1") as embedded:
        yield embedded


@pytest.fixture
def provider(aws: EmbeddedAws) -> Provider:
    return Provider(aws)


@pytest.fixture
def make(provider: Provider) -> Make:
    """Check and create a resource, as the engine does."""

    def create(type_: str, name: str, /, **inputs: Any) -> tuple[str, dict[str, Any]]:
        return provider.create(type_, name, provider.check(type_, inputs, name))

    return create
