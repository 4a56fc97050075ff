"""Borders: access across the account's boundary only for parties that are explicitly trusted."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from pulumi_policy import Severity
from pulumi_policy.policy import PolicyResource
from pulumi_policy.proxy import UnknownValueError

from ecr_stack.aws.iam.principals import names_an_issuer
from guardrails.access import WITH_POLICIES
from guardrails.document import Statement, UnreadableDocument, documents, statements
from guardrails.policy import Config, stack_policy
from guardrails.principals import Party, crossings
from guardrails.resources import (
    CREATION_TEMPLATE,
    GRANT,
    KEY,
    OIDC_PROVIDER,
    PULL_THROUGH_RULE,
    REPLICA_KEY,
    REPLICATION,
    REPOSITORY,
    REPOSITORY_POLICY,
    ROLE,
    called,
    each,
    look,
    text,
)
from guardrails.stack import configured, texts
from guardrails.subjects import ISSUERS, KNOWN_TO_AWS

TRUSTED = "`ecr-stack:trusted` (accounts, organizations or issuers)"
_LIST = f"Remove it, or list it in {TRUSTED} of the stack file."


@stack_policy(
    types=[*WITH_POLICIES, REPOSITORY, REPLICATION, PULL_THROUGH_RULE, REPLICA_KEY, GRANT, ROLE, OIDC_PROVIDER],
    reason="Whoever controls another account, organization or issuer controls who uses its access.",
    control="AWS Well-Architected SEC03-BP07",
    url="https://docs.aws.amazon.com/wellarchitected/latest/framework/sec_permissions_analyze_cross_account.html",
    severity=Severity.CRITICAL,
    remedy="Remove it, or list it: in trustedAccounts, trustedOrganizations or trustedIssuers of this policy, or in"
    f" {TRUSTED}.",
    stack_file={
        REPOSITORY_POLICY: "Remove it from `ecr-stack:repositories.{name}.access` or `repositoryDefaults.access`, or"
        f" list it in {TRUSTED}.",
        REPLICATION: f"Remove the destination from `ecr-stack:replication.rules`, or list its account in {TRUSTED}.",
        REPOSITORY: f"Set `ecr-stack:encryption.keyArn` to a key of this account, or list the account in {TRUSTED}.",
        "aws:ecr/registryPolicy:RegistryPolicy": f"Remove it from `ecr-stack:registryAccess`, or list it in {TRUSTED}.",
        ROLE: f"Remove it from `ecr-stack:pipelines`, or list it in {TRUSTED}.",
        OIDC_PROVIDER: f"Remove it from `ecr-stack:pipelines`, or list it in {TRUSTED}.",
        CREATION_TEMPLATE: _LIST,
        KEY: _LIST,
    },
    config={
        "trustedAccounts": {
            "type": "array",
            "items": {"type": "string", "pattern": "^[0-9]{12}$"},
            "default": [],
            "description": "Trusted accounts other than the stack's own.",
        },
        "trustedOrganizations": {
            "type": "array",
            "items": {"type": "string", "pattern": "^o-[a-z0-9]{10,32}$"},
            "default": [],
            "description": "Trusted AWS Organizations, including your own.",
        },
        "trustedIssuers": {
            "type": "array",
            # a host, or at least its end: `*` alone would trust everybody
            "items": {"type": "string", "pattern": r"^(?:https://)?[^/]*[A-Za-z0-9-]+\.[A-Za-z]{2,}(?:[*]?(?:/.*)?)$"},
            "default": ISSUERS,
            "description": "Patterns for trusted OIDC issuers, without https://.",
        },
    },
)
def nothing_crosses_to_those_who_are_not_trusted(
    resources: Sequence[PolicyResource], config: Config, report: Callable[[str, str], None]
) -> None:
    """Report accounts, organizations and issuers that are granted access, or relied on, without being listed."""
    border = _Border.of(resources, config)
    waiting: UnknownValueError | None = None
    for resource in resources:
        try:
            for message in _crossings(resource, border):
                report(message, resource.urn)
        except UnknownValueError as error:
            waiting = error  # a document that is only known during the update must not hide the others
        except UnreadableDocument as error:
            report(f"{called(resource)} cannot be judged. {error}", resource.urn)
    if border.assumed and not waiting:
        waiting = _AccountUnknown()
    if waiting:
        raise waiting  # the engine says that this waits for the update


@dataclass(frozen=True)
class _Border:
    own: frozenset[str]
    """The accounts that the stack deploys to."""
    assumed: bool
    """Whether `own` is only the account that is named most, since nothing says which it is."""
    accounts: frozenset[str]
    organizations: frozenset[str]
    issuers: tuple[str, ...]

    @classmethod
    def of(cls, resources: Sequence[PolicyResource], config: Config) -> _Border:
        found = configured("ecr-stack:trusted")
        listed = found if isinstance(found, dict) else {}
        trusted = {*config["trustedAccounts"], *texts(listed.get("accounts"))}
        own = _own_accounts(resources, trusted)
        named = Counter[str]() if own else Counter(account for each in resources for account in _named_in(each))
        most = next((account for account, _ in named.most_common() if account not in trusted), None)
        return cls(
            own=frozenset(own or ([most] if most else [])),
            assumed=most is not None,
            accounts=frozenset(trusted),
            organizations=frozenset([*config["trustedOrganizations"], *texts(listed.get("organizations"))]),
            issuers=(*config["trustedIssuers"], *filter(names_an_issuer, texts(listed.get("issuers"))), *KNOWN_TO_AWS),
        )

    def trusts(self, party: Party) -> bool:
        if party.kind == "organization":
            return party.id in self.organizations
        return party.kind == "account" and self.trusts_account(party.id)

    def trusts_account(self, account: str) -> bool:
        return account in self.own or account in self.accounts

    def trusts_issuer(self, issuer: str) -> bool:
        return any(fnmatchcase(issuer.lower(), pattern.lower().removeprefix("https://")) for pattern in self.issuers)

    @property
    def here(self) -> str:
        taken = "is taken to be" if self.assumed else "is"
        return f"this stack's account {taken} {', '.join(sorted(self.own)) or 'not known yet'}"


class _AccountUnknown(UnknownValueError):
    """Nothing says yet which account is the stack's own."""

    def __init__(self) -> None:
        Exception.__init__(self)
        self.message = (
            "the stack's own account is not known yet, so the most frequent account is assumed to be its own; set "
            "aws:allowedAccountIds"
        )


