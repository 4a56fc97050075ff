"""The one reader of policies: documents as AWS reads them, and whom a statement lets in, on what terms.

Every spelling that AWS accepts comes out the same: a single value or a list, `"*"` or `{"AWS": "*"}`, a JSON text or
an object. The access report, the guardrails, the review and the components' own checks read policies through here.
Pure, and of the standard library alone.

Grammar: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
Principals: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
Keys: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

__all__ = [
    "Condition",
    "Party",
    "Statement",
    "UnreadablePolicy",
    "accounts",
    "admitted",
    "bound",
    "conditions_of",
    "named_principals",
    "parties",
    "public",
    "read_json",
    "read_policy",
    "unbound_services",
]


class UnreadablePolicy(ValueError):
    """What was given is not a policy document; the text says what is wrong, in sentences."""


_COMPARING = frozenset({"stringequals", "stringequalsignorecase", "stringlike", "arnequals", "arnlike"})
"""The tests that are true of named values alone. The others are true of all but some, or say nothing of who asks."""


@dataclass(frozen=True)
class Condition:
    """One operator with one key: all conditions of a statement must hold, and any of the values."""

    operator: str
    """As written, e.g. `ForAnyValue:StringEquals`."""
    name: str
    """The key as written, e.g. `aws:PrincipalOrgID`."""
    values: tuple[str, ...]
    needed: bool = False
    """Whether another condition, `Null` with `false`, rejects requests without the key."""

    @property
    def key(self) -> str:
        """The key in lowercase: AWS does not tell case apart in condition keys."""
        return self.name.lower()

    @property
    def test(self) -> str:
        """What is compared, in lowercase, e.g. `stringequals`.

        `…IfExists` and `ForAllValues:` let a request without the key through, so they are removed only if the key is
        needed: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
        """
        operator = self.operator.lower().removeprefix("foranyvalue:")
        return operator.removeprefix("forallvalues:").removesuffix("ifexists") if self.needed else operator

    @property
    def binds(self) -> bool:
        """Whether a request without the key, or with a value that no one meant, is rejected."""
        return self.applies and bool(self.values) and not any(map(self._says_nothing, self.values))

    @property
    def applies(self) -> bool:
        """Whether a request without the key, or with another value than one of these, is rejected."""
        return self.test in _COMPARING

    def _says_nothing(self, value: str) -> bool:
        """Whether every value, or every ARN, passes: wildcards alone, or the variable of the key itself."""
        own = re.sub(rf"\$\{{\s*{re.escape(self.key)}\s*(,[^}}]*)?\}}", "*", value, flags=re.IGNORECASE)
        return re.fullmatch(r"(arn:(aws[a-z-]*)?(?=[*?:]))?[*?:/._\s-]*", own.lower()) is not None

    def __str__(self) -> str:
        """The condition on one line, e.g. `StringEquals aws:PrincipalOrgID o-a1b2c3d4e5`."""
        return f"{self.operator} {self.name} {', '.join(self.values)}"


@dataclass(frozen=True)
class Statement:
    """One statement; everything in lists."""

    sid: str
    """Its `Sid`; empty without one."""
    number: int
    """Its place in the document, from 1."""
    allows: bool
    """Whether it allows; what is not clearly a denial counts as an allowance."""
    principals: tuple[tuple[str, str], ...] = ()
    """Kind (`AWS`, `Service`, `Federated`, `CanonicalUser`, or `*` for `"Principal": "*"`) and value."""
    not_principal: bool = False
    """Whether `principals` are those of `NotPrincipal`: everyone but them is meant."""
    actions: tuple[str, ...] = ()
    not_action: bool = False
    """Whether `actions` are those of `NotAction`."""
    resources: tuple[str, ...] = ()
    """Empty in the policies of repositories and in trust policies, which are about what they are attached to."""
    not_resource: bool = False
    """Whether `resources` are those of `NotResource`."""
    conditions: tuple[Condition, ...] = ()

    @property
    def called(self) -> str:
        """Its Sid, or its place, for messages."""
        return f"statement {self.sid!r}" if self.sid else f"statement {self.number}"


def read_policy(document: Any) -> tuple[Statement, ...]:
    """Read the statements of a policy.

    Args:
        document: plain JSON data, or its text.

    Raises:
        UnreadablePolicy: it is not JSON, or not a policy.
    """
    return _parsed(document) if isinstance(document, str) else _read(document)


@lru_cache(maxsize=8192)  # several checks read the same text, and many repositories have the same one
def _parsed(text: str) -> tuple[Statement, ...]:
    return _read(read_json(text))


def read_json(text: str) -> Any:
    """Read JSON text; a key that is twice in one object is rejected, since one of the two would be hidden.

    Raises:
        UnreadablePolicy: it is not JSON.
    """
    try:
        return json.loads(text, object_pairs_hook=_object)
    except UnreadablePolicy:
        raise
    except (ValueError, RecursionError) as error:
        shown = text if len(text) <= 80 else f"{text[:80]}…"
        raise UnreadablePolicy(f"The policy is not JSON ({error}): {shown!r}.") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        twice = next(key for key, _ in pairs if sum(key == other for other, _ in pairs) > 1)
        raise UnreadablePolicy(f"The document has the key {twice!r} twice in one object. Write it once.")
    return members


def _read(document: Any) -> tuple[Statement, ...]:
    if not isinstance(document, Mapping):
        raise UnreadablePolicy(f"The policy is {_shown(document)}. It must be a JSON object with a Statement.")
    members = _elements(document).get("statement")
    if isinstance(members, Mapping):
        members = [members]
    if not isinstance(members, list) or not members:
        raise UnreadablePolicy("The policy has no Statement. It must have a list of one or more.")
    return tuple(_statement(number, statement) for number, statement in enumerate(members, 1))


def _statement(number: int, statement: Any) -> Statement:
    if not isinstance(statement, Mapping):
        raise UnreadablePolicy(f"Statement {number} is {_shown(statement)}. It must be a JSON object.")
    elements = _elements(statement)
    sid = elements.get("sid")
    called = f"statement {sid!r}" if isinstance(sid, str) and sid else f"statement {number}"

    def either(name: str) -> tuple[str, ...]:
        return _values(called, name, elements.get(name.lower(), elements.get(f"not{name.lower()}")))

    return Statement(
        sid=sid if isinstance(sid, str) else "",
        number=number,
        allows=elements.get("effect") != "Deny",
        principals=tuple(_principals(called, elements.get("principal", elements.get("notprincipal")))),
        not_principal="principal" not in elements and "notprincipal" in elements,
        actions=either("Action"),
        not_action="action" not in elements and "notaction" in elements,
        resources=either("Resource"),
        not_resource="resource" not in elements and "notresource" in elements,
        conditions=conditions_of(elements.get("condition"), called),
    )


def _elements(mapping: Mapping[str, Any]) -> dict[str, Any]:
    return _object([(str(key).lower(), value) for key, value in mapping.items()])


_KINDS = {kind.lower(): kind for kind in ("AWS", "Service", "Federated", "CanonicalUser")}


def _principals(called: str, principal: Any) -> list[tuple[str, str]]:
    if isinstance(principal, Mapping):
        return [
            (_KINDS.get(str(kind).lower(), str(kind)), value)
            for kind, values in principal.items()
            for value in _values(called, "Principal", values)
        ]
    return [("*", value) for value in _values(called, "Principal", principal)]


def conditions_of(condition: Any, called: str = "the statement") -> tuple[Condition, ...]:
    """Read the `Condition` element of a statement, or nothing if there is none.

    Raises:
        UnreadablePolicy: it is not operators with keys and values.
    """
    if condition is None:
        return ()
    if not isinstance(condition, Mapping) or not all(isinstance(keys, Mapping) for keys in condition.values()):
        raise UnreadablePolicy(
            f'The Condition of {called} is {_shown(condition)}. It must be {{"Operator": {{"key": "value"}}}}.'
        )
    entries = [
        (str(operator), str(key), _values(called, "Condition", values))
        for operator, keys in condition.items()
        for key, values in keys.items()
    ]
    needed = {
        key.lower() for operator, key, values in entries if operator.lower() == "null" and set(values) == {"false"}
    }
    return tuple(Condition(operator, key, values, key.lower() in needed) for operator, key, values in entries)


def _values(called: str, element: str, values: Any) -> tuple[str, ...]:
    entries = values if isinstance(values, list | tuple) else [] if values is None else [values]
    texts = [json.dumps(value) if isinstance(value, bool | int | float) else value for value in entries]
    if not all(isinstance(value, str) for value in texts):
        raise UnreadablePolicy(f"The {element} of {called} is {_shown(values)}. It must be text or a list of texts.")
    return tuple(texts)


def _shown(value: Any) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 80 else f"{text[:80]}…"


# --- whom a statement lets in

_ACCOUNT = re.compile(r"[0-9]{12}")
_ORGANIZATION = re.compile(r"(o-[a-z0-9]{10,32})")
_ORGANIZATION_PATH = re.compile(r"(o-[a-z0-9]{10,32})/.*", re.DOTALL)
# Nothing before the account may be a wildcard: `*` reaches across colons in StringLike.
_ARN_OF_ACCOUNT = re.compile(r"arn:[^:*?$]+:[^:*?$]+:[^:*?$]*:([0-9]{12}):.+", re.DOTALL)
# ArnLike and ArnEquals compare the six parts by themselves, so that a wildcard in the Region stays in the Region.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_ARN
_ARN_IN_PARTS = re.compile(r"arn:[^:$]+:[^:$]+:[^:$]*:([0-9]{12}):.+", re.DOTALL)
# The id of a user, or of a role with the name of any session.
_UNIQUE_ID = re.compile(r"A[A-Z0-9]{15,}(:.*)?", re.DOTALL)

_BINDING: Mapping[str, re.Pattern[str]] = {
    "aws:principalorgid": _ORGANIZATION,
    "aws:sourceorgid": _ORGANIZATION,
    "aws:principalorgpaths": _ORGANIZATION_PATH,
    "aws:sourceorgpaths": _ORGANIZATION_PATH,
    "aws:principalaccount": _ACCOUNT,
    "aws:sourceaccount": _ACCOUNT,
    "aws:sourceowner": _ACCOUNT,
    "kms:calleraccount": _ACCOUNT,
    "aws:principalarn": _ARN_OF_ACCOUNT,
    "aws:sourcearn": _ARN_OF_ACCOUNT,
    "aws:userid": _UNIQUE_ID,
}
"""Condition keys that say who asks or for whom, and the values that name someone as a whole.

