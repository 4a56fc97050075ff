"""The pull through cache: images that are fetched from an upstream registry when they are asked for.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache.html. Nothing is fetched from the Internet: an
upstream is either the registry of another embedded account or Region, or a URL that `EmbeddedAws.use_upstream` names in
its place.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, build_opener
from urllib.request import Request as HttpRequest

from botocore.exceptions import ClientError

from ecr_stack.embedded_aws import moto_backend, replication, scanning
from ecr_stack.embedded_aws.aws_errors import refusal
from ecr_stack.embedded_aws.image_store import INDEX_MEDIA_TYPES, StoredImage, read_manifest
from ecr_stack.embedded_aws.repositories import create_for, is_immutable
from ecr_stack.embedded_aws.request import Request, State

__all__ = ["import_image", "matching_rule", "refresh", "validate_rule"]

Answer = dict[str, Any]

_RULES = "pull through cache rule"
_CHECKED = "pull through cache check"
# "Amazon ECR checks the upstream registry for a new version of the tag once every 24 hours"
_CHECK_INTERVAL = timedelta(hours=24)
_ECR_URL = re.compile(r"(?P<account>[0-9]{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?")
_ACCEPTED = ", ".join(
    sorted(
        INDEX_MEDIA_TYPES
        | {
            "application/vnd.docker.distribution.manifest.v2+json",
            "application/vnd.oci.image.manifest.v1+json",
        }
    )
)
_SECONDS = 30
_CHUNK = 1 << 20


def matching_rule(state: State, region: str, repository: str) -> Answer | None:
    """Return the pull through cache rule of a repository's namespace: the longest prefix, or `ROOT`."""
    rules: dict[str, Answer] = state.of(_RULES, region)
    prefixes = [prefix for prefix in rules if repository.startswith(prefix.rstrip("/") + "/")]
    return rules[max(prefixes, key=len)] if prefixes else rules.get("ROOT")


def _upstream_name(rule: Answer, repository: str) -> str:
    prefix, upstream = rule["ecrRepositoryPrefix"], rule.get("upstreamRepositoryPrefix", "ROOT")
    name = repository if prefix == "ROOT" else repository[len(prefix.rstrip("/")) + 1 :]
    return name if upstream == "ROOT" else f"{upstream.rstrip('/')}/{name}"


def refresh(request: Request, reference: str | None) -> None:
    """Fetch an image that a pull asks for, if a rule says where from: once if by digest, once in 24 hours if by tag.

    Raises:
        botocore.exceptions.ClientError: the upstream cannot be asked, and there is no image of an earlier time.
    """
    repository = request.get("repositoryName")
    if reference is None or matching_rule(request.state, request.region, repository) is None:
        return
    import_image(request.state, request.region, repository, reference)


def import_image(state: State, region: str, repository: str, reference: str) -> StoredImage | None:
    """Return an image of a pull through cache, fetched from its upstream unless it is here and fresh.

    The repository is made, if need be, from a template for `PULL_THROUGH_CACHE` or by ECR's defaults.

    Args:
        state: of the account.
        region: where the cache is.
        repository: the whole name of the repository, the rule's prefix included.
        reference: a tag, or a digest (`sha256:…`).

    Returns:
        The image, or None if no rule is for the repository or the upstream has no such image.

    Raises:
        botocore.exceptions.ClientError: `UnableToGetUpstreamImageException`, the upstream cannot be asked.
    """
    rule = matching_rule(state, region, repository)
    if rule is None:
        return None
    contents = state.images(region).repository(repository)
    is_digest = reference.startswith("sha256:")
    held = contents.find(digest=reference) if is_digest else contents.find(tag=reference)
    checked = contents.notes(_CHECKED).get(reference)
    if held is not None and (is_digest or (checked is not None and state.now() - checked < _CHECK_INTERVAL)):
        return held
    name = _upstream_name(rule, repository)
    try:
        source = _source(state, rule, name)
        fetched = source.manifest(reference)
        if fetched is None:
            return held
        if repository not in moto_backend.ecr_state(state.account, region).repositories:
            create_for(state, region, repository, "PULL_THROUGH_CACHE")
        image = _store(state, region, repository, source, *fetched)
    except (URLError, OSError, ValueError, ClientError) as error:
        if held is not None:
            return held
        raise refusal(
            "BatchGetImage",
            "UnableToGetUpstreamImageException",
            f"The image '{name}:{reference}' could not be pulled from {rule['upstreamRegistryUrl']}: {error}",
        ) from None
    contents.notes(_CHECKED)[reference] = state.now()
    moto_repository = moto_backend.ecr_state(state.account, region).repositories[repository]
    tag = None if is_digest else reference
    if tag and image.digest != contents.tags.get(tag):
        if tag in contents.tags and is_immutable(moto_repository, tag):
            return contents.find(tag=tag)
        contents.tag(image, tag)
    scanning.scan_on_push(state, region, repository, image)
    replication.replicate(state, region, repository, image, tag)
    return image


