"""Checks the `aws:` keys of a stack file: what the AWS provider would reject before it creates anything.

https://www.pulumi.com/registry/packages/aws/installation-configuration/#configuration-options
"""

from __future__ import annotations

import functools
import importlib.util
import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ecr_stack.errors import Problem
from ecr_stack.model import nearest

__all__ = ["account_in", "accounts_in", "provider_keys", "provider_problems", "region_in"]

_OF_THE_ENGINE = frozenset({"version", "pluginDownloadURL"})
_READ = re.compile(r"__config__\.get(?:_\w+)?\('(\w+)'\)")


@functools.cache
def provider_keys() -> frozenset[str]:
    """The configuration keys of the installed AWS provider, without `aws:`; empty if it is not installed."""
    package = importlib.util.find_spec("pulumi_aws")
    if package is None or package.origin is None:
        return frozenset()
    # its text, because importing the package takes a second
    source = Path(package.origin).parent / "config" / "vars.py"
    try:
        return frozenset(_READ.findall(source.read_text(encoding="utf-8")))
    except OSError:
        return frozenset()


def provider_problems(config: Mapping[str, str], account: str | None = None) -> Iterator[Problem]:
    """Find what the provider would reject.

    Args:
        config: a stack's configuration by namespaced key, as a program gets it.
        account: the account that a rehearsal plays or a command works in, twelve digits.
    """
    known = provider_keys()
    for key, value in config.items():
        namespace, _, name = key.partition(":")
        if name in known and _is_meant_for_aws(namespace):
            rule = f"`{namespace}` is not the namespace of the AWS provider, so the key would have no effect"
            yield Problem(key, value, rule, f"write `aws:{name}`")
        if namespace != "aws" or not known or name in known or name in _OF_THE_ENGINE:
            continue
        guess = nearest(name, sorted(known))
        remedy = f"write `aws:{guess}`" if guess else "remove it, or see the options of the AWS provider"
        yield Problem(key, value, f"`{name}` is not a configuration key of the AWS provider", remedy)
    allowed, forbidden = (accounts_in(config, name) for name in ("allowed", "forbidden"))
    if allowed and forbidden:
        rule = "the AWS provider accepts either allowed or forbidden accounts, not both"
        yield Problem("aws:forbiddenAccountIds", forbidden, rule, "remove `aws:allowedAccountIds` or this key")
    if account is None:
        return
    if allowed and account not in allowed:
        rule = f"the AWS provider works only in these accounts, but this is account {account}"
        yield Problem("aws:allowedAccountIds", allowed, rule, f'add "{account}", or use `--account {allowed[0]}`')
    if account in forbidden:
        rule = f"the AWS provider rejects these accounts, and this is account {account}"
        yield Problem("aws:forbiddenAccountIds", forbidden, rule, "use `--account` with another account")


def _is_meant_for_aws(namespace: str) -> bool:
    """Whether a namespace is `aws` with a slip of the finger."""
    word = namespace.strip().lower()
    return namespace != "aws" and (word == "aws" or (len(word) <= 4 and sorted(word) in _SLIPS))


_SLIPS = [sorted("aws"), *(sorted(f"aws{letter}") for letter in "aws")]
"""`aws` with its letters in another order, or with one of them twice."""


def accounts_in(config: Mapping[str, Any], which: str = "allowed") -> list[str]:
    """The accounts that a stack's configuration lists as `allowed` or `forbidden`; empty if it is not a list."""
    try:
        listed = json.loads(config.get(f"aws:{which}AccountIds") or "[]")
    except ValueError:
        return []
    return [str(each) for each in listed] if isinstance(listed, list) else []


def account_in(config: Mapping[str, Any]) -> str | None:
    """The one account that a stack's configuration allows, if it is one."""
    allowed = accounts_in(config)
    return allowed[0] if len(allowed) == 1 else None


def region_in(config: Mapping[str, Any]) -> str | None:
    """The Region of a stack: its own, or that of the environment variables."""
    return config.get("aws:region") or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
