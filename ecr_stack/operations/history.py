"""What was pushed lately, from the images that are there.

Images that a lifecycle policy has removed are not there any more: of a scheme that goes after 7 days one sees 7 days,
not 90. So the days that a scheme's images are counted over are those for which none of them can be gone: at most 90, at
most the age of the repository's oldest image, at most the days after which the policy in force expires the scheme, and
where it keeps the last so many and that many are there, the age of the oldest of them.

What counts as one scheme is read off the tags: what stands before a digit or a separator (`v1.2` is `v`, `sha-0f3` is
`sha-`), bare commit hashes, and numbers. A tag that is a plain word (`latest`, `main`) moves from image to image: an
image is counted by its other tags, and as untagged where it has none, which is what it is once the tag has moved on.
Signatures and the platforms of a manifest list, where it is known what it lists, count as part of their image.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from ecr_stack.aws.lifecycle import Document, Image, NativeRule
from ecr_stack.errors import counted
from ecr_stack.operations.pushes import MAX_PER_DAY, UNTAGGED, Shape, Stream

__all__ = ["WINDOW", "WORDS", "scheme_of", "streams_of"]

WINDOW = 90
"""Days of history that are looked at."""
_DAY = timedelta(days=1)
_SAMPLES = 200
"""So many images of a scheme are pushed again in turn; more would not make sizes truer."""

_HASHES, _NUMBERS = "commit hashes", "numbers"
WORDS = (_HASHES, _NUMBERS)
"""The schemes that have no prefix."""

_HASH = re.compile(r"(?=.*[0-9])[0-9a-f]{7,64}")
_PREFIX = re.compile(r"[A-Za-z]+(?=[0-9])|[A-Za-z0-9]*?[A-Za-z][A-Za-z0-9]*[-_.]")


def scheme_of(tag: str) -> str | None:
    """The tag scheme that a tag belongs to; nothing for a tag that moves."""
    if _HASH.fullmatch(tag):
        return _NUMBERS if tag.isdigit() else _HASHES
    if tag[:1].isdigit():
        return _NUMBERS
    match = _PREFIX.match(tag)
    return match[0] if match else None


def streams_of(images: Sequence[Image], policy: Document | None, at: datetime) -> list[Stream]:
    """Read off images which were pushed, and how often.

    Args:
        images: all images of a repository.
        policy: the lifecycle policy that has been in force; nothing where there was none or it is not known.
        at: the instant, with a time zone.

    Returns:
        One stream for each set of tag schemes that images have, the busiest first. Its shapes are those images.
    """
    whole = _with_parts(images)
    if not whole:
        return []
    oldest = min(image.pushed_at for image in whole)
    groups: dict[str, list[Image]] = {}
    for image in whole:
        schemes = {tag: scheme_of(tag) for tag in image.tags}
        kept = tuple(tag for tag, scheme in schemes.items() if scheme is not None)
        name = " + ".join(sorted({scheme for scheme in schemes.values() if scheme is not None})) or UNTAGGED
        groups.setdefault(name, []).append(replace(image, tags=kept))
    streams = []
    for name, group in groups.items():
        days = _days(group, whole, policy, oldest, at)
        recent = [image for image in group if at - image.pushed_at <= days * _DAY]
        if not recent:
            continue
        recent.sort(key=lambda image: (image.pushed_at, image.digest), reverse=True)
        many = counted(len(recent), "image")
        streams.append(
            Stream(
                name,
                min(len(recent) / days, MAX_PER_DAY),
                tuple(Shape(image.tags, image.size) for image in recent[:_SAMPLES]),
                f"{many} in the last {counted(round(days), 'day')}",
            )
        )
    return sorted(streams, key=lambda stream: (-stream.per_day, stream.name))


def _days(
    group: Sequence[Image], images: Sequence[Image], policy: Document | None, oldest: datetime, at: datetime
) -> float:
    """The days for which all images of a group that were pushed are still there."""
    days = min(float(WINDOW), (at - oldest) / _DAY)
    rule = _owner(policy, group[0])
    if rule is not None and rule.action == "expire":
        if rule.count_type == "sinceImagePushed":
            days = min(days, float(rule.count_number))
        elif sum(rule.selects(image.tags) for image in images) >= rule.count_number:
            days = min(days, (at - min(image.pushed_at for image in group)) / _DAY)
    return max(1.0, days)


def _owner(policy: Document | None, image: Image) -> NativeRule | None:
    rules = policy.rules if policy else ()
    return next((rule for rule in rules if rule.storage_class == "standard" and rule.selects(image.tags)), None)


def _with_parts(images: Sequence[Image]) -> list[Image]:
    """Images with the sizes of their signatures and platforms, which do not stand by themselves."""
    by_digest = {image.digest: image for image in images}
    owner = {digest: image.digest for image in images for digest in image.references or () if digest in by_digest}
    owner |= {image.digest: image.subject for image in images if image.subject in by_digest}
    sizes = {image.digest: image.size for image in images}
    for part in owner:
        whole, seen = part, {part}
        while whole in owner and owner[whole] not in seen:
            whole = owner[whole]
            seen.add(whole)
        if whole != part:
            sizes[whole] += by_digest[part].size
    return [replace(image, size=sizes[image.digest]) for image in images if image.digest not in owner]
