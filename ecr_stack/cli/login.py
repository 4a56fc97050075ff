"""`ecr-stack login`: passes a token to docker, podman, skopeo or finch, only on standard input."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import typer

from ecr_stack.cli.listing import note
from ecr_stack.cli.stacks import OptionalStack
from ecr_stack.cli.targets import Region, target_of
from ecr_stack.errors import NotFound, Unavailable
from ecr_stack.operations.ecr import answered

__all__ = ["command"]

_HELPER = "docker-credential-ecr-login"


class Client(StrEnum):
    """The clients, which all log in the same way: `PROGRAM login --username AWS --password-stdin HOST`."""

    DOCKER = "docker"
    PODMAN = "podman"
    SKOPEO = "skopeo"
    FINCH = "finch"


def command(
    stack: OptionalStack = None,
    region: Region = None,
    client: Annotated[
        Client | None, typer.Option("--client", help="The client. Default: the first of these that is installed.")
    ] = None,
) -> None:
    """Log a client in to the registry for 12 hours.

    The token is passed on standard input: it never appears on a command line, in a log or in a file of ecr-stack. The
    client stores it with its passwords; Amazon's credential helper stores no token.
    """
    program = _program(client)
    registry = target_of(stack, None, region).registry
    with answered():
        data = registry.ecr.get_authorization_token()["authorizationData"][0]
    user, _, password = base64.b64decode(data["authorizationToken"]).decode().partition(":")
    endpoint = str(data["proxyEndpoint"])
    host = endpoint.partition("://")[2] or endpoint
    options = ["--tls-verify=false"] if endpoint.startswith("http://") and program != "docker" else []
    # Its output is passed through, so that the user sees where it stores the token.
    try:
        done = subprocess.run(
            [program, "login", *options, "--username", user, "--password-stdin", host],
            input=password.encode(), check=False, env=_environment(),
        )  # fmt: skip
    except OSError as error:
        raise Unavailable(f"{program} cannot be run: {error.strerror}") from None
    if done.returncode:
        raise Unavailable(f"{program} did not log in to {host}: see its message above (exit code {done.returncode})")
    left = (data["expiresAt"].astimezone(UTC) - datetime.now(UTC)).total_seconds() / 3600
    note(f"{program} is logged in to {host} for {left:.0f} hours", style="green", word="done")
    if endpoint.startswith("http://"):
        return  # a registry of `ecr-stack local`: the helper only supports AWS's hosts
    if shutil.which(_HELPER):
        note(
            f'{_HELPER} is installed: with {{"credHelpers": {{"{host}": "ecr-login"}}}} in the client\'s configuration no '
            "login is needed and no token is stored",
            style="dim", word="tip",
        )  # fmt: skip
    else:
        note(
            "Amazon's credential helper (package amazon-ecr-credential-helper) needs no login and stores no token",
            style="dim", word="tip",
        )  # fmt: skip


def _program(client: Client | None) -> str:
    wanted = [client] if client else list(Client)
    found = next((each.value for each in wanted if shutil.which(each.value)), None)
    if found is None:
        raise NotFound(f"{' or '.join(each.value for each in wanted)} is not installed, or not on the PATH")
    return found


def _environment() -> dict[str, str]:
    """The environment without AWS credentials, which a container client does not need."""
    secrets = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID")
    return {name: value for name, value in os.environ.items() if name not in secrets}
