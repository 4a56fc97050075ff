"""Protection: production repositories and their images are not deleted by mistake."""

from __future__ import annotations

from collections.abc import Callable

from pulumi_policy import Severity

from guardrails.policy import Config, Resource, resource_policy
from guardrails.production import PRODUCTION, in_production
from guardrails.resources import REPOSITORY, called, flag


@resource_policy(
    types=[REPOSITORY],
    reason="With forceDelete, deleting a repository deletes all its images; otherwise, AWS refuses while it contains "
    "any.",
    control="AWS Well-Architected REL09-BP02",
    url="https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DeleteRepository.html",
    severity=Severity.HIGH,
    remedy="Remove forceDelete, or set it to false.",
    stack_file={
        REPOSITORY: "Set `ecr-stack:repositories.{name}.forceDelete` (or `repositoryDefaults.forceDelete`) to false."
    },
    config=PRODUCTION,
)
def repositories_in_production_are_not_force_deleted(
    resource: Resource, config: Config, report: Callable[[str], None]
) -> None:
    """Report production repositories with forceDelete."""
    if flag(resource.props, "forceDelete") is True and in_production(resource, config):
        report(f"{called(resource)}, in production, has forceDelete: deleting or replacing it deletes its images.")


@resource_policy(
    types=[REPOSITORY],
    reason="Pulumi refuses to delete or replace a protected resource, so changing a name or key cannot delete images.",
    control="AWS Well-Architected REL09-BP02",
    url="https://www.pulumi.com/docs/iac/concepts/resources/options/protect/",
    severity=Severity.HIGH,
    remedy="Give the repository the resource option protect=True.",
    stack_file={REPOSITORY: "Set `ecr-stack:repositories.{name}.protect` (or `repositoryDefaults.protect`) to true."},
    config=PRODUCTION,
)
def repositories_in_production_are_protected(resource: Resource, config: Config, report: Callable[[str], None]) -> None:
    """Report production repositories without the option protect."""
    if not resource.opts.protect and in_production(resource, config):
        report(f"{called(resource)}, in production, is not protected against deletion.")
