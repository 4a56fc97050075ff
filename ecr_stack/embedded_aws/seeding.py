"""Images and scans that a test or a rehearsal starts from: pushed long ago, archived, with findings.

`PutImage` pushes an image now; a rehearsal of a lifecycle needs images that were pushed, pulled and archived before.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from ecr_stack.aws.lifecycle import parse_images
from ecr_stack.embedded_aws import moto_backend, scanning
from ecr_stack.embedded_aws.image_store import StoredImage
from ecr_stack.embedded_aws.registry import Registry
from ecr_stack.embedded_aws.request import State
from ecr_stack.errors import InvalidInput, NotFound, Problem

__all__ = ["push", "read_scans", "seed_images"]

_DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_INDEX = "application/vnd.oci.image.index.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar"


def seed_images(state: State, region: str, repository: str, images: Iterable[Mapping[str, Any]]) -> None:
    """Put images, described as `DescribeImages` describes them, into a repository.

    They are scanned as the registry's configuration says, and not replicated: they are older than that.

    Args:
        state: of the account.
        region: the registry's Region.
        repository: the name of the repository.
        images: `imageDetails`, of which `imageDigest` is required; times are `datetime`, ISO 8601 or epoch seconds. An
            entry may have its `imageManifest` too.

    Raises:
        NotFound: there is no such repository.
        InvalidInput: an image cannot be read.
    """
    if repository not in moto_backend.ecr_state(state.account, region).repositories:
        raise NotFound(f"there is no repository `{repository}` in {region}")
    contents = state.contents(region, repository)
    entries = [{"imagePushedAt": state.now(), "imageManifestMediaType": _DOCKER_MANIFEST, **image} for image in images]
    for entry, image in zip(entries, parse_images(entries), strict=True):
        manifest = entry.get("imageManifest") or {
            "schemaVersion": 2,
            "config": {"size": image.size, "digest": image.digest},
            "layers": [{"digest": image.digest}],
        }
        seeded = StoredImage(
            digest=image.digest,
            manifest=manifest if isinstance(manifest, str) else json.dumps(manifest),
            media_type=image.media_type,
            pushed_at=image.pushed_at,
            size=image.size,
            tags=list(image.tags),
            pulled_at=image.pulled_at,
            status=image.status,
            archived_at=image.archived_at,
            activated_at=image.activated_at,
            subject=image.subject,
            layers=(image.digest,),
            references=image.references,
        )
        contents.add(seeded)
        scanning.scan_on_push(state, region, repository, seeded)


def push(
    registry: Registry,
    repository: str,
    tags: Sequence[str],
    platforms: Sequence[str],
    content: str,
    subject: str | None,
) -> str:
    """Push an image of one platform or an index of several; see `EmbeddedAws.push_image`."""
    registry.create_on_push(repository)
    manifests = []
    for platform in platforms:
        layer = registry.put_layer(repository, [f"{content} {platform}\n".encode()])
        system, _, rest = platform.partition("/")
        architecture, _, variant = rest.partition("/")
        named = {"os": system, "architecture": architecture, **({"variant": variant} if variant else {})}
        config_text = json.dumps({**named, "rootfs": {"type": "layers", "diff_ids": [layer]}}).encode()
        config = registry.put_layer(repository, [config_text])
        manifest = {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "config": {"mediaType": _CONFIG, "digest": config, "size": len(config_text)},
            "layers": [{"mediaType": _LAYER, "digest": layer, "size": len(f"{content} {platform}\n".encode())}],
            **({"subject": {"mediaType": _MANIFEST, "digest": subject, "size": 0}} if subject else {}),
        }
        manifests.append((json.dumps(manifest), named))
    if len(manifests) == 1:
        text, media_type = manifests[0][0], _MANIFEST
    else:
        entries = []
        for text, named in manifests:
            digest = registry.put_image(repository, text, _MANIFEST)
            entries.append({"mediaType": _MANIFEST, "digest": digest, "size": len(text), "platform": named})
        text, media_type = json.dumps({"schemaVersion": 2, "mediaType": _INDEX, "manifests": entries}), _INDEX
    for tag in tags or (None,):
        registry.put_image(repository, text, media_type, tag)
    return f"sha256:{sha256(text.encode()).hexdigest()}"


def read_scans(path: Path) -> list[dict[str, Any]]:
    """Read a JSON file of scans: a list of entries with `repository`, `image`, and `findings`, `states`, or both.

    `image` is a tag or a digest; `platform` and `region` are optional. For `findings` see `EmbeddedAws.seed_findings`, for
    `states` `EmbeddedAws.script_scan`.

    Raises:
        InvalidInput: the file is not such a list.
    """
    remedy = 'write `[{"repository": "api", "image": "v1", "findings": [...]}]`'
    try:
        entries = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InvalidInput(str(path), [Problem("(the file)", None, f"it cannot be read: {error}", remedy)]) from None
    known = {"repository", "image", "platform", "region", "findings", "states"}
    problems = []
    for index, entry in enumerate(entries if isinstance(entries, list) else [None]):
        if not isinstance(entry, dict) or not {"repository", "image"} <= set(entry):
            problems.append(Problem(f"[{index}]", entry, "must name a `repository` and an `image`", remedy))
        elif set(entry) - known:
            unknown = ", ".join(sorted(set(entry) - known))
            problems.append(Problem(f"[{index}]", unknown, "is not a key of a scan", f"use {', '.join(sorted(known))}"))
    if problems:
        raise InvalidInput(str(path), problems)
    return list(entries)