def _store(
    state: State, region: str, repository: str, source: _HttpSource | _EcrSource, text: str, media_type: str
) -> StoredImage:
    contents = state.images(region).repository(repository)
    digest = f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
    if digest in contents.images:
        return contents.images[digest]
    manifest = read_manifest(text)
    for child in manifest["references"]:
        fetched = source.manifest(child)
        if fetched is not None:
            _store(state, region, repository, source, *fetched)
    for layer in manifest["layers"]:
        if layer not in contents.layers:
            upload = state.layers.start(f"{region}/{repository}")
            upload.append(source.layer(layer))
            if upload.digest != layer:
                state.layers.cancel(upload)
                raise ValueError(f"the layer {layer} of the upstream has the digest {upload.digest}")
            state.layers.finish(upload)
            contents.layers[layer] = upload.size
    image = StoredImage(digest, text, pushed_at=state.now(), **{**manifest, "media_type": media_type})
    contents.add(image)
    return image


class _HttpSource:
    """An upstream that speaks the OCI distribution protocol, without a login."""

    def __init__(self, url: str, name: str) -> None:
        self._base = f"{url.rstrip('/')}/v2/{name}"

    def _open(self, path: str, accept: str) -> Any:
        request = HttpRequest(f"{self._base}/{path}", headers={"Accept": accept})
        # a proxy of the environment would look for a loopback address on its own machine
        return build_opener(ProxyHandler({})).open(request, timeout=_SECONDS)

    def manifest(self, reference: str) -> tuple[str, str] | None:
        try:
            with self._open(f"manifests/{reference}", _ACCEPTED) as answer:
                text = answer.read().decode()
                media_type = answer.headers.get("Content-Type") or json.loads(text).get("mediaType", "")
                return text, media_type.partition(";")[0]
        except HTTPError as error:
            if error.code == 404:
                return None
            raise

    def layer(self, digest: str) -> Iterator[bytes]:
        with self._open(f"blobs/{digest}", "*/*") as answer:
            while chunk := answer.read(_CHUNK):
                yield chunk


class _EcrSource:
    """The registry of an embedded account as an upstream."""

    def __init__(self, state: State, region: str, name: str) -> None:
        self._layers = state.layers
        self._contents = state.images(region).repository(name)

    def manifest(self, reference: str) -> tuple[str, str] | None:
        is_digest = reference.startswith("sha256:")
        image = self._contents.find(**({"digest": reference} if is_digest else {"tag": reference}))
        return (image.manifest, image.media_type) if image is not None and image.status == "ACTIVE" else None

    def layer(self, digest: str) -> Iterator[bytes]:
        with self._layers.path(digest).open("rb") as file:
            while chunk := file.read(_CHUNK):
                yield chunk


def _source(state: State, rule: Answer, name: str) -> _HttpSource | _EcrSource:
    url = rule["upstreamRegistryUrl"].removeprefix("https://").rstrip("/")
    if url in state.upstreams:
        return _HttpSource(state.upstreams[url], name)
    ecr = _ECR_URL.fullmatch(url)
    if ecr is None or ecr["account"] not in state.accounts:
        raise ValueError("nothing stands in for this upstream; name its URL with `use_upstream`")
    return _EcrSource(state.accounts[ecr["account"]], ecr["region"], name)


def validate_rule(request: Request) -> Answer:
    """Answer `ValidatePullThroughCacheRule`: whether the secret of the rule holds a login.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache-creating-secret.html: the secret is JSON with
    `username` and `accessToken`. Whether the upstream takes them is not known here.
    """
    prefix = request.get("ecrRepositoryPrefix")
    rule: Answer | None = request.state.of(_RULES, request.region).get(prefix)
    if rule is None:
        raise request.refuse(
            "PullThroughCacheRuleNotFoundException",
            f"The pull through cache rule with the prefix '{prefix}' does not exist in the registry '{request.account}'",
        )
    failure = _secret_failure(request, rule.get("credentialArn"))
    shown = (
        "ecrRepositoryPrefix", "upstreamRegistryUrl", "credentialArn", "customRoleArn", "upstreamRepositoryPrefix",
    )  # fmt: skip
    known = {name: rule[name] for name in shown if name in rule}
    return {
        "registryId": request.account,
        **known,
        "isValid": failure is None,
        **({"failure": failure} if failure else {}),
    }


def _secret_failure(request: Request, arn: str | None) -> str | None:
    if arn is None:
        return None
    text = moto_backend.secret_text(request.account, request.region, arn)
    if text is None:
        return "The secret could not be retrieved"
    try:
        secret = json.loads(text)
    except ValueError:
        return "The secret is not JSON"
    missing = {"username", "accessToken"} - set(secret if isinstance(secret, dict) else ())
    return f"The secret has no {' and no '.join(sorted(missing))}" if missing else None
