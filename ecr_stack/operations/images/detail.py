"""One image in full: platforms, what belongs to it, scan, signing, replicas.

Needs `ecr:DescribeImages`, `ecr:BatchGetImage`, `ecr:GetDownloadUrlForLayer`, `ecr:DescribeRepositories`,
`ecr:DescribeImageReplicationStatus` and `ecr:DescribeImageSigningStatus`.
"""

from __future__ import annotations

import json
import os
import urllib.request
from collections.abc import Mapping
from typing import Any

from ecr_stack.errors import EcrStackError, NotFound
from ecr_stack.operations.ecr import answered
from ecr_stack.operations.images.catalogue import CataloguedImage, platform_name
from ecr_stack.operations.images.reading import read_repository
from ecr_stack.operations.live_registry import LiveRegistry
from ecr_stack.operations.scanning.references import ImageReference

__all__ = ["describe"]

_LARGEST_CONFIGURATION = 4 * 1024 * 1024


def describe(registry: LiveRegistry, reference: ImageReference) -> dict[str, Any]:
    """Describe an image.

    Raises:
        NotFound: no such repository or image.
        Unavailable: ECR rejects the request, or does not respond.
    """
    repository = reference.repository
    details = registry.image(repository, reference.image_id)
    if details is None:
        raise NotFound(f"there is no image {reference.text}")
    digest = details["imageDigest"]
    images = read_repository(registry, repository, only={digest}).images
    image = next((each for each in images if each.top.digest == digest), None) or next(
        (CataloguedImage(repository, member) for each in images for member in each.members if member.digest == digest),
        None,
    )
    if image is None:
        raise NotFound(f"{reference.text} was removed while reading it")
    platforms = list(image.platforms)
    if not platforms and not image.top.is_index:
        platforms = [platform] if (platform := _platform(registry, repository, digest)) else []
    return {
        **image.as_json(),
        "platforms": platforms,
        "signing": _signing(registry, repository, digest),
        "pull": _pull(registry, repository, image, reference.tag),
    }


def _platform(registry: LiveRegistry, repository: str, digest: str) -> str | None:
    """The platform of an image that is no index, from its configuration."""
    try:
        manifest = json.loads(registry.manifests(repository, [digest])[digest]["imageManifest"])
        layer = manifest["config"]["digest"]
        url = registry.ask("get_download_url_for_layer", repositoryName=repository, layerDigest=layer)["downloadUrl"]
        with urllib.request.urlopen(url, timeout=30) as answer:
            return platform_name(json.loads(answer.read(_LARGEST_CONFIGURATION)))
    except (EcrStackError, OSError, ValueError, LookupError, TypeError, AttributeError):
        return None


def _signing(registry: LiveRegistry, repository: str, digest: str) -> str:
    try:
        answer = registry.ask(
            "describe_image_signing_status", repositoryName=repository, imageId={"imageDigest": digest}
        )
    except EcrStackError as error:
        return f"not known: {error}"
    return ", ".join(map(_signed, answer.get("signingStatuses", ()))) or "not signed by ECR"


def _signed(told: Mapping[str, Any]) -> str:
    reasons = [str(told[name]) for name in ("failureCode", "failureReason") if told.get(name)]
    why = f" ({': '.join(reasons)})" if reasons else ""
    return f"{told.get('status', '?').lower()} by {told.get('signingProfileArn', '?')}{why}"


def _pull(registry: LiveRegistry, repository: str, image: CataloguedImage, tag: str | None) -> list[dict[str, str]]:
    """How to pull an image from each Region; the one that the AWS configuration names comes first, as the nearest."""
    name = f":{tag}" if tag else f"@{image.top.digest}"
    home = _address(registry, repository, registry.region)
    commands = [
        {
            "region": registry.region, "registryId": registry.account, "status": "COMPLETE",
            "command": f"docker pull {home}{name}",
        }
    ]  # fmt: skip
    try:
        answer = registry.ask(
            "describe_image_replication_status", repositoryName=repository, imageId={"imageDigest": image.top.digest}
        )
    except EcrStackError:
        return commands
    for each in answer.get("replicationStatuses", ()):
        there = f"{registry.host}/{repository}".replace(registry.account, each["registryId"], 1)
        there = there.replace(registry.region, each["region"], 1)
        if each["registryId"] == registry.account and not home.startswith(registry.host):
            there = _address(registry, repository, each["region"])  # `ecr-stack local`: each Region has a port
        commands.append(
            {
                "region": each["region"], "registryId": each["registryId"], "status": each["status"],
                "command": f"docker pull {there}{name}",
            }
        )  # fmt: skip
    # https://docs.aws.amazon.com/sdkref/latest/guide/feature-region.html: where the caller runs, as far as it says
    nearest = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    return sorted(commands, key=lambda each: (each["region"] != nearest, each["status"] != "COMPLETE"))


def _address(registry: LiveRegistry, repository: str, region: str) -> str:
    """The address of a repository as ECR tells it, or as AWS's are if it does not."""
    client = registry.ecr if region == registry.region else registry.client("ecr", region)
    try:
        with answered():
            found = client.describe_repositories(registryId=registry.account, repositoryNames=[repository])[
                "repositories"
            ]
    except EcrStackError:
        return f"{registry.host.replace(registry.region, region, 1)}/{repository}"
    return str(found[0]["repositoryUri"])
