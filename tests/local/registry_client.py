"""The plainest client of a registry: HTTP requests, one by one."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any

import urllib3

from ecr_stack.embedded_aws import EmbeddedAws

ACCOUNT = "333344445555"
REGION = "eu-west-1"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def descriptor(media_type: str, content: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest_of(content), "size": len(content)}


class Client:
    """Requests to one registry, with the password that `GetAuthorizationToken` gave."""

    def __init__(self, host: str, token: str | None) -> None:
        self.base = f"http://{host}"
        self._pool = urllib3.PoolManager(num_pools=2, maxsize=200, retries=False)
        self._login = {"Authorization": f"Basic {token}"} if token else {}

    @property
    def login_header(self) -> str:
        return f"Authorization: {self._login['Authorization']}"

    def __call__(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> urllib3.BaseHTTPResponse:
        return self._pool.request(method, self.base + path, body=body, headers={**self._login, **(headers or {})})

    def refused(self, method: str, path: str, *rest: Any) -> tuple[int, str]:
        """Make a request that must be refused in the protocol's form; give the status and the code."""
        answer = self(method, path, *rest)
        errors = answer.json()["errors"]
        assert answer.headers["Content-Type"] == "application/json"
        assert all(set(error) == {"code", "message"} and error["message"] for error in errors)
        return answer.status, errors[0]["code"]

    def push_blob(self, name: str, content: bytes) -> str:
        answer = self("POST", f"/v2/{name}/blobs/uploads/?digest={digest_of(content)}", content)
        assert answer.status == 201, answer.data
        return digest_of(content)

    def push(self, name: str, reference: str, content: bytes = b"layer", **members: Any) -> str:
        """Push an image of one layer; give its digest."""
        text = json.dumps({"config": {}, "content": digest_of(content)}).encode()
        for blob in (text, content):
            self.push_blob(name, blob)
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": descriptor(CONFIG, text),
            "layers": [descriptor(LAYER, content)],
            **members,
        }
        return self.push_manifest(name, reference, manifest)

    def push_manifest(self, name: str, reference: str, manifest: Mapping[str, Any]) -> str:
        body = json.dumps(manifest).encode()
        named = reference or digest_of(body)
        answer = self("PUT", f"/v2/{name}/manifests/{named}", body, {"Content-Type": manifest["mediaType"]})
        assert answer.status == 201, answer.data
        assert answer.headers["Docker-Content-Digest"] == digest_of(body)
        return digest_of(body)


def token_of(aws: EmbeddedAws, region: str = REGION) -> str:
    found = aws.call("ecr", "GetAuthorizationToken", {}, region)["authorizationData"][0]
    return str(found["authorizationToken"])


def password_of(aws: EmbeddedAws) -> str:
    return base64.b64decode(token_of(aws)).decode().partition(":")[2]
