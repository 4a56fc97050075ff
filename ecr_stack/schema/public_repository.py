"""Repositories on the Amazon ECR Public Gallery: `ecr-stack:publicRepositories`.

https://docs.aws.amazon.com/AmazonECR/latest/public/public-repositories.html
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from ecr_stack.aws.names import PrincipalName
from ecr_stack.errors import Problem
from ecr_stack.forms import Described, Form
from ecr_stack.model import Item, Model, Structural, refusal
from ecr_stack.schema.access import Match
from ecr_stack.schema.json_schema import is_one_of, never
from ecr_stack.schema.repository import Tags, reserved_tags

__all__ = ["HOME", "PublicRepositoryName", "PublicRepositorySettings"]

HOME = "us-east-1"
"""Public repositories are created and managed in this Region, and visible everywhere."""

PublicRepositoryName = Annotated[
    str,
    Form(
        "(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*",
        "a public repository's name has 2 to 205 lowercase letters and digits, joined by single `.`, `_`, `-` or `/`",
        "write a name such as `base-image`",
        shortest=2,
        longest=205,
    ),
    Structural,
]
"""2 to 205 characters."""


def _logo(value: str) -> str:
    try:
        size = len(base64.b64decode(value, validate=True))
    except (binascii.Error, ValueError):
        raise refusal("a logo must be an image file in base64", "write what `base64 -w0 logo.png` prints") from None
    if size <= 512_000:
        return value
    raise refusal("a logo must be at most 512,000 bytes", "use a smaller image")


Architecture = Annotated[Literal["ARM", "ARM 64", "x86", "x86-64"], Item]
OperatingSystem = Annotated[Literal["Linux", "Windows"], Item]


class PublicRepositorySettings(Model):
    """A repository that everyone may pull from, with its gallery metadata."""

    description: Annotated[str, Field(max_length=1024)] | None = None
    """One or two sentences, used in searches."""
    about_text: Annotated[str, Field(max_length=25600)] | None = None
    """A description of the images, in Markdown."""
    usage_text: Annotated[str, Field(max_length=25600)] | None = None
    """Usage instructions, in Markdown."""
    architectures: Annotated[list[Architecture], Field(min_length=1, max_length=50)] | None = None
    """Of `ARM`, `ARM 64`, `x86`, `x86-64`."""
    operating_systems: Annotated[list[OperatingSystem], Field(min_length=1, max_length=50)] | None = None
    """`Linux`, `Windows`, or both."""
    logo: Annotated[str, AfterValidator(_logo), Described(pattern="^[A-Za-z0-9+/]*={0,2}$")] | None = None
    """An image file of at most 512,000 bytes, in base64. The gallery only shows it for verified accounts."""
    push: list[PrincipalName] = []
    """Roles, users and accounts that may push, through the repository policy. Everyone may pull."""
    match: Match = "CONDITION"
    """How roles and users are matched: by `CONDITION`, which works before they exist, or as `PRINCIPAL`. Default: `CONDITION`."""
    tags: Tags = {}
    """AWS tags, in addition to the registry's."""
    protect: Annotated[bool | None, Structural] = None
    """Whether Pulumi refuses to delete or replace the repository. Default: `false`."""
    force_delete: bool | None = None
    """Whether deleting the repository deletes the images in it. Default: `false`."""

    def cross_field_errors(self) -> Iterator[Problem]:
        """The program's own tags cannot be set; a protected repository is not deleted."""
        yield from super().cross_field_errors()
        yield from reserved_tags(self.known("tags"))
        if self.protect is True and self.force_delete is True:
            yield Problem(
                "forceDelete",
                True,
                "a protected repository cannot be deleted, so `forceDelete` has no effect",
                "write `forceDelete: false`, or `protect: false`",
            )

    @classmethod
    def json_rules(cls) -> Iterator[dict[str, Any]]:
        """A protected repository is not deleted."""
        yield never(is_one_of("protect", True), is_one_of("forceDelete", True))
