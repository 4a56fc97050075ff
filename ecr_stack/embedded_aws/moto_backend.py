"""moto behind one door: one request in, one answer out, without patching anything in the process.

moto's `mock_aws` patches botocore and boto3 for everyone in the process. Its request handlers need none of that: they take
an HTTP request and give an HTTP response. So botocore's serializer writes the request, the handler answers it, and
botocore's parser reads the answer; nothing is signed, sent, or looked up.

Every private name of moto that ecr-stack relies on is used here, or is an attribute of the objects that `ecr_state`,
`kms_state` and `iam_state` give; `tests/embedded_aws/test_moto_backend.py` holds them against the installed version. A
service of moto is imported when it is first asked for: all of them together cost seconds.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any
from unittest import mock
from urllib.parse import urlencode

from botocore.exceptions import ClientError
from botocore.model import OperationModel
from botocore.parsers import ResponseParser, create_parser
from botocore.serialize import Serializer, create_serializer
from werkzeug.exceptions import HTTPException

from ecr_stack.aws.names import REPOSITORY_NAME, partition_of
from ecr_stack.embedded_aws import api_model
from ecr_stack.errors import Unavailable

if TYPE_CHECKING:
    from moto.ecr.models import ECRBackend
    from moto.iam.models import IAMBackend
    from moto.kms.models import KmsBackend

__all__ = [
    "MOTO_VERSIONS",
    "RESPONSES",
    "answer",
    "aws_managed_policy",
    "budgets",
    "ecr_state",
    "event_matches",
    "every_repository_name",
    "forget",
    "has_secret",
    "held",
    "hold",
    "iam_state",
    "is_canceled_profile",
    "kms_state",
    "make_secret",
    "secret_text",
]

MOTO_VERSIONS = ("5.2.5", "5.3")
"""The versions that this adapter was checked on: from the first one, up to the second one."""

RESPONSES = {
    "budgets": "BudgetsResponse",
    "ce": "CostExplorerResponse",
    "cloudwatch": "CloudWatchResponse",
    "ecr": "ECRResponse",
    "events": "EventsHandler",
    "iam": "IamResponse",
    "inspector2": "Inspector2Response",
    "kms": "KmsResponse",
    "secretsmanager": "SecretsManagerResponse",
    "signer": "SignerResponse",
    "sns": "SNSResponse",
    "sqs": "SQSResponse",
    "sts": "TokenResponse",
}
"""The services that moto answers, each with the class of `moto.SERVICE.responses` that does."""

_GLOBAL = frozenset({"budgets", "ce", "iam", "sts"})
_loaded: dict[str, Any] = {}
_lock = threading.RLock()


@contextmanager
def _one_session() -> Iterator[None]:
    """Let moto use one session, with the data of `api_model`: its own take time, and read the user's AWS configuration."""
    with mock.patch("moto.core.base_backend.Session", _session), mock.patch("moto.core.utils.Session", _session):
        yield


@cache
def _session() -> Any:
    import boto3

    return boto3.Session(botocore_session=api_model.session())


def _backends(service: str) -> Any:
    """Return moto's `BackendDict` of a service: account → Region (or partition) → state."""
    backends = _loaded.get(service)
    if backends is None:
        with _lock:
            backends = getattr(import_module(f"moto.{service}.models"), f"{service}_backends")
            _loaded[service] = backends
    return backends


def _state(service: str, account: str, region: str) -> Any:
    backends = _backends(service)
    if account not in backends:
        with _lock, _one_session():
            # made when it is asked for; it looks the service's Regions up
            backends[account]
            _service_name("core")
            _service_name(service)
    return backends[account][partition_of(region) if service in _GLOBAL else region]


@cache
def _service_name(package: str) -> str:
    """Let moto look up, and keep, what it asks a boto3 session for with its first refusal."""
    from moto.core.utils import service_name_from_moto_package_name

    return str(service_name_from_moto_package_name(package))


def ecr_state(account: str, region: str) -> ECRBackend:
    """Return moto's registry of an account and Region."""
    state: ECRBackend = _state("ecr", account, region)
    return state


def kms_state(account: str, region: str) -> KmsBackend:
    """Return moto's keys of an account and Region."""
    state: KmsBackend = _state("kms", account, region)
    return state


def iam_state(account: str, region: str) -> IAMBackend:
    """Return moto's users, roles and policies of an account."""
    state: IAMBackend = _state("iam", account, region)
    return state


def has_secret(account: str, region: str, arn: str) -> bool:
    """Whether Secrets Manager has a secret that is not deleted."""
    secret = _state("secretsmanager", account, region).secrets.get(arn)
    return secret is not None and not secret.is_deleted()


def make_secret(account: str, region: str, name: str, arn: str) -> bool:
    """Let Secrets Manager have a secret with an ARN of one's own and no value, and tell whether it did not have it."""
    state = _state("secretsmanager", account, region)
    if arn in state.secrets:
        return False
    state.create_secret(name, None, None, None, None, None, None, [], False)
    state.secrets.get(name).arn = arn
    return True


