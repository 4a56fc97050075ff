"""The facts about a live registry for `doctor`, read once. If something cannot be read, it is an `Unknown` with the
reason.

Pulls and changes nothing. Needs `ecr:DescribeRepositories`, `ecr:DescribeImages`, `ecr:GetLifecyclePolicy`,
`ecr:GetRepositoryPolicy`, `ecr:ListTagsForResource`, `ecr:DescribeRegistry`, `ecr:GetRegistryScanningConfiguration`,
`ecr:DescribeImageScanFindings`, `ecr:DescribeImageReplicationStatus`, `ecr:GetSigningConfiguration`,
`ecr:DescribeImageSigningStatus`, `kms:DescribeKey`, `kms:GetKeyRotationStatus`,
`ce:ListCostAllocationTags`. Without a permission, the checks that need it are unknown.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from ecr_stack.aws.lifecycle import Image, evaluate
from ecr_stack.errors import EcrStackError, NotFound
from ecr_stack.operations.ecr import answered
from ecr_stack.operations.images.catalogue import CataloguedImage, Manifest
from ecr_stack.operations.images.reading import read_repository
from ecr_stack.operations.live_registry import LiveRegistry, in_order
from ecr_stack.operations.scanning.findings import ScanResult, read_result
from ecr_stack.schema.checks import destination_regions
from ecr_stack.schema.registry import RegistrySettings
from ecr_stack.schema.signing import rules_of, selects

__all__ = ["ImageFacts", "RegistryFacts", "Replica", "RepositoryFacts", "Unknown", "read_facts"]

T = TypeVar("T")

SETTLED = timedelta(minutes=30)
"""AWS: most images replicate in less than 30 minutes, rare ones take longer.
https://docs.aws.amazon.com/AmazonECR/latest/userguide/replication.html"""


@dataclass(frozen=True)
class Unknown:
    """Something that could not be read."""

    reason: str


@dataclass(frozen=True)
class Replica:
    """A repository's replica in one destination."""

    region: str
    account: str
    different: tuple[str, ...] = ()
    """Tags that refer to another image there."""
    missing: tuple[str, ...] = ()
    """Tags that are missing there."""
    status: str | None = None
    """ECR's status of the newest image that should have arrived."""


@dataclass(frozen=True)
class ImageFacts:
    """Facts about a repository's images."""

    count: int
    bytes: int
    unselected: tuple[str, ...] = ()
    """Images that no current lifecycle rule selects, by tag or digest."""
    unselected_bytes: int = 0
    strange_tags: tuple[str, ...] = ()
    """Tags that match no declared scheme."""
    moving_only: tuple[str, ...] = ()
    """Images pulled within a week that have only moving tags."""
    moving_and_others: tuple[str, ...] = ()
    """Images pulled within a week that have moving tags and others."""
    newest: str | None = None
    """The tag or digest of the last pushed image."""
    scan: ScanResult | Unknown | None = None
    """The scan of the newest image; `None` if there is none."""
    replicas: tuple[Replica | Unknown, ...] = ()
    signatures: tuple[dict[str, Any], ...] | Unknown = ()
    """ECR's signing of the newest image, as `DescribeImageSigningStatus` gives it; empty if no rule of the stack selects it."""


@dataclass(frozen=True)
class RepositoryFacts:
    """One live repository."""

    name: str
    key: str | None
    """Its key in the stack file; `None` if the stack does not manage it."""
    described: dict[str, Any]
    tags: dict[str, str] | Unknown = field(default_factory=dict)
    lifecycle: dict[str, Any] | Unknown | None = None
    policy: dict[str, Any] | Unknown | None = None
    images: ImageFacts | Unknown | None = None


