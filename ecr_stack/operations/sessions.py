"""AWS sessions with the credentials of an AWS provider of Pulumi: its profile, keys, assumed roles and endpoints.

https://www.pulumi.com/registry/packages/aws/api-docs/provider/
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecr_stack.errors import InvalidInput, Problem, Unavailable
from ecr_stack.operations.ecr import answered, client_config

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
    web_identity: Mapping[str, Any] | None = None
    """A role that is assumed with a token: `roleArn`, `webIdentityToken` or `webIdentityTokenFile`."""
    config_file: str | None = None
    """The shared configuration file, if not `~/.aws/config`."""
    credentials_file: str | None = None
    """The shared credentials file, if not `~/.aws/credentials`."""
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
        web_identity = _structured(own.get("assumeRoleWithWebIdentity"), "aws:assumeRoleWithWebIdentity", dict)
        single = _structured(own.get("assumeRole"), "aws:assumeRole", dict)
        endpoints = _structured(own.get("endpoints"), "aws:endpoints", list) or []
        return cls(
            profile=own.get("profile"),
            access_key=own.get("accessKey"),
            secret_key=own.get("secretKey"),
            token=own.get("token"),
            assume_roles=tuple(map(_by_pulumi_names, (*([single] if single else []), *roles))),
            web_identity=_by_pulumi_names(web_identity) if web_identity else None,
            config_file=_one_file(own, "sharedConfigFiles"),
            credentials_file=_one_file(own, "sharedCredentialsFiles"),
            endpoints={name: url for entry in endpoints for name, url in entry.items()} or None,
        )


def _by_pulumi_names(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """Settings of a provider by the names that Pulumi gives them: Python programs may write `role_arn`."""
    camel = {name: name.split("_") for name in settings}
    return {head + "".join(part.title() for part in rest): settings[name] for name, (head, *rest) in camel.items()}


def _one_file(config: Mapping[str, Any], key: str) -> str | None:
    files = _structured(config.get(key), f"aws:{key}", list) or []
    if len(files) > 1:
        rule, remedy = "ecr-stack reads one such file", "name one file, which has all profiles"
        raise InvalidInput("the stack's configuration", [Problem(f"aws:{key}", files, rule, remedy)])
    return str(files[0]) if files else None


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
    import botocore.session
    from botocore import UNSIGNED
    from botocore.config import Config

    with answered():
        files = botocore.session.Session()
        for variable, file in (("config_file", settings.config_file), ("credentials_file", settings.credentials_file)):
            if file:
                files.set_config_variable(variable, file)
        here = boto3.Session(
            botocore_session=files,
            profile_name=settings.profile,
            aws_access_key_id=settings.access_key,
            aws_secret_access_key=settings.secret_key,
            aws_session_token=settings.token,
            # boto3 alone among the SDKs does not read AWS_REGION
            region_name=region or os.environ.get("AWS_REGION") or None,
        )
        if settings.web_identity:
            sts = client(here, "sts", settings, config=Config(signature_version=UNSIGNED))
            here = _as_role(sts.assume_role_with_web_identity(**_web_identity(settings.web_identity)), here)
        chain = [dict(role) for role in settings.assume_roles] + [{"roleArn": role} for role in roles]
        for role in chain:
            here = _as_role(
                client(here, "sts", settings, patient=patient, timeout=timeout).assume_role(**_role(role)), here
            )
    return here


def _role(role: Mapping[str, Any]) -> dict[str, Any]:
    """A role of a provider as `sts:AssumeRole` takes it."""
    names = {
        "RoleArn": role.get("roleArn"),
        "RoleSessionName": role.get("sessionName") or "ecr-stack",
        "ExternalId": role.get("externalId"),
        "Policy": role.get("policy"),
        "PolicyArns": [{"arn": arn} for arn in role.get("policyArns") or ()],
        "SourceIdentity": role.get("sourceIdentity"),
        "Tags": [{"Key": key, "Value": value} for key, value in (role.get("tags") or {}).items()],
        "TransitiveTagKeys": role.get("transitiveTagKeys"),
    }
    return {name: value for name, value in names.items() if value}


def _web_identity(role: Mapping[str, Any]) -> dict[str, Any]:
    token = role.get("webIdentityToken")
    if not token and role.get("webIdentityTokenFile"):
        try:
            token = Path(role["webIdentityTokenFile"]).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise Unavailable(f"the token in {role['webIdentityTokenFile']} cannot be read: {error}") from None
    return _role(role) | {"WebIdentityToken": token or ""}


def _as_role(answer: Mapping[str, Any], before: Any) -> Any:
    import boto3

    credentials = answer["Credentials"]
    return boto3.Session(
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
        region_name=before.region_name,
    )


def client(
    session: Any,
    service: str,
    settings: ProviderSettings | None = None,
    region: str | None = None,
    *,
    patient: bool = True,
    timeout: float = 60,
    config: Any = None,
) -> Any:
    """Make a client that waits and tries again when AWS is busy.

    Args:
        session: a boto3 session.
        service: e.g. `ecr`.
        settings: the provider's, for its endpoints.
        region: another Region than the session's.
        patient: whether to try again; False for a caller that has a deadline and tries again by itself.
        timeout: how many seconds to wait for a connection and for an answer, each.
        config: what else the client is to be configured with.
    """
    endpoint = (settings.endpoints or {}).get(service) if settings else None
    own = client_config(patient, timeout)
    return session.client(
        service, region_name=region, endpoint_url=endpoint, config=own.merge(config) if config else own
    )
