"""OpenVEX documents as exceptions: `not_affected` and `fixed` accept a finding, `affected` and `under_investigation` do not.

Parsing is strict: a document that violates the specification is rejected rather than partly applied.
https://github.com/openvex/spec/blob/main/OPENVEX-SPEC.md
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

from packageurl import PackageURL
from pydantic import BeforeValidator, Field

from ecr_stack.errors import InvalidInput, Problem
from ecr_stack.model import Model, parse, refusal
from ecr_stack.operations.scanning.exceptions import JudgedImage
from ecr_stack.operations.scanning.findings import Finding, Package
from ecr_stack.schema.reasons import is_reason, reason_problem

__all__ = ["Statement", "is_vex", "read_vex"]

_CONTEXT = re.compile(r"https://openvex\.dev/ns(/v0\.[0-9]+\.[0-9]+)?")

_Justification = Literal[
    "component_not_present",
    "vulnerable_code_not_present",
    "vulnerable_code_not_in_execute_path",
    "vulnerable_code_cannot_be_controlled_by_adversary",
    "inline_mitigations_already_exist",
]


def _instant(value: object) -> object:
    if isinstance(value, str):
        # Go writes nanoseconds; Python supports only microseconds
        text = re.sub(r"(\.[0-9]{6})[0-9]+", r"\1", value)
        try:
            read = datetime.fromisoformat(text)
        except ValueError:
            read = None
        if read is not None and read.tzinfo is not None:
            return read.astimezone(UTC)
    raise refusal("a timestamp must be RFC 3339 with a time zone", "write e.g. 2026-01-31T12:00:00Z")


_Instant = Annotated[datetime, BeforeValidator(_instant)]


def _named(value: object) -> object:
    """Version 0.0.1 has only the identifier, where later versions have an object."""
    return {"@id": value} if isinstance(value, str) else value


class _Component(Model):
    id: str | None = Field(default=None, alias="@id")
    identifiers: dict[Literal["purl", "cpe22", "cpe23"], str] = {}
    hashes: dict[str, str] = {}
    supplier: str | None = None


class _Product(_Component):
    subcomponents: list[Annotated[_Component, BeforeValidator(_named)]] = []


class _Vulnerability(Model):
    id: str | None = Field(default=None, alias="@id")
    name: str
    description: str | None = None
    aliases: list[str] = []


def _vulnerability(value: object) -> object:
    return {"name": value} if isinstance(value, str) else value


class _Statement(Model):
    id: str | None = Field(default=None, alias="@id")
    version: int | str | None = None
    vulnerability: Annotated[_Vulnerability, BeforeValidator(_vulnerability)]
    timestamp: _Instant | None = None
    last_updated: _Instant | None = Field(default=None, alias="last_updated")
    products: list[Annotated[_Product, BeforeValidator(_named)]] = []
    status: Literal["not_affected", "affected", "fixed", "under_investigation"]
    supplier: str | None = None
    status_notes: str | None = Field(default=None, alias="status_notes")
    justification: _Justification | None = None
    impact_statement: str | None = Field(default=None, alias="impact_statement")
    action_statement: str | None = Field(default=None, alias="action_statement")
    action_statement_timestamp: _Instant | None = Field(default=None, alias="action_statement_timestamp")


class _Document(Model):
    context: str = Field(alias="@context")
    id: str = Field(alias="@id")
    author: str
    role: str | None = None
    timestamp: _Instant
    last_updated: _Instant | None = Field(default=None, alias="last_updated")
    version: int | str
    tooling: str | None = None
    supplier: str | None = None
    statements: list[_Statement] = Field(min_length=1)


@dataclass(frozen=True)
class Statement:
    """A statement of an OpenVEX document about one vulnerability in some products."""

    names: frozenset[str]
    """The vulnerability's id and aliases, in upper case."""
    vulnerability: str
    status: str
    timestamp: datetime
    author: str
    reason: str
    products: tuple[_Product, ...]
    source: str

    @property
    def accepts(self) -> bool:
        """Whether a finding that it covers is an exception."""
        return self.status in ("not_affected", "fixed")

    def covers(self, finding: Finding, image: JudgedImage) -> bool:
        """Whether it covers this finding in this image."""
        return finding.name.upper() in self.names and any(
            _is_product(product, image) and _has_component(product, finding) for product in self.products
        )

    def expired(self, today: date) -> bool:  # noqa: ARG002 - a statement holds until a later one
        """Never: a statement holds until a later one overrides it."""
        return False

    def as_json(self) -> dict[str, Any]:
        """The content as plain data."""
        return {
            "vulnerability": self.vulnerability,
            "status": self.status,
            "reason": self.reason,
            "who": self.author,
            "timestamp": self.timestamp.isoformat(),
            "source": self.source,
        }


def is_vex(data: object) -> bool:
    """Whether data looks like an OpenVEX document."""
    return isinstance(data, Mapping) and "@context" in data


