"""Builds ECR's policy documents from grants."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ecr_stack.aws.iam.actions import FULL, IMPORT, LAMBDA, PULL, PUSH, READ, REPLICATE
from ecr_stack.aws.iam.principals import account_of, arn_of, is_account, partition_problem, root_of, unique
from ecr_stack.aws.iam.quotas import REGISTRY_POLICY, REPOSITORY_POLICY, Quota, policy_size
from ecr_stack.errors import Problem
from ecr_stack.model import is_unknown, key_of, unknown_in
from ecr_stack.schema.access import Access, Match, RegistryAccess, ServiceGrant

__all__ = ["access_problems", "policy_text", "registry_policy", "repository_policy"]


def policy_text(document: Mapping[str, Any]) -> str:
    """The JSON text that is sent to AWS: compact and deterministic."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)


def repository_policy(access: Access, account: str, partition: str) -> dict[str, Any] | None:
    """Build the policy document of a repository.

    Args:
        access: who may pull and push, without unknown values and problems.
        account: the repository's account, of twelve digits.
        partition: `aws`, `aws-cn`, … .

    Returns:
        Plain JSON data, or `None` if nothing is granted: ECR does not accept an empty policy.
    """
    return _document(_repository_statements(access, account, partition))


def registry_policy(
    access: RegistryAccess, account: str, region: str, partition: str, name_prefix: str = ""
) -> dict[str, Any] | None:
    """Build the policy document of a registry, or `None` if nothing is granted.

    Args:
        access: who may do what in every repository, without unknown values and problems.
        account: the registry's account, of twelve digits.
        region: the registry's Region.
        partition: `aws`, `aws-cn`, … .
        name_prefix: the prefix of the names of the repositories.
    """
    return _document(_registry_statements(access, account, region, partition, name_prefix))


def access_problems(
    access: Access | RegistryAccess,
    *,
    account: str | None = None,
    region: str | None = None,
    partition: str | None = None,
    name_prefix: str = "",
) -> list[Problem]:
    """Yield errors in valid grants taken together; places are relative to the grants.

    Args:
        access: the grants of a repository or a registry. Unknown values are skipped; the length of the document is then
            checked once everything is known.
        account: the account, if it is known; the length of the document does not depend on it.
        region: the Region of a registry, if it is known.
        partition: the partition, if it is known; ARNs of another one are then reported.
        name_prefix: the prefix of the names of the repositories.
    """
    problems = list(_foreign(access, partition)) if partition else []
    problems += _twice(access, account or "0" * 12)
    if problems or unknown_in(access):
        return problems
    place = (account or "0" * 12, partition or "aws")
    if isinstance(access, Access):
        statements = _repository_statements(access, *place)
    else:
        statements = _registry_statements(access, place[0], region or "us-east-1", place[1], name_prefix)
    quota = REPOSITORY_POLICY if isinstance(access, Access) else REGISTRY_POLICY
    document = _document(statements)
    if document is None:
        problems.append(
            Problem("", {}, "access must grant at least one permission", "add e.g. `pull`, or remove the key")
        )
    elif policy_size(document) > quota.limit:
        problems.append(_too_long(statements, policy_size(document), quota))
    return problems


def _document(statements: list[dict[str, Any]]) -> dict[str, Any] | None:
    return {"Version": "2012-10-17", "Statement": statements} if statements else None


def _repository_statements(access: Access, account: str, partition: str) -> list[dict[str, Any]]:
    grants = _Grants(account, partition, access.match)
    own = [
        *grants.to("AllowPull", access.pull, PULL, also=access.accounts),
        *grants.to_organizations(access.organizations),
        *grants.to("AllowPush", access.push, PUSH),
        *grants.to("AllowReadOnly", access.read_only, READ),
        *grants.to("AllowFullAccess", access.full_access, FULL),
        *grants.to_services(access.services),
        *grants.to_lambda(access.lambda_),
    ]
    return own + [statement.document(account, partition) for statement in access.statements]


