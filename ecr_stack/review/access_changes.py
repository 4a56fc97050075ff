"""What a change of policies opens and closes: who gets in, who is shut out, and what is no longer denied.

All policies of one repository, registry, key or role are compared together, by what they say and not by how it is
written: a statement that is divided, merged or moved to another policy of the same role is no change. What the reader
of policies cannot prove to be the same is reported as a change.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ecr_stack.aws.iam.actions import spelled
from ecr_stack.aws.iam.managed import MANAGED
from ecr_stack.aws.iam.matching import covers, glob
from ecr_stack.aws.iam.principals import account_of, is_account
from ecr_stack.aws.iam.reader import Condition, Statement, UnreadablePolicy, read_policy

__all__ = ["AccessChange", "access_changes"]

Record = Mapping[str, Any]
"""A resource of a report, as `rehearse --format json` prints it."""


@dataclass(frozen=True)
class AccessChange:
    """One change of access."""

    level: str
    """`danger` if access is opened, `attention` if it is closed."""
    urn: str
    """Of the resource whose policy makes the change; of the former one if it is removed."""
    name: str
    """That resource's name."""
    message: str
    """What changes, in words that follow the name."""


def access_changes(before: Mapping[str, Record], after: Mapping[str, Record]) -> list[AccessChange]:
    """What changes of access there are between two rehearsals, those that open access first.

    Read are the policies of repositories, registries, creation templates, keys, topics, queues and roles (trust,
    inline, managed, boundary), and the grants of keys.

    Args:
        before: the resources as they are, by URN.
        after: the resources as they would be, by URN.
    """
    old, new = _subjects(before.values()), _subjects(after.values())
    changes: list[AccessChange] = []
    for key in [*old, *(key for key in new if key not in old)]:
        was, now = old.get(key, _Subject()), new.get(key, _Subject())
        opened = [
            *_lines("grants access to", _without(now.allowed, was.allowed)),
            *_lines("no longer denies", _without(was.denied, now.denied, denied=True)),
            *(f"gets the policy {arn}, whose document is unknown" for arn in now.attached - was.attached),
            *_boundary(was, now),
            *(f"has a policy that cannot be read: {text}" for text in now.unreadable - was.unreadable),
        ]
        closed = [
            *_lines("revokes access from", _without(was.allowed, now.allowed)),
            *_lines("denies", _without(now.denied, was.denied, denied=True)),
            *(f"loses the policy {arn}, whose document is unknown" for arn in was.attached - now.attached),
        ]
        urn, name = (now.urn, now.name) if now.urn else (was.urn, was.name)
        changes += [AccessChange("danger", urn, name, text) for text in opened]
        changes += [AccessChange("attention", urn, name, text) for text in closed]
    return sorted(changes, key=lambda change: change.level != "danger")


# --- what the policies of one subject say


@dataclass(frozen=True)
class _Element:
    """What a statement says about actions, resources or principals: one entry, or all but some."""

    entries: frozenset[str]
    excluded: bool = False

    def within(self, other: _Element) -> bool:
        """Whether the other covers all of this, as far as is plain."""
        if not other.excluded:
            (pattern,) = other.entries
            return pattern == "*" or (not self.excluded and covers(pattern, *self.entries))
        if self.excluded:
            return all(any(covers(mine, theirs) for mine in self.entries) for theirs in other.entries)
        (entry,) = self.entries
        return not {"*", "?", "$"} & set(entry) and not any(glob(theirs, entry) for theirs in other.entries)

    def __str__(self) -> str:
        text = ", ".join(sorted(self.entries))
        return f"all but {text}" if self.excluded else text


@dataclass(frozen=True)
class _Grant:
    """A statement about one principal, one action and one resource: an allowance, or a denial."""

    principal: _Element
    action: _Element
    resource: _Element
    conditions: frozenset[Condition]

    def within(self, other: _Grant, denied: bool) -> bool:
        """Whether the other allows, or denies, all that this does, as far as is plain."""
        return (
            self._principal_within(other.principal, denied)
            and self.action.within(other.action)
            and self.resource.within(other.resource)
            and all(any(_implies(own, condition) for own in self.conditions) for condition in other.conditions)
        )

    def _principal_within(self, other: _Element, denied: bool) -> bool:
        mine = self.principal
        if not mine.excluded:
            related = any(account_of(*mine.entries) == account_of(entry) for entry in other.entries)
            if other.excluded:
                return not related and mine.within(other)
            # A denial for an account is one for everyone in it; an allowance leaves it to the account.
            if denied and related and all(map(is_account, other.entries)):
                return True
        return mine.within(other)


def _implies(condition: Condition, other: Condition) -> bool:
    """Whether what meets one condition meets the other, as far as is plain."""
    if (condition.operator, condition.key, condition.needed) != (other.operator, other.key, other.needed):
        return False
    mine, theirs = set(condition.values), set(other.values)
    if condition.operator == "Null":
        return mine == theirs
    return mine >= theirs if "Not" in condition.operator else mine <= theirs


