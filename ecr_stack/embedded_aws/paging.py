"""Answers in pages: `maxResults` and `nextToken`, as the list operations of ECR have them."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import TypeVar

from ecr_stack.embedded_aws.request import Request

__all__ = ["page"]

_T = TypeVar("_T")


def page(request: Request, entries: Sequence[_T], default: int) -> tuple[list[_T], dict[str, str]]:
    """Return the page of `entries` that a request asks for, and the `nextToken` where more follow."""
    token = request.get("nextToken")
    try:
        start = int(base64.b64decode(token, validate=True)) if token else 0
    except ValueError:
        raise request.invalid("nextToken", "Invalid nextToken") from None
    end = start + request.get("maxResults", default)
    more = {"nextToken": base64.b64encode(str(end).encode()).decode()} if end < len(entries) else {}
    return list(entries[start:end]), more
