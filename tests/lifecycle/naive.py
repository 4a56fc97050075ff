"""A second implementation of AWS's evaluation rules: one image at a time, by definition, however slow.

It shares no code with the first. https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from ecr_stack.aws.lifecycle import Image


def outcome(document: dict[str, Any], images: list[Image], at: datetime, image: Image) -> tuple[str, int | None]:
    """What happens to one image, and by which rule."""
    by_digest = {other.digest: other for other in images}
    if image.subject in by_digest:
        kept = ("keep", None)
        action = outcome(document, images, at, by_digest[image.subject])
        return kept if action[0] == "keep" or (action[0] == "archive" and image.status != "ACTIVE") else action
    rules = sorted(document["rules"], key=lambda rule: rule["rulePriority"])
    owner = first_rule(rules, image)
    if owner is None or not marks(owner, rules, images, at, image):
        return "keep", None
    if listed(images, image):
        return "keep", None
    return ("expire" if owner["action"]["type"] == "expire" else "archive"), owner["rulePriority"]


def identifies(rule: dict[str, Any], image: Image) -> bool:
    select = rule["selection"]
    if (image.status == "ARCHIVED") != (select.get("storageClass") == "archive"):
        return False
    if select["tagStatus"] == "any":
        return True
    if select["tagStatus"] == "untagged":
        return len(image.tags) == 0
    wanted = [f"{prefix}*" for prefix in select.get("tagPrefixList", [])] + select.get("tagPatternList", [])
    return all([tag for tag in image.tags if like(tag, pattern)] for pattern in wanted)


def like(tag: str, pattern: str) -> bool:
    """Whether a tag is like a pattern, of which only `*` is not itself."""
    if pattern[:1] == "*":
        return like(tag, pattern[1:]) or (tag != "" and like(tag[1:], pattern))
    if pattern == "" or tag == "":
        return pattern == tag
    return pattern[0] == tag[0] and like(tag[1:], pattern[1:])


def first_rule(rules: list[dict[str, Any]], image: Image) -> dict[str, Any] | None:
    if image.status == "ACTIVATING":
        return None
    return next((rule for rule in rules if identifies(rule, image)), None)


def listed(images: list[Image], image: Image) -> bool:
    """Whether a manifest list that is not in the archive refers to an image."""
    return any(image.digest in (other.references or ()) and other.status != "ARCHIVED" for other in images)


def order(image: Image, at: datetime) -> datetime:
    if image.status == "ACTIVATING":
        return at
    return image.activated_at or image.pushed_at


def marks(rule: dict[str, Any], rules: list[dict[str, Any]], images: list[Image], at: datetime, image: Image) -> bool:
    select = rule["selection"]
    if select["countType"] == "imageCountMoreThan":
        subjects = {other.digest for other in images}
        ahead = 0
        for other in images:
            if other is image or other.subject in subjects or not identifies(rule, other):
                continue
            if order(other, at) != order(image, at):
                ahead += order(other, at) > order(image, at)
            elif first_rule(rules, other) is not rule or listed(images, other) != listed(images, image):
                ahead += first_rule(rules, other) is not rule or listed(images, other)
            else:
                ahead += other.digest < image.digest
        return ahead >= select["countNumber"]
    if select["countType"] == "sinceImagePushed":
        since = order(image, at)
    elif select["countType"] == "sinceImagePulled":
        since = image.pulled_at or order(image, at)
        if image.pulled_at and image.activated_at:
            since = max(image.pulled_at, image.activated_at)
    else:
        since = image.archived_at or order(image, at)
    return (at - since) > timedelta(days=select["countNumber"])
