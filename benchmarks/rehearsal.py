"""What a rehearsal costs, side by side with the least that it can cost: the same program under the SDK's no-op mocks.

    .venv/bin/python benchmarks/rehearsal.py [REPOSITORIES ...]

Each run is a process of its own. What is compared is CPU time (user and system) without the start of the interpreter
and the imports: medians of three runs (five below 500 repositories), one above 2,000. The floor runs with the garbage
collector switched off, as a rehearsal does. Last, wall time of the whole command for the shipped stack `dev`.
"""

from __future__ import annotations

import gc
import json
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parent.parent
COMMAND = Path(sys.executable).parent / "ecr-stack"
RULE = {
    "rulePriority": 1,
    "selection": {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 1},
    "action": {"type": "expire"},
}
STATEMENT = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}, "Action": "ecr:BatchGetImage"}


def program(repositories: int) -> None:
    """Three resources a repository."""
    import pulumi_aws as aws

    lifecycle = json.dumps({"rules": [RULE]})
    policy = json.dumps({"Version": "2012-10-17", "Statement": [STATEMENT]})
    for number in range(repositories):
        name = f"team/service-{number}"
        repository = aws.ecr.Repository(name, name=name)
        aws.ecr.LifecyclePolicy(name, repository=repository.name, policy=lifecycle)
        aws.ecr.RepositoryPolicy(name, repository=repository.name, policy=policy)


def rehearsal(repositories: int) -> None:
    from ecr_stack.rehearsal import rehearse_program

    report = rehearse_program(lambda: program(repositories))
    assert len(report.resources) == 3 * repositories + 1
    gc.freeze()


def floor(repositories: int) -> None:
    from pulumi.runtime import mocks

    from ecr_stack.pulumi_sdk import MockMonitor, NoMocks, run_program

    class NoOps(NoMocks):
        def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
            return args.name, args.inputs

    settings: dict[str, Any] = {"project": "p", "stack": "s", "organization": "o", "preview": False, "config": {}}
    run_program(lambda: program(repositories), MockMonitor(NoOps()), **settings)


def measured(kind: str, repositories: int) -> tuple[float, float]:
    """CPU seconds and peak memory (MiB) of one run in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, "--run", kind, str(repositories)], capture_output=True, text=True, check=True
    )
    seconds, memory = done.stdout.split()[-2:]
    return float(seconds), float(memory)


def run(kind: str, repositories: int) -> None:
    import pulumi_aws as aws

    import ecr_stack.rehearsal.program

    assert ecr_stack.rehearsal.program
    assert aws.ecr.Repository
    gc.freeze()
    gc.disable()
    before = time.process_time()
    {"rehearsal": rehearsal, "floor": floor}[kind](repositories)
    used = time.process_time() - before
    print(used, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def main() -> None:
    print("repositories  rehearsal s  ms each  floor s  ratio  MiB (floor)")
    for count in [int(argument) for argument in sys.argv[1:]] or [10, 100, 500, 1000]:
        times = 1 if count > 2000 else 3 if count >= 500 else 5
        runs = {kind: [measured(kind, count) for _ in range(times)] for kind in ("rehearsal", "floor")}
        (ours, memory), (least, least_memory) = (
            (statistics.median(each[0] for each in runs[kind]), statistics.median(each[1] for each in runs[kind]))
            for kind in ("rehearsal", "floor")
        )
        print(
            f"{count:>12}  {ours:>11.2f}  {ours / count * 1000:>7.1f}  {least:>7.2f}  {ours / least:>5.1f}"
            f"  {memory:.0f} ({least_memory:.0f})",
            flush=True,
        )
    began = time.perf_counter()
    command = [COMMAND, "rehearse", "--stack", "dev", "--format", "json"]
    subprocess.run(command, cwd=PROJECT, check=True, stdout=subprocess.DEVNULL)
    print(f"the whole command for the shipped stack dev: {time.perf_counter() - began:.1f} s")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--run"]:
        run(sys.argv[2], int(sys.argv[3]))
    else:
        main()
