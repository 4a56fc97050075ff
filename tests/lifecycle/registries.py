"""Repositories and documents written shortly, for tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from ecr_stack.aws.lifecycle import Evaluation, Image, evaluate

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def ago(days: float) -> datetime:
    return AT - timedelta(days=days)


def image(name: str, *tags: str, days: float, **more: Any) -> Image:
    """An image pushed so many days ago."""
    return Image(digest=name, tags=tags, pushed_at=ago(days), **more)


def tagged(*patterns: str) -> dict[str, Any]:
    return {"tagStatus": "tagged", "tagPatternList": list(patterns)}


def prefixed(*prefixes: str) -> dict[str, Any]:
    return {"tagStatus": "tagged", "tagPrefixList": list(prefixes)}


UNTAGGED = {"tagStatus": "untagged"}
ANY = {"tagStatus": "any"}
EXPIRE = {"type": "expire"}
ARCHIVE = {"type": "transition", "targetStorageClass": "archive"}


def more_than(count: int) -> dict[str, Any]:
    return {"countType": "imageCountMoreThan", "countNumber": count}


def pushed(days: int) -> dict[str, Any]:
    return {"countType": "sinceImagePushed", "countUnit": "days", "countNumber": days}


def pulled(days: int) -> dict[str, Any]:
    return {"countType": "sinceImagePulled", "countUnit": "days", "countNumber": days}


def archived(days: int) -> dict[str, Any]:
    return {
        "countType": "sinceImageTransitioned",
        "countUnit": "days",
        "countNumber": days,
        "storageClass": "archive",
    }


def rule(
    priority: int, select: dict[str, Any], count: dict[str, Any], action: dict[str, Any] = EXPIRE
) -> dict[str, Any]:
    return {"rulePriority": priority, "selection": {**select, **count}, "action": dict(action)}


def document(*rules: dict[str, Any]) -> dict[str, Any]:
    return {"rules": list(rules)}


def outcomes(rules: dict[str, Any], *images: Image) -> dict[str, tuple[str, int | None]]:
    """What happens to each image that does not stay, and by which rule."""
    result: Evaluation = evaluate(rules, images, AT)
    return {
        decision.image.digest: (decision.outcome, decision.rule_priority)
        for decision in result.decisions
        if decision.outcome != "keep"
    }


def expired(rules: dict[str, Any], *images: Image) -> str:
    """The names of the images that expire, in order."""
    return "".join(sorted(decision.image.digest for decision in evaluate(rules, images, AT).expire))
