"""How many images a lifecycle change may remove: `ecr-stack:lifecycleGuard`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import AfterValidator

from ecr_stack.aws.names import RoleArn
from ecr_stack.errors import Problem
from ecr_stack.forms import Described, Range
from ecr_stack.model import Model, Structural, Whole, key_of, nearest, refusal
from ecr_stack.schema.json_schema import at_least_one, given
from ecr_stack.schema.reasons import PROPOSED, reason_problem

__all__ = ["GuardLimits", "GuardOverride", "LifecycleGuard", "RepositoryGuard", "unknown_overrides"]


Limit = Annotated[Whole, Range("a limit is 0 or more", "write 0 to let nothing through", least=0)]
Percent = Annotated[Whole, Range("a percentage is 0 to 100", "write a number from 0 to 100", least=0, most=100)]


class GuardLimits(Model):
    """What a lifecycle change may do to the images of one repository; each limit counts."""

    max_expire: Annotated[Limit | None, Structural] = None
    """The maximum number of images that may expire."""
    max_expire_percent: Annotated[Percent | None, Structural] = None
    """The maximum percentage of the repository's images that may expire."""
    max_archive: Annotated[Limit | None, Structural] = None
    """The maximum number of images that may go to the archive, where they cannot be pulled. Default: `maxExpire`."""
    max_archive_percent: Annotated[Percent | None, Structural] = None
    """The maximum percentage of the repository's images that may go to the archive. Default: `maxExpirePercent`."""
    protect_pulled_within_days: Annotated[Limit | None, Structural] = None
    """No image that was pulled within so many days may expire or go to the archive."""


def _reason(value: str) -> str:
    if problem := reason_problem(value):
        rule = (
            f"an override needs a reason, and `{value[:80]}` {problem}"
            if value.strip()
            else "an override needs a reason"
        )
        raise refusal(rule, "write who decided it and why, e.g. a ticket's number")
    return value


Reason = Annotated[str, AfterValidator(_reason), Described(minLength=1), Structural]


class GuardOverride(GuardLimits):
    """Other limits for one repository, on purpose. It stays on record here and in the stack's state."""

    EXAMPLES = {"reason": PROPOSED}

    reason: Reason
    """Who decided it and why."""

    def cross_field_errors(self) -> Iterator[Problem]:
        """An override changes a limit."""
        if not set(self.given()) - {"reason"}:
            yield Problem("", self.as_written(), "an override changes a limit", "add e.g. `maxExpire: 400`")

    @classmethod
    def json_rules(cls) -> Iterator[dict[str, Any]]:
        """A limit is changed."""
        yield at_least_one(*(given(key_of(cls, name)) for name in GuardLimits.model_fields))


class RepositoryGuard(GuardLimits):
    """The limits for one repository."""

    role_arn: RoleArn | None = None
    """The ARN of a role that the guard assumes to ask ECR. Default: the provider's own credentials."""
    reason: Reason | None = None
    """Why these limits differ from others'; it stays on record in the stack's state."""


class LifecycleGuard(GuardLimits):
    """Asks ECR before each lifecycle change which images it would remove, and stops it if a limit is exceeded."""

    role_arn: RoleArn | None = None
    """The ARN of a role that the guard assumes to ask ECR. Default: the provider's own credentials."""
    overrides: dict[str, GuardOverride] = {}
    """Other limits for single repositories, by their key in `repositories`."""

    def limits_of(self, repository: str) -> RepositoryGuard | None:
        """The limits for a repository, with the reason if they are overridden; `None` if nothing is guarded."""
        own = self.overrides.get(repository)
        limits = {name: value for name, value in self.given().items() if name != "overrides"}
        if not set(limits) - {"role_arn"} and own is None:
            return None
        limits |= own.given() if own is not None else {}
        return RepositoryGuard.model_construct(_fields_set=set(limits), **limits) if limits else None


def unknown_overrides(guard: LifecycleGuard, names: list[str]) -> Iterator[Problem]:
    """Yield the overrides for repositories that the stack does not have; places are relative to the guard."""
    for name in guard.known("overrides") or ():
        if name not in names:
            guess = nearest(name, names)
            yield Problem(
                f"overrides.{name}",
                name,
                "no repository of this stack has this name",
                f"write `{guess}`" if guess else "remove it",
            )
