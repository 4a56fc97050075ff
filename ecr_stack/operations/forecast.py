"""How many images a registry holds over the next year, how big they are and what they cost, with a lifecycle and without.

Every day the images of the day are pushed, evenly spread, and the lifecycle is evaluated at its end, which is about
when ECR does it. Nothing is random: the same question has the same answer. What is supposed:

- Images share no layers. ECR stores a layer of a repository once, so this is an upper bound.
- Images come as given, all year, and are pulled for the last time `pulled_for_days` after their push; images that are
  there already are not pulled any more.
- Costs are for storage, not for transfer, scans or the retrieval of archived images; the free tier is left out.
- The price of a tier is looked up for these repositories, not for the whole account.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from ecr_stack.aws.lifecycle import Document, Image, evaluate
from ecr_stack.errors import InvalidInput, Problem
from ecr_stack.operations.prices import Prices
from ecr_stack.operations.pushes import Pushes

__all__ = ["ASSUMPTIONS", "DAYS", "Day", "Forecast", "Level", "Repository", "forecast", "simulate"]

DAYS = 365
QUOTA = 100_000
"""Images of a repository: https://docs.aws.amazon.com/AmazonECR/latest/userguide/service-quotas.html"""
_MONTH = DAYS / 12
_LAST_YEAR = 9900

ASSUMPTIONS = (
    "Assumes that images share no layers, so this is an upper bound: ECR stores each layer once per repository.",
    "Storage only; a GB is 10⁹ bytes.",
)


class Level(NamedTuple):
    """What is stored at one moment."""

    images: int = 0
    standard: int = 0
    """Bytes in the standard storage class."""
    archived: int = 0
    """Bytes in the archive."""

    @property
    def bytes(self) -> int:
        """Bytes in both classes."""
        return self.standard + self.archived

    def plus(self, other: Level) -> Level:
        """Both together."""
        return Level(self.images + other.images, self.standard + other.standard, self.archived + other.archived)

    def minus(self, other: Level) -> Level:
        """One without the other."""
        return Level(self.images - other.images, self.standard - other.standard, self.archived - other.archived)


@dataclass(frozen=True)
class Repository:
    """A repository of which the next year is asked."""

    name: str
    policy: Document | None
    pushes: Pushes
    images: tuple[Image, ...] = ()
    """The images that are there already."""


@dataclass(frozen=True)
class Day:
    """The end of one day; day 0 is now."""

    number: int
    kept: Level
    """With the lifecycle."""
    everything: Level
    """Without any."""
    cost: float
    """US dollars a month for storage like this, with the lifecycle."""
    cost_of_everything: float
    """And without any."""


@dataclass(frozen=True)
class Forecast:
    """The next year."""

    at: datetime
    repositories: tuple[Repository, ...]
    prices: Prices
    days: tuple[Day, ...]
    """Day 0 to day 365."""
    over_quota: tuple[str, ...] = ()
    """The repositories that would hold more images, with their lifecycle, than ECR allows without being asked."""

    @property
    def last(self) -> Day:
        """The year's end."""
        return self.days[-1]

    @property
    def saved(self) -> float:
        """US dollars a month that the lifecycle saves at the year's end; less than nothing where it costs more."""
        return self.last.cost_of_everything - self.last.cost

    @property
    def paid(self) -> tuple[float, float]:
        """US dollars for the year's storage: with the lifecycle, and without."""
        days = self.days[1:]
        return sum(day.cost for day in days) / _MONTH, sum(day.cost_of_everything for day in days) / _MONTH

    @property
    def notes(self) -> tuple[str, ...]:
        """What else is to be known, in sentences."""
        notes = []
        archived = self.last.kept.archived
        if archived and self.last.cost >= self.prices.monthly(self.last.kept.bytes, 0) - 0.005:
            notes.append(f"{archived / 1e9:,.0f} GB of it are in the archive, which is no cheaper for this amount.")
        if self.over_quota:
            names = ", ".join(self.over_quota[:3]) + (" and more" if len(self.over_quota) > 3 else "")
            notes.append(f"With the lifecycle, {names} would pass {QUOTA:,} images, ECR's quota unless it is raised.")
        return tuple(notes)

    def months(self) -> list[Day]:
        """Now, and the end of each month."""
        return [self.days[round(month * _MONTH)] for month in range(13)]


def forecast(
    repositories: Sequence[Repository],
    prices: Prices,
    at: datetime,
    progress: Callable[[str], None] = lambda _name: None,
) -> Forecast:
    """Forecast a year of storage and its cost.

    Args:
        repositories: what is asked for; they are added up.
        prices: what storage costs.
        at: now, with a time zone.
        progress: called with each repository's name when its year is over.

    Raises:
        InvalidInput: the calendar ends before the year does.
    """
    if at.year > _LAST_YEAR:
        problem = Problem("--at", at.isoformat(), "the calendar ends too soon after that", "use an earlier time")
        raise InvalidInput("the command line", [problem])
    kept = [Level()] * (DAYS + 1)
    everything = [Level()] * (DAYS + 1)
    over_quota: list[str] = []
    done: dict[tuple[Document | None, Pushes], tuple[list[Level], list[Level]]] = {}
    for repository in repositories:
        # repositories that begin empty and are treated alike have the same year
        key = (repository.policy, repository.pushes)
        years = None if repository.images else done.get(key)
        if years is None:
            years = simulate(repository, at)
            if not repository.images:
                done[key] = years
        if max(level.images for level in years[0]) > QUOTA:
            over_quota.append(repository.name)
        kept = [ours.plus(own) for ours, own in zip(kept, years[0], strict=True)]
        everything = [ours.plus(own) for ours, own in zip(everything, years[1], strict=True)]
        progress(repository.name)
    days = [
        Day(
            number,
            ours,
            whole,
            prices.monthly(ours.standard, ours.archived),
            prices.monthly(whole.standard, whole.archived),
        )
        for number, (ours, whole) in enumerate(zip(kept, everything, strict=True))
    ]
    return Forecast(at, tuple(repositories), prices, tuple(days), tuple(over_quota))


