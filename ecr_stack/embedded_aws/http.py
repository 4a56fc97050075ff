"""The embedded AWS over HTTP, for other processes: the same calls, the same state, another way in.

It speaks JSON (ECR, KMS), query (IAM, STS) and REST-JSON (Signer, Inspector), not CBOR, so that CloudWatch can be called
in the process alone. Signatures are not checked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import parse_qsl
from uuid import uuid4
from xml.sax.saxutils import escape

from botocore.exceptions import BotoCoreError, ClientError
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.serialize import get_serializer_class
from moto.core.utils import get_service_model
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from werkzeug.datastructures import MultiDict

from ecr_stack.embedded_aws import api_model
from ecr_stack.errors import EcrStackError

__all__ = ["Call", "api"]

Call = Callable[[str, str, Mapping[str, Any], str, str], dict[str, Any]]
"""Service, operation, parameters, Region and access key → answer."""

_CREDENTIAL = re.compile(
    r"Credential=(?P<key>[^/,]+)/[0-9]{8}/(?P<region>[a-z0-9-]+)/(?P<service>[a-z0-9-]+)/aws4_request"
)
_UNSIGNED = re.compile(rb"(?:^|&)Action=AssumeRoleWith(?:WebIdentity|SAML)(?:&|$)")
"""Requests that need no signature: a token stands for it."""
# the largest that the API model allows is a layer part of 20 MiB, in Base64
_LARGEST_BODY = 32 * 1024 * 1024


class _Refused(Exception):
    """A request that no operation can be found for: status, code and message."""


def api(call: Call, routes: Sequence[Route] = ()) -> Starlette:
    """Return AWS's API as an ASGI application, with further routes that come before it."""

    async def answer(request: Request) -> Response:
        if request.method in ("GET", "HEAD") and "Authorization" not in request.headers:
            return PlainTextResponse("the embedded AWS\n")
        body = bytearray()
        try:
            async for chunk in request.stream():
                body += chunk
                if len(body) > _LARGEST_BODY:
                    return _response(413, "text/plain", b"")
        except ClientDisconnect:
            return _response(400, "text/plain", b"")
        return await run_in_threadpool(_Exchange(call, request, bytes(body)).answer)

    methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    return Starlette(routes=[*routes, Route("/{path:path}", answer, methods=methods)])


@dataclass(frozen=True)
class _Exchange:
    """One API request and its answer."""

    call: Call
    request: Request
    body: bytes

    def answer(self) -> Response:
        service, protocol = "?", "json"
        try:
            service, region, key = self._scope()
            protocol = str(api_model.service(service).protocol)
            operation, path = self._operation(service, protocol)
            described = get_service_model(service).operation_model(operation)
            parameters = self._parameters(described, protocol, path)
            answer = self.call(service, operation, parameters, region, key)
        except _Refused as refused:
            return _refusal(protocol, *refused.args)
        except ClientError as error:
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
            return _refusal(protocol, status, error.response["Error"]["Code"], error.response["Error"]["Message"])
        except BotoCoreError as error:
            return _refusal(protocol, 400, "ValidationException", str(error))
        except EcrStackError as error:
            return _refusal(protocol, 400, "UnknownOperationException", str(error))
        text = get_serializer_class(service, protocol)(described).serialize(answer)["body"]
        return _response(200, _CONTENT[protocol], text.encode() if isinstance(text, str) else text)

    def _scope(self) -> tuple[str, str, str]:
        """Return the service, the Region and the access key that the request is signed for."""
        match = _CREDENTIAL.search(self.request.headers.get("Authorization", ""))
        if match is None:
            if _UNSIGNED.search(self.body):
                return "sts", "us-east-1", "UNSIGNED"
            raise _Refused(403, "MissingAuthenticationTokenException", "the request has no signature")
        if match["service"] not in api_model.SERVICES:
            raise _Refused(400, "UnknownOperationException", f"the service {match['service']} is not embedded")
        return match["service"], match["region"], match["key"]

    def _operation(self, service: str, protocol: str) -> tuple[str, dict[str, str]]:
        """Return the operation, and its parameters in the path."""
        if protocol not in _CONTENT:
            raise _Refused(400, "UnknownOperationException", f"{service} cannot be called over HTTP here")
        if protocol == "rest-json":
            for method, path, operation in _paths(service):
                match = path.fullmatch(self.request.url.path)
                if match and method == self.request.method:
                    return operation, match.groupdict()
            name = f"{self.request.method} {self.request.url.path}"
        elif protocol == "json":
            name = self.request.headers.get("X-Amz-Target", "").rpartition(".")[2]
        else:
            name = dict(parse_qsl(self.body.decode("utf-8", "replace"))).get("Action", "")
        if name not in api_model.service(service).operation_names:
            raise _Refused(400, "UnknownOperationException", f"{service} has no operation {name!r}")
        return name, {}

    def _parameters(self, described: Any, protocol: str, path: Mapping[str, str]) -> dict[str, Any]:
        values = {
            "json": [],
            "query": parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True),
            "rest-json": list(self.request.query_params.multi_items()),
        }
        asked: Any = {
            "method": self.request.method,
            "values": MultiDict(values[protocol]),
            "headers": dict(self.request.headers),
            "body": self.body,
            "url_path": self.request.url.path,
            "url_params": path,
        }
        try:
            if protocol == "json":
                dict(json.loads(self.body))
            return dict(PROTOCOL_PARSERS[protocol](described, map_type=dict).parse(asked) or {})
        except Exception as error:
            # the parser trips over bodies of another shape in its own various ways
            raise _Refused(400, "SerializationException", f"the request cannot be read: {error}") from None


@cache
def _paths(service: str) -> list[tuple[str, re.Pattern[str], str]]:
    """Return the operations of a service by method and path; paths with fewer parameters come first."""
    model = api_model.service(service)
    found = []
    for name in model.operation_names:
        http = model.operation_model(name).http
        uri = http["requestUri"].partition("?")[0]
        parts = [
            f"(?P<{part[1:-1].rstrip('+')}>{'.+' if part[-2] == '+' else '[^/]+'})"
            if part[:1] == "{"
            else re.escape(part)
            for part in re.split(r"(\{[^}]+\})", uri)
        ]
        found.append((http["method"], re.compile("".join(parts)), name))
    return sorted(found, key=lambda entry: entry[1].groups)


def _refusal(protocol: str, status: int, code: str, message: str) -> Response:
    if protocol == "query":
        text = (
            "<ErrorResponse><Error><Type>Sender</Type>"
            f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message></Error>"
            f"<RequestId>{uuid4()}</RequestId></ErrorResponse>"
        )
        return _response(status, _CONTENT["query"], text.encode())
    text = json.dumps({"__type": code, "message": message})
    return _response(status, _CONTENT["json"], text.encode(), {"x-amzn-ErrorType": code})


def _response(status: int, content: str, body: bytes, headers: Mapping[str, str] | None = None) -> Response:
    # as bytes, so that no character set is added to the content type
    sent = {"Content-Type": content, "x-amzn-RequestId": str(uuid4()), **(headers or {})}
    return Response(body, status, sent)


_CONTENT = {"json": "application/x-amz-json-1.1", "query": "text/xml", "rest-json": "application/json"}
"""The protocols, each with the content type of its answers."""
