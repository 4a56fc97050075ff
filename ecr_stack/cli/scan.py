"""`ecr-stack scan`: scan findings, a gate for pipelines, and a report on a whole registry."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ecr_stack.aws.scanning import SEVERITIES
from ecr_stack.cli.formats import Format
from ecr_stack.cli.listing import print_table
from ecr_stack.cli.measures import age, short
from ecr_stack.cli.stacks import OptionalStack, StackName
from ecr_stack.errors import InvalidInput, Problem, Unavailable, counted

if TYPE_CHECKING:
    from ecr_stack.operations.scanning.gate import Gate, PlatformScan
    from ecr_stack.operations.scanning.reading import ScanReader
    from ecr_stack.operations.scanning.references import ImageReference

__all__ = ["app"]

app = typer.Typer(help="Scan findings, and a gate for pipelines.", no_args_is_help=True)

Images = Annotated[
    list[str],
    typer.Argument(
        metavar="IMAGE",
        help="ACCOUNT.dkr.ecr.REGION.amazonaws.com/REPOSITORY:TAG or @sha256:…, or REPOSITORY:TAG with --region or --stack.",
    ),
]
Region = Annotated[str | None, typer.Option("--region", metavar="REGION", help="The Region of images without one.")]
Timeout = Annotated[str, typer.Option("--timeout", metavar="TIME", help="How long to wait, e.g. 90s, 10m or 1h.")]


class GateFormat(StrEnum):
    """The formats of the gate's decision."""

    TEXT = "text"
    """For people."""
    JSON = "json"
    """For scripts."""
    SARIF = "sarif"
    """For code scanning."""
    MARKDOWN = "markdown"
    """For a step summary or a comment."""
    JUNIT = "junit"
    """For test reports."""


class ReportFormat(StrEnum):
    """The formats of the report."""

    TEXT = "text"
    """For people."""
    JSON = "json"
    """For scripts, and for a later --compare."""
    HTML = "html"
    """A self-contained page."""


def _limit(severity: str, default: str) -> Any:
    return typer.Option(
        f"--max-{severity}",
        min=0,
        metavar="N",
        help=f"The maximum number of {severity.upper()} findings per image. {default}".strip(),
    )


@app.command("gate")
def gate(
    images: Images,
    max_critical: Annotated[int, _limit("critical", "")] = 0,
    max_high: Annotated[int, _limit("high", "")] = 0,
    max_medium: Annotated[int | None, _limit("medium", "Default: any number.")] = None,
    max_low: Annotated[int | None, _limit("low", "Default: any number.")] = None,
    max_informational: Annotated[int | None, _limit("informational", "Default: any number.")] = None,
    max_undefined: Annotated[int | None, _limit("undefined", "Default: any number.")] = None,
    fixable_only: Annotated[
        bool, typer.Option("--fixable-only", help="Ignore findings that the scan reports as having no fix.")
    ] = False,
    exceptions: Annotated[
        list[Path] | None,
        typer.Option("--exceptions", metavar="FILE", help="A file of exceptions, or an OpenVEX document. Repeatable."),
    ] = None,
    timeout: Timeout = "10m",
    start: Annotated[
        bool, typer.Option("--start/--no-start", help="Whether to start basic scans that are due.")
    ] = True,
    region: Region = None,
    stack: OptionalStack = None,
    format_: Annotated[GateFormat, typer.Option("--format", help="The output format.")] = GateFormat.TEXT,
    output: Annotated[
        list[str] | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FORMAT=FILE",
            help="Also write the decision to a file, e.g. sarif=gate.sarif. Repeatable.",
        ),
    ] = None,
) -> None:
    """Wait for the scans of images and evaluate them. Exit code 1 if the gate stays closed.

    Every platform of a multi-architecture image must be scanned and within the limits. The gate also closes if an image
    cannot be evaluated in time, or if an exception has expired. Progress goes to standard error.
    """  # fmt: skip
    from ecr_stack.operations.scanning.exceptions import read_exceptions, today_of
    from ecr_stack.operations.scanning.gate import Limits, judge

    seconds = _seconds(timeout)
    outputs = [_output(each) for each in output or ()]
    accepted = read_exceptions(exceptions or [])
    references = _references(images, region, stack)
    limits = Limits(
        dict(
            zip(
                SEVERITIES,
                (max_critical, max_high, max_medium, max_low, max_informational, max_undefined),
                strict=True,
            )
        ),
        fixable_only,
    )
    scans = _gate_scans(references, stack, seconds, start)
    decision = judge(scans, accepted, limits, today_of(datetime.now(UTC)))
    for wanted, path in outputs:
        try:
            path.write_text(_written(decision, wanted), encoding="utf-8")
        except OSError as error:
            raise Unavailable(f"{path} cannot be written: {error.strerror}") from None
    if format_ is GateFormat.TEXT:
        _show_gate(decision, _console())
    else:
        typer.echo(_written(decision, format_), nl=False)
    if decision.verdict == "closed":
        raise typer.Exit(1)


