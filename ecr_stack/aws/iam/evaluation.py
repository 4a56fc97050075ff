"""What a principal may do, by the policies of a resource and of the principal.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html

- An explicit deny wins over everything.
- In the resource's own account, an allow of either side is enough. A resource policy that names the account, and not
  the principal, leaves it to the account: a policy of the principal must allow the same.
- From another account, both sides must allow.
- A service needs the resource's side alone.

- A permissions boundary of a role must allow it as well, whichever side allows it; but in the resource's own account it
  does not limit what a resource policy grants to a session, or to `*` with a condition on `aws:PrincipalArn`. The
  boundary of a user limits the user's own policies, and not a resource policy that names the user. A denial with
  `NotPrincipal` denies whoever has a boundary.
  https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
  https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html

Where the documents leave it open, so does the answer: it is `CONDITIONAL`, with what it depends on. Policies of the
organization (for services and for resources), of sessions and of VPC endpoints can only take away, and are not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

from ecr_stack.aws.iam.matching import Context, Truth, all_of, any_of, condition_holds, glob, has_variable, negated
from ecr_stack.aws.iam.principals import account_of, arn_of, is_account
from ecr_stack.aws.iam.reader import Statement

__all__ = ["OWN_POLICY", "Answer", "Kind", "Policies", "Principal", "Verdict", "evaluate"]


class Kind(StrEnum):
    """What asks."""

    ROLE = "role"
    USER = "user"
    ACCOUNT = "account"
    """Any principal that an account allows."""
    SERVICE = "service"
    ORGANIZATION = "organization"
    """Any principal that an account of an organization allows."""


@dataclass(frozen=True)
class Principal:
    """The principal of a request."""

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
            ValueError: it is not one of these.
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
    """Outcome of an access check."""

    DENIED = "DENIED"
    """A statement denies it."""
    NOT_ALLOWED = "NOT_ALLOWED"
    """No statement allows it."""
    CONDITIONAL = "CONDITIONAL"
    """It is allowed if a condition holds, or if a policy of the principal also allows it."""
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
    """A verdict and its basis."""

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

    resource: Sequence[Statement] = ()
    """Those of the resource: the repository's, the registry's."""
    identity: Sequence[Statement] = ()
    """Those of the principal, as far as they are known."""
    identity_complete: bool = False
    """Whether the principal has no others."""
    unread: Sequence[str] = ()
    """The ARNs of policies that the principal has and whose documents are not known."""
    boundary: Sequence[Statement] | str | None = None
    """The principal's permissions boundary: its statements, its ARN if its document is not known, `None` if there is none."""


class _How(IntEnum):
    """How a resource policy's statement means someone."""

    BY_ACCOUNT = 1
    BY_NAME = 2
    BY_SESSION = 3
    """As whoever makes the request, so that no permissions boundary limits it."""


