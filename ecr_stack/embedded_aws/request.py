"""One request to the embedded AWS: what was asked, where, and the ways to answer it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from botocore.model import OperationModel

from ecr_stack.aws.names import partition_of
from ecr_stack.embedded_aws import moto_backend
from ecr_stack.embedded_aws.aws_errors import invalid, refusal
from ecr_stack.embedded_aws.image_store import ImageStore, LayerFiles, RepositoryContents

if TYPE_CHECKING:
    from moto.ecr.models import Repository

__all__ = ["Request", "State"]


@dataclass
class State:
    """What the embedded AWS remembers of one account apart from moto; see `moto_overrides`."""

    account: str = ""
    accounts: Mapping[str, State] = field(default_factory=dict)
    """Every account that is embedded in this process, by its id."""
    entries: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    stores: dict[str, ImageStore] = field(default_factory=dict)
    layers: LayerFiles = field(default_factory=LayerFiles)
    clock_offset: timedelta = timedelta()
    """How far the clock of the account is ahead of the machine's."""
    upstreams: dict[str, str] = field(default_factory=dict)
    """The URL of an upstream registry, e.g. `quay.io` → the URL that is asked in its place."""
    layer_url: str | None = None
    """The URL under which layers can be downloaded by digest, if something serves them."""

    def of(self, kind: str, region: str) -> dict[str, Any]:
        """Return the entries of a kind in a Region: name → entry, in the order of their creation."""
        return self.entries.setdefault((kind, region), {})

    def images(self, region: str) -> ImageStore:
        """Return the images of the account's registry in a Region."""
        return self.stores.setdefault(region, ImageStore())

    def contents(self, region: str, repository: str) -> RepositoryContents:
        """Return what is in a repository; nothing is in one that does not exist."""
        return self.images(region).repository(repository)

    def now(self) -> datetime:
        """Tell the time in this account."""
        return datetime.now(UTC) + self.clock_offset


@dataclass(frozen=True)
class Request:
    """A request that has passed the API model's checks."""

    model: OperationModel
    parameters: Mapping[str, Any]
    account: str
    region: str
    state: State
    caller: str = ""
    """The ARN of the user or role that asks."""
    access_key: str = "EMBEDDED"

    @property
    def service(self) -> str:
        """The service, e.g. `ecr`."""
        return str(self.model.service_model.service_name)

    @property
    def partition(self) -> str:
        """The partition of the Region, e.g. `aws`."""
        return partition_of(self.region)

    @property
    def repository(self) -> Repository:
        """The repository that is named by `repositoryName`.

        Raises:
            botocore.exceptions.ClientError: there is no such repository.
        """
        name = self.get("repositoryName")
        repository = moto_backend.ecr_state(self.account, self.region).repositories.get(name)
        if repository is None:
            raise self.refuse(
                "RepositoryNotFoundException",
                f"The repository with name '{name}' does not exist in the registry with id '{self.account}'",
            )
        return repository

    @property
    def contents(self) -> RepositoryContents:
        """The images of the repository that is named by `repositoryName`, which must exist."""
        return self.state.images(self.region).repository(self.repository.name)

    def get(self, name: str, default: Any = None) -> Any:
        """Return a parameter, or the default if it is not in the request."""
        return self.parameters.get(name, default)

    def refuse(self, code: str, message: str, status: int = 400) -> ClientError:
        """Build AWS's errors of this request."""
        return refusal(self.model.name, code, message, status)

    def invalid(self, place: str, constraint: str) -> ClientError:
        """Build AWS's errors of one member of this request."""
        return invalid(self.model, place, self.get(place), constraint)

    def forward(self, changes: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Let moto answer, with some parameters changed (`None` takes one out)."""
        parameters = {**self.parameters, **(changes or {})}
        asked = {name: value for name, value in parameters.items() if value is not None}
        return moto_backend.answer(self.model, asked, self.account, self.region, self.access_key)

    def json_parameter(self, name: str, refused: ClientError) -> Any:
        """Return the JSON document of a text parameter, or raise `refused` if it is not one."""
        try:
            return json.loads(self.parameters[name])
        except (ValueError, RecursionError):
            raise refused from None
