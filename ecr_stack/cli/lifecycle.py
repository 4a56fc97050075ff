"""`ecr-stack lifecycle`: previews what lifecycle policies do."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ecr_stack.aws.lifecycle import (
    Decision,
    Document,
    Evaluation,
    Explanation,
    Finding,
    Image,
    Tie,
    evaluate,
    find_image,
    parse_document,
    parse_images,
)
from ecr_stack.aws.lifecycle import explain as explain_image
from ecr_stack.aws.lifecycle import lint as lint_document
from ecr_stack.cli import Format
from ecr_stack.cli.measures import age, moment, short, size
from ecr_stack.cli.stacks import stack_option
from ecr_stack.errors import InvalidInput, NotFound, Problem, counted
from ecr_stack.operations.guard import tied

__all__ = ["app"]

app = typer.Typer(help="Preview what lifecycle policies do.", no_args_is_help=True)

_LISTED = 20
"""The maximum number of images of each kind in text output; JSON lists them all."""

PolicyFile = Annotated[
    Path | None,
    typer.Option("--policy", metavar="FILE", help="A native ECR lifecycle policy; `-` reads standard input."),
]
ImagesFile = Annotated[
    Path,
    typer.Option(
        "--images",
        metavar="FILE",
        help="The output of `aws ecr describe-images --output json`; `-` reads standard input.",
    ),
]
At = Annotated[str | None, typer.Option("--at", metavar="TIME", help="The time, in ISO 8601. Default: now.")]
Stack = Annotated[str | None, stack_option("Use the policy in this stack's file.")]
Repository = Annotated[
    str | None,
    typer.Option("--repository", "-r", metavar="NAME", help="With --stack: the repository whose policy to use."),
]
OutputFormat = Annotated[Format, typer.Option("--format", help="For people, or for scripts.")]


@app.command()
def simulate(
    images: ImagesFile,
    policy: PolicyFile = None,
    at: At = None,
    stack: Stack = None,
    repository: Repository = None,
    format_: OutputFormat = Format.TEXT,
) -> None:
    """Show which images a policy would expire, archive and keep."""
    document = _document(policy, stack, repository)
    instant = moment(at)
    result = evaluate(document, _images(images), instant)
    if format_ is Format.JSON:
        typer.echo(json.dumps(_evaluation_as_json(result), indent=2))
    else:
        _show_evaluation(result, document, instant, Console(emoji=False))
    if result.unknown_lists:
        _note_lists(result.unknown_lists)
    for tie in result.ties:
        Console(emoji=False, stderr=True).print(
            f"[yellow]note:[/] {escape(tied(tie))}", highlight=False, soft_wrap=True
        )


@app.command()
def explain(
    image: Annotated[str, typer.Argument(metavar="IMAGE", help="The image: a digest, a prefix of a digest, or a tag.")],
    images: ImagesFile,
    policy: PolicyFile = None,
    at: At = None,
    stack: Stack = None,
    repository: Repository = None,
    format_: OutputFormat = Format.TEXT,
) -> None:
    """Explain why an image is kept, archived or expired, rule by rule."""
    document = _document(policy, stack, repository)
    listed = _images(images)
    told = explain_image(document, listed, moment(at), find_image(listed, image))
    if format_ is Format.JSON:
        typer.echo(json.dumps(_explanation_as_json(told), indent=2))
    else:
        _show_explanation(told, Console(emoji=False))


@app.command()
def lint(
    policy: Annotated[
        Path, typer.Argument(metavar="FILE", help="A native lifecycle policy; `-` reads standard input.")
    ],
    format_: OutputFormat = Format.TEXT,
) -> None:
    """Find errors for which ECR would reject a policy, and likely mistakes that it would accept. Exit code 1 for an
    error."""
    findings = lint_document(_read(policy))
    if format_ is Format.JSON:
        typer.echo(json.dumps({"findings": [_finding_as_json(finding) for finding in findings]}, indent=2))
    else:
        _show_findings(findings, str(policy), Console(emoji=False))
    if any(finding.severity == "error" for finding in findings):
        raise typer.Exit(1)


def _document(policy: Path | None, stack: str | None, repository: str | None) -> Document:
    """The policy selected by the options: a file, or a repository's policy in a stack file."""
    if policy is not None:
        if stack is not None or repository is not None:
            raise _usage("--policy", str(policy), "give either a file or a stack, not both")
        return parse_document(_read(policy), source=str(policy))
    if stack is None or repository is None:
        raise _usage("--policy", None, "a policy is required")
    from ecr_stack.cli.stacks import lifecycle_policy

    native = lifecycle_policy(stack, repository)
    if native is None:
        raise NotFound(f"repository {repository} in stack {stack} has no lifecycle: nothing would ever be removed")
    return parse_document(native, source=f"stack {stack}, repository {repository}")


