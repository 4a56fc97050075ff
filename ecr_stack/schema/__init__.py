"""What a stack file may say, as pydantic models, and how it is judged."""

from ecr_stack.schema.encryption import Encryption, EncryptionType
from ecr_stack.schema.registry import RegistrySettings, registry_settings
from ecr_stack.schema.replication import Destination, Replication, ReplicationRule
from ecr_stack.schema.repository import RepositoryDefaults, RepositorySettings, TagMutability
from ecr_stack.schema.scanning import ScanFrequency, Scanning, ScanRule, ScanType

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
