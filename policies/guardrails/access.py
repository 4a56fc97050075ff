"""Access: what the policies of repositories and registries, and of the templates for them, must not say."""

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
    reason="What is open to everyone gives images away, or the key to them, or lets anyone put images there.",
    control="IAM Access Analyzer ECR",
    url="https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-resources.html",
    severity=Severity.CRITICAL,
    remedy="Name roles or accounts, or add a condition such as StringEquals aws:PrincipalOrgID with your organization.",
    stack_file=_STACK_FILE,
    config={
        "bindingConditionKeys": {
            WEAKER: "more",
            "type": "array",
            "items": {"type": "string"},
            "default": [],
            "description": "Condition keys besides organization, account and principal ARN that close a public"
            " principal, e.g. aws:SourceVpce, or aws:SourceIp with IpAddress.",
        }
    },
)
def policies_name_no_public_principal(resource: Resource, config: Config, report: Callable[[str], None]) -> None:
    """Report statements that let everyone in, however that is written."""
    for statement in _statements(resource):
        if how := public(statement, config["bindingConditionKeys"]):
            report(f"The policy of {called(resource)} is public: {statement.called} {how}.")


@resource_policy(
    types=_OF_REPOSITORIES,
    reason="A wildcard grants deletion and policy changes along with what was meant, and whatever AWS adds later.",
    control="AWS Well-Architected SEC03-BP02",
    url="https://docs.aws.amazon.com/AmazonECR/latest/userguide/security_iam_id-based-policy-examples.html",
    severity=Severity.HIGH,
    remedy="Write out the actions: for a pull ecr:BatchCheckLayerAvailability, ecr:BatchGetImage and"
    " ecr:GetDownloadUrlForLayer.",
    stack_file=_STACK_FILE,
)
def policies_name_no_wildcard_action(resource: Resource, _config: Config, report: Callable[[str], None]) -> None:
    """Report statements that allow actions by wildcard, or all but some."""
    for statement in _statements(resource):
        if not statement.allows:
            continue
        wild = [action for action in statement.actions if "*" in action or "?" in action]
        if statement.not_action:
            report(
                f"The policy of {called(resource)} allows every action but some: {statement.called} has NotAction"
                f" {', '.join(statement.actions)}."
            )
        elif wild:
            report(
                f"The policy of {called(resource)} allows actions by wildcard: {statement.called} has"
                f" {', '.join(wild)}."
            )


@resource_policy(
    types=_OF_REPOSITORIES,
    reason="An AWS service acts for all its customers: without a source, somebody else's function may use the grant.",
    control="AWS Well-Architected SEC03-BP07",
    url="https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html",
    severity=Severity.MEDIUM,
    level=EnforcementLevel.ADVISORY,  # a few services do not say for whom they act
    remedy="Add the condition ArnLike aws:SourceArn, or StringEquals aws:SourceAccount.",
    stack_file=_STACK_FILE,
)
def policies_let_services_act_for_named_sources_only(
    resource: Resource, _config: Config, report: Callable[[str], None]
) -> None:
    """Report services that are let in whoever they act for."""
    for statement in _statements(resource):
        if services := unbound_services(statement):
            report(
                f"The policy of {called(resource)} lets {', '.join(services)} act for anybody: {statement.called} has no"
                " condition on its source that always applies."
            )


@resource_policy(
    types=[PUBLIC_REPOSITORY],
    reason="Everyone can pull from a repository of ECR Public, and no policy can close it.",
    control="Amazon ECR Public",
    url="https://docs.aws.amazon.com/AmazonECR/latest/public/public-repositories.html",
    severity=Severity.HIGH,
    remedy="Use a private repository, or list the name in `published` of this policy.",
    config={
        "published": {
            "type": "array",
            "items": {"type": "string"},
            "default": [],
            "description": "The names of repositories of ECR Public that are meant for everyone.",
        }
    },
)
def repositories_are_private(resource: Resource, config: Config, report: Callable[[str], None]) -> None:
    """Report repositories of ECR Public that nobody listed as meant for everyone."""
    if called(resource) not in config["published"]:
        report(f"{called(resource)} is a repository of ECR Public: everyone can pull its images.")
