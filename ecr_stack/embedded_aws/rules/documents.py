"""Rules about the documents that are attached: lifecycle policies and policies of resources, roles and trust."""

from __future__ import annotations

import json
import re
from fnmatch import fnmatchcase
from typing import Any

from ecr_stack.aws.lifecycle import lint
from ecr_stack.embedded_aws.policy_documents import (
    UnknownPrincipal,
    actions_of,
    check_document,
    check_principals,
    principals_of,
    statements_of,
)
from ecr_stack.embedded_aws.request import Request
from ecr_stack.embedded_aws.rules.identities import shared_issuers

__all__ = [
    "check_lifecycle_policy",
    "check_repository_policy",
    "identity_policy",
    "lifecycle_policy",
    "registry_policy",
    "repository_lockout",
    "repository_policy",
    "trust_policy",
]


def lifecycle_policy(request: Request) -> None:
    """A lifecycle policy must be one that `ecr_stack.aws.lifecycle.lint` finds no error in."""
    if "lifecyclePolicyText" in request.parameters:
        check_lifecycle_policy(request, "lifecyclePolicyText")


def check_lifecycle_policy(request: Request, place: str) -> None:
    """Check the lifecycle policy in a string parameter."""
    errors = [finding for finding in lint(request.parameters[place]) if finding.severity == "error"]
    if errors:
        first = errors[0]
        rule = "" if first.rule_priority is None else f" (rule {first.rule_priority})"
        raise request.invalid(place, f"Lifecycle policy validation failure: {first.message}{rule}")


def repository_policy(request: Request) -> None:
    """A repository policy is a policy document about actions of ECR, for principals that exist."""
    check_repository_policy(request, "policyText")


def check_repository_policy(request: Request, place: str) -> None:
    """Check the repository policy in a string parameter."""
    refused = request.invalid(place[:1].upper() + place[1:], "Invalid repository policy provided")
    document = request.json_parameter(place, refused)
    wrong = check_document(document, principals=True, resources=False, services=frozenset({"ecr"}))
    if wrong:
        raise request.invalid(place[:1].upper() + place[1:], f"Invalid repository policy provided: {wrong}")
    _look_up(request, document)


def repository_lockout(request: Request) -> None:
    """A policy that keeps its caller from setting another one needs `force`.

    https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_SetRepositoryPolicy.html. Who may set a policy is up to the
    caller's own permissions; a repository policy takes it away by a Deny. Denials with conditions, and those that except
    some user or role of the account, may except the caller.
    """
    if request.get("force"):
        return
    own = {"*", request.account, f"arn:{request.partition}:iam::{request.account}:root", request.caller}
    for statement in statements_of(json.loads(request.get("policyText"))):
        named = any(fnmatchcase("ecr:setrepositorypolicy", action.lower()) for action in actions_of(statement))
        if statement["Effect"] != "Deny" or named != ("Action" in statement) or statement.get("Condition"):
            continue
        principals = {name for _, name in principals_of(statement)}
        excepted = any(f":{request.account}:" in name and not name.endswith(":root") for name in principals)
        if own & principals if "Principal" in statement else not excepted:
            raise request.invalid(
                "PolicyText",
                "the policy would prevent you from setting another policy in the future; use force to set it anyway",
            )


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
    # https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry-permissions.html: older registries are V1
    if request.state.of("account setting", request.region).get("REGISTRY_POLICY_SCOPE") == "V1":
        named = {action for statement in statements_of(document) for action in actions_of(statement)}
        foreign = sorted(named - {"ecr:ReplicateImage", "ecr:BatchImportUpstreamImage", "ecr:CreateRepository"})
        if foreign:
            raise request.invalid(
                "PolicyText",
                f"Invalid registry policy provided: {', '.join(foreign)} in a registry policy needs the scope V2",
            )


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
    check_sids(request, document)
    shared_issuers(request, document)


def check_sids(request: Request, document: Any) -> None:
    """IAM's own policies have statement ids of letters and digits.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_sid.html
    """
    for statement in statements_of(document):
        if not re.fullmatch(r"[0-9A-Za-z]*", statement.get("Sid", "")):
            raise request.refuse(
                "MalformedPolicyDocument",
                "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression "
                f"[0-9A-Za-z]*: {statement['Sid']}",
            )


def identity_policy(request: Request) -> None:
    """An identity policy says what may be done to what, and nothing about principals."""
    document = _json(request, "PolicyDocument")
    wrong = check_document(document, principals=False, resources=True, services=None)
    if wrong:
        raise request.refuse("MalformedPolicyDocument", wrong)
    check_sids(request, document)


def _json(request: Request, place: str) -> Any:
    refused = request.refuse("MalformedPolicyDocument", "This policy contains invalid Json")
    return request.json_parameter(place, refused)


def _entries(document: Any) -> list[Any]:
    statements = json.loads(json.dumps(document["Statement"]))
    return statements if isinstance(statements, list) else [statements]
