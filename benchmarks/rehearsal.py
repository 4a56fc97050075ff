"""What a rehearsal costs: the shipped dev stack, and a thousand repositories.

    .venv/bin/python benchmarks/rehearsal.py [REPOSITORIES ...]

Prints seconds and, for large stacks, milliseconds for each repository. Aims: dev under 3 s with the start of the
interpreter, a repository under 15 ms, and no more in a stack of thousands than in one of hundreds.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROJECT = Path(__file__).parent.parent
COMMAND = Path(sys.executable).parent / "ecr-stack"


def seconds(folder: Path, stack: str) -> float:
    began = time.perf_counter()
    subprocess.run(
        [COMMAND, "rehearse", "--stack", stack, "--format", "json"], cwd=folder, check=True, stdout=subprocess.DEVNULL
    )
    return time.perf_counter() - began


def large(repositories: int) -> Path:
    folder = Path(tempfile.mkdtemp())
    for name in ("Pulumi.yaml", "__main__.py"):
        shutil.copy(PROJECT / name, folder)
    shutil.copytree(PROJECT / "policies", folder / "policies")
    head, _, rest = (PROJECT / "Pulumi.dev.yaml").read_text().partition("  ecr-stack:repositories:\n")
    tail = rest[rest.index("  # How the pipelines") :]
    names = "".join(f"    team/service-{number}: {{}}\n" for number in range(repositories))
    (folder / "Pulumi.dev.yaml").write_text(f"{head}  ecr-stack:repositories:\n{names}{tail}")
    return folder


def main() -> None:
    shipped = min(seconds(PROJECT, "dev") for _ in range(3))
    print(f"dev, five repositories: {shipped:.2f} s, the best of three")
    for count in [int(argument) for argument in sys.argv[1:]] or [100, 1000]:
        folder = large(count)
        taken = seconds(folder, "dev")
        print(f"{count} repositories: {taken:.1f} s, {taken / count * 1000:.1f} ms each")
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
