"""The AWS API models of botocore, loaded once a process."""

from __future__ import annotations

import os
from functools import cache, lru_cache

import botocore.session
from botocore.exceptions import EndpointConnectionError
from botocore.model import OperationModel, ServiceModel

from ecr_stack.errors import Unavailable

__all__ = ["SERVICES", "check_region", "describe_region", "operation", "service", "service_labels"]

SERVICES = (
    "budgets", "ce", "chatbot", "cloudwatch", "ecr", "ecr-public", "events", "iam", "inspector2", "kms", "secretsmanager", "signer",
    "sns", "sqs", "sts",
)  # fmt: skip
"""The AWS services that are embedded."""


@lru_cache(maxsize=1)
def session() -> botocore.session.Session:
    """Return a session that knows the API models, and nothing of the user."""
    # the user's profile and configuration are none of its business, and may be broken
    nothing = (None, None, os.devnull, None)
    variables = {"profile": (None, None, None, None), "config_file": nothing, "credentials_file": nothing}
    return botocore.session.Session(session_vars=variables)


@cache
def service(name: str) -> ServiceModel:
    """Return the API model of a service.

    Raises:
        Unavailable: the service is not embedded.
    """
    if name not in SERVICES:
        raise Unavailable(f"the embedded AWS has no service `{name}`; it has {', '.join(SERVICES)}")
    return session().get_service_model(name)


@cache
def operation(service_name: str, name: str) -> OperationModel:
    """Return the API model of an operation, e.g. `("ecr", "CreateRepository")`.

    Raises:
        Unavailable: AWS has no such operation, or the service is not embedded.
    """
    model = service(service_name)
    if name not in model.operation_names:
        raise Unavailable(f"the API of {service_name} has no operation `{name}`")
    return model.operation_model(name)


@cache
def service_labels() -> frozenset[str]:
    """Return the names of every AWS service, of the SDKs and of their endpoints, e.g. `codebuild`, `states`."""
    known = session()
    partitions = known.get_data("endpoints")["partitions"]
    endpoints = {label for partition in partitions for name in partition["services"] for label in name.split(".")}
    return frozenset(endpoints | set(known.get_available_services()))


@cache
def _regions() -> frozenset[str]:
    known = session()
    return frozenset(
        region
        for partition in known.get_available_partitions()
        for region in known.get_available_regions("ecr", partition_name=partition)
    )


def check_region(region: str) -> None:
    """Reject a region that AWS does not have, as an SDK would: there is no such host.

    Raises:
        botocore.exceptions.EndpointConnectionError: there is no such region.
    """
    if region not in _regions():
        raise EndpointConnectionError(endpoint_url=f"https://api.ecr.{region}.amazonaws.com/")


def describe_region(region: str) -> str | None:
    """Return the name of a region in words, e.g. `Europe (Ireland)`, or `None` where there is no such region."""
    for partition in session().get_data("endpoints")["partitions"]:
        if region in partition["regions"]:
            return str(partition["regions"][region]["description"])
    return None
