"""The lifecycle rules of a stack file, and the document that ECR reads, made from them.

A rule of a stack file has one selector and one outcome, and several prefixes or patterns mean *any of them*. ECR
reads a list of them as *all of them*, so each becomes a rule of its own.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_parameters.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar

from pydantic import Field
from pydantic_core import PydanticCustomError

from ecr_stack.aws.lifecycle.document import policy_text
from ecr_stack.aws.lifecycle.lint import lint
from ecr_stack.aws.lifecycle.requirements import MAX_RULES, MAX_TEXT, MAX_WILDCARDS, MIN_DAYS_IN_ARCHIVE
from ecr_stack.errors import Problem, counted
from ecr_stack.forms import Described, Form, Range, at_most
from ecr_stack.model import Item, Model, Whole, is_unknown, key_of, refusal
from ecr_stack.schema.json_schema import exactly_one

__all__ = [
    "LifecycleRule",
    "compile_rules",
    "document_problems",
    "lifecycle_text",
    "rule_indices",
    "rule_list_problems",
]

SELECTORS = ("tag_prefixes", "tag_patterns", "untagged", "any")
OUTCOMES = (
    "keep_last",
    "expire_after_days",
    "archive_after_days",
    "archive_after_days_since_pull",
    "expire_after_days_in_archive",
)

# https://docs.docker.com/reference/cli/docker/image/tag/ : what a tag is made of, and so what a prefix can match.
_PREFIX = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_PATTERN = at_most(MAX_WILDCARDS, "*") + r"[A-Za-z0-9_*][A-Za-z0-9_.*-]{0,127}"


def _wildcard_in_prefix(value: str) -> PydanticCustomError | None:
    if "*" not in value:
        return None
    alone = value.endswith("*") and value.count("*") == 1 and len(value) > 1
    return refusal(
        "a tag prefix is plain text; a `*` in it matches only itself, and no tag contains one",
        f"write `{value[:-1]}`" if alone else "write it under `tagPatterns`",
    )


def _too_many_wildcards(value: str) -> PydanticCustomError | None:
    if value.count("*") <= MAX_WILDCARDS:
        return None
    return refusal(f"a tag pattern has at most {MAX_WILDCARDS} `*`", "write fewer `*`")


MOST = 2_147_483_647
"""The largest number of AWS's integers."""


def _at_least(least: int, what: str) -> Range:
    def too_large(value: float) -> PydanticCustomError | None:
        return refusal(f"{what} is at most {MOST}", "write a smaller number") if value > MOST else None

    return Range(f"{what} is at least {least}", f"write {least} or more", least=least, most=MOST, explain=too_large)


Prefix = Annotated[
    str,
    Form(
        _PREFIX,
        "a tag prefix has 1 to 128 letters, digits, `_`, `.` and `-`, and does not begin with `.` or `-`",
        "write the first characters of the tags that you mean, e.g. `v` or `dev-`",
        explain=_wildcard_in_prefix,
    ),
    Item,
]
Pattern = Annotated[
    str,
    Form(
        _PATTERN,
        f"a tag pattern has 1 to 128 letters, digits, `_`, `.`, `-` and at most {MAX_WILDCARDS} `*`",
        "write the tags that you mean with `*` for what varies, e.g. `release-*`",
        explain=_too_many_wildcards,
    ),
    Item,
]
Count = Annotated[Whole, _at_least(1, "a number of images or days")]
ArchiveDays = Annotated[
    Whole, _at_least(MIN_DAYS_IN_ARCHIVE, "the time in the archive, which AWS charges for in any case,")
]


class LifecycleRule(Model):
    """One lifecycle rule: one selector and one outcome. Rules apply in their order, each image is handled by at most one."""

    MOVED: ClassVar[Mapping[str, str]] = dict.fromkeys(
        ("rulePriority", "selection", "action"),
        "this is a rule of a native lifecycle document: write the whole document under `lifecycleDocument`, or the rule "
        "as e.g. `{tagPrefixes: [v], keepLast: 10}`",
    )

    description: Annotated[str, Field(max_length=256)] | None = None
    """Why, for whoever reads the policy in the console."""
    tag_prefixes: Annotated[list[Prefix], Field(min_length=1)] | None = None
    """Selects images with a tag that begins with any of these."""
    tag_patterns: Annotated[list[Pattern], Field(min_length=1)] | None = None
    """Selects images with a tag that matches any of these; `*` matches any characters and is allowed four times."""
    untagged: Annotated[bool, Described(const=True)] | None = None
    """Selects images without a tag."""
    any: Annotated[bool, Described(const=True)] | None = None
    """Selects all images; such a rule is the last one."""
    keep_last: Count | None = None
    """Expires all but the newest N images by push time, counted separately for each prefix or pattern."""
    expire_after_days: Count | None = None
    """Expires images N days after their push."""
    archive_after_days: Count | None = None
    """Moves images to the archive storage class N days after their push."""
    archive_after_days_since_pull: Count | None = None
    """Moves images to the archive storage class N days after their last pull."""
    expire_after_days_in_archive: ArchiveDays | None = None
    """Expires archived images N days after they were archived: at least 90."""

    def cross_field_errors(self) -> Iterator[Problem]:
        """A rule has one selector and one outcome."""
        for names, what in ((SELECTORS, "selector"), (OUTCOMES, "outcome")):
            given = [name for name in names if getattr(self, name) is not None]
            spelled = [f"`{key_of(type(self), name)}`" for name in (given or names)]
            if len(given) != 1:
                yield Problem(
                    "",
                    self.as_written(),
                    f"a lifecycle rule has exactly one {what}, not {len(given)}",
                    f"keep one of {', '.join(spelled)}" if given else f"add one of {', '.join(spelled)}",
                )
        for name in ("untagged", "any"):
            if getattr(self, name) is False:
                yield Problem(
                    name, False, f"`{name}: false` selects nothing", f"write `{name}: true`, or another selector"
                )

    @classmethod
    def json_rules(cls) -> Iterator[dict[str, Any]]:
        """One selector and one outcome."""
        yield from (exactly_one([key_of(cls, name) for name in names]) for names in (SELECTORS, OUTCOMES))


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


