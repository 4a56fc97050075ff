"""The policy of a registry: what other accounts and whole organizations may do in every repository.

Builds an `aws.ecr.RegistryPolicy`. Needed where another account replicates into this registry.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry-permissions.html
"""

from typing import Any, Optional

import pulumi
import pulumi_aws as aws

from ecr_stack.components.args import RegistryPolicyArgs
from ecr_stack.components.caller import Place, caller
from ecr_stack.components.component import Component
from ecr_stack.schema.access_documents import access_problems, policy_text, registry_policy
from ecr_stack.schema.arguments import RegistryPolicyArguments

__all__ = ["RegistryPolicy"]


class RegistryPolicy(Component):
    """The registry policy. Each account and Region has only one: create it once."""

    ARGUMENTS = RegistryPolicyArguments

    policy: pulumi.Output[str]
    """The document that ECR reads, as JSON."""

    def __init__(
        self,
        name: str,
        args: RegistryPolicyArgs | RegistryPolicyArguments,
        opts: Optional[pulumi.ResourceOptions] = None,
    ) -> None:
        super().__init__(name, opts)
        settings: RegistryPolicyArguments = self._validated(args)

        def text(place: Place, known: Any) -> str:
            facts = {"account": place.account, "region": place.region, "partition": place.partition}
            prefix = known.name_prefix or ""
            problems = access_problems(known.access, **facts, name_prefix=prefix)
            document = registry_policy(known.access, **facts, name_prefix=prefix)
            if problems or document is None:
                raise self._invalid(self._placed("access", problems))
            return policy_text(document)

        policy = aws.ecr.RegistryPolicy(
            name,
            policy=caller(self, settings.region).then(text, self._settled(settings, "access", "name_prefix")),
            region=settings.region,
            opts=self._child(),
        )
        self.policy = policy.policy
        self.register_outputs({"policy": self.policy})
