"""Finds native ECR lifecycle rules pasted into a stack file, which has its own shorter form.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_parameters.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ecr_stack.errors import Problem

__all__ = ["native_rule_problems"]

_OUTCOMES = {
    ("imageCountMoreThan", "expire"): "keepLast",
    ("sinceImagePushed", "expire"): "expireAfterDays",
    ("sinceImagePushed", "transition"): "archiveAfterDays",
    ("sinceImagePulled", "transition"): "archiveAfterDaysSincePull",
    ("sinceImageTransitioned", "expire"): "expireAfterDaysInArchive",
}


def native_rule_problems(values: Mapping[str, Any]) -> Iterator[Problem]:
    """Find native rules, and convert each to the form of a stack file.

    Args:
        values: the values of a stack file by namespaced key.
    """
    defaults = values.get("ecr-stack:repositoryDefaults")
    repositories = values.get("ecr-stack:repositories")
    settings = {"ecr-stack:repositoryDefaults": defaults}
    if isinstance(repositories, Mapping):
        settings |= {f"ecr-stack:repositories.{name}": each for name, each in repositories.items()}
    for place, each in settings.items():
        lifecycle = each.get("lifecycle") if isinstance(each, Mapping) else None
        if isinstance(lifecycle, Mapping) and isinstance(lifecycle.get("rules"), list):
            rule = "this is a native ECR lifecycle document; a stack file has a list of rules in order of priority"
            remedy = f"write `lifecycle: [{', '.join(filter(None, map(_shorter, lifecycle['rules'][:3])))}]`"
            yield Problem(f"{place}.lifecycle", lifecycle, rule, remedy)
        for index, entry in enumerate(lifecycle if isinstance(lifecycle, list) else ()):
            if isinstance(entry, Mapping) and {"rulePriority", "selection", "action"} & set(entry):
                rule = "this is a rule of a native ECR lifecycle document; a stack file has rules in order of priority"
                shorter = _shorter(entry) or "{description: …, tagPrefixes: [v], keepLast: 10}"
                yield Problem(f"{place}.lifecycle[{index}]", entry, rule, f"write `{shorter}`")


def _shorter(rule: Any) -> str | None:
    """A native rule in the form of a stack file; `None` if there is no equivalent."""
    selection = rule.get("selection") if isinstance(rule, Mapping) else None
    if not isinstance(selection, Mapping):
        return None
    action = rule.get("action")
    kind = action.get("type", "expire") if isinstance(action, Mapping) else "expire"
    outcome = _OUTCOMES.get((str(selection.get("countType")), str(kind)))
    match selection.get("tagStatus"):
        case "tagged" if selection.get("tagPatternList"):
            selector = f"tagPatterns: {_listed(selection['tagPatternList'])}"
        case "tagged":
            # an image must match all native prefixes, but any of those in a stack file
            prefixes = selection.get("tagPrefixList")
            if not isinstance(prefixes, list) or len(prefixes) != 1:
                return None
            selector = f"tagPrefixes: {_listed(prefixes)}"
        case "untagged":
            selector = "untagged: true"
        case "any":
            selector = "any: true"
        case _:
            return None
    if outcome is None or not isinstance(selection.get("countNumber"), int):
        return None
    description = json.dumps(rule.get("description") or "…", ensure_ascii=False)
    return f"{{description: {description}, {selector}, {outcome}: {selection['countNumber']}}}"


def _listed(words: Any) -> str:
    return json.dumps(words, ensure_ascii=False)