def _usage(option: str, value: str | None, rule: str) -> InvalidInput:
    remedy = "write --policy FILE, or --stack NAME --repository NAME"
    return InvalidInput("the command line", [Problem(option, value, rule, remedy)])


def _images(path: Path) -> list[Image]:
    return parse_images(_read(path), source=str(path))


def _read(path: Path) -> str:
    if str(path) == "-":
        return typer.get_text_stream("stdin").read()
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise InvalidInput(
            str(path), [Problem("(the file)", None, "the file is not text in UTF-8", "save it as UTF-8")]
        ) from None
    except OSError as error:
        raise NotFound(f"{path} cannot be read: {error.strerror}") from None


def _evaluation_as_json(result: Evaluation) -> dict[str, Any]:
    return {
        "expire": [_acted_as_json(decision) for decision in result.expire],
        "archive": [_acted_as_json(decision) for decision in result.archive],
        "keep": [{"imageDigest": decision.image.digest} for decision in result.keep],
        "bytesFreed": result.bytes_freed,
        **({"ties": [tie_as_json(tie) for tie in result.ties]} if result.ties else {}),
    }


def tie_as_json(tie: Tie) -> dict[str, Any]:
    """Images with the same push time, of which ECR may choose different ones."""
    return {
        "rulePriority": tie.rule_priority,
        "taken": [image.digest for image in tie.taken],
        "left": [image.digest for image in tie.left],
    }


def _acted_as_json(decision: Decision) -> dict[str, Any]:
    return {"imageDigest": decision.image.digest, "rulePriority": decision.rule_priority}


def _explanation_as_json(told: Explanation) -> dict[str, Any]:
    return {
        "imageDigest": told.decision.image.digest,
        "imageTags": list(told.decision.image.tags),
        "outcome": told.decision.outcome,
        "rulePriority": told.decision.rule_priority,
        "because": told.because,
        "rules": [
            {"rulePriority": step.rule.priority, "verdict": step.verdict, "because": step.because}
            for step in told.steps
        ],
    }


def _finding_as_json(finding: Finding) -> dict[str, Any]:
    return {
        "rulePriority": finding.rule_priority,
        "code": finding.code,
        "severity": finding.severity,
        "message": finding.message,
        "reason": finding.reason,
        "source": finding.source,
        "remedy": finding.remedy,
    }


_STYLE = {"expire": "red", "archive": "yellow", "keep": "green"}


def _show_evaluation(result: Evaluation, document: Document, at: datetime, console: Console) -> None:
    console.print()
    console.print(
        f"[bold]{counted(len(result.decisions), 'image')}[/] [dim]at {at:%Y-%m-%d %H:%M} UTC[/]", highlight=False
    )
    console.print()
    _show_rules(result, document, console)
    for title, decisions in (("expire", result.expire), ("archive", result.archive)):
        if decisions:
            console.print()
            _show_decisions(title, decisions, at, console)
    console.print()
    console.print(
        f"[red]{len(result.expire):,} expired[/], [yellow]{len(result.archive):,} archived[/], "
        f"[green]{len(result.keep):,} kept[/]; [bold]{size(result.bytes_freed)}[/] freed",
        highlight=False,
    )


