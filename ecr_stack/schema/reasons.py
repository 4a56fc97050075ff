"""What counts as a reason: anything but the placeholders in messages."""

from __future__ import annotations

import re

__all__ = ["PROPOSED", "is_reason"]

PROPOSED = "decided by NAME in TICKET"
"""The placeholders in messages and examples."""

_STAND_INS = frozenset({"fixme", "n/a", "none", "null", "reason", "tbd", "todo", "why", "why, and until when"})


def is_reason(text: str) -> bool:
    """Whether a text is a reason: it has a letter or a digit, and is not a placeholder."""
    plain = " ".join(text.casefold().split()).strip(" .…!?-_:")
    if plain in _STAND_INS or re.search(r"\b(?:NAME|TICKET)\b", text):
        return False
    return re.search(r"[^\W_]", plain) is not None
