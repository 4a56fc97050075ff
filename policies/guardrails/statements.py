"""What the statements of a policy document let in: strangers, and everything at once.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["accounts_in", "binds_who", "document_of", "is_public", "listed", "name_of", "principals", "statements"]

Statement = Mapping[str, Any]

# Condition keys that say whose request it is, and are in every request that is signed.
_WHO = re.compile(
    r"aws:(principalorgid|principalorgpaths|principalarn|principalaccount|sourcearn|sourceaccount|sourceorgid"
    r"|sourceorgpaths|userid)|kms:calleraccount|lambda:sourcefunctionarn"
)
# Operators that let nothing through where the key is missing or other. `…IfExists`, `ForAllValues:` and the negated
# ones do.
_BINDING = re.compile(r"(forany(value|values):)?(string(equals|equalsignorecase|like)|arn(equals|like))")


def document_of(value: object) -> Mapping[str, Any]:
    """Read a policy document from JSON text or data; `{}` where it is none."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return {}
    return value if isinstance(value, Mapping) else {}


def statements(value: object) -> Iterator[Statement]:
    """The statements of a policy document that allow something."""
    for statement in listed(document_of(value).get("Statement")):
        if isinstance(statement, Mapping) and statement.get("Effect") == "Allow":
            yield statement


def listed(value: object) -> list[Any]:
    """One value or a list of them, as a list."""
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]


def name_of(statement: Statement) -> str:
    """How a message names a statement."""
    return f"statement {statement['Sid']}" if statement.get("Sid") else "a statement without Sid"


def principals(statement: Statement) -> Iterator[tuple[str, str]]:
    """The kind (`AWS`, `Service`, `Federated`, …) and the text of each principal."""
    principal = statement.get("Principal")
    if isinstance(principal, str):
        yield "AWS", principal
    elif isinstance(principal, Mapping):
        for kind, values in principal.items():
            for value in listed(values):
                yield str(kind), str(value)


def is_public(statement: Statement) -> bool:
    """Whether a statement lets anybody in: everybody as principal, however written, and no condition on who asks."""
    everybody = "NotPrincipal" in statement or any(
        "*" in text if kind != "AWS" else _everybody(text) for kind, text in principals(statement)
    )
    return everybody and not binds_who(statement)


def _everybody(text: str) -> bool:
    """Whether an AWS principal is `*`, or has a wildcard where its account should be."""
    account = text.split(":")[4] if text.count(":") >= 5 else text
    return "*" in text or not account.strip()


def binds_who(statement: Statement) -> bool:
    """Whether a condition limits a statement to somebody: by a binding operator, on who asks, to a fixed value."""
    conditions = statement.get("Condition")
    if not isinstance(conditions, Mapping):
        return False
    for operator, tests in conditions.items():
        if not isinstance(tests, Mapping) or not _BINDING.fullmatch(str(operator).lower()):
            continue
        for key, values in tests.items():
            fixed = [str(value) for value in listed(values)]
            if _WHO.fullmatch(str(key).lower()) and fixed and all(_fixed(value) for value in fixed):
                return True
    return False


def _fixed(value: str) -> bool:
    """Whether a value of a condition names somebody: wildcards at most behind the account of an ARN."""
    if value.startswith("arn:"):
        parts = value.split(":", 5)
        return len(parts) > 4 and bool(re.fullmatch(r"[0-9]{12}", parts[4]))
    return not re.search(r"[*?]", value.split("/", maxsplit=1)[0]) and bool(value.strip())


def accounts_in(statement: Statement) -> set[str]:
    """The accounts that a statement names as principals."""
    found = set()
    for kind, text in principals(statement):
        match = re.search(r"(?:^|:)([0-9]{12})(?::|$)", text) if kind == "AWS" else None
        if match:
            found.add(match[1])
    return found
