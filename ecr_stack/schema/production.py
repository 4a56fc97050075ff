"""What a name of a stack or of an environment says to whoever reads it: whether it means production."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from functools import lru_cache

__all__ = ["NOT_PRODUCTION", "PRODUCTION_NAMES", "means_production"]

PRODUCTION_NAMES = ("*prod*", "*prd*", "live")
"""Patterns for a whole name, or for one of its words."""

NOT_PRODUCTION = (
    "nonprod",
    "non-production",
    "notprod",
    "preprod",
    "pre-production",
    "product",
    "products",
    "productivity",
    "producer",
    "producers",
    "reproduce",
)
"""Words that are left out of a name before it is read, with or without hyphens."""


def means_production(
    name: str, patterns: Iterable[str] = PRODUCTION_NAMES, not_production: Iterable[str] = NOT_PRODUCTION
) -> bool:
    """Whether a name means production to whoever reads it, however it is spelt.

    Args:
        name: of a stack or an environment.
        patterns: what means production, for the whole name or one of its words.
        not_production: words that do not, although they match.
    """
    return _means_production(name, tuple(patterns), tuple(not_production))


@lru_cache(maxsize=1024)  # a stack has thousands of resources with the same tag
def _means_production(name: str, patterns: tuple[str, ...], not_production: tuple[str, ...]) -> bool:
    for spelt in (name, re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name)):  # shopLive
        text = _as_read(spelt)
        for word in not_production:
            text = re.sub(_word(word), "-", text)
        if not text.isascii():  # letters that cannot be told from look-alikes
            return True
        if any(_matches(text, pattern) for pattern in patterns):
            return True
    return False


_WHOLE = {"prod", "prd", "production", "live"}
"""What is looked for in words that are taken apart; anything that contains it would be found by accident."""
_LETTERS = str.maketrans({"ø": "o", "đ": "d", "ł": "l", "ı": "i", "æ": "ae", "œ": "oe"})
_LIVE = re.compile(
    r"(?:go)?llve(?:account|cluster|env|envlronment|lnfra|platform|reglstry|server|servlce|slte|stack|system)?[0-9ols]*"
)
"""The skeleton of `live` with a word that adds nothing to it."""
_SKELETON = str.maketrans("0135i", "olesl")  # pr0d, l1ve, 1ive, Iive: i, l and 1 cannot be told apart


def _as_read(name: str) -> str:
    """A name without case, accents, full width and what cannot be seen, its words joined by hyphens."""
    seen = "".join(
        character
        for character in unicodedata.normalize("NFKD", name)
        if unicodedata.category(character) not in {"Mn", "Me", "Cf", "Cc"}
    )
    text = unicodedata.normalize("NFKD", seen.casefold()).translate(_LETTERS)
    return re.sub(r"(?:[^\w]|_)+", lambda gap: "-" if _separates(gap[0]) else gap[0], text).strip("-")


def _separates(gap: str) -> bool:
    return all(each.isascii() or unicodedata.category(each) in {"Pd", "Zs", "Pc"} for each in gap)


def _word(word: str) -> str:
    """A pattern for a word of `notProduction`: not a part of a longer one, but perhaps with a number."""
    text = _as_read(word.strip("*"))
    if not text:
        return r"(?!)"
    text = re.sub(r"^(non|not|pre)-?(?=prod)", r"\1-", text)
    loose = "-?".join(map(re.escape, text.split("-")))
    return rf"(?<![a-z]){loose}(?![a-z])"


def _matches(text: str, pattern: str) -> bool:
    wanted = pattern.strip().casefold()
    alike = _skeleton(wanted)
    return any(fnmatchcase(each, wanted) or fnmatchcase(_skeleton(each), alike) for each in _readings(text))


def _skeleton(text: str) -> str:
    return text.translate(_SKELETON)


def _readings(text: str) -> Iterator[str]:
    words = text.split("-")
    for each in (text, *words):
        yield from _numbered(each)
        if _LIVE.fullmatch(_skeleton(each)):
            yield "live"
    # a word that is taken apart, such as pr-od, p-r-o-d or pr-0d-2
    whole = set(map(_skeleton, _WHOLE))
    for start in range(len(words)):
        for end in range(start + 2, min(start + 11, len(words) + 1)):
            yield from (each for each in _numbered("".join(words[start:end])) if _skeleton(each) in whole)


def _numbered(word: str) -> Iterator[str]:
    """A word, and the same without a number at its ends."""
    digits = "0123456789"
    yield from dict.fromkeys((word, word.rstrip(digits), word.lstrip(digits), word.strip(digits)))
