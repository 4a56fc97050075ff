"""What a lifecycle document does to the images of a repository at an instant.

The rules of evaluation are AWS's: https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html,
"Lifecycle policy evaluation rules". In short: every rule identifies, in its storage class, the images that meet its
tagging requirements. An image belongs to the first rule (by priority) that identifies it. That rule expires, archives
or keeps it, and no later rule affects it. Later rules still count it.

If AWS does not document a case, this module assumes the outcome that removes more images, as the safer assumption:

- *Ties.* Images are counted from the newest, and "all images greater than the specified count" go: exactly that many
  stay. Among images pushed at the same instant, those that an earlier rule identified come first, as in AWS's example
  "Filtering on all images, B" (https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_examples.html);
  then those that a manifest list protects, then the others by digest. ECR may choose differently among these:
  `Evaluation.ties` lists them.
- *Ages.* "Older than the specified number of days" is strict: an image of exactly that age stays, as in the same
  example. A day is 24 hours.
- *Restored images.* The page orders an image restored from the archive by `last_activated_at` "instead of
  pushed_at_time"; its age since push is measured from then too.
- *Images being restored from the archive* (`ACTIVATING`) are counted as if they were restored at the time of the
  evaluation, so they displace older ones. They are in neither storage class yet, so no rule acts on them.
- *Archived images without a time of archiving* count as archived when they were pushed.
- *Manifest lists.* An image that a manifest list refers to "cannot be expired or archived without the manifest list
  being deleted or archived first". If the list goes in an evaluation, the image stays in that one, and goes in the
  next. An archived list does not protect its images. Protected images are counted like any other.
  `describe-images` does not return what a list refers to: if that is unknown, nothing is protected, and
  `Evaluation.unknown_lists` names the lists.
- *Reference artifacts* (signatures, attestations: images with a subject) are expired or archived with their subject,
  by the rule that selects it. While the subject is in the repository, no rule selects or counts them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NamedTuple

from ecr_stack.aws.lifecycle.document import Document, NativeRule, StorageClass, parse_document
from ecr_stack.aws.lifecycle.images import Image
from ecr_stack.aws.lifecycle.tag_filter import joined

__all__ = [
    "Decision",
    "Evaluation",
    "Outcome",
    "Reason",
    "Run",
    "Tie",
    "age_since",
    "as_utc",
    "effective_push",
    "evaluate",
]

Outcome = Literal["expire", "archive", "keep"]
Reason = Literal["acted", "spared", "referenced", "subject", "unselected"]


class Decision(NamedTuple):
    """What happens to one image, and which rule decides it."""

    image: Image
    outcome: Outcome
    rule_priority: int | None
    """The rule that expires, archives or keeps it; `None` if no rule identifies it."""
    reason: Reason
    """`acted`: the rule expires or archives it. `spared`: the rule identifies and keeps it. `referenced`: the rule would
    act, but a manifest list refers to the image. `subject`: it shares its subject's outcome. `unselected`: no rule
    identifies it."""


class Tie(NamedTuple):
    """Images pushed at the same instant, of which a counting rule takes some and leaves some: ECR may choose others."""

    rule_priority: int
    taken: tuple[Image, ...]
    """Those that are expired or archived here."""
    left: tuple[Image, ...]
    """Those that stay here; ECR may choose some of these instead."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What happens to every image, in the order of the arguments."""

    decisions: tuple[Decision, ...]
    unknown_lists: tuple[Image, ...]
    """Manifest lists with unknown contents: ECR may keep the images that they list."""
    ties: tuple[Tie, ...] = ()
    """Where ECR may take the same number of other images than those reported."""

    @property
    def expire(self) -> list[Decision]:
        """The images that expire."""
        return [decision for decision in self.decisions if decision.outcome == "expire"]

    @property
    def archive(self) -> list[Decision]:
        """The images that are archived."""
        return [decision for decision in self.decisions if decision.outcome == "archive"]

    @property
    def keep(self) -> list[Decision]:
        """The images that are kept."""
        return [decision for decision in self.decisions if decision.outcome == "keep"]

    @property
    def bytes_freed(self) -> int:
        """The total size of the images that expire, including layers shared with other images."""
        return sum(decision.image.size for decision in self.expire)


