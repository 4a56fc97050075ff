"""What a reviewer of a change must not miss: lost images, opened access, weakened safeguards."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ecr_stack.review.comparison import Caution, Change, Comparison

__all__ = ["cautions_of"]

_REPOSITORY = "aws:ecr/repository:Repository"
_KEY = "aws:kms/key:Key"
_REPLICATION = "aws:ecr/replicationConfiguration:ReplicationConfiguration"
_POLICIES = ("aws:ecr/repositoryPolicy:RepositoryPolicy", "aws:ecr/registryPolicy:RegistryPolicy")
_LIFECYCLE = "aws:ecr/lifecyclePolicy:LifecyclePolicy"

# Where a property going from one value to another weakens something: type, path, after, in words.
_WEAKER = (
    (_REPOSITORY, "(options).protect", False, "is no longer protected from deletion"),
    (_KEY, "(options).protect", False, "is no longer protected from deletion"),
    (_REPOSITORY, "forceDelete", True, "may now be deleted with the images in it"),
    (_REPOSITORY, "imageScanningConfiguration.scanOnPush", False, "is no longer scanned on push"),
    (_KEY, "enableKeyRotation", False, "is no longer rotated"),
)
_STRICTNESS = {"MUTABLE": 0, "MUTABLE_WITH_EXCLUSION": 1, "IMMUTABLE_WITH_EXCLUSION": 2, "IMMUTABLE": 3}


def cautions_of(comparison: Comparison) -> Iterator[Caution]:
    """Yield what a reviewer must not miss, the worst first."""
    found = [
        *_losses(comparison),
        *(caution for change in comparison.changed for caution in _changed(change)),
    ]
    yield from sorted(found, key=lambda caution: caution.level != "danger")


def _losses(comparison: Comparison) -> Iterator[Caution]:
    for change in comparison.replaced:
        if change.type == _REPOSITORY:
            what = ", ".join(change.replaces)
            yield Caution(
                "danger",
                change.urn,
                change.name,
                f"AWS cannot change {what}; the repository would be deleted and made anew, "
                "and EVERY IMAGE in it would be lost",
            )
        elif change.type == _KEY:
            yield Caution("danger", change.urn, change.name, "the key would be replaced; images need the old one")
    words = {
        _REPOSITORY: "the repository would be deleted, with its images",
        _KEY: "the key would be deleted, and no image that it encrypts can be pulled then",
        _LIFECYCLE: "the lifecycle would be removed: images stay, and are paid for, for ever",
        _REPLICATION: "replication would end",
    }
    for change in comparison.removed:
        if change.type in words:
            level = "attention" if change.type == _LIFECYCLE else "danger"
            yield Caution(level, change.urn, change.name, f"{words[change.type]}")
        elif change.type in _POLICIES:
            yield Caution("danger", change.urn, change.name, "the policy would be removed; pulls that need it fail")


def _changed(change: Change) -> Iterator[Caution]:
    for property_ in change.properties:
        for type_, path, after, words in _WEAKER:
            if (change.type, property_.path, property_.after) == (type_, path, after):
                yield Caution("attention", change.urn, change.name, f"{words}")
        if property_.path == "imageTagMutability" and _strict(property_.after) < _strict(property_.before):
            yield Caution(
                "attention",
                change.urn,
                change.name,
                f"tags that were fixed may be moved ({property_.before} → {property_.after})",
            )
        if property_.path == "deletionWindowInDays" and _less(property_.after, property_.before):
            yield Caution("attention", change.urn, change.name, "less time to stop the key's deletion")
    if change.type == _LIFECYCLE and not all(item.path.endswith(".description") for item in change.properties):
        yield Caution(
            "danger",
            change.urn,
            change.name,
            "the lifecycle changes; within 24 hours of the deployment images may go that stay today. "
            "`ecr-stack lifecycle plan` lists them",
        )
    if change.type == _REPLICATION:
        yield Caution("attention", change.urn, change.name, "what is copied where changes; read the rules")


def _strict(value: Any) -> int:
    return _STRICTNESS.get(str(value), 0)


def _less(after: Any, before: Any) -> bool:
    return isinstance(after, (int, float)) and isinstance(before, (int, float)) and after < before