@dataclass(frozen=True)
class RegistryFacts:
    """A live registry and its stack."""

    settings: RegistrySettings
    account: str
    region: str
    at: datetime
    repositories: dict[str, RepositoryFacts]
    """The stack's existing repositories, and undeclared ones, by name in ECR."""
    missing: tuple[str, ...]
    replication: list[dict[str, Any]] | Unknown
    scanning: dict[str, Any] | Unknown
    signing: list[dict[str, Any]] | Unknown
    """The rules of the signing configuration; none if there is no configuration."""
    keys: dict[str, dict[str, Any] | Unknown]
    """By ARN: `Enabled`, `KeyManager`, `rotates`."""
    cost_tags: set[str] | Unknown
    """The tag keys that are active in Cost Explorer."""

    @property
    def managed(self) -> list[RepositoryFacts]:
        """The repositories of the stack."""
        return [each for each in self.repositories.values() if each.key is not None]


def attempt(read: Callable[[], T]) -> T | Unknown:
    """Read something, or return the reason why it is unknown.

    Raises:
        NotFound: its owner no longer exists.
    """
    try:
        return read()
    except NotFound:
        raise
    except EcrStackError as error:
        return Unknown(str(error).splitlines()[0])


def read_facts(
    registry: LiveRegistry,
    settings: RegistrySettings,
    at: datetime,
    progress: Callable[[str, int], None] = lambda _repository, _images: None,
) -> RegistryFacts:
    """Read everything that the checks need.

    Raises:
        Unavailable: the repositories cannot be listed.
    """
    described = {each["repositoryName"]: each for each in registry.repositories()}
    keys = dict(zip(settings.physical_names(), settings.repositories, strict=True))

    def read(name: str) -> RepositoryFacts | None:
        try:
            return _repository(registry, settings, described[name], keys.get(name), at)
        except NotFound:
            return None  # it was deleted in the meantime
        finally:
            progress(name, -1)

    repositories = {each.name: each for each in in_order(read, sorted(described)) if each is not None}
    encryptions = [each.described.get("encryptionConfiguration") or {} for each in repositories.values() if each.key]
    arns = {str(each["kmsKey"]) for each in encryptions if each.get("kmsKey")}
    return RegistryFacts(
        settings, registry.account, registry.region, at, repositories,
        tuple(name for name in keys if name not in repositories),
        attempt(lambda: registry.ask_registry("describe_registry")["replicationConfiguration"]["rules"]),
        attempt(lambda: registry.ask_registry("get_registry_scanning_configuration")["scanningConfiguration"]),
        attempt(lambda: _signing(registry)),
        {arn: attempt(lambda arn=arn: _key(registry, arn)) for arn in sorted(arns)},  # type: ignore[misc]
        attempt(lambda: _cost_tags(registry)),
    )  # fmt: skip


def _signing(registry: LiveRegistry) -> list[dict[str, Any]]:
    try:
        rules: list[dict[str, Any]] = registry.ask_registry("get_signing_configuration")["signingConfiguration"][
            "rules"
        ]
    except EcrStackError as error:
        if "SigningConfigurationNotFoundException" not in str(error):
            raise
        return []
    return rules


def _repository(
    registry: LiveRegistry, settings: RegistrySettings, described: dict[str, Any], key: str | None, at: datetime
) -> RepositoryFacts:
    """Read one repository.

    Raises:
        NotFound: it no longer exists.
    """
    name = described["repositoryName"]

    def tags() -> dict[str, str]:
        answer = registry.ask_registry("list_tags_for_resource", resourceArn=described["repositoryArn"])
        return {each["Key"]: each.get("Value", "") for each in answer.get("tags", ())}

    if key is None:
        return RepositoryFacts(name, None, described, attempt(tags))
    lifecycle = attempt(lambda: _document(registry, "get_lifecycle_policy", name, "lifecyclePolicyText"))
    policy = attempt(lambda: _document(registry, "get_repository_policy", name, "policyText"))
    images = attempt(lambda: _images(registry, settings, name, key, lifecycle, at))
    return RepositoryFacts(name, key, described, attempt(tags), lifecycle, policy, images)


