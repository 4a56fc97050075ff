"""Which images a command is about, and what forbids to remove them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase

from ecr_stack.errors import counted
from ecr_stack.operations.images.catalogue import CataloguedImage

__all__ = ["Protection", "RunningImage", "Selection", "obstacle"]


@dataclass(frozen=True)
class Selection:
    """What an image must be like: all that is given holds, of several tag patterns one."""

    tags: tuple[str, ...] = ()
    """Patterns with `*`, `?` and `[…]`; one of the image's tags matches one of them."""
    untagged: bool = False
    """Together with `tags`: either."""
    older_than: timedelta | None = None
    newer_than: timedelta | None = None
    larger_than: int | None = None
    smaller_than: int | None = None
    status: str | None = None
    """`ACTIVE`, `ARCHIVED` or `ACTIVATING`."""
    scan: str | None = None
    """A status of a scan, or `NONE`."""
    not_pulled_for: timedelta | None = None
    """An image that was never pulled counts from its push."""
    pulled_within: timedelta | None = None
    digests: frozenset[str] | None = None
    """These images and no others."""

    @property
    def is_everything(self) -> bool:
        """Whether it chooses nothing."""
        return self == Selection()

    def selects(self, image: CataloguedImage, at: datetime) -> bool:
        """Whether an image is selected at an instant."""
        top, pulled = image.top, image.pulled_at
        by_tag = any(self.matches(tag) for tag in top.tags) or (self.untagged and not top.tags)
        return (
            (by_tag or not (self.tags or self.untagged))
            and (self.digests is None or top.digest in self.digests)
            and (self.older_than is None or at - top.pushed_at > self.older_than)
            and (self.newer_than is None or at - top.pushed_at <= self.newer_than)
            and (self.larger_than is None or top.size > self.larger_than)
            and (self.smaller_than is None or top.size < self.smaller_than)
            and self.status in (None, top.status)
            and (self.scan is None or self.scan in (image.scan_status or "NONE").split(", "))
            and (self.not_pulled_for is None or at - (pulled or top.pushed_at) > self.not_pulled_for)
            and (self.pulled_within is None or (pulled is not None and at - pulled <= self.pulled_within))
        )

    def matches(self, tag: str) -> bool:
        """Whether a tag matches a pattern."""
        return any(fnmatchcase(tag, pattern) for pattern in self.tags)


@dataclass(frozen=True)
class RunningImage:
    """What Amazon Inspector says about an image's use: https://docs.aws.amazon.com/inspector/latest/user/ecr-in-use.html."""

    count: int
    """How many ECS tasks and EKS pods run it."""
    last_seen: datetime | None = None


@dataclass(frozen=True)
class Protection:
    """What keeps images that are selected."""

    pulled_within: timedelta | None = timedelta(days=30)
    in_use: bool = True
    keep_last: int = 0
    """So many of the selected images, those pushed last, stay in each repository."""


def obstacle(
    image: CataloguedImage,
    selection: Selection,
    protection: Protection,
    running: Mapping[str, RunningImage],
    going: Iterable[str],
    at: datetime,
) -> str | None:
    """Why an image must stay; `None` if it may go.

    Args:
        image: the image.
        selection: why it was selected.
        protection: what keeps images.
        running: by digest, what is in use as far as AWS knows.
        going: digests of the images that go together with it.
        at: the instant.
    """
    others = [tag for tag in image.top.tags if not selection.matches(tag)] if selection.tags else []
    if others:
        return (
            f"it is also tagged {', '.join(others[:3])}{' and more' if len(others) > 3 else ''}, which matches no "
            "pattern"
        )
    lists = [digest for digest in image.listed_by if digest not in set(going)]
    if lists:
        return f"the manifest list {lists[0]} needs it"
    if image.top.status == "ACTIVATING":
        return "it is being restored from the archive"
    if protection.in_use:
        uses = [running[each.digest] for each in image.members if each.digest in running]
        count = sum(use.count for use in uses)
        if count:
            return f"it is in use: {count:,} running task{'s' * (count > 1)} or pod{'s' * (count > 1)}"
        seen = max((use.last_seen for use in uses if use.last_seen), default=None)
        if seen and protection.pulled_within and at - seen <= protection.pulled_within:
            return f"it was in use until {seen:%Y-%m-%d}"
    pulled = image.pulled_at
    if pulled and protection.pulled_within and at - pulled <= protection.pulled_within:
        return f"it was pulled on {pulled:%Y-%m-%d}, within {counted(protection.pulled_within.days, 'day')}"
    return None
