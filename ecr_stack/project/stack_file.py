"""A Pulumi project and one of its stack files, read as Pulumi reads them.

https://www.pulumi.com/docs/iac/concepts/projects/project-file/
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from ecr_stack.errors import InvalidInput, NotFound, Problem
from ecr_stack.model import nearest
from ecr_stack.project.document import Change, Document, read_document, text_of
from ecr_stack.project.native_rules import native_rule_problems
from ecr_stack.project.provider_settings import provider_problems
from ecr_stack.schema.stack import NAMESPACE, region_problem, settings_in

__all__ = ["ENCRYPTED", "Project", "StackFile", "read_project", "read_stack"]

ENCRYPTED = "[secret]"
"""The placeholder for an encrypted value, which only Pulumi can decrypt."""

_STACK_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}")
_ROOT_KEYS = ("config", "environment", "secretsprovider", "encryptedkey", "encryptionsalt")
_TYPES = {
    "string": "a string",
    "integer": "a whole number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a map of keys to values",
}


@dataclass(frozen=True)
class Project:
    """A folder with a `Pulumi.yaml`."""

    name: str
    directory: Path
    program: Path
    """The folder that holds the program's `__main__.py`."""
    stack_folder: Path
    """The folder that holds the stack files."""
    declared: Mapping[str, Any]
    """What `config:` in Pulumi.yaml declares, by namespaced key: maps of `type`, `items`, `default`, `value`, `secret`."""
    runtime: str = "python"
    """The language, e.g. `python`."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """The runtime's options, e.g. `virtualenv`."""
    extension: str = "yaml"
    """`yaml` or `yml`: the stack files have that of Pulumi.yaml."""

    def stacks(self) -> list[str]:
        """The names of the stacks that have a file."""
        files = self.stack_folder.glob(f"Pulumi.*.{self.extension}")
        return sorted(file.name.removeprefix("Pulumi.").removesuffix(f".{self.extension}") for file in files)


@dataclass(frozen=True)
class StackFile:
    """One environment's configuration."""

    name: str
    path: Path
    config: Mapping[str, str]
    """What the program sees: strings by namespaced key; maps and lists as JSON. An encrypted value is `ENCRYPTED`."""
    secret_keys: frozenset[str] = frozenset()
    """The keys that hold an encrypted value, which Pulumi hands on as secrets."""
    warnings: tuple[Problem, ...] = ()
    """Values that the engine passes on differently from how they are written, or that are unknown without it."""
    lines: Mapping[str, int] = field(default_factory=dict)
    """The line of each key and list item, by the place that a `Problem` names."""
    plain_keys: Mapping[str, str] = field(default_factory=dict)
    """Keys that are written without a namespace, by what Pulumi makes of them."""
    written: Mapping[str, Change] = field(default_factory=dict)
    """By place, what is written differently from what the engine hands on."""

    def line(self, place: str) -> int | None:
        """The line of a place such as `ecr-stack:repositories.api.tagMutability`, or of the nearest one above it."""
        while place:
            if place in self.lines:
                return self.lines[place]
            place = place[: max(place.rfind("."), place.rfind("["), 0)]
        return None

    def located(self, error: InvalidInput) -> InvalidInput:
        """The same errors with their lines, and with what is written where the engine reads it otherwise."""
        located = [self._located(problem) for problem in error.problems]
        return InvalidInput(self.path.name, sorted(located, key=lambda problem: problem.line or 0))

    def _located(self, problem: Problem) -> Problem:
        change = self.written.get(problem.place)
        if change is not None and change.kind != "key":
            return _changed(problem.place, change)
        key, dot, rest = problem.place.partition(".")
        place = f"{self.plain_keys.get(key, key)}{dot}{rest}"
        return replace(problem, place=place, line=problem.line or self.line(problem.place))


def read_project(directory: Path) -> Project:
    """Find the project in a folder or above it, as `pulumi` does.

    Raises:
        NotFound: if there is no Pulumi.yaml.
        InvalidInput: if it is not one.
    """
    for folder in (directory, *directory.parents):
        if (folder / "Pulumi.json").is_file():
            raise NotFound(f"{folder / 'Pulumi.json'}: ecr-stack reads a project from Pulumi.yaml only; convert it")
        for name in ("Pulumi.yaml", "Pulumi.yml"):
            if (folder / name).is_file():
                return _project(folder / name)
    raise NotFound(f"no Pulumi.yaml in {directory} or above it; run this in the folder of the project")