_Entry = tuple[str, Truth, _How, Statement]
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
    bounded = policies.boundary is not None
    ours = _side(policies.resource, principal, action, resource, known, named=True, bounded=bounded)
    theirs = _side(policies.identity, principal, action, resource, known, named=False)
    bounds, within, limits = _boundary(principal, action, resource, policies, known)
    denials = [*ours.deny, *theirs.deny, *limits.deny]
    if any(truth is True for _, truth, _, _ in denials):
        return Answer(Verdict.DENIED, statements=tuple(sid for sid, truth, _, _ in denials if truth))

    own = any_of([theirs.allows(), *(None for _ in policies.unread)])
    own_ways = [_WITHOUT] if own is True else _ways(theirs.allow, known)
    own_ways += [frozenset({f"{_named(arn)} allows it"}) for arn in policies.unread if own is not True]
    if principal.kind is Kind.USER:
        own, own_ways = all_of([own, bounds]), _both(own_ways, within)
    # a policy that is not known may allow what the known ones do not
    own_or_unknown = own if own is True or policies.identity_complete else None
    by_own = [] if own is True or policies.identity_complete else [frozenset({OWN_POLICY})]
    by_own += own_ways
    by_resource = [_WITHOUT] if ours.allows() is True else _ways(ours.allow, known)
    if principal.kind is Kind.SERVICE:
        allowed, ways = ours.allows(), by_resource
    elif principal.account == owner:
        named = [entry for entry in ours.allow if entry[2] is _How.BY_NAME]
        direct = any_of([ours.allows(_How.BY_NAME), own])
        allowed = any_of([direct, all_of([ours.allows(), own_or_unknown])])
        ways = [_WITHOUT] if direct is True else [*_ways(named, known), *own_ways, *_both(by_resource, by_own)]
    else:
        allowed = all_of([ours.allows(), own_or_unknown])
        ways = _both(by_resource, by_own)
    if principal.kind is Kind.ROLE:
        allowed, ways = all_of([allowed, bounds]), _both(ways, within)
        if principal.account == owner and allowed is not True:
            beyond = [entry for entry in ours.allow if entry[2] is _How.BY_SESSION]
            # AWS says that `*` with a condition on the role is not limited, and does not say what holds of `*` alone
            perhaps = [entry for entry in ours.allow if entry[2] is _How.BY_NAME and _is_for_everyone(entry[3])]
            allowed = any_of([allowed, *(truth for _, truth, _, _ in beyond), *(None for _ in perhaps)])
            ways += _ways(beyond, known)
            ways += [
                frozenset({*_conditions(entry[3], known), f"the permissions boundary does not limit {entry[0]}"})
                for entry in perhaps
            ]
    if allowed is False:
        return Answer(Verdict.NOT_ALLOWED)
    grants = [*ours.allow, *theirs.allow]
    statements = tuple(dict.fromkeys(sid for sid, truth, *_ in grants if truth or allowed is None))
    unless = [text for way in _ways(denials, known) for text in sorted(way)]
    unless += [f"{_named(arn)} denies it" for arn in policies.unread if not _AWS_ALLOWS.fullmatch(arn)]
    if allowed and isinstance(policies.boundary, str) and not _AWS_ALLOWS.fullmatch(policies.boundary):
        unless.append(f"{_named(policies.boundary)} denies it")
    if allowed and not unless:
        return Answer(Verdict.ALLOWED, statements=statements)
    return Answer(
        Verdict.CONDITIONAL,
        () if allowed else tuple(_shortest([way for way in ways if way])),
        tuple(dict.fromkeys(unless)),
        statements,
    )


_AWS_ALLOWS = re.compile(r"arn:aws[a-z-]*:iam::aws:policy/(?!AWSDenyAll|AWSCompromisedKeyQuarantine).*")
"""The managed policies of AWS that deny nothing, by their ARNs."""


def _named(arn: str) -> str:
    """The name of a managed policy."""
    return arn.rpartition("/")[2]


def _boundary(
    principal: Principal, action: str, resource: str, policies: Policies, context: Context
) -> tuple[Truth, list[Way], _Side]:
    """Whether the principal's permissions boundary allows it, in which ways, and what its statements say."""
    if policies.boundary is None:
        return True, [_WITHOUT], _Side()
    if isinstance(policies.boundary, str):
        return None, [frozenset({f"{_named(policies.boundary)} allows it"})], _Side()
    side = _side(policies.boundary, principal, action, resource, context, named=False)
    bounds = side.allows()
    return bounds, [_WITHOUT] if bounds is True else _ways(side.allow, context), side


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


def _side(
    statements: Iterable[Statement],
    principal: Principal,
    action: str,
    resource: str,
    context: Context,
    *,
    named: bool,
    bounded: bool = False,
) -> _Side:
    side = _Side()
    for statement in statements:
        how, meant = _meant(statement, principal, bounded) if named else (_How.BY_NAME, True)
        truth = all_of(
            [
                meant,
                _covers(statement.actions, statement.not_action, action, fold=True),
                not statement.resources or _covers(statement.resources, statement.not_resource, resource),
                condition_holds(statement.conditions, context),
            ]
        )
        if truth is not False:
            entry = (statement.sid or f"statement {statement.number}", truth, how, statement)
            (side.allow if statement.allows else side.deny).append(entry)
    return side


def _covers(patterns: Sequence[str], excluded: bool, value: str, *, fold: bool = False) -> Truth:
    """Whether the entries of an element cover a value, or those of its negation leave it."""
    value = value.lower() if fold else value
    matched = any_of(None if has_variable(one) else glob(one.lower() if fold else one, value) for one in patterns)
    return negated(matched) if excluded else matched


