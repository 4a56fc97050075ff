"""Prefixes and patterns of tags, as ECR reads them.

In a pattern `*` stands for any characters, none included; in a prefix it stands for itself. Both are kept as the
texts between the wildcards, so that they are matched and compared in one way.

Images are matched by the hundred thousand. An image's tags are therefore joined to one text, with line breaks before,
between and after them, and looked through by one search in C for each image and filter, however many tags there are.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Self

__all__ = ["TagFilter", "joined"]


def joined(tags: Iterable[str]) -> str:
    """Join an image's tags to the text that `TagFilter.needle` is looked for in; empty for an image without tags."""
    text = "\n".join(tags)
    return f"\n{text}\n" if text else ""


@dataclass(frozen=True, slots=True)
class TagFilter:
    """An entry of a tagPrefixList or a tagPatternList."""

    written: str
    """The entry as it stands in the document."""
    parts: tuple[str, ...]
    """What stands before, between and after the wildcards."""

    @classmethod
    def prefix(cls, written: str) -> Self:
        """Read an entry of a tagPrefixList."""
        return cls(written, (written, ""))

    @classmethod
    def pattern(cls, written: str) -> Self:
        """Read an entry of a tagPatternList."""
        return cls(written, tuple(written.split("*")))

    @property
    def shown(self) -> str:
        """The filter as a pattern: a prefix with a `*` at its end."""
        return "*".join(self.parts)

    def matches(self, tag: str) -> bool:
        """Whether a tag matches, upper and lower case being different."""
        return re.fullmatch(self._expression("."), tag, re.DOTALL) is not None

    def covers(self, other: TagFilter) -> bool:
        """Whether every tag that matches the other filter matches this one.

        A wildcard of the other can be anything, so that only a wildcard of this one can take it up: it is matched as
        a character that no filter contains.
        """
        return self.matches("\0".join(other.parts))

    def needle(self) -> str | Callable[[str], object]:
        """What finds a matching tag in joined tags: a text that is in them, or a search."""
        if len(self.parts) == 1:
            return f"\n{self.parts[0]}\n"
        if len(self.parts) == 2 and not self.parts[1]:
            return f"\n{self.parts[0]}"
        within_a_tag = self._expression("[^\n]")
        return re.compile(f"\n{within_a_tag}\n").search

    def _expression(self, character: str) -> str:
        """A regular expression that takes time in proportion to the tag.

        Where a part between two wildcards is found first is as good a place as any later one, so the search never
        goes back to it: tried again at every place, `*a*a*a*ab` takes milliseconds for each tag of a hundred `a`.
        """
        first, *rest = (re.escape(part) for part in self.parts)
        if not rest:
            return first
        between = "".join(f"(?>{character}*?{part})" for part in rest[:-1])
        return f"{first}{between}{character}*{rest[-1]}"
