"""Where the registries of an account are, and the passwords that clients log in to them with.

In AWS a registry is at `ACCOUNT.dkr.ecr.REGION.amazonaws.com`, and so it is in a rehearsal. Where someone serves the
registries, as `ecr-stack local` does, they are at a host and port of this machine.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from ecr_stack.aws.names import partition_of
from ecr_stack.embedded_aws.request import Request

__all__ = ["LIFETIME", "RegistryAccess", "Signer"]

Answer = dict[str, Any]

LIFETIME = timedelta(hours=12)
"""How long a token is good for."""


@dataclass(frozen=True)
class Signer:
    """Signs what clients bring back later. Tokens and addresses are checked by the signature; none of them is stored."""

    key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    def sign(self, text: str) -> str:
        """Return the signature of a text, in hexadecimal digits."""
        return hmac.new(self.key, text.encode(), hashlib.sha256).hexdigest()

    def signed(self, text: str, signature: str) -> bool:
        """Whether the signature is that of the text."""
        return hmac.compare_digest(self.sign(text).encode(), signature.encode())

    def token(self, account: str, now: datetime) -> tuple[str, datetime]:
        """Make a password for the registries of an account, and give it with the time at which it expires."""
        expires = now + LIFETIME
        payload = json.dumps({"account": account, "expires": expires.timestamp(), "nonce": secrets.token_hex(16)})
        text = base64.urlsafe_b64encode(payload.encode()).decode()
        return f"{text}.{self.sign(text)}", expires

    def expiry(self, account: str, token: str) -> datetime | None:
        """When a token expires or expired; nothing if it is not one of the account's."""
        text, _, signature = token.partition(".")
        if not self.signed(text, signature):
            return None
        payload = json.loads(base64.urlsafe_b64decode(text))
        return datetime.fromtimestamp(payload["expires"], UTC) if payload["account"] == account else None


@dataclass
class RegistryAccess:
    """How clients get at the registries of an account."""

    account: str
    served: Callable[[str], str] | None = None
    """Region → `host:port` of the registry that is served there, without TLS. Default: AWS's own hosts."""
    signer: Signer = field(default_factory=Signer)

    def host(self, region: str) -> str:
        """Return the host of the registry of a Region, with its port if it has one of its own."""
        if self.served is not None:
            return self.served(region)
        suffix = "amazonaws.com.cn" if partition_of(region) == "aws-cn" else "amazonaws.com"
        return f"{self.account}.dkr.ecr.{region}.{suffix}"

    def in_answer(self, request: Request, answer: Answer) -> Answer:
        """Return an answer with the addresses that are true here; the token of an authorization is made here too."""
        if request.service != "ecr":
            return answer
        if request.model.name == "GetAuthorizationToken":
            return {"authorizationData": [self._authorization(request)]}
        repositories = [answer["repository"]] if "repository" in answer else answer.get("repositories") or []
        for repository in repositories:
            repository["repositoryUri"] = f"{self.host(request.region)}/{repository['repositoryName']}"
        return answer

    def _authorization(self, request: Request) -> Answer:
        token, expires = self.signer.token(self.account, request.state.now())
        return {
            "authorizationToken": base64.b64encode(f"AWS:{token}".encode()).decode(),
            "expiresAt": expires,
            "proxyEndpoint": f"{'https' if self.served is None else 'http'}://{self.host(request.region)}",
        }
