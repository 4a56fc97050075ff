"""The lifecycle rules of a stack file, and the document that ECR reads, made from them.

A rule of a stack file has one selector and one outcome, and several prefixes or patterns mean *any of them*. ECR
reads a list of them as *all of them*, so each becomes a rule of its own.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_parameters.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, model_validator

from ecr_stack.aws.lifecycle.requirements import (
    MAX_RULES,
    MAX_TEXT,
    MAX_WILDCARDS,
    MIN_DAYS_IN_ARCHIVE,
    MIN_TEXT,
)
from ecr_stack.errors import Problem
from ecr_stack.model import Model, Whole, refusal

__all__ = ["Rule", "compile_rules", "policy_text", "rule_list_problems"]

SELECTORS = ("tag_prefixes", "tag_patterns", "untagged", "any")
OUTCOMES = (
    "keep_last",
    "expire_after_days",
    "archive_after_days",
    "archive_after_days_since_pull",
    "expire_after_days_in_archive",
)

# https://docs.docker.com/reference/cli/docker/image/tag/ : what a tag is made of, and so what a prefix can match.
_PREFIX = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_PATTERN = re.compile(r"[A-Za-z0-9_*][A-Za-z0-9_.*-]{0,127}")


def _prefix(value: str) -> str:
    if "*" in value:
        alone = value.endswith("*") and value.count("*") == 1 and len(value) > 1
        raise refusal(
            "a tag prefix is plain text; `*` in it stands for itself, which no tag contains",
            f"write `{value[:-1]}`" if alone else "write it under `tagPatterns`",
        )
    if not _PREFIX.fullmatch(value):
        raise refusal(
            "a tag prefix has 1 to 128 letters, digits, `_`, `.` and `-`, and does not begin with `.` or `-`",
            "write the first characters of the tags that you mean, e.g. `v` or `dev-`",
        )
    return value


def _pattern(value: str) -> str:
    if value.count("*") > MAX_WILDCARDS:
        raise refusal(f"a tag pattern has at most {MAX_WILDCARDS} `*`", "write fewer `*`")
    if not _PATTERN.fullmatch(value):
        raise refusal(
            "a tag pattern has 1 to 128 letters, digits, `_`, `.`, `-` and `*`",
            "write the tags that you mean with `*` for what varies, e.g. `release-*`",
        )
    return value


MOST = 2_147_483_647
"""The largest number of AWS's integers."""


def _at_least(least: int, what: str) -> AfterValidator:
    def validate(value: int) -> int:
        if value > MOST:
            raise refusal(f"{what} is at most {MOST}", "write a smaller number")
        if value < least:
            raise refusal(f"{what} is at least {least}", f"write {least} or more")
        return value

    return AfterValidator(validate)


Prefix = Annotated[str, AfterValidator(_prefix)]
Pattern = Annotated[str, AfterValidator(_pattern)]
Count = Annotated[Whole, _at_least(1, "a number of images or days"), Field(json_schema_extra={"minimum": 1})]
ArchiveDays = Annotated[
    Whole,
    _at_least(MIN_DAYS_IN_ARCHIVE, "the time in the archive, which AWS charges for in any case,"),
    Field(json_schema_extra={"minimum": MIN_DAYS_IN_ARCHIVE}),
]


class Rule(Model):
    """One lifecycle rule: one selector and one outcome. Rules are applied in their order, each image by one at most."""

    description: Annotated[str, Field(max_length=256)] | None = None
    """Why, for whoever reads the policy in the console."""
    tag_prefixes: Annotated[list[Prefix], Field(min_length=1)] | None = None
    """Selects images with a tag that begins with any of these."""
    tag_patterns: Annotated[list[Pattern], Field(min_length=1)] | None = None
    """Selects images with a tag that matches any of these; `*` stands for anything, at most four times."""
    untagged: bool | None = None
    """Selects images without a tag."""
    any: bool | None = None
    """Selects all images; such a rule is the last one."""
    keep_last: Count | None = None
    """Expires all but the last so many, by push time; counted for each prefix or pattern by itself."""
    expire_after_days: Count | None = None
    """Expires images so many days after their push."""
    archive_after_days: Count | None = None
    """Moves images to the archive storage class so many days after their push."""
    archive_after_days_since_pull: Count | None = None
    """Moves images to the archive storage class so many days after their last pull."""
    expire_after_days_in_archive: ArchiveDays | None = None
    """Expires archived images so many days after they were archived: at least 90."""

    @model_validator(mode="after")
    def _one_selector_and_one_outcome(self) -> Self:
        for names, what in ((SELECTORS, "selector"), (OUTCOMES, "outcome")):
            given = [name for name in names if getattr(self, name) is not None]
            spelled = [str(type(self).model_fields[name].alias) for name in (given or names)]
            if len(given) != 1:
                raise refusal(
                    f"a lifecycle rule has exactly one {what}, not {len(given)}",
                    f"add one of {', '.join(spelled)}" if not given else f"keep one of {', '.join(spelled)}",
                )
        for name in ("untagged", "any"):
            if getattr(self, name) is False:
                raise refusal(f"`{name}: false` selects nothing", f"write `{name}: true`, or another selector")
        return self


