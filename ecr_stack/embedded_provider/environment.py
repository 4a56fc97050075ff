"""The environment variables with which a process reaches only the embedded AWS."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ecr_stack.embedded_aws import EmbeddedAws

__all__ = ["AWS_VARIABLES", "embedded_environment"]

AWS_VARIABLES = ("AWS_", "AMAZON_")
"""Prefixes of the variables that could make a process use another AWS."""


@contextmanager
def embedded_environment(aws: EmbeddedAws, region: str, profile: str | None = None) -> Iterator[dict[str, str]]:
    """Provide the environment variables with which a process reaches only the embedded AWS; valid within the context.

    Args:
        aws: the embedded AWS.
        region: the default Region.
        profile: the profile that the process uses, if any. It is defined, and uses the embedded AWS too.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(AWS_VARIABLES)}
    local_hosts = ",".join(filter(None, [kept.get("NO_PROXY") or kept.get("no_proxy"), "127.0.0.1"]))
    variables = {
        **kept,
        "AWS_ENDPOINT_URL": aws.serve(),
        "AWS_ACCESS_KEY_ID": "EMBEDDED",
        "AWS_SECRET_ACCESS_KEY": "EMBEDDED",
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "NO_PROXY": local_hosts,
        "no_proxy": local_hosts,
    }
    if not profile:
        yield variables
        return
    with tempfile.TemporaryDirectory(prefix="ecr-stack-") as folder:
        file = Path(folder) / "config"
        file.write_text(
            f"[profile {profile}]\nregion = {region}\naws_access_key_id = EMBEDDED\naws_secret_access_key = EMBEDDED\n",
            encoding="utf-8",
        )
        yield {**variables, "AWS_CONFIG_FILE": str(file)}
