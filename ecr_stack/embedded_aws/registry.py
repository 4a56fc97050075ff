"""The registry of one account and Region as an OCI registry needs it: manifests, layers, uploads, mounts, tags.

This is what an implementation of the OCI distribution protocol is built on. It holds the account's lock for each call, but
not while bytes of a layer are written or read. Refusals are AWS's, as `botocore.exceptions.ClientError`: codes such as
`RepositoryNotFoundException`, `ImageTagAlreadyExistsException`, `LayersNotFoundException`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from hashlib import sha256
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from ecr_stack.embedded_aws import moto_backend, pull_through
from ecr_stack.embedded_aws.image_store import RepositoryContents, StoredImage, Upload
from ecr_stack.embedded_aws.repositories import create_for, is_immutable, matching_template, tag_is_immutable
from ecr_stack.embedded_aws.request import State

__all__ = ["Registry"]


class Registry:
    """The images and layers of one registry; made by `EmbeddedAws.registry`."""

    def __init__(
        self, state: State, region: str, lock: AbstractContextManager[Any], call: Callable[..., dict[str, Any]]
    ) -> None:
        self._state, self.region, self._lock, self._call = state, region, lock, call

    @property
    def account(self) -> str:
        """The registry's id."""
        return self._state.account

    def repositories(self) -> list[str]:
        """Return the names of the repositories, in alphabetical order."""
        with self._lock:
            return sorted(moto_backend.ecr_state(self.account, self.region).repositories)

    def exists(self, repository: str) -> bool:
        """Whether there is a repository of this name."""
        with self._lock:
            return repository in moto_backend.ecr_state(self.account, self.region).repositories

    def create_on_push(self, repository: str) -> bool:
        """Make a repository that is pushed to, if it is missing and a template for `CREATE_ON_PUSH` matches.

        https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-creation-templates.html

        Returns:
            Whether the repository exists now.

        Raises:
            botocore.exceptions.ClientError: it cannot be made as its template says.
        """
        with self._lock:
            if self.exists(repository):
                return True
            if matching_template(self._state, self.region, repository, "CREATE_ON_PUSH") is None:
                return False
            create_for(self._state, self.region, repository, "CREATE_ON_PUSH")
            return True

    def _contents(self, repository: str) -> RepositoryContents:
        if not self.exists(repository):
            # let the API say it
            self._call("ecr", "ListImages", {"repositoryName": repository}, self.region)
        return self._state.images(self.region).repository(repository)

    def put_image(
        self, repository: str, manifest: str, media_type: str, tag: str | None = None, digest: str | None = None
    ) -> str:
        """Put a manifest as `PutImage` does, and give its digest.

        The same again is no error, as in a docker push, unless the tag is immutable: ECR rejects that too
        (https://github.com/aws/containers-roadmap/issues/2380).

        Args:
            repository: its name; made by `create_on_push` if it is missing.
            manifest: the text, byte for byte.
            media_type: of the manifest.
            tag: the tag that it is pushed with, if any.
            digest: the digest that it is pushed by, if any.

        Raises:
            botocore.exceptions.ClientError: as `PutImage`, except for `ImageAlreadyExistsException`.
        """
        self.create_on_push(repository)
        asked = {"repositoryName": repository, "imageManifest": manifest, "imageManifestMediaType": media_type}
        optional = {"imageTag": tag, "imageDigest": digest}
        asked.update({name: value for name, value in optional.items() if value is not None})
        try:
            answer = self._call("ecr", "PutImage", asked, self.region)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ImageAlreadyExistsException":
                raise
            with self._lock:
                held = moto_backend.ecr_state(self.account, self.region).repositories[repository]
                if tag is not None and is_immutable(held, tag):
                    raise tag_is_immutable(repository, tag) from None
            return f"sha256:{sha256(manifest.encode()).hexdigest()}"
        return str(answer["image"]["imageId"]["imageDigest"])

    def get_image(self, repository: str, reference: str) -> StoredImage | None:
        """Return the image that a tag or digest (`sha256:…`) names, as a pull: its time is recorded, caches are filled.

        Images in the archive are not found.

        Raises:
            botocore.exceptions.ClientError: there is no such repository, or its upstream cannot be asked.
        """
        key = "imageDigest" if reference.startswith("sha256:") else "imageTag"
        asked = {"repositoryName": repository, "imageIds": [{key: reference}]}
        with self._lock:
            found = self._call("ecr", "BatchGetImage", asked, self.region)["images"]
            return self._contents(repository).images[found[0]["imageId"]["imageDigest"]] if found else None

    def delete_image(self, repository: str, reference: str) -> list[dict[str, Any]]:
        """Delete by tag or digest as `BatchDeleteImage` does, and give its failures."""
        key = "imageDigest" if reference.startswith("sha256:") else "imageTag"
        asked = {"repositoryName": repository, "imageIds": [{key: reference}]}
        failures: list[dict[str, Any]] = self._call("ecr", "BatchDeleteImage", asked, self.region)["failures"]
        return failures

    def tags(self, repository: str) -> list[str]:
        """Return the tags of a repository's active images, in alphabetical order."""
        with self._lock:
            contents = self._contents(repository)
            return sorted(tag for tag, digest in contents.tags.items() if contents.images[digest].status == "ACTIVE")

    def referrers(self, repository: str, digest: str) -> list[StoredImage]:
        """Return the images that name an image as their subject."""
        with self._lock:
            return [image for image in self._contents(repository).referrers(digest) if image.status == "ACTIVE"]

    def layer(self, repository: str, digest: str) -> tuple[Path, int] | None:
        """Return the file and the size in bytes of a layer of a repository."""
        with self._lock:
            size = self._contents(repository).layers.get(digest)
            return None if size is None else (self._state.layers.path(digest), size)

    def mount(self, repository: str, source: str, digest: str) -> bool:
        """Take a layer over from another repository, if the account setting `BLOB_MOUNTING` allows it and it is there.

        https://docs.aws.amazon.com/AmazonECR/latest/userguide/blob-mounting.html
        """
        with self._lock:
            contents = self._contents(repository)
            setting = self._state.of("account setting", self.region).get("BLOB_MOUNTING", "DISABLED")
            held = self._state.images(self.region).repository(source).layers.get(digest)
            if setting != "ENABLED" or held is None or not self.exists(source):
                return False
            contents.layers.setdefault(digest, held)
            return True

    def start_upload(self, repository: str) -> Upload:
        """Begin the upload of a layer; the repository is made by `create_on_push` if it is missing."""
        self.create_on_push(repository)
        with self._lock:
            self._contents(repository)
            return self._state.layers.start(f"{self.region}/{repository}")

    def upload(self, repository: str, id_: str) -> Upload | None:
        """Find an upload that is under way. Bytes go into it by `Upload.append`; `Upload.size` have come."""
        with self._lock:
            found = self._state.layers.uploads.get(id_)
            return found if found is not None and found.repository == f"{self.region}/{repository}" else None

    def finish_upload(self, repository: str, upload: Upload) -> None:
        """Keep a layer under `Upload.digest`, which the caller has held against the one that the client named."""
        with self._lock:
            contents = self._contents(repository)
            self._state.layers.finish(upload)
            contents.layers[upload.digest] = upload.size

    def cancel_upload(self, upload: Upload) -> None:
        """Drop an upload."""
        with self._lock:
            self._state.layers.cancel(upload)

    def put_layer(self, repository: str, chunks: Iterable[bytes]) -> str:
        """Upload a whole layer, and give its digest."""
        upload = self.start_upload(repository)
        upload.append(chunks)
        self.finish_upload(repository, upload)
        return upload.digest

    def import_image(self, repository: str, reference: str) -> StoredImage | None:
        """Fetch an image of a pull through cache; see `pull_through.import_image`. `get_image` does so by itself."""
        with self._lock:
            return pull_through.import_image(self._state, self.region, repository, reference)
