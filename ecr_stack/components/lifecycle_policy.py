"""The lifecycle policy of a repository.

Compiles typed rules to the JSON document that ECR reads and builds an `aws.ecr.LifecyclePolicy` from it. The
document is JSON because pulumi-aws's typed selection knows no tag patterns.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html
"""

from typing import NotRequired, Optional, TypedDict, cast

import pulumi
import pulumi_aws as aws

from ecr_stack.aws.lifecycle import Rule, compile_rules, policy_text, rule_list_problems
from ecr_stack.aws.names import Region, RepositoryName
from ecr_stack.components.arguments import child_options, plain_parts, refusing
from ecr_stack.components.caller import caller
from ecr_stack.components.lifecycle_guard import LifecycleGuardArgs, lifecycle_guard
from ecr_stack.errors import InvalidInput
from ecr_stack.model import Model, parse
from ecr_stack.schema.guard import GuardLimits

__all__ = ["LifecyclePolicy", "LifecyclePolicyArgs", "LifecycleRuleArgs", "lifecycle_policy"]


class LifecycleRuleArgs(TypedDict):
    """One lifecycle rule: one selector (`tag_prefixes`, `tag_patterns`, `untagged`, `any`), and one outcome."""

    description: NotRequired[str]
    """Why, in at most 256 characters."""
    tag_prefixes: NotRequired[list[str]]
    """Images with a tag that begins with any of these."""
    tag_patterns: NotRequired[list[str]]
    """Images with a tag that matches any of these, in which `*` stands for anything."""
    untagged: NotRequired[bool]
    """Images without a tag."""
    any: NotRequired[bool]
    """All images; such a rule is the last one."""
    keep_last: NotRequired[int]
    """Expire all but the last so many, by push time; for each prefix or pattern by itself."""
    expire_after_days: NotRequired[int]
    """Expire so many days after the push."""
    archive_after_days: NotRequired[int]
    """Move to the archive storage class so many days after the push."""
    archive_after_days_since_pull: NotRequired[int]
    """Move to the archive storage class so many days after the last pull."""
    expire_after_days_in_archive: NotRequired[int]
    """Expire archived images so many days after they were archived: at least 90."""


class LifecyclePolicyArgs(TypedDict):
    """The arguments of `LifecyclePolicy`."""

    repository: str
    """The name of the repository."""
    rules: list[LifecycleRuleArgs]
    """The rules, in priority order."""
    guard: NotRequired[LifecycleGuardArgs]
    """What a change of the policy may remove; without limits, anything."""
    region: NotRequired[str]
    """The Region of the repository; the provider's own unless given."""


class _Guard(GuardLimits):
    reason: str | None = None


class _Arguments(Model):
    repository: RepositoryName
    rules: list[Rule]
    guard: _Guard | None = None
    region: Region | None = None


class LifecyclePolicy(pulumi.ComponentResource):
    """The lifecycle policy of one repository."""

    policy: pulumi.Output[str]
    """The document that ECR reads, as JSON."""

    def __init__(self, name: str, args: LifecyclePolicyArgs, opts: Optional[pulumi.ResourceOptions] = None) -> None:
        super().__init__("ecr-stack:index:LifecyclePolicy", name, {}, opts)
        policy = lifecycle_policy(f'LifecyclePolicy "{name}"', name, args, self, child_options(self, opts))
        self.policy = policy.policy
        self.register_outputs({"policy": self.policy})


def lifecycle_policy(
    source: str,
    name: str,
    args: LifecyclePolicyArgs,
    parent: pulumi.Resource,
    options: pulumi.ResourceOptions,
) -> aws.ecr.LifecyclePolicy:
    """Make the lifecycle policy of a repository, with its guard.

    Args:
        source: whose mistakes they would be, e.g. `LifecyclePolicy "api"`.
        name: the logical name.
        args: the repository and its rules.
        parent: the component that the policy belongs to.
        options: the options of what is made.

    Raises:
        Refused: where a rule is not one.
    """
    with refusing():
        settings = parse(_Arguments, plain_parts(dict(args)), "", source=source, python_names=True)
        problems = list(rule_list_problems(settings.rules, "rules"))
        if problems:
            raise InvalidInput(source, problems)
        text = policy_text(compile_rules(settings.rules))
    if settings.guard is not None:
        # as judged: numbers from another language come as floats
        limits = cast(LifecycleGuardArgs, settings.guard.model_dump(by_alias=False, exclude_none=True))
        region = caller(parent, settings.region).region
        guard = lifecycle_guard(name, settings.repository, text, limits, region, options)
        options = pulumi.ResourceOptions.merge(options, pulumi.ResourceOptions(depends_on=[guard]))
    return aws.ecr.LifecyclePolicy(
        name, repository=settings.repository, policy=text, region=settings.region, opts=options
    )
