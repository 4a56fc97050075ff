"""The roles of those who push and pull: pipelines by OpenID Connect, and nodes by a managed policy.

`PipelineAccess` builds an `aws.iam.OpenIdConnectProvider` (or takes one that exists) and an `aws.iam.Role` that
named pipelines alone can assume, with the least that a push needs. `PullAccess` attaches AWS's managed pull policy
to roles that exist.

https://docs.github.com/en/actions/how-tos/secure-your-work/security-harden-deployments/oidc-in-aws
https://docs.aws.amazon.com/AmazonECR/latest/userguide/ECR_on_EKS.html
"""

import json
from functools import partial
from typing import Any, Optional

import pulumi
import pulumi_aws as aws

from ecr_stack.aws.iam.compact import fits_inline, permission_statements, split_policies, trust_problem
from ecr_stack.aws.iam.managed import PULL_ONLY, READ_ONLY, managed_policy_arn
from ecr_stack.aws.iam.quotas import INLINE_POLICIES, size_problem
from ecr_stack.components.args import PipelineAccessArgs, PullAccessArgs
from ecr_stack.components.caller import caller
from ecr_stack.components.component import Component, as_run_error, is_made_here, made_here, together
from ecr_stack.components.grants import own_role
from ecr_stack.components.tags import all_tags
from ecr_stack.errors import Problem
from ecr_stack.model import check, unknown_in
from ecr_stack.schema.arguments import PipelineAccessArguments, PullAccessArguments
from ecr_stack.schema.pipelines import (
    PipelineTrust,
    ProviderArn,
    identity_policy,
    issuer_host,
    role_name_of,
    trust_policy,
)

__all__ = ["PipelineAccess", "PullAccess", "issuer_provider"]

_MANAGED = {"PULL_ONLY": PULL_ONLY, "READ_ONLY": READ_ONLY}


class PipelineAccess(Component):
    """A role that the specified pipelines assume to push images, without stored keys."""

    ARGUMENTS = PipelineAccessArguments

    role_arn: pulumi.Output[str]
    """The ARN that the pipeline asks for, e.g. as `role-to-assume`."""
    role_name: pulumi.Output[str]
    """The role's name."""
    provider_arn: pulumi.Output[str]
    """The ARN of the issuer's provider."""

    def __init__(
        self,
        name: str,
        args: PipelineAccessArgs | PipelineAccessArguments,
        opts: Optional[pulumi.ResourceOptions] = None,
    ) -> None:
        super().__init__(name, opts)
        settings: PipelineAccessArguments = self._validated(args)
        environment = self._environment(settings)
        role_name = together(lambda env, own: own or f"{env}-ecr-push", environment, self._value(settings, "role_name"))
        tags = self._value(settings, "tags")
        provider_arn: pulumi.Input[str]
        if settings.provider_arn is not None:
            provider_arn = self._value(settings, "provider_arn")
            if not is_made_here(settings.provider_arn):
                provider_arn = together(partial(self._checked_provider, settings), provider_arn)
        else:
            self._claim("OpenID Connect provider", settings.issued_by, "pass the other one's ARN as `provider_arn`")
            provider_arn = issuer_provider(
                name, settings.issued_by, [settings.audience], environment, tags, self._child()
            )
        trust = self._settled(settings, "audience", "repositories", "subjects")
        self._claim("role", role_name, "choose another `role_name`")
        role = aws.iam.Role(
            name,
            name=role_name,
            description=together(lambda env: f"Lets named pipelines push the container images of {env}", environment),
            assume_role_policy=together(self._trust, trust, provider_arn),
            tags=together(all_tags, role_name, environment, tags),
            opts=self._child(),
        )
        self._permit(settings, role, role_name)
        self.role_arn = role.arn
        self.role_name = role.name
        self.provider_arn = pulumi.Output.from_input(provider_arn)
        self.register_outputs({"roleArn": self.role_arn, "roleName": self.role_name, "providerArn": self.provider_arn})

    def _trust(self, trust: PipelineTrust, provider_arn: str) -> str:
        document = trust_policy(trust, provider_arn)
        problem = trust_problem(document, "")
        self._check(self._placed("", [problem] if problem is not None else []))
        return json.dumps(document)

    def _permit(self, settings: PipelineAccessArguments, role: aws.iam.Role, role_name: "pulumi.Input[str]") -> None:
        """Give the role its permissions: in one inline policy, or in managed policies if they do not fit into it.

        Which of the two, and how many, is decided when the program runs: what is not known then must fit inline.
        """
        if not any(map(unknown_in, (settings.pull, settings.push, settings.sign))):
            statements = permission_statements(pull=settings.pull, push=settings.push, sign=settings.sign)
            if not fits_inline(statements):
                self._permit_by_managed_policies(settings, statements, role, role_name)
                return

        def inline(known: PipelineAccessArguments) -> str:
            document = identity_policy(pull=known.pull, push=known.push, sign=known.sign)
            problem = size_problem(
                [document],
                INLINE_POLICIES,
                "push",
                "write the ARNs out, so that they are known when the program runs and can be divided among managed policies",
            )
            self._check(self._placed("", [problem] if problem is not None else []))
            return json.dumps(document)

        aws.iam.RolePolicy(
            self._label,
            name="push-images",
            role=role.name,
            policy=together(inline, self._settled(settings, "pull", "push", "sign")),
            opts=self._child(),
        )

    def _permit_by_managed_policies(
        self, settings: PipelineAccessArguments, statements: Any, role: aws.iam.Role, role_name: "pulumi.Input[str]"
    ) -> None:
        environment, tags = self._environment(settings), self._value(settings, "tags")
        with as_run_error():
            documents = split_policies(statements, f"{self._origin[1]}.push".removeprefix("."))
        for number, document in enumerate(documents, start=1):
            label = f"{self._label}-{number}"
            policy_name = together(lambda text, number=number: f"{text}-push-images-{number}", role_name)
            policy = aws.iam.Policy(
                label,
                name=policy_name,
                description=together(lambda env: f"Pushes the container images of {env}", environment),
                policy=json.dumps(document),
                tags=together(all_tags, policy_name, environment, tags),
                opts=self._child(name=label),
            )
            aws.iam.RolePolicyAttachment(
                label,
                role=role.name,
                policy_arn=policy.arn,
                opts=self._child(name=label, delete_before_replace=True),
            )

    def _checked_provider(self, trust: PipelineTrust, arn: str) -> str:
        """Reject a provider of another issuer: no token would ever satisfy the role's conditions."""
        host = issuer_host(trust.issued_by)
        if not arn or (check(ProviderArn, arn) and arn.partition(":oidc-provider/")[2] == host):
            return arn
        problem = Problem(
            "providerArn",
            arn,
            f"the provider is not that of the issuer {trust.issued_by}",
            f"write the ARN that ends in `:oidc-provider/{host}`, or another `platform` or `issuer`",
        )
        raise self._invalid(self._placed("", [problem]))