def _project(file: Path) -> Project:
    document = read_document(file)
    data = _outermost(document)
    problems: list[Problem] = []

    def checked(key: str, kind: type, default: Any, rule: str, remedy: str) -> Any:
        value = data.get(key)
        if value is None or isinstance(value, kind):
            return default if value is None else value
        problems.append(document.refuse((key,), value, rule, remedy))
        return default

    name = checked("name", str, "", "a project's name must be a string", "add `name: ecr-stack`")
    path_rule, path_remedy = "must be the path of a folder", "write a path relative to Pulumi.yaml, or remove the key"
    main = checked("main", str, ".", path_rule, path_remedy)
    folder = checked("stackConfigDir", str, ".", path_rule, path_remedy)
    runtime = data.get("runtime", "python")
    options = runtime.get("options") if isinstance(runtime, Mapping) else None
    declared = data.get("config")
    if isinstance(declared, str):  # an older way to say stackConfigDir
        folder, declared = declared, None
    elif not isinstance(declared, Mapping) and declared is not None:
        problems.append(
            document.refuse(("config",), declared, "must be a map of keys to values", "write `key: value` lines")
        )
        declared = None
    if not name and not problems:
        problems.append(Problem("name", None, "a project must have a name", "add `name: ecr-stack`"))
    declarations: dict[str, Any] = {}
    for key, value in (declared or {}).items():
        own = ":" not in key or key.startswith(f"{name}:")
        described = (
            value if isinstance(value, Mapping) else {} if value is None else {"default" if own else "value": value}
        )
        declarations[_namespaced(key, name)] = described
        problems += _declaration_problems(document, key, described, own)
    problems += [
        _changed(f"config.{'.'.join(map(str, path[1:]))}", change)
        for path, change in document.changes.items()
        if path[:1] == ("config",) and change.kind in ("date", "octal")
    ]
    if problems:
        raise InvalidInput(file.name, problems)
    program = (file.parent / main).resolve()
    return Project(
        name=name,
        directory=file.parent.resolve(),
        program=program.parent if program.is_file() else program,
        stack_folder=(file.parent / folder).resolve(),
        declared=declarations,
        runtime=str(runtime.get("name", "")) if isinstance(runtime, Mapping) else str(runtime),
        options=options if isinstance(options, Mapping) else {},
        extension=file.suffix.removeprefix("."),
    )


def _declaration_problems(document: Document, key: str, described: Mapping[str, Any], own: bool) -> Iterator[Problem]:
    """What Pulumi rejects in a declaration of `config:` in Pulumi.yaml."""
    path = ("config", key)
    kind, default = described.get("type"), described.get("default")
    known = ("type", "items", "default", "value", "description", "secret")
    for word in described:
        if word not in known:
            guess = nearest(word, known)
            remedy = f"write `{guess}`" if guess else "for a map as the default, write `default:` above it"
            yield document.refuse((*path, word), described[word], f"`{word}` is not a known key", remedy)
    if kind is not None and kind not in _TYPES:
        yield document.refuse((*path, "type"), kind, "is not a Pulumi type", f"write one of {', '.join(_TYPES)}")
    elif default is not None and described.get("value") is not None:
        yield document.refuse(path, described, "has both `default` and `value`", "remove one of them")
    elif not own and (kind is not None or default is not None or described.get("value") is None):
        yield document.refuse(path, described, "a key of another namespace must have only a `value`", "write `value:`")
    elif kind == "array" and not described.get("items"):
        yield document.refuse(path, described, "an array must say what its items are", "add `items: {type: string}`")
    elif kind is not None and default is not None and not _is_of(kind, described.get("items"), default):
        yield document.refuse((*path, "default"), default, f"must be {_TYPES[kind]}", f"write {_TYPES[kind]}")


