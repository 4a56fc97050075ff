"""The operations on images and layers, answered from `image_store`.

moto keeps images without layers, with digests of its own making, and loses what it does not know of them; so none of
its answers about images is used.
"""

from __future__ import annotations

import hashlib
import re
from datetime import timedelta
from typing import Any

from botocore.exceptions import ClientError

from ecr_stack.embedded_aws import pull_through, replication, scanning, signing
from ecr_stack.embedded_aws.image_store import RepositoryContents, StoredImage, read_manifest
from ecr_stack.embedded_aws.paging import page
from ecr_stack.embedded_aws.repositories import has_usable_key, is_immutable, tag_is_immutable
from ecr_stack.embedded_aws.request import Request

__all__ = [
    "batch_check_layer_availability",
    "batch_delete_image",
    "batch_get_image",
    "complete_layer_upload",
    "describe_images",
    "find_image",
    "get_download_url_for_layer",
    "initiate_layer_upload",
    "list_image_referrers",
    "list_images",
    "put_image",
    "update_image_storage_class",
    "upload_layer_part",
]

Answer = dict[str, Any]

_TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,299}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_ANY_DIGEST = re.compile(r"[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+")
_PART_SIZE = 10 * 1024 * 1024
_SMALLEST_PART = 5 * 1024 * 1024
_LAYER_MEDIA_TYPE = "application/vnd.docker.image.rootfs.diff.tar.gzip"
# https://docs.aws.amazon.com/AmazonECR/latest/userguide/archive_restore_image.html: restoring takes up to 20 minutes
_RESTORE_TIME = timedelta(minutes=20)
# https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ImageDetail.html: "at least once every 24 hours"
_PULL_TIME_RESOLUTION = timedelta(hours=24)


def put_image(request: Request) -> Answer:
    """Answer `PutImage`.

    The same image with a tag that it has already is `ImageAlreadyExistsException`, in immutable repositories too: "the
    specified image has already been pushed, and there were no changes to the manifest or image tag after the last
    push". `ImageTagAlreadyExistsException` is for a tag of another image.
    https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_PutImage.html
    """
    repository, contents = request.repository, request.contents
    text, tag = request.get("imageManifest"), request.get("imageTag")
    if tag is not None and not _TAG.fullmatch(tag):
        raise request.invalid("imageTag", f"must satisfy regular expression '{_TAG.pattern}'")
    digest = f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
    if request.get("imageDigest", digest) != digest:
        raise request.refuse(
            "ImageDigestDoesNotMatchException",
            f"The image digest '{request.get('imageDigest')}' does not match the digest '{digest}' of the manifest",
        )
    try:
        manifest = read_manifest(text)
    except (ValueError, RecursionError) as error:
        raise request.invalid("ImageManifest", f"Invalid JSON syntax: {error}") from None
    media_type = request.get("imageManifestMediaType") or manifest["media_type"]
    if not media_type:
        raise request.invalid(
            "imageManifestMediaType", "image manifest mediatype not provided in manifest or parameter"
        )
    _check_parts(request, contents, manifest)
    image = contents.images.get(digest)
    if image is not None and image.status == "ACTIVE" and tag in (None, *image.tags):
        raise request.refuse(
            "ImageAlreadyExistsException",
            f"Image with digest '{digest}' and tag '{tag}' already exists in the repository with name "
            f"'{repository.name}' in registry with id '{request.account}'",
        )
    if tag is not None and contents.tags.get(tag, digest) != digest and is_immutable(repository, tag):
        raise tag_is_immutable(repository.name, tag)
    if not has_usable_key(repository, request.account, request.region):
        raise request.refuse("KmsException", f"The key of the repository '{repository.name}' is not enabled")
    is_new = image is None or image.status != "ACTIVE"
    if image is None:
        image = StoredImage(digest, text, pushed_at=request.state.now(), **{**manifest, "media_type": media_type})
        contents.add(image)
    elif is_new:
        image.status, image.activated_at = "ACTIVE", request.state.now()
    if tag is not None and tag not in image.tags:
        contents.tag(image, tag)
    if is_new:
        scanning.scan_on_push(request.state, request.region, repository.name, image)
        signing.sign_on_push(request.state, request.region, repository.name, image)
    replication.replicate(request.state, request.region, repository.name, image, tag)
    identifier = {"imageDigest": digest, **({"imageTag": tag} if tag is not None else {})}
    return {"image": _full(request, repository.name, image, identifier)}


