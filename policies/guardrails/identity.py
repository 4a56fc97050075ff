"""Identity: which pipelines, and who else, may become a role."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from pulumi_policy import Severity

from ecr_stack.aws.iam.compact import named_subjects
from ecr_stack.aws.iam.reader import Condition
from guardrails.document import Statement, documents, statements
from guardrails.policy import Config, Resource, resource_policy
from guardrails.principals import public
from guardrails.resources import ROLE, called


@resource_policy(
    types=[ROLE],
    reason="An identity provider such as GitHub signs tokens for everybody's pipelines; the subject is what tells whose.",
    control="AWS Well-Architected SEC03-BP07",
    url="https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc_secure-by-default.html",
    severity=Severity.CRITICAL,
    remedy="Add the condition StringEquals PROVIDER:sub with the repository and its branch or environment, e.g."
    " repo:example/api:ref:refs/heads/main.",
    config={
        "subjectKeys": {
            "type": "array",
            "items": {"type": "string"},
            "default": ["sub"],
            "description": "The claims that say who asks: the part of the condition key after the issuer.",
        }
    },
)
def oidc_roles_trust_named_subjects(resource: Resource, config: Config, report: Callable[[str], None]) -> None:
    """Report trust in an OIDC provider that names no subject, or names it with a wildcard that opens it."""
    claims = {claim.lower() for claim in config["subjectKeys"]}
    for _, document in documents(resource.props, "assumeRolePolicy"):
        for statement in statements(document):
            if not statement.allows or not _trusts_oidc(statement):
                continue
            telling = claims | _APPLICATIONS if _trusts_applications(statement) else claims
            subjects = [
                condition
                for condition in statement.conditions
                if condition.binds and condition.values and condition.key.rpartition(":")[2] in telling
            ]
            open_ones = [[value for value in _named(statement, condition) if _open(value)] for condition in subjects]
            if not subjects:
                report(
                    f"Role {called(resource)} can be assumed with any token of its OIDC provider: {statement.called}"
                    " has no condition on the subject that always binds. Add StringEquals with the key PROVIDER:sub."
                )
            elif all(open_ones):  # conditions are all needed: one that is closed closes the statement
                report(
                    f"Role {called(resource)} can be assumed by subjects that nobody named: {statement.called} has"
                    f" {', '.join(repr(value) for value in open_ones[0])}. Name the repository and its branch or"
                    " environment; only the end of a branch may be a wildcard, e.g."
                    " repo:example/api:ref:refs/heads/release-*."
                )


# Of the providers that AWS knows without an ARN, the audience is one application of one owner; the audience of any
# other is AWS's token service, for everybody alike.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#condition-keys-wif
_KNOWN_TO_AWS = {"accounts.google.com", "cognito-identity.amazonaws.com", "graph.facebook.com", "www.amazon.com"}
_APPLICATIONS = {"aud", "oaud", "app_id"}


def _trusts_oidc(statement: Statement) -> bool:
    return any(kind == "Federated" and ":saml-provider/" not in value for kind, value in statement.principals)


def _trusts_applications(statement: Statement) -> bool:
    return all(value in _KNOWN_TO_AWS for kind, value in statement.principals if kind == "Federated")


def _named(statement: Statement, condition: Condition) -> Sequence[str]:
    """The subjects that a condition names; together with claims of the repository, patterns name the repositories."""
    others = [each for each in statement.conditions if each.binds and each.key.endswith(":sub") and each != condition]
    return condition.values if others or not condition.key.endswith(":sub") else named_subjects(statement)


def _open(subject: str) -> bool:
    """Whether a wildcard reaches beyond the end of the last of three or more parts of a subject.

    GitHub: repo:OWNER/NAME:ref:refs/heads/BRANCH, repo:OWNER/NAME:environment:NAME; GitLab:
    project_path:GROUP/NAME:ref_type:branch:ref:BRANCH; Kubernetes: system:serviceaccount:NAMESPACE:NAME.
    """
    parts = subject.split(":")
    last = re.sub(r"^refs/(heads/|tags/)?", "", parts[-1])
    if "${" in subject or not subject:
        return True
    if not re.search(r"[*?]", subject):
        return False
    # `*` reaches across colons: whatever stands behind it must not be what limits.
    # Under StringEquals a wildcard is only itself and matches nobody: that is not what was meant either.
    return len(parts) < 3 or any(re.search(r"[*?]", part) for part in parts[:-1]) or last[:1] in {"*", "?", ""}


@resource_policy(
    types=[ROLE],
    reason="A role that everyone may assume is a password that everyone knows.",
    control="IAM Access Analyzer IAM",
    url="https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-resources.html",
    severity=Severity.CRITICAL,
    remedy="Name principals, or add the condition StringEquals aws:PrincipalOrgID.",
)
def roles_are_not_assumed_by_everyone(resource: Resource, _config: Config, report: Callable[[str], None]) -> None:
    """Report roles whose trust policy lets everyone in."""
    for _, document in documents(resource.props, "assumeRolePolicy"):
        for statement in statements(document):
            if how := public(statement):
                report(
                    f"Role {called(resource)} can be assumed by everyone: {statement.called} {how}. Name principals."
                )