def read_stack(project: Project, stack: str, *, secrets: Mapping[str, str] | None = None) -> StackFile:
    """Read a stack file and lay it over the project's defaults.

    Args:
        project: whose stack it is.
        stack: its name, the NAME in Pulumi.NAME.yaml.
        secrets: plain values, by namespaced key, to take for encrypted ones.

    Raises:
        NotFound: if the stack has no file.
        InvalidInput: if the file is not one, or a value is not of its declared type.
    """
    document = read_document(_path(project, stack))
    data = _outermost(document)
    problems, warnings = list(_root_problems(document, data)), list(_root_warnings(document, data))
    stated = {} if data.get("config") is None else data["config"]
    if not isinstance(stated, Mapping):
        rule, remedy = "must be a map of keys to values", "write `key: value` lines, without `-`"
        raise InvalidInput(document.source, [*problems, document.refuse(("config",), stated, rule, remedy, "config")])
    values = {key: _default(described) for key, described in project.declared.items()}
    values = {key: value for key, value in values.items() if value is not None}
    values |= _stated(document, stated, project.name, problems)
    lines = {_place(path, project.name): line for path, line in document.lines.items() if path[:1] == ("config",)}
    changes = {_place(path, project.name): each for path, each in document.changes.items() if path[:1] == ("config",)}
    for place, change in changes.items():
        misread = change.kind in ("date", "octal", "key") and place.startswith((NAMESPACE, "aws:"))
        (problems if misread else warnings).append(_changed(place, change))
    for key, described in project.declared.items():
        problems += _type_problems(key, described, values)
    config = _handed_over(values, secrets or {}, problems)
    file = StackFile(
        name=stack,
        path=project.stack_folder / document.source,
        config=config,
        secret_keys=frozenset(key for key, value in values.items() if _holds_secret(value)),
        warnings=tuple(warnings),
        lines=lines,
        plain_keys={
            namespaced: str(key)
            for key in stated
            if ":" not in str(key) and (namespaced := f"{project.name}:{key}") not in stated
        },
        written=changes,
    )
    region = region_problem(config["aws:region"]) if "aws:region" in config else None
    problems += [*([region] if region else []), *provider_problems(config), *native_rule_problems(values)]
    # this project's own settings are judged here as well, so that all errors come at once, each with its line
    known = {problem.place for problem in problems}
    further = [problem for problem in _further(config) if not _is_within(problem.place, known)]
    if problems or further:
        raise file.located(InvalidInput(document.source, [*problems, *further]))
    return file


def _stated(document: Document, stated: Mapping[str, Any], project: str, problems: list[Problem]) -> dict[str, Any]:
    """The values of a stack file by namespaced key."""
    values: dict[str, Any] = {}
    spelled: dict[str, str] = {}
    for key, value in stated.items():
        path, namespaced = ("config", key), _namespaced(key, project)
        if path in document.unquoted:
            problems.append(document.refuse(path, value, "a key must be a string", f'write "{key}", in quotes', key))
        elif namespaced.count(":") != 1:
            remedy = f"write e.g. `{NAMESPACE}{key.rpartition(':')[2] or 'tags'}`"
            problems.append(document.refuse(path, value, "a key must be `namespace:name`", remedy, key))
        elif namespaced in values:
            rule = f"is the same key as `{spelled[namespaced]}`"
            problems.append(document.refuse(path, value, rule, "remove one of them", key))
        else:
            values[namespaced], spelled[namespaced] = value, key
    return values


def _handed_over(values: Mapping[str, Any], secrets: Mapping[str, str], problems: list[Problem]) -> dict[str, str]:
    """The values as the program gets them."""
    config: dict[str, str] = {}
    for key, value in values.items():
        encrypted = _holds_secret(value)
        if encrypted and key in secrets:
            config[key] = secrets[key]
        elif encrypted and key.startswith(NAMESPACE) and (place := _not_secret(key, value)):
            rule = "only Pulumi, which has the passphrase or key, can read an encrypted value"
            remedy = f"write it in plain text, since only the credentials of `{_CACHES}` are secret: `pulumi config set {key} …`"
            problems.append(Problem(place, "secure: …", rule, remedy))
        else:
            try:
                config[key] = _text(value)
            except ValueError:
                rule = "has a number that is not finite, which has no JSON form"
                problems.append(Problem(key, "…", rule, "write a number, or quote it"))
    return config


