"""Serves the embedded AWS with the OCI distribution protocol, version 1.1, for pushes and pulls by container tools.

https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md

The embedded AWS handles images and their rules. This module handles only the protocol: credentials, uploads in parts,
ranges, pages, and the conversion of AWS's errors.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlencode
from weakref import WeakValueDictionary

from botocore.exceptions import BotoCoreError, ClientError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from ecr_stack.embedded_aws.image_store import Upload
from ecr_stack.embedded_aws.registry import Registry
from ecr_stack.embedded_aws.registry_access import Signer

__all__ = ["DIGEST", "application"]

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
"""The digest of a layer or a manifest. ECR takes no other algorithm."""
_TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}")
_RANGE = re.compile(r"([0-9]+)-([0-9]+)")
# `ImageManifest` in the API model
_LARGEST_MANIFEST = 4 * 1024 * 1024
_BUFFER = 1024 * 1024
_PAGE = 1000
_VERSION = {"Docker-Distribution-Api-Version": "registry/2.0"}
_INDEX = "application/vnd.oci.image.index.v1+json"

# AWS's error code → status and code in the protocol
_REFUSALS: Mapping[str, tuple[int, str]] = {
    "RepositoryNotFoundException": (404, "NAME_UNKNOWN"),
    "ImageNotFoundException": (404, "MANIFEST_UNKNOWN"),
    "ImageTagAlreadyExistsException": (400, "TAG_INVALID"),
    "ImageDigestDoesNotMatchException": (400, "DIGEST_INVALID"),
    "LayersNotFoundException": (404, "MANIFEST_BLOB_UNKNOWN"),
    "ReferencedImagesNotFoundException": (404, "MANIFEST_BLOB_UNKNOWN"),
    "LayerInaccessibleException": (404, "BLOB_UNKNOWN"),
    "UploadNotFoundException": (404, "BLOB_UPLOAD_UNKNOWN"),
    "InvalidLayerException": (400, "DIGEST_INVALID"),
    "LimitExceededException": (429, "TOOMANYREQUESTS"),
    "AccessDeniedException": (403, "DENIED"),
}


class _Refused(Exception):
    """A request that is rejected: status, code of the protocol, message, further headers."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.headers = status, code, message, dict(headers or {})

    def response(self) -> Response:
        error = {"code": self.code, "message": self.message}
        return JSONResponse({"errors": [error]}, self.status, {**_VERSION, **self.headers})


def application(registry: Registry, signer: Signer) -> ASGIApp:
    """Return the registry of one Region as an ASGI application.

    Args:
        registry: its images and layers.
        signer: knows the passwords that `GetAuthorizationToken` gave.
    """
    routes = _Routes(registry)
    app = Starlette(
        routes=[
            Route("/v2/", routes.version, methods=["GET"]),
            Route("/v2/_catalog", routes.catalog, methods=["GET"]),
            Route("/v2/{name:path}/blobs/uploads/", routes.start_upload, methods=["POST"]),
            Route("/v2/{name:path}/blobs/uploads/{upload}", routes.upload, methods=["GET", "PATCH", "PUT", "DELETE"]),
            Route("/v2/{name:path}/blobs/{digest}", routes.blob, methods=["GET", "DELETE"]),
            Route("/v2/{name:path}/manifests/{reference}", routes.manifest, methods=["GET", "PUT", "DELETE"]),
            Route("/v2/{name:path}/tags/list", routes.tags, methods=["GET"]),
            Route("/v2/{name:path}/referrers/{digest}", routes.referrers, methods=["GET"]),
        ],
        exception_handlers={
            _Refused: _refused,
            ClientError: _refused_by_aws,
            BotoCoreError: _unreadable,
            HTTPException: _no_such_route,
            ClientDisconnect: _gone,
            Exception: _failed,
        },
    )
    return _Authorized(app, registry.account, signer)


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, _Refused)
    return error.response()


async def _refused_by_aws(_: Request, error: Exception) -> Response:
    assert isinstance(error, ClientError)
    return _translated(error).response()


