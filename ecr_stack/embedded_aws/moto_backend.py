"""moto as the base: one request in, one answer out, without patching anything in the process.

moto's `mock_aws` patches botocore and boto3 for everybody in the process. Its request handlers need none of that:
they take an HTTP request and give an HTTP response. So botocore's serializer writes the request, the handler
answers it, and botocore's parser reads the answer; nothing is signed, sent, or looked up.
"""

from __future__ import annotations

import os
from functools import cache
from typing import Any
from unittest import mock
from urllib.parse import urlencode

from botocore.exceptions import ClientError
from botocore.model import OperationModel
from botocore.parsers import ResponseParser, create_parser
from botocore.serialize import Serializer, create_serializer
from moto.core.request import Request
from moto.core.utils import service_name_from_moto_package_name
from moto.ecr.models import ECRBackend, ecr_backends
from moto.ecr.responses import ECRResponse
from moto.iam.models import IAMBackend, iam_backends
from moto.iam.responses import IamResponse
from moto.kms.models import KmsBackend, kms_backends
from moto.kms.responses import KmsResponse
from moto.sts.models import sts_backends
from moto.sts.responses import TokenResponse
from werkzeug.exceptions import HTTPException

from ecr_stack.aws.names import partition_of
from ecr_stack.errors import Unavailable

__all__ = ["answer", "ecr_state", "forget", "iam_state", "kms_state", "prepare"]

_RESPONSES = {"ecr": ECRResponse, "iam": IamResponse, "kms": KmsResponse, "sts": TokenResponse}
_BACKENDS = (ecr_backends, iam_backends, kms_backends, sts_backends)


def ecr_state(account: str, region: str) -> ECRBackend:
    """Give moto's registry of an account and region."""
    return ecr_backends[account][region]


def kms_state(account: str, region: str) -> KmsBackend:
    """Give moto's keys of an account and region."""
    return kms_backends[account][region]


def iam_state(account: str, region: str) -> IAMBackend:
    """Give moto's users, roles and policies of an account."""
    return iam_backends[account][partition_of(region)]


def prepare(account: str) -> None:
    """Let moto do what it does with boto3 sessions: set up an account, and look up the names of services.

    Such a session reads the user's AWS profile and configuration, which may name what does not exist; nothing of them
    is needed.
    """
    undisturbed = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    undisturbed.update(AWS_CONFIG_FILE=os.devnull, AWS_SHARED_CREDENTIALS_FILE=os.devnull)
    with mock.patch.dict(os.environ, undisturbed, clear=True):
        for backends in _BACKENDS:
            backends[account]  # made when it is asked for
        for package in ("core", *_RESPONSES):
            # asked for by moto with its first refusal, and kept
            service_name_from_moto_package_name(package)


def forget(account: str) -> None:
    """Drop everything that moto holds for an account."""
    for backends in _BACKENDS:
        backends.pop(account, None)


@cache
def _written_in(protocol: str) -> tuple[Serializer, ResponseParser]:
    return create_serializer(protocol, include_validation=False), create_parser(protocol)


def answer(model: OperationModel, parameters: dict[str, Any], account: str, region: str) -> dict[str, Any]:
    """Let moto answer a request, with parameters and answer shaped as boto3's.

    Raises:
        botocore.exceptions.ClientError: moto refuses.
        Unavailable: moto does not have the operation.
    """
    service = model.service_model
    serializer, parser = _written_in(service.protocol)
    written = serializer.serialize_to_request(parameters, model)
    body = written["body"]
    headers = {
        **written["headers"],
        # moto takes the region from the credential scope and the account from its own header
        "Authorization": f"AWS4-HMAC-SHA256 Credential=EMBEDDED/20000101/{region}/{service.service_name}/aws4_request",
        "x-moto-account-id": account,
        "host": f"{service.endpoint_prefix}.{region}.amazonaws.com",
    }
    request = Request.from_primitives(
        "POST",
        f"https://{headers['host']}/",
        headers,
        urlencode(body) if isinstance(body, dict) else body,
    )
    try:
        status, answered, text = _RESPONSES[service.service_name].dispatch(request, request.raw_url, request.headers)
    except HTTPException as error:
        status, answered, text = error.code, dict(error.get_headers()), error.get_body()
    except NotImplementedError:
        raise Unavailable(f"the embedded AWS does not have the operation {service.service_name}:{model.name}") from None
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
