"""When the images of each repository are scanned, according to the scanning configurations of a rehearsal.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-scanning-filters.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ecr_stack.aws.scanning import EffectiveFrequency, RegistryScanning, effective_frequencies
from ecr_stack.rehearsal.report import UNKNOWN_VALUE, ResourceRecord

__all__ = ["scan_frequencies", "scan_warnings"]

_CONFIGURATION = "aws:ecr/registryScanningConfiguration:RegistryScanningConfiguration"
_REPOSITORY = "aws:ecr/repository:Repository"
_REPLICATION = "aws:ecr/replicationConfiguration:ReplicationConfiguration"


def scan_frequencies(
    resources: Iterable[ResourceRecord], *, account: str, region: str
) -> dict[str, dict[str, EffectiveFrequency]]:
    """Return when each repository is scanned, in the Regions whose scanning the program configures.

    The repositories of a Region are those that the program creates or adopts there, and those that replication into it
    creates. Regions without a scanning configuration in the program depend on the account's own, which is not known.

    Args:
        resources: the records of a rehearsal.
        account: the account that was rehearsed.
        region: the Region of resources without one.

    Returns:
        Region → repository name in ECR → frequency, sorted. Configurations that are not known yet are omitted.
    """
    records = list(resources)
    configured = _configured(records, region)
    names: dict[str, set[str]] = {}
    flagged: set[tuple[str, str]] = set()
    for record in records:
        if record.type == _REPOSITORY and _known(record.outputs.get("name")):
            here, name = _region(record, region), str(record.outputs["name"])
            names.setdefault(here, set()).add(name)
            flag = record.outputs.get("imageScanningConfiguration")
            if isinstance(flag, Mapping) and flag.get("scanOnPush") is True:
                flagged.add((here, name))
    for record in records:
        if record.type == _REPLICATION:
            sources = sorted(names.get(_region(record, region), ()))
            for there, name in _replicas(record.outputs, sources, account):
                names.setdefault(there, set()).add(name)
    found: dict[str, dict[str, EffectiveFrequency]] = {}
    for there, scanning in sorted(configured.items()):
        found[there] = effective_frequencies(scanning, sorted(names.get(there, ())))
        if scanning.type == "BASIC" and not scanning.rules:
            # Without a matching registry rule, the repository's own flag applies.
            found[there] |= {name: "SCAN_ON_PUSH" for name in found[there] if (there, name) in flagged}
    return found


def scan_warnings(resources: Iterable[ResourceRecord], *, account: str, region: str) -> Iterator[str]:
    """Yield a warning for each Region in which nothing scans some of the repositories; arguments as above.

    A repository that a `MANUAL` rule names is not meant: someone decided to scan it on request.
    """
    records = list(resources)
    configured = _configured(records, region)
    for there, frequencies in scan_frequencies(records, account=account, region=region).items():
        off = [name for name, frequency in frequencies.items() if frequency == "OFF"]
        chosen = set(configured[there].matched(frequencies))
        idle = [name for name, frequency in frequencies.items() if frequency == "MANUAL" and name not in chosen]
        if off:
            yield (
                f"{_listed(off)} in {there} cannot be scanned: no filter of the registry's enhanced scanning matches, so "
                "scans cannot be started manually either; add a filter that matches, e.g. `*`"
            )
        if idle:
            yield (
                f"{_listed(idle)} in {there} will be scanned only on request: no filter of the registry's basic scanning "
                "matches; add a filter that matches, e.g. `*`, or a rule with `frequency: MANUAL` if this is intended"
            )


def _configured(records: Iterable[ResourceRecord], region: str) -> dict[str, RegistryScanning]:
    return {
        _region(record, region): scanning
        for record in records
        if record.type == _CONFIGURATION and (scanning := _scanning(record.outputs)) is not None
    }


def _region(record: ResourceRecord, default: str) -> str:
    own = record.outputs.get("region") or record.inputs.get("region")
    return str(own) if _known(own) else default


def _known(value: Any) -> bool:
    return isinstance(value, str) and bool(value) and UNKNOWN_VALUE not in value


def _maps(value: Any) -> list[Mapping[str, Any]]:
    """The maps in a list; empty if the value is not known."""
    return [entry for entry in value if isinstance(entry, Mapping)] if isinstance(value, list) else []


def _scanning(outputs: Mapping[str, Any]) -> RegistryScanning | None:
    """The configuration; `None` if a part of it is not known."""
    rules = _maps(outputs.get("rules"))
    filters = [entry.get("filter") for rule in rules for entry in _maps(rule.get("repositoryFilters"))]
    parts = [outputs.get("scanType"), *(rule.get("scanFrequency") for rule in rules), *filters]
    partial = outputs.get("rules") and not (rules and all(_maps(rule.get("repositoryFilters")) for rule in rules))
    return None if partial or not all(map(_known, parts)) else RegistryScanning.from_api(outputs)


def _replicas(outputs: Mapping[str, Any], names: list[str], account: str) -> Iterator[tuple[str, str]]:
    """Yield the Region and the name of each repository that replication creates in this account."""
    configuration = outputs.get("replicationConfiguration")
    for rule in _maps(configuration.get("rules") if isinstance(configuration, Mapping) else None):
        filters = rule.get("repositoryFilters")
        prefixes = [entry.get("filter") for entry in _maps(filters)]
        for destination in _maps(rule.get("destinations")):
            if destination.get("registryId") != account or not _known(destination.get("region")):
                continue
            for name in names:
                if not filters or any(_known(prefix) and name.startswith(str(prefix)) for prefix in prefixes):
                    yield destination["region"], name


def _listed(names: list[str]) -> str:
    shown = ", ".join(f"`{name}`" for name in names[:5])
    return f"{shown} and {len(names) - 5} more" if len(names) > 5 else shown
