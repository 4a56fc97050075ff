"""Exceptions: accepted findings, each with a reason and an expiry date.

    exceptions:
      - vulnerability: CVE-2026-1234
        packages: [libssl*]              # Default: any package
        repositories: [team/*]           # Default: any repository
        reason: The vulnerable function is not linked in.
        who: security@example.com
        expires: 2026-12-31              # the last day, in UTC

An OpenVEX document serves the same purpose; see `vex`.
"""

from __future__ import annotations

import dataclasses
import fnmatch
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, Protocol

import yaml
from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from ecr_stack.errors import InvalidInput, NotFound, Problem
from ecr_stack.model import Model, parse, refusal
from ecr_stack.operations.scanning.findings import Finding
from ecr_stack.schema.reasons import reason_problem

__all__ = ["Acceptance", "Exceptions", "FindingException", "JudgedImage", "read_exceptions"]

_LARGEST_FILE = 5 * 1024 * 1024


@dataclass(frozen=True)
class JudgedImage:
    """The image of a finding, with everything by which an exception may identify it."""

    repository: str
    digests: frozenset[str]
    """Its own digest, and that of the index that lists it."""
    tag: str | None = None
    host: str | None = None
    architecture: str | None = None


class Acceptance(Protocol):
    """Something that accepts findings: an entry of an exceptions file, or a statement of an OpenVEX document."""

    def covers(self, finding: Finding, image: JudgedImage) -> bool:
        """Whether it covers this finding in this image."""

    def expired(self, today: date) -> bool:
        """Whether it has expired."""

    def as_json(self) -> dict[str, Any]:
        """The content as plain data."""


def _vulnerability(value: str) -> str:
    if re.search(r"[*?\s]", value):
        raise refusal(
            "an exception must name one vulnerability, without wildcards or spaces", "write the id, e.g. CVE-2026-1234"
        )
    if value.upper().startswith("CVE") and not re.fullmatch(r"CVE-[0-9]{4}-[0-9]{4,}", value):
        raise refusal("a CVE id is `CVE-`, a year, `-` and at least four digits", "write e.g. CVE-2026-1234")
    return value


def _pattern(value: str) -> str:
    if not value or value != value.strip():
        raise refusal("a pattern must not be empty or have spaces around it", "write a name, e.g. libssl* or team/api")
    return value


def _repository_pattern(value: str) -> str:
    _pattern(value)
    if not re.fullmatch(r"[a-z0-9._/*?-]+", value):
        raise refusal(
            "a repository pattern has lowercase letters, digits, `.`, `_`, `-`, `/`, and the wildcards `*` and `?`",
            "write the repository's name without the registry's host and without a tag, e.g. team/*",
        )
    return value


def _day(value: object) -> object:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise refusal("this date does not exist", "write a valid date as YYYY-MM-DD") from None
    raise refusal("an expiry date must be written as YYYY-MM-DD", "write e.g. 2026-12-31")


def _reason(value: str) -> str:
    if problem := reason_problem(value):
        raise refusal(
            f"an exception needs a reason, and `{value[:80]}` {problem}",
            "write why the finding is acceptable, e.g. that the vulnerable function is not linked in",
        )
    return value


_Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
_Patterns = Annotated[list[Annotated[str, AfterValidator(_pattern)]], Field(min_length=1)]
_RepositoryPatterns = Annotated[list[Annotated[str, AfterValidator(_repository_pattern)]], Field(min_length=1)]


class FindingException(Model):
    """One accepted vulnerability."""

    vulnerability: Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_vulnerability)]
    """The id in the scan result, e.g. `CVE-2026-1234`."""
    packages: _Patterns | None = None
    """Package name patterns, with `*` and `?`. Every package of the finding must match. Default: any package."""
    repositories: _RepositoryPatterns | None = None
    """Repository name patterns, with `*` and `?`. Default: any repository."""
    reason: Annotated[_Text, AfterValidator(_reason)]
    """Why the finding is acceptable."""
    who: _Text
    """The person or team that accepted it."""
    expires: Annotated[date, BeforeValidator(_day)]
    """The last day on which it is valid, in UTC."""

    def covers(self, finding: Finding, image: JudgedImage) -> bool:
        """Whether it covers this finding in this image."""
        if finding.name.upper() != self.vulnerability.upper():
            return False
        if self.repositories is not None and not _matches(image.repository, self.repositories):
            return False
        if self.packages is None:
            return True
        return bool(finding.packages) and all(_matches(each.name, self.packages) for each in finding.packages)

    def expired(self, today: date) -> bool:
        """Whether it has expired."""
        return self.expires < today

    def as_json(self) -> dict[str, Any]:
        """The content as plain data."""
        return self.model_dump(mode="json", exclude_none=True)


def _matches(name: str, patterns: Sequence[str]) -> bool:
    # `[` is a literal here, not the start of a character set
    return any(fnmatch.fnmatchcase(name, pattern.replace("[", "[[]")) for pattern in patterns)


class _File(Model):
    """The document."""

    exceptions: list[FindingException]
    """The content of an exceptions file."""


