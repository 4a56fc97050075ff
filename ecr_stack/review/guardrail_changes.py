"""What a change does to the guardrails themselves: their configuration, and their code.

A guardrail that is switched off violates nothing. Therefore what is run is compared as files, before anybody reads
what it found.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

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
    yield from configuration_risks(_read(base / _CONFIG), _read(head / _CONFIG))
    old, new = _code(base / _FOLDER), _code(head / _FOLDER)
    if old and not new:
        yield Risk("danger", "", _FOLDER, "the guardrails are removed: nothing is checked")
        return
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            event = "is removed" if name not in new else "is new" if name not in old else "changes"
            level = "danger" if name in old else "attention"
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
    """The files that decide what is checked, by their paths in the folder."""
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.suffix in (".py", ".yaml", ".txt") and "__pycache__" not in file.parts and file.is_file()
    }
