"""The gate's decision as SARIF, Markdown and JUnit XML. Pure."""

from __future__ import annotations

import importlib.metadata
import re
from typing import Any
from xml.etree import ElementTree

from ecr_stack.aws.scanning import SEVERITIES
from ecr_stack.operations.scanning.gate import Gate, JudgedFinding, JudgedScan

__all__ = ["junit", "markdown", "sarif"]

_LEVELS = {"CRITICAL": "error", "HIGH": "error", "MEDIUM": "warning"}
# The sort key for code scanning if a finding has no CVSS score:
# https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning
_SCORES = {"CRITICAL": 9.5, "HIGH": 8.0, "MEDIUM": 5.5, "LOW": 2.0, "INFORMATIONAL": 0.0, "UNDEFINED": 0.0}


def sarif(gate: Gate) -> dict[str, Any]:
    """Write SARIF 2.1.0: one rule per vulnerability, one result per affected image, exceptions as suppressions.

    https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
    """
    rules: dict[str, int] = {}
    described: list[dict[str, Any]] = []
    for judged in gate.findings:
        if judged.finding.name not in rules:
            rules[judged.finding.name] = len(rules)
            described.append(_rule(judged))
    unjudged = [each.scan for each in gate.scans if each.scan.problem]
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "ecr-stack scan gate",
                        "version": importlib.metadata.version("ecr-stack"),
                        "rules": described,
                    }
                },
                "invocations": [
                    {
                        "executionSuccessful": not unjudged,
                        "toolExecutionNotifications": [
                            {"level": "error", "message": {"text": f"{scan.label} cannot be evaluated: {scan.problem}"}}
                            for scan in unjudged
                        ],
                    }
                ],
                "results": [_result(judged, rules) for judged in gate.findings],
                "properties": {"verdict": gate.verdict, "reason": gate.reason},
            }
        ],
    }


def _rule(judged: JudgedFinding) -> dict[str, Any]:
    finding = judged.finding
    score = finding.score if finding.score is not None else _SCORES[finding.severity]
    rule: dict[str, Any] = {
        "id": finding.name,
        "shortDescription": {
            "text": _sentence(f"{finding.name} in {finding.package}" if finding.package else finding.name)
        },
        "fullDescription": {"text": _sentence(finding.description) or finding.name},
        "properties": {
            "security-severity": f"{score:.1f}",
            "tags": ["security", "vulnerability", finding.severity.lower()],
        },
    }
    if finding.uri and re.match(r"https?://[^\s]+$", finding.uri):
        rule["helpUri"] = finding.uri
    return rule


def _result(judged: JudgedFinding, rules: dict[str, int]) -> dict[str, Any]:
    finding, scan = judged.finding, judged.scan
    result: dict[str, Any] = {
        "ruleId": finding.name,
        "ruleIndex": rules[finding.name],
        "level": _LEVELS.get(finding.severity, "note"),
        "message": {"text": _message(judged)},
        "locations": [
            {
                # code scanning needs a file: the repository's name comes closest
                "physicalLocation": {"artifactLocation": {"uri": scan.repository}, "region": {"startLine": 1}},
                "logicalLocations": [
                    {"fullyQualifiedName": f"{scan.repository}@{scan.digest}", "kind": "module"},
                ],
            }
        ],
        "partialFingerprints": {
            # the digest changes with every build, the vulnerability does not
            "vulnerability/v1": "/".join((scan.repository, scan.platform or "", finding.name, finding.package)),
        },
        "properties": {
            "severity": finding.severity, "imageDigest": scan.digest, "platform": scan.platform, "fixable": finding.fixable,
        },
    }  # fmt: skip
    if judged.acceptance is not None:
        told = judged.acceptance.as_json()
        result["suppressions"] = [
            {"kind": "external", "status": "accepted", "justification": f"{told['reason']} ({told['who']})"}
        ]
    return result


def _message(judged: JudgedFinding) -> str:
    finding = judged.finding
    packages = []
    for package in finding.packages:
        text = f"{package.name} {package.version}" if package.version else package.name
        packages.append(f"{text}, fixed in {package.fixed_in}" if package.fixed_in else text)
    where = f" in {'; '.join(packages)}" if packages else ""
    return f"{finding.severity} {finding.name}{where}, in {judged.scan.label}"


def _sentence(text: str) -> str:
    return " ".join(text.split())[:1000]


