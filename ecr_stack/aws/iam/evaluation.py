"""What a principal may do, by the policies of a resource and of the principal.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html

- An explicit deny wins over everything.
- In the resource's own account, an allow of either side is enough. A resource policy that names the account, and not
  the principal, leaves it to the account: a policy of the principal must allow the same.
- From another account, both sides must allow.
- A service needs the resource's side alone.

Service control policies, permission boundaries and session policies can only take away, and are not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any

from ecr_stack.aws.iam.matching import Context, Truth, all_of, any_of, condition_holds, glob, listed, negated
from ecr_stack.aws.iam.principals import account_of, arn_of, is_account

__all__ = ["OWN_POLICY", "Answer", "Kind", "Policies", "Principal", "Verdict", "evaluate", "statements_of"]

Document = Mapping[str, Any]


class Kind(StrEnum):
    """What asks."""

    ROLE = "role"
    USER = "user"
    ACCOUNT = "account"
    """Whoever an account lets."""
    SERVICE = "service"
    ORGANIZATION = "organization"
    """Whoever an account of an organization lets."""


@dataclass(frozen=True)
class Principal:
    """Somebody who asks."""

    name: str
    """An ARN, a service's name or an organization's id."""
    kind: Kind
    account: str | None
    """The account, where it is one's."""

    @classmethod
    def of(cls, name: str, account: str, partition: str) -> Principal:
        """Read a principal: an ARN, `role/NAME`, an account id, a service's name, an organization's id.

        Args:
            name: who asks.
            account: this account, to which `role/NAME` belongs.
            partition: `aws`, `aws-cn`, … .

        Raises:
            ValueError: it is none of these.
        """
        if re.fullmatch(r"o-[a-z0-9]{10,32}", name):
            return cls(name, Kind.ORGANIZATION, None)
        if re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)*\.amazonaws\.com(\.cn)?", name):
            return cls(name, Kind.SERVICE, None)
        arn = arn_of(name, account, partition)
        match = re.fullmatch(r"arn:aws[a-z-]*:iam::([0-9]{12}):(root|role|user)(/[\w+=,.@/-]+)?", arn)
        if match is None or (match[2] == "root") == bool(match[3]):
            raise ValueError(name)
        return cls(arn, Kind.ACCOUNT if match[2] == "root" else Kind(match[2]), match[1])

    def context(self) -> dict[str, list[str]]:
        """The condition keys that who asks decides."""
        match self.kind:
            case Kind.ROLE | Kind.USER:
                type_ = "AssumedRole" if self.kind is Kind.ROLE else "User"
                return {
                    "aws:principalarn": [self.name], "aws:principalaccount": [str(self.account)],
                    "aws:principaltype": [type_], "aws:principalisawsservice": ["false"],
                    "aws:principalservicename": [],
                }  # fmt: skip
            case Kind.ACCOUNT:
                return {"aws:principalaccount": [str(self.account)], "aws:principalisawsservice": ["false"]}
            case Kind.ORGANIZATION:
                return {"aws:principalorgid": [self.name], "aws:principalisawsservice": ["false"]}
            case Kind.SERVICE:
                # the keys of an IAM principal are absent when a service asks on its own
                absent = ("aws:principalarn", "aws:principalaccount", "aws:principalorgid", "aws:principalorgpaths")
                return {
                    **{key: [] for key in absent},
                    "aws:principalisawsservice": ["true"],
                    "aws:principalservicename": [self.name],
                }


class Verdict(StrEnum):
    """May it?"""

    DENIED = "DENIED"
    """No: a statement says so."""
    NOT_ALLOWED = "NOT_ALLOWED"
    """No: nothing says so."""
    CONDITIONAL = "CONDITIONAL"
    """Where a condition holds, or where a policy of the principal allows it too."""
    ALLOWED = "ALLOWED"
    """Yes."""

    @property
    def rank(self) -> int:
        """From no access, 0, to access, 2; a denial and the lack of an allowance come to the same."""
        return {"DENIED": 0, "NOT_ALLOWED": 0, "CONDITIONAL": 1, "ALLOWED": 2}[self.value]


Way = frozenset[str]
"""What must hold, all of it, for something to be allowed; `OWN_POLICY` may be among it."""
OWN_POLICY = "own policy"
"""A policy of the principal that allows it, and is not known."""
_WITHOUT: Way = frozenset()


