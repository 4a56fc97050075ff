"""The embedded AWS: an account that lives in this process, and rejects what AWS rejects.

A request goes through three gates before it changes anything: the API model (`request_validation`), the rules that AWS
documents (`rules`), then moto (`moto_backend`) or, where moto is wrong, what answers in its place (`moto_overrides`).
"""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Self

from ecr_stack.aws.names import partition_of
from ecr_stack.embedded_aws import api_model, lifecycle_runs, moto_backend, scanning, seeding
from ecr_stack.embedded_aws.assumed import AssumedResources
from ecr_stack.embedded_aws.image_store import LayerFiles
from ecr_stack.embedded_aws.listener import LOOPBACK, Listener
from ecr_stack.embedded_aws.moto_overrides import COSTS, OVERRIDES
from ecr_stack.embedded_aws.registry import Registry
from ecr_stack.embedded_aws.registry_access import RegistryAccess
from ecr_stack.embedded_aws.request import Request, State
from ecr_stack.embedded_aws.request_validation import check_request
from ecr_stack.embedded_aws.rules import RULES
from ecr_stack.errors import Unavailable

if TYPE_CHECKING:
    from starlette.routing import Route
    from starlette.types import ASGIApp

__all__ = ["EmbeddedAws"]

_CALLER = "ecr-stack"


