"""Managed signing: the registry's signing configuration, and what became of the signature of each image.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/managed-signing.html. No signature is made here: an image that a rule
matches is signed at once if its signing profile could be there, that is unless it is known to be canceled.
"""

from __future__ import annotations

from typing import Any

from ecr_stack.aws.names import signing_filter_matches
from ecr_stack.embedded_aws import moto_backend
from ecr_stack.embedded_aws.image_store import StoredImage
from ecr_stack.embedded_aws.request import Request, State

__all__ = ["delete_configuration", "describe_status", "get_configuration", "put_configuration", "sign_on_push"]

Answer = dict[str, Any]

_CONFIGURATION = "signing configuration"
_SIGNATURES = "signature"


def put_configuration(request: Request) -> Answer:
    """Answer `PutSigningConfiguration`."""
    configuration = request.get("signingConfiguration")
    request.state.of(_CONFIGURATION, request.region)["registry"] = configuration
    return {"signingConfiguration": configuration}


def _configuration(request: Request) -> Answer:
    configuration: Answer | None = request.state.of(_CONFIGURATION, request.region).get("registry")
    if configuration is None:
        raise request.refuse(
            "SigningConfigurationNotFoundException",
            f"Signing configuration does not exist in the registry with id '{request.account}'",
        )
    return {"registryId": request.account, "signingConfiguration": configuration}


def get_configuration(request: Request) -> Answer:
    """Answer `GetSigningConfiguration`."""
    return _configuration(request)


def delete_configuration(request: Request) -> Answer:
    """Answer `DeleteSigningConfiguration`."""
    answer = _configuration(request)
    del request.state.of(_CONFIGURATION, request.region)["registry"]
    return answer


def _matches(rule: Answer, repository: str) -> bool:
    filters = rule.get("repositoryFilters")
    return not filters or any(signing_filter_matches(entry["filter"], repository) for entry in filters)


def sign_on_push(state: State, region: str, repository: str, image: StoredImage) -> None:
    """Note the signature of an image that was pushed, one for each profile whose rule matches its repository."""
    configuration = state.of(_CONFIGURATION, region).get("registry") or {"rules": []}
    profiles = [rule["signingProfileArn"] for rule in configuration["rules"] if _matches(rule, repository)]
    if profiles and image.subject is None:
        statuses = [_signed(state.account, region, arn) for arn in dict.fromkeys(profiles)]
        state.contents(region, repository).notes(_SIGNATURES)[image.digest] = statuses


def _signed(account: str, region: str, arn: str) -> Answer:
    if not moto_backend.is_canceled_profile(account, region, arn):
        return {"signingProfileArn": arn, "status": "COMPLETE"}
    # what SignPayload rejects with: https://docs.aws.amazon.com/signer/latest/api/API_SignPayload.html
    reason = "The signing profile is canceled."
    return {
        "signingProfileArn": arn, "status": "FAILED", "failureCode": "ValidationException", "failureReason": reason,
    }  # fmt: skip


def describe_status(request: Request, image: StoredImage) -> Answer:
    """Answer `DescribeImageSigningStatus`."""
    signatures = request.contents.notes(_SIGNATURES)
    return {
        "registryId": request.account,
        "repositoryName": request.get("repositoryName"),
        "imageId": {**request.get("imageId"), "imageDigest": image.digest},
        "signingStatuses": list(signatures.get(image.digest, ())),
    }
