"""What repositories hold: their images and the lifecycle policy in force, read from ECR or from files in a folder.

`describe-images` does not say what a manifest list refers to, and `BatchGetImage`, which does, counts as a pull: it
would move the very times by which images are judged (https://github.com/aws/containers-roadmap/issues/2390). So
nothing here asks for manifests.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecr_stack.aws.lifecycle import Document, Image, parse_document, parse_images
from ecr_stack.errors import InvalidInput, NotFound, Problem
from ecr_stack.operations.ecr import answered, describe_images

__all__ = ["Holding", "read_file", "read_folder", "read_live", "unclaimed"]

# Clients of boto3 may be shared by threads; more of them only make ECR slow everyone down.
_AT_ONCE = 8


@dataclass(frozen=True)
class Holding:
    """One repository as it stands."""

    repository: str
    images: tuple[Image, ...] = ()
    policy: Document | None = None
    """The lifecycle policy in force; nothing if there is none, or where it is not known."""
    missing: str | None = None
    """Why there is nothing to read, a clause without a full stop; nothing where there was."""


def read_live(
    ecr: Any, repositories: Sequence[str], progress: Callable[[str, int], None] = lambda _name, _images: None
) -> list[Holding]:
    """Read repositories from ECR, page by page, several at once.

    Needs `ecr:DescribeImages` and `ecr:GetLifecyclePolicy`.

    Args:
        ecr: a client of ECR.
        repositories: their names.
        progress: called from other threads with a name and how many images of it were read, at every page and once more
            with -1 when the repository is read.

    Returns:
        One for each name, in their order.

    Raises:
        Unavailable: ECR does not respond, or rejects the request.
        InvalidInput: a policy in force cannot be read.
    """

    def read(repository: str) -> Holding:
        holding = _live(ecr, repository, progress)
        progress(repository, -1)
        return holding

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(read, repositories))


def _live(ecr: Any, repository: str, progress: Callable[[str, int], None]) -> Holding:
    details: list[dict[str, Any]] = []
    try:
        for entry in describe_images(ecr, repository):
            details.append(entry)
            if len(details) % 1000 == 0:
                progress(repository, len(details))
    except NotFound:
        return Holding(repository, missing="the repository does not exist yet")
    policy = None
    try:
        with answered():
            policy = ecr.get_lifecycle_policy(repositoryName=repository)["lifecyclePolicyText"]
    except NotFound:
        pass
    images = parse_images({"imageDetails": details}, source=f"the images of {repository}")
    return Holding(repository, tuple(images), _policy(policy, f"the policy in force of {repository}"))


def read_folder(folder: Path, repositories: Sequence[str]) -> list[Holding]:
    """Read repositories from files in a folder.

    `NAME.json` is what `aws ecr describe-images --output json` prints, `NAME.policy.json` the policy in force: the
    document itself or what `aws ecr get-lifecycle-policy` prints. A `/` in a name makes a subfolder. A repository without
    a file has no images.

    Returns:
        One for each name, in their order.

    Raises:
        NotFound: there is no such folder.
        InvalidInput: a file cannot be read.
    """
    if not folder.is_dir():
        raise NotFound(f"{folder} is not a folder")
    return [_from_files(folder, name, known=repositories) for name in repositories]


def _from_files(folder: Path, repository: str, known: Sequence[str]) -> Holding:
    images, policy = folder / f"{repository}.json", folder / f"{repository}.policy.json"
    document = None
    # a repository may be called `api.policy`
    if f"{repository}.policy" not in known and policy.is_file():
        document = _policy(_text(policy), str(policy))
    if not images.is_file():
        return Holding(repository, policy=document, missing=f"there is no file {images}")
    return Holding(repository, tuple(read_file(images)), document)


def read_file(path: Path) -> list[Image]:
    """Read the images of one repository from a file.

    Raises:
        NotFound: it cannot be read.
        InvalidInput: it is not what `aws ecr describe-images` prints.
    """
    return parse_images(_text(path), source=str(path))


def unclaimed(folder: Path, repositories: Iterable[str]) -> list[str]:
    """Name the JSON files of a folder that belong to none of the repositories, e.g. for a typing error."""
    own = {f"{name}{end}" for name in repositories for end in (".json", ".policy.json")}
    return sorted(name for path in folder.rglob("*.json") if (name := path.relative_to(folder).as_posix()) not in own)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        problem = Problem("(the file)", None, "the file is not text in UTF-8", "save it as UTF-8")
        raise InvalidInput(str(path), [problem]) from None
    except OSError as error:
        raise NotFound(f"{path} cannot be read: {error.strerror}") from None


def _policy(text: str | None, source: str) -> Document | None:
    if text is None:
        return None
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        data = None
    # what `aws ecr get-lifecycle-policy` prints has the document in it as a text
    if isinstance(data, Mapping) and isinstance(data.get("lifecyclePolicyText"), str):
        text = data["lifecyclePolicyText"]
    return parse_document(text, source=source)
