"""What the pages say in a sentence, and the cases that they leave open."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from registries import (
    ANY,
    ARCHIVE,
    AT,
    UNTAGGED,
    ago,
    archived,
    document,
    expired,
    image,
    more_than,
    outcomes,
    prefixed,
    pulled,
    pushed,
    rule,
    tagged,
)

from ecr_stack.aws.lifecycle import Image, evaluate, explain, find_image
from ecr_stack.errors import InvalidInput, NotFound
from ecr_stack.schema.lifecycle import LifecycleRule, compile_rules


def test_an_image_that_an_earlier_rule_keeps_is_shielded_from_later_ones() -> None:
    policy = document(rule(1, prefixed("v"), more_than(5)), rule(2, ANY, pushed(1)))
    assert expired(policy, image("A", "v1", "dev-1", days=400), image("B", "dev-2", days=400)) == "B"


def test_rules_are_applied_by_priority_and_not_in_the_order_of_the_document() -> None:
    policy = document(rule(20, ANY, pushed(1)), rule(3, prefixed("v"), more_than(5)))
    assert outcomes(policy, image("A", "v1", days=9), image("B", "x", days=9)) == {"B": ("expire", 20)}


def test_a_later_rule_counts_images_that_an_earlier_one_expired() -> None:
    policy = document(rule(1, tagged("rc*"), pushed(1)), rule(2, tagged("v*"), more_than(2)))
    images = (
        image("A", "v1", days=5),
        image("B", "v2", days=4),
        image("C", "v3", "rc3", days=3),
        image("D", "v4", "rc4", days=2),
    )
    assert outcomes(policy, *images) == {
        "A": ("expire", 2),
        "B": ("expire", 2),
        "C": ("expire", 1),
        "D": ("expire", 1),
    }


def test_tags_are_matched_with_their_case_and_whole() -> None:
    policy = document(rule(1, tagged("v1"), pushed(1)))
    images = image("A", "v1", days=9), image("B", "V1", days=9), image("C", "v10", days=9), image("D", "xv1", days=9)
    assert expired(policy, *images) == "A"


@pytest.mark.parametrize(
    ("pattern", "names"),
    [("*", "ABCD"), ("prod*", "AB"), ("*prod*", "ABC"), ("*prod", "A"), ("p*o*d", "A"), ("*-*-*", "BC"), ("?", "")],
)
def test_a_wildcard_stands_for_anything_and_for_nothing(pattern: str, names: str) -> None:
    images = (
        image("A", "prod", days=9),
        image("B", "prod-team-1", days=9),
        image("C", "repo-production-2", days=9),
        image("D", "x", days=9),
        image("E", days=9),
    )
    assert expired(document(rule(1, tagged(pattern), pushed(1))), *images) == names


def test_a_wildcard_does_not_reach_from_one_tag_into_the_next() -> None:
    policy = document(rule(1, tagged("a*b"), pushed(1)))
    assert expired(policy, image("A", "a1", "1b", days=9), image("B", "1b", "a1b", days=9)) == "B"


def test_a_star_in_a_prefix_stands_for_itself() -> None:
    policy = document(rule(1, prefixed("v*"), pushed(1)))
    assert expired(policy, image("A", "v1", days=9), image("B", "v*1", days=9)) == "B"


def test_an_image_of_exactly_so_many_days_stays() -> None:
    policy = document(rule(1, ANY, pushed(7)))
    just_older = Image(digest="B", pushed_at=ago(7) - timedelta(microseconds=1))
    assert expired(policy, image("A", days=7), just_older) == "B"


def test_of_images_pushed_at_the_same_instant_exactly_as_many_stay_as_are_kept() -> None:
    policy = document(rule(1, ANY, more_than(1)))
    assert expired(policy, image("A", days=2), image("B", days=2), image("C", days=2)) == "BC"
    assert expired(policy, image("A", days=2), image("B", days=2), image("C", days=3)) == "BC"
    assert expired(policy, image("A", days=1), image("B", days=2), image("C", days=2)) == "BC"


def test_images_that_ecr_may_take_instead_of_others_are_named() -> None:
    policy = document(rule(7, ANY, more_than(2)))
    level = [image(name, days=2) for name in "ABC"]
    (tie,) = evaluate(policy, [*level, image("D", days=1), image("E", days=3)], AT).ties
    assert (tie.rule_priority, [one.digest for one in tie.taken], [one.digest for one in tie.left]) == (
        7,
        ["B", "C"],
        ["A"],
    )
    assert evaluate(policy, [*level[:2], image("E", days=3)], AT).ties == (), "the count falls between two instants"
    assert evaluate(policy, [image("D", days=1), image("E", days=1), *level], AT).ties == (), "all of them go"


def test_of_images_of_one_instant_those_that_a_manifest_list_keeps_are_counted_first() -> None:
    policy = document(rule(1, UNTAGGED, more_than(1)))
    level = image("A", days=2), image("B", days=2), image("C", days=2)
    assert expired(policy, *level, image("L", "v1", days=2, references=("C",))) == "AB"


def test_a_tie_of_images_of_which_none_could_be_left_is_none() -> None:
    policy = document(rule(1, UNTAGGED, more_than(1)))
    images = image("A", days=2), image("B", days=2), image("L", "v1", days=2, references=("B",))
    result = evaluate(policy, images, AT)
    assert [decision.image.digest for decision in result.expire] == ["A"]
    assert result.ties == ()


def test_an_image_that_was_never_pulled_has_the_age_of_its_push() -> None:
    policy = document(rule(1, ANY, pulled(30), ARCHIVE))
    images = image("A", days=31), image("B", days=29), image("C", days=31, pulled_at=ago(1))
    assert outcomes(policy, *images) == {"A": ("archive", 1)}


def test_a_restored_image_has_the_age_of_its_return() -> None:
    policy = document(rule(1, tagged("a"), pulled(30), ARCHIVE), rule(2, tagged("b"), pushed(30)))
    back = {"archived_at": ago(200), "activated_at": ago(5)}
    images = (
        image("A", "a", days=400, pulled_at=ago(300), **back),
        image("B", "a", days=400, **back),
        image("C", "b", days=400, **back),
        image("D", "a", days=400, pulled_at=ago(300)),
    )
    assert outcomes(policy, *images) == {"D": ("archive", 1)}


def test_a_restored_image_is_the_youngest_when_images_are_counted() -> None:
    policy = document(rule(1, ANY, more_than(1)))
    assert expired(policy, image("A", days=400, activated_at=ago(1)), image("B", days=2)) == "B"


def test_a_rule_sees_the_images_of_its_own_storage_class_only() -> None:
    policy = document(rule(1, ANY, more_than(1)), rule(2, ANY, archived(90)))
    images = (
        image("A", days=400, status="ARCHIVED", archived_at=ago(91)),
        image("B", days=300, status="ARCHIVED", archived_at=ago(90)),
        image("C", days=200, status="ARCHIVED"),
        image("D", days=2),
        image("E", days=1),
    )
    assert outcomes(policy, *images) == {"A": ("expire", 2), "C": ("expire", 2), "D": ("expire", 1)}


def test_an_archived_image_without_a_time_of_archiving_is_as_old_as_its_push() -> None:
    policy = document(rule(1, ANY, archived(90)))
    images = image("A", days=89, status="ARCHIVED"), image("B", days=91, status="ARCHIVED")
    assert expired(policy, *images) == "B"
    told = explain(policy, images, AT, images[1])
    assert told.steps[0].because == "archived at an unknown time, pushed 91 days ago; the limit is 90 days"


def test_an_image_on_its_way_back_from_the_archive_is_counted_as_the_youngest_and_not_touched() -> None:
    policy = document(rule(1, ANY, more_than(1)), rule(2, ANY, archived(90)))
    images = image("A", days=9, status="ACTIVATING", archived_at=ago(300)), image("B", days=8)
    assert outcomes(policy, *images) == {"B": ("expire", 1)}
    assert outcomes(document(rule(1, ANY, pushed(1))), images[0]) == {}


def test_an_image_that_a_manifest_list_refers_to_stays_while_the_list_is_there() -> None:
    policy = document(rule(1, UNTAGGED, pushed(1)), rule(2, tagged("*"), pushed(100)))
    child, stranger = image("A", days=200), image("B", days=200)
    young = image("L", "v1", days=50, references=("A",))
    old = image("L", "v1", days=200, references=("A",))
    gone_cold = image("L", "v1", days=50, references=("A",), status="ARCHIVED")
    assert expired(policy, child, stranger, young) == "B"
    assert expired(policy, child, stranger, old) == "BL", "the list has to go first"
    assert expired(policy, child, stranger, gone_cold) == "AB", "it was archived first"


def test_an_image_follows_its_manifest_list_into_the_archive() -> None:
    policy = document(rule(1, UNTAGGED, pushed(1), ARCHIVE))
    child = image("A", days=200)
    here = image("L", "v1", days=50, references=("A",))
    gone_cold = image("L", "v1", days=50, references=("A",), status="ARCHIVED")
    assert outcomes(policy, child, here) == {}
    assert outcomes(policy, child, gone_cold) == {"A": ("archive", 1)}


def test_a_child_of_a_manifest_list_is_counted_like_any_other_image() -> None:
    policy = document(rule(1, UNTAGGED, more_than(1)))
    images = image("A", days=1), image("B", days=2), image("L", "v1", days=1, references=("A",))
    assert expired(policy, *images) == "B"


def test_manifest_lists_of_unknown_content_are_named() -> None:
    unknown = image("L", "v1", days=1, references=None)
    assert evaluate(document(rule(1, UNTAGGED, pushed(1))), [unknown, image("A", days=2)], AT).unknown_lists == (
        unknown,
    )


def test_a_signature_goes_with_the_image_that_it_is_about_and_not_before() -> None:
    policy = document(rule(1, tagged("v*"), more_than(1)), rule(2, UNTAGGED, pushed(1)))
    images = (
        image("A", "v1", days=9),
        image("B", "v2", days=8),
        image("S", days=9, subject="A"),
        image("T", days=9, subject="B"),
        image("U", days=9, subject="gone"),
        image("V", days=9, subject="S"),
    )
    assert outcomes(policy, *images) == {"A": ("expire", 1), "S": ("expire", 1), "U": ("expire", 2), "V": ("expire", 1)}


def test_images_that_are_about_each_other_stay() -> None:
    policy = document(rule(1, ANY, pushed(1)))
    assert expired(policy, image("A", days=9, subject="B"), image("B", days=9, subject="A")) == ""


def test_only_what_is_deleted_frees_bytes() -> None:
    policy = document(rule(1, prefixed("v"), pushed(1)), rule(2, UNTAGGED, pushed(1), ARCHIVE))
    images = image("A", "v", days=2, size=5), image("B", days=2, size=70), image("C", "v", days=0, size=900)
    assert evaluate(policy, images, AT).bytes_freed == 5


def test_a_repository_without_images_loses_none() -> None:
    assert evaluate(document(rule(1, ANY, more_than(1))), [], AT).decisions == ()


def test_a_number_of_days_before_there_were_dates_is_not_reached() -> None:
    assert expired(document(rule(1, ANY, pushed(10**9))), image("A", days=9)) == ""


def test_an_instant_without_a_zone_is_in_utc() -> None:
    policy = document(rule(1, ANY, pushed(1)))
    assert len(evaluate(policy, [image("A", days=2)], AT.replace(tzinfo=None)).expire) == 1


def test_a_document_that_ecr_would_refuse_is_refused() -> None:
    with pytest.raises(InvalidInput):
        evaluate(document(rule(1, ANY, archived(30))), [], AT)


def test_several_prefixes_in_a_stack_file_mean_any_of_them() -> None:
    policy = compile_rules([LifecycleRule(tag_prefixes=["dev-", "feature-"], expire_after_days=7)])
    images = image("A", "dev-1", days=8), image("B", "feature-1", days=8), image("C", "v1", days=8)
    assert expired(policy, *images) == "AB"


def test_an_explanation_tells_every_rule_apart() -> None:
    policy = document(
        rule(1, prefixed("w"), pushed(1)),
        rule(2, prefixed("v"), more_than(1)),
        rule(3, ANY, pushed(1)),
        rule(4, ANY, archived(90)),
    )
    old, new = image("A", "v1", days=3), image("B", "v2", days=2)
    told = explain(policy, [old, new], AT, old)
    assert [step.verdict for step in told.steps] == ["not selected", "expires", "shielded", "not selected"]
    assert told.steps[1].because == "1 of the 2 images that the rule counts are newer; the rule keeps 1"
    assert told.because == "Expired by rule 2"
    level = image("C", "v2", days=2)
    told = explain(policy, [old, new, level], AT, level)
    assert told.steps[1].because == (
        "0 of the 3 images that the rule counts are newer, and 1 was pushed at the same instant; the rule keeps 1"
    )
    assert explain(policy, [old, new], AT, new).because.startswith("Kept: rule 2")


def test_an_explanation_gives_ages_and_limits() -> None:
    told = explain(document(rule(1, ANY, pulled(30), ARCHIVE)), [image("A", days=31.5)], AT, image("A", days=31.5))
    assert told.steps[0].because == "never pulled, pushed 31.5 days ago; the limit is 30 days"


@pytest.mark.parametrize(
    ("about", "others", "why", "conclusion"),
    [
        (image("A", days=9), [], "it has no tag", "Kept: no rule selects it, so it is kept forever"),
        (
            image("A", "x", "y", days=9),
            [],
            "none of its tags (x, y) matches v*",
            "Kept: no rule selects it, so it is kept forever",
        ),
        (
            image("A", "v1", days=9, status="ACTIVATING"),
            [],
            "the image is being restored from the archive",
            "Kept: no rule affects an image that is being restored from the archive",
        ),
        (
            image("A", "v1", days=9, status="ARCHIVED", archived_at=ago(1)),
            [],
            "the rule applies to standard images, and this one is in the archive",
            "Kept: no rule selects it, so it is kept forever",
        ),
        (
            image("A", "v1", days=9, subject="B"),
            [image("B", "x", days=9)],
            "it refers to another image, its subject, and shares its fate",
            "Kept: it is kept as long as its subject B",
        ),
        (
            image("A", days=9, subject="B"),
            [image("B", "v1", days=9)],
            "it refers to another image, its subject, and shares its fate",
            "Expired: it goes with its subject B, by rule 7",
        ),
        (
            image("A", "v1", days=9),
            [image("B", "x", days=9, references=("A",))],
            "pushed 9 days ago; the limit is 1 day; but a manifest list refers to it",
            "Kept: rule 7 selects it, but a manifest list that refers to it must be removed first",
        ),
        (image("A", "v1", days=1), [], "pushed 1 day ago; the limit is 1 day", "Kept: rule 7 keeps it, and no later rule can affect it"),
        (image("A", "v1", days=2), [], "pushed 2 days ago; the limit is 1 day", "Expired by rule 7"),
    ],
)  # fmt: skip
def test_an_explanation_says_why(about: Image, others: list[Image], why: str, conclusion: str) -> None:
    told = explain(document(rule(7, tagged("v*"), pushed(1))), [about, *others], AT, about)
    (step,) = told.steps
    assert (step.rule.priority, step.because, told.because) == (7, why, conclusion)


def test_an_explanation_of_an_image_that_is_not_there_is_refused() -> None:
    with pytest.raises(NotFound, match="the image B is not among the images"):
        explain(document(rule(1, ANY, pushed(1))), [image("A", days=1)], AT, image("B", days=1))


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"pulled_at": ago(40)}, "last pulled 40 days ago"),
        ({"pulled_at": ago(40), "activated_at": ago(35)}, "restored from the archive 35 days ago"),
        ({"activated_at": ago(35)}, "never pulled, restored from the archive 35 days ago"),
    ],
)
def test_an_explanation_says_what_the_age_is_counted_from(more: dict[str, Any], why: str) -> None:
    old = image("A", days=90, **more)
    told = explain(document(rule(1, ANY, pulled(30), ARCHIVE)), [old], AT, old)
    assert told.steps[0].because == f"{why}; the limit is 30 days"
    assert (told.steps[0].verdict, told.because) == ("archives", "Archived by rule 1")


def test_an_image_is_found_by_its_digest_the_beginning_of_it_or_a_tag() -> None:
    images = [
        Image(digest="sha256:abc1", tags=("v1",), pushed_at=AT),
        Image(digest="sha256:abd2", tags=("v2",), pushed_at=AT),
    ]
    for name in ("sha256:abc1", "abc", "sha256:abc", "v1"):
        assert find_image(images, name) is images[0]
    for name in ("ab", "v3", ""):
        with pytest.raises(NotFound):
            find_image(images, name)
