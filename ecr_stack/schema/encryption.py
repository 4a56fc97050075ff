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
"""`KMS`: a key of AWS KMS; `AES256`: a key that Amazon S3 owns; `KMS_DSSE`: two layers of KMS, in AWS GovCloud (US) only."""

DELETION_WINDOW_IN_DAYS = 30
"""KMS's own default: https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html"""


def _nearest_window(days: float) -> PydanticCustomError | None:
    return refusal(_WINDOW.rule, "write 30") if days > 30 else None


# https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html
_WINDOW = Range(
    "the deletion window of a KMS key is 7 to 30 days", "write 7", least=7, most=30, explain=_nearest_window
)
DeletionWindow = Annotated[Whole, _WINDOW]


class RepositoryEncryption(Model):
    """The encryption of one repository. AWS cannot change it later: a change replaces the repository."""

    type: Annotated[EncryptionType, Structural] = "KMS"
    """`KMS` (a key of AWS KMS), `AES256` (a key that Amazon S3 owns), or `KMS_DSSE` (AWS GovCloud (US) only). Default: `KMS`."""
    key_arn: KmsKeyArn | None = None
    """The ARN of an existing key in the repository's Region. Default: the key that the registry makes."""

    def cross_field_errors(self) -> Iterator[Problem]:
        """AES256 has no key to choose."""
        if self.type == "AES256" and self.key_arn is not None:
            yield Problem(
                "keyArn",
                self.known("key_arn") or "(not known)",
                "AES256 encrypts with a key that Amazon S3 owns, so there is no key to choose",
                "remove `keyArn`, or write `type: KMS`",
            )

    @classmethod
    def json_rules(cls) -> Iterator[dict[str, Any]]:
        """AES256 has no key to choose."""
        yield when(is_one_of("type", "AES256"), never(given("keyArn")))


class Encryption(RepositoryEncryption):
    """The encryption of the registry's repositories. AWS cannot change it on an existing repository."""

    deletion_window_in_days: DeletionWindow | None = None
    """Days from the scheduled deletion of the key to its end. Default: 30."""
    multi_region: Annotated[bool, Structural] = False
    """Whether the key is a multi-Region key, of which each destination of replication gets a replica. Otherwise each
    destination gets a key of its own. A key that exists cannot become one. Default: `false`."""

    def cross_field_errors(self) -> Iterator[Problem]:
        """Only a key that is made here has a deletion window."""
        yield from super().cross_field_errors()
        arn = self.known("key_arn")
        if self.multi_region and (self.type == "AES256" or (arn is not None and ":key/mrk-" not in arn)):
            yield Problem(
                "multiRegion",
                True,
                "AES256 has no key"
                if self.type == "AES256"
                else "this key is not a multi-Region key: its id would begin with mrk-",
                "remove `multiRegion`: each destination then gets a key of its own",
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
                "the deletion window of an existing key is not this stack's to set",
                "remove `deletionWindowInDays`, or remove `keyArn` to have a key made",
            )

    @classmethod
    def json_rules(cls) -> Iterator[dict[str, Any]]:
        """Only a key that is made here has a deletion window; AES256 has no multi-Region key."""
        yield from super().json_rules()
        yield when(
            is_one_of("type", "AES256"), never(given("deletionWindowInDays")), never(is_one_of("multiRegion", True))
        )
        yield never(given("keyArn", "deletionWindowInDays"))
