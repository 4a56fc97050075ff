"""What counts as production: what the stack's name, its configuration or a resource's tag calls production."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from guardrails.policy import WEAKER, Config, Resource
from guardrails.resources import stack_of, tags_of
from guardrails.stack import configured

_NAMES = ["*prod*", "*prd*", "live"]


def _texts(default: list[str], weaker: str, description: str) -> dict[str, Any]:
    items = {"type": "string"}
    return {WEAKER: weaker, "type": "array", "items": items, "default": default, "description": description}


PRODUCTION: dict[str, dict[str, Any]] = {
    "productionTag": {
        WEAKER: "other",
        "type": "string",
        "default": "Environment",
        "description": "The tag that names a resource's environment. Its case does not matter.",
    },
    "productionValues": _texts(
        _NAMES,
        "fewer",
        "What means production in that tag and in `ecr-stack:environment`: patterns for the whole name, or for one of"
        " its words. Leaving out the default needs a `reason`.",
    ),
    "productionStacks": _texts(_NAMES, "fewer", "What means production in a stack's name, written in the same way."),
    "notProduction": _texts(
        [
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
        ],
        "more",
        "Words that are left out before a name is matched, with or without hyphens: `preprod-2` is not production,"
        " `preprod-prod` is.",
    ),
}
"""The part of a policy's configuration that says where it applies."""


def in_production(resource: Resource, config: Config) -> bool:
    """Whether the resource is production's: one of the three saying so is enough."""
    tag = str(config["productionTag"]).casefold()
    values = [value for name, value in tags_of(resource).items() if name.casefold() == tag]
    return means_production(stack_of(resource), "productionStacks", config) or any(
        means_production(value, "productionValues", config)
        for value in (configured("ecr-stack:environment"), *values)
        if isinstance(value, str)
    )


def means_production(name: str, patterns: str, config: Config) -> bool:
    """Whether a name means production to whoever reads it, however it is spelt."""
    for spelt in (name, re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name)):  # shopLive
        text = _as_read(spelt)
        for word in config["notProduction"]:
            text = re.sub(_word(word), "-", text)
        if not text.isascii():  # letters that cannot be told from look-alikes
            return True
        if any(_matches(text, pattern) for pattern in config[patterns]):
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
