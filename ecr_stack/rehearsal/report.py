"""The result of a rehearsal: the resources, the stack's outputs, and the problems found.

The JSON form is a contract: fields may be added, but names and shapes never change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = ["UNKNOWN_VALUE", "Report", "ResourceRecord", "Unchecked", "Violation"]

UNKNOWN_VALUE = "[unknown]"
"""The placeholder in a preview's report for a value, or part of one, that is known only after an update."""


@dataclass(frozen=True)
class ResourceRecord:
    """A resource, as the Pulumi engine would store it in its state."""

    urn: str
    """As the engine writes it."""
    type: str
    """E.g. `aws:ecr/repository:Repository`."""
    name: str
    """The logical name."""
    parent: str | None
    """The URN of the parent; `None` for the stack itself."""
    inputs: Mapping[str, Any]
    """The program's inputs, resolved."""
    outputs: Mapping[str, Any]
    """The result of reading the resource from AWS."""
    dependencies: list[str]
    """The URNs of its dependencies."""
    options: Mapping[str, Any]
    """`protect`, `retainOnDelete`, `aliases`, `import` and other options that were given."""
    id: str | None = None
    """The physical id; `None` for a component."""


@dataclass(frozen=True)
class Violation:
    """A violation of a policy by a resource."""

    policy: str
    """The policy's name."""
    level: str
    """`mandatory` stops a deployment, `advisory` does not."""
    urn: str
    """The resource; empty for the whole stack."""
    message: str
    """What is wrong, and the remedy."""


@dataclass(frozen=True)
class Unchecked:
    """Something that the rehearsal accepted without checking it."""

    urn: str
    """The resource; empty if it is not about one."""
    type: str
    """The resource type, or the token of the function."""
    reason: str
    """Why it was not checked."""


@dataclass
class Report:
    """The result of one rehearsal."""

    stack: str
    project: str
    account: str
    region: str
    resources: list[ResourceRecord] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)
    violations: list[Violation] = field(default_factory=list)
    calls: dict[str, int] = field(default_factory=dict)
    """How often each API operation was called, e.g. `ecr:CreateRepository`."""
    assumed: list[str] = field(default_factory=list)
    """What the stack assumes to exist and the rehearsal assumed to exist, e.g. an existing key's ARN."""
    warnings: list[str] = field(default_factory=list)
    """What is allowed and probably not meant, e.g. a lifecycle rule that never acts; each with its place."""
    scanning: dict[str, dict[str, str]] = field(default_factory=dict)
    """When images are scanned, by Region and repository: `CONTINUOUS_SCAN`, `SCAN_ON_PUSH`, `MANUAL` or `OFF`. Only Regions
    whose scanning the program configures; includes replicas."""
    unchecked: list[Unchecked] = field(default_factory=list)
    """What was not checked: resources and functions of other providers, or a policy pack that was not run."""
    guardrails: dict[str, Any] | None = None
    """The configuration of the project's guardrails, `policies/config.json`; empty without one, nothing if no guardrail
    was run."""
    settings: dict[str, Any] = field(default_factory=dict)
    """Settings of the stack's configuration that no resource shows but safeguards need: `ecr-stack:environment`,
    `ecr-stack:trusted`, `aws:allowedAccountIds`, `aws:forbiddenAccountIds`."""
    provider: dict[str, Any] = field(default_factory=dict)
    """The stack file's AWS provider settings (`aws:endpoints` and so on), without Region and tags; credentials are
    `(set)`."""
    preview: bool = False
    """Whether this was a preview: nothing was created, and values that only AWS can provide are `UNKNOWN_VALUE`."""
    seconds: float = 0.0

    def named(self, type_: str, name: str) -> ResourceRecord:
        """Return the resource with a type (its token, or the last part of it) and logical name.

        Raises:
            KeyError: there is none, or more than one.
        """
        found = [
            each for each in self.resources if each.name == name and type_ in (each.type, each.type.rsplit(":", 1)[-1])
        ]
        if len(found) > 1 and len(tokens := sorted({each.type for each in found})) > 1:
            raise KeyError(f"several types called {type_} have a {name!r}; write one of {', '.join(tokens)}")
        if len(found) != 1:
            known = sorted({each.name for each in self.resources if type_ in (each.type, each.type.rsplit(":", 1)[-1])})
            raise KeyError(f"{len(found)} resources of type {type_} are named {name!r}; there are: {', '.join(known)}")
        return found[0]

    @property
    def passes(self) -> bool:
        """Whether nothing blocks a deployment; advisory violations do not."""
        return not any(violation.level == "mandatory" for violation in self.violations)

    def as_json(self) -> dict[str, Any]:
        """The JSON form, as plain data."""
        data = asdict(self)
        data["seconds"] = round(self.seconds, 3)
        return data
