"""The guard in front of a lifecycle policy.

Builds a `command.local.Command` that runs before the policy is put in place and again whenever its document
changes. It asks ECR which images the document would remove (a lifecycle policy preview) and fails where that passes
a limit, before the policy is touched.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/lpp_creation.html
"""

from typing import NotRequired, Optional, TypedDict

import pulumi
import pulumi_command as command

__all__ = ["LifecycleGuardArgs", "lifecycle_guard"]

# The command is found in the project's virtual environment or in the one that is active. No path of this machine may
# stand in the state: another machine's deployment would see a change.
SCRIPT = 'PATH="$PWD/.venv/bin:$PWD/venv/bin:$PATH" ecr-stack lifecycle guard'


class LifecycleGuardArgs(TypedDict):
    """What a lifecycle change may remove from a repository; each limit counts."""

    max_expire: NotRequired[int]
    """At most so many images."""
    max_expire_percent: NotRequired[int]
    """At most so many of a hundred images of the repository."""
    protect_pulled_within_days: NotRequired[int]
    """No image that was pulled within so many days."""
    reason: NotRequired[str]
    """Why these limits differ from the registry's; it stays on record in the stack's state."""


def lifecycle_guard(
    name: str,
    repository: str,
    document: str,
    limits: LifecycleGuardArgs,
    region: str,
    opts: Optional[pulumi.ResourceOptions] = None,
) -> command.local.Command:
    """Make the guard of one repository's lifecycle policy.

    Args:
        name: the logical name.
        repository: the repository's name in ECR.
        document: the lifecycle document, as JSON.
        limits: what the document may remove.
        region: the repository's Region.
        opts: the options of the resource.
    """
    profile = pulumi.Config("aws").get("profile")
    environment = {
        "ECR_STACK_REPOSITORY": repository,
        "ECR_STACK_REGION": region,
        **{f"ECR_STACK_{field.upper()}": str(value) for field, value in sorted(limits.items())},
        **({"AWS_PROFILE": profile} if profile else {}),
    }
    return command.local.Command(
        name,
        create=SCRIPT,
        interpreter=["/bin/sh", "-c"],
        stdin=document,
        environment=environment,
        triggers=[document],
        opts=opts,
    )
