"""Measures components, rehearsals, start-up and lifecycle: `make bench`, or `python -m benchmarks [REPOSITORIES ...]`.

Each measurement is a separate process. Times are CPU time (user and system) without the start of the interpreter and the
imports of the SDK; the start-up of a command is the CPU time of the whole process. The garbage collector is off, and
objects imported before are frozen. Measurements are interleaved, so that a busy machine slows all of them equally. Values
are medians of three runs, or one run above 2,000 repositories. Writes `docs/reference/speed.json`, `.svg` and
the table in `speed.md`.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parent.parent
PAGE = PROJECT / "docs" / "reference" / "speed.md"
COMMANDS = {
    "--help": ["--help"],
    "schema": ["schema"],
    "rehearse": ["rehearse", "--stack", "dev", "--format", "json"],
}
RULE = {
    "rulePriority": 1,
    "selection": {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 1},
    "action": {"type": "expire"},
}
STATEMENT = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}, "Action": "ecr:BatchGetImage"}


def bare(repositories: int) -> None:
    """Create three plain resources per repository."""
    import pulumi_aws as aws

    lifecycle = json.dumps({"rules": [RULE]})
    policy = json.dumps({"Version": "2012-10-17", "Statement": [STATEMENT]})
    for number in range(repositories):
        name = f"team/service-{number}"
        repository = aws.ecr.Repository(name, name=name)
        aws.ecr.LifecyclePolicy(name, repository=repository.name, policy=lifecycle)
        aws.ecr.RepositoryPolicy(name, repository=repository.name, policy=policy)


def components(repositories: int) -> None:
    """Create one component per repository, with the same three resources in it."""
    from ecr_stack import Repository

    for number in range(repositories):
        Repository(
            f"team/service-{number}",
            {"lifecycle": [{"untagged": True, "expire_after_days": 1}], "access": {"pull": ["123456789012"]}},
        )


def mocked(program: Callable[[], None]) -> None:
    """Run a program with no-op mocks of the SDK, with the SDK's default threads."""
    from concurrent.futures import ThreadPoolExecutor
    from unittest.mock import patch

    from pulumi.runtime import mocks

    from ecr_stack.pulumi_sdk import MockMonitor, NoMocks, run_program

    class NoOps(NoMocks):
        def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
            return args.name, args.inputs

        def call(self, args: mocks.MockCallArgs) -> dict[str, Any]:
            account = "123456789012"
            return {"accountId": account, "arn": f"arn:aws:iam::{account}:user/me", "region": "us-east-1", **args.args}

    settings: dict[str, Any] = {"project": "p", "stack": "s", "organization": "o", "preview": False, "config": {}}
    with patch("ecr_stack.pulumi_sdk._Answers", lambda **_: ThreadPoolExecutor()):
        run_program(program, MockMonitor(NoOps()), **settings)


def rehearsed(program: Callable[[], None]) -> None:
    """Run a program in a rehearsal."""
    from ecr_stack.rehearsal import rehearse_program

    rehearse_program(program)


KINDS: Mapping[str, tuple[Callable[[Callable[[], None]], None], Callable[[int], None]]] = {
    "bare resources, mocks": (mocked, bare),
    "components, mocks": (mocked, components),
    "bare resources, rehearsal": (rehearsed, bare),
    "components, rehearsal": (rehearsed, components),
}
FLOOR = "bare resources, mocks"
COLORS = dict(zip(KINDS, ("#7a7a7a", "#1f77b4", "#d62728", "#9467bd"), strict=True))


def used() -> float:
    """CPU seconds of finished child processes."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def peak() -> float:
    """The peak memory of this process, in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def run(kind: str, size: int) -> None:
    """Measure one thing in this process, and print seconds and KiB."""
    if kind == "evaluation":
        from benchmarks.images import AT, document, registry
        from ecr_stack.aws.lifecycle import evaluate

        images = registry(size)
        measure: Callable[[], Any] = lambda: evaluate(document(), images, AT)  # noqa: E731
    else:
        import pulumi_aws as aws

        assert aws.ecr.Repository
        way, program = KINDS[kind]
        if program is components:
            import ecr_stack

            assert ecr_stack.Repository
        if way is rehearsed:
            import ecr_stack.rehearsal.program
        measure = lambda: way(lambda: program(size))  # noqa: E731
    gc.freeze()
    gc.disable()
    before, held = time.process_time(), peak()
    measure()
    print(time.process_time() - before, peak() - held)


def measured(kind: str, size: int) -> tuple[float, float, float]:
    """Seconds and KiB of one measurement in a separate process, and the seconds of that whole process."""
    before = used()
    asked = [sys.executable, "-m", "benchmarks", "--run", kind, str(size)]
    done = subprocess.run(asked, cwd=PROJECT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr[-3000:])
    seconds, memory = done.stdout.split()[-2:]
    return float(seconds), float(memory), used() - before