def evaluate(document: Document | str | Mapping[str, Any], images: Iterable[Image], at: datetime) -> Evaluation:
    """Evaluate a lifecycle document on the images of one repository.

    Args:
        document: parsed, or JSON text or plain data for ECR.
        images: all images of the repository, in any order, without duplicate digests. The order does not matter.
        at: the time of the evaluation; in UTC if it has no zone.

    Returns:
        One decision for each image. See the module for cases that AWS does not document.

    Raises:
        InvalidInput: ECR would reject the document.
    """
    parsed = document if isinstance(document, Document) else parse_document(document)
    run = Run(parsed, list(images), as_utc(at))
    decisions = run.decisions()
    unknown_lists = tuple(image for image in run.images if image.references is None)
    return Evaluation(decisions, unknown_lists, run.ties(decisions))


def age_since(rule: NativeRule, image: Image) -> datetime:
    """The time from which a day-based rule measures the age of an image.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html
    """
    match rule.count_type:
        case "sinceImagePulled":
            if image.pulled_at is None:
                return effective_push(image)
            return max(image.pulled_at, image.activated_at or image.pulled_at)
        case "sinceImageTransitioned":
            return image.archived_at or effective_push(image)
        case _:
            return effective_push(image)


def effective_push(image: Image) -> datetime:
    """The time by which an image is ordered: when it was pushed, or restored from the archive."""
    return image.pushed_at if image.activated_at is None else image.activated_at


