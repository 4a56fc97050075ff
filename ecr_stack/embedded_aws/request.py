"""One request to the embedded AWS: what was asked, where, and the ways to answer it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError
from botocore.model import OperationModel

from ecr_stack.aws.names import partition_of
from ecr_stack.embedded_aws import moto_backend
from ecr_stack.embedded_aws.aws_errors import invalid, refusal

__all__ = ["Request", "State"]


@dataclass
class State:
    """What the embedded AWS remembers beside moto, by kind, region and name; see `gaps`."""

    entries: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)

    def of(self, kind: str, region: str) -> dict[str, Any]:
        """Give the entries of a kind in a region: name → entry, in the order of their creation."""
        return self.entries.setdefault((kind, region), {})


@dataclass(frozen=True)
class Request:
    """A request that has passed the API model's checks."""

    model: OperationModel
    parameters: Mapping[str, Any]
    account: str
    region: str
    state: State

    @property
    def service(self) -> str:
        """The service, e.g. `ecr`."""
        return str(self.model.service_model.service_name)

    @property
    def partition(self) -> str:
        """The partition of the region, e.g. `aws`."""
        return partition_of(self.region)

    def get(self, name: str, default: Any = None) -> Any:
        """Give a parameter, or the default where it is not in the request."""
        return self.parameters.get(name, default)

    def refuse(self, code: str, message: str, status: int = 400) -> ClientError:
        """Build AWS's refusal of this request."""
        return refusal(self.model.name, code, message, status)

    def invalid(self, place: str, constraint: str) -> ClientError:
        """Build AWS's refusal of one member of this request."""
        return invalid(self.model, place, self.get(place), constraint)

    def forward(self, changes: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Let moto answer, with some parameters changed (`None` takes one out)."""
        parameters = {**self.parameters, **(changes or {})}
        asked = {name: value for name, value in parameters.items() if value is not None}
        return moto_backend.answer(self.model, asked, self.account, self.region)

    def json_parameter(self, name: str, refused: ClientError) -> Any:
        """Give the JSON document of a text parameter, or raise `refused` where it is none."""
        try:
            return json.loads(self.parameters[name])
        except (ValueError, RecursionError):
            raise refused from None
