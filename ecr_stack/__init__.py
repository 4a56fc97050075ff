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
    from ecr_stack.components.account_settings import (
        AccountSettings,
    )
    from ecr_stack.components.args import (
        AccessArgs,
        AccountSettingsArgs,
        AccountSettingValuesArgs,
        BudgetArgs,
        BudgetSettingsArgs,
        CreatedRepositoriesArgs,
        CreationTemplateArgs,
        CredentialsArgs,
        DestinationArgs,
        EncryptionArgs,
        EncryptionKeyArgs,
        GuardOverrideArgs,
        LifecycleGuardArgs,
        LifecyclePolicyArgs,
        LifecycleRuleArgs,
        NodeAccessArgs,
        NotificationsArgs,
        NotificationSettingsArgs,
        OwnTemplateArgs,
        PipelineAccessArgs,
        PipelineSettingsArgs,
        PipelineSourceArgs,
        PublicRepositoryArgs,
        PublicRepositorySettingsArgs,
        PullAccessArgs,
        PullThroughCacheArgs,
        PullThroughCacheGrantArgs,
        PullThroughCacheSettingsArgs,
        RegistryAccessArgs,
        RegistryArgs,
        RegistryPolicyArgs,
        RegistryScanningArgs,
        RegistrySigningArgs,
        ReplicationArgs,
        ReplicationRuleArgs,
        ReplicationSettingsArgs,
        RepositoryArgs,
        RepositoryDefaultsArgs,
        RepositoryEncryptionArgs,
        RepositoryGuardArgs,
        RepositoryPolicyArgs,
        RepositorySettingsArgs,
        ScanningArgs,
        ScanRuleArgs,
        ServiceGrantArgs,
        SigningRuleArgs,
        SigningSettingsArgs,
        SlackChannelArgs,
        TagSchemeArgs,
        TrustedArgs,
    )
    from ecr_stack.components.budget import (
        Budget,
    )
    from ecr_stack.components.component import (
        InvalidArguments,
    )
    from ecr_stack.components.configuration import (
        stack_settings,
    )
    from ecr_stack.components.creation_template import (
        CreationTemplate,
    )
    from ecr_stack.components.encryption_key import (
        EncryptionKey,
    )
    from ecr_stack.components.identity import (
        PipelineAccess,
        PullAccess,
    )
    from ecr_stack.components.lifecycle_policy import (
        LifecyclePolicy,
    )
    from ecr_stack.components.notifications import (
        Notifications,
    )
    from ecr_stack.components.public_repository import (
        PublicRepository,
    )
    from ecr_stack.components.pull_through_cache import (
        PullThroughCache,
    )
    from ecr_stack.components.reference import (
        RegistryOutputs,
        RegistryReference,
    )
    from ecr_stack.components.registry import (
        Registry,
    )
    from ecr_stack.components.registry_policy import (
        RegistryPolicy,
    )
    from ecr_stack.components.replication import (
        Replication,
    )
    from ecr_stack.components.repository import (
        Repository,
    )
    from ecr_stack.components.repository_policy import (
        RepositoryPolicy,
    )
    from ecr_stack.components.scanning import (
        RegistryScanning,
    )
    from ecr_stack.components.signing import (
        RegistrySigning,
    )
    from ecr_stack.errors import (
        EcrStackError,
        InvalidInput,
        NotFound,
        Problem,
        Unavailable,
    )