_OUTCOME: Mapping[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "keep_last": ({"countType": "imageCountMoreThan"}, {"type": "expire"}),
    "expire_after_days": ({"countType": "sinceImagePushed", "countUnit": "days"}, {"type": "expire"}),
    "archive_after_days": (
        {"countType": "sinceImagePushed", "countUnit": "days"},
        {"type": "transition", "targetStorageClass": "archive"},
    ),
    "archive_after_days_since_pull": (
        {"countType": "sinceImagePulled", "countUnit": "days"},
        {"type": "transition", "targetStorageClass": "archive"},
    ),
    "expire_after_days_in_archive": (
        {"storageClass": "archive", "countType": "sinceImageTransitioned", "countUnit": "days"},
        {"type": "expire"},
    ),
}


def compile_rules(rules: Sequence[Rule]) -> dict[str, Any]:
    """Make the document that ECR reads: each prefix and pattern a rule of its own, in order, from priority 1.

    Args:
        rules: valid rules in which `rule_list_problems` finds nothing.

    Returns:
        Plain JSON data, `{"rules": […]}`.
    """
    native: list[dict[str, Any]] = []
    for rule in rules:
        outcome = next(name for name in OUTCOMES if getattr(rule, name) is not None)
        counted, action = _OUTCOME[outcome]
        for selection in _selections(rule):
            native.append(
                {
                    "rulePriority": len(native) + 1,
                    **({"description": rule.description} if rule.description else {}),
                    "selection": {**selection, **counted, "countNumber": getattr(rule, outcome)},
                    "action": dict(action),
                }
            )
    return {"rules": native}


def _selections(rule: Rule) -> list[dict[str, Any]]:
    if rule.tag_prefixes is not None:
        return [{"tagStatus": "tagged", "tagPrefixList": [prefix]} for prefix in rule.tag_prefixes]
    if rule.tag_patterns is not None:
        return [{"tagStatus": "tagged", "tagPatternList": [pattern]} for pattern in rule.tag_patterns]
    return [{"tagStatus": "untagged" if rule.untagged else "any"}]


def policy_text(document: Mapping[str, Any]) -> str:
    """Write a document as ECR takes it: compact JSON, always the same, padded to the 100 characters that ECR wants."""
    text = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
    return text if len(text) >= MIN_TEXT else json.dumps(document, indent=2, ensure_ascii=False)


def rule_list_problems(rules: Sequence[Rule], place: str) -> list[Problem]:
    """Find what is wrong with a list of rules that are each right.

    Args:
        rules: the rules, in order.
        place: the key path of the list, e.g. `ecr-stack:repositoryDefaults.lifecycle`.
    """
    problems: list[Problem] = []
    archived = [rule.expire_after_days_in_archive is not None for rule in rules]
    taken: dict[tuple[bool, str, str], str] = {}
    for number, rule in enumerate(rules):
        here = f"{place}[{number}]"
        if rule.any and any(archived[later] == archived[number] for later in range(number + 1, len(rules))):
            problems.append(
                Problem(f"{here}.any", True, "a rule for any image must be the last one", "move this rule to the end")
            )
        for key, value in _selected(rule):
            where = f"{here}.{key}"
            held = taken.setdefault((archived[number], key.split("[")[0], value), where)
            if held != where:
                problems.append(
                    Problem(
                        where,
                        value or True,
                        f"ECR takes one rule for each selector, and {held} has this one already",
                        "remove one of the two",
                    )
                )
    if not rules:
        problems.append(Problem(place, [], "a lifecycle has at least one rule", f"add one, or remove `{place}`"))
        return problems
    document = compile_rules(rules)
    if len(document["rules"]) > MAX_RULES:
        count = len(document["rules"])
        problems.append(
            Problem(
                place,
                f"{count} rules",
                f"ECR takes at most {MAX_RULES} rules, and each prefix and each pattern is one",
                "use fewer prefixes, or a pattern that covers several",
            )
        )
    if len(policy_text(document)) > MAX_TEXT:
        problems.append(
            Problem(
                place,
                f"{len(policy_text(document))} characters",
                f"ECR takes a policy of at most {MAX_TEXT} characters",
                "shorten the descriptions, or use fewer rules",
            )
        )
    return problems


def _selected(rule: Rule) -> list[tuple[str, str]]:
    if rule.tag_prefixes is not None:
        return [(f"tagPrefixes[{number}]", prefix) for number, prefix in enumerate(rule.tag_prefixes)]
    if rule.tag_patterns is not None:
        return [(f"tagPatterns[{number}]", pattern) for number, pattern in enumerate(rule.tag_patterns)]
    return [("untagged" if rule.untagged else "any", "")]
