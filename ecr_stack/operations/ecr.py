"""Live reads from ECR: paged, retried, with AWS's errors as messages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ecr_stack.errors import EcrStackError, NotFound, Unavailable

__all__ = ["answered", "client", "client_config", "describe_images"]

_SIGN_IN = (
    "Set AWS_PROFILE, or run `aws sso login` or `aws configure`; in a pipeline, assume a role through OpenID Connect."
)
_BAD_CREDENTIALS = ("ExpiredTokenException", "ExpiredToken", "InvalidClientTokenId", "UnrecognizedClientException")


def client(region: str | None, *, patient: bool = True, timeout: float = 60) -> Any:
    """Make a client of ECR that waits and tries again when ECR is busy.

    Args:
        region: the Region's code; what the AWS configuration says by default.
        patient: whether to try again; False for a caller that has a deadline and tries again by itself.
        timeout: how many seconds to wait for a connection and for an answer, each.

    Raises:
        Unavailable: there is no Region or no credentials.
    """
    # boto3 takes a tenth of a second to import, which commands that do not ask AWS need not wait for
    import boto3

    with answered():
        return boto3.Session().client("ecr", region_name=region, config=client_config(patient, timeout))


def client_config(patient: bool, timeout: float) -> Any:
    """The configuration of a client; the arguments are those of `client`."""
    from botocore.config import Config

    # the adaptive mode holds requests back by a clock of its own, past a caller's deadline
    retries = {"mode": "adaptive", "total_max_attempts": 11} if patient else {"total_max_attempts": 1}
    return Config(retries=retries, connect_timeout=timeout, read_timeout=timeout)


@contextmanager
def answered(service: str = "ECR") -> Iterator[None]:
    """Turn what AWS rejects, or does not answer, into a message.

    Args:
        service: who was asked, in words.
    """
    from botocore.exceptions import (
        BotoCoreError,
        ClientError,
        CredentialRetrievalError,
        LoginError,
        NoCredentialsError,
        PartialCredentialsError,
        SSOError,
        TokenRetrievalError,
    )

    no_credentials = (
        CredentialRetrievalError, LoginError, NoCredentialsError, PartialCredentialsError, SSOError, TokenRetrievalError,
    )  # fmt: skip

    try:
        yield
    except EcrStackError:
        raise
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        message = error.response.get("Error", {}).get("Message", str(error))
        if code in ("RepositoryNotFoundException", "LifecyclePolicyNotFoundException"):
            raise NotFound(message) from None
        advice = f"\n{_SIGN_IN}" if code in _BAD_CREDENTIALS else ""
        raise Unavailable(f"{service} refuses: {message} ({code}){advice}") from None
    except no_credentials as error:
        raise Unavailable(f"AWS cannot be reached without valid credentials: {error}\n{_SIGN_IN}") from None
    except BotoCoreError as error:
        raise Unavailable(f"AWS cannot be reached: {error}") from None


def describe_images(ecr: Any, repository: str) -> Iterator[dict[str, Any]]:
    """Yield every image of a repository, as `aws ecr describe-images` gives them.

    Raises:
        NotFound: there is no such repository.
        Unavailable: ECR does not answer.
    """
    with answered():
        pages = ecr.get_paginator("describe_images").paginate(
            repositoryName=repository,
            # without it, ECR leaves archived images out, which rules can expire as well
            filter={"imageStatus": "ANY"},
            PaginationConfig={"PageSize": 1000},
        )
        for page in pages:
            yield from page["imageDetails"]
