"""The plan says what a stack's lifecycle would do to the images that are there, next to the policy in force."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ecr_stack.aws.lifecycle import Image, parse_document, policy_text
from ecr_stack.embedded_aws import EmbeddedAws
from ecr_stack.errors import InvalidInput, NotFound
from ecr_stack.operations.guard import Limits
from ecr_stack.operations.holdings import Holding, read_folder, unclaimed
from ecr_stack.operations.plan import RepositoryPlan, missed_first, plan
from ecr_stack.schema.lifecycle import LifecycleRule, compile_rules

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def document(*rules: dict[str, Any]) -> Any:
    return parse_document(compile_rules([LifecycleRule.model_validate(rule) for rule in rules]))


KEEP_TWO = document({"tagPrefixes": ["v"], "keepLast": 2})
KEEP_FOUR = document({"tagPrefixes": ["v"], "keepLast": 4})
ARCHIVE = document({"tagPrefixes": ["v"], "archiveAfterDays": 3})


def release(number: int, *, pulled: float | None = None, size: int = 1000) -> Image:
    """Release N was pushed N days ago."""
    return Image(
        digest=f"sha256:{number:064x}",
        pushed_at=NOW - timedelta(days=number),
        tags=(f"v{number}",),
        pulled_at=None if pulled is None else NOW - timedelta(days=pulled),
        size=size,
    )


def planned(after: Any, before: Any = None, *, images: Any = None, limits: Limits | None = None) -> RepositoryPlan:
    held = tuple(images if images is not None else (release(number) for number in range(6)))
    return plan(Holding("api", held, before), after, limits or Limits(), NOW)


def tags(decisions: Any) -> list[str]:
    return [decision.image.tags[0] for decision in decisions]


def test_what_goes_because_of_the_change_is_told_from_what_goes_anyway() -> None:
    found = planned(KEEP_TWO, KEEP_FOUR)
    assert tags(found.expire.new) == ["v2", "v3"]
    assert tags(found.expire.anyway) == ["v4", "v5"]
    assert found.expire.no_longer == ()
    assert (found.images, found.bytes) == (6, 6000)


def test_the_platforms_of_an_image_list_that_expires_are_counted_though_they_go_a_run_later() -> None:
    platforms = [
        Image(digest=f"sha256:{number:064x}", pushed_at=NOW - timedelta(days=9), size=500) for number in (101, 102)
    ]
    index = Image(
        digest=f"sha256:{100:064x}",
        pushed_at=NOW - timedelta(days=9),
        tags=("dev",),
        references=tuple(image.digest for image in platforms),
    )
    found = planned(
        document({"any": True, "expireAfterDays": 5}), images=[index, *platforms], limits=Limits(max_expire=2)
    )
    assert len(found.expire.new) == 3
    assert found.passed == ("3 images would expire; maxExpire is 2",)


def test_a_kinder_policy_says_what_it_spares() -> None:
    found = planned(KEEP_FOUR, KEEP_TWO)
    assert (tags(found.expire.new), tags(found.expire.no_longer)) == ([], ["v2", "v3"])


def test_a_lifecycle_taken_out_of_the_stack_file_spares_everything() -> None:
    found = planned(None, KEEP_TWO)
    assert (found.expire.taken, tags(found.expire.no_longer)) == ((), ["v2", "v3", "v4", "v5"])
    assert found.changed
    assert not found.planned


def test_an_image_that_is_archived_instead_of_expired_is_counted_in_both() -> None:
    found = planned(ARCHIVE, KEEP_FOUR)
    assert tags(found.archive.new) == ["v4", "v5"]
    assert tags(found.expire.no_longer) == ["v4", "v5"]


def test_images_pulled_most_recently_are_missed_first_and_those_never_pulled_last() -> None:
    images = [release(10), release(11, pulled=9), release(12, pulled=2), release(13)]
    found = planned(document({"any": True, "expireAfterDays": 1}), images=images)
    assert tags(missed_first(found.expire.taken)) == ["v12", "v11", "v10", "v13"]
    assert tags(missed_first(found.expire.taken, 1)) == ["v12"]


def test_a_change_is_held_against_the_limits() -> None:
    assert planned(KEEP_TWO, KEEP_FOUR, limits=Limits(max_expire=4)).passed == ()
    assert planned(KEEP_TWO, KEEP_FOUR, limits=Limits(max_expire=3)).passed == (
        "4 images would expire; maxExpire is 3",
    )


def test_what_goes_to_the_archive_is_held_against_the_limits() -> None:
    found = planned(ARCHIVE, limits=Limits(max_expire=1))
    assert found.passed == ("2 images would go to the archive, where they cannot be pulled; maxArchive is 1",)
    assert planned(ARCHIVE, limits=Limits(max_expire=1, max_archive=2)).passed == ()


def test_images_of_one_instant_are_named_where_ecr_may_take_others() -> None:
    level = [Image(digest=f"sha256:{name}", pushed_at=NOW - timedelta(days=1), tags=(name,)) for name in "abc"]
    found = planned(document({"any": True, "keepLast": 1}), images=level)
    assert len(found.expire.taken) == 2
    assert [len(tie.taken) + len(tie.left) for tie in found.ties] == [3]


def test_a_policy_that_does_not_change_is_held_against_nothing() -> None:
    found = planned(KEEP_TWO, KEEP_TWO, limits=Limits(max_expire=0))
    assert (found.changed, found.passed, len(found.expire.anyway)) == (False, (), 4)


def entry(image: Image) -> dict[str, Any]:
    return {
        "imageDigest": image.digest,
        "imageTags": list(image.tags),
        "imagePushedAt": image.pushed_at.isoformat(),
        "imageSizeInBytes": image.size,
        **({"lastRecordedPullTime": image.pulled_at.isoformat()} if image.pulled_at else {}),
    }


def write(path: Path, data: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data))


def native(*rules: dict[str, Any]) -> dict[str, Any]:
    return compile_rules([LifecycleRule.model_validate(rule) for rule in rules])


def test_names_with_a_slash_are_subfolders_and_both_forms_of_a_policy_are_read(tmp_path: Path) -> None:
    write(tmp_path / "team" / "api.json", {"imageDetails": [entry(release(1))]})
    write(tmp_path / "team" / "api.policy.json", native({"tagPrefixes": ["v"], "keepLast": 2}))
    printed = {"lifecyclePolicyText": policy_text(native({"tagPrefixes": ["v"], "keepLast": 4}))}
    write(tmp_path / "worker.policy.json", printed)
    write(tmp_path / "wroker.json", {"imageDetails": []})
    api, worker = read_folder(tmp_path, ["team/api", "worker"])
    assert (len(api.images), api.policy, api.missing) == (1, KEEP_TWO, None)
    assert (worker.images, worker.policy) == ((), KEEP_FOUR)
    assert "worker.json" in str(worker.missing)
    assert unclaimed(tmp_path, ["team/api", "worker"]) == ["wroker.json"]


def test_a_policy_is_not_mistaken_for_the_images_of_a_repository_of_that_name(tmp_path: Path) -> None:
    write(tmp_path / "api.policy.json", {"imageDetails": [entry(release(1))]})
    _, second = read_folder(tmp_path, ["api", "api.policy"])
    assert len(second.images) == 1


def test_unreadable_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="nowhere is not a folder"):
        read_folder(tmp_path / "nowhere", ["api"])
    (tmp_path / "api.json").write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidInput, match="UTF-8"):
        read_folder(tmp_path, ["api"])
    write(tmp_path / "api.json", {"imageDetails": []})
    (tmp_path / "api.policy.json").write_text("{")
    with pytest.raises(InvalidInput, match=r"api\.policy\.json"):
        read_folder(tmp_path, ["api"])


Make = Callable[[dict[str, Any]], Path]
CONFIG = {
    "aws:region": "us-east-1",
    "ecr-stack:environment": "test",
    "ecr-stack:repositoryDefaults": {"lifecycle": [{"tagPrefixes": ["v"], "keepLast": 2}]},
    "ecr-stack:repositories": {"api": {}, "team/worker": None},
    "ecr-stack:lifecycleGuard": {"maxExpire": 5},
}


def run(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "PULUMI_"))}
    return subprocess.run(
        [Path(sys.executable).parent / "ecr-stack", "lifecycle", "plan", "--stack", "test", *arguments],
        cwd=folder,
        env={**kept, "COLUMNS": "120", "AWS_EC2_METADATA_DISABLED": "true", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def cloud() -> Iterator[EmbeddedAws]:
    with EmbeddedAws() as aws:
        yield aws


def reaching(aws: EmbeddedAws) -> dict[str, str]:
    return {"AWS_ENDPOINT_URL": aws.serve(), "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}


def test_the_live_registry_is_read_to_its_last_page_and_nothing_is_changed(project: Make, cloud: EmbeddedAws) -> None:
    cloud.call("ecr", "CreateRepository", {"repositoryName": "api"})
    cloud.seed_images("api", [entry(release(number, pulled=number)) for number in range(1, 1206)])
    text = policy_text(native({"tagPrefixes": ["v"], "keepLast": 1200}))
    cloud.call("ecr", "PutLifecyclePolicy", {"repositoryName": "api", "lifecyclePolicyText": text})
    cloud.calls.clear()
    done = run(project(CONFIG), "--format", "json", "--at", NOW.isoformat(), **reaching(cloud))
    assert done.returncode == 1, done.stderr
    told = json.loads(done.stdout)
    api, worker = told["repositories"]
    assert (api["images"], api["expire"]["images"]) == (1205, 1203)
    assert (api["expire"]["new"]["images"], api["expire"]["anyway"]["images"]) == (1198, 5)
    assert [image["imageTags"] for image in api["expire"]["missedFirst"]] == [[f"v{n}"] for n in range(3, 13)]
    assert api["limitsPassed"] == ["1,203 images would expire; maxExpire is 5"]
    assert worker["missing"] == "the registry has no such repository yet"
    assert told["withinLimits"] is False
    assert cloud.calls["ecr:DescribeImages"] == 3
    assert set(cloud.calls) == {"sts:GetCallerIdentity", "ecr:DescribeImages", "ecr:GetLifecyclePolicy"}


TO_TWO = {
    "ecr-stack:replication": {"rules": [{"destinations": [{"region": "eu-west-1"}], "repositoryFilters": ["api"]}]}
}


def test_each_region_in_which_the_stack_manages_replicas_is_read(project: Make, cloud: EmbeddedAws) -> None:
    for region, count in (("us-east-1", 3), ("eu-west-1", 9)):
        cloud.call("ecr", "CreateRepository", {"repositoryName": "api"}, region)
        cloud.seed_images("api", [entry(release(number)) for number in range(1, count + 1)], region=region)
    folder = project({**CONFIG, **TO_TWO})
    done = run(folder, "--format", "json", "--at", NOW.isoformat(), **reaching(cloud))
    told = json.loads(done.stdout)
    held = [(each["region"], each["repository"], each["images"]) for each in told["repositories"]]
    assert held == [("us-east-1", "api", 3), ("us-east-1", "team/worker", 0), ("eu-west-1", "api", 9)]
    assert [(each["region"], each["expire"]["images"]) for each in told["regions"]] == [
        ("us-east-1", 1),
        ("eu-west-1", 7),
    ]
    assert told["totals"]["expire"]["images"] == 8
    # the guard asks in that Region too, and its limit is 5
    assert (done.returncode, told["repositories"][2]["limitsPassed"]) == (1, ["7 images would expire; maxExpire is 5"])
    shown = run(folder, "--at", NOW.isoformat(), **reaching(cloud)).stdout
    assert "api in eu-west-1: 7 images would expire" in shown
    assert shown.index("us-east-1\n") < shown.index("eu-west-1 replicas")


def test_files_of_a_replicas_region_are_in_a_folder_of_their_own(project: Make, tmp_path: Path) -> None:
    write(tmp_path / "held" / "api.json", {"imageDetails": [entry(release(n)) for n in range(1, 4)]})
    folder = project({**CONFIG, **TO_TWO})
    told = run(folder, "--images", "held", "--at", NOW.isoformat()).stdout
    assert "eu-west-1: no folder held/@eu-west-1; not in this plan" in told
    write(tmp_path / "held" / "@eu-west-1" / "api.json", {"imageDetails": [entry(release(n)) for n in range(1, 6)]})
    done = run(folder, "--images", "held", "--at", NOW.isoformat())
    assert "4 of 8 images would be removed" in done.stdout
    assert "no repository that is looked at" not in done.stderr


def test_replicas_from_templates_are_said_to_be_left_out(project: Make, tmp_path: Path) -> None:
    write(tmp_path / "held" / "api.json", {"imageDetails": []})
    rules = [{"destinations": [{"region": "eu-west-1", "replicas": "template"}]}]
    folder = project({**CONFIG, "ecr-stack:replication": {"rules": rules}})
    told = run(folder, "--images", "held", "--at", NOW.isoformat()).stdout
    assert "eu-west-1: replicas are created from templates" in told


def test_people_get_a_table_and_the_limit_by_name(project: Make, tmp_path: Path) -> None:
    write(tmp_path / "held" / "api.json", {"imageDetails": [entry(release(n, pulled=n)) for n in range(1, 9)]})
    done = run(project(CONFIG), "--images", "held", "--at", NOW.isoformat())
    assert done.returncode == 1
    for words in (
        "up to 6 of 8 images would be removed",
        "v3",
        "maxExpire is 5",
        "no file held/team/worker.json",
        "guard would stop",
    ):
        assert words in done.stdout


def test_within_the_limits_it_exits_with_0(project: Make, tmp_path: Path) -> None:
    write(tmp_path / "held" / "api.json", {"imageDetails": [entry(release(n)) for n in range(1, 8)]})
    done = run(project(CONFIG), "--images", "held", "--at", NOW.isoformat())
    assert (done.returncode, "within the limits" in done.stdout) == (0, True), done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--images", "nowhere"), "nowhere is not a folder"),
        (("--images", ".", "--at", "soon"), "ISO 8601"),
        ((), "AWS cannot be asked"),
    ],
)
def test_what_cannot_be_carried_out_exits_with_2(project: Make, arguments: tuple[str, ...], words: str) -> None:
    done = run(project(CONFIG), *arguments, AWS_CONFIG_FILE="/dev/null", AWS_SHARED_CREDENTIALS_FILE="/dev/null")
    assert done.returncode == 2, done.stdout
    assert words in done.stderr
    assert "Traceback" not in done.stderr
