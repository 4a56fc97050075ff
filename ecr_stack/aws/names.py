"""The shapes of single values, as AWS defines them: one annotated type each, with its message.

Lengths and patterns are those of the ECR API model (`botocore/data/ecr/2015-09-21/service-2.json.gz`), whose
patterns AWS matches against the whole value; botocore itself does not check them. A test compares each constant
here with the installed model.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated

from pydantic import AfterValidator

from ecr_stack.model import Item, nearest, refusal

__all__ = [
    "COST_SERVICE",
    "OPT_IN_REGIONS",
    "REPOSITORY_NAME",
    "AccountId",
    "ExclusionFilter",
    "KmsKeyArn",
    "OrganizationId",
    "PrincipalName",
    "Region",
    "ReplicationFilter",
    "RepositoryName",
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
"""What Cost Explorer and AWS Budgets call ECR. `Amazon Elastic Container Registry` matches nothing."""
REPOSITORY_NAME = re.compile(r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*")
REPLICATION_FILTER = re.compile(r"^(?:[a-z0-9]+(?:[._-][a-z0-9]*)*/)*[a-z0-9]*(?:[._-][a-z0-9]*)*$")
SIGNING_FILTER = re.compile(r"^(?:[a-z0-9*]+(?:[._-][a-z0-9*]+)*/)*[a-z0-9*]+(?:[._-][a-z0-9*]+)*$")
SIGNING_PROFILE = re.compile(r"^arn:aws(-[a-z]+)*:signer:[a-z0-9-]+:[0-9]{12}:\/signing-profiles\/[a-zA-Z0-9_]{2,}$")
SCAN_FILTER = re.compile(r"^[a-z0-9*](?:[._\-/a-z0-9*]?[a-z0-9*]+)*$")
EXCLUSION_FILTER = re.compile(r"^[0-9a-zA-Z._*-]{1,128}$")
# Where AWS offers ECR, of 2026-11; a test compares the list with the installed SDK's.
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


def _name(value: str) -> str:
    if 2 <= len(value) <= 256 and REPOSITORY_NAME.fullmatch(value):
        return value
    fixed = re.sub(r"[^a-z0-9._/-]+", "-", value.lower()).strip("-._/")
    fixed = re.sub(r"[-._]*/[-._/]*", "/", re.sub(r"([._-])[._-]+", r"\1", fixed))
    good = 2 <= len(fixed) <= 256 and REPOSITORY_NAME.fullmatch(fixed)
    raise refusal(
        "a repository name has 2 to 256 characters: lowercase letters and digits, joined by single `.`, `_`, "
        "`__`, `-` or `/`, none of them first or last",
        f"write `{fixed}`" if good else "write a name such as `team/api-gateway`",
    )


RepositoryName = Annotated[str, AfterValidator(_name), Item]
"""2 to 256 characters, e.g. `team/api-gateway`."""


def _replication_filter(value: str) -> str:
    if "*" in value:
        raise refusal(
            "a replication filter is a prefix of repository names, not a pattern; `*` is not allowed in it",
            "leave `repositoryFilters` out to replicate every repository"
            if set(value) == {"*"}
            else f"write the prefix alone: `{value.split('*', maxsplit=1)[0]}`",
        )
    if 2 <= len(value) <= 256 and REPLICATION_FILTER.fullmatch(value):
        return value
    raise refusal(
        "a replication filter is the beginning of a repository name: 2 to 256 lowercase letters, digits, `.`, `_`, "
        "`-` and `/`, and does not begin with a separator",
        "write the first characters of the names that you mean, e.g. `api-`",
    )


ReplicationFilter = Annotated[str, AfterValidator(_replication_filter), Item]
"""A prefix of repository names, e.g. `api-`."""


def _scan_filter(value: str) -> str:
    # The model's pattern backtracks without end on long input, so the language it describes is tested in two
    # steps: the alphabet, then the places where a separator may not stand.
    if (
        1 <= len(value) <= 255
        and re.fullmatch(r"[a-z0-9*._/-]+", value)
        and re.match(r"[a-z0-9*]", value)
        and not re.search(r"[._/-]{2}|[._/-]$", value)
    ):
        return value
    raise refusal(
        "a scan filter has 1 to 255 lowercase letters, digits, `*`, and single `.`, `_`, `-`, `/` between them",
        "write a name with wildcards, e.g. `prod-*`, or `*` for every repository",
    )


ScanFilter = Annotated[str, AfterValidator(_scan_filter), Item]
"""A repository name with `*` wildcards; without one it matches names that contain it."""


def signing_filter_problem(value: str) -> tuple[str, str] | None:
    """What is wrong with a filter of a signing rule, and what to do about it; `None` if nothing is."""
    if 1 <= len(value) <= 256 and SIGNING_FILTER.fullmatch(value):
        return None
    return (
        "a signing filter has 1 to 256 lowercase letters, digits, `*`, and single `.`, `_`, `-`, `/` between them",
        "write a name with wildcards, e.g. `prod-*`; `*` matches any characters, two separators in a row as well",
    )


def signing_filter_matches(text: str, repository: str) -> bool:
    """Whether a filter of a signing rule matches a repository's whole name; `*` stands for any characters."""
    return re.fullmatch(".*".join(map(re.escape, text.split("*"))), repository) is not None


def _signing_filter(value: str) -> str:
    problem = signing_filter_problem(value)
    if problem is not None:
        raise refusal(*problem)
    return value


SigningFilter = Annotated[str, AfterValidator(_signing_filter), Item]
"""A repository name with `*` wildcards, e.g. `prod-*`."""


def _signing_profile(value: str) -> str:
    if len(value) <= 200 and SIGNING_PROFILE.fullmatch(value):
        return value
    raise refusal(
        "a signing profile is named by its ARN, without its version",
        "write arn:aws:signer:REGION:ACCOUNT:/signing-profiles/NAME, as `aws signer get-signing-profile` prints it",
    )


