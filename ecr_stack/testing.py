"""Test helpers for your own programs with the embedded AWS: no account, credentials, network or Pulumi CLI.

Requires the extra `rehearsal`: `pip install 'ecr-stack[rehearsal]'`. `pytest_plugins = ["ecr_stack.testing"]` in
`conftest.py` adds the fixture `embedded_aws`. See docs/how-to/testing.md for examples.
"""

from __future__ import annotations

import difflib
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ecr_stack.aws.lifecycle.evaluate import Evaluation, evaluate
from ecr_stack.aws.lifecycle.images import parse_images
from ecr_stack.errors import NotFound, needing_extra

with needing_extra():
    from ecr_stack.embedded_aws import EmbeddedAws
    from ecr_stack.rehearsal.monitor import AwsRefused, HookFailed
    from ecr_stack.rehearsal.program import ProgramFailed, rehearse_program
    from ecr_stack.rehearsal.report import UNKNOWN_VALUE, Report, ResourceRecord, Unchecked, Violation

__all__ = [
    "UNKNOWN_VALUE",
    "AwsRefused",
    "EmbeddedAws",
    "HookFailed",
    "ProgramFailed",
    "Report",
    "ResourceRecord",
    "Unchecked",
    "Violation",
    "access",
    "assert_matches_snapshot",
    "dependencies",
    "rehearse_program",
    "simulate_lifecycle",
]

UPDATE = "ECR_STACK_UPDATE_SNAPSHOTS"
"""The environment variable with which, if it is not empty, `assert_matches_snapshot` writes the files."""


def dependencies(report: Report) -> dict[str, list[str]]:
    """Return the dependency graph of a report.

    Resources are named `Type name`, e.g. `Repository api`; the stack itself is omitted. Keys and lists are sorted.
    """
    names = {each.urn: f"{each.type.rsplit(':', 1)[-1]} {each.name}" for each in report.resources}
    return {
        names[each.urn]: sorted(names.get(urn, urn) for urn in each.dependencies)
        for each in sorted(report.resources, key=lambda each: names[each.urn])
        if each.type != "pulumi:pulumi:Stack"
    }


def access(report: Report, principal: str, action: str, repository: str, region: str | None = None) -> str:
    """Return whether a principal may perform an action on a repository, according to the program's policies.

    Args:
        report: the rehearsal.
        principal: `role/NAME`, an ARN, an account id, a service such as `lambda.amazonaws.com`, or an organization.
        action: `pull`, `push`, or an action such as `ecr:PutImage`.
        repository: the repository's name in ECR.
        region: the Region of the repository or of a replica of it. Default: the stack's.

    Returns:
        `ALLOWED`, `CONDITIONAL`, `NOT_ALLOWED` or `DENIED`, as in `ecr-stack access`.

    Raises:
        NotFound: the program does not create the repository.
    """
    from ecr_stack.aws.iam.evaluation import Principal
    from ecr_stack.aws.iam.matrix import matrix
    from ecr_stack.rehearsal.policy_inventory import policy_inventory

    inventory = policy_inventory(report)
    who = Principal.of(principal, inventory.account, inventory.partition)
    actions = sorted({*inventory.actions(), *([action] if ":" in action else [])})
    for cell in matrix(inventory, [who], actions):
        if cell.repository.name == repository and cell.repository.region == (region or report.region):
            answer = cell.ability(action)
            if answer is not None:
                return answer.verdict.value
    raise NotFound(f"the program does not create a repository `{repository}` in {region or report.region}")


def simulate_lifecycle(
    report: Report, repository: str, images: Sequence[Mapping[str, Any]], at: datetime | None = None
) -> Evaluation:
    """Return what the lifecycle policy of a repository does to images.

    Args:
        report: the rehearsal.
        repository: the repository's name in ECR.
        images: image details as `aws ecr describe-images` prints them (`imageDigest`, `imageTags`, `imagePushedAt`, …).
        at: the time of the evaluation. Default: now.

    Returns:
        `expire`, `archive` and `keep`: lists of decisions, each with its `image` and its `rule_priority`.

    Raises:
        NotFound: the program does not create a lifecycle policy for the repository.
    """
    for each in report.resources:
        if each.type == "aws:ecr/lifecyclePolicy:LifecyclePolicy" and each.outputs.get("repository") == repository:
            return evaluate(str(each.outputs["policy"]), parse_images(images), at or datetime.now(UTC))
    raise NotFound(f"the program does not create a lifecycle policy for the repository `{repository}`")


def assert_matches_snapshot(report: Report, file: Path | str) -> None:
    """Compare a report with a stored snapshot, and fail with the difference.

    If the file does not exist, or the environment variable `ECR_STACK_UPDATE_SNAPSHOTS` is not empty, the file is written
    instead: review and commit it. Run-specific ids, the duration and the number of API calls are not compared.

    Raises:
        AssertionError: the report differs.
    """
    path = Path(file)
    found = _snapshot(report)
    if not path.exists() or os.environ.get(UPDATE):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(found, encoding="utf-8")
        return
    kept = path.read_text(encoding="utf-8")
    if kept != found:
        difference = "\n".join(
            difflib.unified_diff(kept.splitlines(), found.splitlines(), str(path), "this run", lineterm="", n=4)
        )
        raise AssertionError(
            f"the report differs from the snapshot; to update the snapshot, set {UPDATE}=1\n{difference}"
        )


_RUN_SPECIFIC = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\bmrk-[0-9a-f]{32}\b|\bA(?:RO|NP)A[0-9A-Z]{10,}\b"
    r"|(?P<secret>arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[\w/+=.@-]+-)[0-9A-Za-z]{6}(?![\w/+=.@-])"
)
_TIMES = frozenset({"createDate", "uniqueId"})


def _snapshot(report: Report) -> str:
    """Format a snapshot: one property per line, run-specific ids numbered by first appearance."""
    numbers: dict[str, str] = {}
    kept = {
        "resources": [
            {
                "urn": each.urn,
                "inputs": each.inputs,
                "outputs": {key: value for key, value in each.outputs.items() if key not in _TIMES},
                "dependencies": each.dependencies,
                "options": each.options,
            }
            for each in report.resources
        ],
        "outputs": report.outputs,
        "violations": [vars(each) for each in report.violations],
        "unchecked": [vars(each) for each in report.unchecked],
    }
    text = json.dumps(kept, indent=2, sort_keys=True, ensure_ascii=False)

    def numbered(match: re.Match[str]) -> str:
        return (match["secret"] or "") + numbers.setdefault(match[0], f"(id {len(numbers) + 1})")

    return _RUN_SPECIFIC.sub(numbered, text) + "\n"


try:
    import pytest
except ModuleNotFoundError:  # only the fixture needs it
    pass
else:

    @pytest.fixture
    def embedded_aws() -> Iterator[EmbeddedAws]:
        """An empty account 123456789012 in us-east-1, with ECR, KMS, IAM and STS."""
        with EmbeddedAws(account="123456789012", region="us-east-1") as aws:
            yield aws
