"""Live reads from ECR: paged, retried, with AWS's refusals as messages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ecr_stack.errors import EcrStackError, NotFound, Unavailable

__all__ = ["answered", "client", "describe_images"]


def client(region: str | None, profile: str | None = None) -> Any:
    """Make a client of ECR that waits and tries again when ECR is busy.

    Args:
        region: the Region's code; what the AWS configuration says unless given.
        profile: the name of a profile of the AWS configuration; the default one unless given.

    Raises:
        Unavailable: where there is no Region or no credentials.
    """
    # boto3 takes a tenth of a second to import, which commands that do not ask AWS need not wait for
    import boto3
    from botocore.config import Config

    with answered():
        retries = {"mode": "adaptive", "max_attempts": 10}
        session = boto3.Session(profile_name=profile)
        return session.client("ecr", region_name=region, config=Config(retries=retries))


@contextmanager
def answered() -> Iterator[None]:
    """Turn what AWS refuses, or does not answer, into a message."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except EcrStackError:
        raise
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        message = error.response.get("Error", {}).get("Message", str(error))
        if code in ("RepositoryNotFoundException", "LifecyclePolicyNotFoundException"):
            raise NotFound(message) from None
        raise Unavailable(f"ECR refuses: {message} ({code})") from None
    except BotoCoreError as error:
        raise Unavailable(f"AWS cannot be asked: {error}") from None


def describe_images(ecr: Any, repository: str) -> Iterator[dict[str, Any]]:
    """Yield every image of a repository, as `aws ecr describe-images` gives them.

    Raises:
        NotFound: where there is no such repository.
        Unavailable: where ECR does not answer.
    """
    with answered():
        pages = ecr.get_paginator("describe_images").paginate(
            repositoryName=repository, PaginationConfig={"PageSize": 1000}
        )
        for page in pages:
            yield from page["imageDetails"]