@dataclass(frozen=True)
class Answer:
    """A verdict, and what it rests on."""

    verdict: Verdict
    ways: tuple[Way, ...] = ()
    """Where it depends on something: the ways in which it is allowed, any of which is enough."""
    unless: tuple[str, ...] = ()
    """The conditions under which it is denied all the same."""
    statements: tuple[str, ...] = ()
    """The Sids of the statements that it rests on, or `statement N` of those without."""

    @property
    def needs_own_policy(self) -> bool:
        """Whether a policy of the principal must allow it too in any case, and none that is known does."""
        return bool(self.ways) and all(OWN_POLICY in way for way in self.ways)

    @property
    def conditions(self) -> tuple[str, ...]:
        """The ways as texts, e.g. `StringEquals aws:PrincipalOrgID o-a1b2c3d4e5`; any of them is enough.

        A policy of the principal is only mentioned where some ways do without.
        """
        taken = {OWN_POLICY} if self.needs_own_policy else set()
        return tuple(text for text in (" and ".join(sorted(way - taken)) for way in self.ways) if text)

    def __and__(self, other: Answer) -> Answer:
        """The answer to two questions at once: whether both are allowed."""
        order = list(Verdict)
        least, most = sorted((self, other), key=lambda answer: order.index(answer.verdict))
        if least.verdict is not Verdict.CONDITIONAL:
            return least
        both = _both(least.ways or [_WITHOUT], most.ways or [_WITHOUT])
        return Answer(
            least.verdict,
            tuple(_shortest([way for way in both if way])),
            tuple(dict.fromkeys([*self.unless, *other.unless])),
            tuple(dict.fromkeys([*self.statements, *other.statements])),
        )


@dataclass(frozen=True)
class Policies:
    """The policies that bear on one principal and one resource."""

    resource: Sequence[Document] = ()
    """Those of the resource: the repository's, the registry's."""
    identity: Sequence[Document] = ()
    """Those of the principal, as far as they are known."""
    identity_complete: bool = False
    """Whether the principal has no other ones."""


class _How(IntEnum):
    """How a resource policy's statement means somebody."""

    BY_ACCOUNT = 1
    BY_NAME = 2


_Entry = tuple[str, Truth, _How, Document]
"""A statement that may apply: its Sid, whether it does, how it names who asks, and itself."""


@dataclass
class _Side:
    """What the statements of one side that may match say."""

    allow: list[_Entry] = field(default_factory=list)
    deny: list[_Entry] = field(default_factory=list)

    def allows(self, how: _How = _How.BY_ACCOUNT) -> Truth:
        return any_of(truth for _, truth, found, _ in self.allow if found >= how)


def evaluate(
    principal: Principal, action: str, resource: str, owner: str, policies: Policies, context: Context | None = None
) -> Answer:
    """Decide whether a principal may do something.

    Args:
        principal: who asks.
        action: e.g. `ecr:BatchGetImage`.
        resource: the ARN of what it is about.
        owner: the account of the resource, twelve digits.
        policies: the policies that bear on it.
        context: what else is known of the request, by condition key in lowercase; see `Context`.
    """
    known = {**principal.context(), **{key.lower(): values for key, values in (context or {}).items()}}
    ours = _side(policies.resource, principal, action, resource, known, named=True)
    theirs = _side(policies.identity, principal, action, resource, known, named=False)
    denials = [*ours.deny, *theirs.deny]
    if any(truth is True for _, truth, _, _ in denials):
        return Answer(Verdict.DENIED, statements=tuple(sid for sid, truth, _, _ in denials if truth))

    own = theirs.allows()
    # a policy that is not known may allow what the known ones do not
    own_or_unknown = own if own is True or policies.identity_complete else None
    by_own = (
        [_WITHOUT]
        if own is True
        else [*([] if policies.identity_complete else [frozenset({OWN_POLICY})]), *_ways(theirs.allow, known)]
    )
    by_resource = [_WITHOUT] if ours.allows() is True else _ways(ours.allow, known)
    if principal.kind is Kind.SERVICE:
        allowed, ways = ours.allows(), by_resource
    elif principal.account == owner:
        named = [entry for entry in ours.allow if entry[2] is _How.BY_NAME]
        direct = any_of([ours.allows(_How.BY_NAME), own])
        allowed = any_of([direct, all_of([ours.allows(), own_or_unknown])])
        ways = [*_ways(named, known), *_ways(theirs.allow, known), *_both(by_resource, by_own)]
    else:
        allowed = all_of([ours.allows(), own_or_unknown])
        ways = _both(by_resource, by_own)
    if allowed is False:
        return Answer(Verdict.NOT_ALLOWED)
    grants = [*ours.allow, *theirs.allow]
    statements = tuple(dict.fromkeys(sid for sid, truth, *_ in grants if truth or allowed is None))
    if allowed and not denials:
        return Answer(Verdict.ALLOWED, statements=statements)
    return Answer(
        Verdict.CONDITIONAL,
        () if allowed else tuple(_shortest(ways)),
        tuple(dict.fromkeys(text for way in _ways(denials, known) for text in sorted(way))),
        statements,
    )