def _check_parts(request: Request, contents: RepositoryContents, manifest: dict[str, Any]) -> None:
    where = f"into repository with name '{request.get('repositoryName')}' in the registry with id '{request.account}'"
    missing = [digest for digest in manifest["layers"] if digest not in contents.layers]
    if missing:
        raise request.refuse(
            "LayersNotFoundException",
            f"Layers with digests '[{', '.join(missing)}]' required for pushing image {where} do not exist",
        )
    missing = [digest for digest in manifest["references"] if digest not in contents.images]
    if missing:
        raise request.refuse(
            "ReferencedImagesNotFoundException",
            f"Images with digests '[{', '.join(missing)}]' required for pushing image {where} do not exist",
        )


def _full(request: Request, repository: str, image: StoredImage, identifier: dict[str, str]) -> Answer:
    return {
        "registryId": request.account,
        "repositoryName": repository,
        "imageId": identifier,
        "imageManifest": image.manifest,
        "imageManifestMediaType": image.media_type,
    }


def find_image(request: Request, identifier: dict[str, str]) -> StoredImage:
    """Find the image that a request names by digest, tag or both.

    Raises:
        botocore.exceptions.ClientError: the repository or the image does not exist.
    """
    contents = request.contents
    digest, tag = identifier.get("imageDigest"), identifier.get("imageTag")
    if digest is None and tag is None:
        raise request.invalid("imageId", "Invalid request parameters: both tag and digest cannot be null")
    image = contents.find(digest=digest, tag=tag)
    if image is None:
        named = f"{{imageDigest:'{digest or 'null'}', imageTag:'{tag or 'null'}'}}"
        raise request.refuse(
            "ImageNotFoundException",
            f"The image with imageId {named} does not exist within the repository with name "
            f"'{request.get('repositoryName')}' in the registry with id '{request.account}'",
        )
    settle(request, image)
    return image


def settle(request: Request, image: StoredImage) -> None:
    """Let an image be active whose way back from the archive has ended."""
    if image.status == "ACTIVATING" and image.activated_at is not None and image.activated_at <= request.state.now():
        image.status = "ACTIVE"
        replication.replicate(request.state, request.region, request.get("repositoryName"), image, None)


def _failure(identifier: dict[str, str], code: str, reason: str) -> Answer:
    return {"imageId": dict(identifier), "failureCode": code, "failureReason": reason}


def _unreadable(identifier: dict[str, str]) -> Answer | None:
    digest, tag = identifier.get("imageDigest"), identifier.get("imageTag")
    if digest is None and tag is None:
        reason = "Invalid request parameters: both tag and digest cannot be null"
        return _failure(identifier, "MissingDigestAndTag", reason)
    if digest is not None and not _ANY_DIGEST.fullmatch(digest):
        reason = f"Invalid request parameters: image digest should satisfy the regex '{_ANY_DIGEST.pattern}'"
        return _failure(identifier, "InvalidImageDigest", reason)
    return None