def simulate(repository: Repository, at: datetime) -> tuple[list[Level], list[Level]]:
    """Go through a repository's year day by day.

    Returns:
        What is stored now and at the end of each day, with the repository's lifecycle and without any.
    """
    coming = _coming(repository.pushes, at)
    everything = [_level(repository.images)]
    for pushed in coming:
        everything.append(everything[-1].plus(_level(pushed)))
    if repository.policy is None:
        return everything, everything
    return _under(repository.policy, repository.images, coming, at), everything


def _under(policy: Document, images: Sequence[Image], coming: Sequence[Sequence[Image]], at: datetime) -> list[Level]:
    """Evaluate a policy at the end of every day, over the images on which it may act or that it counts.

    The others wait until the day on which a rule may act on them: to evaluate them changes nothing before, and they are
    most of a large repository.
    """
    named = _named(images)
    there = [image for image in images if not _alone(image, named)]
    waiting: dict[int, list[Image]] = defaultdict(list)
    asleep = Level()
    levels = [_level(images)]
    arriving = [image for image in images if _alone(image, named)]
    for day, pushed in enumerate(coming, start=1):
        for image in (*arriving, *pushed):
            first = _first_day(policy, image, at)
            if first is not None and first <= day:
                there.append(image)
            else:
                asleep = asleep.plus(_level([image]))
                if first is not None:
                    waiting[first].append(image)
        woken = waiting.pop(day, [])
        asleep = asleep.minus(_level(woken))
        there += woken
        moment = at + timedelta(days=day)
        decisions = evaluate(policy, there, moment).decisions
        arriving = []
        there = []
        for decision in decisions:
            if decision.outcome == "keep":
                there.append(decision.image)
            elif decision.outcome == "archive":
                archived = replace(decision.image, status="ARCHIVED", archived_at=moment)
                (arriving if _alone(archived, named) else there).append(archived)
        levels.append(_level((*there, *arriving)).plus(asleep))
    return levels


def _alone(image: Image, named: frozenset[str]) -> bool:
    """Whether no other image has a say in what becomes of an image, as manifest lists and subjects have."""
    entangled = image.references != () or image.subject is not None or image.status == "ACTIVATING"
    return not entangled and image.digest not in named


def _named(images: Sequence[Image]) -> frozenset[str]:
    """The digests that images name: those that they list, and those that they are about."""
    return frozenset(
        digest
        for image in images
        for digest in (*(image.references or ()), *([image.subject] if image.subject else []))
    )


def _first_day(policy: Document, image: Image, at: datetime) -> int | None:
    """The first day on which a policy may act on an image, by its age; 0 where it counts it, nothing where it never does."""
    archived = image.status == "ARCHIVED"
    rules = [
        rule for rule in policy.rules if (rule.storage_class == "archive") == archived and rule.selects(image.tags)
    ]
    if not rules:
        return None
    since = image.archived_at if archived else min(image.pushed_at, image.pulled_at or image.pushed_at)
    if since is None or any(rule.count_type == "imageCountMoreThan" for rule in rules):
        return 0
    # of the rules that select an image the first one alone acts on it
    return math.floor((since - at) / timedelta(days=1) + rules[0].count_number)


def _coming(pushes: Pushes, at: datetime) -> list[list[Image]]:
    """The images of each day of the year, in the order in which they are pushed."""
    days: list[list[Image]] = [[] for _ in range(DAYS)]
    for index, stream in enumerate(pushes.streams):
        for number in range(math.ceil(stream.per_day * DAYS)):
            # in the middle of its share of time: one image in two days comes after one day
            after = (number + 0.5) / stream.per_day
            if after >= DAYS:
                break
            shape = stream.shapes[number % len(stream.shapes)]
            pushed = at + timedelta(days=after)
            days[int(after)].append(
                Image(
                    digest=f"forecast:{index}:{number}",
                    pushed_at=pushed,
                    tags=shape.numbered(number),
                    # until then its last pull is later than any instant that is asked for, so that it is no age yet
                    pulled_at=pushed + timedelta(days=pushes.pulled_for_days),
                    size=shape.size,
                )
            )
    for images in days:
        images.sort(key=lambda image: image.pushed_at)
    return days


def _level(images: Sequence[Image]) -> Level:
    archived = sum(image.size for image in images if image.status == "ARCHIVED")
    return Level(len(images), sum(image.size for image in images) - archived, archived)
