"""What a stack file may say, as pydantic models, and how it is judged."""

from ecr_stack.settings.encryption import Encryption, EncryptionType
from ecr_stack.settings.registry import RegistrySettings, registry_settings
from ecr_stack.settings.replication import Destination, Replication, ReplicationRule
from ecr_stack.settings.repository import RepositoryDefaults, RepositorySettings, TagMutability
from ecr_stack.settings.scanning import ScanFrequency, Scanning, ScanRule, ScanType

__all__ = [
    "Destination",
    "Encryption",
    "EncryptionType",
    "RegistrySettings",
    "Replication",
    "ReplicationRule",
    "RepositoryDefaults",
    "RepositorySettings",
    "ScanFrequency",
    "ScanRule",
    "ScanType",
    "Scanning",
    "TagMutability",
    "registry_settings",
]
