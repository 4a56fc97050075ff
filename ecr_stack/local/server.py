"""An AWS account for development, served on ports of the loopback interface until it is closed."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from ecr_stack.aws.lifecycle import parse_time
from ecr_stack.embedded_aws import EmbeddedAws
from ecr_stack.local.oci import DIGEST, application
from ecr_stack.local.snapshot import Snapshot

__all__ = ["LIFECYCLE_PATH", "LocalAws", "local_aws"]

LIFECYCLE_PATH = "/_ecr-stack/lifecycle"
"""Where the endpoint takes `{"at": "2026-11-25T00:00:00Z"}` and runs the lifecycle policies."""

_ENDPOINT = "endpoint"


class LocalAws:
    """The embedded AWS and the ports that it is reached at.

    Each Region has a registry of its own. Its port is opened when the Region is first needed, so that every URI in an
    answer of AWS can be pushed to as it is.
    """

    def __init__(self, account: str, region: str, snapshot: Snapshot | None, layers: Path | None) -> None:
        self.aws = EmbeddedAws(account=account, region=region, registry_host=self.host, layers=layers)
        self.registries: dict[str, str] = {}
        """Region → `host:port` of its registry."""
        self.endpoint = ""
        """The URL of AWS's API."""
        self.is_new = snapshot is None or not snapshot.about
        """Whether the account began empty, not as a folder had it."""
        self._snapshot = snapshot
        self._ports: Mapping[str, int] = snapshot.about.get("ports", {}) if snapshot else {}

    def start(self, port: int) -> None:
        """Take up what was saved, and open the ports.

        Raises:
            Unavailable: a port is taken.
        """
        if self._snapshot is not None:
            self._snapshot.restore(self.aws)
        layers = f"/_ecr-stack/layers/{secrets.token_urlsafe(24)}"
        routes = [
            Route(LIFECYCLE_PATH, self._lifecycle, methods=["POST"]),
            Route("/_ecr-stack", self._describe, methods=["GET"]),
            Route(layers + "/{digest}", self._layer, methods=["GET"]),
        ]
        self.endpoint = self.aws.serve(port or self._ports.get(_ENDPOINT, 0), routes)
        self.aws.serve_layers(self.endpoint + layers)
        for region in sorted({self.aws.region, *self._ports} - {_ENDPOINT}):
            self.host(region)

    def host(self, region: str) -> str:
        """Return `host:port` of the registry of a Region, and see that something listens there."""
        with self.aws.lock:
            if region not in self.registries:
                app = partial(application, self.aws.registry(region), self.aws.access.signer)
                port = self.aws.listen(app, self._ports.get(region, 0))
                # not the address: oras goes without TLS to this name only; for docker and crane it makes no difference
                self.registries[region] = f"localhost:{port}"
            return self.registries[region]

    def description(self) -> dict[str, Any]:
        """Return what clients need to know, with the registries of all Regions that hold anything."""
        for region in self.aws.registry_regions():
            self.host(region)
        return {
            "account": self.aws.account,
            "region": self.aws.region,
            "endpoint": self.endpoint,
            "registries": dict(sorted(self.registries.items())),
        }

    def run_lifecycle(self, at: datetime) -> dict[str, Any]:
        """Run every lifecycle policy of the account as ECR would at an instant, and give what it did."""
        actions = [
            {
                "region": action.region,
                "repository": action.repository,
                "imageDigest": action.digest,
                "imageTags": list(action.tags),
                "outcome": action.outcome,
                "rulePriority": action.rule_priority,
            }
            for action in self.aws.run_lifecycle(at)
        ]
        return {"at": at.isoformat(), "actions": actions}

    def save(self, *, always: bool = True) -> None:
        """Write the account to its folder, if it has one; else than always only after calls, and not too often."""
        if self._snapshot is not None:
            urls = {_ENDPOINT: self.endpoint, **self.registries}
            ports = {name: int(url.rpartition(":")[2]) for name, url in urls.items()}
            if always or self._snapshot.is_due(self.aws):
                self._snapshot.save(self.aws, ports)

    async def _describe(self, _: Request) -> Response:
        return JSONResponse(await run_in_threadpool(self.description))

    async def _lifecycle(self, request: Request) -> Response:
        # a web page of another site cannot send this header
        if request.headers.get("Content-Type") != "application/json":
            return JSONResponse({"message": "the Content-Type must be application/json"}, 415)
        try:
            at = parse_time((await request.json())["at"])
        except (ValueError, KeyError, TypeError):
            at = None
        if at is None:
            return JSONResponse({"message": "`at` must be a time such as 2026-11-25T00:00:00Z"}, 400)
        return JSONResponse(await run_in_threadpool(self.run_lifecycle, at))

    async def _layer(self, request: Request) -> Response:
        digest = request.path_params["digest"]
        file = self.aws.layer_file(digest) if DIGEST.fullmatch(digest) else None
        if file is None or not file.is_file():
            return Response(status_code=404)
        return FileResponse(file, media_type="application/octet-stream")


@contextmanager
def local_aws(account: str, region: str, *, data: Path | None = None, port: int = 0) -> Iterator[LocalAws]:
    """Serve an account, as it was left in a folder if one is given.

    Args:
        account: twelve digits.
        region: the account's own Region.
        data: the folder in which it survives. Default: none, and nothing does.
        port: of AWS's API. Default: the one that it had, or any that is free.

    Raises:
        InvalidInput: the folder holds another account, or is not its user's own.
        Unavailable: a port is taken, or another process uses the folder.
    """
    with ExitStack() as held:
        snapshot = held.enter_context(Snapshot.opened(data, account)) if data is not None else None
        local = LocalAws(account, region, snapshot, data / "layers" if data is not None else None)
        held.enter_context(local.aws)
        local.start(port)
        yield local
        local.save()