class EmbeddedAws:
    """An AWS account with ECR, KMS, IAM, STS and what a registry needs beside them, empty at first.

        with EmbeddedAws(account="123456789012", region="us-east-1") as aws:
            aws.call("ecr", "CreateRepository", {"repositoryName": "api-gateway"})

    It needs no credentials and no network, and patches nothing in the process. Threads may share it. A process has each
    account once at a time; its accounts replicate to one another.
    """

    _running: ClassVar[dict[str, State]] = {}
    _start_lock: ClassVar[threading.Lock] = threading.Lock()
    # one for all accounts: a push into one of them may replicate into another one
    _lock: ClassVar[threading.RLock] = threading.RLock()

    def __init__(
        self,
        account: str = "123456789012",
        region: str = "us-east-1",
        layers: Path | None = None,
        registry_host: Callable[[str], str] | None = None,
    ) -> None:
        """Describe an account.

        Args:
            account: its id.
            region: of calls that name none.
            layers: a directory for the bytes of layers. Default: a temporary one.
            registry_host: Region → `host:port` at which the caller serves the Region's registry without TLS; in every
                answer of AWS it takes the place of `ACCOUNT.dkr.ecr.REGION.amazonaws.com`.
        """
        api_model.check_region(region)
        self.account = account
        self.region = region
        self.calls: Counter[str] = Counter()
        """How often each operation was called, e.g. `ecr:CreateRepository`."""
        self._layers = layers
        self._state = State(account)
        self.access = RegistryAccess(account, registry_host)
        self._listener: Listener | None = None
        self._url = ""
        self._environment: str | None = None
        self._assumed = AssumedResources(account)
        self._callers: set[str] = set()
        self._counting = True

    def start(self) -> Self:
        """Begin with an empty account.

        Raises:
            Unavailable: the account is embedded in this process already.
        """
        with self._start_lock:
            if self.account in self._running:
                raise Unavailable(f"the account {self.account} is embedded in this process already")
            if not self._running:
                # it would put every request into another account
                self._environment = os.environ.pop("MOTO_ACCOUNT_ID", None)
            self._state = State(self.account, self._running, layers=LayerFiles(self._layers))
            self._running[self.account] = self._state
        moto_backend.forget(self.account)
        self._assumed = AssumedResources(self.account)
        self._callers = set()
        self.calls.clear()
        return self

    def stop(self) -> None:
        """Forget everything, and take the HTTP endpoint down. Stopping twice is harmless."""
        with self._start_lock:
            if self._running.get(self.account) is not self._state:
                return
            del self._running[self.account]
            if self._environment is not None:
                os.environ["MOTO_ACCOUNT_ID"] = self._environment
                self._environment = None
        if self._listener is not None:
            self._listener.close()
            self._listener, self._url = None, ""
        self._state.layers.close()
        moto_backend.forget(self.account)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def caller_arn(self, region: str | None = None) -> str:
        """Return the ARN of the IAM user whom calls without other credentials come from; it exists in the account."""
        return f"arn:{partition_of(region or self.region)}:iam::{self.account}:user/{_CALLER}"

    def call(
        self,
        service: str,
        operation: str,
        parameters: Mapping[str, Any] | None = None,
        region: str | None = None,
        access_key: str | None = None,
    ) -> dict[str, Any]:
        """Call an API operation.

        Args:
            service: one of `api_model.SERVICES`, e.g. `ecr`.
            operation: the operation's name in the API, e.g. `CreateRepository`.
            parameters: as for boto3.
            region: where. Default: the Region of this embedded AWS.
            access_key: the access key id of the caller, as `sts:AssumeRole` or `iam:CreateAccessKey` gave it. Any other
                one, as none, is that of the user `caller_arn`.

        Returns:
            What boto3 returns, without `ResponseMetadata`. IAM's policy documents stay as IAM gives them: texts,
            URL-encoded (RFC 3986).

        Raises:
            botocore.exceptions.ClientError: AWS rejects the request; code and message are those of the operation.
            botocore.exceptions.ParamValidationError: the request has not the operation's form.
            botocore.exceptions.EndpointConnectionError: there is no such Region.
            Unavailable: the service or the operation is not embedded, or does not exist.
        """
        here = region or self.region
        api_model.check_region(here)
        described = api_model.operation(service, operation)
        asked = dict(parameters or {})
        key = f"{service}:{operation}"
        with self._lock:
            self._check_running()
            if self._counting:
                self.calls[key] += 1
            check_request(described, asked)
            caller = self.caller_arn(here)
            if caller not in self._callers:
                self._callers.add(caller)
                self._assumed.assume(caller)
            request = Request(described, asked, self.account, here, self._state, caller, access_key or "EMBEDDED")
            self._assumed.make_room(request)
            for rule in RULES.get(key, ()):
                rule(request)
            override = OVERRIDES.get(key)
            answer = override.answer(request) if override else request.forward()
            return self.access.in_answer(request, answer)

    def _check_running(self) -> None:
        if self._running.get(self.account) is not self._state:
            raise Unavailable("the embedded AWS has not been started")

    def registry(self, region: str | None = None) -> Registry:
        """Return the registry of a Region as an implementation of the OCI distribution protocol needs it."""
        self._check_running()
        return Registry(self._state, region or self.region, self._lock, self.call)

    def push_image(
        self,
        repository: str,
        *tags: str,
        platforms: Sequence[str] = ("linux/amd64",),
        content: str = "",
        subject: str | None = None,
        region: str | None = None,
    ) -> str:
        """Push a small image, made up here, through the API as a client does: layers, manifests, tags.

        Args:
            repository: must exist, or be made by a template for `CREATE_ON_PUSH`.
            tags: none, one or several.
            platforms: e.g. `linux/arm64`; with several the tags are on an index.
            content: what is in its layer. Other content is another digest. Default: the first tag.
            subject: the digest of the image that this one, an artifact, is about.
            region: where. Default: the Region of this embedded AWS.

        Returns:
            The digest of the image or the index.

        Raises:
            botocore.exceptions.ClientError: AWS rejects the push.
        """
        text = content or (tags[0] if tags else "image")
        return seeding.push(self.registry(region), repository, tags, tuple(platforms), text, subject)

    def seed_images(
        self, repository: str, image_details: Iterable[Mapping[str, Any]], region: str | None = None
    ) -> None:
        """Put images into a repository, described as `DescribeImages` describes them; see `seeding.seed_images`."""
        with self._lock:
            seeding.seed_images(self._state, region or self.region, repository, image_details)

    def seed_findings(
        self,
        repository: str,
        image: str,
        findings: Iterable[Mapping[str, Any]],
        *,
        platform: str | None = None,
        region: str | None = None,
    ) -> None:
        """Set what a scan of an image finds.

        Whether and when the image is scanned is up to the registry's scanning configuration and `StartImageScan`; an
        image that was not scanned is `ScanNotFoundException` as before. The registry's scan type decides in which shape
        the findings come: `findings` (BASIC) or `enhancedFindings` (ENHANCED).

            aws.seed_findings("api", "v1", [
                {"name": "CVE-2026-0001", "severity": "HIGH", "package": "openssl", "version": "3.0.1",
                 "fixedInVersion": "3.0.2"},
            ])

        Args:
            repository: its name.
            image: a tag or a digest (`sha256:…`). With an index: each of its images, or that of `platform`.
            findings: in the short form above (`name`, `severity`, `package`, and if known `version`, `fixedInVersion`,
                `description`, `uri`), which is written in either shape, or as the API has them: an `ImageScanFinding`
                (`name`, `severity`, `attributes`, …) or an `EnhancedImageScanFinding` (`packageVulnerabilityDetails`, …).
            platform: of an index, e.g. `linux/arm64`.
            region: where. Default: the Region of this embedded AWS.

        Raises:
            NotFound: there is no such repository, image or platform.
            InvalidInput: a finding cannot be read.
        """
        with self._lock:
            scanning.seed_findings(self._state, region or self.region, repository, image, findings, platform)

    def script_scan(
        self,
        repository: str,
        image: str,
        states: Iterable[scanning.ScanState],
        *,
        platform: str | None = None,
        region: str | None = None,
    ) -> None:
        """Set which states `DescribeImageScanFindings` goes through, one after the other, whatever the configuration is.

        Each state is answered `reads` times (default: once) or for `seconds` from its first read; the last one stays.
        Pages of findings belong to the state that the first page showed.

            aws.script_scan("api", "v1", [
                {"status": "ScanNotFoundException"},
                {"status": "PENDING", "reads": 2},
                {"status": "IN_PROGRESS", "seconds": 1.5},
                {"status": "COMPLETE", "findings": []},
                {"status": "COMPLETE", "findings": [{"name": "CVE-2026-0001", "severity": "HIGH"}]},
            ])

        `StartImageScan` begins a script whose current state is COMPLETE or FAILED anew.

        Args:
            repository: its name.
            image: a tag or a digest. With an index: each of its images by itself, or that of `platform`.
            states: see `scanning.ScanState`; a state without `findings` shows those of `seed_findings`.
            platform: of an index, e.g. `linux/arm64`.
            region: where. Default: the Region of this embedded AWS.

        Raises:
            NotFound: there is no such repository, image or platform.
            InvalidInput: a status or a finding cannot be read, or there is no state.
        """
        with self._lock:
            scanning.script_scan(self._state, region or self.region, repository, image, states, platform)

    def seed_scans(self, path: Path) -> None:
        """Read findings and scripts from a file; see `seeding.read_scans` for its form.

        Raises:
            InvalidInput: the file cannot be read.
            NotFound: it names a repository, image or platform that does not exist.
        """
        for entry in seeding.read_scans(path):
            common = {"platform": entry.get("platform"), "region": entry.get("region")}
            if "findings" in entry:
                self.seed_findings(entry["repository"], entry["image"], entry["findings"], **common)
            if "states" in entry:
                self.script_scan(entry["repository"], entry["image"], entry["states"], **common)

    def seed_costs(self, results_by_time: Iterable[Mapping[str, Any]]) -> None:
        """Set what Cost Explorer answers: `ResultsByTime` as `GetCostAndUsage` gives them, in the granularity and groups
        that will be asked for. A request gets those whose `TimePeriod` lies in its own; filters are not applied.
        """
        with self._lock:
            costs = self._state.of(COSTS, "global")
            for result in results_by_time:
                costs[str(len(costs))] = dict(result)

    def run_lifecycle(self, at: datetime | None = None) -> list[lifecycle_runs.LifecycleAction]:
        """Apply the lifecycle policies of every Region as ECR would at an instant.

        Args:
            at: the instant. Default: now.

        Returns:
            What was done, by Region, repository and image.
        """
        with self._lock:
            self._check_running()
            instant = at or self._state.now()
            return [
                action
                for region in sorted(self._state.stores)
                for action in lifecycle_runs.run(self._state, region, instant)
            ]

    def advance(self, time: timedelta) -> None:
        """Put the clock of the account forward: archived images come back, scans may be started again."""
        with self._lock:
            self._state.clock_offset += time

    def use_upstream(self, registry_url: str, url: str) -> None:
        """Ask an OCI registry at `url`, e.g. one on loopback, where a pull through cache rule says `registry_url`."""
        with self._lock:
            self._state.upstreams[registry_url.removeprefix("https://").rstrip("/")] = url

    def seed_account_setting(self, name: str, value: str, region: str | None = None) -> None:
        """Let an account have a setting that the API no longer gives: `REGISTRY_POLICY_SCOPE` of an older registry is `V1`."""
        with self._lock:
            self._state.of("account setting", region or self.region)[name] = value

    def suppose(self, arn: str) -> bool:
        """Let a role, user, key or secret exist that is made elsewhere; see `assumed.AssumedResources.assume`.

        Returns:
            Whether it did not exist before: it is an assumption now.
        """
        with self._lock:
            return self._assumed.assume(arn)

    @contextmanager
    def uncounted(self) -> Iterator[None]:
        """Leave calls out of `calls`: those that no one would make, such as making what is assumed to exist."""
        with self._lock:
            before, self._counting = self._counting, False
            try:
                yield
            finally:
                self._counting = before

    def serve(self, port: int = 0, routes: Sequence[Route] = ()) -> str:
        """Return the URL of an HTTP endpoint on the loopback interface that answers from the same state.

        It is for other processes: `AWS_ENDPOINT_URL` is the URL, the credentials are any, the Region is that of the
        request's signature. It stays up until `stop`.

        Args:
            port: where. Default: any that is free.
            routes: what else it answers.

        Raises:
            Unavailable: the port is taken.
        """

        def app() -> ASGIApp:
            from ecr_stack.embedded_aws.http import api

            return api(self.call, routes)

        if not self._url:
            # moto's modules import one another in circles, so two threads must not import them at once
            import_module("moto.core.parse")
            self._url = f"http://{LOOPBACK}:{self.listen(app, port)}"
        return self._url

    def listen(self, app: Callable[[], ASGIApp], port: int = 0) -> int:
        """Serve an application on a port of the loopback interface (default: any that is free), and give the port.

        Args:
            app: makes the application, once someone connects.
            port: where.

        Raises:
            Unavailable: the port is taken.
        """
        with self._lock:
            self._check_running()
            if self._listener is None:
                self._listener = Listener()
            return self._listener.listen(app, port)

    def dump(self) -> bytes:
        """Return everything that the account remembers, as bytes; layers are files of their own."""
        with self._lock:
            self._check_running()
            from ecr_stack.embedded_aws import persistence

            return persistence.dump(self._state)

    def load(self, written: bytes) -> None:
        """Go on from where `dump` was called. The bytes must be trusted: they are a pickle."""
        with self._lock:
            self._check_running()
            from ecr_stack.embedded_aws import persistence

            persistence.load(self._state, written)

    @property
    def lock(self) -> AbstractContextManager[Any]:
        """What is held during each call: hold it to do several things as one. A thread may hold it twice."""
        return self._lock

    def registry_regions(self) -> list[str]:
        """Return the Regions whose registry holds or has held something."""
        with self._lock:
            kept = {region for (_, region), entries in self._state.entries.items() if entries and region != "global"}
            return sorted(kept | set(self._state.stores) | set(moto_backend.held(self.account).get("ecr", {})))

    def serve_layers(self, url: str) -> None:
        """Say under which URL the caller serves layers by digest, for `GetDownloadUrlForLayer`."""
        self._state.layer_url = url

    def layer_file(self, digest: str) -> Path:
        """Return the file of a layer of any repository, whether it exists or not."""
        return self._state.layers.path(digest)