def compile_rules(rules: Sequence[LifecycleRule]) -> dict[str, Any]:
    """Make the document that ECR reads: each prefix and pattern a rule of its own, in order, from priority 1.

    Rules for any image get the highest priorities, the one for archived images last: ECR wants them there, and a rule
    for archived images competes with no other.

    Args:
        rules: valid rules in which `rule_list_problems` finds nothing.

    Returns:
        Plain JSON data, `{"rules": […]}`.
    """
    native: list[dict[str, Any]] = []
    for rule in _ordered(rules):
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


def rule_indices(rules: Sequence[LifecycleRule]) -> list[int]:
    """For each rule of the compiled document, in order of priority, the index of the rule that it comes from."""
    return [rules.index(rule) for rule in _ordered(rules) for _ in _selections(rule)]


def _ordered(rules: Sequence[LifecycleRule]) -> list[LifecycleRule]:
    return sorted(rules, key=lambda rule: (bool(rule.any), bool(rule.any) and _archived(rule)))


def _archived(rule: LifecycleRule) -> bool:
    return rule.expire_after_days_in_archive is not None


def _selections(rule: LifecycleRule) -> list[dict[str, Any]]:
    if rule.tag_prefixes is not None:
        return [{"tagStatus": "tagged", "tagPrefixList": [prefix]} for prefix in rule.tag_prefixes]
    if rule.tag_patterns is not None:
        return [{"tagStatus": "tagged", "tagPatternList": [pattern]} for pattern in rule.tag_patterns]
    return [{"tagStatus": "untagged" if rule.untagged else "any"}]


def lifecycle_text(rules: Sequence[LifecycleRule] | None, document: Mapping[str, Any] | str | None) -> str | None:
    """The JSON text that ECR gets: from typed rules, or a native document as it was written; `None` without either."""
    if document is not None:
        return document if isinstance(document, str) else policy_text(document)
    return policy_text(compile_rules(rules)) if rules else None


def document_problems(document: Mapping[str, Any] | str, place: str) -> Iterator[Problem]:
    """Yield what ECR would refuse in a native lifecycle document."""
    text = document if isinstance(document, str) else policy_text(document)
    for finding in lint(text):
        if finding.severity == "error":
            where = "" if finding.rule_priority is None else f" (rule {finding.rule_priority})"
            yield Problem(
                place, document, f"{finding.message}{where}", "fix the document; `ecr-stack lifecycle lint` explains it"
            )


def rule_list_problems(rules: Sequence[LifecycleRule], place: str) -> list[Problem]:
    """Find what is wrong with a list of rules that are each right.

    Args:
        rules: the rules, in order; what is unknown in them is left out.
        place: the key path of the list, e.g. `lifecycle`.
    """
    problems: list[Problem] = []
    taken: dict[tuple[bool, str, str], str] = {}
    known = [None if is_unknown(rule) else rule for rule in rules]
    for number, rule in enumerate(known):
        if rule is None:
            continue
        here = f"{place}[{number}]"
        later = [other for other in known[number + 1 :] if other is not None]
        if rule.any and any(_archived(other) == _archived(rule) for other in later):
            problems.append(
                Problem(f"{here}.any", True, "a rule for any image must be the last one", "move this rule to the end")
            )
        for key, value in _selected(rule):
            where = f"{here}.{key}"
            held = taken.setdefault((_archived(rule), key.split("[")[0], value), where)
            if held != where:
                problems.append(
                    Problem(
                        where,
                        value or True,
                        f"ECR allows one rule for each selector, and `{held}` has this one already",
                        "remove one of the two",
                    )
                )
    whole = [rule for rule in known if rule is not None and not any(_later(value) for value in rule.given().values())]
    if len(whole) < len(rules) or problems or any(list(rule.cross_field_errors()) for rule in whole):
        return problems
    document = compile_rules(whole)
    if len(document["rules"]) > MAX_RULES:
        problems.append(
            Problem(
                place,
                counted(len(document["rules"]), "rule"),
                f"ECR allows at most {MAX_RULES} rules, and each prefix and each pattern is one",
                "use fewer prefixes, or a pattern that covers several",
            )
        )
    if len(policy_text(document)) > MAX_TEXT:
        problems.append(
            Problem(
                place,
                f"{len(policy_text(document))} characters",
                f"ECR allows a policy of at most {MAX_TEXT} characters",
                "shorten the descriptions, or use fewer rules",
            )
        )
    return problems


def _later(value: Any) -> bool:
    return is_unknown(value) or (isinstance(value, list) and any(is_unknown(item) for item in value))


def _selected(rule: LifecycleRule) -> list[tuple[str, str]]:
    for name in ("tag_prefixes", "tag_patterns"):
        entries = rule.known(name)
        if entries is not None:
            key = key_of(LifecycleRule, name)
            return [(f"{key}[{number}]", entry) for number, entry in enumerate(entries) if not is_unknown(entry)]
    return [("untagged" if rule.untagged else "any", "")] if rule.untagged or rule.any else []
