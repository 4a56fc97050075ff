"""Nobody gets in who is not named, and nobody may do more than is named."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pulumi_policy import ResourceValidationArgs, Severity

from guardrails.production import Report, resource_policy
from guardrails.statements import document_of, is_public, listed, name_of, principals, statements

__all__ = ["POLICIES"]

# For each type of resource the property that holds its policy.
POLICY_OF = {
    "aws:ecr/repositoryPolicy:RepositoryPolicy": "policy",
    "aws:ecr/registryPolicy:RegistryPolicy": "policy",
    "aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate": "repositoryPolicy",
}
ROLE = "aws:iam/role:Role"


def _allowing(args: ResourceValidationArgs) -> Iterator[Mapping[str, Any]]:
    key = POLICY_OF.get(args.resource_type)
    if key is not None:
        yield from statements(args.props.get(key))


def _readable(args: ResourceValidationArgs, report: Report) -> None:
    key = POLICY_OF.get(args.resource_type)
    if key is not None and args.props.get(key) and not document_of(args.props.get(key)):
        report("the policy is not a JSON document, so nobody knows what it allows")


def _not_public(args: ResourceValidationArgs, report: Report) -> None:
    for statement in _allowing(args):
        if is_public(statement):
            report(f"{name_of(statement)} lets everybody on the internet in")


def _named_actions(args: ResourceValidationArgs, report: Report) -> None:
    for statement in _allowing(args):
        if "NotAction" in statement:
            report(f"{name_of(statement)} allows all actions but some")
        for action in listed(statement.get("Action")):
            if re.search(r"[*?]", str(action)):
                report(f"{name_of(statement)} allows {action}: actions that nobody has read, and those to come")


def _trusted_by_name(args: ResourceValidationArgs, report: Report) -> None:
    if args.resource_type != ROLE:
        return
    for statement in statements(args.props.get("assumeRolePolicy")):
        providers = [text for kind, text in principals(statement) if kind == "Federated" and "oidc-provider" in text]
        if not providers:
            continue
        subjects = list(_subjects(statement))
        if not subjects:
            report(f"{name_of(statement)} trusts whatever the provider vouches for: it has no condition on `sub`")
        for subject in subjects:
            if re.search(r"[*?]", subject):
                report(f"{name_of(statement)} trusts every pipeline that `{subject}` matches")


def _subjects(statement: Mapping[str, Any]) -> Iterator[str]:
    conditions = statement.get("Condition")
    for operator, tests in (conditions if isinstance(conditions, Mapping) else {}).items():
        if not re.fullmatch(r"(foranyvalue:)?string(equals|equalsignorecase|like)", str(operator).lower()):
            continue
        for key, values in (tests if isinstance(tests, Mapping) else {}).items():
            if str(key).lower().endswith(":sub"):
                like = "like" in str(operator).lower()
                # Where wildcards stand for themselves, they match nothing.
                yield from (
                    str(value) if like else str(value).replace("*", "").replace("?", "") for value in listed(values)
                )


POLICIES = [
    resource_policy(
        "repository-policies-are-json",
        "A policy that cannot be read cannot be reviewed, and ECR refuses it.",
        _readable,
        remedy="Write the policy with a JSON encoder.",
        url="https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-policies.html",
    ),
    resource_policy(
        "repositories-are-not-public",
        "An image holds code, and often more than its authors think.",
        _not_public,
        remedy="Name roles or accounts, or bind the statement by aws:PrincipalOrgID with StringEquals.",
        url="https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-policy-examples.html",
        severity=Severity.CRITICAL,
    ),
    resource_policy(
        "repository-policies-name-their-actions",
        "A wildcard allows deleting where pulling was meant, and what AWS adds next year.",
        _named_actions,
        remedy="List the actions: AWS's pages name those that pull and push need.",
        url="https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-push-iam.html",
    ),
    resource_policy(
        "pipelines-are-trusted-by-name",
        "A wildcard in the subject lets other repositories, branches or organizations push.",
        _trusted_by_name,
        remedy="Write StringEquals on the provider's `sub` with the repository and its branch or environment.",
        url="https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html",
        severity=Severity.CRITICAL,
    ),
]