_ARN = re.compile(r"arn:[^:]+:[^:]+:[^:]*:([0-9]{12}):.+", re.DOTALL)


def _account_of(value: Any) -> str:
    """The account of an ARN, or the account that the value is, which may have been read as a number."""
    if isinstance(value, int | float):
        value = f"{value:.0f}".zfill(12)
    match = re.fullmatch(r"([0-9]{12})", value) or _ARN.fullmatch(value) if isinstance(value, str) else None
    return match[1] if match else ""


def _own_accounts(resources: Sequence[PolicyResource], trusted: set[str]) -> set[str]:
    """The accounts that the stack deploys to: where its resources are, else what the provider allows.

    A resource that is only read (`.get`) by the ARN of another account looks like one of the stack's, so those that AWS
    finds by ARN, such as keys, are asked last. For a stack that is not made yet, a key's policy tells: KMS refuses one
    that locks its own account out, so the one account that it names is its own.
    """
    made = {
        text(resource.props, "registryId") or _account_of(look(resource.props, "arn"))
        for resource in resources
        if resource.resource_type in {REPOSITORY, ROLE, REPOSITORY_POLICY, PULL_THROUGH_RULE, CREATION_TEMPLATE}
    }
    if made := made - {""}:
        return made
    if allowed := texts(configured("aws:allowedAccountIds")):
        return set(allowed)
    keys = [resource for resource in resources if resource.resource_type == KEY]
    if made := {_account_of(look(key.props, "arn")) for key in keys} - {""}:
        return made
    for key in keys:
        named = set(_named_in(key)) - trusted
        if len(named) == 1 and not look(key.props, "bypassPolicyLockoutSafetyCheck"):
            return named
    return set()


def _named_in(resource: PolicyResource) -> Iterator[str]:
    """The accounts that a resource names."""
    yield from (account for _, account in _relied_on(resource) if account)
    try:
        for statement in _statements(resource):
            yield from (party.id for party in crossings(statement, lambda _: False) if party.kind == "account")
    except (UnknownValueError, UnreadableDocument):
        return


def _statements(resource: PolicyResource) -> Iterator[Statement]:
    for _, document in documents(resource.props, "policy", "repositoryPolicy", "assumeRolePolicy"):
        yield from statements(document)


def _crossings(resource: PolicyResource, border: _Border) -> Iterator[str]:
    name = called(resource)
    for what, account in _relied_on(resource):
        if account and not border.trusts_account(account):
            yield f"{name} {what} account {account}, which is not trusted ({border.here})."
    for issuer in _issuers(resource):
        if not border.trusts_issuer(issuer):
            yield f"{name} trusts the OIDC issuer {issuer}, which is not listed."
    parties: dict[Party, str] = {}
    for statement in _statements(resource):
        for party in crossings(statement, border.trusts):
            parties.setdefault(party, statement.called)
    for party, where in parties.items():
        kind = "a party in an unknown account" if party.kind == "unknown" else f"{party.kind} {party.id}"
        here = f" ({border.here})" if party.kind == "account" else ""
        yield f"{name} grants access to {kind}, which is not trusted: {where} has {party.text!r}{here}."


def _relied_on(resource: PolicyResource) -> Iterator[tuple[str, str]]:
    """The accounts that a resource names outside of a policy, each with what it does with them."""
    props = resource.props
    for encryption in each(props, "encryptionConfigurations"):
        yield "is encrypted with a key of", _account_of(look(encryption, "kmsKey"))
    for rule in each(look(props, "replicationConfiguration"), "rules"):
        for destination in each(rule, "destinations"):
            yield "replicates images to", _account_of(look(destination, "registryId"))
    if resource.resource_type == GRANT:
        yield "grants the use of a key to", _account_of(look(props, "granteePrincipal"))
        yield "allows its grant to be retired by", _account_of(look(props, "retiringPrincipal"))
        yield "grants the use of a key of", _account_of(look(props, "keyId"))
    yield "copies a key of", _account_of(look(props, "primaryKeyArn"))
    yield "uses a role in", _account_of(look(props, "customRoleArn"))
    upstream = re.match(r"(?:https://)?([0-9]{12})\.dkr[.-]", text(props, "upstreamRegistryUrl"))
    yield "imports images from", upstream[1] if upstream else ""


def _issuers(resource: PolicyResource) -> Iterator[str]:
    if resource.resource_type == OIDC_PROVIDER and (url := text(resource.props, "url")):
        yield url.lower().removeprefix("https://").rstrip("/")
    if resource.resource_type == ROLE:
        for statement in _statements(resource):
            for kind, value in statement.principals:
                if statement.allows and kind == "Federated" and ":saml-provider/" not in value:
                    yield value.partition(":oidc-provider/")[2] or value
