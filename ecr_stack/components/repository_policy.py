"""The policy of a repository: who may pull and push.

Turns grants into the IAM policy document that ECR reads and builds an `aws.ecr.RepositoryPolicy` from it.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-policies.html
"""

from collections.abc import Mapping
from typing import Any, Optional

import pulumi
import pulumi_aws as aws

from ecr_stack.components.args import RepositoryPolicyArgs
from ecr_stack.components.caller import Place, caller
from ecr_stack.components.component import Component
from ecr_stack.schema.access import Access
from ecr_stack.schema.access_documents import access_problems, policy_text
from ecr_stack.schema.access_documents import repository_policy as document_of
from ecr_stack.schema.arguments import RepositoryPolicyArguments
from ecr_stack.schema.checks import access_in, lambda_region_problems

__all__ = ["RepositoryPolicy", "access_text", "repository_policy"]


class RepositoryPolicy(Component):
    """The policy of one repository."""

    ARGUMENTS = RepositoryPolicyArguments

    policy: pulumi.Output[str]
    """The document that ECR reads, as JSON."""

    def __init__(
        self,
        name: str,
        args: RepositoryPolicyArgs | RepositoryPolicyArguments,
        opts: Optional[pulumi.ResourceOptions] = None,
    ) -> None:
        super().__init__(name, opts)
        settings: RepositoryPolicyArguments = self._validated(args)
        self.policy = repository_policy(self, settings, self._value(settings, "repository"), {}).policy
        self.register_outputs({"policy": self.policy})


def repository_policy(
    owner: Component, settings: Any, repository: "pulumi.Input[str]", options: Mapping[str, Any]
) -> aws.ecr.RepositoryPolicy:
    """Make the policy of a repository.

    Args:
        owner: the component that the policy belongs to.
        settings: its validated arguments, with `access` and `region`.
        repository: the repository's name.
        options: the options of the resource.
    """
    return aws.ecr.RepositoryPolicy(
        owner._label,
        repository=repository,
        policy=access_text(owner, settings, settings.region),
        region=settings.region,
        opts=owner._child(**{**options, "delete_before_replace": True}),
    )


def access_text(
    owner: Component, settings: Any, region: "Optional[pulumi.Input[str]]", *, elsewhere: bool = False
) -> "pulumi.Input[Any]":
    """The JSON of a repository policy, as soon as the grants and the account are known.

    Args:
        owner: the component that the policy belongs to.
        settings: its validated arguments, with `access`.
        region: the Region of the repository, if not the provider's own.
        elsewhere: whether the access was written for another Region: what makes no sense in this one is left out, and
            the policy with it if nothing remains.
    """

    def text(place: Place, known: Any) -> Optional[str]:
        access: Access = access_in(known.access, place.region) if elsewhere else known.access
        if elsewhere and access is not known.access and document_of(access, place.account, place.partition) is None:
            return None
        problems = [
            *access_problems(access, account=place.account, partition=place.partition),
            *lambda_region_problems(access, place.region),
        ]
        document = document_of(access, place.account, place.partition)
        if problems or document is None:
            raise owner._invalid(owner._placed("access", problems))
        return policy_text(document)

    return caller(owner, region).then(text, owner._settled(settings, "access"))