@dataclass(frozen=True)
class Exceptions:
    """All exceptions given to the gate."""

    entries: tuple[FindingException, ...] = ()
    statements: tuple[Any, ...] = ()
    """`vex.Statement`s, ordered so that later ones override earlier ones."""

    def accepting(self, finding: Finding, image: JudgedImage, today: date) -> Acceptance | None:
        """The acceptance that covers a finding, if one is valid today."""
        for entry in self.entries:
            if not entry.expired(today) and entry.covers(finding, image):
                return entry
        # the latest of several statements about the same product and vulnerability is valid
        latest = None
        for statement in self.statements:
            if statement.covers(finding, image):
                latest = statement
        return latest if latest is not None and latest.accepts else None

    @property
    def accepting_entries(self) -> list[Acceptance]:
        """All entries that may accept a finding, which excludes VEX statements with `affected`."""
        return [*self.entries, *(each for each in self.statements if each.accepts)]

    def expired(self, today: date) -> list[FindingException]:
        """The expired entries."""
        return [entry for entry in self.entries if entry.expired(today)]


def read_exceptions(paths: Sequence[Path]) -> Exceptions:
    """Read files of exceptions, YAML or JSON, and OpenVEX documents.

    Raises:
        NotFound: a file cannot be read.
        InvalidInput: a file is invalid; with every error in it.
    """
    from ecr_stack.operations.scanning.vex import is_vex, read_vex

    entries: list[FindingException] = []
    statements: list[Any] = []
    for path in paths:
        data, positions = _load(path)
        try:
            if is_vex(data):
                statements.extend(read_vex(data, str(path)))
            else:
                entries.extend(_read_entries(data, str(path)))
        except InvalidInput as error:
            raise InvalidInput(error.source, [_with_line(each, positions) for each in error.problems]) from None
    statements.sort(key=lambda statement: statement.timestamp)
    return Exceptions(tuple(entries), tuple(statements))


def _read_entries(data: Any, source: str) -> list[FindingException]:
    if not isinstance(data, dict):
        remedy = "write `exceptions:` with an entry for each vulnerability, or pass an OpenVEX document"
        raise InvalidInput(source, [Problem("(the document)", data, "an exceptions file must be a map", remedy)])
    entries = parse(_File, data, "", source=source).exceptions
    problems = []
    seen: dict[tuple[Any, ...], int] = {}
    for index, entry in enumerate(entries):
        key = (
            entry.vulnerability.upper(),
            *(tuple(sorted(each or ())) for each in (entry.packages, entry.repositories)),
        )
        if key in seen:
            rule = f"this is the same exception as exceptions[{seen[key]}]"
            problems.append(
                Problem(f"exceptions[{index}].vulnerability", entry.vulnerability, rule, "keep one of the two")
            )
        seen.setdefault(key, index)
    if problems:
        raise InvalidInput(source, problems)
    return entries


class _Refused(yaml.YAMLError):
    def __init__(self, rule: str, remedy: str, mark: Any) -> None:
        self.problem, self.remedy, self.problem_mark = rule, remedy, mark
        super().__init__(rule)


class _Loader(yaml.SafeLoader):
    """YAML loader that keeps dates as strings, and rejects duplicate keys and aliases."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.events.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise _Refused("aliases (`*name`) are not allowed here", "write the value itself", mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key_node, _ in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise _Refused("a key must be a string", "write `key: value`", key_node.start_mark)
            if key_node.value in seen:
                raise _Refused(f"the key `{key_node.value}` is here twice", "remove one of them", key_node.start_mark)
            seen.add(key_node.value)
        return super().construct_mapping(node, deep=deep)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _load(path: Path) -> tuple[Any, dict[str, int]]:
    """The data of a file, and the line of each place in it."""
    source = str(path)
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_FILE + 1)
        if len(content) > _LARGEST_FILE:
            problem = Problem("(the file)", None, "the file has more than 5 MB", "split it, and pass each part")
            raise InvalidInput(source, [problem])
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        problem = Problem("(the file)", None, "the file is not UTF-8 text", "save it as UTF-8")
        raise InvalidInput(source, [problem]) from None
    except OSError as error:
        raise NotFound(f"{path} cannot be read: {error.strerror}") from None
    if text.lstrip().startswith("{") and path.suffix == ".json":
        try:
            return json.loads(text, object_pairs_hook=_once), {}
        except (ValueError, RecursionError) as error:
            problem = Problem(
                "(the file)", None, f"it is not JSON: {error}", "write valid JSON, or YAML in a .yaml file"
            )
            raise InvalidInput(source, [problem]) from None
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        positions: dict[str, int] = {}
        if node is not None:
            _positions(node, "", positions)
        return (loader.construct_document(node) if node is not None else None), positions
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        rule = str(getattr(error, "problem", None) or "it is not YAML")
        remedy = getattr(error, "remedy", "fix this line or the one before it")
        line = mark.line + 1 if mark else None
        raise InvalidInput(source, [Problem("(the file)", None, rule, remedy, line)]) from None
    except (RecursionError, ValueError) as error:
        rule = "the document is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise InvalidInput(source, [Problem("(the file)", None, rule, "write plain YAML")]) from None
    finally:
        loader.dispose()


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key `{twice}` is there twice in one object")
    return data


def _positions(node: Any, place: str, positions: dict[str, int]) -> None:
    positions[place] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            name = f"{place}.{key.value}" if place else str(key.value)
            _positions(value, name, positions)
            positions[name] = key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            _positions(value, f"{place}[{index}]", positions)


def _with_line(problem: Problem, positions: dict[str, int]) -> Problem:
    """Add the line of a place, or of the nearest one above it."""
    place = problem.place
    while place not in positions and re.search(r"[.\[]", place):
        place = re.sub(r"(\.[^.\[]*|\[[^\[]*)$", "", place)
    line = problem.line or positions.get(place)
    return dataclasses.replace(problem, line=line)


def today_of(now: datetime) -> date:
    """The date to compare expiry dates with."""
    return now.astimezone(UTC).date()
