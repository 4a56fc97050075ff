"""A forecast counts what a year of pushes leaves behind, with a lifecycle and without, and what it costs."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecr_stack.aws.lifecycle import Document, Image, evaluate, parse_document, policy_text
from ecr_stack.errors import InvalidInput, NotFound
from ecr_stack.operations.forecast import DAYS, Forecast, Repository, forecast
from ecr_stack.operations.history import scheme_of, streams_of
from ecr_stack.operations.picture import headline, picture
from ecr_stack.operations.prices import GB, overridden, prices_of
from ecr_stack.operations.pushes import Pushes, parse_pushes, parse_size, pushes_of
from ecr_stack.schema.lifecycle import LifecycleRule, compile_rules

PROJECT = Path(__file__).parents[2]
NOW = datetime(2026, 6, 1, tzinfo=UTC)
FLAT = overridden("0.10", "us-east-1")
PROD = ({"tagPrefixes": ["v"], "keepLast": 10}, {"tagPrefixes": ["sha-"], "expireAfterDays": 30})


def document(*rules: dict[str, Any]) -> Document:
    return parse_document(compile_rules([LifecycleRule.model_validate(rule) for rule in rules]))


def year(pushes: str, *rules: dict[str, Any], size: str = "250MB", images: Any = (), pulled: int = 0) -> Forecast:
    given_pushes = parse_pushes(pushes, size=parse_size(size), pulled_for_days=pulled)
    policy = document(*rules) if rules else None
    return forecast([Repository("api", policy, given_pushes, tuple(images))], FLAT, NOW)


def test_a_year_of_builds_is_kept_to_what_the_rules_keep() -> None:
    found = year("v=0.5,sha-=20", *PROD)
    assert found.last.everything.images == 182 + 7300
    assert found.last.kept.images == 10 + 30 * 20
    assert found.last.kept.bytes == 610 * 250_000_000
    assert found.last.cost == pytest.approx(15.25)
    assert found.saved == pytest.approx(187.05 - 15.25)


def test_the_cost_of_the_year_is_that_of_its_days() -> None:
    found = year("sha-=12", size="1GB")
    # 12 GB more a day, at 10 cents a month: the mean of 365 days is 183 times 12 GB
    assert found.paid[0] == pytest.approx(183 * 12 * 0.10 * 12)
    assert found.saved == 0


def test_images_that_are_there_go_too_and_without_a_lifecycle_stay() -> None:
    old = [Image(f"sha256:{n}", NOW - timedelta(days=100 + n), (f"sha-{n}",), size=GB) for n in range(40)]
    found = year("untagged=1", *PROD, size="1GB", images=old)
    assert [found.days[n].kept.images for n in (0, 1, 2)] == [40, 1, 2]
    assert found.last.everything.images == 40 + 365


def test_an_archived_image_is_paid_for_in_the_archive() -> None:
    policy = document({"any": True, "archiveAfterDays": 30})
    found = forecast(
        [Repository("api", policy, parse_pushes("v=1", size=GB))],
        overridden("standard=0.1,archive=0.01", "us-east-1"),
        NOW,
    )
    assert (found.last.kept.standard, found.last.kept.archived) == (30 * GB, 335 * GB)
    assert found.last.cost == pytest.approx(3 + 3.35)
    at_aws_prices = forecast(found.repositories, prices_of("us-east-1"), NOW)
    assert at_aws_prices.saved == 0
    assert "no cheaper" in at_aws_prices.notes[0]


def test_the_days_since_a_pull_begin_when_pulls_end() -> None:
    rule = {"any": True, "archiveAfterDaysSincePull": 30}
    assert year("v=1", rule, size="1GB").last.kept.standard == 30 * GB
    assert year("v=1", rule, size="1GB", pulled=60).last.kept.standard == 90 * GB


def test_a_repository_over_ecrs_quota_is_named() -> None:
    found = year("sha-=300")
    assert any("api would pass 100,000 images" in note for note in found.notes)


RULES = st.lists(
    st.sampled_from(
        [
            {"tagPrefixes": ["v"], "keepLast": 3},
            {"tagPrefixes": ["sha-"], "expireAfterDays": 9},
            {"tagPatterns": ["*1*"], "expireAfterDays": 40},
            {"untagged": True, "expireAfterDays": 2},
            {"tagPrefixes": ["dev-"], "archiveAfterDays": 20},
            {"tagPatterns": ["dev-*"], "expireAfterDaysInArchive": 90},
            {"tagPatterns": ["*"], "archiveAfterDaysSincePull": 50},
        ]
    ),
    min_size=1,
    max_size=4,
    unique_by=json.dumps,
)
HELD = [
    Image("sha256:list", NOW - timedelta(days=5), ("v0",), size=1, references=("sha256:part",)),
    Image("sha256:part", NOW - timedelta(days=5), (), size=1),
    Image("sha256:signed", NOW - timedelta(days=30), ("dev-1",), size=1),
    Image("sha256:signature", NOW - timedelta(days=30), ("sig",), size=1, subject="sha256:signed"),
    Image(
        "sha256:cold",
        NOW - timedelta(days=99),
        ("dev-2",),
        status="ARCHIVED",
        archived_at=NOW - timedelta(days=9),
        size=1,
    ),
]


@settings(max_examples=12)
@given(RULES, st.sampled_from(["v=0.3,sha-=0.7", "dev-=0.4,untagged=0.2", "v+sha-=0.25"]))
def test_the_year_is_what_evaluating_everything_every_day_gives(rules: list[dict[str, Any]], pushes: str) -> None:
    found = year(pushes, *rules, images=HELD, size="1B")
    policy = document(*rules)
    there = list(HELD)
    streams = parse_pushes(pushes).streams
    for day in range(1, DAYS + 1):
        now = NOW + timedelta(days=day)
        for stream in streams:
            first = max(0, math.floor((day - 1) * stream.per_day) - 1)
            for number in range(first, first + 4):
                after = (number + 0.5) / stream.per_day
                if day - 1 <= after < day:
                    tags = stream.shapes[0].numbered(number)
                    there.append(Image(f"{stream.name} {number}", NOW + timedelta(days=after), tags, size=1))
        decisions = [decision for decision in evaluate(policy, there, now).decisions if decision.outcome != "expire"]
        there = [
            decision.image
            if decision.outcome == "keep"
            else dataclasses.replace(decision.image, status="ARCHIVED", archived_at=now)
            for decision in decisions
        ]
        archived = sum(image.status == "ARCHIVED" for image in there)
        assert found.days[day].kept == (len(there), len(there) - archived, archived), day


# --- prices


def test_the_archive_is_cheaper_only_beyond_150_tb() -> None:
    prices = prices_of("us-east-1")
    assert prices.monthly(0, 153_600 * GB) == pytest.approx(prices.monthly(153_600 * GB, 0)) == pytest.approx(15_360)
    assert prices.monthly(0, 153_700 * GB) == pytest.approx(15_360 + 7)


def test_a_region_whose_price_was_not_checked_is_said_to_be_so() -> None:
    assert "not checked for eu-west-1" in prices_of("eu-west-1").summary
    assert "not checked" not in prices_of("ap-northeast-1").summary
    with pytest.raises(NotFound, match="--price"):
        prices_of("cn-north-1")
    assert overridden("0.5", "cn-north-1").monthly(2 * GB, 0) == 1


def test_one_class_of_price_can_be_given() -> None:
    prices = overridden("archive=0.02", "us-east-1")
    assert prices.monthly(10 * GB, 100 * GB) == pytest.approx(1 + 2)


@pytest.mark.parametrize(
    "text", ["", "x", "-1", "nan", "inf", "standard", "cold=1", "archive=1,archive=2", "standard=,"]
)
def test_a_price_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="--price"):
        overridden(text, "us-east-1")


# --- what is pushed


def test_a_scheme_is_a_prefix_a_pattern_or_two_together() -> None:
    streams = parse_pushes("v=1,rel-*-rc=2,v+sha-=3,untagged=4", size=7).streams
    assert [stream.shapes[0].numbered(5) for stream in streams] == [("v5",), ("rel-5-rc",), ("v5", "sha-5"), ()]
    assert [stream.per_day for stream in streams] == [1, 2, 3, 4]
    assert {stream.size for stream in streams} == {7}


def test_a_file_says_sizes_scheme_by_scheme() -> None:
    data = {"imageSize": "1GB", "pulledForDays": 14, "pushes": {"v": 0.5, "sha-": {"perDay": 20, "imageSize": "2 MiB"}}}
    pushes = pushes_of(data, source="pushes.yaml")
    assert [stream.size for stream in pushes.streams] == [GB, 2 * 2**20]
    assert pushes.pulled_for_days == 14


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "a scheme, `=` and a number"),
        ("v", "a scheme, `=` and a number"),
        ("v=x", "a scheme, `=` and a number"),
        ("v=nan", "a scheme, `=` and a number"),
        ("v=-1", "0 to 1,000 images a day"),
        ("v=1e9", "0 to 1,000 images a day"),
        ("v=600,sha-=600", "at most 1,000 images a day"),
        ("v=1,v=2", "repeated"),
        ("a b=1", "not a tag scheme"),
    ],
)
def test_pushes_that_are_none_are_refused(text: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        parse_pushes(text)


@pytest.mark.parametrize(
    "data",
    [None, [], {}, {"pushes": {}}, {"pushes": {"v": "x"}}, {"pushes": {"v": 1}, "imageSize": "big"}, {"push": {}}],
)
def test_a_file_of_another_form_is_refused(data: Any) -> None:
    with pytest.raises(InvalidInput, match=r"pushes\.yaml"):
        pushes_of(data, source="pushes.yaml")


# --- what was pushed


def pushed(days: float, *tags: str, size: int = 100) -> Image:
    return Image(f"sha256:{days}:{tags}", NOW - timedelta(days=days), tags, size=size)


def rates(images: Any, policy: Document | None = None) -> dict[str, float]:
    return {stream.name: round(stream.per_day, 3) for stream in streams_of(images, policy, NOW)}


@pytest.mark.parametrize(
    ("tag", "scheme"),
    [
        ("v1.2.3", "v"),
        ("sha-0f3c", "sha-"),
        ("feature-login", "feature-"),
        ("release_2", "release_"),
        ("0f3c9ab", "commit hashes"),
        ("2026-03-01", "numbers"),
        ("1.2.3", "numbers"),
        ("12345678", "numbers"),
        ("latest", None),
        ("main", None),
    ],
)
def test_the_scheme_of_a_tag_is_what_stands_before_what_varies(tag: str, scheme: str | None) -> None:
    assert scheme_of(tag) == scheme


def test_rates_are_those_of_ninety_days_or_of_the_life_of_the_repository() -> None:
    assert rates([pushed(n + 0.5, f"sha-{n}") for n in range(180)]) == {"sha-": 1.0}
    assert rates([pushed(n, f"v{n}") for n in (0.5, 1, 1.5, 2)]) == {"v": 2.0}
    assert rates([]) == {}


def test_what_a_policy_has_removed_is_not_taken_for_never_pushed() -> None:
    images = [pushed(n / 4, f"sha-{n}") for n in range(28)] + [pushed(200, "v1")]
    assert rates(images)["sha-"] == pytest.approx(28 / 90, abs=0.001)
    policy = document({"tagPrefixes": ["sha-"], "expireAfterDays": 7}, {"tagPrefixes": ["v"], "keepLast": 10})
    assert rates(images, policy) == {"sha-": 4.0}
    ten = [pushed(2 * n, f"v{n}") for n in range(1, 11)] + [pushed(200, "other-1")]
    assert rates(ten, policy)["v"] == 0.5
    assert rates(ten[:3] + ten[-1:], policy)["v"] == pytest.approx(3 / 90, abs=0.001)


def test_a_moving_tag_is_no_scheme() -> None:
    images = [pushed(0.5, "latest", "sha-1"), pushed(1, "sha-2"), pushed(2, "main")]
    assert rates(images) == {"sha-": 1.0, "untagged": 0.5}


def test_signatures_and_platforms_count_as_part_of_their_image() -> None:
    index = Image("sha256:i", NOW - timedelta(days=1), ("v1",), size=1, references=("sha256:a", "sha256:b"))
    parts = [Image(f"sha256:{x}", NOW - timedelta(days=1), (), size=100) for x in "ab"]
    signature = Image("sha256:s", NOW - timedelta(days=1), ("sha256-i.sig",), size=10, subject="sha256:i")
    (stream,) = streams_of([index, *parts, signature], None, NOW)
    assert (stream.name, stream.size) == ("v", 211)


def test_history_is_pushed_again_with_its_own_tags_and_sizes() -> None:
    images = [pushed(n + 0.5, f"v1.{n}-rc", size=100 * (n + 1)) for n in range(2)]
    streams = tuple(streams_of(images, None, NOW))
    policy = document({"tagPatterns": ["v*-rc"], "expireAfterDays": 10})
    found = forecast([Repository("api", policy, Pushes(streams))], FLAT, NOW)
    assert streams[0].size == 150
    assert found.last.kept.images == pytest.approx(10 * streams[0].per_day, abs=1)


# --- the picture


def texts(svg: str) -> list[str]:
    return [node.text or "" for node in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def test_the_picture_says_what_is_saved_and_what_both_cost_at_the_end() -> None:
    found = year("v=0.5,sha-=20", *PROD)
    drawn = texts(picture(found, "The lifecycle of <api> & co", "20 a day"))
    assert drawn[0] == "The lifecycle of <api> & co saves $172 per month after a year"
    for words in (
        "$187 a month",
        "1.9 TB in 7,482 images",
        "$15.25 a month",
        "152 GB in 610 images",
        "months from today",
    ):
        assert words in drawn, words
    assert "Storage cost, US dollars per month" in drawn
    assert any("share no layers" in line for line in drawn)


@pytest.mark.parametrize("pushes", ["v=0", "v=0.01", "v=1", "sha-=20", "v=0.5,sha-=20,untagged=10"])
@pytest.mark.parametrize("days", [1, 300, 1000])
def test_labels_stay_in_the_picture_and_apart(pushes: str, days: int) -> None:
    found = year(pushes, {"any": True, "expireAfterDays": days}, size="900MB")
    root = ElementTree.fromstring(picture(found, "It", ""))
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    labels = []
    for node in root.iter("{http://www.w3.org/2000/svg}text"):
        x, y = float(node.attrib["x"]), float(node.attrib["y"])
        assert 0 <= x <= width
        assert 0 < y < height
        if (node.text or "").endswith(" a month") and node.attrib["font-size"] == "20":
            labels.append(y)
    assert 1 <= len(labels) <= 2
    assert math.isinf(min((abs(a - b) for a in labels for b in labels if a != b), default=math.inf)) or (
        abs(labels[0] - labels[1]) >= 60
    )


def test_a_lifecycle_that_saves_nothing_is_said_to() -> None:
    assert headline(year("v=1", {"tagPrefixes": ["x"], "keepLast": 1}), "It") == "It saves nothing in a year"


# --- the command

Make = Callable[[dict[str, Any]], Path]
CONFIG = {
    "aws:region": "us-east-1",
    "ecr-stack:environment": "test",
    "ecr-stack:repositoryDefaults": {"lifecycle": list(PROD)},
    "ecr-stack:repositories": {"api": {}, "worker": None},
}


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "PULUMI_"))}
    return subprocess.run(
        [Path(sys.executable).parent / "ecr-stack", "lifecycle", "forecast", *arguments],
        cwd=folder,
        env={**kept, "COLUMNS": "120"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_stack_is_forecast_as_json_and_drawn_alike_each_time(project: Make) -> None:
    folder = project(CONFIG)
    asked = ("--stack", "test", "--pushes", "v=0.5,sha-=20", "--at", "2026-01-01", "--format", "json")
    done = run(folder, *asked, "--output", "one.svg")
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert len(told["days"]) == 366
    assert told["days"][-1]["withLifecycle"] == {
        "images": 1220,
        "bytes": 305_000_000_000,
        "archivedBytes": 0,
        "costPerMonth": 30.5,
    }
    assert told["savedPerMonthAfterAYear"] == pytest.approx(343.6)
    run(folder, *asked, "--output", "two.svg")
    assert (folder / "one.svg").read_bytes() == (folder / "two.svg").read_bytes()


def test_people_get_a_table_and_the_history_that_it_is_made_of(project: Make) -> None:
    folder = project(CONFIG)
    held = [
        {
            "imageDigest": f"sha256:{n}",
            "imageTags": [f"sha-{n}"],
            "imagePushedAt": (NOW - timedelta(days=n / 2)).isoformat(),
            "imageSizeInBytes": GB,
        }
        for n in range(1, 361)
    ]
    (folder / "api.images.json").write_text(json.dumps({"imageDetails": held}))
    asked = ("--stack", "test", "--repository", "api", "--images", "api.images.json", "--at", NOW.isoformat())
    done = run(folder, *asked)
    assert done.returncode == 0, done.stderr
    for words in (
        "2 per day of sha-*",
        "180 images in the last 90 days",
        "without: images",
        "The lifecycle of api (test) saves",
    ):
        assert words in done.stdout, words


def test_a_policy_file_and_a_pushes_file_will_do(tmp_path: Path) -> None:
    (tmp_path / "policy.json").write_text(
        policy_text(compile_rules([LifecycleRule.model_validate(rule) for rule in PROD]))
    )
    (tmp_path / "pushes.yaml").write_text("imageSize: 1GB\npushes: {sha-: 2}\n")
    done = run(tmp_path, "--policy", "policy.json", "--pushes", "pushes.yaml", "--price", "0.2", "--format", "json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["days"][-1]["withLifecycle"]["costPerMonth"] == pytest.approx(12)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "a policy is required"),
        (("--policy", "no.json", "--pushes", "v=1"), "no.json cannot be read"),
        (("--stack", "test", "--repository", "ap", "--pushes", "v=1"), "did you mean api"),
        (("--stack", "test", "--policy", "p.json"), "not both"),
        (("--stack", "test", "--pushes", "v=1", "--output", "x.png"), "ends in .svg"),
        (("--stack", "test", "--pushes", "v=1", "--output", "no/x.svg"), "cannot be written"),
        (("--stack", "test", "--pushes", "v=1", "--image-size", "big"), "--image-size"),
        (("--stack", "test", "--image-size", "1MB"), "add --pushes"),
        (("--stack", "test", "--pushes", "v=1", "--region", "cn-north-1"), "--price"),
        (("--stack", "test", "--pushes", "v=1", "--region", "Mars"), "not a Region"),
        (("--stack", "test", "--pushes", "v=1", "--at", "9999-01-01"), "calendar"),
        (("--stack", "test", "--pushes", "none.yaml"), "none.yaml cannot be read"),
        (("--stack", "test", "--pushes", "v=1", "--images", "none.json"), "--repository NAME"),
    ],
)
def test_a_forecast_that_cannot_be_made_exits_with_2(project: Make, arguments: tuple[str, ...], words: str) -> None:
    done = run(project(CONFIG), *arguments)
    assert done.returncode == 2, done.stdout
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_the_picture_in_the_documentation_is_what_its_command_draws(tmp_path: Path) -> None:
    page = (PROJECT / "docs" / "how-to" / "lifecycle-plan-and-forecast.md").read_text()
    (line,) = [line for line in page.splitlines() if "--output docs/how-to/forecast.svg" in line]
    arguments = shlex.split(line.removeprefix("$ ecr-stack lifecycle forecast"))
    done = run(PROJECT, *arguments[:-1], str(tmp_path / "forecast.svg"))
    assert done.returncode == 0, done.stderr
    drawn = (tmp_path / "forecast.svg").read_text()
    assert drawn == (PROJECT / "docs" / "how-to" / "forecast.svg").read_text(), f"run {line}"
