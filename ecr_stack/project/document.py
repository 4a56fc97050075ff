"""A YAML document as the Pulumi engine reads it: its values, the line of each, and what the engine makes of them.

The engine reads with Go's yaml.v3 (https://github.com/go-yaml/yaml/blob/v3.0.1/resolve.go), which is neither YAML 1.1
nor 1.2: `yes` is a string, `2024-01-01` a date, `017` and `0o17` are 15, `089` is 89. The syntax is libyaml's, from
which both yaml.v3 and PyYAML descend.
"""

from __future__ import annotations

import base64
import calendar
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from ecr_stack.errors import InvalidInput, NotFound, Problem, Unavailable

__all__ = ["Change", "Document", "go_json_number", "read_document"]

MAX_BYTES = 4 * 1024 * 1024
MAX_VALUES = 200_000
"""Values of a document, those that aliases repeat included."""
MAX_DEPTH = 64

_FILE = "(the file)"
_PREFIX = "tag:yaml.org,2002:"
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Change:
    """A value that the engine passes on differently from how it is written."""

    line: int
    written: str
    becomes: str
    kind: str
    """`date`, `octal` (or another number with a zero before it), `number`, or `key`."""


@dataclass
class Document:
    """The first document of a file."""

    source: str
    """The file's name."""
    value: Any
    """Maps, lists, strings, whole numbers, floats, booleans and `None`; dates as the strings that the engine makes."""
    lines: Mapping[tuple[str | int, ...], int]
    """The line of each key and list item, by its path."""
    changes: Mapping[tuple[str | int, ...], Change]
    anchored: frozenset[str]
    """The keys of the outermost map that hold an anchor."""
    unquoted: frozenset[tuple[str | int, ...]]
    """The paths of keys that are no strings without quotes: numbers, dates, `true`, `null`."""
    documents: int
    """1, or 2 where there are more than one; then the engine leaves out the rest."""

    def refuse(self, path: tuple[str | int, ...], value: Any, rule: str, remedy: str, place: str = "") -> Problem:
        """An error at a path of this document."""
        return Problem(place or written_path(path) or _FILE, value, rule, remedy, self.line(path))

    def line(self, path: tuple[str | int, ...]) -> int | None:
        """The line of a path, or of the nearest one above it."""
        while path:
            if path in self.lines:
                return self.lines[path]
            path = path[:-1]
        return None


