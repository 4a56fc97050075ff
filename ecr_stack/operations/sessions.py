"""AWS sessions with the credentials of an AWS provider of Pulumi: its profile, keys, assumed roles and endpoints.

https://www.pulumi.com/registry/packages/aws/api-docs/provider/
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ecr_stack.errors import InvalidInput, Problem
from ecr_stack.operations.ecr import answered

__all__ = ["ProviderSettings", "client", "session"]


@dataclass(frozen=True)
class ProviderSettings:
    """How a provider gets its credentials, as far as its configuration says."""

    profile: str | None = None
    access_key: str | None = None
    secret_key: str | None = None
    token: str | None = None
    assume_roles: tuple[Mapping[str, Any], ...] = ()
    """Roles that are assumed one after the other: `roleArn`, and what `sts:AssumeRole` takes besides."""
    endpoints: Mapping[str, str] | None = None
    """Addresses of services that are not AWS's own, e.g. `{"ecr": "http://localhost:5000"}`."""

    @classmethod
    def of_config(cls, config: Mapping[str, Any]) -> ProviderSettings:
        """The settings of the default provider.

        Args:
            config: the keys of a stack's configuration in the namespace `aws`, with or without it; maps and lists as JSON.

        Raises:
            InvalidInput: a value is not what the provider takes.
        """
        own = {key.removeprefix("aws:"): value for key, value in config.items()}
        roles = _structured(own.get("assumeRoles"), "aws:assumeRoles", list) or []
        single = _structured(own.get("assumeRole"), "aws:assumeRole", dict)
        endpoints = _structured(own.get("endpoints"), "aws:endpoints", list) or []
        return cls(
            profile=own.get("profile"),
            access_key=own.get("accessKey"),
            secret_key=own.get("secretKey"),
            token=own.get("token"),
            assume_roles=(*([single] if single else []), *roles),
            endpoints={name: url for entry in endpoints for name, url in entry.items()} or None,
        )


def _structured(value: Any, place: str, kind: type) -> Any:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            value = object()
    if value is not None and not isinstance(value, kind):
        problem = Problem(
            place, "…", f"must be a {'list' if kind is list else 'map'}", "write it as the AWS provider takes it"
        )
        raise InvalidInput("the stack's configuration", [problem])
    return value


def session(
    settings: ProviderSettings,
    region: str | None,
    roles: Sequence[str] = (),
    *,
    patient: bool = True,
    timeout: float = 60,
) -> Any:
    """Make a boto3 session.

    Args:
        settings: the provider's.
        region: the Region's code. Default: `AWS_REGION`, then what boto3 knows: `AWS_DEFAULT_REGION` and the profile.
        roles: ARNs of more roles to assume, one after the other.
        patient: as for `client`, for the calls that assume roles.
        timeout: as for `client`.

    Raises:
        Unavailable: there are no credentials, or a role cannot be assumed.
    """
    import boto3

    with answered():
        here = boto3.Session(
            profile_name=settings.profile,
            aws_access_key_id=settings.access_key,
            aws_secret_access_key=settings.secret_key,
            aws_session_token=settings.token,
            # boto3 alone among the SDKs does not read AWS_REGION
            region_name=region or os.environ.get("AWS_REGION") or None,
        )
        chain = [dict(role) for role in settings.assume_roles] + [{"roleArn": role} for role in roles]
        for role in chain:
            names = {
                "RoleArn": role.get("roleArn"),
                "RoleSessionName": role.get("sessionName") or "ecr-stack",
                "ExternalId": role.get("externalId"),
                "Policy": role.get("policy"),
                "SourceIdentity": role.get("sourceIdentity"),
            }
            request = {name: value for name, value in names.items() if value}
            sts = client(here, "sts", settings, patient=patient, timeout=timeout)
            answer = sts.assume_role(**request)["Credentials"]
            here = boto3.Session(
                aws_access_key_id=answer["AccessKeyId"],
                aws_secret_access_key=answer["SecretAccessKey"],
                aws_session_token=answer["SessionToken"],
                region_name=here.region_name,
            )
    return here


def client(
    session: Any,
    service: str,
    settings: ProviderSettings | None = None,
    region: str | None = None,
    *,
    patient: bool = True,
    timeout: float = 60,
) -> Any:
    """Make a client that waits and tries again when AWS is busy.

    Args:
        session: a boto3 session.
        service: e.g. `ecr`.
        settings: the provider's, for its endpoints.
        region: another Region than the session's.
        patient: whether to try again; False for a caller that has a deadline and tries again by itself.
        timeout: how many seconds to wait for a connection and for an answer, each.
    """
    from botocore.config import Config

    # the adaptive mode holds requests back by a clock of its own, past a caller's deadline
    retries = {"mode": "adaptive", "total_max_attempts": 11} if patient else {"total_max_attempts": 1}
    endpoint = (settings.endpoints or {}).get(service) if settings else None
    return session.client(
        service,
        region_name=region,
        endpoint_url=endpoint,
        config=Config(retries=retries, connect_timeout=timeout, read_timeout=timeout),
    )