def command(arguments: list[str]) -> float:
    """CPU seconds of one command, including start-up."""
    before = used()
    program = str(Path(sys.executable).parent / "ecr-stack")
    subprocess.run([program, *arguments], cwd=PROJECT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return used() - before


def median(values: list[float]) -> float:
    return round(statistics.median(values), 4)


def results(sizes: list[int]) -> dict[str, Any]:
    """Measure everything."""
    found: dict[str, Any] = {"processors": os.cpu_count(), "repositories": {}}
    for size in sizes:
        times = 1 if size > 2000 else 3
        runs = [{kind: measured(kind, size) for kind in KINDS} for _ in range(times)]
        found["repositories"][str(size)] = {
            kind: {
                "seconds": median([each[kind][0] for each in runs]),
                "ratio": median([each[kind][0] / each[FLOOR][0] for each in runs]),
                "msPerRepository": median([each[kind][0] * 1000 / size for each in runs]),
                "kibPerRepository": median([each[kind][1] / size for each in runs]),
                "wholeSeconds": median([each[kind][2] for each in runs]),
                "wholeRatio": median([each[kind][2] / each[FLOOR][2] for each in runs]),
            }
            for kind in KINDS
        }
        print(size, json.dumps(found["repositories"][str(size)]), flush=True)
    found["commands"] = {name: median([command(given) for _ in range(5)]) for name, given in COMMANDS.items()}
    found["evaluation"] = {
        str(count): median([measured("evaluation", count)[0] for _ in range(3)]) for count in (1000, 10_000, 100_000)
    }
    return found


def table(found: Mapping[str, Any]) -> str:
    """Format the results as Markdown."""
    lines = [
        "| Repositories | What | CPU s | ms per repository | × floor | KiB per repository | whole process, CPU s | × floor |",
        "| ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for size, kinds in found["repositories"].items():
        for kind, row in kinds.items():
            lines.append(
                f"| {int(size):,} | {kind} | {row['seconds']:.2f} | {row['msPerRepository']:.1f}"
                f" | {row['ratio']:.2f} | {row['kibPerRepository']:,.0f} | {row['wholeSeconds']:.2f} | {row['wholeRatio']:.2f} |"
            )
    lines += ["", "| Start-up, whole process | CPU s |", "| --- | ---: |"]
    lines += [f"| `ecr-stack {' '.join(COMMANDS[name])}` | {took:.2f} |" for name, took in found["commands"].items()]
    lines += ["", "| Images, ten lifecycle rules | CPU s |", "| ---: | ---: |"]
    lines += [f"| {int(count):,} | {took:.2f} |" for count, took in found["evaluation"].items()]
    return "\n".join(lines)


def plot(found: Mapping[str, Any]) -> str:
    """Plot milliseconds per repository against the number of repositories."""
    sizes = list(found["repositories"])
    top = max(row["msPerRepository"] for kinds in found["repositories"].values() for row in kinds.values())

    def x(index: int) -> float:
        return 60 + index * 440 / max(len(sizes) - 1, 1)

    def y(value: float) -> float:
        return 240 - 210 * value / top

    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 290" font-family="sans-serif" font-size="12">',
        "<title>CPU milliseconds a repository, by the number of repositories</title>",
        '<rect width="720" height="290" fill="#fff"/>',
        '<text x="10" y="16">CPU ms a repository</text><text x="230" y="282">repositories</text>',
    ]
    for part in range(5):
        value = top * part / 4
        parts.append(f'<path d="M60 {y(value):.0f}H500" stroke="#ddd"/>')
        parts.append(f'<text x="52" y="{y(value) + 4:.0f}" text-anchor="end">{value:.1f}</text>')
    parts += [f'<text x="{x(i):.0f}" y="262" text-anchor="middle">{int(size):,}</text>' for i, size in enumerate(sizes)]
    for number, kind in enumerate(KINDS):
        points = " ".join(
            f"{x(i):.0f},{y(found['repositories'][size][kind]['msPerRepository']):.0f}" for i, size in enumerate(sizes)
        )
        parts.append(f'<polyline points="{points}" fill="none" stroke="{COLORS[kind]}" stroke-width="2"/>')
        parts.append(f'<path d="M520 {50 + 22 * number}h20" stroke="{COLORS[kind]}" stroke-width="2"/>')
        parts.append(f'<text x="546" y="{54 + 22 * number}">{kind}</text>')
    return "\n".join([*parts, "</svg>", ""])


def main(sizes: list[int]) -> None:
    """Measure, and write the results to the documentation."""
    found = results(sizes)
    PAGE.with_suffix(".json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    PAGE.with_suffix(".svg").write_text(plot(found), encoding="utf-8")
    head, _, rest = PAGE.read_text(encoding="utf-8").partition("<!-- measured -->")
    tail = rest.partition("<!-- end -->")[2]
    PAGE.write_text(f"{head}<!-- measured -->\n\n{table(found)}\n\n<!-- end -->{tail}", encoding="utf-8")
    print(table(found))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--run"]:
        run(sys.argv[2], int(sys.argv[3]))
    else:
        main([int(argument) for argument in sys.argv[1:]] or [10, 100, 1000, 5000])
