"""The stack's own configuration: what its stack file says under `ecr-stack:`.

An engine sends it when it has started the pack (`ConfigureStack`); one from before that did so put it into the
environment of the process (PULUMI_CONFIG). Without an engine, `guardrails.check` is given it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

import pulumi

GIVEN: ContextVar[Mapping[str, Any] | None] = ContextVar("stack_config", default=None)
"""The configuration of the stack that is judged without an engine, by full key, e.g. `ecr-stack:environment`."""

SENT: dict[str, str] = {}
"""The configuration that the engine has sent, for every thread that answers it."""


def configured(key: str) -> Any:
    """The value at a full key, parsed if it is the JSON text of a list or an object; None if there is none."""
    given = GIVEN.get()
    value = (SENT.get(key) or pulumi.runtime.get_config(key)) if given is None else given.get(key)
    if isinstance(value, str) and value.lstrip()[:1] in {"{", "["}:
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def texts(value: Any) -> list[str]:
    """The entries of a list as text; an account id that YAML read as a number gets its zeros back."""
    found = value if isinstance(value, list) else []
    return [str(each).zfill(12) if isinstance(each, int) else each for each in found if isinstance(each, int | str)]