def _gate_scans(
    references: Sequence[ImageReference], stack: str | None, seconds: float, start: bool
) -> list[PlatformScan]:
    """Wait for every image. If ECR cannot be reached at all, the gate closes; this is not an invalid request."""
    from ecr_stack.operations.scanning.exceptions import JudgedImage
    from ecr_stack.operations.scanning.gate import PlatformScan
    from ecr_stack.operations.scanning.reading import Deadline, clause

    deadline = Deadline(seconds)
    scans: list[PlatformScan] = []
    for region in dict.fromkeys(reference.region for reference in references):
        here = [reference for reference in references if reference.region == region]
        try:
            reader = _reader(region, stack, deadline, start)
        except Unavailable as error:
            problem = clause(str(error))
            scans += [
                PlatformScan(
                    each.text, each.repository, each.digest, None, "NOT_READ",
                    JudgedImage(each.repository, frozenset()), problem=problem,
                )
                for each in here
            ]  # fmt: skip
        else:
            scans += reader.scans(here)
    order = {reference.text: position for position, reference in enumerate(references)}
    return sorted(scans, key=lambda scan: order[scan.reference])


def _reader(region: str | None, stack: str | None, deadline: Any = None, start: bool = False) -> ScanReader:
    from ecr_stack.operations.scanning.reading import Deadline, ScanReader

    deadline = deadline or Deadline(60)
    ecr = _ecr(region, stack, patient=False, timeout=min(15.0, max(1.0, deadline.seconds)))
    console = Console(emoji=False, stderr=True)
    return ScanReader(
        ecr,
        deadline,
        lambda line: console.print(line, style="dim", markup=False, highlight=False, soft_wrap=True),
        start=start,
    )


def _ecr(region: str | None, stack: str | None, *, patient: bool, timeout: float) -> Any:
    """An ECR client, with the stack file's `aws:` settings if there is a stack."""
    from ecr_stack.cli.targets import registry_of
    from ecr_stack.operations.ecr import client

    if stack is None:
        return client(region, patient=patient, timeout=timeout)
    return registry_of(stack, region, patient=patient, timeout=timeout).ecr


def _references(images: Sequence[str], region: str | None, stack: str | None) -> list[ImageReference]:
    from ecr_stack.operations.scanning.references import parse_reference

    if region is None and stack is not None:
        from ecr_stack.cli.registries import region_of

        region = region_of(stack)
    problems: list[Problem] = []
    references: list[ImageReference] = []
    for image in dict.fromkeys(images):
        try:
            references.append(parse_reference(image, region))
        except InvalidInput as error:
            problems += error.problems
    if any(reference.region is None for reference in references) and not _configured_region(stack):
        rule = "an image without a registry host needs a Region"
        remedy = "add --region or --stack, set AWS_REGION, or write ACCOUNT.dkr.ecr.REGION.amazonaws.com/REPOSITORY:TAG"
        problems += [Problem("IMAGE", each.text, rule, remedy) for each in references if each.region is None]
    if problems:
        raise InvalidInput("the command line", problems)
    return references


def _configured_region(stack: str | None) -> str | None:
    """The Region from the SDK's environment."""
    import boto3

    from ecr_stack.operations.ecr import answered

    with answered():
        configured: str | None = boto3.Session(profile_name=_profile(stack)).region_name
    return configured


def _profile(stack: str | None) -> str | None:
    if stack is None:
        return None
    from ecr_stack.project.stack_file import read_project, read_stack

    profile: str | None = read_stack(read_project(Path.cwd()), stack).config.get("aws:profile")
    return profile


