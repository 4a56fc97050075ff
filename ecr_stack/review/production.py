"""What a change does to what counts as production: the guardrails for production are asked of nothing else.

Production is what any of these says: the stack's name, `ecr-stack:environment`, or the tag `Environment`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ecr_stack.review.comparison import Risk
from ecr_stack.review.report import Record, at, items
from ecr_stack.schema.production import PRODUCTION_NAMES, means_production

__all__ = ["counts_as_production", "production_risks"]

_ENVIRONMENT = "ecr-stack:environment"
_TAG = "Environment"
_GONE = "production policies no longer apply here, so the absence of violations means little"


def counts_as_production(report: Record) -> bool:
    """Whether a stack, or a resource of it, counts as production.

    Args:
        report: a rehearsal, as `rehearse --format json` prints it.
    """
    names = _Names.of(report)
    return bool(names.sources) or any(map(names.means, filter(None, map(_tag, report["resources"]))))


def production_risks(base: Record, head: Record, renamed: Mapping[str, str]) -> Iterator[Risk]:
    """Yield what counted as production and is called something else.

    Args:
        base: how it is, as `rehearse --format json` prints it.
        head: how it would be.
        renamed: for the URN of each renamed resource of the head the URN that it had.
    """
    old, new = _Names.of(base), _Names.of(head)
    said = old.means(old.environment) and not new.means(new.environment) and new.environment is not None
    if said:
        yield new.risk("", _ENVIRONMENT, f"{old.environment} → {new.environment}")
    before = {record["urn"]: _tag(record) for record in base["resources"]}
    for record in head["resources"]:
        was, now = before.get(renamed.get(record["urn"], record["urn"])), _tag(record)
        if old.means(was) and not new.means(now) and not (said and now == new.environment):
            change = f"the tag `{_TAG}`: {was} → {now or 'none'}"
            yield new.risk(record["urn"], record["name"], change)


@dataclass(frozen=True)
class _Names:
    """What a stack is called."""

    stack: str
    environment: str | None
    """What its configuration says; `None` if it is not known."""
    patterns: tuple[str, ...]
    """What means production to the guardrails."""

    @classmethod
    def of(cls, report: Record) -> _Names:
        environment = at(report.get("settings"), _ENVIRONMENT)
        configured = report.get("guardrails")
        policies = configured.values() if isinstance(configured, Mapping) else ()
        more = (items(at(each, key)) for each in policies for key in ("productionValues", "productionStacks"))
        return cls(
            str(report.get("stack") or ""),
            environment if isinstance(environment, str) else None,
            (*PRODUCTION_NAMES, *(each for listed in more for each in listed if isinstance(each, str))),
        )

    def means(self, name: str | None) -> bool:
        return bool(name) and means_production(str(name), self.patterns)

    @property
    def sources(self) -> list[str]:
        """What says that the whole stack is production."""
        found = [("the stack's name", self.stack), (f"`{_ENVIRONMENT}`", self.environment)]
        return [words for words, name in found if self.means(name)]

    def risk(self, urn: str, name: str, change: str) -> Risk:
        if self.sources:
            by = " and ".join(self.sources)
            words = f"no longer says production ({change}); it still counts as production by {by}"
            return Risk("attention", urn, name, words)
        return Risk("danger", urn, name, f"no longer counts as production ({change}): {_GONE}")


def _tag(record: Any) -> str | None:
    """The tag that names the environment of a resource, in whatever case."""
    for where in (("outputs", "tagsAll"), ("inputs", "tagsAll"), ("inputs", "tags"), ("inputs", "resourceTags")):
        tags = at(record, *where)
        if isinstance(tags, Mapping):
            for key, value in tags.items():
                if key.casefold() == _TAG.casefold() and isinstance(value, str):
                    return value
    return None