def markdown(gate: Gate, most: int = 50) -> str:
    """Write a section for a step summary or a comment; all external text is escaped.

    Args:
        gate: the decision.
        most: the maximum number of findings to list.
    """
    icon = "✅" if gate.verdict == "open" else "❌"
    lines = [f"### {icon} Scan gate: {gate.verdict}", "", md(gate.reason), ""]
    lines += [
        "| Image | Platform | Status | " + " | ".join(name.capitalize() for name in SEVERITIES) + " |",
        "| --- | --- | --- |" + " ---: |" * len(SEVERITIES),
    ]
    for each in gate.scans:
        scan = each.scan
        cells = [_md_count(each, name) for name in SEVERITIES]
        lines.append(f"| {md(scan.reference)} | {md(scan.platform or '–')} | {md(scan.status)} | {' | '.join(cells)} |")
    if gate.findings:
        counted = [each for each in gate.findings if each.counted]
        rest = [each for each in gate.findings if not each.counted]
        shown = (counted + rest)[:most]
        lines += [
            "",
            "| Finding | Severity | Package | Fixed in | Platform | |",
            "| --- | --- | --- | --- | --- | --- |",
        ]
        for judged in shown:
            finding = judged.finding
            fixes = ", ".join(package.fixed_in for package in finding.packages if package.fixed_in)
            name = md(finding.name)
            if finding.uri and re.fullmatch(r"https://[A-Za-z0-9./_~%?=&#:+-]+", finding.uri):
                name = f"[{name}]({finding.uri})"
            lines.append(
                f"| {name} | {finding.severity} | {md(finding.package) or '–'} | {md(fixes) or '–'} "
                f"| {md(judged.scan.platform or '–')} | {_standing(judged)} |"
            )
        if len(gate.findings) > most:
            lines += ["", f"and {len(gate.findings) - most:,} more; `--format json` lists them all"]
    for title, entries in (("Expired", gate.expired), ("Unused", gate.unused), ("Used", gate.used)):
        if entries:
            lines += ["", f"**{title} exceptions**", ""]
            lines += [f"- {md(_told(entry.as_json()))}" for entry in entries[:most]]
            if len(entries) > most:
                lines.append(f"- and {len(entries) - most:,} more")
    if gate.notes:
        lines += ["", *(f"> {md(note)}" for note in gate.notes)]
    return "\n".join(lines) + "\n"


def md(text: str) -> str:
    """Escape a text so that Markdown and HTML show it literally: no markup, no mention, no new line."""
    flat = " ".join(text.split())
    escaped = re.sub(r"[\\`*_{}\[\]()<>#+!|~&\"'$]", lambda match: f"&#{ord(match[0])};", flat)
    # a zero-width space prevents a mention or link from forming after the entity is resolved
    escaped = escaped.replace("@", "@\u200b")
    return re.sub(r"(?i)\b(https?|www)([:.])", "\\1\u200b\\2", escaped)


def _md_count(each: JudgedScan, name: str) -> str:
    if each.scan.result is None:
        return "?"
    count = each.scan.result.counts.get(name, 0)
    return f"**{count}** ❌" if name in each.over else str(count)


def _standing(judged: JudgedFinding) -> str:
    if judged.acceptance is not None:
        return "excepted"
    return "" if judged.counted else "no fix"


def _told(entry: dict[str, Any]) -> str:
    until = f", until {entry['expires']}" if "expires" in entry else ""
    return f"{entry['vulnerability']}: {entry['reason']} ({entry['who']}{until})"


def junit(gate: Gate) -> str:
    """Write JUnit XML: a suite per image, a case per limit, and cases for images that cannot be evaluated and expired
    exceptions."""
    root = ElementTree.Element("testsuites", name="ecr-stack scan gate")
    totals = [0, 0]
    for each in gate.scans:
        cases: list[tuple[str, str | None]] = [("was scanned", each.scan.problem)]
        for name in SEVERITIES:
            limit = gate.limits.most.get(name)
            if limit is None:
                continue
            failure = None
            if name in each.over:
                listed = [judged for judged in gate.findings if judged.scan is each.scan and judged.counted]
                messages = [_message(judged) for judged in listed if judged.finding.severity == name]
                failure = "\n".join([f"{each.counted[name]} {name}, at most {limit} allowed", *messages])
            cases.append((f"has at most {limit} {name}", failure))
        _suite(root, each.scan.label, cases, totals)
    if gate.expired or gate.used or gate.unused:
        expired = "\n".join(_told(entry.as_json()) for entry in gate.expired) or None
        _suite(root, "exceptions", [("none has expired", expired)], totals)
    root.set("tests", str(totals[0]))
    root.set("failures", str(totals[1]))
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _suite(root: ElementTree.Element, name: str, cases: list[tuple[str, str | None]], totals: list[int]) -> None:
    failures = sum(failure is not None for _, failure in cases)
    suite = ElementTree.SubElement(
        root, "testsuite", name=_xml(name), tests=str(len(cases)), failures=str(failures), errors="0", skipped="0"
    )
    for title, failure in cases:
        case = ElementTree.SubElement(suite, "testcase", classname=_xml(name), name=title)
        if failure is not None:
            text = _xml(failure)
            ElementTree.SubElement(case, "failure", message=text.partition("\n")[0]).text = text
    totals[0] += len(cases)
    totals[1] += failures


def _xml(text: str) -> str:
    # XML 1.0 has no way to write these: https://www.w3.org/TR/xml/#charsets
    return re.sub("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", text)
