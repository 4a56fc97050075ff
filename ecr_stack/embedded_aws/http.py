"""The embedded AWS over HTTP, for other processes: the same calls, the same state, another way in.

It speaks the protocols of its services: JSON (ECR, KMS) and query (IAM, STS). Signatures are not checked.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl
from uuid import uuid4
from xml.sax.saxutils import escape

from botocore.exceptions import BotoCoreError, ClientError
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.serialize import get_serializer_class
from moto.core.utils import get_service_model
from werkzeug.datastructures import MultiDict

from ecr_stack.embedded_aws import api_model
from ecr_stack.errors import EcrStackError

__all__ = ["Endpoint"]

Call = Callable[[str, str, Mapping[str, Any], str], dict[str, Any]]

_CREDENTIAL = re.compile(r"Credential=[^/,]+/[0-9]{8}/(?P<region>[a-z0-9-]+)/(?P<service>[a-z0-9-]+)/aws4_request")
_LARGEST_BODY = 32 * 1024 * 1024


class _Refused(Exception):
    """A request that no operation can be found for: status, code and message."""


class Endpoint:
    """An HTTP server on a free port of the loopback interface, in threads that end with the process."""

    def __init__(self, call: Call) -> None:
        handler = type("Handler", (_Handler,), {"call": staticmethod(call)})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it listens, e.g. `http://127.0.0.1:40123`."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    call: Call
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet: the process's output belongs to the rehearsal."""

    def do_POST(self) -> None:
        """Answer one API request."""
        length = int(self.headers.get("Content-Length") or 0)
        if length > _LARGEST_BODY:
            self._send(413, "text/plain", b"")
            return
        body = self.rfile.read(length)
        service = "?"
        try:
            service, region = self._scope()
            operation = self._operation(service, body)
            described = get_service_model(service).operation_model(operation)
            parameters = _parse(described, service, body, self.headers.get("Content-Type", ""))
            answer = type(self).call(service, operation, parameters, region)
        except _Refused as refused:
            self._refuse(service, *refused.args)
        except ClientError as error:
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
            self._refuse(service, status, error.response["Error"]["Code"], error.response["Error"]["Message"])
        except BotoCoreError as error:
            self._refuse(service, 400, "ValidationException", str(error))
        except EcrStackError as error:
            self._refuse(service, 400, "UnknownOperationException", str(error))
        else:
            written = get_serializer_class(service, _protocol(service))(described).serialize(answer)
            text = written["body"]
            self._send(200, _CONTENT[_protocol(service)], text.encode() if isinstance(text, str) else text)

    def do_GET(self) -> None:
        """Tell those who look whether it is up."""
        self._send(200, "text/plain", b"the embedded AWS\n")

    def _scope(self) -> tuple[str, str]:
        match = _CREDENTIAL.search(self.headers.get("Authorization", ""))
        if match is None:
            raise _Refused(403, "MissingAuthenticationTokenException", "the request has no signature")
        if match["service"] not in api_model.SERVICES:
            raise _Refused(400, "UnknownOperationException", f"the service {match['service']} is not embedded")
        return match["service"], match["region"]

    def _operation(self, service: str, body: bytes) -> str:
        if _protocol(service) == "json":
            name = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
        else:
            name = dict(parse_qsl(body.decode("utf-8", "replace"))).get("Action", "")
        if name not in api_model.service(service).operation_names:
            raise _Refused(400, "UnknownOperationException", f"{service} has no operation {name!r}")
        return name

    def _refuse(self, service: str, status: int, code: str, message: str) -> None:
        request_id = str(uuid4())
        if service in api_model.SERVICES and _protocol(service) == "query":
            text = (
                "<ErrorResponse><Error><Type>Sender</Type>"
                f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message></Error>"
                f"<RequestId>{request_id}</RequestId></ErrorResponse>"
            )
            self._send(status, _CONTENT["query"], text.encode())
            return
        text = json.dumps({"__type": code, "message": message})
        self._send(status, _CONTENT["json"], text.encode(), {"x-amzn-ErrorType": code})

    def _send(self, status: int, content: str, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {
            "Content-Type": content,
            "Content-Length": str(len(body)),
            "x-amzn-RequestId": str(uuid4()),
            **(headers or {}),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


_CONTENT = {"json": "application/x-amz-json-1.1", "query": "text/xml"}


def _protocol(service: str) -> str:
    return str(api_model.service(service).protocol)


def _parse(described: Any, service: str, body: bytes, content: str) -> dict[str, Any]:
    protocol = _protocol(service)
    form = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True) if protocol == "query" else []
    asked: Any = {
        "method": "POST",
        "values": MultiDict(form),
        "headers": {"Content-Type": content},
        "body": body,
        "url_path": "/",
        "url_params": {},
    }
    try:
        if protocol == "json":
            dict(json.loads(body))
        return dict(PROTOCOL_PARSERS[protocol](described, map_type=dict).parse(asked) or {})
    except Exception as error:
        # the parser trips over bodies of another shape in its own various ways
        raise _Refused(400, "SerializationException", f"the request cannot be read: {error}") from None
