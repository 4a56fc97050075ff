"""Two stack files of a project that would fight over one account's registry say so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from ecr_stack.project.claims import rival_claims
from ecr_stack.project.stack_file import read_project, read_stack

SCANNING = {"type": "BASIC", "rules": [{"frequency": "SCAN_ON_PUSH", "filters": ["*"]}]}


def claims(folder: Path, one: dict[str, Any], two: dict[str, Any]) -> list[str]:
    (folder / "Pulumi.yaml").write_text("name: ecr-stack\nruntime: python\n")
    for name, config in (("one", one), ("two", two)):
        common = {"aws:region": "us-east-1", "ecr-stack:environment": name, "ecr-stack:repositories": {"api": {}}}
        (folder / f"Pulumi.{name}.yaml").write_text(yaml.safe_dump({"config": {**common, **config}}))
    project = read_project(folder)
    return [problem.place for problem in rival_claims(project, read_stack(project, "one"))]


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
    ],
)
def test_what_an_account_has_once_is_claimed_by_one_stack(
    tmp_path: Path, one: dict[str, Any], two: dict[str, Any], places: set[str]
) -> None:
    assert set(claims(tmp_path, one, two)) == places
