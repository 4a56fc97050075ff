"""Small policies that grant exactly what was asked: trust for many pipelines, permissions for many repositories.

Nothing here widens access. A document is made smaller only where the smaller one allows the same requests or fewer:
equal entries are written once, an ARN that a pattern beside it covers is dropped, statements are divided among
documents, and the repositories of GitHub's pipelines are checked by a claim of their own. What still exceeds a quota
is for `quotas.size_problem` to report.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ecr_stack.aws.iam import reader
from ecr_stack.aws.iam.actions import LOGIN, PULL, PUSH, SIGN
from ecr_stack.aws.iam.matching import covers
from ecr_stack.aws.iam.quotas import (
    INLINE_POLICIES,
    MANAGED_POLICIES_PER_ROLE,
    MANAGED_POLICY,
    TRUST_POLICY,
    policy_size,
    size_problem,
)
from ecr_stack.errors import InvalidInput, Problem

__all__ = [
    "fits_inline",
    "named_subjects",
    "permission_statements",
    "pipeline_trust",
    "split_policies",
    "trust_problem",
    "without_covered",
]

Statement = Mapping[str, Any]
Document = dict[str, Any]


def pipeline_trust(provider_arn: str, audience: str, subjects: Sequence[str], *, host: str | None = None) -> Document:
    """The trust policy of a role for pipelines with these subjects, as small as it can be without trusting more.

    A short list of subjects is one condition on `sub`. Where that would exceed the quota, and the issuer is GitHub's,
    repositories that share their branches, tags and environments become one statement: the claim `repository` (and
    `repository_id`, for subjects with ids) names each repository once, and patterns of `sub` name each branch once.
    `*` in such a pattern stands for the repository alone, because subjects with more colons are excluded.
    https://aws.amazon.com/about-aws/whats-new/2026/01/aws-sts-supports-validation-identity-provider-claims/

    Args:
        provider_arn: the ARN of the issuer's OpenID Connect provider, which ends in `:oidc-provider/HOST`.
        audience: the `aud` of the tokens.
        subjects: the `sub` of the tokens; `*` and `?` are wildcards.
        host: the issuer without `https://`. Default: what the ARN says.

    Returns:
        Plain JSON data. It may still exceed the quota: see `trust_problem`.
    """
    host = host or provider_arn.partition(":oidc-provider/")[2]
    named = list(dict.fromkeys(subjects))
    plain = _document([_trust(provider_arn, host, audience, "NamedPipelines", named)])
    # The claims of GitHub can be conditions in the partition `aws`.
    if policy_size(plain) <= TRUST_POLICY.limit or host != _GITHUB or not provider_arn.startswith("arn:aws:"):
        return plain
    candidates = [plain, *(_grouped(provider_arn, audience, named, by_suffix) for by_suffix in (False, True))]
    return min(candidates, key=policy_size)


def named_subjects(statement: reader.Statement) -> list[str]:
    """The subjects that a trust statement of `pipeline_trust` names, in the form with claims too.

    Whoever judges subjects by their grammar judges these: `repo:octo-org/*:ref:refs/heads/main`, for the repository
    `octo-org/api` alone, is `repo:octo-org/api:ref:refs/heads/main`. The values of `sub` as they are if no claim or no
    limit of colons narrows them; nothing if no condition on `sub` binds.
    """
    binding = {each.key: each.values for each in statement.conditions if each.binds}
    excluded = [each.values for each in statement.conditions if (each.operator, each.key) == _NOT_LIKE_SUBJECT]
    subjects = [value for key, values in binding.items() if key.endswith(":sub") for value in values]
    repositories = binding.get(f"{_GITHUB}:repository", ())
    ids = binding.get(f"{_GITHUB}:repository_id", ())
    if (_MORE_COLONS,) not in excluded or any(set("*?$") & set(name) for name in repositories):
        return subjects
    numbered = zip(repositories, ids, strict=True) if len(ids) == len(repositories) else ((r, "") for r in repositories)
    named = list(numbered)
    expanded: list[str] = []
    for subject in subjects:
        match = re.fullmatch(r"repo:([\w.-]+)(@[0-9]+)?/\*:([^*?:]+:[^:]+)", subject, re.ASCII)
        if match is None or not named or bool(match[2]) != bool(ids):
            expanded.append(subject)
            continue
        owner, owner_id, suffix = match[1], match[2] or "", match[3]
        expanded += [
            f"repo:{owner}{owner_id}/{repository.partition('/')[2]}{f'@{id_}' if id_ else ''}:{suffix}"
            for repository, id_ in named
            if repository.partition("/")[0] == owner
        ]
    return expanded


def trust_problem(document: Statement, place: str) -> Problem | None:
    """The problem with a trust policy that exceeds IAM's quota, or `None`.

    Args:
        document: what `pipeline_trust` returned.
        place: the key path of the pipelines.
    """
    return size_problem(
        [document], TRUST_POLICY, place,
        "divide the repositories among several entries under `pipelines`, each of which is a role, or give "
        "them the same branches, tags and environments",
    )  # fmt: skip


def permission_statements(
    *, pull: Sequence[str] = (), push: Sequence[str] = (), sign: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """The least that a role needs to log in, to pull and to push: every repository's ARN is written once.

    Args:
        pull: ARNs of repositories; `*` and `?` are wildcards.
        push: ARNs of repositories; a push alone pulls nothing.
        sign: ARNs of the AWS Signer profiles with which ECR signs what is pushed, in the name of whoever pushes.

    Returns:
        Statements of an identity policy: `Login`, and up to four of `PullAndPush`, `Pull`, `Push` and `Sign`.
    """
    pulled, pushed = without_covered(pull), without_covered(push)
    both = [arn for arn in pulled if arn in pushed]
    statements: list[dict[str, Any]] = [{"Sid": "Login", "Effect": "Allow", "Action": LOGIN, "Resource": "*"}]
    for sid, actions, arns in (
        ("PullAndPush", sorted({*PULL, *PUSH}), both),
        ("Pull", list(PULL), [arn for arn in pulled if arn not in both]),
        ("Push", list(PUSH), [arn for arn in pushed if arn not in both]),
        ("Sign", list(SIGN), list(dict.fromkeys(sign))),
    ):
        if arns:
            statements.append({"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": arns})
    return statements


def fits_inline(statements: Sequence[Statement], *, beside: int = 0) -> bool:
    """Whether statements fit into one inline policy of a role.

    Args:
        statements: of an identity policy.
        beside: characters of the role's other inline policies, which share the quota.
    """
    return policy_size(_document(statements)) + beside <= INLINE_POLICIES.limit


def split_policies(
    statements: Sequence[Statement], place: str = "", *, beside: int = 0, limit: int = MANAGED_POLICY.limit
) -> list[Document]:
    """Divide statements of an identity policy among managed policies that together say the same.

    A statement is divided between the entries of its `Resource` if it does not fit whole; one with `NotResource` is
    never divided, since each part would allow what the other excludes.

    Args:
        statements: e.g. from `permission_statements`.
        place: the key path of what is granted, for the problem.
        beside: managed policies that the role has already.
        limit: characters of one document.

    Returns:
        Documents in the order of the statements, each within `limit`; none for no statements.

    Raises:
        InvalidInput: a statement cannot be divided to fit, or more policies are needed than a role can have.
    """
    bins: list[list[Statement]] = []
    for statement in statements:
        for piece in _pieces(statement, limit, place):
            fitting = next((each for each in bins if policy_size(_document([*each, piece])) <= limit), None)
            if fitting is None:
                bins.append([piece])
            else:
                fitting.append(piece)
    room = MANAGED_POLICIES_PER_ROLE.limit - beside
    if len(bins) > room:
        rule = (
            f"the role would need {len(bins)} managed policies beside the {beside} that it has, and AWS allows "
            f"{MANAGED_POLICIES_PER_ROLE.limit} ({MANAGED_POLICIES_PER_ROLE.source})"
        )
        remedy = "name several repositories by one pattern such as `…:repository/TEAM/*`, or divide them among roles"
        raise InvalidInput(place or "the policies of a role", [Problem(place, None, rule, remedy)])
    return [_document(each) for each in bins]


def without_covered(arns: Iterable[str]) -> list[str]:
    """The ARNs without repetitions, and without those that a pattern among them covers; in their order."""
    named = list(dict.fromkeys(arns))
    return [arn for arn in named if not any(other != arn and covers(other, arn) for other in named)]


def _document(statements: Iterable[Statement]) -> Document:
    return {"Version": "2012-10-17", "Statement": [dict(statement) for statement in statements]}


def _pieces(statement: Statement, limit: int, place: str) -> Iterator[Statement]:
    """The statement in parts of which each fits into a document of its own."""
    if policy_size(_document([statement])) <= limit:
        yield statement
        return
    resources = statement.get("Resource")
    if not isinstance(resources, list) or len(resources) < 2:
        size = policy_size(_document([statement]))
        rule = f"the statement {statement.get('Sid', '')!r} alone has {size:,} characters, and AWS allows {limit:,}"
        remedy = "write it as several statements with fewer actions, conditions or excluded resources each"
        raise InvalidInput(place or "the policies of a role", [Problem(place, None, rule, remedy)])
    # Filled up as far as it goes rather than halved: the fewest policies count.
    part: list[str] = []
    room = limit - policy_size(_document([{**statement, "Resource": []}]))
    for arn in resources:
        cost = policy_size({"": arn}) - policy_size({"": ""}) + len('"",')
        if part and cost > room + 1:  # the last of a list has no comma
            yield {**statement, "Resource": part}
            part, room = [], limit - policy_size(_document([{**statement, "Resource": []}]))
        part.append(arn)
        room -= cost
    yield from (
        [{**statement, "Resource": part}]
        if len(part) < len(resources)
        else _pieces({**statement, "Resource": part[0]}, limit, place)
    )


_GITHUB = "token.actions.githubusercontent.com"
_MORE_COLONS = "*:*:*:*:*"
_NOT_LIKE_SUBJECT = ("StringNotLike", f"{_GITHUB}:sub")
_SUBJECT = re.compile(
    r"repo:(?P<owner>[\w.-]+)(?P<owner_id>@[0-9]+)?/(?P<name>[\w.-]+)(?P<id>@[0-9]+)?:"
    r"(?P<suffix>ref:[^:]+|environment:[^:]+)",
    re.ASCII,
)


def _trust(
    provider_arn: str, host: str, audience: str, sid: str, subjects: Sequence[str], claims: Statement | None = None
) -> Document:
    """One statement of a trust policy; `claims` are further conditions, which must hold as well."""
    condition: dict[str, dict[str, Any]] = {"StringEquals": {f"{host}:aud": audience, **(claims or {})}}
    like = any("*" in subject or "?" in subject for subject in subjects)
    condition.setdefault("StringLike" if like else "StringEquals", {})[f"{host}:sub"] = list(subjects)
    if claims:
        # In `repo:OWNER/*:ref:refs/heads/main`, three colons leave nothing but the name for `*`.
        condition["StringNotLike"] = {f"{host}:sub": _MORE_COLONS}
    return {
        "Sid": sid, "Effect": "Allow", "Principal": {"Federated": provider_arn},
        "Action": "sts:AssumeRoleWithWebIdentity", "Condition": condition,
    }  # fmt: skip


def _grouped(provider_arn: str, audience: str, subjects: Sequence[str], by_suffix: bool) -> Document:
    """The trust policy with one statement for each group of repositories and suffixes, all pairs of which are trusted.

    Groups are the repositories that have the same suffixes, or the suffixes that have the same repositories.
    """
    pairs: dict[Any, list[Any]] = {}
    rest: list[str] = []
    for subject in subjects:
        match = _SUBJECT.fullmatch(subject)
        # An id behind one of the two only is a form that GitHub does not write.
        if match is None or bool(match["owner_id"]) != bool(match["id"]):
            rest.append(subject)
            continue
        repository = (match["owner"], match["owner_id"] or "", match["name"], match["id"] or "")
        key, value = (match["suffix"], repository) if by_suffix else (repository, match["suffix"])
        pairs.setdefault((key, bool(match["id"])), []).append(value)
    groups: dict[tuple[Any, bool], list[Any]] = {}
    for (key, ids), values in pairs.items():
        groups.setdefault((tuple(sorted(values)), ids), []).append(key)
    statements: list[Document] = []
    for (values, ids), keys in groups.items():
        repositories, suffixes = (list(values), keys) if by_suffix else (keys, list(values))
        if len(repositories) == 1:
            owner, owner_id, name, id_ = repositories[0]
            rest += [f"repo:{owner}{owner_id}/{name}{id_}:{suffix}" for suffix in suffixes]
            continue
        owners = dict.fromkeys(f"{owner}{owner_id}" for owner, owner_id, _, _ in repositories)
        claims = {f"{_GITHUB}:repository": [f"{owner}/{name}" for owner, _, name, _ in repositories]}
        if ids:
            claims[f"{_GITHUB}:repository_id"] = [id_[1:] for *_, id_ in repositories]
        patterns = [f"repo:{owner}/*:{suffix}" for owner in owners for suffix in suffixes]
        sid = f"NamedPipelines{len(statements) + 1}"
        statements.append(_trust(provider_arn, _GITHUB, audience, sid, patterns, claims))
    if rest:
        statements.append(_trust(provider_arn, _GITHUB, audience, "NamedPipelines", list(dict.fromkeys(rest))))
    return _document(statements)
