"""The identity side of access: the roles of pipelines that push, and of nodes that pull."""

from __future__ import annotations

from ecr_stack.aws.iam.identity import NewRoleName, PipelineTrust, ProviderArn

__all__ = ["PipelineSettings"]


class PipelineSettings(PipelineTrust):
    """A role that named pipelines take on to push to, and pull from, the repositories of the stack."""

    role_name: NewRoleName | None = None
    """The role's name; `{environment}-ecr-push-{key}` unless given."""
    provider_arn: ProviderArn | None = None
    """The ARN of the issuer's OpenID Connect provider where the account has it already; one is made unless given."""
