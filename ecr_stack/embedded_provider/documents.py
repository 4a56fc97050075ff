"""Whether two JSON documents mean the same to AWS, however they are spelled."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["same_document"]


def same_document(one: Any, other: Any) -> bool:
    """Whether two documents (texts or plain data) say the same.

    Order of keys and lists, white space, and a list of one in place of its only entry make no difference: in policy
    documents they are one and the same, and a lifecycle policy orders its rules by their priorities.
    """
    try:
        return bool(_canonical(_parsed(one)) == _canonical(_parsed(other)))
    except (ValueError, RecursionError):
        return bool(one == other)


def _parsed(document: Any) -> Any:
    return json.loads(document) if isinstance(document, str) else document


def _canonical(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _canonical(entry) for key, entry in value.items()}
    if isinstance(value, list):
        if len(value) == 1 and isinstance(value[0], (str, int, float)):
            return _canonical(value[0])
        return sorted((_canonical(entry) for entry in value), key=lambda entry: json.dumps(entry, sort_keys=True))
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
