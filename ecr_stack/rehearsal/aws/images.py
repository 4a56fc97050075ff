"""Images put into a repository of the embedded AWS, with the times, sizes and states that they are to have.

`PutImage` pushes an image now; a rehearsal of a lifecycle needs images that were pushed, pulled and archived before.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from moto.ecr.models import Image

from ecr_stack.errors import InvalidInput, NotFound, Problem
from ecr_stack.rehearsal.aws import base

__all__ = ["describe_image", "image_status", "seed"]

# where moto's image carries what moto does not know of it
_SEEDED = "ecr_stack_details"

_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
_TIMES = ("imagePushedAt", "lastRecordedPullTime", "lastArchivedAt", "lastActivatedAt")


def seed(account: str, region: str, repository: str, images: Iterable[Mapping[str, Any]]) -> None:
    """Put images, described as `DescribeImages` describes them, into a repository.

    Args:
        account: the registry.
        region: the registry's region.
        repository: the name of the repository.
        images: `imageDetails`, of which `imageDigest` is required; times are `datetime`, ISO 8601 or epoch seconds.

    Raises:
        NotFound: there is no such repository.
        InvalidInput: an image has no digest, or a time that cannot be read.
    """
    found = base.ecr_state(account, region).repositories.get(repository)
    if found is None:
        raise NotFound(f"there is no repository `{repository}` in {region}")
    for index, given in enumerate(images):
        digest = given.get("imageDigest")
        if not digest:
            raise _problem(f"imageDetails[{index}].imageDigest", digest, "an image has a digest")
        details = dict(given)
        for name in _TIMES:
            if name in details:
                details[name] = _time(details[name], f"imageDetails[{index}].{name}")
        details.setdefault("imagePushedAt", datetime.now(UTC))
        # moto computes the size from the manifest, and keeps one tag beside the list of them
        size = int(details.get("imageSizeInBytes", 0))
        manifest = {"schemaVersion": 2, "config": {"size": size, "digest": digest}, "layers": [{"digest": digest}]}
        media = details.setdefault("imageManifestMediaType", _MANIFEST)
        tags = list(details.get("imageTags") or [])
        image = Image(account, tags[0] if tags else "", json.dumps(manifest), repository, media, digest)
        image.image_tags = tags
        image.image_pushed_at = int(details["imagePushedAt"].timestamp())
        found.images.append(image)
        # tags and the registry are moto's to answer: they can change
        for name in ("imageTags", "registryId", "repositoryName"):
            details.pop(name, None)
        setattr(image, _SEEDED, details)


def image_status(image: Image) -> str:
    """Give an image's status: `ACTIVE` unless it was seeded with another."""
    return str(getattr(image, _SEEDED, {}).get("imageStatus", "ACTIVE"))


def describe_image(account: str, image: Image) -> dict[str, Any]:
    """Describe an image as `DescribeImages` does."""
    details = {
        "registryId": account,
        "repositoryName": image.repository_name,
        "imageDigest": image.image_digest,
        "imageTags": list(image.image_tags),
        "imageSizeInBytes": image.image_size_in_bytes,
        "imagePushedAt": datetime.fromtimestamp(image.image_pushed_at, UTC),
        "imageManifestMediaType": image.image_manifest_media_type,
        "imageStatus": "ACTIVE",
        **getattr(image, _SEEDED, {}),
    }
    return {name: value for name, value in details.items() if value not in (None, [])}


def _time(value: Any, place: str) -> datetime:
    try:
        if isinstance(value, (int, float)):
            return datetime.fromtimestamp(value, UTC)
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except (ValueError, OverflowError, OSError):
        raise _problem(place, value, "a time is ISO 8601 or epoch seconds") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _problem(place: str, value: Any, rule: str) -> InvalidInput:
    return InvalidInput("images", [Problem(place, value, rule, "write what `aws ecr describe-images` prints")])
