"""What counts as a reason: anything but the placeholders in messages."""

from __future__ import annotations

import re

__all__ = ["PROPOSED", "is_reason", "reason_problem"]

PROPOSED = "decided by NAME in TICKET"
"""What messages and examples show; whoever copies it is told to replace NAME and TICKET."""

_STAND_INS = frozenset(
    """because; dummy; foo; fixme; lorem ipsum; n a; na; no reason; none; null; placeholder; reason; tbc; tbd; temp;
    temporary; test; tmp; todo; unknown; why; why and until when; wip""".replace("\n", " ").split("; ")
)
_BLANK = re.compile(r"\b(?:NAME|TICKET)\b|^\W*(?:TODO|FIXME|TBD|XXX)\b")


def is_reason(text: str) -> bool:
    """Whether a text is a reason: it has a letter or a digit, and is not a placeholder."""
    return reason_problem(text) is None


def reason_problem(text: str) -> str | None:
    """What is wrong with a text in place of a reason, as the end of a sentence about it; `None` if it is one."""
    words = re.findall(r"[^\W_]+", text.casefold())
    if not words:
        return "says nothing"
    plain = re.sub(r"^(?:a|my|our|some|the|your|insert|enter|write|add|give)\s+|\s+here$", "", " ".join(words))
    plain = re.sub(r"^(?:a|my|our|some|the|your)\s+", "", plain)
    letters = "".join(words)
    if plain in _STAND_INS or _BLANK.search(text) or (len(letters) > 1 and len(set(letters)) == 1):
        return "is a placeholder, to be replaced by your own words"
    return None