def _show_rules(result: Evaluation, document: Document, console: Console) -> None:
    """A table of the rules: which images each one removes, keeps, and does not apply to."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("rule", justify="right")
    table.add_column("selects")
    table.add_column("and")
    table.add_column("takes", justify="right")
    table.add_column("leaves", justify="right")
    for rule in document.rules:
        own = [decision for decision in result.decisions if decision.rule_priority == rule.priority]
        taken = sum(decision.outcome != "keep" for decision in own)
        style = "red" if rule.action == "expire" else "yellow"
        table.add_row(
            str(rule.priority),
            escape(rule.selector),
            escape(rule.limit),
            f"[{style}]{taken:,}[/]" if taken else "[dim]0[/]",
            f"{len(own) - taken:,}",
        )
    unselected = sum(
        decision.reason in ("unselected", "subject") and decision.outcome == "keep" for decision in result.decisions
    )
    if unselected:
        table.add_row("", "[dim]no rule[/]", "", "", f"{unselected:,}")
    console.print(table)


def _show_decisions(title: str, decisions: list[Decision], at: datetime, console: Console) -> None:
    """A table of images, most recently pulled first, as these would be missed most."""
    long_ago = datetime.min.replace(tzinfo=UTC)
    ordered = sorted(decisions, key=lambda decision: decision.image.pulled_at or long_ago, reverse=True)
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column(title, style=_STYLE[title], no_wrap=True)
    table.add_column("tags", overflow="ellipsis", no_wrap=True, max_width=40)
    table.add_column("pushed", justify="right", no_wrap=True)
    table.add_column("pulled", justify="right", no_wrap=True)
    table.add_column("size", justify="right", no_wrap=True)
    table.add_column("rule", justify="right")
    for decision in ordered[:_LISTED]:
        image = decision.image
        table.add_row(
            escape(short(image.digest)),
            escape(", ".join(image.tags)) or "[dim]untagged[/]",
            age(image.pushed_at, at),
            age(image.pulled_at, at) if image.pulled_at else "[dim]never[/]",
            size(image.size),
            str(decision.rule_priority),
        )
    console.print(table)
    if len(ordered) > _LISTED:
        console.print(f"[dim]and {len(ordered) - _LISTED:,} more; --format json lists them all[/]", highlight=False)


def _show_explanation(told: Explanation, console: Console) -> None:
    image = told.decision.image
    console.print()
    tags = escape(", ".join(image.tags)) or "[dim]untagged[/]"
    console.print(f"[bold]{escape(image.digest)}[/]  {tags}", highlight=False)
    console.print()
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("rule", justify="right")
    table.add_column("selects")
    table.add_column("and")
    table.add_column("verdict", no_wrap=True)
    table.add_column("because")
    styles = {"expires": "red", "archives": "yellow", "keeps": "green", "cannot": "green"}
    for step in told.steps:
        style = styles.get(step.verdict, "dim")
        table.add_row(
            str(step.rule.priority),
            escape(step.rule.selector),
            escape(step.rule.limit),
            f"[{style}]{step.verdict}[/]",
            escape(step.because),
        )
    console.print(table)
    console.print()
    console.print(f"[bold {_STYLE[told.decision.outcome]}]{escape(told.because)}[/]", highlight=False)


def _show_findings(findings: list[Finding], name: str, console: Console) -> None:
    console.print()
    for finding in findings:
        style = "red" if finding.severity == "error" else "yellow"
        console.print(
            f"[bold {style}]{finding.severity}[/] {escape(finding.message)} [dim]({finding.code})[/]",
            highlight=False,
            soft_wrap=True,
        )
        console.print(f"  reason: {escape(finding.reason)}", highlight=False, soft_wrap=True)
        console.print(f"  remedy: {escape(finding.remedy)}", highlight=False, soft_wrap=True)
        console.print(f"  [dim]{finding.source}[/]", highlight=False, soft_wrap=True)
        console.print()
    errors = sum(finding.severity == "error" for finding in findings)
    warnings = len(findings) - errors
    told = counted(warnings, "warning")
    if errors:
        console.print(f"[bold red]✗ ECR would reject {escape(name)}[/]  [dim]{counted(errors, 'error')}, {told}[/]")
    elif warnings:
        console.print(f"[bold yellow]! ECR would accept {escape(name)}[/]  [dim]{told}[/]")
    else:
        console.print(f"[bold green]✓ ECR would accept {escape(name)}[/]")


def _note_lists(lists: tuple[Image, ...]) -> None:
    """Print on standard error what the result cannot take into account."""
    many = f"{len(lists):,} images are manifest lists" if len(lists) > 1 else "1 image is a manifest list"
    Console(emoji=False, stderr=True).print(
        f"[yellow]note:[/] {many}, and describe-images does not show their contents. ECR keeps the listed images as "
        "long as the lists exist, so fewer images may be removed than shown. To take this into account, add the "
        "imageManifest from `aws ecr batch-get-image` to each manifest list.",
        highlight=False,
        soft_wrap=True,
    )