@dataclass
class _Subject:
    """What policies say about one repository, registry, key or role."""

    urn: str = ""
    """Of the first resource that says it; empty if none does."""
    name: str = ""
    allowed: set[_Grant] = field(default_factory=set)
    denied: set[_Grant] = field(default_factory=set)
    attached: set[str] = field(default_factory=set)
    """ARNs of managed policies whose documents are not known."""
    boundary: str = ""
    unreadable: set[str] = field(default_factory=set)

    def read(self, document: Any, holder: str = "") -> None:
        """Add what a document says; `holder` is whom the policy of an identity is about."""
        if not document:
            return
        try:
            statements = read_policy(document)
        except UnreadablePolicy as error:
            self.unreadable.add(str(error))
            return
        for each in statements:
            statement = replace(each, principals=(("AWS", holder),)) if holder else each
            (self.allowed if statement.allows else self.denied).update(_grants(statement))


_RESOURCE_POLICIES = {
    "aws:ecr/repositoryPolicy:RepositoryPolicy": ("repository", "policy"),
    "aws:ecrpublic/repositoryPolicy:RepositoryPolicy": ("repositoryName", "policy"),
    "aws:ecr/registryPolicy:RegistryPolicy": ("region", "policy"),
    "aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate": ("prefix", "repositoryPolicy"),
    "aws:sns/topicPolicy:TopicPolicy": ("arn", "policy"),
    "aws:sqs/queuePolicy:QueuePolicy": ("queueUrl", "policy"),
    "aws:kms/key:Key": ("arn", "policy"),
    "aws:kms/replicaKey:ReplicaKey": ("arn", "policy"),
    "aws:kms/externalKey:ExternalKey": ("arn", "policy"),
    "aws:kms/keyPolicy:KeyPolicy": ("keyId", "policy"),
    "aws:iam/role:Role": ("name", "assumeRolePolicy"),
}
"""By resource type: the property that says what a policy belongs to, and the one that is the policy."""


def _subjects(records: Iterable[Record]) -> dict[tuple[str, ...], _Subject]:
    """Everything that has policies, by what it is in AWS: logical names and the division into resources do not count."""
    subjects: dict[tuple[str, ...], _Subject] = defaultdict(_Subject)
    managed = {_at(each, "arn"): _at(each, "policy") for each in records if each["type"] == "aws:iam/policy:Policy"}
    attached = set()

    def subject(record: Record, *key: str) -> _Subject:
        entry = subjects[key]
        if not entry.urn:
            entry.urn, entry.name = record["urn"], record["name"]
        return entry

    def attach(record: Record, role: str, arn: str) -> None:
        attached.add(arn)
        holder = subject(record, "role", role)
        name = arn.rpartition("/")[2]
        document = managed.get(arn) or (MANAGED.get(name) if ":iam::aws:policy/" in arn else None)
        if document:
            holder.read(document, f"the role {role}")
        else:
            holder.attached.add(arn)

    for record in records:
        type_, role = record["type"], str(_at(record, "role"))
        if type_ in _RESOURCE_POLICIES:
            owner, property_ = _RESOURCE_POLICIES[type_]
            subject(record, type_, str(_at(record, "region")), str(_at(record, owner))).read(_at(record, property_))
        if type_ == "aws:iam/role:Role":
            name = str(_at(record, "name") or record["name"])
            for inline in _list(record, "inlinePolicies"):
                subject(record, "role", name).read(inline.get("policy"), f"the role {name}")
            for arn in _list(record, "managedPolicyArns"):
                attach(record, name, str(arn))
            subject(record, "role", name).boundary = str(_at(record, "permissionsBoundary") or "")
        elif type_ == "aws:iam/rolePolicy:RolePolicy":
            subject(record, "role", role).read(_at(record, "policy"), f"the role {role}")
        elif type_ == "aws:iam/rolePolicyAttachment:RolePolicyAttachment":
            attach(record, role, str(_at(record, "policyArn")))
        elif type_ == "aws:iam/policyAttachment:PolicyAttachment":
            for name in _list(record, "roles"):
                attach(record, str(name), str(_at(record, "policyArn")))
        elif type_ == "aws:kms/grant:Grant":
            for statement in _of_grant(record):
                subject(record, "grants", str(_at(record, "keyId"))).allowed.update(_grants(statement))
    for record in records:
        if record["type"] == "aws:iam/policy:Policy" and _at(record, "arn") not in attached:
            name = str(_at(record, "name") or record["name"])
            subject(record, "policy", name).read(_at(record, "policy"), "those that have the policy")
    return subjects


def _at(record: Record, key: str) -> Any:
    """A property as AWS answers it, or as the program asks for it."""
    outputs = record.get("outputs") or {}
    return outputs[key] if outputs.get(key) is not None else record["inputs"].get(key)


def _list(record: Record, key: str) -> list[Any]:
    """A list; none in a preview that does not know it yet."""
    value = _at(record, key)
    return value if isinstance(value, list) else []


