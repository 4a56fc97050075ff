"""What a change of lifecycle policies comes to: how many images stay under the policy before, and under that after.

A rehearsal has no images. Each kind of image that either policy speaks of is therefore assumed to be pushed once a
day, for longer than any rule looks back, and both policies are evaluated over them. Which images of the real registry
would go is what `ecr-stack lifecycle plan` says, with credentials.
"""

from __future__ import annotations

import itertools
import string
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
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
_MOST_IMAGES = 20_000
"""As many images are evaluated together at most."""


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
            return "all kept"
        stay = f"{self.standard} kept" if self.standard else "none kept"
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

    @property
    def archives(self) -> bool:
        """Whether images that can be pulled now would be in the archive, where they cannot."""
        after = _bounded(self.after.standard)
        return self.after.archived != 0 and after < _bounded(self.before.standard)


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
    complete: bool = True
    """Whether no rule looks further back than is worked out here."""


@dataclass(frozen=True)
class _Lifecycle:
    """The lifecycle of one repository, or of those of a template."""

    document: str | None
    urn: str
    name: str


def retention_changes(base: Mapping[str, Any], head: Mapping[str, Any]) -> list[RetentionChange]:
    """Return what the changed lifecycle policies do, for repositories and templates that are in both rehearsals.

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
            _is_complete(before, after),
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


def _is_complete(*texts: str | None) -> bool:
    try:
        rules = [rule for text in texts if text for rule in parse_document(text).rules]
    except InvalidInput:
        return False
    return all(rule.count_number < _MOST_DAYS - 2 for rule in rules)


def _kinds(before: str | None, after: str | None) -> Iterator[Kind]:
    try:
        old, new = (parse_document(text) if text else Document(()) for text in (before, after))
    except InvalidInput:  # a base from another time; what it says is compared as text elsewhere
        return
    others = _other_tags(old, new)
    selectors: dict[str, Tags] = {}
    for rule in (*old.rules, *new.rules):
        if rule.tag_status == "tagged":
            selectors.setdefault(_words(rule), tuple(entry.shown for entry in rule.tag_filters))
    pairs = _pairs(list(selectors.values()))
    if others is not None:
        selectors["images with any other tag"] = others
    selectors["untagged images"] = ()
    losing: set[str] = set()
    for words, tags in selectors.items():
        then, now = _kept(old, tags), _kept(new, tags)
        if then != now:
            kind = Kind(words, then, now)
            yield kind
            if kind.loses:
                losing.add(words)
    yield from _with_two_tags(old, new, pairs)
    yield from _together(old, new, selectors, losing)


Tags = tuple[str, ...]
"""The tags of a kind of images, with a `*` where they vary."""


def _words(rule: NativeRule) -> str:
    return _tagged(tuple(entry.shown for entry in rule.tag_filters))


def _tagged(tags: Tags) -> str:
    return f"images tagged {' and '.join(f'`{tag}`' for tag in tags)}"


def _other_tags(*documents: Document) -> Tags | None:
    """Tags that no rule for tagged images selects; `None` if every tag is selected."""
    filters = [entry for document in documents for rule in document.rules for entry in rule.tag_filters]
    for first in ("an-other", *string.ascii_letters, *string.digits, "_"):
        tag = f"{first}-*"
        if not any(entry.matches(_tag(tag, 1)) for entry in filters):
            return (tag,)
    return None


def _tag(tag: str, day: int) -> str:
    return tag.replace("*", str(day))


def _pairs(selectors: list[Tags]) -> list[Tags]:
    """The tags of images that two rules are about, e.g. a release and a commit."""
    return [tuple(dict.fromkeys((*one, *other))) for one, other in itertools.combinations(selectors, 2)]


def _with_two_tags(old: Document, new: Document, pairs: Iterable[Tags]) -> Iterator[Kind]:
    """Images that two rules are about, where another of the two comes first than before, and removes more."""
    known: dict[tuple[int, int, Tags], Kept] = {}

    def kept(document: Document, owner: NativeRule, tags: Tags) -> Kept:
        # the outcome is that of the first rule, and of the rules for the archive
        later = tuple(rule for rule in document.rules if rule.storage_class == "archive" and rule.selects(_first(tags)))
        varies = ("*",) if _vary(tags) else ("",)
        key = (id(document), owner.priority, (*(str(rule.priority) for rule in later), *varies))
        if key not in known:
            known[key] = _kept(Document((owner, *later)), tags)
        return known[key]

    for tags in pairs:
        then, now = _owner(old, tags), _owner(new, tags)
        if then is not None and now is not None and then.selector != now.selector:
            kind = Kind(_tagged(tags), kept(old, then, tags), kept(new, now, tags))
            if kind.loses:
                yield kind


def _first(tags: Tags) -> Tags:
    return tuple(_tag(tag, 1) for tag in tags)


def _owner(document: Document, tags: Tags) -> NativeRule | None:
    """The rule that images with these tags belong to."""
    standard = (rule for rule in document.rules if rule.storage_class == "standard")
    return next((rule for rule in standard if rule.selects(_first(tags))), None)


def _together(old: Document, new: Document, selectors: Mapping[str, Tags], told: Collection[str]) -> Iterator[Kind]:
    """Images that go because a rule also counts those of other rules, of which more stay than before."""
    if not any(_counts_others(rule, selectors.values()) for rule in (*old.rules, *new.rules)):
        return
    deep = min(max(_reach(old), _reach(new)), _MOST_IMAGES // len(selectors))
    then, now = (_mixed(document, selectors.values(), deep) for document in (old, new))
    for words, before, after in zip(selectors, then, now, strict=True):
        if after < before and words not in told:
            yield Kind(f"{words}, counted together with the others", Kept(before, 0), Kept(after, 0))


def _counts_others(rule: NativeRule, kinds: Iterable[Tags]) -> bool:
    """Whether a rule counts images of several kinds together."""
    return rule.count_type == "imageCountMoreThan" and sum(rule.selects(_first(tags)) for tags in kinds) > 1


def _mixed(document: Document, kinds: Collection[Tags], days: int) -> list[int]:
    """How many images of each kind do not expire, where all kinds are pushed to one repository."""
    images: list[Image] = []
    where: dict[str, int] = {}
    for place, tags in enumerate(kinds):
        pushed = _pushed(tags, days, place)
        staying = [each.image for each in evaluate(document, pushed, _AT).keep]
        where |= {image.digest: place for image in staying}
        images += staying
    counts = Counter(
        where[each.image.digest] for each in evaluate(document, images, _AT).decisions if each.outcome != "expire"
    )
    return [counts[place] for place in range(len(kinds))]


def _vary(tags: Tags) -> bool:
    """Whether several images can have such tags. A tag that nothing varies is on one image only."""
    return all("*" in tag for tag in tags)


def _reach(document: Document) -> int:
    """How many days a document looks back, and a little more."""
    return min(2 + max((rule.count_number for rule in document.rules), default=0), _MOST_DAYS)


def _pushed(tags: Tags, reach: int, place: int = 0) -> list[Image]:
    """Images of one kind, the youngest first: one a day, or a single one that has not moved for long."""
    return [
        Image(
            digest=f"sha256:{place:032x}{days:032x}",
            pushed_at=_AT - timedelta(days=days, hours=1, minutes=place % 60),
            tags=tuple(_tag(tag, days) for tag in tags),
        )
        for days in (range(reach) if _vary(tags) else [reach])
    ]


def _kept(document: Document, tags: Tags) -> Kept:
    images = _pushed(tags, _reach(document))
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


def _bounded(number: int | None) -> float:
    return float("inf") if number is None else number


def _all(kept: Kept) -> float:
    return _bounded(kept.standard) + _bounded(kept.archived)