def read_vex(data: Mapping[str, Any], source: str) -> list[Statement]:
    """Parse a document.

    Raises:
        InvalidInput: it violates the specification; with every error.
    """
    context = data["@context"]
    if not isinstance(context, str) or not _CONTEXT.fullmatch(context):
        rule = "the context of an OpenVEX document must be https://openvex.dev/ns, optionally with a version 0.x"
        raise InvalidInput(source, [Problem("@context", context, rule, "write https://openvex.dev/ns/v0.2.0")])
    document = parse(_Document, dict(data), "", source=source)
    problems: list[Problem] = []
    statements = []
    for index, entry in enumerate(document.statements):
        here = f"statements[{index}]"
        if entry.status == "not_affected" and not (entry.justification or entry.impact_statement):
            problems.append(
                Problem(
                    f"{here}.status", entry.status, "`not_affected` requires a justification or an impact statement",
                    "add `justification`, e.g. vulnerable_code_not_present",
                )
            )  # fmt: skip
        if (
            entry.status == "not_affected"
            and not entry.justification
            and (problem := reason_problem(entry.impact_statement or entry.status))
        ):
            remedy = "write why the vulnerability cannot be exploited, or add `justification`"
            place = f"{here}.impact_statement"
            problems.append(
                Problem(place, entry.impact_statement, f"the impact statement is the reason, and it {problem}", remedy)
            )
        if entry.status == "affected" and not entry.action_statement:
            rule, remedy = "`affected` requires an action statement", "add `action_statement`"
            problems.append(Problem(f"{here}.status", entry.status, rule, remedy))
        for number, product in enumerate(entry.products):
            problems.extend(_purl_problems(product, f"{here}.products[{number}]"))
        name = entry.vulnerability.name
        known = {name, *entry.vulnerability.aliases}
        if entry.vulnerability.id:
            known.add(entry.vulnerability.id.rstrip("/").rsplit("/", 1)[-1])
        impact = entry.impact_statement if is_reason(entry.impact_statement or "") else None
        reason = impact or entry.justification or entry.status_notes or entry.status
        statements.append(
            Statement(
                frozenset(each.upper() for each in known), name, entry.status,
                entry.last_updated or entry.timestamp or document.last_updated or document.timestamp,
                document.author, reason, tuple(entry.products), source,
            )
        )  # fmt: skip
    if problems:
        raise InvalidInput(source, problems)
    return statements


def _purl_problems(product: _Product, place: str) -> list[Problem]:
    problems = []
    for component, where in [(product, place)] + [
        (each, f"{place}.subcomponents[{index}]") for index, each in enumerate(product.subcomponents)
    ]:
        written = component.identifiers.get("purl") or component.id or ""
        if written.startswith("pkg:"):
            try:
                PackageURL.from_string(written)
            except ValueError as error:
                problems.append(
                    Problem(where, written, f"this is not a package URL: {error}", "write pkg:TYPE/NAME@VERSION")
                )
        elif not written and not component.hashes:
            rule, remedy = "a product must have `@id`, `identifiers` or `hashes`", "add `@id: pkg:oci/NAME@sha256%3A…`"
            problems.append(Problem(where, None, rule, remedy))
    return problems


def _purls(component: _Component) -> list[PackageURL]:
    written = (component.identifiers.get("purl"), component.id)
    return [PackageURL.from_string(each) for each in written if each and each.startswith("pkg:")]


def _is_product(product: _Product, image: JudgedImage) -> bool:
    hashes = {
        f"sha256:{value.lower()}" for name, value in product.hashes.items() if name.lower() in ("sha-256", "sha256")
    }
    if hashes:
        return bool(hashes & image.digests)
    purls = _purls(product)
    return bool(purls) and all(_is_image(purl, image) for purl in purls)


def _is_image(purl: PackageURL, image: JudgedImage) -> bool:
    """Compare by the rules of package type `oci`: https://github.com/package-url/purl-spec/blob/main/types-doc/oci-definition.md."""
    if purl.type != "oci":
        return False
    if purl.name.lower() != image.repository.rsplit("/", 1)[-1]:
        return False
    if purl.version and purl.version.lower() not in image.digests:
        return False
    qualifiers: Mapping[str, str] = purl.qualifiers if isinstance(purl.qualifiers, Mapping) else {}
    location = qualifiers.get("repository_url")
    if location:
        location = re.sub(r"^https?://", "", location).rstrip("/")
        whole = f"{image.host}/{image.repository}" if image.host else None
        # the specification's examples have the repository both with and without its last part
        if whole is None or location not in (whole, whole.rsplit("/", 1)[0]):
            return False
    if qualifiers.get("tag") and not purl.version and qualifiers["tag"] != image.tag:
        return False
    arch = qualifiers.get("arch")
    return not arch or arch == image.architecture


def _has_component(product: _Product, finding: Finding) -> bool:
    if not product.subcomponents:
        return True
    # every package of the finding must be covered
    return bool(finding.packages) and all(
        any(_is_package(purl, package) for each in product.subcomponents for purl in _purls(each))
        for package in finding.packages
    )


_OS_TYPES = ("deb", "rpm", "apk", "alpm")


def _is_package(purl: PackageURL, package: Package) -> bool:
    os_package = package.manager in (None, "OS")
    if os_package != (purl.type in _OS_TYPES):
        return False
    names = {purl.name}
    if purl.namespace and not os_package:
        names = {f"{purl.namespace}{separator}{purl.name}" for separator in ("/", ":")}
    if package.name not in names:
        return False
    return not purl.version or purl.version == package.version