def batch_get_image(request: Request) -> Answer:
    """Answer `BatchGetImage`, which is a pull: its time is recorded, and a pull through cache fetches what is missing."""
    for identifier in request.get("imageIds"):
        pull_through.refresh(request, identifier.get("imageDigest") or identifier.get("imageTag"))
    contents = request.contents
    found: list[Answer] = []
    failures: list[Answer] = []
    for identifier in request.get("imageIds"):
        wrong = _unreadable(identifier)
        if wrong:
            failures.append(wrong)
            continue
        digest, tag = identifier.get("imageDigest"), identifier.get("imageTag")
        image = contents.find(digest=digest, tag=tag)
        if image is None and digest in contents.images and tag is not None:
            failures.append(
                _failure(identifier, "ImageTagDoesNotMatchDigest", "Requested image tag is of another image")
            )
            continue
        if image is not None:
            settle(request, image)
        if image is None or image.status != "ACTIVE":
            # an image in the archive cannot be pulled
            failures.append(_failure(identifier, "ImageNotFound", "Requested image not found"))
            continue
        if not has_usable_key(request.repository, request.account, request.region):
            failures.append(_failure(identifier, "KmsError", "The key of the repository is not enabled"))
            continue
        _record_pull(request, image)
        full = {"imageDigest": image.digest, **({"imageTag": tag} if tag is not None else {})}
        found.append(_full(request, request.get("repositoryName"), image, full))
    return {"images": found, "failures": failures}


def _record_pull(request: Request, image: StoredImage) -> None:
    if request.caller in request.state.of("pull time update exclusion", request.region):
        return
    now = request.state.now()
    if image.pulled_at is None or now - image.pulled_at >= _PULL_TIME_RESOLUTION:
        image.pulled_at = now


def batch_delete_image(request: Request) -> Answer:
    """Answer `BatchDeleteImage`.

    https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_BatchDeleteImage.html: by digest the image goes; by tag
    the tag goes, and with the last one the image. An image that a manifest list refers to stays until the list goes.
    """
    repository, contents = request.repository, request.contents
    deleted: list[Answer] = []
    failures: list[Answer] = []
    asked = request.get("imageIds")
    named = {entry.get("imageDigest") or contents.tags.get(entry.get("imageTag", "")) for entry in asked}
    for identifier in asked:
        wrong = _unreadable(identifier)
        if wrong:
            failures.append(wrong)
            continue
        digest, tag = identifier.get("imageDigest"), identifier.get("imageTag")
        image = contents.find(digest=digest, tag=tag)
        if image is None:
            failures.append(_failure(identifier, "ImageNotFound", "Requested image not found"))
            continue
        lists = [entry for entry in contents.indexes_of(image.digest) if entry not in named]
        whole = digest is not None or image.tags == [tag]
        if whole and lists and digest is not None:
            reason = f"Requested image referenced by manifest list: [{', '.join(lists)}]"
            failures.append(_failure(identifier, "ImageReferencedByManifestList", reason))
            continue
        if whole and not lists:
            tags = list(image.tags)
            remove_image(request, repository.name, image)
            ids = [{"imageDigest": image.digest, "imageTag": name} for name in tags]
            deleted += ids or [{"imageDigest": image.digest}]
        else:
            contents.untag(str(tag))
            replication.replicate_untagging(request.state, request.region, repository.name, image, str(tag))
            deleted.append({"imageDigest": image.digest, "imageTag": str(tag)})
    return {"imageIds": deleted, "failures": failures}


def remove_image(request: Request, repository: str, image: StoredImage) -> None:
    """Delete an image, and its replicas where the replication configuration says so."""
    request.state.images(request.region).repository(repository).remove(image.digest)
    replication.replicate_deletion(request.state, request.region, repository, image)


def list_images(request: Request) -> Answer:
    """Answer `ListImages`: one entry for each tag, and one for each image without tags."""
    entries: list[Answer] = []
    for image in _selected(request):
        ids = [{"imageDigest": image.digest, "imageTag": tag} for tag in image.tags]
        entries += ids or [{"imageDigest": image.digest}]
    found, more = page(request, entries, 100)
    return {"imageIds": found, **more}


def _selected(request: Request) -> list[StoredImage]:
    wanted = request.get("filter", {})
    status, tagged = wanted.get("imageStatus", "ACTIVE"), wanted.get("tagStatus", "ANY")
    images = list(request.contents.images.values())
    for image in images:
        settle(request, image)
    return [
        image
        for image in images
        if status in ("ANY", image.status) and tagged in ("ANY", "TAGGED" if image.tags else "UNTAGGED")
    ]


