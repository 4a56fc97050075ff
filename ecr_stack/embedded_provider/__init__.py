"""The AWS provider on top of the embedded AWS: the API calls that pulumi-aws makes, resource type by resource type."""

from ecr_stack.embedded_provider.provider import RESOURCE_TYPES, Provider
from ecr_stack.embedded_provider.resource import Diff

__all__ = ["RESOURCE_TYPES", "Diff", "Provider"]