def _document(registry: LiveRegistry, operation: str, name: str, field_name: str) -> dict[str, Any] | None:
    try:
        text = registry.ask(operation, repositoryName=name)[field_name]
    except NotFound:
        return None
    except EcrStackError as error:
        if "RepositoryPolicyNotFoundException" in str(error):
            return None
        raise
    found: dict[str, Any] = json.loads(text)
    return found


def _key(registry: LiveRegistry, arn: str) -> dict[str, Any]:
    kms = registry.client("kms")
    with answered("AWS KMS"):
        told = dict(kms.describe_key(KeyId=arn)["KeyMetadata"])
        # AWS's own keys rotate every year, and their status cannot be queried:
        # https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html
        own = told.get("KeyManager") == "AWS"
        told["rotates"] = own or bool(kms.get_key_rotation_status(KeyId=arn)["KeyRotationEnabled"])
    return told


def _cost_tags(registry: LiveRegistry) -> set[str]:
    with answered("Cost Explorer"):
        # Cost Explorer's API is in us-east-1 for all Regions of the partition.
        pages = registry.client("ce", "us-east-1").get_paginator("list_cost_allocation_tags").paginate(Status="Active")
        return {each["TagKey"] for page in pages for each in page.get("CostAllocationTags", ())}


def _images(
    registry: LiveRegistry,
    settings: RegistrySettings,
    name: str,
    key: str,
    lifecycle: dict[str, Any] | Unknown | None,
    at: datetime,
) -> ImageFacts:
    # Without manifests: fetching them would count as a pull of every index.
    images = read_repository(registry, name, manifests=False).images
    # A part of an index is untagged and younger than the index, so anything older than every index is not a part.
    named = [image for image in images if image.top.tags]
    unselected = _unselected(images, settings, lifecycle, at)
    schemes = [entry for scheme in settings.tag_schemes for entry in scheme.filters()]
    strange = sorted(
        {
            tag
            for image in named
            for tag in image.top.tags
            if schemes and not any(entry.matches(tag) for entry in schemes)
        }
    )
    week = timedelta(days=7)
    moving = _moving(settings, key)
    recent = [image for image in named if image.pulled_at and at - image.pulled_at <= week]
    with_moving = [image for image in recent if any(map(moving, image.top.tags))]
    newest = named[0] if named else (images[0] if images else None)
    home = rules_of(settings.signing, None, set(destination_regions(settings, registry.account)))
    is_signed = newest is not None and any(selects(rule, settings.name_of(key)) for rule in home)
    return ImageFacts(
        len(images),
        sum(image.stored_bytes for image in images),
        tuple(_label(image.top) for image in unselected),
        sum(image.stored_bytes for image in unselected),
        tuple(strange),
        tuple(_label(image.top) for image in with_moving if all(map(moving, image.top.tags))),
        tuple(_label(image.top) for image in with_moving if not all(map(moving, image.top.tags))),
        _label(newest.top) if newest else None,
        _scan(registry, name, newest.top, images) if newest else None,
        tuple(
            attempt(lambda there=there: _replica(registry, name, there, named, at))  # type: ignore[misc]
            for there in _destinations(settings, name, registry.account)
        ),
        attempt(lambda: _signatures(registry, name, newest.top.digest)) if newest and is_signed else (),
    )


def _signatures(registry: LiveRegistry, name: str, digest: str) -> tuple[dict[str, Any], ...]:
    answer = registry.ask("describe_image_signing_status", repositoryName=name, imageId={"imageDigest": digest})
    return tuple(answer.get("signingStatuses", ()))


def _label(manifest: Manifest) -> str:
    return manifest.tags[0] if manifest.tags else manifest.digest


def _moving(settings: RegistrySettings, key: str) -> Callable[[str], bool]:
    from fnmatch import fnmatchcase

    patterns = settings.repository(key).known("mutable_tags") or ["latest"]
    return lambda tag: any(fnmatchcase(tag, pattern) for pattern in patterns)


