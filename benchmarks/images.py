"""Images and ten rules to measure the lifecycle evaluator; run by `python -m benchmarks`."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from ecr_stack.aws.lifecycle import Image

AT = datetime(2026, 1, 1, tzinfo=UTC)
KINDS = ("v", "sha-", "dev-", "feature-", "release-", "build.", "main-")


def registry(count: int) -> list[Image]:
    """Images with zero to three tags, pushed over two years."""
    chance = random.Random(7)
    return [
        Image(
            digest=f"sha256:{number:064x}",
            pushed_at=AT - timedelta(seconds=chance.randrange(63_000_000)),
            tags=tuple(f"{chance.choice(KINDS)}{chance.randrange(10**6)}" for _ in range(chance.randrange(4))),
            pulled_at=AT - timedelta(seconds=chance.randrange(9_000_000)) if chance.random() < 0.5 else None,
            status="ARCHIVED" if chance.random() < 0.1 else "ACTIVE",
            archived_at=AT - timedelta(days=chance.randrange(200)),
            size=chance.randrange(10**9),
        )
        for number in range(count)
    ]


def document() -> dict[str, object]:
    """Ten rules of all kinds, including patterns with four wildcards."""
    expire, archive = {"type": "expire"}, {"type": "transition", "targetStorageClass": "archive"}
    count = {"countType": "imageCountMoreThan"}
    push = {"countType": "sinceImagePushed", "countUnit": "days"}
    pull = {"countType": "sinceImagePulled", "countUnit": "days"}
    cold = {"countType": "sinceImageTransitioned", "countUnit": "days", "storageClass": "archive"}
    rules = [
        ({"tagStatus": "tagged", "tagPrefixList": ["v"], **count, "countNumber": 500}, expire),
        ({"tagStatus": "tagged", "tagPatternList": ["release-*"], **pull, "countNumber": 60}, archive),
        ({"tagStatus": "tagged", "tagPatternList": ["*1*2*3*"], **count, "countNumber": 100}, expire),
        ({"tagStatus": "tagged", "tagPrefixList": ["dev-"], **push, "countNumber": 7}, expire),
        ({"tagStatus": "tagged", "tagPrefixList": ["feature-", "sha-"], **push, "countNumber": 14}, expire),
        ({"tagStatus": "tagged", "tagPatternList": ["*.*"], **count, "countNumber": 20}, expire),
        ({"tagStatus": "tagged", "tagPatternList": ["sha-*"], **push, "countNumber": 30}, expire),
        ({"tagStatus": "untagged", **push, "countNumber": 1}, expire),
        ({"tagStatus": "any", **push, "countNumber": 365}, archive),
        ({"tagStatus": "any", **cold, "countNumber": 90}, expire),
    ]
    return {
        "rules": [
            {"rulePriority": number, "selection": selection, "action": action}
            for number, (selection, action) in enumerate(rules, 1)
        ]
    }