def _seconds(timeout: str) -> float:
    parts = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", timeout.strip())
    seconds = (
        sum(int(part or 0) * unit for part, unit in zip(parts.groups(), (3600, 60, 1), strict=True)) if parts else 0
    )
    if not 0 < seconds <= 86_400:
        rule, remedy = "a timeout must be at most 24 hours, with a unit", "write e.g. 90s, 10m or 1h30m"
        raise InvalidInput("the command line", [Problem("--timeout", timeout, rule, remedy)])
    return float(seconds)


def _output(text: str) -> tuple[GateFormat, Path]:
    name, equals, path = text.partition("=")
    known = [each.value for each in GateFormat if each is not GateFormat.TEXT]
    if not equals or not path or name not in known:
        rule = f"an output must be FORMAT=FILE, where FORMAT is one of {', '.join(known)}"
        raise InvalidInput("the command line", [Problem("--output", text, rule, "write e.g. sarif=gate.sarif")])
    return GateFormat(name), Path(path)


def _written(decision: Gate, format_: GateFormat) -> str:
    from ecr_stack.cli import scan_formats

    match format_:
        case GateFormat.SARIF:
            return json.dumps(scan_formats.sarif(decision), indent=2) + "\n"
        case GateFormat.MARKDOWN:
            return scan_formats.markdown(decision)
        case GateFormat.JUNIT:
            return scan_formats.junit(decision)
        case _:
            return json.dumps(decision.as_json(), indent=2) + "\n"


_STYLES = {"CRITICAL": "bold red", "HIGH": "red", "MEDIUM": "yellow", "LOW": "default"}


def _show_gate(decision: Gate, console: Console) -> None:
    console.print()
    print_table(console, _scans_table([each.scan for each in decision.scans]))
    counted = [
        each
        for each in decision.findings
        if each.counted and decision.limits.most.get(each.finding.severity) is not None
    ]
    others = [each for each in decision.findings if each not in counted and each.acceptance is not None]
    shown = (counted + others)[:30]
    if shown:
        table = Table(box=None, pad_edge=False, header_style="dim")
        for title in ("finding", "severity", "package", "fixed in", "platform", ""):
            table.add_column(title, overflow="fold")
        for each in shown:
            finding = each.finding
            table.add_row(
                escape(finding.name),
                f"[{_STYLES.get(finding.severity, 'dim')}]{finding.severity.lower()}[/]",
                escape(", ".join(f"{package.name} {package.version or ''}".strip() for package in finding.packages)),
                escape(", ".join(package.fixed_in for package in finding.packages if package.fixed_in)) or "[dim]–[/]",
                escape(each.scan.platform or ""),
                "[green]excepted[/]" if each.acceptance else "",
            )
        console.print()
        console.print(table)
        rest = len(decision.findings) - len(shown)
        if rest:
            console.print(f"[dim]and {rest:,} more; --format json lists them all[/]", highlight=False)
    for title, style, entries in (
        ("expired exception", "red", decision.expired),
        ("unused exception", "yellow", decision.unused),
    ):
        for entry in entries[:10]:
            told = entry.as_json()
            until = f", until {told['expires']}" if "expires" in told else ""
            console.print(
                f"[{style}]{title}:[/] {escape(told['vulnerability'])} [dim]({escape(told['who'])}{until})[/]",
                highlight=False, soft_wrap=True,
            )  # fmt: skip
        if len(entries) > 10:
            console.print(f"[dim]and {len(entries) - 10:,} more[/]", highlight=False)
    for note in decision.notes:
        console.print(f"[yellow]note:[/] {escape(note)}", highlight=False, soft_wrap=True)
    console.print()
    mark, style = ("✓", "bold green") if decision.verdict == "open" else ("✗", "bold red")
    console.print(f"[{style}]{mark} {decision.verdict}:[/] {escape(decision.reason)}", highlight=False, soft_wrap=True)


def _console() -> Console:
    # nothing is wrapped or truncated in a pipe, for grep and logs
    console = Console(emoji=False)
    return console if console.is_terminal else Console(emoji=False, width=400)


