"""The lifecycle policy of a repository.

Compiles typed rules to the JSON document that ECR reads and builds an `aws.ecr.LifecyclePolicy` from it. The
document is JSON because pulumi-aws's typed selection knows no tag patterns.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html
"""

from collections.abc import Mapping
from typing import Any, Optional

import pulumi
import pulumi_aws as aws

from ecr_stack.components.args import LifecyclePolicyArgs
from ecr_stack.components.caller import caller
from ecr_stack.components.component import Component, together
from ecr_stack.components.lifecycle_guard import lifecycle_guard
from ecr_stack.schema.arguments import LifecyclePolicyArguments
from ecr_stack.schema.guard import RepositoryGuard
from ecr_stack.schema.lifecycle import lifecycle_text

__all__ = ["LifecyclePolicy", "lifecycle_policy"]


class LifecyclePolicy(Component):
    """The lifecycle policy of one repository."""

    ARGUMENTS = LifecyclePolicyArguments

    policy: pulumi.Output[str]
    """The document that ECR reads, as JSON."""

    def __init__(
        self,
        name: str,
        args: LifecyclePolicyArgs | LifecyclePolicyArguments,
        opts: Optional[pulumi.ResourceOptions] = None,
    ) -> None:
        super().__init__(name, opts)
        settings: LifecyclePolicyArguments = self._validated(args)
        repository = self._value(settings, "repository")
        self.policy = lifecycle_policy(self, settings, ("rules", "document", "guard"), repository, {}).policy
        guard = settings.known("guard")
        self.register_outputs({"policy": self.policy, "lifecycleGuard": guard.as_written() if guard else None})


def lifecycle_policy(
    owner: Component,
    settings: Any,
    fields: tuple[str, str, str],
    repository: "pulumi.Input[str]",
    options: Mapping[str, Any],
) -> aws.ecr.LifecyclePolicy:
    """Make the lifecycle policy of a repository, with its guard.

    Args:
        owner: the component that the policy belongs to.
        settings: its validated arguments.
        fields: the fields of `settings` with the typed rules, with the native document, and with the guard's limits.
        repository: the repository's name.
        options: the options of the resource.
    """
    rules, document, guard = fields
    text: Any = together(
        lambda known: lifecycle_text(getattr(known, rules), getattr(known, document)),
        owner._settled(settings, rules, document),
    )
    limits: Optional[RepositoryGuard] = getattr(settings, guard)
    own = {**options, "delete_before_replace": True}
    if limits is not None:
        where = caller(owner, settings.region)
        made = lifecycle_guard(owner, where, limits, repository, text, options)
        own["depends_on"] = [*own.get("depends_on", []), made.record]
        own["guards"] = [made.hook]
    return aws.ecr.LifecyclePolicy(
        owner._label,
        repository=repository,
        policy=text,
        region=settings.region,
        opts=owner._child(**own),
    )
