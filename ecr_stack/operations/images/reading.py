"""Reading the images of live repositories, several repositories at once, one after the other to the reader.

Needs `ecr:DescribeImages`, and `ecr:BatchGetImage` for what indexes list: ECR records that as a pull of the index.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field

from ecr_stack.errors import EcrStackError
from ecr_stack.operations.images.catalogue import CataloguedImage, Manifest, catalogue, read_index, read_manifest
from ecr_stack.operations.live_registry import LiveRegistry, in_order

__all__ = ["RepositoryImages", "read_repositories", "read_repository"]


@dataclass(frozen=True)
class RepositoryImages:
    """What one repository holds."""

    repository: str
    images: list[CataloguedImage] = field(default_factory=list)
    fetched: int = 0
    """How many indexes were fetched, each of which ECR records as a pull."""
    problem: str | None = None
    """Why it could not be read."""


def read_repository(
    registry: LiveRegistry,
    repository: str,
    *,
    manifests: bool = True,
    only: Collection[str] | None = None,
    progress: Callable[[str, int], None] = lambda _repository, _images: None,
) -> RepositoryImages:
    """Read one repository.

    Args:
        registry: whose it is.
        repository: its name.
        manifests: whether to fetch what indexes list.
        only: of which indexes. Default: all.
        progress: called with how many manifests were read so far.

    Raises:
        NotFound: no such repository.
        Unavailable: ECR rejects the request, or does not respond.
    """
    found: list[Manifest] = []
    for details in registry.images(repository):
        found.append(read_manifest(details))
        if len(found) % 1000 == 0:
            progress(repository, len(found))
    # An archived image cannot be fetched; what it lists is not known.
    indexes = [each.digest for each in found if each.is_index and each.status == "ACTIVE"] if manifests else []
    fetched = registry.manifests(repository, [each for each in indexes if only is None or each in only])
    listed = {digest: read_index(each["imageManifest"]) for digest, each in fetched.items()}
    return RepositoryImages(repository, catalogue(repository, found, listed), len(fetched))


def read_repositories(
    registry: LiveRegistry,
    repositories: Iterable[str],
    *,
    manifests: bool = True,
    progress: Callable[[str, int], None] = lambda _repository, _images: None,
) -> Iterator[RepositoryImages]:
    """Read repositories, and yield them in their order. One that cannot be read says why in `problem`."""

    def read(repository: str) -> RepositoryImages:
        try:
            return read_repository(registry, repository, manifests=manifests, progress=progress)
        except EcrStackError as error:
            return RepositoryImages(repository, problem=str(error))
        finally:
            progress(repository, -1)

    return in_order(read, repositories)
