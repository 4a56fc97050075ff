"""An AWS account embedded in the process: no credentials, no network, and it refuses what AWS refuses."""

from ecr_stack.embedded_aws.embedded import EmbeddedAws

__all__ = ["EmbeddedAws"]