def issuer_provider(
    name: str,
    issuer: str,
    audiences: "list[pulumi.Input[str]]",
    environment: "pulumi.Input[str]",
    tags: Any,
    options: pulumi.ResourceOptions,
) -> "pulumi.Output[str]":
    """Make the provider of an issuer, of which an account has one; its ARN.

    IAM trusts the well-known issuers by their certificate authority, so no thumbprint is needed.
    """
    provider = aws.iam.OpenIdConnectProvider(
        name,
        url=issuer,
        client_id_lists=audiences,
        tags=together(all_tags, issuer_host(issuer), environment, tags),
        opts=options,
    )
    return made_here(provider.arn)


class PullAccess(Component):
    """Lets node roles pull every image in the account, through AWS's managed policy."""

    ARGUMENTS = PullAccessArguments

    policy_arn: pulumi.Output[str]
    """The ARN of the managed policy."""

    def __init__(
        self,
        name: str,
        args: PullAccessArgs | PullAccessArguments,
        opts: Optional[pulumi.ResourceOptions] = None,
    ) -> None:
        super().__init__(name, opts)
        settings: PullAccessArguments = self._validated(args)
        where = caller(self)
        arn = where.then(lambda place: managed_policy_arn(_MANAGED[settings.policy], place.partition))
        named = {role_name_of(role): (f"roles[{index}]", role) for index, role in enumerate(settings.roles)}
        named |= {key: (f"named_roles.{key}", role) for key, role in settings.named_roles.items()}
        for label, (field, role) in named.items():
            aws.iam.RolePolicyAttachment(
                f"{name}-{label}",
                role=where.then(lambda place, value, field=field: own_role(self, value, place, field), role),
                policy_arn=arn,
                opts=self._child(name=f"{name}-{label}", delete_before_replace=True),
            )
        self.policy_arn = pulumi.Output.from_input(arn)
        self.register_outputs({"policyArn": self.policy_arn})
