"""Rules about the documents that are attached: lifecycle policies and policies of resources, roles and trust."""

from __future__ import annotations

import json
from typing import Any

from ecr_stack.aws.lifecycle import lint
from ecr_stack.embedded_aws.policy_documents import UnknownPrincipal, check_document, check_principals
from ecr_stack.embedded_aws.request import Request

__all__ = [
    "check_lifecycle_policy",
    "check_repository_policy",
    "identity_policy",
    "lifecycle_policy",
    "registry_policy",
    "repository_policy",
    "trust_policy",
]


def lifecycle_policy(request: Request) -> None:
    """A lifecycle policy must be one that `ecr_stack.aws.lifecycle.lint` finds no error in."""
    if "lifecyclePolicyText" in request.parameters:
        check_lifecycle_policy(request, "lifecyclePolicyText")


def check_lifecycle_policy(request: Request, place: str) -> None:
    """Check the lifecycle policy that stands in a text parameter."""
    errors = [finding for finding in lint(request.parameters[place]) if finding.severity == "error"]
    if errors:
        first = errors[0]
        rule = "" if first.rule_priority is None else f" (rule {first.rule_priority})"
        raise request.invalid(place, f"Lifecycle policy validation failure: {first.message}{rule}")


def repository_policy(request: Request) -> None:
    """A repository policy is a policy document about actions of ECR, for principals that exist."""
    check_repository_policy(request, "policyText")


def check_repository_policy(request: Request, place: str) -> None:
    """Check the repository policy that stands in a text parameter."""
    refused = request.invalid(place[:1].upper() + place[1:], "Invalid repository policy provided")
    document = request.json_parameter(place, refused)
    wrong = check_document(document, principals=True, resources=False, services=frozenset({"ecr"}))
    if wrong:
        raise request.invalid(place[:1].upper() + place[1:], f"Invalid repository policy provided: {wrong}")
    _look_up(request, document)


def registry_policy(request: Request) -> None:
    """A registry policy is a policy document about actions of ECR that says which repositories it is about.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry-permissions.html
    """
    refused = request.invalid("PolicyText", "Invalid registry policy provided")
    document = request.json_parameter("policyText", refused)
    wrong = check_document(document, principals=True, resources=True, services=frozenset({"ecr"}))
    if wrong:
        raise request.invalid("PolicyText", f"Invalid registry policy provided: {wrong}")
    _look_up(request, document)


def _look_up(request: Request, document: Any) -> None:
    try:
        check_principals(document, request.account, request.region, request.partition)
    except UnknownPrincipal as unknown:
        raise request.invalid("PolicyText", f"Principal not found: {unknown}") from None


def trust_policy(request: Request) -> None:
    """A trust policy lets principals that exist assume a role.

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
    """
    place = "PolicyDocument" if request.model.name == "UpdateAssumeRolePolicy" else "AssumeRolePolicyDocument"
    document = _json(request, place)
    wrong = check_document(document, principals=True, resources=False, services=frozenset({"sts"}))
    if wrong is None and any("Resource" in entry or "NotResource" in entry for entry in _entries(document)):
        wrong = "Has prohibited field Resource"
    if wrong:
        raise request.refuse("MalformedPolicyDocument", wrong)
    try:
        check_principals(document, request.account, request.region, request.partition)
    except UnknownPrincipal as unknown:
        raise request.refuse("MalformedPolicyDocument", f"Invalid principal in policy: {unknown}") from None


def identity_policy(request: Request) -> None:
    """An identity policy says what may be done to what, and nothing about principals."""
    document = _json(request, "PolicyDocument")
    wrong = check_document(document, principals=False, resources=True, services=None)
    if wrong:
        raise request.refuse("MalformedPolicyDocument", wrong)


def _json(request: Request, place: str) -> Any:
    refused = request.refuse("MalformedPolicyDocument", "This policy contains invalid Json")
    return request.json_parameter(place, refused)


def _entries(document: Any) -> list[Any]:
    statements = json.loads(json.dumps(document["Statement"]))
    return statements if isinstance(statements, list) else [statements]
