"""The registry as a Mermaid flowchart: what encrypts what, what hangs on what, what is copied where."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ecr_stack.rehearsal.report import Report, ResourceRecord
from ecr_stack.review.comparison import Comparison

__all__ = ["mermaid"]

_MOST = 30
"""With more repositories than this, they are drawn as one."""

_REPOSITORY = "aws:ecr/repository:Repository"
_COLOURS = {
    "replaced": "fill:#ffd7d5,stroke:#cf222e,stroke-width:3px",
    "changed": "fill:#fff8c5,stroke:#9a6700,stroke-width:2px",
    "added": "fill:#dafbe1,stroke:#1a7f37,stroke-width:2px",
}


def mermaid(report: Report, comparison: Comparison | None = None) -> str:
    """Draw a rehearsed stack; where it is compared with another, what differs is coloured.

    Args:
        report: the rehearsal.
        comparison: what differs from another rehearsal.
    """
    repositories = [resource for resource in report.resources if resource.type == _REPOSITORY]
    lines = ["flowchart LR"]
    key = next(
        (r for r in report.resources if r.type == "aws:kms/key:Key" and r.outputs.get("region") == report.region), None
    )
    if key is not None:
        lines.append(f'  key["🔑 {_alias(report, key)}"]')
    lines.append(f'  subgraph home["{report.account} · {report.region}"]')
    drawn = repositories if len(repositories) <= _MOST else []
    for number, repository in enumerate(drawn):
        lines.append(f'    r{number}["{repository.outputs["name"]}<br/><small>{_facts(repository)}</small>"]')
    if not drawn:
        lines.append(f'    r0["{len(repositories)} repositories"]')
    lines.append("  end")
    if key is not None:
        lines.append("  key -->|encrypts| home")
    lines += _copies(report, [str(repository.outputs["name"]) for repository in drawn])
    if comparison is not None:
        lines += _marks(drawn, comparison)
    return "\n".join(lines)


def _alias(report: Report, key: ResourceRecord) -> str:
    for resource in report.resources:
        if resource.type == "aws:kms/alias:Alias" and resource.outputs.get("targetKeyArn") == key.outputs.get("arn"):
            return str(resource.outputs.get("name"))
    return "key"


def _facts(repository: ResourceRecord) -> str:
    tags = str(repository.outputs.get("imageTagMutability", "")).split("_")[0].lower()
    return f"{tags} tags{', protected' if repository.options.get('protect') else ''}"


def _copies(report: Report, names: list[str]) -> list[str]:
    lines: list[str] = []
    targets: dict[tuple[str, str], str] = {}
    for resource in report.resources:
        if resource.type != "aws:ecr/replicationConfiguration:ReplicationConfiguration":
            continue
        rules: list[Mapping[str, Any]] = (resource.outputs.get("replicationConfiguration") or {}).get("rules") or []
        for rule in rules:
            prefixes = [str(item["filter"]) for item in rule.get("repositoryFilters") or []]
            for destination in rule["destinations"]:
                where = (str(destination["registryId"]), str(destination["region"]))
                if where not in targets:
                    targets[where] = f"d{len(targets)}"
                    lines.append(f'  {targets[where]}["{where[0]} · {where[1]}"]')
                if not prefixes or not names:
                    label = ", ".join(f"{prefix}*" for prefix in prefixes) or "everything"
                    lines.append(f'  home -->|"{label}"| {targets[where]}')
                    continue
                for number, name in enumerate(names):
                    if name.startswith(tuple(prefixes)):
                        lines.append(f"  r{number} --> {targets[where]}")
    return lines


def _marks(drawn: list[ResourceRecord], comparison: Comparison) -> list[str]:
    lines: list[str] = []
    for part, style in _COLOURS.items():
        # A repository is marked for what happens to its documents, too.
        parents = {_component(change.urn) for change in getattr(comparison, part)}
        for number, repository in enumerate(drawn):
            if _component(repository.urn) in parents and not any(f"style r{number} " in line for line in lines):
                lines.append(f"  style r{number} {style}")
    return lines


def _component(urn: str) -> str:
    """The name under which a repository and its documents are made."""
    return urn.rsplit("::", 1)[-1] if "index:Repository$" in urn else urn
