"""Semantic comparison of JSON documents."""

from __future__ import annotations

import json
import re
from typing import Any

__all__ = ["same_document"]


def same_document(one: Any, other: Any) -> bool:
    """Whether two documents (JSON text or plain data) are equivalent.

    The order of keys and lists, white space, and a list of one in place of its only entry make no difference: they are
    equivalent in policy documents, and the order of lifecycle rules is that of their priorities. An account id and the
    ARN of its root are the same principal.

    https://github.com/hashicorp/awspolicyequivalence/blob/main/aws_policy_equivalence.go
    https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/ecr/lifecycle_policy.go
    """
    try:
        return bool(_canonical(_parsed(one)) == _canonical(_parsed(other)))
    except (ValueError, RecursionError):
        return bool(one == other)


def _parsed(document: Any) -> Any:
    return json.loads(document) if isinstance(document, str) else document


_ROOT = re.compile(r"arn:aws[a-z-]*:iam::([0-9]{12}):root")


def _canonical(value: Any, principal: bool = False) -> Any:
    if isinstance(value, dict):
        return {
            key: _canonical(entry, principal or key in ("Principal", "NotPrincipal")) for key, entry in value.items()
        }
    if isinstance(value, list):
        if len(value) == 1 and isinstance(value[0], (str, int, float)):
            return _canonical(value[0], principal)
        entries = [_canonical(entry, principal) for entry in value]
        return sorted(entries, key=lambda entry: json.dumps(entry, sort_keys=True))
    if principal and isinstance(value, str):
        root = _ROOT.fullmatch(value)
        return root[1] if root else value
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
