"""Text that someone else chose, written into GitHub's Markdown so that it stays text.

Names, tags, descriptions, policies and error messages come from a stack file or from a report. Whatever is in them must
not become a heading, a link, an image, HTML, a mention or a reference. Everything foreign therefore passes through
one of three functions, and all of them rest on the same fact: in a code span and in a fenced block nothing is parsed, and
GitHub looks for mentions, issues, commits and emoji outside of code only.

https://spec.commonmark.org/0.31.2/#code-spans, https://github.github.com/gfm/#autolinks-extension-
"""

from __future__ import annotations

import re
import unicodedata

__all__ = ["code", "fenced", "prose", "visible"]

_HIDDEN = frozenset({"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp", "Zs"})
"""Control and format characters (zero-width, direction), surrogates, and separators other than the space."""


def visible(text: str, keep: str = "") -> str:
    """Write line breaks as spaces, and every other character that cannot be seen as its escape, e.g. `\\u202e`.

    Args:
        text: any text.
        keep: characters to leave as they are.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(character if character in keep else _visible(character) for character in text)


def _visible(character: str) -> str:
    if character in " \r\n\t":
        return " "
    if unicodedata.category(character) in _HIDDEN:
        return character.encode("unicode_escape").decode("ascii")
    return character


def code(text: str, limit: int = 200) -> str:
    """Write a text as a code span of one line; at most `limit` characters of it, and nothing for an empty text.

    A `|` becomes `│`: in a table it would end the cell, and the escape for it differs between parsers.
    """
    inside = visible(text).replace("|", "│")
    if len(inside) > limit:
        inside = inside[: limit - 1] + "…"
    if not inside.strip():
        return f"`{inside}`" if inside else ""
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", inside)), default=0))
    # One space on each side is taken off again.
    pad = " " if inside[0] in "` " or inside[-1] in "` " else ""
    return f"{fence}{pad}{inside}{pad}{fence}"


# An English word, a small number, or punctuation that means nothing to Markdown; brackets only around whole words.
_PLAIN = re.compile(
    r"\(?(?:[A-Za-z]+(?:['’-][A-Za-z]+)*|[0-9]{1,6}%?|[→·…≤≥–])[,.;:!?)]{0,2}|[,.;:!?)]{1,3}|\(", re.ASCII
)
_COMMIT = re.compile(r"[0-9a-f]{7,}", re.ASCII)
_SPAN = re.compile(r"`([^`\r\n]+)`")
_EDGES = re.compile(r"(\(?)(.*?)([,.;:!?)]{0,2})", re.DOTALL)


def prose(text: str) -> str:
    """Write a sentence with foreign words in it: English words stay as they are, everything else becomes code.

    What is between backticks is code already. The result never begins a line of Markdown: put something before it.
    """
    pieces: list[str] = []
    for place, part in enumerate(_SPAN.split(text)):
        if place % 2:
            pieces.append(code(part))
        else:
            words = [_word(word) for word in re.split(r"([ \t\r\n]+)", part)]
            pieces.append("".join(words))
    return _apart(pieces)


def _word(word: str) -> str:
    if not word:
        return ""
    if word.isspace():
        return " "
    if _PLAIN.fullmatch(word) and not _COMMIT.search(word):
        return word
    edges = _EDGES.fullmatch(word)
    if edges is None or not edges[2]:
        return code(word)
    return f"{edges[1]}{code(edges[2])}{edges[3]}"


def _apart(pieces: list[str]) -> str:
    """Join code and words; two code spans without a space between them would be read as one with a longer fence."""
    text = ""
    for piece in pieces:
        text += " " if text.endswith("`") and piece.startswith("`") else ""
        text += piece
    return text


def fenced(text: str, language: str = "text") -> list[str]:
    """Write a text of several lines as the lines of a fenced block."""
    lines = [visible(line, keep=" \t") for line in re.split(r"\r\n|\r|\n", text.strip())]
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}{language}", *lines, fence, ""]
