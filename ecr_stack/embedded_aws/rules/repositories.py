"""Rules about one repository: its name, encryption, tag mutability and tags."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from ecr_stack.embedded_aws import moto_backend
from ecr_stack.embedded_aws.request import Request
from ecr_stack.embedded_aws.rules.keys import encrypting_key

__all__ = [
    "arn",
    "encryption",
    "exists",
    "images_or_pages",
    "mutability",
    "name_is_free",
    "names_or_pages",
    "own_registry",
    "tag_quota",
    "tags",
]

_ARN = re.compile(r"arn:(aws[a-z-]*):ecr:([a-z0-9-]+):([0-9]{12}):repository/(.+)")
# https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-using-tags.html
_TAG_TEXT = re.compile(r"[\w\s.:/=+\-@]*")


def own_registry(request: Request) -> None:
    """Only the account's own registry is embedded; another account's answers no."""
    if request.get("registryId", request.account) == request.account:
        return
    if "RepositoryNotFoundException" in {shape.name for shape in request.model.error_shapes}:
        raise request.refuse(
            "RepositoryNotFoundException",
            f"The repository with name '{request.get('repositoryName')}' does not exist in the registry with id "
            f"'{request.get('registryId')}'",
        )
    raise request.invalid("registryId", f"you are not authorized in the registry {request.get('registryId')}")


def exists(request: Request) -> None:
    """The repository that is named must exist."""
    name = request.get("repositoryName")
    if name not in moto_backend.ecr_state(request.account, request.region).repositories:
        raise request.refuse(
            "RepositoryNotFoundException",
            f"The repository with name '{name}' does not exist in the registry with id '{request.account}'",
        )


def name_is_free(request: Request) -> None:
    """A registry has one repository of a name."""
    name = request.get("repositoryName")
    if name in moto_backend.ecr_state(request.account, request.region).repositories:
        raise request.refuse(
            "RepositoryAlreadyExistsException",
            f"The repository with name '{name}' already exists in the registry with id '{request.account}'",
        )


def arn(request: Request) -> None:
    """A resource is named by the ARN of a repository of this registry and region."""
    match = _ARN.fullmatch(request.get("resourceArn"))
    if match is None or match[1] != request.partition or match[2] != request.region:
        raise request.invalid("resourceArn", "Invalid ARN")


def tags(request: Request) -> None:
    """At most 50 tags, none of them AWS's own, none twice.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-using-tags.html
    """
    check_tags(request, request.get("tags") or [])


def check_tags(request: Request, given: Sequence[Mapping[str, str]], place: str | None = None) -> None:
    """Check tags; what is wrong is told of `place`, or by the codes that operations on tags have of their own."""

    def refusal(code: str, message: str) -> ClientError:
        return request.refuse(code, message) if place is None else request.invalid(place, message)

    keys = [tag["Key"] for tag in given]
    if len(keys) > 50:
        raise refusal("TooManyTagsException", "The list of tags on the repository is over the limit of 50")
    if len(keys) != len(set(keys)):
        raise refusal("InvalidTagParameterException", "Invalid parameter: a tag key occurs twice")
    for tag in given:
        key, value = tag["Key"], tag["Value"]
        if key.lower().startswith("aws:"):
            raise refusal("InvalidTagParameterException", f"aws: prefixed tag key names are not allowed: {key}")
        if (
            not 1 <= len(key) <= 128
            or len(value) > 256
            or not _TAG_TEXT.fullmatch(key)
            or not _TAG_TEXT.fullmatch(value)
        ):
            raise refusal("InvalidTagParameterException", f"Invalid tag {key}={value}")


def tag_quota(request: Request) -> None:
    """A repository has at most 50 tags, with those that it has.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-using-tags.html
    """
    arn_ = request.get("resourceArn")
    held = moto_backend.ecr_state(request.account, request.region).tagger.get_tag_dict_for_resource(arn_)
    if len(set(held) | {tag["Key"] for tag in request.get("tags")}) > 50:
        raise request.refuse("TooManyTagsException", "The list of tags on the repository is over the limit of 50")


def names_or_pages(request: Request) -> None:
    """Repositories are asked for by their names or in pages.

    https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeRepositories.html: maxResults and nextToken "cannot
    be used when you specify repositories with repositoryNames".
    """
    _either(request, "repositoryNames")


def images_or_pages(request: Request) -> None:
    """Images are asked for by their ids or in pages.

    https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeImages.html: maxResults and nextToken "cannot be
    used when you specify images with imageIds".
    """
    _either(request, "imageIds")


def _either(request: Request, names: str) -> None:
    for option in ("maxResults", "nextToken"):
        if names in request.parameters and option in request.parameters:
            raise request.invalid(option, f"{option} cannot be used when you specify {names}")


def mutability(request: Request) -> None:
    """Exclusion filters belong to the two modes `…_WITH_EXCLUSION`, and these need them; see `check_mutability`."""
    check_mutability(request, request.parameters)


def check_mutability(request: Request, settings: Mapping[str, Any]) -> None:
    """Check a tag mutability with its exclusion filters.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-tag-mutability.html: at most five filters (the API
    model says so), at most two wildcards in each.
    """
    mode = settings.get("imageTagMutability", "MUTABLE")
    filters = settings.get("imageTagMutabilityExclusionFilters")
    place = "imageTagMutabilityExclusionFilters"
    if mode.endswith("_WITH_EXCLUSION") and not filters:
        raise request.invalid(place, f"exclusion filters are needed when imageTagMutability is {mode}")
    if filters and not mode.endswith("_WITH_EXCLUSION"):
        raise request.invalid(place, f"exclusion filters must be null when imageTagMutability is {mode}")
    for entry in filters or []:
        if entry["filter"].count("*") > 2:
            raise request.invalid(place, f"the filter {entry['filter']} has more than two wildcards")


def encryption(request: Request) -> None:
    """The key must exist, be enabled, symmetric, and of the repository's region.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/encryption-at-rest.html
    """
    settings = request.get("encryptionConfiguration")
    if not settings:
        return
    check_encryption_type(request, settings)
    if "kmsKey" in settings:
        encrypting_key(request, settings["kmsKey"])


def check_encryption_type(request: Request, settings: Mapping[str, Any]) -> None:
    """KMS_DSSE exists in the GovCloud regions only; AES256 takes no key."""
    kind = settings["encryptionType"]
    if kind == "KMS_DSSE" and request.partition != "aws-us-gov":
        raise request.invalid("encryptionConfiguration", f"KMS_DSSE is not supported in {request.region}")
    if kind == "AES256" and settings.get("kmsKey"):
        raise request.invalid("encryptionConfiguration", "kmsKey must be null when encryptionType is AES256")
