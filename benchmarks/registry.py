"""Measures how time and memory of commands grow with a registry: 2,000 repositories with 200,000 images, half, a quarter.

python benchmarks/registry.py                   # every command
python benchmarks/registry.py doctor            # one of them

A function in the process generates ECR's responses, so only the commands are measured. Each line is a separate process:
CPU seconds and peak memory.
"""

from __future__ import annotations

import io
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import redirect_stdout, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from botocore.client import BaseClient
from botocore.exceptions import ClientError

PROJECT = Path(__file__).parent.parent
NOW = datetime.now(UTC)
PER_REPOSITORY = 100
SIZES = (500, 1000, 2000)
COMMANDS = {
    "images list": ["images", "list", "--region", "us-east-1", "--format", "csv"],
    "images list --sort size --limit 20": [
        "images",
        "list",
        "--region",
        "us-east-1",
        "--sort",
        "size",
        "--limit",
        "20",
    ],
    "repositories list": ["repositories", "list", "--region", "us-east-1"],
    "doctor": ["doctor", "--stack", "big"],
    "scan report": ["scan", "report", "--stack", "big", "--format", "json"],
}

LIFECYCLE = {
    "rules": [
        {
            "rulePriority": 1,
            "selection": {
                "tagStatus": "tagged", "tagPatternList": ["v*"], "countType": "imageCountMoreThan", "countNumber": 10,
            },
            "action": {"type": "expire"},
        }
    ]
}  # fmt: skip


def details(repository: str, number: int) -> dict[str, Any]:
    """One image: a signature, an untagged image, or a release."""
    kind = number % 5
    found: dict[str, Any] = {
        "registryId": "123456789012",
        "repositoryName": repository,
        "imageDigest": f"sha256:{abs(hash((repository, number))):064x}",
        "imagePushedAt": NOW - timedelta(hours=number),
        "imageSizeInBytes": 50_000_000 + number,
        "imageManifestMediaType": "application/vnd.oci.image.manifest.v1+json",
        "imageStatus": "ACTIVE",
    }
    if kind:
        found["imageTags"] = [f"{'v' if kind == 1 else 'sha-'}{number}"]
        found["lastRecordedPullTime"] = NOW - timedelta(hours=number // 2)
    return found


def answer(repositories: int, operation: str, asked: dict[str, Any]) -> dict[str, Any]:
    """The responses of ECR and other services."""
    name = asked.get("repositoryName", "")
    match operation:
        case "GetCallerIdentity":
            return {"Account": "123456789012", "Arn": "arn:aws:iam::123456789012:user/me", "UserId": "me"}
        case "DescribeRepositories":
            return {"repositories": [described(f"team/r{number:05}") for number in range(repositories)]}
        case "DescribeImages":
            if asked.get("imageIds"):
                return {"imageDetails": [details(name, 1)]}
            return {"imageDetails": [details(name, number) for number in range(PER_REPOSITORY)]}
        case "ListTagsForResource":
            return {"tags": [{"Key": "ManagedBy", "Value": "Pulumi"}]}
        case "DescribeRegistry":
            return {"registryId": "123456789012", "replicationConfiguration": {"rules": []}}
        case "GetRegistryScanningConfiguration":
            return {"registryId": "123456789012", "scanningConfiguration": {"scanType": "BASIC", "rules": []}}
        case "ListCostAllocationTags":
            return {"CostAllocationTags": []}
        case "DescribeImageScanFindings":
            found = {"imageScanCompletedAt": NOW, "findingSeverityCounts": {"HIGH": 1}, "findings": []}
            return {"imageScanStatus": {"status": "COMPLETE"}, "imageScanFindings": found}
        case "GetLifecyclePolicy":
            return {"repositoryName": name, "lifecyclePolicyText": json.dumps(LIFECYCLE)}
        case "BatchGetImage":
            return {"images": [], "failures": []}
    code = "RepositoryPolicyNotFoundException"
    raise ClientError({"Error": {"Code": code, "Message": "there is none"}}, operation)


def described(name: str) -> dict[str, Any]:
    return {
        "repositoryArn": f"arn:aws:ecr:us-east-1:123456789012:repository/{name}",
        "registryId": "123456789012",
        "repositoryName": name,
        "repositoryUri": f"123456789012.dkr.ecr.us-east-1.amazonaws.com/{name}",
        "createdAt": NOW,
        "imageTagMutability": "MUTABLE",
    }


class Nowhere(io.TextIOBase):
    """Counts the output and discards it."""

    size = 0

    def write(self, text: str) -> int:
        self.size += len(text)
        return len(text)


def measure(command: str, repositories: int) -> None:
    """Run one command in this process, and print its time and memory."""

    def call(_: BaseClient, operation: str, asked: dict[str, Any]) -> dict[str, Any]:
        return answer(repositories, operation, asked)

    BaseClient._make_api_call = call  # type: ignore[method-assign]
    from ecr_stack.cli.app import app

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.process_time()
    out = Nowhere()
    with redirect_stdout(out), suppress(SystemExit):
        app(COMMANDS[command], standalone_mode=False)
    seconds = time.process_time() - began
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(
        f"{seconds:8.2f} s {most / 1024:7.0f} MiB, {(most - before) / 1024:5.0f} more; {out.size / 1e6:6.2f} MB written"
    )


def main(chosen: list[str]) -> None:
    """Measure commands with registries of each size."""
    with tempfile.TemporaryDirectory() as folder:
        for file in ("Pulumi.yaml", "__main__.py"):
            (Path(folder) / file).write_text((PROJECT / file).read_text())
        environment = {
            **os.environ, "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "PYTHONHASHSEED": "0",
        }  # fmt: skip
        for command in chosen or COMMANDS:
            print(command)
            for repositories in SIZES:
                config = {
                    "aws:region": "us-east-1",
                    "ecr-stack:environment": "big",
                    "ecr-stack:repositories": {f"team/r{number:05}": {} for number in range(repositories)},
                }
                (Path(folder) / "Pulumi.big.yaml").write_text(yaml.safe_dump({"config": config}))
                asked = [sys.executable, __file__, "--measure", command, str(repositories)]
                done = subprocess.run(asked, cwd=folder, env=environment, capture_output=True, text=True, check=False)
                told = done.stdout.strip() or done.stderr[-2000:]
                print(f"  {repositories:5,} repositories, {repositories * PER_REPOSITORY:7,} images: {told}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        measure(sys.argv[2], int(sys.argv[3]))
    else:
        main(sys.argv[1:])
