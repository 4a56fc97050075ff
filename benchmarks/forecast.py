"""Measures the forecast of a year for five repositories with twenty builds a day each.

python benchmarks/forecast.py
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from ecr_stack.aws.lifecycle import parse_document
from ecr_stack.operations.forecast import Repository, forecast
from ecr_stack.operations.prices import overridden
from ecr_stack.operations.pushes import parse_pushes


def rule(priority: int, pattern: str, count: dict[str, Any]) -> dict[str, Any]:
    selection = {"tagStatus": "tagged", "tagPatternList": [pattern], **count}
    return {"rulePriority": priority, "selection": selection, "action": {"type": "expire"}}


DOCUMENT = parse_document(
    {
        "rules": [
            rule(1, "v*", {"countType": "imageCountMoreThan", "countNumber": 10}),
            rule(2, "sha-*", {"countType": "sinceImagePushed", "countUnit": "days", "countNumber": 30}),
        ]
    }
)

if __name__ == "__main__":
    repositories = [Repository(f"r{number}", DOCUMENT, parse_pushes(f"v=0.5,sha-=2{number}")) for number in range(5)]
    began = time.perf_counter()
    result = forecast(repositories, overridden("0.1", "us-east-1"), datetime(2026, 1, 1, tzinfo=UTC))
    print(f"{len(result.days)} days, {len(repositories)} repositories: {time.perf_counter() - began:.2f} s")