https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-reference-policy-checks.html
"""

_SOURCES = {"aws:sourcearn", "aws:sourceaccount", "aws:sourceorgid", "aws:sourceorgpaths"}


def public(statement: Statement, extra_keys: Collection[str] = ()) -> str | None:
    """How the statement lets everyone in, in words; `None` if it does not.

    Args:
        statement: of the policy of a resource, or of a trust policy.
        extra_keys: condition keys that bind as well, when their values have no wildcards.
    """
    if not statement.allows:
        return None
    if statement.not_principal:
        return "allows everyone except those whom NotPrincipal names"
    for kind, value in statement.principals:
        if _wild(value) and not _ARN_OF_ACCOUNT.fullmatch(value) and not bound(statement.conditions, extra_keys):
            written = f'"{value}"' if kind == "*" else f'{{"{kind}": "{value}"}}'
            return f"allows the principal {written}{_loose(statement)}"
    return None


def bound(conditions: Iterable[Condition], extra_keys: Collection[str] = ()) -> bool:
    """Whether conditions limit a statement to named accounts, organizations, principals or sources.

    All conditions must hold, so one that binds is enough; its values are alternatives, so each must name someone.
    """
    return any(_binds(condition, extra_keys) for condition in conditions)


def unbound_services(statement: Statement) -> list[str]:
    """The services that the statement lets act for anybody: confused deputies.

    A service acts for all its customers; a condition on the source says for which.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
    """
    if not statement.allows or any(_binds_source(condition) for condition in statement.conditions):
        return []
    return [value for kind, value in statement.principals if kind == "Service"]


class Party(NamedTuple):
    """An account, organization, service or identity provider that a statement lets in."""

    kind: str
    """`account`, `organization`, `service`, `provider`, `everyone`, or `unknown` where the text names no account."""
    id: str
    """Twelve digits, `o-…`, `lambda.amazonaws.com`, the provider's ARN or name; empty for the other two."""
    text: str
    """What names it in the document."""