class Run:
    """One evaluation: which rule identifies which image, and which images are marked. Images are identified by index."""

    def __init__(self, document: Document, images: list[Image], at: datetime) -> None:
        self.document = document
        self.images = images
        self.at = at
        self.owner: list[NativeRule | None] = [None] * len(images)
        self.marked = bytearray(len(images))
        self._tied: list[tuple[NativeRule, list[int]]] = []
        self._digests = {image.digest for image in images}
        self._kept_by_lists = {
            digest for image in images if image.references and image.status != "ARCHIVED" for digest in image.references
        }
        self._tags = [joined(image.tags) for image in images]
        self.order = [at if image.status == "ACTIVATING" else image.activated_at or image.pushed_at for image in images]
        """The times by which images are ordered: `effective_push`, or the time of the evaluation if being restored."""
        newest = sorted(range(len(images)), key=self.order.__getitem__, reverse=True)
        self._pools: dict[StorageClass, list[int]] = {
            "standard": [index for index in newest if self._belongs(images[index], "standard")],
            "archive": [index for index in newest if self._belongs(images[index], "archive")],
        }
        for rule in document.rules:
            self._apply(rule)

    def _belongs(self, image: Image, storage_class: StorageClass) -> bool:
        return (image.status == "ARCHIVED") == (storage_class == "archive") and not self.follows_subject(image)

    def follows_subject(self, image: Image) -> bool:
        """Whether an image is a reference artifact whose subject is in the repository."""
        return image.subject is not None and image.subject in self._digests

    def _apply(self, rule: NativeRule) -> None:
        identified = self.identified(rule)
        owner, images = self.owner, self.images
        own = [index for index in identified if owner[index] is None and images[index].status != "ACTIVATING"]
        for index in own:
            owner[index] = rule
        for index in (
            self._beyond(rule, identified, own) if rule.count_type == "imageCountMoreThan" else self._aged(rule, own)
        ):
            self.marked[index] = 1

    def identified(self, rule: NativeRule) -> list[int]:
        """The images that meet the tagging requirements of a rule, newest first."""
        pool = self._pools[rule.storage_class]
        tags = self._tags
        if rule.tag_status == "any":
            return pool
        if rule.tag_status == "untagged":
            return [index for index in pool if not tags[index]]
        for entry in rule.tag_filters:
            needle = entry.needle()
            if isinstance(needle, str):
                pool = [index for index in pool if needle in tags[index]]
            else:
                pool = [index for index in pool if needle(tags[index])]
        return pool

    def _beyond(self, rule: NativeRule, identified: list[int], own: list[int]) -> list[int]:
        """The rule's own images beyond the number that it keeps."""
        if len(identified) <= rule.count_number:
            return []
        order = self.order
        last = order[identified[rule.count_number - 1]]
        older = [index for index in own if order[index] < last]
        tied = sorted((index for index in own if order[index] == last), key=self._precedence)
        newer = bisect_left(identified, True, key=lambda index: order[index] <= last)
        level = bisect_left(identified, True, key=lambda index: order[index] < last) - newer
        # those of the same instant that belong to other rules come first
        room = max(rule.count_number - newer - (level - len(tied)), 0)
        if 0 < room < len(tied):
            self._tied.append((rule, tied))
        return older + tied[room:]

    def _precedence(self, index: int) -> tuple[bool, str]:
        digest = self.images[index].digest
        return digest not in self._kept_by_lists, digest

    def ties(self, decisions: Sequence[Decision]) -> tuple[Tie, ...]:
        """The images of one instant of which a rule takes some and leaves others that it could take."""
        found = []
        for rule, tied in self._tied:
            taken = tuple(self.images[index] for index in tied if decisions[index].outcome != "keep")
            left = tuple(self.images[index] for index in tied if not self.marked[index])
            left = tuple(image for image in left if image.digest not in self._kept_by_lists)
            if taken and left:
                found.append(Tie(rule.priority, taken, left))
        return tuple(found)

    def _aged(self, rule: NativeRule, own: list[int]) -> list[int]:
        oldest = self._days_before(rule.count_number)
        if oldest is None:
            return []
        if rule.count_type == "sinceImagePushed":
            order = self.order
            return [index for index in own if order[index] < oldest]
        return [index for index in own if age_since(rule, self.images[index]) < oldest]

    def _days_before(self, days: int) -> datetime | None:
        try:
            return self.at - timedelta(days=days)
        except OverflowError:  # longer ago than there are dates: nothing is so old
            return None

    def decisions(self) -> tuple[Decision, ...]:
        """Return what happens to each image."""
        made: list[Decision] = []
        for image, rule, marked in zip(self.images, self.owner, self.marked, strict=True):
            if rule is None:
                made.append(Decision(image, "keep", None, "unselected"))
            elif not marked:
                made.append(Decision(image, "keep", rule.priority, "spared"))
            elif image.digest in self._kept_by_lists:
                made.append(Decision(image, "keep", rule.priority, "referenced"))
            else:
                outcome: Outcome = "expire" if rule.action == "expire" else "archive"
                made.append(Decision(image, outcome, rule.priority, "acted"))
        return self._with_artifacts(made)

    def _with_artifacts(self, made: list[Decision]) -> tuple[Decision, ...]:
        """Return reference artifacts the outcome of their subjects, and so on for artifacts of artifacts."""
        by_digest = {image.digest: index for index, image in enumerate(self.images)}
        waiting = {
            index: by_digest[image.subject] for index, image in enumerate(self.images) if image.subject in by_digest
        }
        for start in list(waiting):
            chain: list[int] = []
            index = start
            while index in waiting and index not in chain:
                chain.append(index)
                index = waiting[index]
            # from the one whose subject is decided down to the one that was asked for
            for artifact in reversed(chain):
                made[artifact] = self._after_subject(self.images[artifact], made[waiting.pop(artifact)])
        return tuple(made)

    def _after_subject(self, image: Image, subject: Decision) -> Decision:
        stays = subject.outcome == "keep" or (subject.outcome == "archive" and image.status != "ACTIVE")
        if stays:
            return Decision(image, "keep", None, "subject")
        return Decision(image, subject.outcome, subject.rule_priority, "subject")


def as_utc(at: datetime) -> datetime:
    """The instant in UTC; one without a zone is assumed to be in UTC."""
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
