"""The embedded AWS: an account that lives in this process, and refuses what AWS refuses.

A request goes through three gates before it changes anything: the API model (`shapes`), the rules that AWS
documents (`rules`), then moto (`base`) or, where moto is wrong, what stands in for it (`gaps`).
"""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any, ClassVar, Self

from ecr_stack.embedded_aws import api_model, images, moto_backend
from ecr_stack.embedded_aws.assumed import AssumedResources
from ecr_stack.embedded_aws.http import Endpoint
from ecr_stack.embedded_aws.moto_overrides import OVERRIDES
from ecr_stack.embedded_aws.request import Request, State
from ecr_stack.embedded_aws.request_validation import check_request
from ecr_stack.embedded_aws.rules import RULES
from ecr_stack.errors import Unavailable

__all__ = ["EmbeddedAws"]


class EmbeddedAws:
    """An AWS account with ECR, KMS, IAM and STS, empty at first.

        with EmbeddedAws(account="123456789012", region="us-east-1") as aws:
            aws.call("ecr", "CreateRepository", {"repositoryName": "api-gateway"})

    It needs no credentials and no network, and patches nothing in the process. Threads may share it. Of one account
    there is one at a time in a process.
    """

    _running: ClassVar[set[str]] = set()
    _start_lock: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self, account: str = "123456789012", region: str = "us-east-1") -> None:
        api_model.check_region(region)
        self.account = account
        self.region = region
        self.calls: Counter[str] = Counter()
        """How often each operation was called, e.g. `ecr:CreateRepository`."""
        self._state = State()
        self._lock = threading.RLock()
        self._endpoint: Endpoint | None = None
        self._environment: str | None = None
        self._supposed = AssumedResources(account)
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
            self._running.add(self.account)
        moto_backend.forget(self.account)
        moto_backend.prepare(self.account)
        self._state = State()
        self._supposed = AssumedResources(self.account)
        self.calls.clear()
        return self

    def stop(self) -> None:
        """Forget everything, and take the HTTP endpoint down. Stopping twice is harmless."""
        with self._start_lock:
            if self.account not in self._running:
                return
            self._running.discard(self.account)
            if self._environment is not None:
                os.environ["MOTO_ACCOUNT_ID"] = self._environment
                self._environment = None
        if self._endpoint is not None:
            self._endpoint.close()
            self._endpoint = None
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

    def call(
        self, service: str, operation: str, parameters: Mapping[str, Any] | None = None, region: str | None = None
    ) -> dict[str, Any]:
        """Call an API operation.

        Args:
            service: `ecr`, `kms`, `iam` or `sts`.
            operation: the operation's name in the API, e.g. `CreateRepository`.
            parameters: as for boto3.
            region: where, unless in the region of this embedded AWS.

        Returns:
            What boto3 returns, without `ResponseMetadata`. IAM's policy documents stay as IAM gives them: texts,
            URL-encoded (RFC 3986).

        Raises:
            botocore.exceptions.ClientError: AWS refuses; code and message are those of the operation.
            botocore.exceptions.ParamValidationError: the request has not the operation's form.
            botocore.exceptions.EndpointConnectionError: there is no such region.
            Unavailable: the service or the operation is not embedded, or does not exist.
        """
        here = region or self.region
        api_model.check_region(here)
        described = api_model.operation(service, operation)
        asked = dict(parameters or {})
        key = f"{service}:{operation}"
        with self._lock:
            if self.account not in self._running:
                raise Unavailable("the embedded AWS has not been started")
            if self._counting:
                self.calls[key] += 1
            check_request(described, asked)
            request = Request(described, asked, self.account, here, self._state)
            self._supposed.make_room(request)
            for rule in RULES.get(key, ()):
                rule(request)
            gap = OVERRIDES.get(key)
            return gap.answer(request) if gap else request.forward()

    def seed_images(
        self, repository: str, image_details: Iterable[Mapping[str, Any]], region: str | None = None
    ) -> None:
        """Put images into a repository, described as `DescribeImages` describes them; see `images.seed`."""
        with self._lock:
            images.seed(self.account, region or self.region, repository, image_details)

    def suppose(self, arn: str) -> bool:
        """Let a role, user or key exist that is made elsewhere; see `supposed.AssumedResources.suppose`.

        Returns:
            Whether it did not exist before: it is an assumption now.
        """
        with self._lock:
            return self._supposed.suppose(arn)

    @contextmanager
    def uncounted(self) -> Iterator[None]:
        """Leave calls out of `calls`: those that nobody would make, such as making what is supposed to exist."""
        with self._lock:
            before, self._counting = self._counting, False
            try:
                yield
            finally:
                self._counting = before

    def serve(self) -> str:
        """Give the URL of an HTTP endpoint on the loopback interface that answers from the same state.

        It is for other processes: `AWS_ENDPOINT_URL` is the URL, the credentials are any, the region is that of the
        request's signature. It stays up until `stop`.
        """
        with self._lock:
            if self._endpoint is None:
                self._endpoint = Endpoint(self.call)
            return self._endpoint.url
