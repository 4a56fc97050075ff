"""Who can do what on which repository: every principal, repository and action, evaluated."""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ecr_stack.aws.iam.actions import LAMBDA, PULL, PUSH, REPOSITORY_ACTIONS
from ecr_stack.aws.iam.evaluation import (
    Answer,
    Document,
    Kind,
    Policies,
    Principal,
    Verdict,
    evaluate,
    statements_of,
)
from ecr_stack.aws.iam.matching import listed

__all__ = ["Cell", "Estate", "PolicedRepository", "matrix"]

_NEEDED = {"pull": LAMBDA, "push": PUSH}
"""What a pull and a push cannot do without; AWS's own pull policy leaves BatchCheckLayerAvailability out."""


@dataclass(frozen=True)
class PolicedRepository:
    """A repository and its policy."""

    name: str
    arn: str
    policy: Document | None = None
    replica: bool = False
    """Whether replication makes it, with a policy that ECR takes from a creation template."""

    @property
    def region(self) -> str:
        """The Region that it is in."""
        return self.arn.split(":")[3]


@dataclass
class Estate:
    """The policies of a stack."""

    account: str
    """Twelve digits."""
    partition: str
    repositories: list[PolicedRepository] = field(default_factory=list)
    registry_policies: dict[str, Document] = field(default_factory=dict)
    """Of registries, by Region."""
    identities: dict[str, list[Document]] = field(default_factory=dict)
    """Policies of roles and users, by ARN."""

    def policies(self, principal: Principal, repository: PolicedRepository) -> Policies:
        """The policies that bear on a principal and a repository."""
        registry = self.registry_policies.get(repository.region)
        found = [policy for policy in (repository.policy, registry) if policy]
        return Policies(found, self.identities.get(principal.name, []))

    def documents(self) -> list[Document]:
        """Every policy of a repository or registry."""
        own = [repository.policy for repository in self.repositories if repository.policy]
        return [*own, *self.registry_policies.values()]

    def principals(self) -> list[Principal]:
        """Everybody whom a policy names or a condition means, and every role that has a policy of its own."""
        found: dict[str, Principal] = {}
        for document in self.documents():
            for statement in statements_of(document):
                for name in _meant(statement):
                    try:
                        principal = Principal.of(name, self.account, self.partition)
                    except ValueError:  # a pattern of ARNs, say: it names nobody in particular
                        continue
                    found.setdefault(principal.name, principal)
        for arn in self.identities:
            found.setdefault(arn, Principal.of(arn, self.account, self.partition))
        order = list(Kind)
        return sorted(found.values(), key=lambda principal: (order.index(principal.kind), principal.name))

    def actions(self) -> list[str]:
        """Those of a pull and a push, and every other one that a policy names, of a repository or of a role."""
        own = [document for documents in self.identities.values() for document in documents]
        named = {
            action
            for document in [*self.documents(), *own]
            for statement in statements_of(document)
            for action in listed(statement.get("Action", []))
        }
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


def matrix(estate: Estate, principals: Sequence[Principal], actions: Sequence[str]) -> list[Cell]:
    """Evaluate every principal on every repository, for every action."""
    return [
        Cell(
            principal,
            repository,
            {
                action: evaluate(
                    principal, action, repository.arn, estate.account, estate.policies(principal, repository)
                )
                for action in actions
            },
        )
        for principal in principals
        for repository in estate.repositories
    ]


def _meant(statement: Document) -> Iterator[str]:
    """Whom a statement means: those in its condition where it has one about them, else its principals."""
    named = [
        value
        for operation, keys in (statement.get("Condition") or {}).items()
        if "Not" not in operation
        for key, values in keys.items()
        if key.lower() in ("aws:principalarn", "aws:principalorgid", "aws:principalaccount")
        for value in listed(values)
    ]
    if named:
        yield from named
        return
    element = statement.get("Principal", statement.get("NotPrincipal"))
    if isinstance(element, Mapping):
        for names in element.values():
            yield from listed(names)
