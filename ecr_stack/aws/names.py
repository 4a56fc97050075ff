"""The formats of single values, as AWS defines them: one annotated type each, with its error message.

Lengths and patterns are from the ECR API model (`botocore/data/ecr/2015-09-21/service-2.json.gz`). AWS matches its
patterns against the whole value; botocore does not check them. A test compares each constant here with the installed
model.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from ecr_stack.forms import Described, Form, at_most
from ecr_stack.model import Item, nearest, refusal

__all__ = [
    "COST_SERVICE",
    "OPT_IN_REGIONS",
    "REPOSITORY_NAME",
    "AccountId",
    "EmailAddress",
    "ExclusionFilter",
    "KmsKeyArn",
    "OrganizationId",
    "PrincipalName",
    "Region",
    "ReplicationFilter",
    "RepositoryName",
    "RoleArn",
    "ScanFilter",
    "SigningFilter",
    "SigningProfileArn",
    "TagKey",
    "TagValue",
    "partition_of",
    "signing_filter_matches",
    "signing_filter_problem",
]

COST_SERVICE = "Amazon EC2 Container Registry (ECR)"
"""The name of ECR in Cost Explorer and AWS Budgets. `Amazon Elastic Container Registry` matches nothing."""
REPOSITORY_NAME = re.compile(r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*")
REPLICATION_FILTER = re.compile(r"^(?:[a-z0-9]+(?:[._-][a-z0-9]*)*/)*[a-z0-9]*(?:[._-][a-z0-9]*)*$")
SIGNING_FILTER = re.compile(r"^(?:[a-z0-9*]+(?:[._-][a-z0-9*]+)*/)*[a-z0-9*]+(?:[._-][a-z0-9*]+)*$")
SIGNING_PROFILE = re.compile(r"^arn:aws(-[a-z]+)*:signer:[a-z0-9-]+:[0-9]{12}:\/signing-profiles\/[a-zA-Z0-9_]{2,}$")
SCAN_FILTER = re.compile(r"^[a-z0-9*](?:[._\-/a-z0-9*]?[a-z0-9*]+)*$")
EXCLUSION_FILTER = re.compile(r"^[0-9a-zA-Z._*-]{1,128}$")
# The Regions with ECR as of 2026-11; a test compares the list with that of the installed SDK.
REGIONS = (
    "af-south-1", "ap-east-1", "ap-east-2", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1",
    "ap-south-2", "ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5",
    "ap-southeast-6", "ap-southeast-7", "ca-central-1", "ca-west-1", "eu-central-1", "eu-central-2", "eu-north-1",
    "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-2", "eu-west-3", "il-central-1", "me-central-1", "me-south-1",
    "mx-central-1", "sa-east-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2", "cn-north-1", "cn-northwest-1",
    "us-gov-east-1", "us-gov-west-1", "us-iso-east-1", "us-iso-west-1", "us-isob-east-1", "us-isob-west-1",
    "eu-isoe-west-1", "us-isof-east-1", "us-isof-south-1", "eusc-de-east-1",
)  # fmt: skip
# https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html
OPT_IN_REGIONS = frozenset({
    "af-south-1", "ap-east-1", "ap-east-2", "ap-south-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5",
    "ap-southeast-6", "ap-southeast-7", "ca-west-1", "eu-central-2", "eu-south-1", "eu-south-2", "il-central-1",
    "me-central-1", "me-south-1", "mx-central-1",
})  # fmt: skip
ACCOUNT_ID = re.compile(r"[0-9]{12}")
KMS_KEY_ARN = re.compile(r"arn:aws[a-z0-9-]*:kms:([a-z0-9-]+):([0-9]{12}):key\/[a-z0-9-]+")
ORGANIZATION_ID = re.compile(r"o-[a-z0-9]{10,32}")


def _better_name(value: str) -> PydanticCustomError | None:
    fixed = re.sub(r"[^a-z0-9._/-]+", "-", value.lower()).strip("-._/")
    fixed = re.sub(r"[-._]*/[-._/]*", "/", re.sub(r"([._-])[._-]+", r"\1", fixed))
    return refusal(REPOSITORY_FORM.rule, f"write `{fixed}`") if REPOSITORY_FORM.fits(fixed) else None


REPOSITORY_FORM = Form(
    REPOSITORY_NAME.pattern,
    "a repository name has 2 to 256 characters: lowercase letters and digits, joined by single `.`, `_`, "
    "`__`, `-` or `/`, which are not allowed at the beginning or end",
    "write a name such as `team/api-gateway`",
    shortest=2,
    longest=256,
    explain=_better_name,
)
RepositoryName = Annotated[str, REPOSITORY_FORM, Item]
"""2 to 256 characters, e.g. `team/api-gateway`."""


def _prefix_alone(value: str) -> PydanticCustomError | None:
    if "*" not in value:
        return None
    return refusal(
        "a replication filter is a prefix of repository names, not a pattern; `*` is not allowed",
        "omit `repositoryFilters` to replicate every repository"
        if set(value) == {"*"}
        else f"write only the prefix: `{value.split('*', maxsplit=1)[0]}`",
    )


ReplicationFilter = Annotated[
    str,
    Form(
        REPLICATION_FILTER.pattern,
        "a replication filter is a prefix of repository names: 2 to 256 lowercase letters, digits, `.`, `_`, "
        "`-` and `/`, not beginning with a separator",
        "write the prefix that the names share, e.g. `api-`",
        shortest=2,
        longest=256,
        explain=_prefix_alone,
    ),
    Item,
]
"""A prefix of repository names, e.g. `api-`."""


ScanFilter = Annotated[
    str,
    Form(
        # Equivalent to `SCAN_FILTER`, which backtracks catastrophically on long input.
        r"[a-z0-9*]+(?:[._/-][a-z0-9*]+)*",
        "a scan filter has 1 to 255 lowercase letters, digits and `*`, with single `.`, `_`, `-`, `/` between them",
        "write a name with wildcards, e.g. `prod-*`, or `*` for every repository",
        shortest=1,
        longest=255,
    ),
    Item,
]
"""A repository name with `*` wildcards; without a wildcard, it matches names that contain it."""


_SIGNING_FORM = Form(
    SIGNING_FILTER.pattern,
    "a signing filter has 1 to 256 lowercase letters, digits and `*`, with single `.`, `_`, `-`, `/` between them",
    "write a name with wildcards, e.g. `prod-*`; `*` matches any characters",
    shortest=1,
    longest=256,
)


def signing_filter_problem(value: str) -> tuple[str, str] | None:
    """The rule that a signing filter breaks and its remedy; `None` if it is valid."""
    return None if _SIGNING_FORM.fits(value) else (_SIGNING_FORM.rule, _SIGNING_FORM.remedy)


def signing_filter_matches(text: str, repository: str) -> bool:
    """Whether a signing filter matches the whole name of a repository; `*` matches any characters."""
    return re.fullmatch(".*".join(map(re.escape, text.split("*"))), repository) is not None


SigningFilter = Annotated[str, _SIGNING_FORM, Item]
"""A repository name with `*` wildcards, e.g. `prod-*`."""


SigningProfileArn = Annotated[
    str,
    Form(
        SIGNING_PROFILE.pattern,
        "a signing profile must be an ARN without a version",
        "write arn:aws:signer:REGION:ACCOUNT:/signing-profiles/NAME, as `aws signer get-signing-profile` prints it",
        longest=200,
    ),
    Item,
]
"""`arn:aws:signer:REGION:ACCOUNT:/signing-profiles/NAME`."""


ExclusionFilter = Annotated[
    str,
    Form(
        at_most(2, "*") + EXCLUSION_FILTER.pattern.removeprefix("^"),
        "a mutable tag has 1 to 128 letters, digits, `.`, `_` and `-`, and at most two `*`",
        "write the tag or a pattern, e.g. `latest` or `dev-*`",
    ),
    Item,
]
"""A tag, with at most two `*` wildcards, e.g. `latest` or `dev-*`."""


def _region(value: str) -> str:
    if value in REGIONS:
        return value
    guess = nearest(value, REGIONS)
    raise refusal(
        "must be the code of a Region with ECR",
        f"write `{guess}`" if guess else "write a Region such as `us-east-1` or `eu-west-1`",
    )


Region = Annotated[str, AfterValidator(_region), Described(enum=list(REGIONS)), Item]
"""The code of an AWS Region, e.g. `us-east-1`."""

AccountId = Annotated[
    str,
    Form(
        ACCOUNT_ID.pattern, "an AWS account id must have exactly 12 digits", 'write it in quotes, e.g. "111122223333"'
    ),
    Item,
]
"""Twelve digits, in quotes."""


def _alias(value: str) -> PydanticCustomError | None:
    if ":alias/" not in value and not value.startswith("alias/"):
        return None
    return refusal(
        "must be the ARN of the key, not an alias: with an alias, Pulumi plans to replace every repository on every run",
        "write the ARN that `aws kms describe-key --key-id alias/NAME --query KeyMetadata.Arn` prints",
    )


KmsKeyArn = Annotated[
    str,
    Form(
        KMS_KEY_ARN.pattern,
        "a KMS key must be an ARN, not a key id or an alias",
        "write arn:aws:kms:REGION:ACCOUNT:key/ID",
        explain=_alias,
    ),
    Item,
]
"""`arn:aws:kms:REGION:ACCOUNT:key/ID`, never an alias."""

OrganizationId = Annotated[
    str,
    Form(
        ORGANIZATION_ID.pattern,
        "an organization id is `o-` followed by 10 to 32 lowercase letters and digits",
        "write the id that `aws organizations describe-organization --query Organization.Id` prints",
    ),
    Item,
]
"""`o-` followed by 10 to 32 lowercase letters and digits."""

EmailAddress = Annotated[
    str,
    Form(
        r"[^\s@<>,;\x22]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+",
        "must be an e-mail address, without a name or angle brackets",
        "write an address such as `platform@example.com`",
        longest=254,
    ),
    Item,
]
"""An e-mail address, e.g. `platform@example.com`."""

# https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html
_TAG_TEXT = re.compile(r"[\w\s.:/=+\-@]*")
# Letters of any script are allowed. ECMA-262 and Python write them differently, so the patterns list what is excluded.
_NOT_IN_TAGS = re.escape("".join(char for char in map(chr, range(0x20, 0x7F)) if not _TAG_TEXT.fullmatch(char)))
_TAG_CHARACTERS = f"[^{_NOT_IN_TAGS}]".replace(r"\#", "#").replace(r"\&", "&").replace(r"\~", "~")
_RESERVED = "[aA][wW][sS]:"


def _is_tag_text(value: str) -> bool:
    return _TAG_TEXT.fullmatch(value) is not None


def _reserved_key(value: str) -> PydanticCustomError | None:
    if re.match(_RESERVED, value):
        return refusal("tag keys that begin with `aws:` are reserved for AWS", "choose another key")
    return None


TagKey = Annotated[
    str,
    Form(
        f"(?!{_RESERVED}){_TAG_CHARACTERS}*",
        "a tag key has 1 to 128 letters, digits, spaces and `_ . : / = + - @`",
        "shorten it or replace the others",
        shortest=1,
        longest=128,
        also=_is_tag_text,
        explain=_reserved_key,
    ),
    Item,
]
"""1 to 128 characters, not beginning with `aws:`."""

TagValue = Annotated[
    str,
    Form(
        f"{_TAG_CHARACTERS}*",
        "a tag value has at most 256 letters, digits, spaces and `_ . : / = + - @`",
        "shorten it or replace the others",
        longest=256,
        also=_is_tag_text,
    ),
    Item,
]
"""At most 256 characters."""

# Paths and names as IAM allows them: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
_IAM_CHARACTER = r"[\w+=,.@-]"
_IAM_ARN = "arn:aws[a-z-]*:iam::[0-9]{12}"
_IDENTITY = re.compile(rf"(?:{_IAM_ARN}:)?(?:role|user)/(?P<path>[A-Za-z0-9_+=,.@/-]+/)?(?P<name>[^/]+)")
_MAX_PATH = 511


def _path_is_short(value: str) -> bool:
    found = _IDENTITY.fullmatch(value)
    return found is None or len(found["path"] or "") <= _MAX_PATH


def _no_principal(value: str) -> PydanticCustomError | None:
    if value == "*":
        return refusal(
            "`*` would allow everyone on the internet",
            "specify roles, accounts, or the organization (`organizations: [o-…]`)",
        )
    if "*" in value or "?" in value:
        return refusal("a principal must be one role, user or account, without wildcards", "name each one")
    found = _IDENTITY.fullmatch(value)
    if found and (not re.fullmatch(f"{_IAM_CHARACTER}{{1,64}}", found["name"], re.ASCII) or not _path_is_short(value)):
        # a grant to an impossible name would have no effect
        return refusal(
            "the name of a role or user has 1 to 64 ASCII letters, digits and `+ = , . @ _ -`, and its path has "
            "at most 512 characters",
            "write the name as `aws iam list-roles` prints it",
        )
    if ":assumed-role/" in value:
        return refusal(
            "a role session is temporary; access must be granted to the role",
            "write arn:aws:iam::ACCOUNT:role/NAME",
        )
    return None


PRINCIPAL_FORM = Form(
    rf"[0-9]{{12}}|{_IAM_ARN}:root|(?:{_IAM_ARN}:)?(?:role|user)/(?:{_IAM_CHARACTER}+/)*{_IAM_CHARACTER}{{1,64}}",
    "a principal must be the ARN of an IAM role or user, `role/NAME` or `user/NAME` of this account, or an account id",
    'write `role/NAME`, `arn:aws:iam::111122223333:role/NAME` or "111122223333"',
    also=_path_is_short,
    explain=_no_principal,
)

RoleArn = Annotated[
    str,
    Form(rf"{_IAM_ARN}:role/[\w+=,.@/-]+", "must be the ARN of a role", "write arn:aws:iam::ACCOUNT:role/NAME"),
]
"""`arn:aws:iam::ACCOUNT:role/NAME`."""

PrincipalName = Annotated[str, PRINCIPAL_FORM, Item]
"""`role/NAME`, `user/NAME`, an IAM ARN, or an account id of twelve digits."""


def partition_of(region: str) -> str:
    """The partition of a Region: `aws`, `aws-cn`, `aws-us-gov`, … ."""
    for prefix, partition in (
        ("cn-", "aws-cn"),
        ("us-gov-", "aws-us-gov"),
        ("us-iso-", "aws-iso"),
        ("us-isob-", "aws-iso-b"),
        ("eu-isoe-", "aws-iso-e"),
        ("us-isof-", "aws-iso-f"),
        ("eusc-", "aws-eusc"),
    ):
        if region.startswith(prefix):
            return partition
    return "aws"
