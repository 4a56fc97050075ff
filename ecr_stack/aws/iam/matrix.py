"""Who can do what on which repository: every principal, repository and action, evaluated."""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ecr_stack.aws.iam.actions import LAMBDA, PULL, PUSH, REPOSITORY_ACTIONS
from ecr_stack.aws.iam.evaluation import Answer, Kind, Policies, Principal, Verdict, evaluate
from ecr_stack.aws.iam.reader import Statement

__all__ = ["Cell", "PolicedRepository", "PolicyInventory", "PrincipalPolicies", "matrix"]

_NEEDED = {"pull": LAMBDA, "push": PUSH}
"""What a pull and a push cannot do without; AWS's own pull policy leaves BatchCheckLayerAvailability out."""


@dataclass(frozen=True)
class PolicedRepository:
    """A repository and its policy."""

    name: str
    arn: str
    policy: tuple[Statement, ...] = ()
    """The statements of its policy; none without one."""
    replica: bool = False
    """Whether replication copies images to it. The stack makes it, or ECR does, with the policy of a creation template."""

    @property
    def region(self) -> str:
        """The Region that it is in."""
        return self.arn.split(":")[3]


@dataclass
class PrincipalPolicies:
    """The policies of one role or user, as far as a stack shows them."""

    statements: list[Statement] = field(default_factory=list)
    """Of its inline policies, and of managed policies whose documents are known."""
    unread: list[str] = field(default_factory=list)
    """ARNs of managed policies whose documents are not known."""
    boundary: Sequence[Statement] | str | None = None
    """The permissions boundary: see `Policies.boundary`."""


@dataclass
class PolicyInventory:
    """The policies of a stack."""

    account: str
    """Twelve digits."""
    partition: str
    repositories: list[PolicedRepository] = field(default_factory=list)
    registry_policies: dict[str, tuple[Statement, ...]] = field(default_factory=dict)
    """Of registries, by Region."""
    principal_policies: dict[str, PrincipalPolicies] = field(default_factory=dict)
    """Policies of roles and users, by their ARNs."""

    def policies(self, principal: Principal, repository: PolicedRepository) -> Policies:
        """The policies that bear on a principal and a repository."""
        own = self.principal_policies.get(principal.name, PrincipalPolicies())
        resource = (*repository.policy, *self.registry_policies.get(repository.region, ()))
        return Policies(resource, own.statements, unread=own.unread, boundary=own.boundary)

    def statements(self) -> Iterator[Statement]:
        """Every statement of the policies of repositories and registries."""
        for repository in self.repositories:
            yield from repository.policy
        for policy in self.registry_policies.values():
            yield from policy

    def principals(self) -> list[Principal]:
        """Everyone whom a policy names or a condition means, and every role and user that has a policy of its own."""
        named = {principal.name: principal for principal in map(self._principal, self._names()) if principal}
        order = list(Kind)
        return sorted(named.values(), key=lambda principal: (order.index(principal.kind), principal.name))

    def unresolved(self) -> list[str]:
        """What policies name and a stack does not tell the principals of: ids of roles and users, patterns of ARNs."""
        return sorted({name for name in self._names() if name != "*" and self._principal(name) is None})

    def _names(self) -> list[str]:
        return [*(name for statement in self.statements() for name in _meant(statement)), *self.principal_policies]

    def _principal(self, name: str) -> Principal | None:
        try:
            return Principal.of(name, self.account, self.partition)
        except ValueError:
            return None

    def actions(self) -> list[str]:
        """Those of a pull and a push, and every other one that a policy names, of a repository, a role or a user."""
        own = [statement for each in self.principal_policies.values() for statement in each.statements]
        named = {action for statement in [*self.statements(), *own] for action in statement.actions}
        return sorted({*PULL, *PUSH, *(named & REPOSITORY_ACTIONS)})


@dataclass(frozen=True)
class Cell:
    """What one principal may do on one repository."""

    principal: Principal
    repository: PolicedRepository
    answers: Mapping[str, Answer]
    """By action."""

    @property
    def anything(self) -> bool:
        """Whether there is anything to say: an action is allowed, perhaps, or denied."""
        return any(answer.verdict is not Verdict.NOT_ALLOWED for answer in self.answers.values())

    def ability(self, name: str) -> Answer | None:
        """The answer to `pull`, `push` or an action; nothing where it was not asked.

        A pull and a push take several actions: all of them must be allowed.
        """
        needed = _NEEDED.get(name, (name,))
        if any(action not in self.answers for action in needed):
            return None
        return functools.reduce(operator.and_, (self.answers[action] for action in needed))

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        found: dict[str, Any] = {
            "repository": self.repository.name,
            "arn": self.repository.arn,
            "region": self.repository.region,
            "replica": self.repository.replica,
        }
        for name in _NEEDED:
            answer = self.ability(name)
            if answer is not None:
                found[name] = answer.verdict.value
        found["actions"] = {
            action: {
                "verdict": answer.verdict.value,
                "needsOwnPolicy": answer.needs_own_policy,
                "conditions": list(answer.conditions),
                "unless": list(answer.unless),
                "statements": list(answer.statements),
            }
            for action, answer in self.answers.items()
        }
        return found


def matrix(inventory: PolicyInventory, principals: Sequence[Principal], actions: Sequence[str]) -> list[Cell]:
    """Evaluate every principal on every repository, for every action."""
    return [
        Cell(
            principal,
            repository,
            {
                action: evaluate(
                    principal, action, repository.arn, inventory.account, inventory.policies(principal, repository)
                )
                for action in actions
            },
        )
        for principal in principals
        for repository in inventory.repositories
    ]


def _meant(statement: Statement) -> list[str]:
    """Whom a statement means: those in its condition where it has one about them, else its principals."""
    named = [
        value
        for condition in statement.conditions
        if "Not" not in condition.operator
        and condition.key in ("aws:principalarn", "aws:principalorgid", "aws:principalaccount")
        for value in condition.values
    ]
    return named or [value for _, value in statement.principals]
