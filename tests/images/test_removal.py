"""Nothing that removes images surprises anybody: what is kept, what fails, what is on record, and what comes back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ecr_stack.embedded_aws import EmbeddedAws
from ecr_stack.operations.images import removal
from tests.images.conftest import NOW, REGION, answer, digests, here, old, refusal, run, tags


def prune(*arguments: str) -> tuple[int, Any]:
    return answer("images", "prune", *here("--repository", "api", "--yes", *arguments))


def record_lines() -> list[dict[str, Any]]:
    (path,) = Path().glob("ecr-stack-removed-*.jsonl")
    return [json.loads(line) for line in path.read_text().splitlines()]


def reasons(entries: list[dict[str, Any]]) -> dict[str, str]:
    return {"+".join(entry["imageTags"]): entry["reason"] for entry in entries}


def test_prune_removes_what_is_selected_and_says_what_it_keeps(aws: EmbeddedAws) -> None:
    aws.seed_images(
        "api",
        [
            old(1, "dev-1"),
            old(2, "dev-2", "v2"),
            old(3, "dev-3", lastRecordedPullTime=NOW - timedelta(days=3)),
            old(4, "dev-4", days=2),
            old(5, "v5"),
        ],
    )
    code, told = prune("--tag", "dev-*", "--older-than", "30d")
    assert code == 0
    assert [entry["imageTags"] for entry in told["removed"]] == [["dev-1"]]
    assert "v2, which matches no pattern" in reasons(told["kept"])["dev-2+v2"]
    assert "within 30 days" in reasons(told["kept"])["dev-3"]
    assert set(tags(aws)) == {"dev-2", "v2", "dev-3", "dev-4", "v5"}
    _, told = prune("--tag", "dev-*", "--older-than", "30d", "--keep-pulled-days", "0")
    assert [entry["imageTags"] for entry in told["removed"]] == [["dev-3"]]


def test_the_newest_may_be_kept(aws: EmbeddedAws) -> None:
    aws.seed_images("api", [old(number, f"v{number}", days=100 - number) for number in range(1, 6)])
    _, told = prune("--keep-last", "2")
    assert set(tags(aws)) == {"v4", "v5"}
    assert reasons(told["kept"])["v5"] == "it is among the last 2"


def test_a_dry_run_removes_nothing_and_leaves_no_record(aws: EmbeddedAws) -> None:
    aws.seed_images("api", [old(1), old(2)])
    before = digests(aws)
    code, told = answer("images", "prune", *here("--repository", "api", "--untagged", "--dry-run"))
    assert (code, told["dryRun"], len(told["removed"])) == (0, True, 2)
    assert told["removed"][0]["reason"] == "would be deleted"
    assert digests(aws) == before
    assert not list(Path().glob("*.jsonl"))
    assert aws.calls["ecr:BatchDeleteImage"] == 0


def test_without_a_terminal_nothing_is_removed_unless_told(aws: EmbeddedAws) -> None:
    aws.seed_images("api", [old(1)])
    result = run("images", "prune", *here("--repository", "api", "--untagged"), text="y\n")
    assert "add --yes" in str(result.exception)
    assert len(digests(aws)) == 1


def test_whoever_answers_no_keeps_everything(aws: EmbeddedAws) -> None:
    aws.seed_images("api", [old(1)])
    program = "from ecr_stack.cli import main; main()"
    command = [sys.executable, "-c", program, "images", "prune", *here("--repository", "api", "--untagged")]
    main, terminal = os.openpty()
    process = subprocess.Popen(
        command, stdin=terminal, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(os.environ), text=True
    )
    os.write(main, b"n\n")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1, err
    assert "nothing was removed" in err
    assert len(digests(aws)) == 1


@pytest.mark.parametrize("arguments", [["--repository", "api"], ["--untagged"]])
def test_prune_refuses_to_take_everything_or_everywhere(aws: EmbeddedAws, arguments: list[str]) -> None:
    result = run("images", "prune", *here(*arguments, "--yes"))
    assert "prune needs a" in str(result.exception)


def test_parts_of_an_image_that_stays_are_not_selected(aws: EmbeddedAws) -> None:
    aws.push_image("api", "v1", platforms=["linux/amd64", "linux/arm64"])
    aws.push_image("api", content="leftover")
    code, told = prune("--untagged", "--keep-pulled-days", "0")
    assert (code, len(told["removed"]), told["failed"]) == (0, 1, [])
    assert len(digests(aws)) == 3


def test_an_image_goes_with_its_parts_and_what_is_about_it(aws: EmbeddedAws) -> None:
    index = aws.push_image("api", "v1", platforms=["linux/amd64", "linux/arm64"])
    aws.push_image("api", content="sbom", subject=index)
    aws.push_image("api", f"sha256-{index.removeprefix('sha256:')}.sig", content="signature")
    shared = aws.push_image("api", "v2", platforms=["linux/amd64"], content="v1")
    code, told = prune("--tag", "v1", "--keep-pulled-days", "0")
    assert (code, [entry["imageDigest"] for entry in told["removed"]], told["failed"]) == (0, [index], [])
    # one platform's image is v2 too
    assert digests(aws) == {shared}


def test_what_a_manifest_list_needs_is_refused(aws: EmbeddedAws) -> None:
    aws.push_image("api", "v1", platforms=["linux/amd64", "linux/arm64"])
    _, images = answer("images", "list", *here("--repository", "api"))
    part, index = images[0]["parts"][0], images[0]["imageDigest"]
    code, told = answer("images", "delete", f"api@{part}", *here("--yes", "--keep-pulled-days", "0"))
    assert (code, told["removed"]) == (1, [])
    assert told["kept"][0] == {
        "repository": "api", "imageDigest": part, "imageTags": [], "imageSizeInBytes": told["kept"][0]["imageSizeInBytes"],
        "reason": f"the manifest list {index} needs it",
    }  # fmt: skip
    assert len(digests(aws)) == 3


def test_what_runs_somewhere_is_kept_unless_told(aws: EmbeddedAws) -> None:
    rule = {"scanFrequency": "CONTINUOUS_SCAN", "repositoryFilters": [{"filter": "*", "filterType": "WILDCARD"}]}
    aws.call("ecr", "PutRegistryScanningConfiguration", {"scanType": "ENHANCED", "rules": [rule]})
    index = aws.push_image("api", "v1", platforms=["linux/amd64", "linux/arm64"])
    image = {"type": "AWS_ECR_CONTAINER_IMAGE", "id": "x", "details": {"awsEcrContainerImage": {"inUseCount": 3}}}
    finding = {
        "packageVulnerabilityDetails": {"vulnerabilityId": "CVE-2026-1"}, "severity": "LOW", "resources": [image],
    }  # fmt: skip
    aws.seed_findings("api", "v1", [finding], platform="linux/arm64")
    code, told = answer("images", "delete", "api:v1", *here("--yes", "--keep-pulled-days", "0"))
    assert (code, told["removed"]) == (1, [])
    assert told["kept"][0]["reason"] == "it is in use: 3 running tasks or pods"
    code, told = answer("images", "delete", "api:v1", *here("--yes", "--keep-pulled-days", "0", "--allow-in-use"))
    assert (code, [entry["imageDigest"] for entry in told["removed"]]) == (0, [index])


def test_where_it_is_not_known_what_runs_it_is_said(aws: EmbeddedAws) -> None:
    aws.seed_images("api", [old(1)])
    result = run("images", "prune", *here("--repository", "api", "--untagged", "--dry-run"))
    assert "it is unknown whether images are in use" in " ".join(result.stderr.split())


def test_by_tag_only_the_tag_goes_if_the_image_has_others(aws: EmbeddedAws) -> None:
    digest = aws.push_image("api", "v1", "stable")
    code, told = answer("images", "delete", "api:stable", *here("--yes"))
    assert (code, told["removed"][0]["imageTags"]) == (0, ["stable"])
    assert tags(aws) == {"v1": digest}
    code, told = answer("images", "restore", told["record"])
    assert (code, told["restored"][0]["imageTags"]) == (0, ["stable"])
    assert tags(aws) == {"v1": digest, "stable": digest}


def test_what_was_pruned_is_restored_with_its_tags(aws: EmbeddedAws) -> None:
    index = aws.push_image("api", "v1", "stable", platforms=["linux/amd64", "linux/arm64"])
    aws.push_image("api", content="sbom", subject=index)
    before = digests(aws), tags(aws)
    _, told = prune("--tag", "v*", "--tag", "stable", "--keep-pulled-days", "0")
    assert digests(aws) == set()
    record = told["record"]
    code, told = answer("images", "restore", record)
    assert (code, told["failed"]) == (0, [])
    assert (digests(aws), tags(aws)) == before
    code, told = answer("images", "restore", record)
    assert (code, told["restored"]) == (0, [])


def test_a_tag_that_another_image_got_since_is_left_alone(aws: EmbeddedAws) -> None:
    first = aws.push_image("api", "v1", "latest", content="first")
    _, told = answer("images", "delete", "api:latest", *here("--yes"))
    second = aws.push_image("api", "latest", content="second")
    code, restored = answer("images", "restore", told["record"])
    assert code == 1
    assert f"latest is now a tag of {second}" in restored["failed"][0]["reason"]
    assert tags(aws)["latest"] == second
    code, _ = answer("images", "restore", told["record"], "--move")
    assert (code, tags(aws)["latest"]) == (0, first)


def test_archived_images_come_back(aws: EmbeddedAws) -> None:
    aws.push_image("api", "v1")
    code, told = prune("--tag", "v1", "--archive", "--keep-pulled-days", "0")
    assert (code, told["removed"][0]["reason"]) == (0, "archived")
    assert digests(aws, status="ARCHIVED")
    code, told = answer("images", "restore", told["record"])
    assert (code, len(told["restored"])) == (0, 1)
    aws.advance(timedelta(minutes=21))
    assert digests(aws, status="ACTIVE")


def test_a_record_of_another_account_or_not_a_record_is_refused(aws: EmbeddedAws) -> None:
    header = {
        "format": "ecr-stack removal record",
        "version": 1,
        "account": "999999999999",
        "region": REGION,
        "action": "delete",
    }
    Path("other.jsonl").write_text(json.dumps(header) + "\n")
    assert "the record is for account 999999999999" in str(run("images", "restore", "other.jsonl").exception)
    Path("no.jsonl").write_text("{}\n")
    assert "is not a removal record" in str(run("images", "restore", "no.jsonl").exception)


def test_images_of_another_account_or_of_several_regions_are_refused(aws: EmbeddedAws) -> None:
    other = f"999999999999.dkr.ecr.{REGION}.amazonaws.com/api:v1"
    result = run("images", "delete", other, "--yes")
    assert "the credentials are for account 123456789012" in str(result.exception)
    one, two = (f"123456789012.dkr.ecr.{region}.amazonaws.com/api:v1" for region in ("us-east-1", "eu-west-1"))
    assert "several Regions" in str(run("images", "delete", one, two, "--yes").exception)
    assert "--region" in str(
        run("images", "delete", one, "--region", "eu-west-1", "--yes").exception
    ) or "several" in str(run("images", "delete", one, "--region", "eu-west-1", "--yes").exception)
    assert aws.calls["ecr:BatchDeleteImage"] == 0


def test_hundreds_go_in_batches_and_a_batch_that_fails_is_reported(
    aws: EmbeddedAws, fail: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws.seed_images("api", [old(number) for number in range(250)])
    fail("BatchDeleteImage", [None, refusal("AccessDeniedException")])
    code, told = prune("--untagged")
    assert code == 1
    assert (len(told["removed"]), len(told["failed"])) == (100, 150)
    assert len(digests(aws)) == 150
    told_reasons = {entry["reason"] for entry in told["failed"]}
    assert any("AccessDeniedException" in reason for reason in told_reasons)
    assert any(reason.startswith("skipped after") for reason in told_reasons)
    recorded = {line["imageDigest"] for line in record_lines() if line.get("kind") == "image"}
    removed = {entry["imageDigest"] for entry in told["removed"]}
    assert removed <= recorded


def test_throttling_is_waited_out(aws: EmbeddedAws, fail: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _seconds: None)
    aws.seed_images("api", [old(number) for number in range(150)])
    fail("BatchDeleteImage", [refusal("ThrottlingException"), None, refusal("ServerException", 500)])
    code, told = prune("--untagged")
    assert (code, len(told["removed"]), told["failed"]) == (0, 150, [])


def test_an_interruption_leaves_a_record_of_what_may_be_gone(aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = aws.push_image("api", "dev-1")
    original = removal._take

    def interrupted(*arguments: Any) -> Any:
        original(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(removal, "_take", interrupted)
        run("images", "prune", *here("--repository", "api", "--tag", "dev-*", "--keep-pulled-days", "0", "--yes"))
    assert digests(aws) == set()
    assert [line["kind"] for line in record_lines()[1:]] == ["image"]
    (record,) = Path().glob("*.jsonl")
    with record.open("a") as half:
        half.write('{"kind": "outc')
    code, _ = answer("images", "restore", str(record))
    assert (code, tags(aws)) == (0, {"dev-1": digest})


def test_nothing_is_removed_without_a_record(aws: EmbeddedAws) -> None:
    aws.seed_images("api", [old(1)])
    Path("taken.jsonl").write_text("mine")
    for record in ("taken.jsonl", "no/such/folder.jsonl"):
        result = run("images", "prune", *here("--repository", "api", "--untagged", "--yes", "--record", record))
        assert record in str(result.exception)
    assert Path("taken.jsonl").read_text() == "mine"
    assert len(digests(aws)) == 1


def test_the_record_is_for_its_owner_alone(aws: EmbeddedAws) -> None:
    aws.seed_images("api", [old(1)])
    _, told = prune("--untagged")
    assert Path(told["record"]).stat().st_mode & 0o077 == 0


def test_an_image_that_got_a_tag_since_it_was_shown_is_kept(aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = aws.push_image("api", content="app")
    from ecr_stack.cli import images as command

    original = command._show_plan

    def meanwhile(*arguments: Any) -> None:
        original(*arguments)
        aws.push_image("api", "v9", content="app")

    monkeypatch.setattr(command, "_show_plan", meanwhile)
    _, told = prune("--untagged", "--keep-pulled-days", "0")
    assert told["removed"] == []
    assert "changed after it was listed" in told["kept"][0]["reason"]
    assert tags(aws) == {"v9": digest}


def test_parts_stay_if_their_image_cannot_be_deleted(aws: EmbeddedAws, fail: Any) -> None:
    aws.push_image("api", "v1", platforms=["linux/amd64", "linux/arm64"])
    fail("BatchDeleteImage", [refusal("AccessDeniedException")])
    code, told = prune("--tag", "v1", "--keep-pulled-days", "0")
    assert (code, told["removed"], len(told["failed"])) == (1, [], 1)
    assert len(digests(aws)) == 3


def test_a_tag_is_copied_but_never_taken_by_accident(aws: EmbeddedAws) -> None:
    first = aws.push_image("api", "v1", content="first")
    second = aws.push_image("api", "v2", "stable", content="second")
    assert run("images", "copy-tag", "api:v1", "v1.0", *here()).exit_code == 0
    assert tags(aws)["v1.0"] == first
    result = run("images", "copy-tag", "api:v1", "stable", *here())
    assert "is the tag of another image" in str(result.exception)
    assert tags(aws)["stable"] == second
    assert run("images", "copy-tag", "api:v1", "stable", *here("--move")).exit_code == 0
    assert tags(aws)["stable"] == first
    assert "nothing" in str(run("images", "copy-tag", "api:nothing", "x", *here()).exception)


def test_show_says_how_to_pull_from_each_region(aws: EmbeddedAws) -> None:
    destination = {"region": "eu-west-1", "registryId": "123456789012"}
    rules = {"rules": [{"destinations": [destination]}]}
    aws.call("ecr", "PutReplicationConfiguration", {"replicationConfiguration": rules})
    aws.push_image("api", "v1", platforms=["linux/amd64", "linux/arm64"])
    code, told = answer("images", "show", "api:v1", *here())
    assert code == 0
    assert [each["command"] for each in told["pull"]] == [
        "docker pull 123456789012.dkr.ecr.us-east-1.amazonaws.com/api:v1",
        "docker pull 123456789012.dkr.ecr.eu-west-1.amazonaws.com/api:v1",
    ]
    assert told["platforms"] == ["linux/amd64", "linux/arm64"]
    assert "docker pull" in run("images", "show", "api:v1", *here()).stdout


def test_show_says_whether_ecr_signed_the_image_and_why_not(aws: EmbeddedAws) -> None:
    aws.push_image("api", "v1")
    assert answer("images", "show", "api:v1", *here())[1]["signing"] == "not signed by ECR"
    platform = {"platformId": "Notation-OCI-SHA384-ECDSA"}
    arns = [
        aws.call("signer", "PutSigningProfile", {"profileName": name, **platform})["arn"] for name in ("one", "two")
    ]
    aws.call("signer", "CancelSigningProfile", {"profileName": "two"})
    rules = [{"signingProfileArn": arn} for arn in arns]
    aws.call("ecr", "PutSigningConfiguration", {"signingConfiguration": {"rules": rules}})
    aws.push_image("api", "v2")
    assert answer("images", "show", "api:v2", *here())[1]["signing"] == (
        f"complete by {arns[0]}, failed by {arns[1]} (ValidationException: The signing profile is canceled.)"
    )