_CACHES = f"{NAMESPACE}pullThroughCache"


def _not_secret(key: str, value: Any) -> str | None:
    """The place of an encrypted value that is not a login of a cache; `None` if there is none."""
    found = _secrets(value, ())
    logins = key == _CACHES
    wrong = next((path for path in found if not (logins and len(path) == 3 and path[1] == "credentials")), None)
    return None if wrong is None else _place(("config", key, *wrong), "")


def _secrets(value: Any, path: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
    if _is_secret(value):
        yield path
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _secrets(item, (*path, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _secrets(item, (*path, index))


def _is_within(place: str, places: set[str]) -> bool:
    """Whether a place is one of those, or inside of one."""
    return any(place == each or place.startswith((f"{each}.", f"{each}[")) for each in places)


def _path(project: Project, stack: str) -> Path:
    """The file of a stack.

    Raises:
        NotFound: if there is none.
    """
    path = project.stack_folder / f"Pulumi.{stack}.{project.extension}"
    if _STACK_NAME.fullmatch(stack) and path.is_file():
        return path
    known = project.stacks()
    # what was meant by a file's name, or by `organization/project/stack`
    name = re.sub(r"^Pulumi\.|\.ya?ml$", "", stack.rpartition("/")[2])
    guess = name if name in known else nearest(name[:100], known)
    hint = f"did you mean {guess}? " if guess else ""
    other = "yml" if project.extension == "yaml" else "yaml"
    if _STACK_NAME.fullmatch(stack) and (project.stack_folder / f"Pulumi.{stack}.{other}").is_file():
        hint = f"Pulumi reads Pulumi.{stack}.{project.extension}, not .{other}, beside Pulumi.{project.extension}. "
    shown = stack if len(stack) <= 100 else f"{stack[:100]}…"
    raise NotFound(f"no stack `{shown}`: {hint}the stacks with a file here are {', '.join(known) or 'none'}")


def _outermost(document: Document) -> Mapping[str, Any]:
    data = document.value
    if data is None:
        return {}
    if not isinstance(data, Mapping):
        rule, remedy = "must be a map of keys to values", "start with `config:`"
        raise InvalidInput(document.source, [Problem("(the file)", data, rule, remedy, 1)])
    return data


def _root_problems(document: Document, data: Mapping[str, Any]) -> Iterator[Problem]:
    """What Pulumi would silently ignore."""
    if document.documents > 1:
        rule, remedy = "Pulumi reads only the first document of a file", "remove the `---` and what follows it"
        yield Problem("(the file)", "---", rule, remedy)
    for key, value in data.items():
        anchored = key in document.anchored and not key.startswith(NAMESPACE)
        if key in _ROOT_KEYS or key.startswith("x-") or anchored:
            continue
        guess = nearest(key, _ROOT_KEYS)
        if ":" in key:
            where = "move it below `config:`" if "config" in data else "write `config:` above it"
            rule, remedy = "Pulumi reads keys under `config:` only", f"{where}, and indent it by two spaces"
        elif guess:
            rule, remedy = f"`{key}` is not a known key", f"write `{guess}`"
        else:
            rule, remedy = (
                f"`{key}` is not a known key, so Pulumi would ignore it",
                f"write `{NAMESPACE}{key}` under `config:`",
            )
        yield document.refuse((key,), value, rule, remedy, key)


def _root_warnings(document: Document, data: Mapping[str, Any]) -> Iterator[Problem]:
    if data.get("environment") is not None:
        rule = "values from Pulumi ESC are not known without Pulumi Cloud, and are ignored here"
        yield document.refuse(
            ("environment",), data["environment"], rule, "see `pulumi config` for them", "environment"
        )


def _further(config: Mapping[str, str]) -> tuple[Problem, ...]:
    """What this project's own settings have to say beside what Pulumi would: all errors come at once."""
    if any(key.startswith(NAMESPACE) for key in config):
        try:
            settings_in(config, source="")
        except InvalidInput as error:
            return error.problems
    return ()


def _place(path: tuple[str | int, ...], project: str) -> str:
    """The place that a `Problem` names for a path of the file, e.g. `ecr-stack:repositories.api.tags[0]`."""
    if len(path) < 2:
        return "config"
    text = _namespaced(str(path[1]), project)
    return text + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path[2:])


def _changed(place: str, change: Change) -> Problem:
    what = {"date": "the date", "key": "the key"}.get(change.kind, "the number")
    rule = f"Pulumi reads `{change.written}` without quotes as {what} {change.becomes}"
    remedy = f"write {json.dumps(change.written, ensure_ascii=False)}, in quotes"
    if change.kind == "number":
        remedy += f", or {change.becomes}"
    return Problem(place, change.written, rule, remedy, change.line)


def _namespaced(key: str, project: str) -> str:
    parts = key.split(":")
    if len(parts) == 3 and parts[1] == "config":  # as Pulumi once wrote keys
        return f"{parts[0]}:{parts[2]}"
    return key if ":" in key else f"{project}:{key}"


def _default(described: Mapping[str, Any]) -> Any:
    default = described.get("default")
    return described.get("value") if default is None else default


def _holds_secret(value: object) -> bool:
    if isinstance(value, Mapping):
        return _is_secret(value) or any(map(_holds_secret, value.values()))
    return isinstance(value, list) and any(map(_holds_secret, value))


def _is_secret(value: object) -> bool:
    return isinstance(value, Mapping) and set(value) == {"secure"} and isinstance(value["secure"], str)


def _text(value: Any) -> str:
    """A value as the engine hands it to a program: maps and lists as JSON with sorted keys."""
    value = _plain(value)
    if value is None:
        return ""
    if isinstance(value, (dict, list)):
        return json.dumps(value, allow_nan=False, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return value if isinstance(value, str) else text_of(value)


def _plain(value: Any, *, nested: bool = False) -> Any:
    """Put the placeholder for what is encrypted, and numbers as they come out of Go's JSON."""
    if _is_secret(value):
        return ENCRYPTED
    if isinstance(value, Mapping):
        return {key: _plain(item, nested=True) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item, nested=True) for item in value]
    if nested and isinstance(value, int) and not isinstance(value, bool) and value >= 2**63:
        value = float(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError
        # written without an exponent below 1e21
        return int(Decimal(repr(value))) if value == int(value) and abs(value) < 1e21 else value
    return value


def _type_problems(key: str, described: Mapping[str, Any], values: Mapping[str, Any]) -> Iterator[Problem]:
    """Check a value against its declaration in Pulumi.yaml, as the engine does before the program runs."""
    kind = described.get("type")
    if key not in values:
        yield Problem(key, None, "the project requires this key in every stack", f"add `{key}`")
    elif kind in _TYPES and not _holds_secret(values[key]):
        value = values[key]
        if described.get("secret"):
            rule = "Pulumi.yaml declares this value as secret, so it must be encrypted"
            yield Problem(key, "…", rule, f"write it with `pulumi config set --secret {key}`")
        elif not _is_of(kind, described.get("items"), value):
            yield Problem(key, value, f"must be {_TYPES[kind]}", f"write {_example(kind, value)}")


def _example(kind: str, value: Any) -> str:
    if kind == "object" and isinstance(value, list) and value:
        names = [item.get("name") if isinstance(item, Mapping) else item for item in value]
        if all(isinstance(name, str) for name in names):
            return "a map without `-`: " + ", ".join(f"`{name}: {{}}`" for name in names[:3])
    return {"array": "[…]", "object": "`key: value` lines, or {}"}.get(kind, _TYPES[kind])


def _is_of(kind: Any, items: Any, value: Any, *, nested: bool = False) -> bool:
    """Whether Pulumi takes a value for one of a type; it sees the scalars of a stack file as strings."""
    scalar = not isinstance(value, (dict, list))
    match kind:
        case "string":
            return scalar if not nested else isinstance(value, str)
        case "integer":
            text = "" if value is None else text_of(value) if scalar else ""
            return bool(re.fullmatch(r"[-+]?[0-9]+", text)) and not isinstance(value, bool)
        case "boolean":
            return isinstance(value, bool) or value in ("true", "false")
        case "object":
            return isinstance(value, dict)
        case "array" if isinstance(value, list) and isinstance(items, Mapping):
            return all(_is_of(items.get("type"), items.get("items"), item, nested=True) for item in value)
    return False
