"""Images put into a repository of the embedded AWS, with the times, sizes and states that they are to have.

`PutImage` pushes an image now; a rehearsal of a lifecycle needs images that were pushed, pulled and archived before.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from moto.ecr.models import Image as MotoImage

from ecr_stack.aws.lifecycle import Image, parse_images
from ecr_stack.embedded_aws import moto_backend
from ecr_stack.errors import NotFound

__all__ = ["describe", "read", "seed"]

# where moto's image carries what moto does not know of it
_SEEDED = "ecr_stack_image"

_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


def seed(account: str, region: str, repository: str, images: Iterable[Mapping[str, Any]]) -> None:
    """Put images, described as `DescribeImages` describes them, into a repository.

    Args:
        account: the registry.
        region: the registry's region.
        repository: the name of the repository.
        images: `imageDetails`, of which `imageDigest` is required; times are `datetime`, ISO 8601 or epoch seconds. An
            entry may have its `imageManifest` too.

    Raises:
        NotFound: there is no such repository.
        InvalidInput: an image cannot be read.
    """
    found = moto_backend.ecr_state(account, region).repositories.get(repository)
    if found is None:
        raise NotFound(f"there is no repository `{repository}` in {region}")
    now = datetime.now(UTC)
    given = [{"imagePushedAt": now, "imageManifestMediaType": _MANIFEST, **image} for image in images]
    for entry, image in zip(given, parse_images(given), strict=True):
        manifest = entry.get("imageManifest") or {
            "schemaVersion": 2,
            "config": {"size": image.size, "digest": image.digest},
            "layers": [{"digest": image.digest}],
        }
        text = manifest if isinstance(manifest, str) else json.dumps(manifest)
        # moto keeps one tag beside the list of them
        seeded = MotoImage(account, (*image.tags, "")[0], text, repository, image.media_type, image.digest)
        seeded.image_tags = list(image.tags)
        setattr(seeded, _SEEDED, image)
        found.images.append(seeded)


def read(image: MotoImage) -> Image:
    """Read an image of moto's; its tags are those that it has now."""
    seeded: Image | None = getattr(image, _SEEDED, None)
    if seeded is not None:
        return replace(seeded, tags=tuple(image.image_tags))
    return Image(
        digest=image.image_digest,
        pushed_at=datetime.fromtimestamp(image.image_pushed_at, UTC),
        tags=tuple(image.image_tags),
        size=image.image_size_in_bytes or 0,
        media_type=image.image_manifest_media_type or "",
    )


def describe(account: str, repository: str, image: Image) -> dict[str, Any]:
    """Describe an image as `DescribeImages` does."""
    details = {
        "registryId": account,
        "repositoryName": repository,
        "imageDigest": image.digest,
        "imageTags": list(image.tags) or None,
        "imageSizeInBytes": image.size,
        "imagePushedAt": image.pushed_at,
        "imageManifestMediaType": image.media_type or None,
        "lastRecordedPullTime": image.pulled_at,
        "subjectManifestDigest": image.subject,
        "imageStatus": image.status,
        "lastArchivedAt": image.archived_at,
        "lastActivatedAt": image.activated_at,
    }
    return {name: value for name, value in details.items() if value is not None}