def _of_grant(record: Record) -> Iterator[Statement]:
    """A grant of a key as the statements that say the same.

    https://docs.aws.amazon.com/kms/latest/developerguide/grants.html
    """
    conditions = tuple(
        Condition("StringEquals", f"kms:EncryptionContext:{key} ({kind})", (str(value),))
        for constraint in _list(record, "constraints")
        for kind, pairs in constraint.items()
        for key, value in (pairs or {}).items()
    )
    operations = tuple(f"kms:{operation}" for operation in _list(record, "operations"))
    grantee = (("AWS", str(_at(record, "granteePrincipal"))),)
    yield Statement("", 1, True, grantee, actions=operations, conditions=conditions)
    if retiring := _at(record, "retiringPrincipal"):
        yield Statement("", 2, True, (("AWS", str(retiring)),), actions=("kms:RetireGrant",))


def _grants(statement: Statement) -> Iterator[_Grant]:
    """The statement for each of its principals, actions, resources and values that say who asks."""
    principals = [_principal(kind, value) for kind, value in statement.principals]
    for principal, action, resource, conditions in itertools.product(
        _elements(principals, statement.not_principal),
        _elements((action.lower() for action in statement.actions), statement.not_action),
        _elements(statement.resources or ("*",), statement.not_resource),
        itertools.product(*(_alternatives(each) for each in statement.conditions)),
    ):
        yield _Grant(principal, action, resource, frozenset(conditions))


def _elements(entries: Iterable[str], excluded: bool) -> list[_Element]:
    if excluded:
        return [_Element(frozenset(entries), True)]
    return [_Element(frozenset({entry})) for entry in entries]


def _principal(kind: str, value: str) -> str:
    if is_account(value):
        return account_of(value)  # the id and the ARN of the root mean the same
    return value if kind in ("AWS", "*") else f"{kind} {value}"


_IDENTIFYING = {"aws:principalarn", "aws:principalorgid", "aws:principalaccount", "aws:sourcearn", "aws:sourceaccount"}


def _identifies(condition: Condition) -> bool:
    return condition.binds and (condition.key in _IDENTIFYING or condition.key.endswith((":sub", ":repository")))


def _alternatives(condition: Condition) -> list[Condition]:
    """A condition that says who asks, for each of its values: a new value lets in someone of its own."""
    if not _identifies(condition):
        return [condition]
    return [_exact(replace(condition, values=(value,))) for value in condition.values]


def _exact(condition: Condition) -> Condition:
    """`StringLike` with a value that has no wildcard says the same as `StringEquals`."""
    if condition.operator.lower() != "stringlike" or set("*?$") & set(*condition.values):
        return condition
    return replace(condition, operator="StringEquals")


# --- the difference


def _without(grants: set[_Grant], others: set[_Grant], *, denied: bool = False) -> list[_Grant]:
    """The grants that no other one covers."""
    return [grant for grant in grants - others if not any(grant.within(other, denied) for other in others)]


def _boundary(was: _Subject, now: _Subject) -> Iterator[str]:
    if was.urn and now.urn and was.boundary and was.boundary != now.boundary:
        yield (
            f"has the permissions boundary {now.boundary} instead of {was.boundary}"
            if now.boundary
            else f"loses its permissions boundary {was.boundary}"
        )


def _lines(verb: str, grants: Iterable[_Grant]) -> Iterator[str]:
    """What grants say, in as few lines as they fit: those with the same principals and terms share one."""
    by_resource: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for grant in grants:
        who = sorted(value for each in grant.conditions if _identifies(each) for value in each.values)
        terms = " and ".join(sorted(str(each) for each in grant.conditions if not _identifies(each)))
        principal = str(grant.principal)
        if who:
            # An account or everyone, narrowed to these; a service or an identity provider acts for them.
            narrowed = principal == "*" or is_account(principal)
            principal = ", ".join(who) if narrowed else f"{principal} for {', '.join(who)}"
        elif is_account(principal):
            principal = f"the account {principal}"
        action = replace(grant.action, entries=frozenset(map(spelled, grant.action.entries)))
        by_resource["everyone" if principal == "*" else principal, terms, str(grant.resource)].add(str(action))
    by_actions: dict[tuple[str, str, tuple[str, ...]], list[str]] = defaultdict(list)
    for (label, terms_text, resource), actions in by_resource.items():
        by_actions[label, terms_text, tuple(sorted(actions))].append(resource)
    for (label, terms_text, shared), resources in sorted(by_actions.items()):
        where = "" if resources == ["*"] else f" on {_few(sorted(resources))}"
        yield f"{verb} {label}: {_few(shared)}{where}{f' where {terms_text}' if terms_text else ''}"


def _few(texts: Iterable[str], limit: int = 6) -> str:
    listed = list(texts)
    more = f" and {len(listed) - limit} more" if len(listed) > limit else ""
    return ", ".join(listed[:limit]) + more