def parties(statement: Statement) -> Iterator[Party]:
    """Whom a statement lets in, by the account or organization that they belong to.

    A principal that is everyone counts by the conditions that bind it: each of them, since all must hold.
    """
    if not statement.allows:
        return
    if statement.not_principal:
        yield Party("everyone", "", "NotPrincipal")
        return
    for kind, value in statement.principals:
        match = _ARN_OF_ACCOUNT.fullmatch(value)
        if kind == "Service":
            yield Party("service", value, value)
        elif kind == "Federated":
            yield Party("provider", value, value)
        elif match or _ACCOUNT.fullmatch(value):
            yield Party("account", match[1] if match else value, value)
        elif _wild(value):
            binding = [condition for condition in statement.conditions if _binds(condition, ())]
            yield from [party for condition in binding for party in _parties_of(condition)] or [
                Party("everyone", "", value)
            ]
        else:
            yield Party("unknown", "", value)


def admitted(condition: Condition) -> list[Party]:
    """The accounts or organizations that a condition admits, all of them; nothing if it does not bind."""
    return list(_parties_of(condition)) if _binds(condition, ()) else []


def _pattern(condition: Condition) -> re.Pattern[str] | None:
    """What a value must be to name someone."""
    pattern = _BINDING.get(condition.key)
    return _ARN_IN_PARTS if pattern is _ARN_OF_ACCOUNT and condition.test.startswith("arn") else pattern


