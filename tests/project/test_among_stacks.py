"""Stack files of a project are held against one another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from ecr_stack.project.among_stacks import problems_among_stacks
from ecr_stack.project.stack_file import read_project, read_stack

SCANNING = {"type": "BASIC", "rules": [{"frequency": "SCAN_ON_PUSH", "filters": ["*"]}]}


def claims(folder: Path, one: dict[str, Any], two: dict[str, Any]) -> list[str]:
    (folder / "Pulumi.yaml").write_text("name: ecr-stack\nruntime: python\n")
    for name, config in (("one", one), ("two", two)):
        common = {"aws:region": "us-east-1", "ecr-stack:environment": name, "ecr-stack:repositories": {"api": {}}}
        (folder / f"Pulumi.{name}.yaml").write_text(yaml.safe_dump({"config": {**common, **config}}))
    project = read_project(folder)
    return [problem.place for problem in problems_among_stacks(project, read_stack(project, "one"))]


A, B = ({"aws:allowedAccountIds": [account]} for account in ("111122223333", "444455556666"))
WIDE = {"ecr-stack:scanning": SCANNING, "ecr-stack:registryAccess": {"accounts": ["999988887777"]}}


@pytest.mark.parametrize(
    ("one", "two", "places"),
    [
        (WIDE, WIDE, {"ecr-stack:scanning", "ecr-stack:registryAccess"}),
        ({**WIDE, **A}, {**WIDE, **A}, {"ecr-stack:scanning", "ecr-stack:registryAccess", "ecr-stack:repositories"}),
        ({**WIDE, **A}, {**WIDE, **B}, set()),
        ({**WIDE, "aws:region": "eu-west-1"}, WIDE, set()),
        (WIDE, {}, set()),
        ({**A, "ecr-stack:namePrefix": "one/"}, A, set()),
        (A, A, {"ecr-stack:repositories"}),
        # in Regions to which one of them replicates, too
        (
            {**WIDE, **A, "ecr-stack:replication": {"rules": [{"destinations": [{"region": "eu-west-1"}]}]}},
            {**WIDE, **A, "aws:region": "eu-west-1"},
            {"ecr-stack:scanning", "ecr-stack:registryAccess", "ecr-stack:repositories"},
        ),
        # the other half of a replication between accounts
        (
            {**B, "aws:region": "eu-west-1"},
            {
                **A,
                "ecr-stack:replication": {
                    "rules": [{"destinations": [{"region": "eu-west-1", "registryId": "444455556666"}]}]
                },
            },
            {"ecr-stack:registryAccess.replicationFrom"},
        ),
    ],
)
def test_what_an_account_has_once_is_claimed_by_one_stack(
    tmp_path: Path, one: dict[str, Any], two: dict[str, Any], places: set[str]
) -> None:
    assert set(claims(tmp_path, one, two)) == places
