"""The evaluator and a naive second implementation, compared over random registries and documents."""

from __future__ import annotations

from typing import Any

import naive
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from registries import ANY, ARCHIVE, AT, EXPIRE, UNTAGGED, ago, archived, document, more_than, pulled, pushed, rule

from ecr_stack.aws.lifecycle import Image, evaluate, explain, lint

TAGS = st.sampled_from(["v1", "v2", "v10", "dev-a", "dev-b", "latest", "abc", "a1b2c", "release-1"])
PREFIXES = st.sampled_from(["v", "v1", "dev-", "a", "release", "latest", "x"])
PATTERNS = st.sampled_from(["*", "v*", "*1", "*-*", "a*c", "*1*", "latest", "d*-*", "*a*b*", "v?", "[a]*"])
# few different days, so that ties and ages of exactly so many days are common
DAYS = st.integers(0, 6).map(float) | st.sampled_from([89.0, 90.0, 91.0, 90.5])


@st.composite
def registries(draw: st.DrawFn) -> list[Image]:
    count = draw(st.integers(0, 9))
    digests = [f"sha256:{number}" for number in range(count)]
    others = st.sampled_from([*digests, "sha256:elsewhere"])
    made = []
    for number, digest in enumerate(digests):
        # a subject is an earlier image, so that no two are about each other
        subject = draw(st.none() | st.none() | st.sampled_from([*digests[:number], "sha256:elsewhere"]))
        made.append(
            Image(
                digest=digest,
                pushed_at=ago(draw(DAYS)),
                tags=tuple(draw(st.lists(TAGS, max_size=3, unique=True))),
                pulled_at=draw(st.none() | DAYS.map(ago)),
                status=draw(st.sampled_from(["ACTIVE"] * 4 + ["ARCHIVED", "ARCHIVED", "ACTIVATING"])),
                archived_at=draw(st.none() | DAYS.map(ago)),
                activated_at=draw(st.none() | st.none() | DAYS.map(ago)),
                size=draw(st.integers(0, 100)),
                subject=subject,
                references=tuple(draw(st.just([]) | st.just([]) | st.lists(others, max_size=2))),
            )
        )
    return made


@st.composite
def selections(draw: st.DrawFn) -> dict[str, Any]:
    match draw(st.sampled_from(["prefix", "pattern", "untagged"])):
        case "prefix":
            return {
                "tagStatus": "tagged",
                "tagPrefixList": draw(st.lists(PREFIXES, min_size=1, max_size=2, unique=True)),
            }
        case "pattern":
            return {"tagStatus": "tagged", "tagPatternList": draw(st.lists(PATTERNS, min_size=1, max_size=2))}
        case _:
            return dict(UNTAGGED)


@st.composite
def outcomes(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    days = draw(st.integers(1, 5))
    return draw(
        st.sampled_from(
            [
                (more_than(days), EXPIRE),
                (more_than(days), ARCHIVE),
                (pushed(days), EXPIRE),
                (pushed(days), ARCHIVE),
                (pulled(days), ARCHIVE),
                (archived(90), EXPIRE),
            ]
        )
    )


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    rules = [rule(2 * number + 1, draw(selections()), *draw(outcomes())) for number in range(draw(st.integers(0, 5)))]
    if not rules or draw(st.booleans()):
        rules.append(rule(50, dict(ANY), *draw(outcomes())))
    return document(*draw(st.permutations(rules)))


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(registries(), documents())
def test_two_implementations_agree_on_every_image(images: list[Image], policy: dict[str, Any]) -> None:
    if any(finding.severity == "error" for finding in lint(policy)):
        return  # two rules for one prefix, or for untagged images
    result = evaluate(policy, images, AT)
    given_order = [decision.image for decision in result.decisions]
    assert given_order == images
    for decision in result.decisions:
        acted = decision.rule_priority if decision.outcome != "keep" else None
        assert (decision.outcome, acted) == naive.outcome(policy, images, AT, decision.image)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(registries(), documents(), st.randoms(use_true_random=False))
def test_the_outcome_does_not_depend_on_the_order_of_the_images(images, policy, chance) -> None:
    if any(finding.severity == "error" for finding in lint(policy)):
        return
    shuffled = list(images)
    chance.shuffle(shuffled)
    assert set(evaluate(policy, shuffled, AT).decisions) == set(evaluate(policy, images, AT).decisions)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(registries(), documents())
def test_every_explanation_ends_in_what_happens(images, policy) -> None:
    if any(finding.severity == "error" for finding in lint(policy)):
        return
    for decision in evaluate(policy, images, AT).decisions:
        told = explain(policy, images, AT, decision.image)
        assert told.decision == decision
        deciding = [step.verdict for step in told.steps if step.verdict not in ("not selected", "shielded")]
        expected = {"acted": ["expires", "archives"], "spared": ["keeps"], "referenced": ["cannot"]}
        if decision.reason in expected:
            assert len(deciding) == 1
            assert deciding[0] in expected[decision.reason]
        else:
            assert deciding == []
