"""Access: what policies of repositories, registries and creation templates must not contain."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from pulumi_policy import EnforcementLevel, Severity

from guardrails.document import Statement, documents, statements
from guardrails.policy import WEAKER, Config, Resource, resource_policy
from guardrails.principals import public, unbound_services
from guardrails.resources import (
    CREATION_TEMPLATE,
    EXTERNAL_KEY,
    KEY,
    KEY_POLICY,
    PUBLIC_REPOSITORY,
    PUBLIC_REPOSITORY_POLICY,
    REGISTRY_POLICY,
    REPLICA_KEY,
    REPOSITORY_POLICY,
    called,
)

_OF_REPOSITORIES = [REPOSITORY_POLICY, REGISTRY_POLICY, CREATION_TEMPLATE, PUBLIC_REPOSITORY_POLICY]
WITH_POLICIES = [*_OF_REPOSITORIES, KEY, KEY_POLICY, REPLICA_KEY, EXTERNAL_KEY]

_STACK_FILE = {
    REPOSITORY_POLICY: "Fix `ecr-stack:repositories.{name}.access` or `repositoryDefaults.access`.",
    REGISTRY_POLICY: "Fix `ecr-stack:registryAccess`.",
    CREATION_TEMPLATE: "Fix `ecr-stack:repositoryDefaults.access`.",
}


def _statements(resource: Resource) -> Iterator[Statement]:
    for _, document in documents(resource.props, "policy", "repositoryPolicy"):
        yield from statements(document)


@resource_policy(
    types=WITH_POLICIES,
    reason="Public access lets anybody pull images, use their key, or push images.",
    control="IAM Access Analyzer ECR",
    url="https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-resources.html",
    severity=Severity.CRITICAL,
    remedy="List roles or accounts, or add a condition such as StringEquals aws:PrincipalOrgID with your organization.",
    stack_file=_STACK_FILE,
    config={
        "bindingConditionKeys": {
            WEAKER: "more",
            "type": "array",
            "items": {"type": "string"},
            "default": [],
            "description": "Further condition keys, besides organization, account and principal ARN, that restrict a "
            "public principal, e.g. aws:SourceVpce, or aws:SourceIp with IpAddress.",
        }
    },
)
def policies_name_no_public_principal(resource: Resource, config: Config, report: Callable[[str], None]) -> None:
    """Report statements that grant public access, in any form."""
    for statement in _statements(resource):
        if how := public(statement, config["bindingConditionKeys"]):
            report(f"The policy of {called(resource)} is public: {statement.called} {how}.")


@resource_policy(
    types=_OF_REPOSITORIES,
    reason="A wildcard also grants deletion, policy changes, and any action that AWS adds later.",
    control="AWS Well-Architected SEC03-BP02",
    url="https://docs.aws.amazon.com/AmazonECR/latest/userguide/security_iam_id-based-policy-examples.html",
    severity=Severity.HIGH,
    remedy="Write out the actions: for a pull ecr:BatchCheckLayerAvailability, ecr:BatchGetImage and"
    " ecr:GetDownloadUrlForLayer.",
    stack_file=_STACK_FILE,
)
def policies_name_no_wildcard_action(resource: Resource, _config: Config, report: Callable[[str], None]) -> None:
    """Report statements that allow actions by wildcard or NotAction."""
    for statement in _statements(resource):
        if not statement.allows:
            continue
        wild = [action for action in statement.actions if "*" in action or "?" in action]
        if statement.not_action:
            report(
                f"The policy of {called(resource)} allows all actions except a few: {statement.called} has NotAction"
                f" {', '.join(statement.actions)}."
            )
        elif wild:
            report(
                f"The policy of {called(resource)} allows actions by wildcard: {statement.called} has"
                f" {', '.join(wild)}."
            )


@resource_policy(
    types=_OF_REPOSITORIES,
    reason="An AWS service acts for all its customers: without a source condition, somebody else's function may use "
    "the grant.",
    control="AWS Well-Architected SEC03-BP07",
    url="https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html",
    severity=Severity.MEDIUM,
    level=EnforcementLevel.ADVISORY,  # a few services do not pass the source on whose behalf they act
    remedy="Add the condition ArnLike aws:SourceArn, or StringEquals aws:SourceAccount.",
    stack_file=_STACK_FILE,
)
def policies_let_services_act_for_named_sources_only(
    resource: Resource, _config: Config, report: Callable[[str], None]
) -> None:
    """Report services with access that is not restricted to a source."""
    for statement in _statements(resource):
        if services := unbound_services(statement):
            report(
                f"The policy of {called(resource)} lets {', '.join(services)} act for anybody: {statement.called} has no"
                " condition on its source that always applies."
            )


@resource_policy(
    types=[PUBLIC_REPOSITORY],
    reason="Everybody can pull from an ECR Public repository, and no policy can prevent it.",
    control="Amazon ECR Public",
    url="https://docs.aws.amazon.com/AmazonECR/latest/public/public-repositories.html",
    severity=Severity.HIGH,
    remedy="Use a private repository, or list the name in this policy's `published`.",
    config={
        "published": {
            "type": "array",
            "items": {"type": "string"},
            "default": [],
            "description": "The names of repositories that are meant to be public.",
        }
    },
)
def repositories_are_private(resource: Resource, config: Config, report: Callable[[str], None]) -> None:
    """Report ECR Public repositories that are not listed as public."""
    if called(resource) not in config["published"]:
        report(f"{called(resource)} is an ECR Public repository: everybody can pull its images.")
