"""The registry of another stack, typed: what a stack that pulls images reads.

https://www.pulumi.com/docs/iac/concepts/stacks/#stackreferences
"""

from typing import Any, Optional

import pulumi
from pydantic import ConfigDict, ValidationError

from ecr_stack.components.component import InvalidArguments
from ecr_stack.errors import InvalidInput
from ecr_stack.model import Model, nearest, problems_of

__all__ = ["RegistryOutputs", "RegistryReference"]


class RegistryOutputs(Model):
    """The outputs of a stack of this program."""

    # A newer registry may put out more than this version knows.
    model_config = ConfigDict(extra="ignore")

    registry_id: str
    """The registry's id, which is its account's."""
    region: str
    """The Region of the registry."""
    repository_urls: dict[str, str]
    """Where to push to and pull from, by repository name."""
    repository_arns: dict[str, str]
    """The repositories' ARNs, by repository name."""
    key_arn: str | None = None
    """The ARN of the key that encrypts the images; nothing with AES256."""
    key_alias: str | None = None
    """The key's alias; nothing for an existing key and with AES256."""
    replication_destinations: list[str] = []
    """The registries that receive copies."""
    pipeline_role_arns: dict[str, str] = {}
    """The ARNs of the roles that pipelines ask for, by their key in the stack file."""


class RegistryReference:
    """The outputs of a registry's stack, checked.

    Args:
        stack: the stack's full name, e.g. `acme/ecr-stack/prod`.
        opts: the options of the underlying `pulumi.StackReference`.
    """

    outputs: pulumi.Output[RegistryOutputs]
    """All of the outputs, as one object."""

    def __init__(self, stack: str, opts: Optional[pulumi.ResourceOptions] = None) -> None:
        self.stack = stack
        reference = pulumi.StackReference(stack, opts=opts)
        self.outputs = reference.outputs.apply(self._checked)

    def repository_url(self, repository: str) -> pulumi.Output[str]:
        """Where to pull a repository's images from.

        Raises:
            InvalidArguments: when the outputs are known, where the registry has no such repository.
        """
        return self.outputs.apply(lambda known: self._of(known.repository_urls, repository))

    def repository_arn(self, repository: str) -> pulumi.Output[str]:
        """A repository's ARN.

        Raises:
            InvalidArguments: when the outputs are known, where the registry has no such repository.
        """
        return self.outputs.apply(lambda known: self._of(known.repository_arns, repository))

    def image(self, repository: str, tag: str) -> pulumi.Output[str]:
        """An image's reference, e.g. for a container definition: `URL:tag`, or `URL@sha256:…` for a digest."""
        separator = "@" if tag.startswith("sha256:") else ":"
        return self.repository_url(repository).apply(lambda url: f"{url}{separator}{tag}")

    def _checked(self, outputs: Any) -> RegistryOutputs:
        try:
            return RegistryOutputs.model_validate(dict(outputs))
        except ValidationError as error:
            problems = problems_of(error, RegistryOutputs, "")
            raise InvalidArguments(
                f"{InvalidInput(f'the outputs of stack {self.stack}', problems)}\n\nIs it a stack of ecr-stack?"
            ) from None

    def _of(self, values: dict[str, str], repository: str) -> str:
        if repository in values:
            return values[repository]
        guess = nearest(repository, list(values))
        hint = f"did you mean `{guess}`? " if guess else ""
        raise InvalidArguments(
            f"stack {self.stack} has no repository `{repository}`: {hint}it has {', '.join(sorted(values))}"
        )
