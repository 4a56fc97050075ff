"""What the policies say of themselves, as a page: `python -m guardrails.reference [PAGE]` in the pack's folder.

Without a page the tables are printed; with one, what stands between its markers is written anew.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from pulumi_policy import EnforcementLevel

from guardrails.pack import POLICIES
from guardrails.policy import REASON, Facts, ResourceGuardrail, StackGuardrail
from guardrails.production import PRODUCTION
from guardrails.subjects import GRAMMARS

BEGIN, END = "<!-- policies: begin -->\n", "<!-- policies: end -->"


def reference(policies: Sequence[ResourceGuardrail | StackGuardrail] = POLICIES) -> str:
    """The policies, and what may be configured of each, as Markdown."""
    lines = ["| policy | level | reason | control |", "| --- | --- | --- | --- |"]
    for policy in policies:
        facts = policy.facts
        lines.append(f"| `{policy.name}` | {_level(policy)} | {facts.reason} | [{facts.control}]({facts.url}) |")
    lines += ["", "| policy | resources | remedy |", "| --- | --- | --- |"]
    lines += [f"| `{policy.name}` | {_looks_at(policy.facts)} | {_cell(policy.facts.remedy)} |" for policy in policies]
    lines += ["", "| policy | property | default | meaning |", "| --- | --- | --- | --- |"]
    for policy in policies:
        for name, schema in policy.facts.config.items():
            if name not in PRODUCTION and name not in REASON:
                lines.append(_property(f"`{policy.name}`", name, schema))
    lines += [_property("every production policy", name, schema) for name, schema in PRODUCTION.items()]
    lines += [_property("every policy", name, schema) for name, schema in REASON.items()]
    lines += ["", "| issuer | valid subject | syntax |", "| --- | --- | --- |"]
    lines += [f"| `{grammar.issuers[0]}` | `{grammar.example}` | [source]({grammar.source}) |" for grammar in GRAMMARS]
    return "\n".join(lines) + "\n"


def _level(policy: ResourceGuardrail | StackGuardrail) -> str:
    remedied = " or `remediate`" if isinstance(policy, ResourceGuardrail) and policy.has_remediation() else ""
    level = (policy.enforcement_level or EnforcementLevel.MANDATORY).value
    return f"`{level}`{remedied} ({policy.facts.severity.value})"


def _looks_at(facts: Facts) -> str:
    return ", ".join(sorted(f"`{kind.rpartition(':')[2]}`" for kind in facts.types))


def _property(of: str, name: str, schema: dict[str, object]) -> str:
    default = _cell(json.dumps(schema["default"]))
    return f"| {of} | `{name}` | `{default}` | {_cell(str(schema['description']))} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def written_anew(page: str) -> str:
    """The page with what stands between its markers as it should be."""
    before, _, rest = page.partition(BEGIN)
    return before + BEGIN + reference() + END + rest.partition(END)[2]


if __name__ == "__main__":
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(written_anew(Path(sys.argv[1]).read_text(encoding="utf-8")), encoding="utf-8")
    else:
        sys.stdout.write(reference())