def _unselected(
    images: list[CataloguedImage], settings: RegistrySettings, lifecycle: dict[str, Any] | Unknown | None, at: datetime
) -> list[CataloguedImage]:
    """Tagged images that no rule selects and no scheme declares as kept; parts of an index are excluded with it."""
    if isinstance(lifecycle, Unknown):
        return []
    kept = [entry for scheme in settings.tag_schemes if scheme.kept for entry in scheme.filters()]
    chosen = [image for image in images if not any(entry.matches(tag) for entry in kept for tag in image.top.tags)]
    if lifecycle is None:
        return chosen
    known = [
        Image(
            digest=each.digest, pushed_at=each.pushed_at, tags=each.tags, pulled_at=each.pulled_at,
            status=each.status,  # type: ignore[arg-type]
            archived_at=each.archived_at, size=each.size, media_type=each.media_type, subject=each.subject,
        )
        for image in images
        for each in image.members
    ]  # fmt: skip
    by_digest = {image.top.digest: image for image in chosen}
    return [
        by_digest[decision.image.digest]
        for decision in evaluate(lifecycle, known, at).decisions
        if decision.reason == "unselected" and decision.image.digest in by_digest
    ]


def _scan(
    registry: LiveRegistry, name: str, newest: Manifest, images: Iterable[CataloguedImage]
) -> ScanResult | Unknown:
    """The scan of an image; for an index, of the part that was pushed with it."""
    scanned = newest
    if newest.is_index:
        parts = [
            image.top
            for image in images
            if not image.top.tags and not image.top.is_index and abs(image.top.pushed_at - newest.pushed_at) < SETTLED
        ]
        if not parts:
            return Unknown("its parts are unknown without pulling it")
        scanned = max(parts, key=lambda part: part.size)
    try:
        answer = registry.ask(
            "describe_image_scan_findings", repositoryName=name, imageId={"imageDigest": scanned.digest}
        )
    except EcrStackError as error:
        if "ScanNotFoundException" in str(error):
            return ScanResult("NONE")
        return Unknown(str(error).splitlines()[0])
    return read_result([answer])


def _destinations(settings: RegistrySettings, name: str, account: str) -> list[tuple[str, str]]:
    prefix = settings.name_prefix or ""
    return list(
        dict.fromkeys(
            (each.region, each.registry_id or account)
            for rule in settings.replication.rules
            if not rule.repository_filters or any(name.startswith(prefix + each) for each in rule.repository_filters)
            for each in rule.destinations
        )
    )


def _replica(
    registry: LiveRegistry, name: str, there: tuple[str, str], named: list[CataloguedImage], at: datetime
) -> Replica:
    region, account = there
    # Archived images are not replicated, and recent ones may still be in progress.
    ours = {
        tag: image.top.digest
        for image in named
        if image.top.status == "ACTIVE" and at - image.top.pushed_at > SETTLED
        for tag in image.top.tags
    }
    try:
        theirs = {
            tag: each["imageDigest"]
            for each in registry.elsewhere(region, account).images(name)
            for tag in each.get("imageTags", ())
        }
    except NotFound:
        theirs = {}
    status = None
    settled = next((image for image in named if at - image.top.pushed_at > SETTLED), None)
    if settled is not None:
        answer = registry.ask(
            "describe_image_replication_status", repositoryName=name, imageId={"imageDigest": settled.top.digest}
        )
        statuses = {
            (each["region"], each["registryId"]): each["status"] for each in answer.get("replicationStatuses", ())
        }
        status = statuses.get((region, account))
    return Replica(
        region, account,
        tuple(sorted(tag for tag, digest in ours.items() if theirs.get(tag, digest) != digest)),
        tuple(sorted(tag for tag in ours if tag not in theirs)),
        status,
    )  # fmt: skip
