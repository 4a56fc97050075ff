"""What counts as a reason where one is needed: not what messages propose to write in its place."""

from __future__ import annotations

import re

__all__ = ["PROPOSED", "is_reason"]

PROPOSED = "decided by NAME in TICKET"
"""What messages and examples show."""

_STAND_INS = frozenset({"fixme", "n/a", "none", "null", "reason", "tbd", "todo", "why", "why, and until when"})


def is_reason(text: str) -> bool:
    """Whether a text says something: it has a letter or a digit, and neither is a proposal nor stands in for a reason."""
    plain = " ".join(text.casefold().split()).strip(" .…!?-_:")
    if plain in _STAND_INS or re.search(r"\b(?:NAME|TICKET)\b", text):
        return False
    return re.search(r"[^\W_]", plain) is not None
