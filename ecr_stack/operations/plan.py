"""What a stack file's lifecycle would do to the images that are there, compared with the policy in force.

Pure: what repositories hold has been read already (`holdings`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from ecr_stack.aws.lifecycle import Decision, Document, Evaluation, Image, Tie, evaluate
from ecr_stack.operations.guard import Limits, judge
from ecr_stack.operations.holdings import Holding

__all__ = ["Effect", "RepositoryPlan", "bytes_of", "missed_first", "plan"]

_NOTHING = Evaluation((), ())


@dataclass(frozen=True)
class Effect:
    """The images on which one action (expire, or archive) would be taken, against those of the policy in force."""

    new: tuple[Decision, ...] = ()
    """Taken by the new policy and not by the one in force."""
    anyway: tuple[Decision, ...] = ()
    """Taken by both: they go whatever happens to the stack."""
    no_longer: tuple[Decision, ...] = ()
    """Taken by the policy in force and not by the new one."""

    @property
    def taken(self) -> tuple[Decision, ...]:
        """All on which the new policy would act."""
        return self.new + self.anyway


@dataclass(frozen=True)
class RepositoryPlan:
    """What would happen to one repository."""

    repository: str
    images: int
    bytes: int
    missing: str | None
    """Why there were no images to read; nothing where there were."""
    in_force: bool
    """Whether a lifecycle policy is in force."""
    planned: bool
    """Whether the stack file gives it one."""
    changed: bool
    """Whether the two differ. The guard runs where they do."""
    expire: Effect
    archive: Effect
    limits: Limits
    passed: tuple[str, ...]
    """The guard's limits that would stop the change, in words."""
    unknown_lists: int
    """So many images are manifest lists of which it is not known what they list: fewer images may go than said."""
    ties: tuple[Tie, ...]
    """Where ECR may take other images than those that are named, and as many."""


def plan(holding: Holding, document: Document | None, limits: Limits, at: datetime) -> RepositoryPlan:
    """Return what a lifecycle document would do to a repository.

    Args:
        holding: the repository as it stands, with the policy in force.
        document: what the stack file says; nothing where it gives the repository no lifecycle.
        limits: what the guard lets a change remove. A document that does not change is not held against them: nothing
            is put in place, so the guard is not asked.
        at: the instant, with a time zone.
    """
    after = _settled(document, holding.images, at) if document else _NOTHING
    before = _settled(holding.policy, holding.images, at) if holding.policy else _NOTHING
    changed = document != holding.policy
    return RepositoryPlan(
        repository=holding.repository,
        images=len(holding.images),
        bytes=sum(image.size for image in holding.images),
        missing=holding.missing,
        in_force=holding.policy is not None,
        planned=document is not None,
        changed=changed,
        expire=_effect(after.expire, before.expire),
        archive=_effect(after.archive, before.archive),
        limits=limits,
        passed=_passed(holding, after, limits, at) if changed else (),
        unknown_lists=len((after if document else before).unknown_lists),
        ties=after.ties,
    )


def _settled(document: Document, images: Sequence[Image], at: datetime) -> Evaluation:
    """What becomes of images once the policy has run until nothing more expires.

    What a manifest list refers to stays until the list is gone, and goes when ECR evaluates the policy the next time.
    """
    first = evaluate(document, images, at)
    outcome = {decision.image.digest: decision for decision in first.decisions}
    gone = {decision.image.digest for decision in first.expire}
    run = first
    while run.expire:
        run = evaluate(document, [image for image in images if image.digest not in gone], at)
        gone |= {decision.image.digest for decision in run.expire}
        outcome |= {decision.image.digest: decision for decision in run.expire}
    return Evaluation(tuple(outcome.values()), first.unknown_lists, first.ties)


def _effect(after: list[Decision], before: list[Decision]) -> Effect:
    gone_before = {decision.image.digest for decision in before}
    gone_after = {decision.image.digest for decision in after}
    return Effect(
        new=tuple(decision for decision in after if decision.image.digest not in gone_before),
        anyway=tuple(decision for decision in after if decision.image.digest in gone_before),
        no_longer=tuple(decision for decision in before if decision.image.digest not in gone_after),
    )


def _passed(holding: Holding, after: Evaluation, limits: Limits, at: datetime) -> tuple[str, ...]:
    """Ask the guard, in the words in which ECR would answer it."""
    results = [
        {
            "imageDigest": decision.image.digest,
            "imageTags": decision.image.tags,
            "action": {"type": "EXPIRE" if decision.outcome == "expire" else "TRANSITION"},
            "appliedRulePriority": decision.rule_priority,
        }
        for decision in (*after.expire, *after.archive)
    ]
    images = [{"imageDigest": image.digest, "lastRecordedPullTime": image.pulled_at} for image in holding.images]
    return judge(holding.repository, results, images, limits, at, after.ties).exceeded


def missed_first(decisions: Iterable[Decision], count: int = 10) -> list[Decision]:
    """Pick the images that people would miss first: pulled most recently; of those never pulled, pushed most recently."""
    never = datetime.min.replace(tzinfo=UTC)
    return sorted(
        decisions,
        key=lambda decision: (decision.image.pulled_at or never, decision.image.pushed_at, decision.image.digest),
        reverse=True,
    )[:count]


def bytes_of(decisions: Iterable[Decision]) -> int:
    """The sizes of images, added up; layers that they share are counted for each."""
    return sum(decision.image.size for decision in decisions)
