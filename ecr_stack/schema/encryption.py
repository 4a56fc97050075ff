"""How images are encrypted at rest: `ecr-stack:encryption`.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/encryption-at-rest.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from ecr_stack.aws.names import KmsKeyArn
from ecr_stack.errors import Problem
from ecr_stack.model import Whole, refusal
from ecr_stack.schema.section import Section

__all__ = ["Encryption", "EncryptionType"]


class EncryptionType(StrEnum):
    """Who encrypts the images."""

    KMS = "KMS"
    """A key of AWS KMS: the environment's own, or the one that `keyArn` names."""
    AES256 = "AES256"
    """A key that Amazon S3 owns; nothing to manage, nothing to control."""
    KMS_DSSE = "KMS_DSSE"
    """Two layers of KMS encryption, in AWS GovCloud (US) only."""


def _deletion_window(days: int) -> int:
    # https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html
    if 7 <= days <= 30:
        return days
    raise refusal("a KMS key waits 7 to 30 days for its deletion", f"write {7 if days < 7 else 30}")


DeletionWindow = Annotated[
    Whole, AfterValidator(_deletion_window), Field(json_schema_extra={"minimum": 7, "maximum": 30})
]


class Encryption(Section):
    """The encryption of every repository of the environment. AWS cannot change it on an existing repository."""

    type: Annotated[EncryptionType, Field(strict=False)] = EncryptionType.KMS
    """`KMS` (a key of AWS KMS), `AES256` (a key that Amazon S3 owns), or `KMS_DSSE` (AWS GovCloud (US) only)."""
    deletion_window_in_days: DeletionWindow | None = None
    """Days between the scheduled deletion of the key and its end: 7 to 30; 30 unless given."""
    key_arn: KmsKeyArn | None = None
    """The ARN of an existing key in the stack's Region, taken instead of a new one."""

    @classmethod
    def contradictions(cls, values: Mapping[str, Any], place: str) -> Iterator[Problem]:
        """An existing key has its own deletion window, and AES256 has no key at all."""
        kind = values.get("type", EncryptionType.KMS)
        for field, key in (("key_arn", "keyArn"), ("deletion_window_in_days", "deletionWindowInDays")):
            given = values.get(field)
            if given is not None and kind is EncryptionType.AES256:
                yield Problem(
                    f"{place}.{key}", given, "AES256 encrypts with a key that Amazon S3 owns, so there is none to describe",
                    f"remove `{key}`, or write `type: KMS`",
                )  # fmt: skip
        if (
            kind is not EncryptionType.AES256
            and values.get("key_arn")
            and values.get("deletion_window_in_days") is not None
        ):
            yield Problem(
                f"{place}.deletionWindowInDays", values["deletion_window_in_days"],
                "the deletion window of an existing key is not this stack's to set",
                "remove `deletionWindowInDays`, or remove `keyArn` to have a key made",
            )  # fmt: skip