# Names are loaded when they are first used: the command line needs no Pulumi to validate a stack file, and a program
# that imports one component does not wait for the others.
_HOMES = {
    "components.args": (
        "PullThroughCacheSettingsArgs",
        "PullThroughCacheArgs",
        "PublicRepositorySettingsArgs",
        "PublicRepositoryArgs",
        "OwnTemplateArgs",
        "CredentialsArgs",
        "CreatedRepositoriesArgs",
        "AccountSettingsArgs",
        "AccountSettingValuesArgs",
        "AccessArgs",
        "BudgetArgs",
        "BudgetSettingsArgs",
        "CreationTemplateArgs",
        "DestinationArgs",
        "EncryptionArgs",
        "EncryptionKeyArgs",
        "GuardOverrideArgs",
        "LifecycleGuardArgs",
        "LifecyclePolicyArgs",
        "LifecycleRuleArgs",
        "NodeAccessArgs",
        "NotificationSettingsArgs",
        "NotificationsArgs",
        "PipelineAccessArgs",
        "PipelineSettingsArgs",
        "PipelineSourceArgs",
        "PullAccessArgs",
        "PullThroughCacheGrantArgs",
        "RegistryAccessArgs",
        "RegistryArgs",
        "RegistryPolicyArgs",
        "RegistryScanningArgs",
        "RegistrySigningArgs",
        "ReplicationArgs",
        "ReplicationRuleArgs",
        "ReplicationSettingsArgs",
        "RepositoryArgs",
        "RepositoryDefaultsArgs",
        "RepositoryEncryptionArgs",
        "RepositoryGuardArgs",
        "RepositoryPolicyArgs",
        "RepositorySettingsArgs",
        "ScanRuleArgs",
        "ScanningArgs",
        "ServiceGrantArgs",
        "SigningRuleArgs",
        "SigningSettingsArgs",
        "SlackChannelArgs",
        "TagSchemeArgs",
        "TrustedArgs",
    ),
    "components.account_settings": ("AccountSettings",),
    "components.budget": ("Budget",),
    "components.notifications": ("Notifications",),
    "components.public_repository": ("PublicRepository",),
    "components.pull_through_cache": ("PullThroughCache",),
    "components.configuration": ("stack_settings",),
    "components.component": ("InvalidArguments",),
    "components.creation_template": ("CreationTemplate",),
    "components.encryption_key": ("EncryptionKey",),
    "components.identity": (
        "PipelineAccess",
        "PullAccess",
    ),
    "components.lifecycle_policy": ("LifecyclePolicy",),
    "components.reference": (
        "RegistryOutputs",
        "RegistryReference",
    ),
    "components.registry": ("Registry",),
    "components.registry_policy": ("RegistryPolicy",),
    "components.replication": ("Replication",),
    "components.repository": ("Repository",),
    "components.repository_policy": ("RepositoryPolicy",),
    "components.scanning": ("RegistryScanning",),
    "components.signing": ("RegistrySigning",),
    "errors": (
        "EcrStackError",
        "InvalidInput",
        "NotFound",
        "Problem",
        "Unavailable",
    ),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "AccessArgs",
    "AccountSettingValuesArgs",
    "AccountSettings",
    "AccountSettingsArgs",
    "Budget",
    "BudgetArgs",
    "BudgetSettingsArgs",
    "CreatedRepositoriesArgs",
    "CreationTemplate",
    "CreationTemplateArgs",
    "CredentialsArgs",
    "DestinationArgs",
    "EcrStackError",
    "EncryptionArgs",
    "EncryptionKey",
    "EncryptionKeyArgs",
    "GuardOverrideArgs",
    "InvalidArguments",
    "InvalidInput",
    "LifecycleGuardArgs",
    "LifecyclePolicy",
    "LifecyclePolicyArgs",
    "LifecycleRuleArgs",
    "NodeAccessArgs",
    "NotFound",
    "NotificationSettingsArgs",
    "Notifications",
    "NotificationsArgs",
    "OwnTemplateArgs",
    "PipelineAccess",
    "PipelineAccessArgs",
    "PipelineSettingsArgs",
    "PipelineSourceArgs",
    "Problem",
    "PublicRepository",
    "PublicRepositoryArgs",
    "PublicRepositorySettingsArgs",
    "PullAccess",
    "PullAccessArgs",
    "PullThroughCache",
    "PullThroughCacheArgs",
    "PullThroughCacheGrantArgs",
    "PullThroughCacheSettingsArgs",
    "Registry",
    "RegistryAccessArgs",
    "RegistryArgs",
    "RegistryOutputs",
    "RegistryPolicy",
    "RegistryPolicyArgs",
    "RegistryReference",
    "RegistryScanning",
    "RegistryScanningArgs",
    "RegistrySigning",
    "RegistrySigningArgs",
    "Replication",
    "ReplicationArgs",
    "ReplicationRuleArgs",
    "ReplicationSettingsArgs",
    "Repository",
    "RepositoryArgs",
    "RepositoryDefaultsArgs",
    "RepositoryEncryptionArgs",
    "RepositoryGuardArgs",
    "RepositoryPolicy",
    "RepositoryPolicyArgs",
    "RepositorySettingsArgs",
    "ScanRuleArgs",
    "ScanningArgs",
    "ServiceGrantArgs",
    "SigningRuleArgs",
    "SigningSettingsArgs",
    "SlackChannelArgs",
    "TagSchemeArgs",
    "TrustedArgs",
    "Unavailable",
    "stack_settings",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'ecr_stack' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"ecr_stack.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