SigningProfileArn = Annotated[str, AfterValidator(_signing_profile), Item]
"""`arn:aws:signer:REGION:ACCOUNT:/signing-profiles/NAME`."""


def _exclusion_filter(value: str) -> str:
    if EXCLUSION_FILTER.fullmatch(value) and value.count("*") <= 2:
        return value
    raise refusal(
        "a mutable tag has 1 to 128 letters, digits, `.`, `_`, `-`, and at most two `*`",
        "write the tag or a pattern of it, e.g. `latest` or `dev-*`",
    )


ExclusionFilter = Annotated[str, AfterValidator(_exclusion_filter), Item]
"""A tag, with at most two `*` wildcards, e.g. `latest` or `dev-*`."""


def _matching(pattern: re.Pattern[str], rule: str, remedy: str) -> Callable[[str], str]:
    def validate(value: str) -> str:
        if pattern.fullmatch(value):
            return value
        raise refusal(rule, remedy)

    return validate


def _region(value: str) -> str:
    if value in REGIONS:
        return value
    guess = nearest(value, REGIONS)
    raise refusal(
        "a Region is the code of one where AWS offers ECR",
        f"write `{guess}`" if guess else "write one such as `us-east-1` or `eu-west-1`",
    )


Region = Annotated[str, AfterValidator(_region), Item]
"""The code of an AWS Region, e.g. `us-east-1`."""

AccountId = Annotated[
    str,
    AfterValidator(
        _matching(ACCOUNT_ID, "an AWS account id has exactly 12 digits", 'write it in quotes, e.g. "111122223333"')
    ),
    Item,
]
"""Twelve digits, in quotes."""


def _key_arn(value: str) -> str:
    if KMS_KEY_ARN.fullmatch(value):
        return value
    if ":alias/" in value or value.startswith("alias/"):
        raise refusal(
            "the key's ARN is needed, not an alias: Pulumi would plan to replace every repository, again and again",
            "write the ARN that `aws kms describe-key --key-id alias/NAME --query KeyMetadata.Arn` prints",
        )
    raise refusal(
        "a KMS key is named by its ARN",
        "write arn:aws:kms:REGION:ACCOUNT:key/ID",
    )


KmsKeyArn = Annotated[str, AfterValidator(_key_arn), Item]
"""`arn:aws:kms:REGION:ACCOUNT:key/ID`, never an alias."""

OrganizationId = Annotated[
    str,
    AfterValidator(
        _matching(
            ORGANIZATION_ID,
            "an organization id is `o-` and 10 to 32 lowercase letters and digits",
            "write the id that `aws organizations describe-organization --query Organization.Id` prints",
        )
    ),
    Item,
]
"""`o-` and 10 to 32 lowercase letters and digits."""

# https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html
_TAG_TEXT = re.compile(r"[\w\s.:/=+\-@]*")


def _tag_key(value: str) -> str:
    if value.lower().startswith("aws:"):
        raise refusal("tag keys that begin with `aws:` are reserved for AWS", "choose another key")
    if 1 <= len(value) <= 128 and _TAG_TEXT.fullmatch(value):
        return value
    raise refusal(
        "a tag key has 1 to 128 letters, digits, spaces and `_ . : / = + - @`",
        "shorten it or replace the others",
    )


TagKey = Annotated[str, AfterValidator(_tag_key), Item]
"""1 to 128 characters, not beginning with `aws:`."""


def _tag_value(value: str) -> str:
    if len(value) <= 256 and _TAG_TEXT.fullmatch(value):
        return value
    raise refusal(
        "a tag value has at most 256 letters, digits, spaces and `_ . : / = + - @`",
        "shorten it or replace the others",
    )


TagValue = Annotated[str, AfterValidator(_tag_value), Item]
"""At most 256 characters."""

# Paths and names as IAM allows them: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
_PRINCIPAL = re.compile(
    r"(?P<account>[0-9]{12})"
    r"|arn:aws[a-z-]*:iam::[0-9]{12}:root"
    r"|(arn:aws[a-z-]*:iam::[0-9]{12}:)?(role|user)/(?P<path>[A-Za-z0-9_+=,.@/-]+/)?(?P<name>[^/]+)"
)
_IAM_NAME = re.compile(r"[\w+=,.@-]{1,64}", re.ASCII)


def _principal(value: str) -> str:
    if value == "*":
        raise refusal(
            "`*` would let everybody on the internet in",
            "name roles, accounts, or the organization (`organizations: [o-…]`)",
        )
    if "*" in value or "?" in value:
        raise refusal("a principal is one role, user or account, without wildcards", "name each one")
    found = _PRINCIPAL.fullmatch(value)
    if found and found["name"] is not None:
        # a name that nobody can have would be granted something, and reach nobody
        if not _IAM_NAME.fullmatch(found["name"]) or len(found["path"] or "") > 511:
            raise refusal(
                "the name of a role or user has 1 to 64 letters without accents, digits and `+ = , . @ _ -`, and its "
                "path at most 512 characters",
                "write the name as `aws iam list-roles` prints it",
            )
        if "//" not in value:
            return value
    elif found:
        return value
    if ":assumed-role/" in value:
        raise refusal(
            "a session of a role cannot be granted for long; the role can",
            "write arn:aws:iam::ACCOUNT:role/NAME",
        )
    raise refusal(
        "a principal is an IAM role's or user's ARN, `role/NAME` or `user/NAME` of this account, or an account id",
        'write `role/NAME`, `arn:aws:iam::111122223333:role/NAME` or "111122223333"',
    )


PrincipalName = Annotated[str, AfterValidator(_principal), Item]
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