def _registry_statements(
    access: RegistryAccess, account: str, region: str, partition: str, name_prefix: str
) -> list[dict[str, Any]]:
    grants = _Grants(account, partition, access.match)
    repositories = f"arn:{partition}:ecr:{region}:{account}:repository/"
    registry = f"{repositories}{name_prefix}"
    everything = {"Resource": [f"{registry}*"]}
    statements = [
        *grants.to("AllowPull", access.pull, PULL, also=access.accounts),
        *grants.to_organizations(access.organizations),
        *grants.to("AllowPush", access.push, PUSH),
    ]
    statements += [
        _allow("AllowReplication", {"AWS": [root_of(source, partition) for source in access.replication_from]}, REPLICATE)
    ] if access.replication_from else []  # fmt: skip
    found = [{**statement, **everything} for statement in statements]
    for number, grant in enumerate(access.pull_through_cache, start=1):
        resources = [f"{repositories}{namespace}/*" for namespace in unique(grant.namespaces or [])]
        for statement in grants.to("AllowPullThroughCache", grant.principals, IMPORT):
            # Sids must be unique in a policy, and a single grant is the usual case.
            sid = statement["Sid"] if len(access.pull_through_cache) == 1 else f"{statement['Sid']}{number}"
            found.append({**statement, "Sid": sid, **({"Resource": resources} if resources else everything)})
    return found + [statement.document(account, partition, f"{registry}*") for statement in access.statements]