def written_path(path: tuple[str | int, ...]) -> str:
    """A path as messages write it, e.g. `config.ecr-stack:tags[0]`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


@dataclass
class _Node:
    line: int
    kind: str
    """`scalar`, `list` or `map`."""
    tag: str | None = None
    text: str = ""
    plain: bool = True
    items: list[Any] = field(default_factory=list)
    """Nodes, or for a map keys and values by turns."""
    size: int = 1
    depth: int = 1
    open: bool = True
    anchored: bool = False


def read_document(file: Path) -> Document:
    """Read a file.

    Raises:
        NotFound: if it does not exist, or is a folder.
        Unavailable: if it cannot be read.
        InvalidInput: if it is not YAML, or is larger than anything that a person writes.
    """
    source = file.name
    try:
        if not file.is_file():
            raise NotFound(f"{file}: there is no such file" if not file.exists() else f"{file}: is not a file")
        size = file.stat().st_size
        if size > MAX_BYTES:
            raise _refused(
                source, None, f"the file has {size:,} bytes; the maximum is {MAX_BYTES:,}", "make it smaller"
            )
        data = file.read_bytes()
    except OSError as error:
        raise Unavailable(f"{file}: {error.strerror or error}") from None
    return _Reader(source).read(_decoded(source, data))


def _decoded(source: str, data: bytes) -> str:
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        byte = data[error.start]
        latin = bytes([byte]).decode("latin-1")
        shown = f", `{latin}` in Latin-1" if latin.isprintable() else ""
        raise _refused(
            source, line, f"the file is not UTF-8: byte 0x{byte:02X}{shown}", "save the file with the encoding UTF-8"
        ) from None


def _refused(source: str, line: int | None, rule: str, remedy: str, value: Any = None) -> InvalidInput:
    return InvalidInput(source, [Problem(f"line {line}" if line else _FILE, value, rule, remedy, line)])


class _Reader:
    def __init__(self, source: str) -> None:
        self.source = source
        self.lines: dict[tuple[str | int, ...], int] = {}
        self.changes: dict[tuple[str | int, ...], Change] = {}
        self.unquoted: set[tuple[str | int, ...]] = set()

    def read(self, text: str) -> Document:
        try:
            root, documents = self._compose(text)
        except yaml.YAMLError as error:
            raise self._syntax(error, text) from None
        except (ValueError, RecursionError) as error:
            raise _refused(self.source, None, f"this is not YAML: {error}", "write plain YAML") from None
        value = None if root is None else self._value(root, ())
        anchored = (
            frozenset(
                key.text
                for key, item in _pairs(root)
                if root is not None and root.kind == "map" and _holds_anchor(item)
            )
            if root is not None
            else frozenset()
        )
        return Document(self.source, value, self.lines, self.changes, anchored, frozenset(self.unquoted), documents)

    def _syntax(self, error: yaml.YAMLError, text: str) -> InvalidInput:
        mark = getattr(error, "problem_mark", None)
        what = getattr(error, "problem", None) or str(error).splitlines()[0]
        if mark is None:
            return _refused(self.source, None, f"this is not YAML: {what}", "remove the character")
        lines = text.splitlines()
        line = min(mark.line + 1, max(len(lines), 1))
        written = lines[line - 1] if line <= len(lines) else ""
        remedy = "fix this line or the one before it"
        if "\t" in written[: len(written) - len(written.lstrip())]:
            remedy = "indent with spaces: YAML does not allow tabs there"
        elif "anchor" in what or "alias" in what:
            remedy = "define the anchor above, or put the value in quotes"
        return InvalidInput(
            self.source,
            [
                Problem(
                    f"line {mark.line + 1}, column {mark.column + 1}", None, f"this is not YAML: {what}", remedy, line
                )
            ],
        )

    # From events to nodes: without recursion, and bounded before anything is expanded.

    def _compose(self, text: str) -> tuple[_Node | None, int]:
        root: _Node | None = None
        stack: list[_Node] = []
        anchors: dict[str, _Node] = {}
        total = documents = 0
        for event in yaml.parse(text, Loader=_LOADER):
            line = event.start_mark.line + 1 if event.start_mark else 1
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    break
                if event.version not in (None, (1, 1)):
                    raise _refused(self.source, line, "Pulumi reads YAML 1.1 only", "remove the line `%YAML …`")
                continue
            if isinstance(event, yaml.CollectionEndEvent):
                node = stack.pop()
                node.open = False
            elif isinstance(event, yaml.AliasEvent):
                known = anchors.get(event.anchor or "")
                if known is None:
                    raise _refused(self.source, line, f"there is no anchor `&{event.anchor}`", "define it above", None)
                if known.open:
                    rule = f"the anchor `&{event.anchor}` contains itself"
                    raise _refused(self.source, line, rule, f"remove `*{event.anchor}`")
                node = known
            elif isinstance(event, yaml.NodeEvent):
                node = _node(event, line)
                if event.anchor:
                    anchors[event.anchor] = node
                if node.kind != "scalar":
                    stack.append(node)
                    if len(stack) > MAX_DEPTH:
                        raise self._too_deep(line)
                    continue
            else:
                continue
            if not stack:
                root = node
                continue
            parent = stack[-1]
            parent.items.append(node)
            parent.size += node.size
            parent.depth = max(parent.depth, node.depth + 1)
            total += 1
            if total > MAX_VALUES or parent.size > MAX_VALUES:
                rule = f"the file has more than {MAX_VALUES:,} values, those that aliases repeat included"
                raise _refused(self.source, line, rule, "remove aliases, or split the stack")
            if parent.depth + len(stack) - 1 > MAX_DEPTH:
                raise self._too_deep(line)
        return root, documents

    def _too_deep(self, line: int) -> InvalidInput:
        return _refused(self.source, line, f"maps and lists are nested more than {MAX_DEPTH} deep", "nest them less")

    # From nodes to values

    def _value(self, node: _Node, path: tuple[str | int, ...]) -> Any:
        if node.kind == "list":
            values = []
            for index, item in enumerate(node.items):
                self.lines[(*path, index)] = item.line
                values.append(self._value(item, (*path, index)))
            return values
        if node.kind == "map":
            return self._map(node, path)
        value, tag = self._scalar(node)
        if node.plain and value is not None and not isinstance(value, bool) and tag != "str":
            becomes = text_of(value)
            if becomes != node.text:
                self.changes[path] = Change(node.line, node.text, becomes, _kind(node.text, tag))
        return value

    def _map(self, node: _Node, path: tuple[str | int, ...]) -> dict[str, Any]:
        entries = self._entries(node, all(self._is_text(key) or _is_merge(key) for key, _ in _pairs(node)))
        values: dict[str, Any] = {}
        for text, key, item in entries:
            if text in values:
                raise _refused(
                    self.source, key.line, f"the key `{text}` is there twice in one map", "remove one of them"
                )
            self.lines[(*path, text)] = key.line
            if not self._is_text(key):
                self.unquoted.add((*path, text))
            if text != key.text:
                kind = _kind(key.text, self._scalar(key)[1])
                self.changes[(*path, text)] = Change(key.line, key.text, text, "key" if kind == "number" else kind)
            change = self.changes.get((*path, text))
            values[text] = self._value(item, (*path, text))
            if change is not None:
                self.changes[(*path, text)] = change
        return values

    def _entries(self, node: _Node, as_text: bool) -> list[tuple[str, _Node, _Node]]:
        """The keys of a map and, after them, those that it merges: what comes first counts."""
        found: list[tuple[str, _Node, _Node]] = []
        written: set[tuple[str, str]] = set()
        merged: _Node | None = None
        for key, item in _pairs(node):
            if (key.kind, key.text) in written:
                rule = f"the key `{key.text}` is there twice in one map"
                raise _refused(self.source, key.line, rule, "remove one of them")
            written.add((key.kind, key.text))
            if _is_merge(key):
                merged = item
                continue
            if key.kind != "scalar":
                raise _refused(self.source, key.line, "a key must be a string", "put the key in quotes")
            text = key.text if as_text and not _is_binary(key) else self._key(key)
            found.append((text, key, item))
        if merged is None:
            return found
        names = {text for text, _, _ in found}
        for each in merged.items if merged.kind == "list" else [merged]:
            if each.kind != "map":
                rule = "`<<` must be a map, an alias of a map, or a list of these"
                raise _refused(self.source, each.line, rule, "write e.g. `<<: *defaults`")
            for text, key, item in self._entries(each, as_text):
                if text not in names:
                    names.add(text)
                    found.append((text, key, item))
        return found

    def _is_text(self, key: _Node) -> bool:
        return key.kind == "scalar" and self._scalar(key)[1] == "str"

    def _key(self, key: _Node) -> str:
        value, tag = self._scalar(key)
        if value is None:
            return "<nil>"
        return _go_general(float(value)) if tag == "float" else text_of(value)

    def _scalar(self, node: _Node) -> tuple[Any, str]:
        tag = (node.tag or "").removeprefix(_PREFIX)
        if tag == "str" or (not tag and not node.plain):
            return node.text, "str"
        if tag == "binary":
            try:
                return base64.b64decode(node.text, validate=True).decode(), "str"
            except ValueError:
                raise _refused(
                    self.source, node.line, "`!!binary` must be the Base64 encoding of text", "write the text itself"
                ) from None
        if tag and tag not in ("bool", "int", "float", "null", "timestamp"):
            return node.text, "str"
        value, resolved = resolve(node.text, dates=tag in ("", "timestamp"))
        if tag == "float" and resolved == "int":
            return float(value), "float"
        if tag and tag != resolved:
            rule = f"`{node.text}` cannot be read as `!!{tag}`"
            raise _refused(self.source, node.line, rule, f"remove `!!{tag}`")
        return value, resolved


def _node(event: Any, line: int) -> _Node:
    tag = None if event.tag in (None, "!") else event.tag
    if isinstance(event, yaml.ScalarEvent):
        return _Node(line, "scalar", tag, event.value, not event.style, open=False, anchored=bool(event.anchor))
    kind = "map" if isinstance(event, yaml.MappingStartEvent) else "list"
    return _Node(line, kind, tag, anchored=bool(event.anchor))


def _pairs(node: _Node) -> Iterator[tuple[_Node, _Node]]:
    return zip(node.items[::2], node.items[1::2], strict=True) if node.kind == "map" else iter(())


def _holds_anchor(node: _Node) -> bool:
    return node.anchored or any(_holds_anchor(item) for item in node.items)


def _is_merge(node: _Node) -> bool:
    # in quotes too: the engine writes the file again before it decodes it, then without the quotes
    return node.kind == "scalar" and node.text == "<<"


def _is_binary(node: _Node) -> bool:
    return (node.tag or "").removeprefix(_PREFIX) == "binary"


# What a plain scalar is

_WORDS: dict[str, tuple[Any, str]] = {
    **dict.fromkeys(("true", "True", "TRUE"), (True, "bool")),
    **dict.fromkeys(("false", "False", "FALSE"), (False, "bool")),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), (None, "null")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), (math.nan, "float")),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), (math.inf, "float")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), (-math.inf, "float")),
}
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_POINT_FLOAT = re.compile(r"\.[0-9](_?[0-9])*([eE][-+]?[0-9](_?[0-9])*)?")
_INTEGERS = (
    (re.compile(r"([-+]?)0[xX]([0-9a-fA-F]+)"), 16),
    (re.compile(r"([-+]?)0[bB]([01]+)"), 2),
    (re.compile(r"([-+]?)0[oO]([0-7]+)"), 8),
    (re.compile(r"([-+]?)0([0-7]+)"), 8),
    (re.compile(r"([-+]?)(0|[1-9][0-9]*)"), 10),
)
_DATE = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})"
    r"(?:(?:[Tt](\d{1,2}):(\d{1,2}):(\d{1,2})([.,]\d+)?(Z|[-+]\d\d:\d\d))|(?: (\d{1,2}):(\d{1,2}):(\d{1,2})([.,]\d+)?))?",
    re.ASCII,
)


def resolve(text: str, *, dates: bool = True) -> tuple[Any, str]:
    """Read a plain scalar: its value, and `str`, `bool`, `int`, `float`, `null` or `timestamp`."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] == ".":
        value = float(text) if _POINT_FLOAT.fullmatch(text) else math.inf
        return (value, "float") if math.isfinite(value) else (text, "str")
    if text[0] not in "+-0123456789":
        return text, "str"
    if dates and (date := _date(text)) is not None:
        return date, "timestamp"
    plain = text.replace("_", "")
    for pattern, base in _INTEGERS:
        if (match := pattern.fullmatch(plain)) and len(plain) < 80:
            number = int(match[2], base) * (-1 if match[1] == "-" else 1)
            if -(2**63) <= number < 2**63 or (number < 2**64 and not match[1]):
                return number, "int"
    if _FLOAT.fullmatch(plain) and math.isfinite(value := float(plain)):
        # written again by the engine without a fraction, and then read as a whole number
        return (int(value) if value == int(value) and abs(value) < 2**53 else value), "float"
    return text, "str"