def _ways(entries: Iterable[_Entry], context: Context) -> list[Way]:
    """What must hold for each of the statements that may apply: one way each."""
    return [
        frozenset(_conditions(statement, context)) or frozenset({f"{sid} applies"})
        for sid, truth, _, statement in entries
        if truth is None
    ]


def _both(some: Iterable[Way], others: Iterable[Way]) -> list[Way]:
    """The ways that take one of each side."""
    return [one | other for one in some for other in others]


def _shortest(ways: Sequence[Way]) -> list[Way]:
    """The ways without those that ask for more than another one does."""
    return [way for way in dict.fromkeys(ways) if not any(other < way for other in ways)]


def statements_of(document: Document) -> list[Document]:
    """The statements of a policy document; a single one may stand without a list."""
    found = document.get("Statement", [])
    return [found] if isinstance(found, Mapping) else list(found)


def _side(
    documents: Iterable[Document], principal: Principal, action: str, resource: str, context: Context, *, named: bool
) -> _Side:
    side = _Side()
    for document in documents:
        for number, statement in enumerate(statements_of(document), start=1):
            how, meant = _meant(statement, principal) if named else (_How.BY_NAME, True)
            truth = all_of(
                [
                    meant,
                    _covers(statement, "Action", action.lower(), fold=True),
                    _covers(statement, "Resource", resource),
                    condition_holds(statement.get("Condition") or {}, context),
                ]
            )
            if truth is not False:
                entry = (str(statement.get("Sid") or f"statement {number}"), truth, how, statement)
                (side.deny if statement.get("Effect") == "Deny" else side.allow).append(entry)
    return side


def _covers(statement: Document, element: str, value: str, *, fold: bool = False) -> Truth:
    """Whether `Action` or `Resource`, or their negations, cover a value; a missing element covers everything."""
    for name, positive in ((element, True), (f"Not{element}", False)):
        if name in statement:
            patterns = listed(statement[name])
            found = any_of(
                None if re.search(r"\$\{(?![*?$]\})", one) else glob(one.lower() if fold else one, value)
                for one in patterns
            )
            return found if positive else negated(found)
    return True


def _meant(statement: Document, principal: Principal) -> tuple[_How, Truth]:
    """Whether a resource policy's statement is about a principal, and how it names it."""
    if "NotPrincipal" in statement:
        matches = list(_names(statement["NotPrincipal"], principal))
        if any(truth is True and how is _How.BY_NAME for how, truth in matches):
            return _How.BY_NAME, False
        # An account among the exceptions does not except its roles for certain.
        return _How.BY_NAME, None if matches else True
    matches = [entry for entry in _names(statement.get("Principal"), principal) if entry[1] is not False]
    deny = statement.get("Effect") == "Deny"
    sure = [how for how, truth in matches if truth is True]
    if sure:
        # a denial for an account is one for everybody in it
        return (_How.BY_NAME if deny else max(sure)), True
    return _How.BY_NAME, None if matches else False


def _names(element: Any, principal: Principal) -> Iterator[tuple[_How, Truth]]:
    given = {"AWS": "*"} if element == "*" else element
    if not isinstance(given, Mapping):
        return
    for kind, names in given.items():
        for name in listed(names):
            if kind == "Service":
                if principal.kind is Kind.SERVICE and name == principal.name:
                    yield _How.BY_NAME, True
            elif kind == "AWS":
                how = _aws_name(name, principal)
                if how is not None:
                    yield how


def _aws_name(name: str, principal: Principal) -> tuple[_How, Truth] | None:
    if name == "*":
        return _How.BY_NAME, True  # everybody, services too: `*` is how a denial reaches them
    if name == principal.name:
        return (_How.BY_ACCOUNT if principal.kind is Kind.ACCOUNT else _How.BY_NAME), True
    if is_account(name):
        return (_How.BY_ACCOUNT, True) if account_of(name) == principal.account else None
    session = re.fullmatch(r"arn:[a-z-]+:sts::([0-9]{12}):assumed-role/([^/]+)/.+", name)
    if session and principal.kind is Kind.ROLE and session[1] == principal.account:
        # one session of a role: some requests of the role are it
        return (_How.BY_NAME, None) if principal.name.rsplit("/", 1)[-1] == session[2] else None
    return None


def _conditions(statement: Document, context: Context) -> Iterator[str]:
    """The conditions of a statement that are not known to hold, one text each."""
    for operator, keys in (statement.get("Condition") or {}).items():
        for key, values in keys.items():
            if condition_holds({operator: {key: values}}, context) is None:
                yield f"{operator} {key} {', '.join(listed(values))}"