def _parties_of(condition: Condition) -> Iterator[Party]:
    pattern = _pattern(condition) or _ACCOUNT
    for value in condition.values:
        match = pattern.fullmatch(value)
        if pattern is _ACCOUNT:
            yield Party("account", value, value)
        elif pattern is _UNIQUE_ID or match is None:
            yield Party("unknown", "", value)
        else:
            organization = pattern in {_ORGANIZATION, _ORGANIZATION_PATH}
            yield Party("organization" if organization else "account", match[1], value)


def accounts(statement: Statement) -> Iterator[tuple[str, str]]:
    """The accounts that a statement lets in, each with the text that names it; `("", text)` where it names none.

    Services, identity providers and organizations are not accounts; if several conditions bind, one is enough.
    """
    for party in dict.fromkeys(parties(statement)):
        if party.kind in {"account", "unknown"}:
            yield party.id, party.text


def _binds_source(condition: Condition) -> bool:
    # ARNs of some sources, such as buckets, have no account.
    exact = condition.key == "aws:sourcearn" and not any(_wild(value) for value in condition.values)
    return condition.key in _SOURCES and (_binds(condition, ()) or (condition.binds and exact))


def _wild(value: str) -> bool:
    return any(wildcard in value for wildcard in ("*", "?", "${"))


def _loose(statement: Statement) -> str:
    """Why the conditions that are there do not help."""
    if not statement.conditions:
        return " without a condition"
    named = ", ".join(
        f"{condition.operator} {condition.key} {list(condition.values)}" for condition in statement.conditions
    )
    return f", and its conditions leave the organization or account open ({named})"


def _binds(condition: Condition, extra_keys: Collection[str]) -> bool:
    extra = condition.key in {key.lower() for key in extra_keys}
    if condition.test == "ipaddress":
        return extra and bool(condition.values) and all(map(_is_narrow, condition.values))
    if not condition.binds:
        return False
    pattern = _pattern(condition)
    if pattern is not None:
        return all(pattern.fullmatch(value) for value in condition.values)
    return extra and not any(_wild(value) for value in condition.values)


def _is_narrow(addresses: str) -> bool:
    """Whether a range is someone's: AWS treats those wider than /8, or /32 of IPv6, as public.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
    """
    try:
        network = ipaddress.ip_network(addresses, strict=False)
    except ValueError:
        return False
    if isinstance(network, ipaddress.IPv6Network) and network.network_address.ipv4_mapped:
        return network.prefixlen >= 96 + 8
    return network.prefixlen >= (8 if network.version == 4 else 32)


# --- names

_NAMED_ARN = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/[\w+=,.@/-]+", re.ASCII)


def named_principals(text: str) -> list[str]:
    """The roles and users that a text names whole, such as a policy or a stack file's value: their ARNs, each once.

    A pattern such as `arn:aws:iam::111122223333:role/admin-*` names no one, and neither does a policy variable; of
    `role/admin-*`, `role/admin-` is no role.

    Args:
        text: any text; the ARNs may be anywhere in it.
    """
    # What continues an ARN beyond the characters of a name makes it a pattern, or something else.
    return list(
        dict.fromkeys(
            match[0]
            for match in _NAMED_ARN.finditer(text)
            if not re.match(r"[*?$:]", text[match.end() : match.end() + 1])
        )
    )