def _date(text: str) -> str | None:
    """A date as Go writes it, e.g. `2024-01-01 00:00:00 +0000 UTC`."""
    match = _DATE.fullmatch(text)
    if match is None:
        return None
    year, month, day = int(match[1]), int(match[2]), int(match[3])
    hour, minute, second = (int(match[a] or match[b] or 0) for a, b in ((4, 9), (5, 10), (6, 11)))
    if not (1 <= month <= 12 and 1 <= day <= _days(year, month) and hour < 24 and minute < 60 and second < 60):
        return None
    digits = (match[7] or match[12] or "")[1:10].rstrip("0")
    zone = match[8] or "Z"
    offset = "+0000 UTC" if zone in ("Z", "+00:00", "-00:00") else " ".join([zone.replace(":", "")] * 2)
    fraction = f".{digits}" if digits else ""
    return f"{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}{fraction} {offset}"


def _days(year: int, month: int) -> int:
    # of a year that has every month as usual: the calendar knows no year 0, and Go does
    return 29 if month == 2 and calendar.isleap(year) else calendar.monthrange(2001, month)[1]


def _kind(text: str, tag: str) -> str:
    if tag == "timestamp":
        return "date"
    return "octal" if re.fullmatch(r"[-+]?0[0-9_]+", text) else "number"


