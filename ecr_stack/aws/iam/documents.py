"""From grants to the policy documents that ECR reads."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ecr_stack.aws.iam.actions import IMPORT, LAMBDA, PULL, PUSH, REPLICATE
from ecr_stack.aws.iam.grants import Access, Match, RegistryAccess
from ecr_stack.aws.iam.principals import account_of, arn_of, is_account, partition_problem, root_of, unique
from ecr_stack.aws.iam.quotas import REGISTRY_POLICY, REPOSITORY_POLICY, Quota, policy_size
from ecr_stack.errors import InvalidInput, Problem

__all__ = ["access_problems", "policy_text", "registry_policy", "repository_policy"]


def policy_text(document: Mapping[str, Any]) -> str:
    """The JSON text that is sent to AWS: compact, and the same for the same document."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)


def repository_policy(access: Access, account: str, partition: str) -> dict[str, Any] | None:
    """Build the policy document of a repository.

    Args:
        access: who may pull and push.
        account: the repository's account, of twelve digits.
        partition: `aws`, `aws-cn`, … .

    Returns:
        Plain JSON data, or `None` where nothing is granted: ECR takes no empty policy.

    Raises:
        InvalidInput: the document would be too long, or names principals of another partition.
    """
    problems = access_problems(access, "access", account=account, partition=partition)
    if problems:
        raise InvalidInput("access", problems)
    return _document(_repository_statements(access, account, partition))


def registry_policy(access: RegistryAccess, account: str, region: str, partition: str) -> dict[str, Any] | None:
    """Build the policy document of a registry, or `None` where nothing is granted.

    Args:
        access: who may do what in every repository.
        account: the registry's account, of twelve digits.
        region: the registry's Region.
        partition: `aws`, `aws-cn`, … .

    Raises:
        InvalidInput: the document would be too long, or names principals of another partition.
    """
    problems = access_problems(access, "registryAccess", account=account, region=region, partition=partition)
    if problems:
        raise InvalidInput("registryAccess", problems)
    return _document(_registry_statements(access, account, region, partition))


def access_problems(
    access: Access | RegistryAccess,
    place: str,
    *,
    account: str = "0" * 12,
    region: str = "us-east-1",
    partition: str | None = None,
) -> list[Problem]:
    """Say what is wrong with grants as a whole, each of which is right.

    Args:
        access: the grants of a repository or a registry.
        place: the key path of the section.
        account: the account, where it is known; the length of the document does not depend on it.
        region: the Region of a registry, where it is known.
        partition: the partition, where it is known; ARNs of another one are then reported.
    """
    problems = list(_foreign(access, place, partition)) if partition else []
    problems += _twice(access, place, account)
    if isinstance(access, Access):
        statements = _repository_statements(access, account, partition or "aws")
    else:
        statements = _registry_statements(access, account, region, partition or "aws")
    quota = REPOSITORY_POLICY if isinstance(access, Access) else REGISTRY_POLICY
    document = _document(statements)
    if document and policy_size(document) > quota.limit:
        problems.append(_too_long(statements, place, policy_size(document), quota))
    return problems


def _document(statements: list[dict[str, Any]]) -> dict[str, Any] | None:
    return {"Version": "2012-10-17", "Statement": statements} if statements else None


def _repository_statements(access: Access, account: str, partition: str) -> list[dict[str, Any]]:
    grants = _Grants(account, partition, access.match)
    own = [
        *grants.to("AllowPull", access.pull, PULL, also=access.accounts),
        *grants.to_organizations(access.organizations),
        *grants.to("AllowPush", access.push, PUSH),
        *grants.to_lambda(access.lambda_),
    ]
    return own + [statement.document(account, partition) for statement in access.statements]


def _registry_statements(access: RegistryAccess, account: str, region: str, partition: str) -> list[dict[str, Any]]:
    grants = _Grants(account, partition, access.match)
    registry = f"arn:{partition}:ecr:{region}:{account}:repository/"
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
        resources = [f"{registry}{namespace}/*" for namespace in unique(grant.namespaces or [])]
        for statement in grants.to("AllowPullThroughCache", grant.principals, IMPORT):
            # Sids are unique in a policy, and one grant is the usual case.
            sid = statement["Sid"] if len(access.pull_through_cache) == 1 else f"{statement['Sid']}{number}"
            found.append({**statement, "Sid": sid, **({"Resource": resources} if resources else everything)})
    return found + [statement.document(account, partition, f"{registry}*") for statement in access.statements]


class _Grants:
    """Statements for principals of an account's point of view."""

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
        if named and self._match is Match.CONDITION:
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

    def to_lambda(self, sources: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Both statements that Lambda needs: for those who make functions in other accounts, and for Lambda itself.

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


def _foreign(access: Access | RegistryAccess, place: str, partition: str) -> Iterator[Problem]:
    for key, names in _named(access):
        for index, name in enumerate(names):
            if partition_problem(name, partition):
                yield Problem(
                    f"{place}.{key}[{index}]", name, f"the registry is in the partition {partition}; nobody of another one can be let in",
                    f"write the ARN of a principal that begins with `arn:{partition}:`",
                )  # fmt: skip


def _twice(access: Access | RegistryAccess, place: str, account: str) -> Iterator[Problem]:
    """Names that differ and mean the same, once the account is known; and accounts under two keys."""
    for key, names in _named(access):
        seen: dict[str, str] = {}
        for index, name in enumerate(names):
            arn = arn_of(name, account, "aws") if not name.startswith("arn:") else name
            same = seen.setdefault(arn, name)
            if same != name:
                yield Problem(
                    f"{place}.{key}[{index}]", name, f"`{name}` and `{same}` are the same", "remove one of the two"
                )
    pulling = {account_of(name) for name in access.pull if is_account(name)}
    for index, name in enumerate(access.accounts):
        if name in pulling:
            yield Problem(
                f"{place}.accounts[{index}]", name, "the account stands under `pull` too, which means the same",
                "remove one of the two",
            )  # fmt: skip


def _named(access: Access | RegistryAccess) -> Iterator[tuple[str, Sequence[str]]]:
    yield "pull", access.pull
    yield "push", access.push
    if isinstance(access, Access):
        yield "lambda", access.lambda_
    else:
        for index, grant in enumerate(access.pull_through_cache):
            yield f"pullThroughCache[{index}].principals", grant.principals
    for index, statement in enumerate(access.statements):
        yield f"statements[{index}].Principal.AWS", statement.Principal.AWS or []


def _too_long(statements: Iterable[Mapping[str, Any]], place: str, length: int, quota: Quota) -> Problem:
    """Name the statement that takes most of the length, and what would shorten it."""
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
        place, None, f"{quota.subject} would have {length:,} characters, and AWS allows {quota.limit:,} ({quota.source})",
        f"take off {over:,} characters: `{key}` takes {share:,} of them; {shorter}",
    )  # fmt: skip
