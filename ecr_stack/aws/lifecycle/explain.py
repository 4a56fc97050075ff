"""Explains, rule by rule, why a lifecycle document keeps, archives or expires an image."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from ecr_stack.aws.lifecycle.document import Document, NativeRule, parse_document
from ecr_stack.aws.lifecycle.evaluate import Decision, Run, age_since, as_utc
from ecr_stack.aws.lifecycle.images import Image
from ecr_stack.errors import NotFound

__all__ = ["Explanation", "Step", "Verdict", "explain", "find_image"]

Verdict = Literal["not selected", "shielded", "keeps", "expires", "archives", "cannot"]


@dataclass(frozen=True, slots=True)
class Step:
    """What one rule does to the image."""

    rule: NativeRule
    verdict: Verdict
    """`not selected`: the rule does not match it. `shielded`: it does, but an earlier rule was first. `cannot`: the rule
    would act, but a manifest list refers to the image."""
    because: str
    """The reason, without a full stop."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """The decision about an image, with the reasons."""

    decision: Decision
    steps: tuple[Step, ...]
    """One for each rule, in order of priority."""
    because: str
    """The conclusion, a sentence without a full stop."""


def explain(
    document: Document | str | Mapping[str, Any], images: Iterable[Image], at: datetime, image: Image
) -> Explanation:
    """Explain what a document does to one image of a repository.

    Args:
        document: parsed, or as ECR takes it.
        images: all images of the repository.
        at: the time of the evaluation; in UTC if it has no zone.
        image: one of the images.

    Raises:
        InvalidInput: ECR would reject the document.
        NotFound: the image is not among the images.
    """
    parsed = document if isinstance(document, Document) else parse_document(document)
    run = Run(parsed, list(images), as_utc(at))
    index = next((index for index, one in enumerate(run.images) if one.digest == image.digest), None)
    if index is None:
        raise NotFound(f"the image {image.digest} is not among the images")
    decision = run.decisions()[index]
    steps = tuple(_step(run, rule, index, decision) for rule in parsed.rules)
    return Explanation(decision, steps, _conclusion(run, index, decision))


def find_image(images: Iterable[Image], name: str) -> Image:
    """Find an image by its digest, a prefix of the digest, or a tag.

    Raises:
        NotFound: no image, or more than one, matches.
    """
    every = list(images)
    for found in (
        [image for image in every if image.digest == name],
        [image for image in every if name in image.tags],
        [
            image
            for image in every
            if name and image.digest.removeprefix("sha256:").startswith(name.removeprefix("sha256:"))
        ],
    ):
        if len(found) == 1:
            return found[0]
        if found:
            raise NotFound(f"{len(found)} images match {name}: specify the full digest")
    raise NotFound(f"no image matches {name}: specify a digest, a prefix of a digest, or a tag")


def _step(run: Run, rule: NativeRule, index: int, decision: Decision) -> Step:
    owner = run.owner[index]
    outside = _not_selected(run, rule, index)
    if outside:
        return Step(rule, "not selected", outside)
    if owner is not rule:
        first = owner.priority if owner is not None else 0
        return Step(rule, "shielded", f"its tags match, but rule {first} matched it first; this rule only counts it")
    why = _measure(run, rule, index)
    if not run.marked[index]:
        return Step(rule, "keeps", why)
    if decision.reason == "referenced":
        return Step(rule, "cannot", f"{why}; but a manifest list refers to it")
    return Step(rule, "expires" if rule.action == "expire" else "archives", why)


def _not_selected(run: Run, rule: NativeRule, index: int) -> str | None:
    image = run.images[index]
    if run.follows_subject(image):
        return "it refers to another image, its subject, and shares its fate"
    if image.status == "ACTIVATING":
        return "the image is being restored from the archive"
    if (image.status == "ARCHIVED") != (rule.storage_class == "archive"):
        where = "in the archive" if image.status == "ARCHIVED" else "not in the archive"
        return f"the rule applies to {rule.storage_class} images, and this one is {where}"
    if rule.selects(image.tags):
        return None
    if rule.tag_status == "untagged":
        return f"it is tagged {', '.join(image.tags)}"
    if not image.tags:
        return "it has no tag"
    missing = [entry.shown for entry in rule.tag_filters if not any(map(entry.matches, image.tags))]
    return f"none of its tags ({', '.join(image.tags)}) matches {' and '.join(missing)}"


def _measure(run: Run, rule: NativeRule, index: int) -> str:
    """The value that the rule compares with its limit."""
    image = run.images[index]
    limit = rule.count_number
    if rule.count_type == "imageCountMoreThan":
        counted = run.identified(rule)
        newer = sum(run.order[other] > run.order[index] for other in counted)
        level = sum(run.order[other] == run.order[index] for other in counted) - 1
        tied = f", and {level} {'was' if level == 1 else 'were'} pushed at the same instant" if level else ""
        return f"{newer} of the {len(counted)} images that the rule counts are newer{tied}; the rule keeps {limit}"
    since = age_since(rule, image)
    return f"{_event(rule, image)} {_days(run.at - since)} ago; the limit is {limit} {'day' if limit == 1 else 'days'}"


def _event(rule: NativeRule, image: Image) -> str:
    came_back = "restored from the archive" if image.activated_at is not None else "pushed"
    if rule.count_type == "sinceImageTransitioned":
        return "archived" if image.archived_at is not None else f"archived at an unknown time, {came_back}"
    if (
        rule.count_type == "sinceImagePulled"
        and image.pulled_at is not None
        and age_since(rule, image) == image.pulled_at
    ):
        return "last pulled"
    return (
        f"never pulled, {came_back}" if rule.count_type == "sinceImagePulled" and image.pulled_at is None else came_back
    )


def _days(age: timedelta) -> str:
    days = age / timedelta(days=1)
    whole = int(days)
    return f"{whole} {'day' if whole == 1 else 'days'}" if days == whole else f"{days:.1f} days"


def _conclusion(run: Run, index: int, decision: Decision) -> str:
    image = run.images[index]
    match decision.reason:
        case "unselected" if image.status == "ACTIVATING":
            return "Kept: no rule affects an image that is being restored from the archive"
        case "unselected":
            return "Kept: no rule selects it, so it is kept forever"
        case "spared":
            return f"Kept: rule {decision.rule_priority} keeps it, and no later rule can affect it"
        case "referenced":
            return f"Kept: rule {decision.rule_priority} selects it, but a manifest list that refers to it must be removed first"
        case "subject" if decision.outcome == "keep":
            return f"Kept: it is kept as long as its subject {image.subject}"
        case "subject":
            return (
                f"{_PAST[decision.outcome]}: it goes with its subject {image.subject}, by rule {decision.rule_priority}"
            )
        case _:
            return f"{_PAST[decision.outcome]} by rule {decision.rule_priority}"


_PAST = {"expire": "Expired", "archive": "Archived", "keep": "Kept"}