def text_of(value: Any) -> str:
    """A string, number or boolean as the engine hands it to a program."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return go_json_number(value) if isinstance(value, float) else str(value)


def go_json_number(value: float) -> str:
    """A float as Go's `encoding/json` writes it."""
    if not math.isfinite(value):
        return str(value)
    if value == 0:
        return "0"
    if 1e-6 <= abs(value) < 1e21:
        return _decimal(value)
    mantissa, exponent = _scientific(value)
    return f"{mantissa}e{exponent:+d}"


def _go_general(value: float) -> str:
    """A float as Go's `%v` writes it: with an exponent from 1e6, and below 1e-4."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
    if value == 0:
        return "0"
    mantissa, exponent = _scientific(value)
    # a whole number below that is written without a point, and read as a whole number
    return f"{mantissa}e{exponent:+03d}" if not -4 <= exponent < 6 else _decimal(value)


def _decimal(value: float) -> str:
    return f"{Decimal(repr(value)):f}".removesuffix(".0")


def _scientific(value: float) -> tuple[str, int]:
    """The shortest digits that are this float, with a point after the first, and the exponent of ten."""
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    text = "".join(map(str, digits))
    return f"{'-' if sign else ''}{text[0]}{'.' if text[1:] else ''}{text[1:]}", int(exponent) + len(text) - 1