def _translated(error: ClientError) -> _Refused:
    code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
    if code in _REFUSALS:
        return _Refused(*_REFUSALS[code], message)
    if error.operation_name == "PutImage":
        # as ECR words it: https://github.com/aws/containers-roadmap/issues/876
        return _Refused(405, "UNSUPPORTED", message)
    return _Refused(400, "NAME_INVALID" if "repositoryName" in message else "UNSUPPORTED", message)


async def _unreadable(_: Request, error: Exception) -> Response:
    return _Refused(400, "UNSUPPORTED", str(error)).response()


async def _no_such_route(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _Refused(error.status_code, "UNSUPPORTED", HTTPStatus(error.status_code).phrase, error.headers).response()


async def _gone(_: Request, __: Exception) -> Response:
    return _Refused(400, "BLOB_UPLOAD_INVALID", "the connection ended before the request did").response()


async def _failed(_: Request, error: Exception) -> Response:
    return _Refused(500, "UNKNOWN", f"{type(error).__name__}: {error}").response()


@dataclass(frozen=True)
class _Authorized:
    """Lets requests through that carry a token of `GetAuthorizationToken`.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry_auth.html#registry-auth-token
    """

    app: ASGIApp
    account: str
    signer: Signer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer: Response | None = None
        if scope["type"] == "http":
            try:
                self._check(Request(scope))
            except _Refused as refused:
                answer = refused.response()
        await (answer or self.app)(scope, receive, send)

    def _check(self, request: Request) -> None:
        kind, _, credentials = request.headers.get("Authorization", "").partition(" ")
        challenge = {"WWW-Authenticate": f'Basic realm="http://{request.url.netloc}/",service="ecr.amazonaws.com"'}
        if kind.lower() != "basic":
            raise _Refused(401, "UNAUTHORIZED", "Not Authorized", challenge)
        try:
            user, _, password = base64.b64decode(credentials, validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            user, password = "", ""
        expiry = self.signer.expiry(self.account, password) if user == "AWS" else None
        if expiry is None:
            raise _Refused(401, "UNAUTHORIZED", "Not Authorized", challenge)
        if expiry <= datetime.now(UTC):
            message = "Your authorization token has expired. Reauthenticate and try again."
            raise _Refused(403, "DENIED", message, challenge)


class _Routes:
    """The handlers of each path. `HEAD` is handled like `GET`, without the body."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def version(self, _: Request) -> Response:
        return JSONResponse({}, headers=_VERSION)

    async def catalog(self, request: Request) -> Response:
        return _page(request, "repositories", await run_in_threadpool(self._registry.repositories), {})

    async def start_upload(self, request: Request) -> Response:
        name, query = request.path_params["name"], request.query_params
        if "mount" in query and "from" in query:
            digest = _digest(query["mount"])
            if await run_in_threadpool(self._registry.mount, name, query["from"], digest):
                return _created_blob(name, digest)
        digest = _digest(query["digest"]) if "digest" in query else ""
        upload = await run_in_threadpool(self._registry.start_upload, name)
        if not digest:
            return _progress(202, name, upload)
        await self._receive(request, upload)
        return await self._finish(name, upload, digest)

    async def upload(self, request: Request) -> Response:
        name, id_ = request.path_params["name"], request.path_params["upload"]
        # requests for one upload wait for one another
        async with self._locks.setdefault(id_, asyncio.Lock()):
            upload = await run_in_threadpool(self._registry.upload, name, id_)
            if upload is None:
                raise _Refused(404, "BLOB_UPLOAD_UNKNOWN", f"The upload with id '{id_}' could not be found")
            if request.method in ("GET", "HEAD"):
                return _progress(204, name, upload)
            if request.method == "DELETE":
                await run_in_threadpool(self._registry.cancel_upload, upload)
                return Response(status_code=204, headers=_VERSION)
            digest = _digest(request.query_params.get("digest", "")) if request.method == "PUT" else ""
            _check_range(request, name, upload)
            await self._receive(request, upload)
            return await self._finish(name, upload, digest) if digest else _progress(202, name, upload)

    @staticmethod
    async def _receive(request: Request, upload: Upload) -> None:
        """Write what the request carries behind what is there; what has arrived stays if the request breaks off."""
        chunks: list[bytes] = []
        try:
            async for chunk in request.stream():
                chunks.append(chunk)
                if sum(map(len, chunks)) >= _BUFFER:
                    await run_in_threadpool(upload.append, chunks)
                    chunks = []
        finally:
            if any(chunks):
                await run_in_threadpool(upload.append, chunks)

    async def _finish(self, name: str, upload: Upload, digest: str) -> Response:
        if upload.digest != digest:
            await run_in_threadpool(self._registry.cancel_upload, upload)
            raise _Refused(400, "DIGEST_INVALID", f"the uploaded bytes have the digest {upload.digest}, not {digest}")
        await run_in_threadpool(self._registry.finish_upload, name, upload)
        return _created_blob(name, digest)

    async def blob(self, request: Request) -> Response:
        name, digest = request.path_params["name"], _digest(request.path_params["digest"])
        if request.method == "DELETE":
            raise _Refused(405, "UNSUPPORTED", "a layer is deleted with the last image that it belongs to")
        found = await run_in_threadpool(self._registry.layer, name, digest)
        if found is None or not found[0].is_file():
            raise _Refused(404, "BLOB_UNKNOWN", f"Layer with digest '{digest}' could not be found")
        headers = {**_VERSION, "Docker-Content-Digest": digest}
        return FileResponse(found[0], headers=headers, media_type="application/octet-stream")

    async def manifest(self, request: Request) -> Response:
        name, reference = request.path_params["name"], _reference(request.path_params["reference"])
        if request.method == "PUT":
            return await self._put_manifest(request, name, reference)
        if request.method == "DELETE":
            for failure in await run_in_threadpool(self._registry.delete_image, name, reference):
                if failure["failureCode"] == "ImageReferencedByManifestList":
                    raise _Refused(403, "DENIED", failure["failureReason"])
                raise _Refused(404, "MANIFEST_UNKNOWN", failure["failureReason"])
            return Response(status_code=202, headers=_VERSION)
        image = await run_in_threadpool(self._registry.get_image, name, reference)
        if image is None:
            raise _Refused(404, "MANIFEST_UNKNOWN", "Requested image not found")
        headers = {**_VERSION, "Docker-Content-Digest": image.digest, "Content-Type": image.media_type}
        return Response(image.manifest.encode(), headers=headers)

    async def _put_manifest(self, request: Request, name: str, reference: str) -> Response:
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > _LARGEST_MANIFEST:
                raise _Refused(413, "SIZE_INVALID", f"a manifest must not be larger than {_LARGEST_MANIFEST} bytes")
        try:
            text = bytes(body).decode()
            document = dict(json.loads(text))
        except (ValueError, TypeError, RecursionError):
            message = "Invalid parameter at 'ImageManifest' failed to satisfy constraint: 'Invalid JSON syntax'"
            raise _Refused(405, "UNSUPPORTED", message) from None
        content = request.headers.get("Content-Type", "").partition(";")[0].strip()
        own = document.get("mediaType") or content
        if not own or content not in ("", own):
            raise _Refused(
                400, "MANIFEST_INVALID", f"the Content-Type is {content!r}, the manifest's mediaType {own!r}"
            )
        is_digest = ":" in reference
        named = {"digest": reference} if is_digest else {"tag": reference}
        digest = await run_in_threadpool(self._registry.put_image, name, text, own, **named)
        headers = {**_VERSION, "Location": f"/v2/{name}/manifests/{digest}", "Docker-Content-Digest": digest}
        subject = document.get("subject")
        if isinstance(subject, dict):
            headers["OCI-Subject"] = str(subject.get("digest"))
        return Response(status_code=201, headers=headers)

    async def tags(self, request: Request) -> Response:
        name = request.path_params["name"]
        return _page(request, "tags", await run_in_threadpool(self._registry.tags, name), {"name": name})

    async def referrers(self, request: Request) -> Response:
        name, digest = request.path_params["name"], _digest(request.path_params["digest"])
        wanted = request.query_params.get("artifactType")
        entries = [
            {
                "mediaType": image.media_type,
                "digest": image.digest,
                "size": len(image.manifest.encode()),
                "artifactType": image.artifact_type or "",
                "annotations": dict(image.annotations),
            }
            for image in await run_in_threadpool(self._registry.referrers, name, digest)
            if wanted in (None, image.artifact_type)
        ]
        index = {"schemaVersion": 2, "mediaType": _INDEX, "manifests": entries}
        filtered = {"OCI-Filters-Applied": "artifactType"} if wanted else {}
        return JSONResponse(index, headers={**_VERSION, **filtered}, media_type=_INDEX)


def _check_range(request: Request, name: str, upload: Upload) -> None:
    """A part begins where the one before it ended, and is as long as it says."""
    told, length = request.headers.get("Content-Range"), request.headers.get("Content-Length")
    if told is None:
        return
    match = _RANGE.fullmatch(told)
    if match is None:
        raise _Refused(400, "BLOB_UPLOAD_INVALID", f"the Content-Range must be `first-last`, not {told!r}")
    first, last = int(match[1]), int(match[2])
    if first != upload.size:
        headers = _progress_headers(name, upload)
        raise _Refused(416, "BLOB_UPLOAD_INVALID", f"the next byte must be {upload.size}, not {first}", headers)
    if length is not None and int(length) != last - first + 1:
        raise _Refused(400, "SIZE_INVALID", f"{length} bytes are not the range {told}")


def _digest(text: str) -> str:
    if not DIGEST.fullmatch(text):
        raise _Refused(400, "DIGEST_INVALID", f"{text!r} is not a SHA-256 digest, the only kind that ECR takes")
    return text


def _reference(text: str) -> str:
    """Check a reference: a digest or a tag."""
    if ":" in text:
        return _digest(text)
    if not _TAG.fullmatch(text):
        raise _Refused(400, "TAG_INVALID", f"{text!r} is not a tag: it must match {_TAG.pattern}")
    return text


def _created_blob(name: str, digest: str) -> Response:
    headers = {**_VERSION, "Location": f"/v2/{name}/blobs/{digest}", "Docker-Content-Digest": digest}
    return Response(status_code=201, headers=headers)


def _progress(status: int, name: str, upload: Upload) -> Response:
    return Response(status_code=status, headers=_progress_headers(name, upload))


def _progress_headers(name: str, upload: Upload) -> dict[str, str]:
    """Return where an upload goes on."""
    return {
        **_VERSION,
        "Location": f"/v2/{name}/blobs/uploads/{upload.id}",
        "Docker-Upload-UUID": upload.id,
        "Range": f"0-{max(upload.size - 1, 0)}",
    }


def _page(request: Request, key: str, entries: list[str], head: Mapping[str, Any]) -> Response:
    """Answer with a page of a list in lexical order, and with the address of the next one."""
    asked, last = request.query_params.get("n"), request.query_params.get("last")
    if asked is not None and not re.fullmatch(r"[0-9]{1,9}", asked):
        raise _Refused(400, "PAGINATION_NUMBER_INVALID", f"n must be a number, not {asked!r}")
    size = min(int(asked), _PAGE) if asked is not None else _PAGE
    rest = sorted(entry for entry in entries if last is None or entry > last)
    shown = rest[:size]
    headers = dict(_VERSION)
    if shown and len(rest) > size:
        query = urlencode({"n": size, "last": shown[-1]})
        headers["Link"] = f'<{quote(request.url.path)}?{query}>; rel="next"'
    return JSONResponse({**head, key: shown}, headers=headers)
