"""A Pulumi project and one of its stack files, read as Pulumi reads them.

https://www.pulumi.com/docs/iac/concepts/projects/project-file/
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ecr_stack.errors import InvalidInput, NotFound, Problem
from ecr_stack.model import nearest
from ecr_stack.schema.registry import region_problem
from ecr_stack.schema.stack import NAMESPACE, settings_in

__all__ = ["PLACEHOLDER", "Project", "StackFile", "read_project", "read_stack"]


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
    """What `config:` in Pulumi.yaml declares, by namespaced key."""

    def stacks(self) -> list[str]:
        """The names of the stacks that have a file."""
        files = (*self.stack_folder.glob("Pulumi.*.yaml"), *self.stack_folder.glob("Pulumi.*.yml"))
        return sorted({file.name.removeprefix("Pulumi.").rsplit(".", 1)[0] for file in files})


@dataclass(frozen=True)
class StackFile:
    """One environment's configuration."""

    name: str
    path: Path
    config: Mapping[str, str]
    """What the program sees: text by namespaced key; maps and lists as JSON."""
    secrets: frozenset[str] = frozenset()
    """The keys whose values are secret: encrypted in the file, or given from outside."""


class _Loader(yaml.SafeLoader):
    """YAML as Pulumi's reader takes it: `yes` and `on` are texts, dates are texts, and no key stands twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, (list, dict)):
                raise yaml.constructor.ConstructorError(None, None, "a key must be a text", key_node.start_mark)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key `{key}` stands twice in one map", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


_Loader.yaml_implicit_resolvers = {
    first: [
        (tag, pattern)
        for tag, pattern in resolvers
        if tag not in ("tag:yaml.org,2002:bool", "tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:int")
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:int",
    re.compile(r"^[-+]?(0|[1-9][0-9_]*|0[0-7]+|0x[0-9a-fA-F]+)$"),
    list("-+0123456789"),
)


def read_project(directory: Path) -> Project:
    """Find the project in a folder or above it, as `pulumi` does.

    Raises:
        NotFound: where there is no Pulumi.yaml.
        InvalidInput: where it is not one.
    """
    for folder in (directory, *directory.parents):
        for name in ("Pulumi.yaml", "Pulumi.yml"):
            if (folder / name).is_file():
                return _project(folder / name)
    raise NotFound(f"no Pulumi.yaml in {directory} or above it; run this in the folder of the project")


def _project(file: Path) -> Project:
    data = _load(file)
    name = data.get("name")
    if not isinstance(name, str):
        raise InvalidInput(file.name, [Problem("name", name, "a project has a name", "add `name: ecr-stack`")])
    main, stack_folder, declared = (
        data.get("main", "."),
        data.get("stackConfigDir", "."),
        data.get("config") or {},
    )
    problems = [
        Problem(key, value, "a folder's path is needed", "write a path relative to Pulumi.yaml, or remove the key")
        for key, value in (("main", main), ("stackConfigDir", stack_folder))
        if not isinstance(value, str)
    ]
    if not isinstance(declared, Mapping):
        problems.append(Problem("config", declared, "a map of keys to values is needed", "write `key: value` lines"))
    if problems:
        raise InvalidInput(file.name, problems)
    program = (file.parent / main).resolve()
    return Project(
        name=name,
        directory=file.parent.resolve(),
        program=program.parent if program.is_file() else program,
        stack_folder=(file.parent / stack_folder).resolve(),
        declared={_namespaced(key, name): value for key, value in declared.items()},
    )


PLACEHOLDER = "secret-placeholder"
"""What a program reads for an encrypted value, which only Pulumi can decrypt."""


def read_stack(project: Project, stack: str, secrets: Mapping[str, str] | None = None) -> StackFile:
    """Read a stack file and lay it over the project's defaults.

    Args:
        project: the project.
        stack: the stack's name.
        secrets: values of secret keys, which replace what the file says. If given, even if empty, `PLACEHOLDER` takes
            the place of encrypted values without one; otherwise encrypted values are refused.

    Raises:
        NotFound: where the stack has no file.
        InvalidInput: where the file is not one, or a value is not of its declared type.
    """
    path = next(
        (file for end in ("yaml", "yml") if (file := project.stack_folder / f"Pulumi.{stack}.{end}").is_file()),
        None,
    )
    if path is None or "/" in stack:
        known = project.stacks()
        guess = nearest(stack, known)
        hint = f"did you mean {guess}? " if guess else ""
        raise NotFound(f"no stack `{stack}`: {hint}the stacks with a file here are {', '.join(known) or 'none'}")
    data = _load(path)
    given = {} if data.get("config") is None else data["config"]
    if not isinstance(given, Mapping):
        raise InvalidInput(
            path.name,
            [Problem("config", given, "a map of keys to values is needed", "write `key: value` lines")],
        )
    problems: list[Problem] = []
    values: dict[str, Any] = {}
    for key, declaration in project.declared.items():
        if isinstance(declaration, Mapping):
            if "default" in declaration:
                values[key] = declaration["default"]
            elif "value" in declaration:
                values[key] = declaration["value"]
        else:
            values[key] = declaration
    for key, value in given.items():
        values[_namespaced(key, project.name)] = value
    own_secrets = {_namespaced(key, project.name): value for key, value in (secrets or {}).items()}
    secret_keys = {*own_secrets, *(key for key, value in values.items() if _secret(value))}
    values.update(own_secrets)
    if secrets is not None:
        values = {key: _with_placeholders(value) for key, value in values.items()}
    for key, declaration in project.declared.items():
        problems += [] if key in secret_keys else _declared(key, declaration, values)
    config: dict[str, str] = {}
    for key, value in values.items():
        if _secret(value):
            problems.append(
                Problem(
                    key,
                    "secure: …",
                    "an encrypted value can be read by Pulumi alone, which has its passphrase or key",
                    f"give the value with --config-secret {key}=VALUE",
                )
            )
        else:
            try:
                config[key] = _text(value)
            except (TypeError, ValueError, RecursionError):
                problems.append(
                    Problem(key, "…", "the value has no JSON form", "write plain texts, numbers, lists and maps")
                )
    region = region_problem(config["aws:region"]) if "aws:region" in config else None
    if region:
        problems.append(region)
    if problems:
        raise InvalidInput(path.name, [*problems, *_further(config, {problem.place for problem in problems})])
    return StackFile(stack, path, config, frozenset(secret_keys))


def _further(config: Mapping[str, str], known: set[str]) -> list[Problem]:
    """What this project's own settings have to say beside what Pulumi would: all mistakes come at once."""
    if not any(key.startswith(NAMESPACE) for key in config):
        return []
    try:
        settings_in(config, source="")
    except InvalidInput as error:
        return [problem for problem in error.problems if problem.place not in known]
    return []


