"""Tag prefixes and patterns, as ECR interprets them.

In a pattern, `*` matches zero or more characters; in a prefix, it is a literal. Both are stored as the literal parts
between the wildcards, so they are matched and compared in the same way.

For speed with hundreds of thousands of images, the tags of an image are joined into one string, with line breaks
before, between and after them. Matching a filter is then a single search in C, however many tags there are.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Self

__all__ = ["TagFilter", "joined"]


def joined(tags: Iterable[str]) -> str:
    """Join an image's tags into the string that `TagFilter.needle` is searched in; empty for an untagged image."""
    text = "\n".join(tags)
    return f"\n{text}\n" if text else ""


@dataclass(frozen=True, slots=True)
class TagFilter:
    """An entry of a tagPrefixList or tagPatternList."""

    written: str
    """The entry as written in the document."""
    parts: tuple[str, ...]
    """The literals before, between and after the wildcards."""

    @classmethod
    def prefix(cls, written: str) -> Self:
        """Parse an entry of a tagPrefixList."""
        return cls(written, (written, ""))

    @classmethod
    def pattern(cls, written: str) -> Self:
        """Parse an entry of a tagPatternList."""
        return cls(written, tuple(written.split("*")))

    @property
    def shown(self) -> str:
        """The filter as a pattern; a prefix gets a `*` at the end."""
        return "*".join(self.parts)

    def matches(self, tag: str) -> bool:
        """Whether a tag matches; case-sensitive."""
        return re.fullmatch(self._expression("."), tag, re.DOTALL) is not None

    def covers(self, other: TagFilter) -> bool:
        """Whether every tag that matches the other filter matches this one.

        A wildcard of the other filter can be anything, so only a wildcard of this one can match it. It is therefore
        replaced by a character that no filter contains.
        """
        return self.matches("\0".join(other.parts))

    def needle(self) -> str | Callable[[str], object]:
        """What finds a matching tag in joined tags: a substring, or a compiled search."""
        if len(self.parts) == 1:
            return f"\n{self.parts[0]}\n"
        if len(self.parts) == 2 and not self.parts[1]:
            return f"\n{self.parts[0]}"
        within_a_tag = self._expression("[^\n]")
        return re.compile(f"\n{within_a_tag}\n").search

    def _expression(self, character: str) -> str:
        """A regular expression that runs in linear time.

        The first occurrence of a part between two wildcards is as good as any later one, so the search never backtracks
        into it. With backtracking, `*a*a*a*ab` takes milliseconds for each tag of a hundred `a`.
        """
        first, *rest = (re.escape(part) for part in self.parts)
        if not rest:
            return first
        between = "".join(f"(?>{character}*?{part})" for part in rest[:-1])
        return f"{first}{between}{character}*{rest[-1]}"