def describe_images(request: Request) -> Answer:
    """Answer `DescribeImages`."""
    if "imageIds" in request.parameters:
        named = {image.digest: image for image in (find_image(request, entry) for entry in request.get("imageIds"))}
        return {"imageDetails": [_details(request, image) for image in named.values()]}
    found, more = page(request, _selected(request), 100)
    return {"imageDetails": [_details(request, image) for image in found], **more}


def _details(request: Request, image: StoredImage) -> Answer:
    details = {
        "registryId": request.account,
        "repositoryName": request.get("repositoryName"),
        "imageDigest": image.digest,
        "imageTags": list(image.tags) or None,
        "imageSizeInBytes": image.size,
        "imagePushedAt": image.pushed_at,
        "imageManifestMediaType": image.media_type or None,
        "artifactMediaType": image.artifact_type,
        "lastRecordedPullTime": image.pulled_at,
        "subjectManifestDigest": image.subject,
        "imageStatus": image.status,
        "lastArchivedAt": image.archived_at,
        "lastActivatedAt": image.activated_at if image.status != "ACTIVATING" else None,
        **scanning.summary(request.state, request.region, request.get("repositoryName"), image),
    }
    return {name: value for name, value in details.items() if value is not None}


def list_image_referrers(request: Request) -> Answer:
    """Answer `ListImageReferrers`: the artifacts that name an image as their subject.

    https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ListImageReferrers.html
    """
    wanted = request.get("filter", {})
    types, status = wanted.get("artifactTypes"), wanted.get("artifactStatus", "ACTIVE")
    entries = [
        {
            "digest": image.digest,
            "mediaType": image.media_type,
            "artifactType": image.artifact_type or "",
            "size": len(image.manifest.encode()),
            "annotations": dict(image.annotations),
            "artifactStatus": image.status,
        }
        for image in request.contents.referrers(request.get("subjectId")["imageDigest"])
        if status in ("ANY", image.status) and (not types or image.artifact_type in types)
    ]
    found, more = page(request, entries, 50)
    return {"referrers": found, **more}


def update_image_storage_class(request: Request) -> Answer:
    """Answer `UpdateImageStorageClass`: to the archive at once, back from it in twenty minutes.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/archive_restore_image.html
    """
    image = find_image(request, request.get("imageId"))
    now = request.state.now()
    if request.get("targetStorageClass") == "ARCHIVE":
        active_lists = [
            digest
            for digest in request.contents.indexes_of(image.digest)
            if request.contents.images[digest].status != "ARCHIVED"
        ]
        if image.status != "ACTIVE" or active_lists:
            why = "a manifest list refers to it" if active_lists else f"its status is {image.status}"
            raise _unsupported(request, image, why)
        image.status, image.archived_at = "ARCHIVED", now
    elif image.status != "ARCHIVED":
        raise _unsupported(request, image, f"its status is {image.status}")
    else:
        image.status, image.activated_at = "ACTIVATING", now + _RESTORE_TIME
    return {
        "registryId": request.account,
        "repositoryName": request.get("repositoryName"),
        "imageId": {**request.get("imageId"), "imageDigest": image.digest},
        "imageStatus": image.status,
    }


def _unsupported(request: Request, image: StoredImage, why: str) -> ClientError:
    return request.refuse(
        "ImageStorageClassUpdateNotSupportedException",
        f"The image {image.digest} cannot be moved to {request.get('targetStorageClass')}: {why}",
    )


def initiate_layer_upload(request: Request) -> Answer:
    """Answer `InitiateLayerUpload`."""
    upload = request.state.layers.start(f"{request.region}/{request.repository.name}")
    return {"uploadId": upload.id, "partSize": _PART_SIZE}


def _upload(request: Request) -> Any:
    upload = request.state.layers.uploads.get(request.get("uploadId"))
    if upload is None or upload.repository != f"{request.region}/{request.repository.name}":
        raise request.refuse(
            "UploadNotFoundException",
            f"The upload with id '{request.get('uploadId')}' could not be found in the repository with name "
            f"'{request.get('repositoryName')}' in the registry with id '{request.account}'",
        )
    return upload


