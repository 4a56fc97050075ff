"""How images are encrypted at rest: `ecr-stack:encryption`, and `encryption` of a repository.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/encryption-at-rest.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic_core import PydanticCustomError

from ecr_stack.aws.names import KmsKeyArn
from ecr_stack.errors import Problem
from ecr_stack.forms import Range
from ecr_stack.model import Model, Structural, Whole, refusal
from ecr_stack.schema.json_schema import given, is_one_of, never, when

__all__ = ["DELETION_WINDOW_IN_DAYS", "Encryption", "EncryptionType", "RepositoryEncryption"]

EncryptionType = Literal["KMS", "AES256", "KMS_DSSE"]
"""`KMS`: a key of AWS KMS; `AES256`: a key that Amazon S3 owns; `KMS_DSSE`: two layers of KMS, in AWS GovCloud (US)
only."""

DELETION_WINDOW_IN_DAYS = 30
"""KMS's own default: https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html"""


def _nearest_window(days: float) -> PydanticCustomError | None:
    return refusal(_WINDOW.rule, "write 30") if days > 30 else None


# https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html
_WINDOW = Range(
    "the deletion window of a KMS key must be 7 to 30 days", "write 7", least=7, most=30, explain=_nearest_window
)
DeletionWindow = Annotated[Whole, _WINDOW]


class RepositoryEncryption(Model):
    """The encryption of a repository. It cannot be changed later: a change replaces the repository."""

    type: Annotated[EncryptionType, Structural] = "KMS"
    """`KMS` (a key of AWS KMS), `AES256` (a key that Amazon S3 owns), or `KMS_DSSE` (AWS GovCloud (US) only). Default:
    `KMS`."""
    key_arn: KmsKeyArn | None = None
    """The ARN of an existing key in the repository's Region. Default: the registry's key."""

    def cross_field_errors(self) -> Iterator[Problem]:
        """AES256 does not take a key."""
        if self.type == "AES256" and self.key_arn is not None:
            yield Problem(
                "keyArn",
                self.known("key_arn") or "(not known)",
                "AES256 encrypts with a key that Amazon S3 owns, so there is no key to choose",
                "remove `keyArn`, or write `type: KMS`",
            )

    @classmethod
    def json_rules(cls) -> Iterator[dict[str, Any]]:
        """AES256 does not take a key."""
        yield when(is_one_of("type", "AES256"), never(given("keyArn")))


class Encryption(RepositoryEncryption):
    """The encryption of the registry's repositories. It cannot be changed for existing repositories."""

    deletion_window_in_days: DeletionWindow | None = None
    """The waiting period before the key is deleted, in days. Default: 30."""
    multi_region: Annotated[bool, Structural] = False
    """Whether the key is a multi-Region key, with a replica in each replication destination. Otherwise, each
    destination gets its own key. An existing key cannot become a multi-Region key. Default: `false`."""

    def cross_field_errors(self) -> Iterator[Problem]:
        """A deletion window requires a new key."""
        yield from super().cross_field_errors()
        arn = self.known("key_arn")
        if self.multi_region and (self.type == "AES256" or (arn is not None and ":key/mrk-" not in arn)):
            yield Problem(
                "multiRegion",
                True,
                "AES256 has no key"
                if self.type == "AES256"
                else "this is not a multi-Region key, whose id would begin with mrk-",
                "remove `multiRegion`: each destination then gets its own key",
            )
        if self.deletion_window_in_days is None:
            return
        if self.type == "AES256":
            yield Problem(
                "deletionWindowInDays",
                self.deletion_window_in_days,
                "AES256 encrypts with a key that Amazon S3 owns, so there is no key to delete",
                "remove `deletionWindowInDays`, or write `type: KMS`",
            )
        elif self.key_arn is not None:
            yield Problem(
                "deletionWindowInDays",
                self.deletion_window_in_days,
                "this stack cannot set the deletion window of an existing key",
                "remove `deletionWindowInDays`, or remove `keyArn` to create a key",
            )

    @classmethod
    def json_rules(cls) -> Iterator[dict[str, Any]]:
        """A deletion window requires a new key; AES256 has no multi-Region key."""
        yield from super().json_rules()
        yield when(
            is_one_of("type", "AES256"), never(given("deletionWindowInDays")), never(is_one_of("multiRegion", True))
        )
        yield never(given("keyArn", "deletionWindowInDays"))