def _scans_table(scans: Sequence[PlatformScan]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("image", overflow="fold")
    table.add_column("platform", no_wrap=True)
    table.add_column("status", overflow="fold")
    for name in SEVERITIES:
        table.add_column("info" if name == "INFORMATIONAL" else name.lower(), justify="right", no_wrap=True)
    for scan in scans:
        counts = scan.result.counts if scan.result else None
        table.add_row(
            escape(scan.reference),
            escape(scan.platform or "–"),
            escape(scan.status) if scan.result else f"[red]{escape(scan.status)}[/]",
            *(
                "[dim]?[/]"
                if counts is None
                else f"[{_STYLES.get(name, 'dim') if counts.get(name) else 'dim'}]{counts.get(name, 0):,}[/]"
                for name in SEVERITIES
            ),
        )
    return table


@app.command("findings")
def findings(
    image: Annotated[str, typer.Argument(metavar="IMAGE", help="The image; see `ecr-stack scan gate --help`.")],
    region: Region = None,
    stack: OptionalStack = None,
    format_: Annotated[Format, typer.Option("--format", help="For people, or for scripts.")] = Format.TEXT,
) -> None:
    """List an image's scan findings for every platform, without waiting. Exit code 1 if a scan is missing."""
    from ecr_stack.operations.scanning.exceptions import Exceptions, today_of
    from ecr_stack.operations.scanning.gate import Limits, judge

    (reference,) = _references([image], region, stack)
    scans = _reader(reference.region, stack).read_once(reference)
    listed = judge(scans, Exceptions(), Limits({}), today_of(datetime.now(UTC)))
    if format_ is Format.JSON:
        told = listed.as_json()
        typer.echo(json.dumps({"images": told["images"], "findings": told["findings"]}, indent=2))
    else:
        console = _console()
        print_table(console, _scans_table(scans))
        for scan in scans:
            if scan.problem:
                console.print(
                    f"[yellow]note:[/] {escape(scan.label)}: {escape(scan.problem)}", highlight=False, soft_wrap=True
                )
        if listed.findings:
            console.print()
            print_table(console, _findings_table(listed))
    if any(scan.problem for scan in scans):
        raise typer.Exit(1)


def _findings_table(listed: Gate) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in ("finding", "severity", "score", "package", "fixed in", "exploit", "seen", "platform"):
        table.add_column(title, overflow="fold")
    now = datetime.now(UTC)
    for each in listed.findings:
        finding = each.finding
        table.add_row(
            escape(finding.name),
            f"[{_STYLES.get(finding.severity, 'dim')}]{finding.severity.lower()}[/]",
            "" if finding.score is None else f"{finding.score:.1f}",
            escape(", ".join(f"{package.name} {package.version or ''}".strip() for package in finding.packages)),
            escape(", ".join(package.fixed_in for package in finding.packages if package.fixed_in)),
            {True: "[red]yes[/]", False: "no", None: ""}[finding.exploitable],
            age(finding.first_observed_at, now) if finding.first_observed_at else "",
            escape(each.scan.platform or ""),
        )
    return table


@app.command("start")
def start(
    image: Annotated[
        str | None, typer.Argument(metavar="IMAGE", help="The image; see `ecr-stack scan gate --help`.")
    ] = None,
    pulled_within: Annotated[
        str | None,
        typer.Option(
            "--pulled-within",
            metavar="TIME",
            help="Instead of IMAGE: every image pulled within this time, e.g. 14d or 36h.",
        ),
    ] = None,
    region: Region = None,
    stack: OptionalStack = None,
    format_: Annotated[Format, typer.Option("--format", help="For people, or for scripts.")] = Format.TEXT,
) -> None:
    """Start a basic scan of every platform of an image, or of all recently pulled images. Exit code 1 if ECR rejects
    one.

    ECR allows one scan per image every 24 hours, and none under enhanced scanning, which runs automatically. With
    --pulled-within, the repositories are those of --stack, or all in the registry.
    """  # fmt: skip
    if (image is None) == (pulled_within is None):
        rule, remedy = "give either an image or a time", "write an IMAGE, or e.g. --pulled-within 14d"
        raise InvalidInput("the command line", [Problem("IMAGE", image, rule, remedy)])
    if pulled_within is not None:
        _start_pulled(_period(pulled_within), stack, region, format_)
        return
    from ecr_stack.operations.scanning.reading import start_scan

    (reference,) = _references([str(image)], region, stack)
    outcomes = start_scan(_reader(reference.region, stack), reference)
    if format_ is Format.JSON:
        entries = [
            {"imageDigest": platform.digest, "platform": platform.name, "outcome": outcome, "message": message}
            for platform, outcome, message in outcomes
        ]
        typer.echo(json.dumps({"scans": entries}, indent=2))
    else:
        console = _console()
        for platform, outcome, message in outcomes:
            name = f"{short(platform.digest or '?')} {platform.name or ''}".strip()
            _show_outcome(console, name, outcome, message)
    if any(outcome == "refused" for _, outcome, _ in outcomes):
        raise typer.Exit(1)


def _show_outcome(console: Console, name: str, outcome: str, message: str) -> None:
    style = {"started": "green", "not due": "yellow"}.get(outcome, "red")
    console.print(f"{escape(name)}: [{style}]{outcome}[/], {escape(message)}", highlight=False, soft_wrap=True)


def _period(text: str) -> timedelta:
    match = re.fullmatch(r"([1-9][0-9]{0,4})([dh])", text.strip())
    if match is None:
        rule, remedy = "a time must be a number of days or hours", "write e.g. 14d or 36h"
        raise InvalidInput("the command line", [Problem("--pulled-within", text, rule, remedy)])
    return timedelta(**{"days" if match[2] == "d" else "hours": int(match[1])})


def _start_pulled(period: timedelta, stack: str | None, region: str | None, format_: Format) -> None:
    from ecr_stack.cli.targets import target_of
    from ecr_stack.operations.scanning.rescans import Rescan, rescans

    target = target_of(stack, None, region)
    names = list(target.repositories())
    progress = Console(emoji=False, stderr=True)
    done = 0

    def tick(_name: str) -> None:
        nonlocal done
        done += 1
        if done % 100 == 0:
            progress.print(f"{done:,} of {counted(len(names), 'repository')}", style="dim", highlight=False)

    found: list[Rescan] = []
    console = _console()
    for each in rescans(target.registry, names, datetime.now(UTC) - period, tick):
        found.append(each)
        if format_ is Format.TEXT:
            label = each.repository + (f" {', '.join(each.tags) or short(each.digest)}" if each.digest else "")
            _show_outcome(console, label, each.outcome, each.message)
    counts = {outcome: sum(each.outcome == outcome for each in found) for outcome in ("started", "not due", "refused")}
    if format_ is Format.JSON:
        typer.echo(json.dumps({"scans": [each.as_json() for each in found]}, indent=2))
    else:
        told = ", ".join(f"{count:,} {outcome}" for outcome, count in counts.items())
        console.print(f"{told}, in {counted(len(names), 'repository')}", highlight=False, soft_wrap=True)
    if counts["refused"]:
        raise typer.Exit(1)


@app.command("report")
def report(
    stack: StackName,
    compare: Annotated[
        Path | None, typer.Option("--compare", metavar="FILE", help="An earlier report, written with --format json.")
    ] = None,
    format_: Annotated[
        ReportFormat, typer.Option("--format", help="The output format: a table, JSON, or an HTML page.")
    ] = ReportFormat.TEXT,
) -> None:
    """Report the scan findings of every repository's newest image. Exit code 1 if a repository cannot be read.

    Starts no scans. Fetches the indexes of multi-architecture images, which ECR records as pulls.
    """  # fmt: skip
    from ecr_stack.cli.scan_page import page
    from ecr_stack.operations.scanning.report import Report, read_earlier, read_rows, trend

    earlier = read_earlier(compare) if compare else None
    names, region = _stack_repositories(stack)
    rows = _with_progress(stack, region, names, read_rows)
    if rows and all(row.unreadable for row in rows):
        raise Unavailable(f"no repository could be read. The first error: {rows[0].problem}")
    result = Report(stack=stack, region=region, at=datetime.now(UTC), repositories=rows)
    change = trend(result, earlier) if earlier else None
    match format_:
        case ReportFormat.JSON:
            typer.echo(json.dumps(result.as_json() | ({"trend": change.as_json()} if change else {}), indent=2))
        case ReportFormat.HTML:
            typer.echo(page(result, change), nl=False)
        case _:
            _show_report(result, change, _console())
    if any(row.unreadable for row in rows):
        raise typer.Exit(1)


def _stack_repositories(stack: str) -> tuple[list[str], str | None]:
    from ecr_stack.cli.registries import region_of
    from ecr_stack.cli.stacks import settings_of

    return settings_of(stack).physical_names(), region_of(stack)


def _with_progress(stack: str, region: str | None, names: Sequence[str], read_rows: Any) -> list[Any]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from ecr_stack.operations.scanning.reading import Deadline, ScanReader

    ecr = _ecr(region, stack, patient=True, timeout=30)
    reader = ScanReader(ecr, Deadline(0), start=False, retry=False)
    console = Console(emoji=False, stderr=True)
    columns = (TextColumn("reading"), BarColumn(), MofNCompleteColumn(), TextColumn("[dim]{task.description}"))
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=len(names))
        done = 0

        def tick(name: str) -> None:
            nonlocal done
            done += 1
            progress.update(task, advance=1, description=escape(name))
            if not console.is_terminal and done % 100 == 0:
                console.print(f"read {done:,} of {counted(len(names), 'repository')}", style="dim", highlight=False)

        return list(read_rows(ecr, reader, names, tick))


