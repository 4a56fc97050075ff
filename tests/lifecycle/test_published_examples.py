"""AWS's worked examples, one test each, word by word.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_examples.html
"""

from __future__ import annotations

import pytest
from registries import (
    ANY,
    ARCHIVE,
    UNTAGGED,
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

from ecr_stack.aws.lifecycle import lint

BETA_AND_PROD = (
    image("A", "beta-1", "prod-1", days=10),
    image("B", "beta-2", "prod-2", days=9),
    image("C", "beta-3", days=8),
)
ALPHA_AND_BETA = (
    image("A", "alpha-1", days=12),
    image("B", "beta-1", days=11),
    image("C", "alpha-2", "beta-2", days=10),
    image("D", "alpha-3", days=4),
    image("E", "beta-3", days=3),
    image("F", "alpha-4", "beta-4", days=2),
)


def test_filtering_on_image_age() -> None:
    policy = document(rule(1, tagged("prod*"), pushed(14)))
    images = image("A", "prod1", days=15), image("B", "prod", days=13), image("C", "dev", days=99)
    assert expired(policy, *images) == "A"


def test_filtering_on_image_count_keeps_one_untagged_image() -> None:
    policy = document(rule(1, UNTAGGED, more_than(1)))
    images = image("A", days=3), image("B", days=2), image("C", days=1), image("D", "x", days=9)
    assert expired(policy, *images) == "AB"


@pytest.mark.parametrize("select", [tagged, lambda text: prefixed(text.rstrip("*"))], ids=["patterns", "prefixes"])
def test_filtering_on_multiple_rules_a(select) -> None:
    policy = document(rule(1, select("prod*"), more_than(1)), rule(2, select("beta*"), more_than(1)))
    assert expired(policy, *BETA_AND_PROD) == "A"


@pytest.mark.parametrize("select", [tagged, lambda text: prefixed(text.rstrip("*"))], ids=["patterns", "prefixes"])
def test_filtering_on_multiple_rules_b(select) -> None:
    policy = document(rule(1, select("beta*"), more_than(1)), rule(2, select("prod*"), more_than(1)))
    assert outcomes(policy, *BETA_AND_PROD) == {"A": ("expire", 1), "B": ("expire", 1)}


def test_filtering_on_multiple_tags_in_a_single_rule_a() -> None:
    assert expired(document(rule(1, tagged("alpha*", "beta*"), pushed(5))), *ALPHA_AND_BETA) == "C"
    assert expired(document(rule(1, prefixed("alpha", "beta"), pushed(5))), *ALPHA_AND_BETA) == "C"


def test_filtering_on_multiple_tags_in_a_single_rule_b() -> None:
    images = (
        image("A", "alpha-1", "beta-1", "gamma-1", days=10),
        image("B", "alpha-2", "beta-2", days=9),
        image("C", "alpha-3", "beta-3", "gamma-2", days=8),
    )
    assert expired(document(rule(1, tagged("alpha*", "beta*"), more_than(1))), *images) == "AB"


def test_filtering_on_all_images_a() -> None:
    images = (
        image("A", "alpha-1", days=4),
        image("B", "beta-1", days=3),
        image("C", days=2),
        image("D", "alpha-2", days=1),
    )
    assert expired(document(rule(1, ANY, more_than(1))), *images) == "ABC"


def test_filtering_on_all_images_b() -> None:
    images = (
        image("A", "alpha-1", "beta-1", days=4),
        image("B", days=3),
        image("C", "alpha-2", days=2),
        image("D", "git hash", days=1),
        image("E", days=1),
    )
    policy = document(rule(1, tagged("alpha*"), more_than(1)), rule(2, UNTAGGED, pushed(1)), rule(3, ANY, more_than(1)))
    expected = {"A": ("expire", 1), "B": ("expire", 2), "D": ("expire", 3)}
    assert outcomes(policy, *images) == expected
    assert outcomes(policy, *reversed(images)) == expected


def test_archiving_images_older_than_a_number_of_days() -> None:
    policy = document(rule(1, tagged("prod*"), pushed(30), ARCHIVE))
    images = image("A", "prod-1", days=31), image("B", "prod-2", days=29), image("C", "dev", days=31)
    assert outcomes(policy, *images) == {"A": ("archive", 1)}


def test_archiving_images_not_pulled_in_a_number_of_days() -> None:
    policy = document(rule(1, ANY, pulled(90), ARCHIVE))
    images = (
        image("A", "x", days=200, pulled_at=image("", days=91).pushed_at),
        image("B", "x", days=200, pulled_at=image("", days=89).pushed_at),
        image("C", days=91),
        image("D", days=89),
    )
    assert outcomes(policy, *images) == {"A": ("archive", 1), "C": ("archive", 1)}


def test_filtering_on_archive_transition_time() -> None:
    policy = document(rule(1, ANY, archived(365)))
    images = (
        image("A", days=900, status="ARCHIVED", archived_at=image("", days=366).pushed_at),
        image("B", days=900, status="ARCHIVED", archived_at=image("", days=364).pushed_at),
        image("C", days=900),
    )
    assert outcomes(policy, *images) == {"A": ("expire", 1)}


def test_combining_archive_and_expire_rules() -> None:
    policy = document(rule(1, ANY, pushed(30), ARCHIVE), rule(2, ANY, archived(365)))
    images = (
        image("A", "x", days=31),
        image("B", "x", days=29),
        image("C", days=900, status="ARCHIVED", archived_at=image("", days=366).pushed_at),
        image("D", days=900, status="ARCHIVED", archived_at=image("", days=364).pushed_at),
    )
    assert outcomes(policy, *images) == {"A": ("archive", 1), "C": ("expire", 2)}
    assert [finding for finding in lint(policy) if finding.severity == "error"] == []
