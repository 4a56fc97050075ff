"""What a change does to the guardrails themselves, their configuration and their code, and to what the engine runs.

A guardrail that is switched off violates nothing. Therefore what is run is compared as files, before anybody reads
what it found.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from ecr_stack.review.comparison import Risk

__all__ = ["configuration_risks", "guardrail_risks"]

_FOLDER = "policies"
_CONFIG = "policies/config.json"
_RANK = {"disabled": 0, "advisory": 1, "mandatory": 2, "remediate": 2}


def guardrail_risks(base: Path, head: Path) -> Iterator[Risk]:
    """Yield how the guardrails of a project change.

    Args:
        base: the folder of the project as it is.
        head: the folder of the project as it would be.
    """
    yield from _project_risks(base, head)
    yield from configuration_risks(_read(base / _CONFIG), _read(head / _CONFIG))
    old, new = _code(base / _FOLDER), _code(head / _FOLDER)
    if old and not new:
        yield Risk("danger", "", _FOLDER, "the guardrails are removed: nothing is checked")
        return
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            event = "is removed" if name not in new else "is new" if name not in old else "changes"
            level = "attention" if name not in old and name.endswith(".py") else "danger"
            words = f"this guardrail file {event}: review it, since the head is checked by its own guardrails"
            yield Risk(level, "", f"{_FOLDER}/{name}", words)


def configuration_risks(old: Any, new: Any) -> Iterator[Risk]:
    """Yield how a configuration of guardrails changes.

    Args:
        old: what `policies/config.json` says; empty if there is none.
        new: what it would say.
    """
    if old == new:
        return
    if not isinstance(old, Mapping) or not isinstance(new, Mapping):
        yield Risk("danger", "", _CONFIG, "the guardrail configuration changes and cannot be read")
        return
    for policy in dict.fromkeys([*old, *new]):
        before, after = old.get(policy), new.get(policy)
        if before == after:
            continue
        levels = [_level(value, document) for value, document in ((before, old), (after, new))]
        whose = "every guardrail" if policy == "all" else f"`{policy}`"
        if levels[0] != levels[1]:
            weaker = _RANK.get(levels[1], -1) < _RANK.get(levels[0], 2)
            words = f"{whose} changes from {levels[0]} to {levels[1]}"
            yield Risk("danger" if weaker or levels[1] == _DEFAULT else "attention", "", _CONFIG, words)
        properties = [
            {key: item for key, item in value.items() if key != "enforcementLevel"}
            if isinstance(value, Mapping)
            else {}
            for value in (before, after)
        ]
        if properties[0] != properties[1]:
            texts = [json.dumps(value, sort_keys=True) for value in properties]
            yield Risk("danger", "", _CONFIG, f"{whose} is configured differently ({texts[0]} → {texts[1]})")


_DEFAULT = "its default level"


def _level(value: Any, document: Mapping[str, Any]) -> str:
    """The level that a configuration gives: the policy's own, or that of all."""
    for part in (value, document.get("all")):
        named = part.get("enforcementLevel") if isinstance(part, Mapping) else part
        if isinstance(named, str):
            return named
    return _DEFAULT


def _read(file: Path) -> Any:
    """The configuration, an empty one if there is none, and `None` if it cannot be read."""
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError):
        return None


def _code(folder: Path) -> dict[str, bytes]:
    """The files that may decide what is checked, by their paths in the folder: all but the configuration, texts and what is installed.

    Of compiled modules only those count that Python takes without a look at their source: no one wrote the others.
    https://docs.python.org/3/reference/import.html#cached-bytecode-invalidation
    """
    found = {}
    for file in sorted(folder.rglob("*")):
        name = file.relative_to(folder).as_posix()
        elsewhere = any(
            part.startswith(".") or part in ("venv", "node_modules") for part in file.relative_to(folder).parts
        )
        if elsewhere or not file.is_file() or name == "config.json" or file.suffix == ".md":
            continue
        content = file.read_bytes()
        compiled = file.suffix == ".pyc" and file.parent.name == "__pycache__"
        if not compiled or int.from_bytes(content[4:8], "little") == _UNCHECKED:
            found[name] = content
    return found


_UNCHECKED = 1
"""The flags of a compiled module that is never compared with its source."""


def _project_risks(base: Path, head: Path) -> Iterator[Risk]:
    """Yield what the engine would run or ask differently, by the project's own file."""
    old, new = (_project(folder / "Pulumi.yaml") for folder in (base, head))
    if old is None or new is None:
        return
    for key in ("main", "runtime", "plugins", "packages", "backend", "options"):
        if old.get(key) != new.get(key):
            texts = [json.dumps(each.get(key), sort_keys=True, default=str).replace("`", "'") for each in (old, new)]
            words = f"`{key}` changes (`{texts[0]}` → `{texts[1]}`): the engine then runs something else than is rehearsed here"
            yield Risk("danger" if key in ("plugins", "packages", "main") else "attention", "", "Pulumi.yaml", words)


def _project(file: Path) -> Mapping[str, Any] | None:
    """What a project's file says; nothing if it cannot be read: a rehearsal says that."""
    try:
        data = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError, yaml.YAMLError):
        return None
    return data if isinstance(data, Mapping) else None