def upload_layer_part(request: Request) -> Answer:
    """Answer `UploadLayerPart`: parts follow one another without gaps."""
    upload = _upload(request)
    blob = request.get("layerPartBlob")
    blob = blob.encode() if isinstance(blob, str) else bytes(blob)
    first, last = request.get("partFirstByte"), request.get("partLastByte")
    if first != upload.size or last - first + 1 != len(blob):
        raise request.refuse(
            "InvalidLayerPartException",
            f"The part of {len(blob)} bytes from {first} to {last} does not follow the {upload.size} bytes that were "
            f"received of the upload '{upload.id}'",
        )
    upload.append([blob])
    return {
        "registryId": request.account,
        "repositoryName": request.get("repositoryName"),
        "uploadId": upload.id,
        "lastByteReceived": upload.size - 1,
    }


def complete_layer_upload(request: Request) -> Answer:
    """Answer `CompleteLayerUpload`.

    https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CompleteLayerUpload.html
    """
    upload, contents = _upload(request), request.contents
    if not upload.parts:
        raise request.refuse("EmptyUploadException", f"The upload '{upload.id}' does not contain any layer parts")
    if any(size < _SMALLEST_PART for size in upload.parts[:-1]):
        raise request.refuse("LayerPartTooSmallException", "Layer parts must be at least 5 MiB in size")
    digest = upload.digest
    if digest not in request.get("layerDigests"):
        raise request.refuse(
            "InvalidLayerException",
            f"The digest of the layer is '{digest}', not one of {request.get('layerDigests')}",
        )
    if digest in contents.layers:
        request.state.layers.cancel(upload)
        raise request.refuse(
            "LayerAlreadyExistsException",
            f"The layer with digest '{digest}' already exists in the repository with name "
            f"'{request.get('repositoryName')}' in registry with id '{request.account}'",
        )
    request.state.layers.finish(upload)
    contents.layers[digest] = upload.size
    return {
        "registryId": request.account,
        "repositoryName": request.get("repositoryName"),
        "uploadId": upload.id,
        "layerDigest": digest,
    }


def batch_check_layer_availability(request: Request) -> Answer:
    """Answer `BatchCheckLayerAvailability`."""
    contents = request.contents
    layers, failures = [], []
    for digest in request.get("layerDigests"):
        if not _DIGEST.fullmatch(digest):
            code, reason = "InvalidLayerDigest", f"Invalid layer digest '{digest}'"
        elif digest not in contents.layers:
            code, reason = "MissingLayerDigest", f"Layer digest '{digest}' could not be found"
        else:
            size = contents.layers[digest]
            layers.append(
                {
                    "layerDigest": digest,
                    "layerAvailability": "ARCHIVED" if _is_archived(contents, digest) else "AVAILABLE",
                    "layerSize": size,
                    "mediaType": _LAYER_MEDIA_TYPE,
                }
            )
            continue
        failures.append({"layerDigest": digest, "failureCode": code, "failureReason": reason})
    return {"layers": layers, "failures": failures}


def _is_archived(contents: RepositoryContents, layer: str) -> bool:
    users = [image.status for image in contents.images.values() if layer in image.layers]
    return bool(users) and "ACTIVE" not in users


def get_download_url_for_layer(request: Request) -> Answer:
    """Answer `GetDownloadUrlForLayer`: a URL of the endpoint, or of the file if none is up.

    https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetDownloadUrlForLayer.html: "You can only get URLs for
    image layers that are referenced in an image."
    """
    contents, digest = request.contents, request.get("layerDigest")
    if digest not in contents.layers:
        raise request.refuse(
            "LayersNotFoundException",
            f"Layers with digests '[{digest}]' do not exist in the repository with name "
            f"'{request.get('repositoryName')}' in the registry with id '{request.account}'",
        )
    if not any(digest in image.layers for image in contents.images.values()):
        raise request.refuse("LayerInaccessibleException", f"The layer '{digest}' is not associated with an image")
    base = request.state.layer_url
    url = f"{base}/{digest}" if base else request.state.layers.path(digest).as_uri()
    return {"downloadUrl": url, "layerDigest": digest}