def _show_report(result: Any, change: Any, console: Console) -> None:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("repository", no_wrap=True)
    table.add_column("newest image", no_wrap=True)
    for name in SEVERITIES[:4]:
        table.add_column(name.lower(), justify="right", no_wrap=True)
    # only enhanced scanning tells these
    dated = any(row.oldest_fixable_critical or (row.counts or {}).get("CRITICAL") for row in result.repositories)
    used = any(row.in_use_count is not None for row in result.repositories)
    if dated:
        table.add_column("oldest fixable critical", no_wrap=True)
    if used:
        table.add_column("in use", no_wrap=True)
    for row in result.repositories:
        moved = change.repositories.get(row.repository, {}) if change else {}
        cells = []
        for name in SEVERITIES[:4]:
            count = None if row.counts is None else row.counts.get(name, 0)
            text = "[dim]?[/]" if count is None else f"[{_STYLES[name] if count else 'dim'}]{count:,}[/]"
            cells.append(text + (f" [dim]{moved[name]:+,}[/]" if moved.get(name) else ""))
        fix = row.oldest_fixable_critical
        unknown = row.counts is not None and row.counts.get("CRITICAL") and not row.fixability_known
        last = []
        if dated:
            days = f"{(result.at - fix.first_observed_at).days} d [dim]{escape(fix.name)}[/]" if fix else ""
            last.append(days or ("[dim]not known[/]" if unknown else ""))
        if used and row.in_use_count is None:
            last.append("")
        elif used:
            last.append(f"[red]{row.in_use_count:,}[/]" if row.in_use_count else "[dim]no[/]")
        newest = ", ".join(row.image_tags[:2]) or (short(row.image_digest) if row.image_digest else "–")
        table.add_row(
            escape(row.repository),
            escape(newest) + (f" [dim]{age(row.image_pushed_at, result.at)}[/]" if row.image_pushed_at else ""),
            *cells,
            *last,
        )
    console.print()
    console.print(f"[bold]Image scans of stack {escape(result.stack)}[/]", highlight=False)
    console.print()
    print_table(console, table)
    for row in result.repositories:
        if row.problem:
            console.print(
                f"[yellow]note:[/] {escape(row.repository)}: {escape(row.problem)}", highlight=False, soft_wrap=True
            )
    totals = ", ".join(f"{result.totals[name]:,} {name.lower()}" for name in SEVERITIES[:4])
    console.print()
    console.print(
        f"[bold]{totals}[/] in {counted(len(result.repositories), 'repository')}", highlight=False, soft_wrap=True
    )
    if result.unknown:
        console.print(f"[yellow]Without a result: {result.unknown:,}. Of these nothing is known.[/]", highlight=False)
    if change:
        totals = ", ".join(f"{change.totals[name]:+,} {name.lower()}" for name in SEVERITIES[:4])
        console.print(f"since {change.since:%Y-%m-%d %H:%M} UTC: {totals}", highlight=False, soft_wrap=True)