def _load(file: Path) -> Mapping[str, Any]:
    try:
        data = yaml.load(file.read_text(encoding="utf-8"), Loader=_Loader)
    except (yaml.YAMLError, ValueError, RecursionError, OSError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "(the file)"
        what = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise InvalidInput(
            file.name,
            [Problem(where, None, f"this is not YAML: {what}", "mend the line, or the one before it")],
        ) from None
    if data is None:
        return {}
    if not isinstance(data, Mapping):
        raise InvalidInput(
            file.name,
            [Problem("(the file)", data, "a map of keys to values is needed", "begin with `config:`")],
        )
    return data


def _namespaced(key: object, project: str) -> str:
    text = str(key)
    return text if ":" in text else f"{project}:{text}"


def _secret(value: object) -> bool:
    if isinstance(value, Mapping):
        return set(value) == {"secure"} or any(_secret(item) for item in value.values())
    return isinstance(value, list) and any(_secret(item) for item in value)


def _with_placeholders(value: Any) -> Any:
    if isinstance(value, Mapping):
        if set(value) == {"secure"}:
            return PLACEHOLDER
        return {key: _with_placeholders(item) for key, item in value.items()}
    return [_with_placeholders(item) for item in value] if isinstance(value, list) else value


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return ""
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError
    if isinstance(value, (str, int, float)):
        return str(value)
    return json.dumps(value, allow_nan=False)


_TYPES: dict[str, tuple[tuple[type, ...], str]] = {
    "string": ((str,), "a text"),
    "integer": ((int,), "a whole number"),
    "boolean": ((bool,), "true or false"),
    "array": ((list,), "a list"),
    "object": ((dict,), "a map of keys to values"),
}


def _declared(key: str, declaration: object, values: Mapping[str, Any]) -> list[Problem]:
    """Check a value against its declaration in Pulumi.yaml, as the engine does before the program runs."""
    if not isinstance(declaration, Mapping) or "type" not in declaration:
        return []
    if key not in values:
        return [Problem(key, None, "the project requires this key in every stack", f"add `{key}`")]
    types, words = _TYPES.get(str(declaration["type"]), ((object,), ""))
    value = values[key]
    if isinstance(value, types) and not (types == (int,) and isinstance(value, bool)):
        return []
    if _secret(value) or (isinstance(value, (str, int, float)) and types == (str,)):
        return []
    example = {"array": "[…]", "object": "`key: value` lines, or {}"}.get(str(declaration["type"]), words)
    return [Problem(key, value, f"{words} is needed", f"write {example}")]