class _Grants:
    """Statements for principals, seen from an account."""

    def __init__(self, account: str, partition: str, match: Match) -> None:
        self._account = account
        self._partition = partition
        self._match = match

    def to(
        self, sid: str, names: Sequence[str], actions: Sequence[str], *, also: Sequence[str] = ()
    ) -> Iterator[dict[str, Any]]:
        """Statements for roles, users and accounts; `also` are accounts."""
        named = unique(arn_of(name, self._account, self._partition) for name in names if not is_account(name))
        accounts = unique(arn_of(name, self._account, self._partition) for name in [*names, *also] if is_account(name))
        if named and self._match == "CONDITION":
            roots = unique(root_of(account_of(arn), self._partition) for arn in named)
            yield _allow(sid, {"AWS": roots}, actions, {"ArnEquals": {"aws:PrincipalArn": named}})
        elif named:
            yield _allow(sid, {"AWS": named}, actions)
        if accounts:
            yield _allow(f"{sid}ByAccounts", {"AWS": accounts}, actions)

    def to_organizations(self, organizations: Sequence[str]) -> Iterator[dict[str, Any]]:
        """A statement for all accounts of organizations.

        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalorgid
        """
        if organizations:
            condition = {"StringEquals": {"aws:PrincipalOrgID": list(organizations)}}
            yield _allow("AllowPullByOrganizations", "*", PULL, condition)

    def to_services(self, services: Sequence[ServiceGrant]) -> Iterator[dict[str, Any]]:
        """A statement for each service, restricted to the sources on whose behalf it acts.

        https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
        """
        for number, grant in enumerate(services, start=1):
            condition: dict[str, Any] = {}
            if grant.source_arns is not None:
                condition["ArnLike"] = {"aws:SourceArn": unique(grant.source_arns)}
            if grant.source_accounts is not None:
                condition["StringEquals"] = {"aws:SourceAccount": unique(grant.source_accounts)}
            actions = sorted({*PULL, *(PUSH if grant.push else ())})
            sid = "AllowServices" if len(services) == 1 else f"AllowService{number}"
            yield _allow(sid, {"Service": [grant.service]}, actions, condition)

    def to_lambda(self, sources: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Both statements that Lambda needs: for principals in other accounts that create functions, and for Lambda
        itself.

        https://docs.aws.amazon.com/lambda/latest/dg/images-create.html#configuration-images-xaccount-permissions
        """
        others = unique(account_of(source) for source in sources if account_of(source) != self._account)
        if others:
            roots = [root_of(account, self._partition) for account in others]
            yield _allow("AllowLambdaAccounts", {"AWS": roots}, LAMBDA)
        if sources:
            functions = unique(
                f"arn:{self._partition}:lambda:*:{source}:function:*" if is_account(source) else source
                for source in sources
            )
            condition = {"ArnLike": {"aws:SourceArn": functions}}
            yield _allow("AllowLambda", {"Service": ["lambda.amazonaws.com"]}, LAMBDA, condition)


def _allow(
    sid: str, principal: str | dict[str, list[str]], actions: Sequence[str], condition: dict[str, Any] | None = None
) -> dict[str, Any]:
    statement: dict[str, Any] = {"Sid": sid, "Effect": "Allow", "Principal": principal, "Action": list(actions)}
    if condition:
        statement["Condition"] = condition
    return statement


def _foreign(access: Access | RegistryAccess, partition: str) -> Iterator[Problem]:
    for key, names in _named(access):
        for index, name in enumerate(names):
            if not is_unknown(name) and partition_problem(name, partition):
                yield Problem(
                    f"{key}[{index}]",
                    name,
                    f"the registry is in the partition {partition}; it cannot grant access to principals in another "
                    "partition",
                    f"write the ARN of a principal that begins with `arn:{partition}:`",
                )


def _twice(access: Access | RegistryAccess, account: str) -> Iterator[Problem]:
    """Different names for the same principal, once the account is known; and accounts under two keys."""
    for key, names in _named(access):
        seen: dict[str, str] = {}
        for index, name in enumerate(names):
            if is_unknown(name):
                continue
            arn = arn_of(name, account, "aws") if not name.startswith("arn:") else name
            same = seen.setdefault(arn, name)
            if same != name:
                yield Problem(f"{key}[{index}]", name, f"`{name}` and `{same}` are the same", "remove one of the two")
    pull, accounts = access.known("pull") or [], access.known("accounts") or []
    pulling = {account_of(name) for name in pull if not is_unknown(name) and is_account(name)}
    for index, name in enumerate(accounts):
        if not is_unknown(name) and name in pulling:
            yield Problem(
                f"accounts[{index}]",
                name,
                "the account is under `pull` too, which means the same",
                "remove one of the two",
            )


_PRINCIPALS = ("pull", "push", "read_only", "full_access", "lambda_")


def _named(access: Access | RegistryAccess) -> Iterator[tuple[str, Sequence[str]]]:
    for name in _PRINCIPALS:
        if name in type(access).model_fields:
            yield key_of(type(access), name), access.known(name) or []
    if isinstance(access, RegistryAccess):
        for index, grant in enumerate(access.known("pull_through_cache") or []):
            if not is_unknown(grant):
                yield f"pullThroughCache[{index}].principals", grant.known("principals") or []
    for index, statement in enumerate(access.known("statements") or []):
        principal = None if is_unknown(statement) else statement.known("Principal")
        if principal is not None:
            yield f"statements[{index}].Principal.AWS", principal.known("AWS") or []


def _too_long(statements: Iterable[Mapping[str, Any]], length: int, quota: Quota) -> Problem:
    """Return the statement that takes up most of the length, and how to shorten it."""
    over = length - quota.limit
    largest = max(statements, key=lambda statement: len(policy_text(statement)))
    share = policy_size(largest)
    sid = str(largest.get("Sid", "a custom statement"))
    keys = {"AllowPull": "pull", "AllowPush": "push", "AllowLambda": "lambda", "AllowReplication": "replicationFrom"}
    key = next((key for prefix, key in sorted(keys.items(), reverse=True) if sid.startswith(prefix)), "statements")
    if sid.startswith("AllowPullThroughCache"):
        key = "pullThroughCache"
    if sid == "AllowPullByOrganizations":
        key = "organizations"
    shorter = {
        "pull": "name their accounts under `accounts`, or the organization under `organizations`, instead of each role",
        "push": "name their accounts instead of each role, or give several the same role",
        "lambda": "name accounts instead of functions, or one pattern with `*` for several functions",
    }.get(key, "name fewer, or split it among repositories")
    return Problem(
        "", None, f"{quota.subject} would have {length:,} characters, and AWS allows {quota.limit:,} ({quota.source})",
        f"remove {over:,} characters: `{key}` takes up {share:,} of them; {shorter}",
    )  # fmt: skip
