"""One registry of ECR, bound to an account and a Region: every request names the account that answered at the start."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from ecr_stack.errors import InvalidInput, Problem, Unavailable
from ecr_stack.operations.ecr import answered
from ecr_stack.operations.sessions import ProviderSettings, client, session

__all__ = ["BATCH", "LiveRegistry", "batches", "connect", "in_order"]

BATCH = 100
"""How many images one request of ECR may name (`ImageIdentifierList` in the API model)."""
_AT_ONCE = 8
T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class LiveRegistry:
    """A registry that can be asked."""

    account: str
    """Twelve digits: the account of the credentials."""
    region: str
    session: Any
    settings: ProviderSettings = field(repr=False)
    ecr: Any
    """A client of ECR that waits and tries again when ECR is busy. Threads may share it."""

    @property
    def host(self) -> str:
        """What the registry is called in image references."""
        from ecr_stack.aws.names import partition_of

        suffix = "amazonaws.com.cn" if partition_of(self.region) == "aws-cn" else "amazonaws.com"
        return f"{self.account}.dkr.ecr.{self.region}.{suffix}"

    def client(self, service: str, region: str | None = None) -> Any:
        """A client of another service with the same credentials; `region` if it is not the registry's."""
        with answered():
            return client(self.session, service, self.settings, region or self.region)

    def elsewhere(self, region: str, account: str | None = None) -> LiveRegistry:
        """Another registry, asked with the same credentials."""
        return replace(self, account=account or self.account, region=region, ecr=self.client("ecr", region))

    def ask(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Call an operation on this registry; `operation` as boto3 names it.

        Raises:
            NotFound: no such repository or policy.
            Unavailable: ECR rejects the request, or does not respond.
        """
        with answered():
            answer: dict[str, Any] = getattr(self.ecr, operation)(registryId=self.account, **parameters)
        return answer

    def ask_registry(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Call an operation that is about the registry as a whole and takes no `registryId`."""
        with answered():
            answer: dict[str, Any] = getattr(self.ecr, operation)(**parameters)
        return answer

    def repositories(self) -> Iterator[dict[str, Any]]:
        """Yield every repository, as `DescribeRepositories` gives it, page by page."""
        with answered():
            pages = self.ecr.get_paginator("describe_repositories").paginate(
                registryId=self.account, PaginationConfig={"PageSize": 1000}
            )
            for page in pages:
                yield from page["repositories"]

    def images(self, repository: str) -> Iterator[dict[str, Any]]:
        """Yield every image of a repository, archived ones too, as `DescribeImages` gives it, page by page.

        Raises:
            NotFound: no such repository.
            Unavailable: ECR rejects the request, or does not respond.
        """
        with answered():
            # Without a filter ECR lists active images only.
            pages = self.ecr.get_paginator("describe_images").paginate(
                registryId=self.account,
                repositoryName=repository,
                filter={"imageStatus": "ANY"},
                PaginationConfig={"PageSize": 1000},
            )
            for page in pages:
                yield from page["imageDetails"]

    def image(self, repository: str, image_id: dict[str, str]) -> dict[str, Any] | None:
        """One image, or `None` if there is none; `image_id` is an `imageId` of the API."""
        found = self.some_images(repository, [image_id])
        return found[0] if found else None

    def some_images(self, repository: str, image_ids: Sequence[dict[str, str]]) -> list[dict[str, Any]]:
        """The images that exist of up to `BATCH` named ones."""
        try:
            answer = self.ask("describe_images", repositoryName=repository, imageIds=list(image_ids))
        except Unavailable as error:
            if "ImageNotFoundException" not in str(error):
                raise
            # ECR rejects the whole request if one of the images is gone.
            if len(image_ids) == 1:
                return []
            half = len(image_ids) // 2
            return self.some_images(repository, image_ids[:half]) + self.some_images(repository, image_ids[half:])
        return list(answer["imageDetails"])

    def manifests(self, repository: str, digests: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Fetch manifests by digest: `imageManifest` and `imageManifestMediaType`. What cannot be fetched is left out.

        ECR records it as a pull of each: https://github.com/aws/containers-roadmap/issues/2390
        """
        found: dict[str, dict[str, Any]] = {}
        for batch in batches(digests):
            answer = self.ask(
                "batch_get_image", repositoryName=repository, imageIds=[{"imageDigest": digest} for digest in batch],
                acceptedMediaTypes=MEDIA_TYPES,
            )  # fmt: skip
            found.update({each["imageId"]["imageDigest"]: each for each in answer["images"]})
        return found


# What BatchGetImage may answer with; without the list it converts some manifests, whose digest is another one then.
MEDIA_TYPES = [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.v1+prettyjws",
]


def connect(
    settings: ProviderSettings,
    region: str | None,
    allowed: Sequence[str] = (),
    forbidden: Sequence[str] = (),
    *,
    patient: bool = True,
    timeout: float = 60,
) -> LiveRegistry:
    """Find out whose registry it is, and reject a wrong one.

    Args:
        settings: where credentials come from.
        region: the Region's code. Default: what the AWS configuration says.
        allowed: `aws:allowedAccountIds` of the stack file.
        forbidden: `aws:forbiddenAccountIds` of the stack file.
        patient: whether the client of ECR tries again when AWS is busy; see `sessions.client`.
        timeout: seconds to wait for a connection and for an answer, each.

    Raises:
        Unavailable: there is no Region or no credentials, or AWS does not answer.
        InvalidInput: the credentials are of an account in which the stack is not deployed.
    """
    here = session(settings, region, patient=patient, timeout=timeout)
    if not here.region_name:
        raise Unavailable("no Region is set: add --region or --stack, or set AWS_REGION")
    with answered("AWS STS"):
        sts = client(here, "sts", settings, patient=patient, timeout=timeout)
        account = str(sts.get_caller_identity()["Account"])
    if (allowed and account not in allowed) or account in forbidden:
        rule = "the stack file does not allow this account"
        remedy = f"use credentials for {' or '.join(allowed)}" if allowed else "use credentials for another account"
        raise InvalidInput("the credentials", [Problem("(account)", account, rule, remedy)])
    with answered():
        ecr = client(here, "ecr", settings, patient=patient, timeout=timeout)
    return LiveRegistry(account, here.region_name, here, settings, ecr)


def batches(entries: Iterable[T], size: int = BATCH) -> Iterator[list[T]]:
    """Cut into lists of up to `size`."""
    batch: list[T] = []
    for entry in entries:
        batch.append(entry)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def in_order(work: Callable[[T], R], entries: Iterable[T], at_once: int = _AT_ONCE) -> Iterator[R]:
    """Do work on several entries at once, and yield the results in the entries' order, a few ahead of the reader."""
    pool = ThreadPoolExecutor(at_once)
    window: deque[Future[R]] = deque()
    try:
        for entry in entries:
            window.append(pool.submit(work, entry))
            if len(window) >= at_once:
                yield window.popleft().result()
        while window:
            yield window.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