def _meant(statement: Statement, principal: Principal, bounded: bool) -> tuple[_How, Truth]:
    """Whether a resource policy's statement is about a principal, and how it names it.

    Args:
        statement: of the resource policy.
        principal: who asks.
        bounded: whether who asks has a permissions boundary.
    """
    matches = list(_names(statement.principals, principal))
    if statement.not_principal:
        return _How.BY_NAME, _not_excepted(statement, principal, matches, bounded)
    matches = [entry for entry in matches if entry[1] is not False]
    sure = [how for how, truth in matches if truth is True]
    if sure:
        # a denial for an account is one for everyone in it
        how = max(sure) if statement.allows else _How.BY_NAME
        by_arn = any(each.key == "aws:principalarn" and each.binds for each in statement.conditions)
        return (_How.BY_SESSION if how is _How.BY_NAME and by_arn and _is_for_everyone(statement) else how), True
    return max((how for how, _ in matches), default=_How.BY_NAME), None if matches else False


def _not_excepted(
    statement: Statement, principal: Principal, matches: Sequence[tuple[_How, Truth]], bounded: bool
) -> Truth:
    """Whether a statement with `NotPrincipal` is about a principal.

    AWS compares the session, the role and the account of who asks, and each of them must be excepted. A session has a
    name of its own, so it is never certain that a role is excepted.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html
    """
    if bounded and not statement.allows:
        return True
    hows = {how for how, truth in matches if truth is True}
    alone = principal.kind is Kind.SERVICE or _is_for_everyone(statement)
    excepted = principal.kind is Kind.USER and hows >= {_How.BY_ACCOUNT, _How.BY_NAME}
    if hows & {_How.BY_NAME, _How.BY_SESSION} and (alone or excepted):
        return False
    within = any(_may_be_of(principal, value) for kind, value in statement.principals if kind != "Service")
    return None if matches or within else True


def _may_be_of(principal: Principal, name: str) -> bool:
    """Whether a name may be of an account or an organization: then some of it are meant, although not all."""
    if principal.kind is Kind.ORGANIZATION:
        return True
    unique = any(re.fullmatch(pattern, name) for pattern in _UNIQUE_IDS.values())
    return principal.kind is Kind.ACCOUNT and (unique or account_of(name) == principal.account)


def _is_for_everyone(statement: Statement) -> bool:
    return "*" in {value for _, value in statement.principals}


def _names(principals: Iterable[tuple[str, str]], principal: Principal) -> Iterator[tuple[_How, Truth]]:
    for kind, name in principals:
        if kind == "Service":
            if principal.kind is Kind.SERVICE and name == principal.name:
                yield _How.BY_NAME, True
        elif kind in ("AWS", "*"):
            how = _aws_name(name, principal)
            if how is not None:
                yield how
        elif kind == "CanonicalUser" and principal.account:
            yield _How.BY_ACCOUNT, None  # the id of an account, which says nothing of its number


def _aws_name(name: str, principal: Principal) -> tuple[_How, Truth] | None:
    if name == "*":
        return _How.BY_NAME, True  # everyone, services too: `*` is how a denial reaches them
    if name == principal.name:
        return (_How.BY_ACCOUNT if principal.kind is Kind.ACCOUNT else _How.BY_NAME), True
    if is_account(name):
        return (_How.BY_ACCOUNT, True) if account_of(name) == principal.account else None
    if re.fullmatch(_UNIQUE_IDS.get(principal.kind, "(?!)"), name):
        return _How.BY_NAME, None  # the id of one role or user, and it is not known of which
    session = re.fullmatch(r"arn:[a-z-]+:sts::([0-9]{12}):assumed-role/([^/]+)/.+", name)
    if session and principal.kind is Kind.ROLE and session[1] == principal.account:
        # one session of a role: some requests of the role are it
        return (_How.BY_SESSION, None) if principal.name.rsplit("/", 1)[-1] == session[2] else None
    return None


_UNIQUE_IDS = {Kind.ROLE: r"AROA[A-Z0-9]+", Kind.USER: r"AIDA[A-Z0-9]+"}
"""How IAM writes a role or user by its id.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
"""


def _conditions(statement: Statement, context: Context) -> Iterator[str]:
    """The conditions of a statement that are not known to hold, one text each."""
    return (str(each) for each in statement.conditions if condition_holds([each], context) is None)
