"""`ecr-stack lifecycle`, as scripts and people use it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
POLICY = {
    "rules": [
        {
            "rulePriority": 1,
            "selection": {
                "tagStatus": "tagged",
                "tagPrefixList": ["v"],
                "countType": "imageCountMoreThan",
                "countNumber": 1,
            },
            "action": {"type": "expire"},
        },
        {
            "rulePriority": 2,
            "selection": {
                "tagStatus": "any",
                "countType": "sinceImagePulled",
                "countUnit": "days",
                "countNumber": 30,
            },
            "action": {"type": "transition", "targetStorageClass": "archive"},
        },
    ]
}
IMAGES = {
    "imageDetails": [
        {
            "imageDigest": "sha256:a",
            "imageTags": ["v1"],
            "imagePushedAt": "2026-01-01T00:00:00Z",
            "imageSizeInBytes": 7,
        },
        {"imageDigest": "sha256:b", "imageTags": ["v2"], "imagePushedAt": 1767312000, "imageSizeInBytes": 8},
        {"imageDigest": "sha256:c", "imagePushedAt": "2026-01-01T00:00:00+00:00", "imageSizeInBytes": 9},
    ]
}


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "policy.json").write_text(json.dumps(POLICY))
    (tmp_path / "images.json").write_text(json.dumps(IMAGES))
    return tmp_path


def run(*arguments: str, directory: Path, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    program = "from ecr_stack.cli import main; main()"
    command = [sys.executable, "-c", program, "lifecycle", *arguments]
    return subprocess.run(command, cwd=directory, input=stdin, capture_output=True, text=True, check=False)


def answer(done: subprocess.CompletedProcess[str]) -> Any:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_simulate_prints_what_expires_is_archived_and_stays(files: Path) -> None:
    options = ("--policy", "policy.json", "--images", "images.json", "--format", "json")
    assert answer(run("simulate", *options, "--at", "2026-03-01T00:00:00Z", directory=files)) == {
        "expire": [{"imageDigest": "sha256:a", "rulePriority": 1}],
        "archive": [{"imageDigest": "sha256:c", "rulePriority": 2}],
        "keep": [{"imageDigest": "sha256:b"}],
        "bytesFreed": 7,
    }
    earlier = answer(run("simulate", *options, "--at", "2026-01-10", directory=files))
    assert earlier["archive"] == []


def test_simulate_names_the_images_that_ecr_may_take_instead(files: Path) -> None:
    level = [{"imageDigest": f"sha256:{name}", "imageTags": [name], "imagePushedAt": 1_700_000_000} for name in "abc"]
    rule = {"rulePriority": 4, "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 1}}
    (files / "count.json").write_text(json.dumps({"rules": [rule | {"action": {"type": "expire"}}]}))
    options = ("--policy", "count.json", "--images", "-", "--format", "json")
    done = run("simulate", *options, directory=files, stdin=json.dumps({"imageDetails": level}))
    told = answer(done)
    assert [entry["imageDigest"] for entry in told["expire"]] == ["sha256:b", "sha256:c"]
    assert told["ties"] == [{"rulePriority": 4, "taken": ["sha256:b", "sha256:c"], "left": ["sha256:a"]}]
    assert "ECR may choose others: b; c; a" in done.stderr


def test_simulate_shows_people_the_rules_and_the_images(files: Path) -> None:
    done = run("simulate", "--policy", "policy.json", "--images", "-", directory=files, stdin=json.dumps(IMAGES))
    assert done.returncode == 0
    assert "images tagged v*" in done.stdout
    assert "sha256:a" in done.stdout
    assert "1 expired, 1 archived, 1 kept" in done.stdout


def test_simulate_takes_the_policy_from_a_stack_file(files: Path) -> None:
    images = str(files / "images.json")
    options = ("--stack", "prod", "--repository", "api-gateway", "--images", images, "--format", "json")
    told = answer(run("simulate", *options, "--at", "2026-03-01", directory=ROOT))
    assert [entry["imageDigest"] for entry in told["expire"]] == ["sha256:c"], "untagged images go after a day"


def test_simulate_says_that_it_cannot_know_what_manifest_lists_refer_to(files: Path) -> None:
    images = {
        "imageDetails": [
            IMAGES["imageDetails"][0] | {"imageManifestMediaType": "application/vnd.oci.image.index.v1+json"}
        ]
    }
    done = run(
        "simulate",
        "--policy",
        "policy.json",
        "--images",
        "-",
        "--format",
        "json",
        directory=files,
        stdin=json.dumps(images),
    )
    assert answer(done)["bytesFreed"] == 0
    assert "1 image is a manifest list" in done.stderr


def test_explain_tells_what_each_rule_does_about_an_image(files: Path) -> None:
    options = ("--policy", "policy.json", "--images", "images.json", "--at", "2026-03-01", "--format", "json")
    told = answer(run("explain", "v1", *options, directory=files))
    assert told["outcome"] == "expire"
    assert [entry["verdict"] for entry in told["rules"]] == ["expires", "shielded"]
    assert run("explain", "v9", *options, directory=files).returncode == 2


def test_lint_answers_with_findings_and_exit_code_1_for_an_error(files: Path) -> None:
    good = run("lint", "policy.json", "--format", "json", directory=files)
    assert answer(good) == {"findings": []}
    broken = json.dumps(POLICY).replace("transition", "expire")
    bad = run("lint", "-", "--format", "json", directory=files, stdin=broken)
    assert bad.returncode == 1
    found = json.loads(bad.stdout)["findings"]
    assert {(entry["rulePriority"], entry["code"], entry["severity"]) for entry in found} >= {
        (2, "pulled-expires", "error"),
        (2, "target-storage-class", "error"),
    }
    assert all(entry["message"] for entry in found)


def test_lint_of_a_warning_is_no_failure(files: Path) -> None:
    doubtful = json.dumps(POLICY).replace('["v"]', '["v", "w"]')
    done = run("lint", "-", directory=files, stdin=doubtful)
    assert done.returncode == 0
    assert "several-tags" in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("simulate", "--images", "images.json"),
        ("simulate", "--images", "images.json", "--stack", "prod"),
        ("simulate", "--images", "images.json", "--policy", "policy.json", "--stack", "prod"),
        ("simulate", "--images", "none.json", "--policy", "policy.json"),
        ("simulate", "--images", "policy.json", "--policy", "policy.json"),
        ("simulate", "--images", "images.json", "--policy", "images.json"),
        ("simulate", "--images", "images.json", "--policy", "."),
        ("simulate", "--images", "images.json", "--policy", "policy.json", "--at", "noon"),
        ("lint", "none.json"),
    ],
)
def test_what_cannot_be_carried_out_is_exit_code_2_and_a_message(arguments: tuple[str, ...], files: Path) -> None:
    done = run(*arguments, directory=files)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ")
    assert "mistake in ecr-stack" not in done.stderr
