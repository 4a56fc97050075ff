"""What a change of lifecycle policies comes to: how many images stay under the policy before, and under that after.

A rehearsal has no images. Each kind of image that either policy speaks of is therefore assumed to be pushed once a
day, for longer than any rule looks back, and both policies are evaluated over them. Which images of the real registry
would go is what `ecr-stack lifecycle plan` says, with credentials.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from ecr_stack.aws.lifecycle import Document, Image, NativeRule, evaluate, parse_document
from ecr_stack.errors import InvalidInput

__all__ = ["Kept", "Kind", "RetentionChange", "retention_changes"]

_REPOSITORY = "aws:ecr/repository:Repository"
_LIFECYCLE = "aws:ecr/lifecyclePolicy:LifecyclePolicy"
_TEMPLATE = "aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate"
_AT = datetime(2026, 1, 1, tzinfo=UTC)
_MOST_DAYS = 4000
"""Further back than this nothing is looked at."""


@dataclass(frozen=True)
class Kept:
    """What is left of the images of one kind, one of which is pushed every day."""

    standard: int | None
    """The number that stay as they are; `None` if all do."""
    archived: int | None
    """The number that stay in the archive; `None` if all that leave the standard class do."""

    def __str__(self) -> str:
        """In words."""
        if self.standard is None:
            return "all are kept"
        stay = f"{self.standard} stay" if self.standard else "none is kept"
        if self.archived == 0:
            return stay
        return f"{stay}, {'the older ones' if self.archived is None else self.archived} in the archive"


@dataclass(frozen=True)
class Kind:
    """The images of one kind, before and after."""

    images: str
    """Which, in words, e.g. `images tagged v*`."""
    before: Kept
    after: Kept

    @property
    def loses(self) -> bool:
        """Whether fewer images stay than before."""
        return _all(self.after) < _all(self.before)


@dataclass(frozen=True)
class RetentionChange:
    """One change of a lifecycle policy, and the repositories that it is the same for."""

    repositories: tuple[str, ...]
    """Their names in ECR; for creation templates their Regions and prefixes."""
    kinds: tuple[Kind, ...]
    """The kinds of images for which it makes a difference."""
    replicas: bool = False
    """Whether it is about the repositories that a creation template creates."""
    resources: tuple[tuple[str, str], ...] = ()
    """The resources that hold the policies, as URNs and names."""


@dataclass(frozen=True)
class _Lifecycle:
    """The lifecycle of one repository, or of those of a template."""

    document: str | None
    urn: str
    name: str


def retention_changes(base: Mapping[str, Any], head: Mapping[str, Any]) -> list[RetentionChange]:
    """Say what the changed lifecycle policies do, for repositories and templates that are in both rehearsals.

    Args:
        base: how it is, as `rehearse --format json` prints it.
        head: how it would be.
    """
    old, new = _documents(base), _documents(head)
    same: dict[tuple[str | None, str | None, bool], list[tuple[tuple[str, str, str], _Lifecycle]]] = {}
    for place, lifecycle in new.items():
        if place in old and old[place].document != lifecycle.document:
            key = (old[place].document, lifecycle.document, place[0] == _TEMPLATE)
            same.setdefault(key, []).append((place, lifecycle))
    changes = [
        RetentionChange(
            tuple(sorted({f"{region}/{name}" if replicas else name for (_, region, name), _ in places})),
            tuple(_kinds(before, after)),
            replicas,
            tuple((lifecycle.urn, lifecycle.name) for _, lifecycle in places),
        )
        for (before, after, replicas), places in same.items()
    ]
    return [change for change in changes if change.kinds]


def _documents(report: Mapping[str, Any]) -> dict[tuple[str, str, str], _Lifecycle]:
    """For every repository and template, by type, Region and name, the lifecycle document that it has."""
    found: dict[tuple[str, str, str], _Lifecycle] = {}
    policies: list[Mapping[str, Any]] = []
    for record in report["resources"]:
        kind, outputs = record["type"], record["outputs"]
        region = str(outputs.get("region"))
        urn, name = str(record.get("urn")), str(record.get("name"))
        if kind == _REPOSITORY:
            found.setdefault((kind, region, str(outputs.get("name"))), _Lifecycle(None, urn, name))
        elif kind == _TEMPLATE:
            document = record["inputs"].get("lifecyclePolicy")
            place = (kind, str(record["inputs"].get("region") or region), str(record["inputs"].get("prefix")))
            found[place] = _Lifecycle(None if document is None else str(document), urn, name)
        elif kind == _LIFECYCLE:
            policies.append(record)
    for record in policies:
        place = (_REPOSITORY, str(record["outputs"].get("region")), str(record["inputs"].get("repository")))
        urn, name = str(record.get("urn")), str(record.get("name"))
        found[place] = _Lifecycle(str(record["inputs"].get("policy")), urn, name)
    return found


def _kinds(before: str | None, after: str | None) -> Iterator[Kind]:
    try:
        old, new = (parse_document(text) if text else Document(()) for text in (before, after))
    except InvalidInput:  # a base from another time; what it says is compared as text elsewhere
        return
    selectors: dict[str, tuple[str, ...]] = {}
    for rule in (*old.rules, *new.rules):
        selectors.setdefault(_words(rule), _tags(rule))
    if not any(not tags for tags in selectors.values()):
        selectors["untagged images"] = ()
    selectors["images with any other tag"] = ("an-other-*",)
    for words, tags in selectors.items():
        then, now = _kept(old, tags), _kept(new, tags)
        if then != now:
            yield Kind(words, then, now)


def _words(rule: NativeRule) -> str:
    if rule.tag_status == "tagged":
        return f"images tagged {' and '.join(f'`{entry.shown}`' for entry in rule.tag_filters)}"
    return "images with any other tag" if rule.tag_status == "any" else "untagged images"


def _tags(rule: NativeRule) -> tuple[str, ...]:
    """Tags that the rule is about, with a `*` where they vary."""
    if rule.tag_status == "tagged":
        return tuple(entry.shown for entry in rule.tag_filters)
    return ("an-other-*",) if rule.tag_status == "any" else ()


def _kept(document: Document, tags: tuple[str, ...]) -> Kept:
    reach = min(2 + max((rule.count_number for rule in document.rules), default=0), _MOST_DAYS)
    # A tag that nothing varies is on one image only: one that has not moved for long.
    ages = [reach] if tags and not any("*" in tag for tag in tags) else range(reach)
    images = [
        Image(
            digest=f"sha256:{days:064x}",
            pushed_at=_AT - timedelta(days=days, hours=1),
            tags=tuple(tag.replace("*", str(days)) for tag in tags),
        )
        for days in ages
    ]
    evaluation = evaluate(document, images, _AT)
    standard = len(evaluation.keep)
    if standard == len(images):
        return Kept(None, 0)
    if not evaluation.archive:
        return Kept(standard, 0)
    old = [
        rule.count_number for rule in document.rules if rule.storage_class == "archive" and rule.selects(images[0].tags)
    ]
    return Kept(standard, min(old) if old else None)


def _all(kept: Kept) -> float:
    if kept.standard is None or kept.archived is None:
        return float("inf")
    return kept.standard + kept.archived
