"""A private container registry on Amazon ECR, as Pulumi components.

    from ecr_stack import Registry

    registry = Registry("prod", {"environment": "prod", "repositories": {"api-gateway": {}}})
    pulumi.export("urls", registry.repository_urls)

Every component is called `(name, args, opts)`, where `args` is a `TypedDict`. What is listed in `__all__` is the
public interface; all else may change between versions.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ecr_stack.aws.iam import Match
    from ecr_stack.aws.iam.identity import NodePolicy, Platform
    from ecr_stack.components.configuration import stack_settings
    from ecr_stack.components.creation_template import CreationTemplate, CreationTemplateArgs
    from ecr_stack.components.encryption_key import EncryptionKey, EncryptionKeyArgs
    from ecr_stack.components.identity import (
        PipelineAccess,
        PipelineAccessArgs,
        PipelineSourceArgs,
        PullAccess,
        PullAccessArgs,
    )
    from ecr_stack.components.lifecycle_guard import LifecycleGuardArgs
    from ecr_stack.components.lifecycle_policy import LifecyclePolicy, LifecyclePolicyArgs, LifecycleRuleArgs
    from ecr_stack.components.reference import RegistryOutputs, RegistryReference
    from ecr_stack.components.registry import (
        EncryptionArgs,
        Registry,
        RegistryArgs,
        RegistryGuardArgs,
        RegistryPipelineArgs,
        ReplicationSettingsArgs,
        ScanningArgs,
        TagSchemeArgs,
    )
    from ecr_stack.components.registry_policy import (
        PullThroughCacheGrantArgs,
        RegistryAccessArgs,
        RegistryPolicy,
        RegistryPolicyArgs,
    )
    from ecr_stack.components.replication import (
        DestinationArgs,
        Replication,
        ReplicationArgs,
        ReplicationRuleArgs,
    )
    from ecr_stack.components.repository import (
        Repository,
        RepositoryArgs,
        RepositoryDefaultsArgs,
        RepositorySettingsArgs,
    )
    from ecr_stack.components.repository_policy import AccessArgs, RepositoryPolicy, RepositoryPolicyArgs
    from ecr_stack.components.scanning import RegistryScanning, RegistryScanningArgs, ScanRuleArgs
    from ecr_stack.errors import EcrStackError, InvalidInput, NotFound, Problem, Unavailable
    from ecr_stack.schema.encryption import EncryptionType
    from ecr_stack.schema.repository import TagMutability
    from ecr_stack.schema.scanning import ScanFrequency, ScanType

# Names are loaded when they are first used: the command line needs no Pulumi to judge a stack file, and a program
# that imports one component does not wait for the others.
_HOMES = {
    "AccessArgs": "components.repository_policy",
    "CreationTemplate": "components.creation_template",
    "CreationTemplateArgs": "components.creation_template",
    "DestinationArgs": "components.replication",
    "EcrStackError": "errors",
    "EncryptionArgs": "components.registry",
    "EncryptionKey": "components.encryption_key",
    "EncryptionKeyArgs": "components.encryption_key",
    "EncryptionType": "schema.encryption",
    "InvalidInput": "errors",
    "LifecycleGuardArgs": "components.lifecycle_guard",
    "LifecyclePolicy": "components.lifecycle_policy",
    "LifecyclePolicyArgs": "components.lifecycle_policy",
    "LifecycleRuleArgs": "components.lifecycle_policy",
    "Match": "aws.iam",
    "NodePolicy": "aws.iam.identity",
    "NotFound": "errors",
    "PipelineAccess": "components.identity",
    "PipelineAccessArgs": "components.identity",
    "PipelineSourceArgs": "components.identity",
    "Platform": "aws.iam.identity",
    "Problem": "errors",
    "PullAccess": "components.identity",
    "PullAccessArgs": "components.identity",
    "PullThroughCacheGrantArgs": "components.registry_policy",
    "Registry": "components.registry",
    "RegistryAccessArgs": "components.registry_policy",
    "RegistryArgs": "components.registry",
    "RegistryGuardArgs": "components.registry",
    "RegistryOutputs": "components.reference",
    "RegistryPipelineArgs": "components.registry",
    "RegistryPolicy": "components.registry_policy",
    "RegistryPolicyArgs": "components.registry_policy",
    "RegistryReference": "components.reference",
    "RegistryScanning": "components.scanning",
    "RegistryScanningArgs": "components.scanning",
    "Replication": "components.replication",
    "ReplicationArgs": "components.replication",
    "ReplicationRuleArgs": "components.replication",
    "ReplicationSettingsArgs": "components.registry",
    "Repository": "components.repository",
    "RepositoryArgs": "components.repository",
    "RepositoryDefaultsArgs": "components.repository",
    "RepositoryPolicy": "components.repository_policy",
    "RepositoryPolicyArgs": "components.repository_policy",
    "RepositorySettingsArgs": "components.repository",
    "ScanFrequency": "schema.scanning",
    "ScanRuleArgs": "components.scanning",
    "ScanType": "schema.scanning",
    "ScanningArgs": "components.registry",
    "TagMutability": "schema.repository",
    "TagSchemeArgs": "components.registry",
    "Unavailable": "errors",
    "stack_settings": "components.configuration",
}

__all__ = [
    "AccessArgs",
    "CreationTemplate",
    "CreationTemplateArgs",
    "DestinationArgs",
    "EcrStackError",
    "EncryptionArgs",
    "EncryptionKey",
    "EncryptionKeyArgs",
    "EncryptionType",
    "InvalidInput",
    "LifecycleGuardArgs",
    "LifecyclePolicy",
    "LifecyclePolicyArgs",
    "LifecycleRuleArgs",
    "Match",
    "NodePolicy",
    "NotFound",
    "PipelineAccess",
    "PipelineAccessArgs",
    "PipelineSourceArgs",
    "Platform",
    "Problem",
    "PullAccess",
    "PullAccessArgs",
    "PullThroughCacheGrantArgs",
    "Registry",
    "RegistryAccessArgs",
    "RegistryArgs",
    "RegistryGuardArgs",
    "RegistryOutputs",
    "RegistryPipelineArgs",
    "RegistryPolicy",
    "RegistryPolicyArgs",
    "RegistryReference",
    "RegistryScanning",
    "RegistryScanningArgs",
    "Replication",
    "ReplicationArgs",
    "ReplicationRuleArgs",
    "ReplicationSettingsArgs",
    "Repository",
    "RepositoryArgs",
    "RepositoryDefaultsArgs",
    "RepositoryPolicy",
    "RepositoryPolicyArgs",
    "RepositorySettingsArgs",
    "ScanFrequency",
    "ScanRuleArgs",
    "ScanType",
    "ScanningArgs",
    "TagMutability",
    "TagSchemeArgs",
    "Unavailable",
    "stack_settings",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'ecr_stack' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"ecr_stack.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