def secret_text(account: str, region: str, arn: str) -> str | None:
    """Return the text of a secret of Secrets Manager, if there is one."""
    if not has_secret(account, region, arn):
        return None
    secret = _state("secretsmanager", account, region).secrets.get(arn)
    version = secret.versions.get(secret.default_version_id) or {}
    text = version.get("secret_string")
    return text if isinstance(text, str) else None


def budgets(account: str, region: str) -> Any:
    """Return moto's budgets of an account, by name."""
    return _state("budgets", account, region).budgets[account]


def is_canceled_profile(account: str, region: str, arn: str) -> bool:
    """Whether a profile of AWS Signer is known to be canceled; one that no one made is not."""
    profile = _state("signer", account, region).signing_profiles.get(arn.rpartition("/")[2])
    return profile is not None and profile.arn == arn and profile.status == "Canceled"


def event_matches(pattern: str, event: Any) -> bool:
    """Whether an event matches a pattern of EventBridge, as moto's rules read it."""
    from moto.events.models import EventPattern

    return bool(EventPattern.load(pattern).matches_event(event))


@contextmanager
def every_repository_name() -> Iterator[None]:
    """Let moto take the repository names that ECR takes: its own pattern rejects `a__b` and `a--b`."""
    import moto.ecr.models

    with mock.patch.object(moto.ecr.models, "ECR_REPOSITORY_NAME_PATTERN", REPOSITORY_NAME.pattern):
        yield


@cache
def _aws_policies() -> dict[str, Any]:
    from moto.iam.aws_managed_policies import aws_managed_policies_data

    return dict(json.loads(aws_managed_policies_data))


def aws_managed_policy(account: str, region: str, arn: str) -> None:
    """Let moto know one policy of AWS's own: knowing all of them costs it seconds."""
    from moto.iam.models import AWSManagedPolicy

    state = iam_state(account, region)
    name = arn.rpartition("/")[2]
    data = _aws_policies().get(name)
    if data and arn not in state.managed_policies:
        policy = AWSManagedPolicy.from_data(name, account, partition_of(region), data)
        if policy.arn == arn:
            state.managed_policies[arn] = policy


def held(account: str) -> dict[str, dict[str, Any]]:
    """Return everything that moto holds for an account: service → Region or partition → state."""
    return {service: dict(backends[account]) for service, backends in _loaded.items() if account in backends}


def hold(account: str, states: Mapping[str, Mapping[str, Any]]) -> None:
    """Let moto hold what `held` gave."""
    for service, by_region in states.items():
        for region, state in by_region.items():
            _state(service, account, region)
            _loaded[service][account][region] = state


def forget(account: str) -> None:
    """Drop everything that moto holds for an account."""
    for backends in list(_loaded.values()):
        backends.pop(account, None)


@cache
def _written_in(protocol: str) -> tuple[Serializer, ResponseParser]:
    return create_serializer(protocol, include_validation=False), create_parser(protocol)


@cache
def _responses(service: str) -> Any:
    return getattr(import_module(f"moto.{service}.responses"), RESPONSES[service])


def answer(
    model: OperationModel, parameters: dict[str, Any], account: str, region: str, access_key: str = "EMBEDDED"
) -> dict[str, Any]:
    """Let moto answer a request, with parameters and answer shaped as boto3's.

    Raises:
        botocore.exceptions.ClientError: moto rejects the request.
        Unavailable: moto does not have the operation.
    """
    from moto.core.request import Request

    service = model.service_model
    missing = f"the embedded AWS does not have the operation {service.service_name}:{model.name}"
    if service.service_name not in RESPONSES:
        raise Unavailable(missing)
    _state(service.service_name, account, region)
    protocol = "json" if "json" in service.metadata.get("protocols", ()) else service.protocol
    serializer, parser = _written_in(protocol)
    written = serializer.serialize_to_request(parameters, model)
    body = written["body"]
    headers = {
        **written["headers"],
        # moto takes the Region from the credential scope and the account from its own header
        "Authorization": f"AWS4-HMAC-SHA256 Credential={access_key}/20000101/{region}/{service.signing_name}/aws4_request",
        "x-moto-account-id": account,
        "host": f"{service.endpoint_prefix}.{region}.amazonaws.com",
    }
    query = written.get("query_string") or {}
    url = f"https://{headers['host']}{written['url_path']}" + (f"?{urlencode(query)}" if query else "")
    request = Request.from_primitives(
        written["method"], url, headers, urlencode(body) if isinstance(body, dict) else body
    )
    try:
        handler = _responses(service.service_name)()
        # it checks nothing unless told to, and imports moto's S3, and half of moto with it, before it finds that out
        handler._authenticate_and_authorize_normal_action = lambda _resource="*": None
        status, answered, text = handler._dispatch(request, request.raw_url, request.headers)
    except HTTPException as error:
        status, answered, text = error.code, dict(error.get_headers()), error.get_body()
    except NotImplementedError:
        raise Unavailable(missing) from None
    parsed: dict[str, Any] = parser.parse(
        {
            "status_code": int(answered.get("status", status)),
            "headers": answered,
            "body": text.encode() if isinstance(text, str) else text,
        },
        model.output_shape,
    )
    if "Error" in parsed:
        raise ClientError(parsed, model.name)
    parsed.pop("ResponseMetadata", None)
    return parsed
