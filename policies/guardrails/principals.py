"""Who a statement lets in, as ecr-stack's one reader of policies answers it."""

from __future__ import annotations

from collections.abc import Callable

from ecr_stack.aws.iam.reader import Party, Statement, accounts, admitted, bound, parties, public, unbound_services

__all__ = ["Party", "accounts", "bound", "crossings", "parties", "public", "unbound_services"]


def crossings(statement: Statement, trusted: Callable[[Party], bool]) -> list[Party]:
    """Whom a statement lets in who is not trusted.

    Everyone without any condition that binds is not listed here: `public` says so. Conditions must all hold, so one
    that admits trusted parties only is enough.
    """
    if not statement.allows or statement.not_principal:
        return []
    limits = [limit for condition in statement.conditions if (limit := admitted(condition))]
    if any(all(trusted(party) for party in limit) for limit in limits):
        return []
    found: dict[Party, None] = {}
    for party in parties(statement):
        # the trust of an identity provider is judged by its subjects
        if party.kind in {"service", "everyone"}:
            named = limits[0] if limits else []
        else:
            named = [] if party.kind == "provider" else [party]
        found.update(dict.fromkeys(each for each in named if not trusted(each)))
    return list(found)
