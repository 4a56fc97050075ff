"""`ecr-stack lifecycle plan`: what a stack file's lifecycle would remove from the live registry."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ecr_stack.aws.lifecycle import Decision
from ecr_stack.cli import Format
from ecr_stack.cli.lifecycle import tie_as_json
from ecr_stack.cli.measures import age, moment, short, size
from ecr_stack.cli.stacks import StackName
from ecr_stack.errors import counted
from ecr_stack.operations.guard import Limits, tied
from ecr_stack.operations.plan import Effect, RepositoryPlan, bytes_of, missed_first, plan

__all__ = ["command"]


@dataclass(frozen=True)
class _Here:
    """One Region of the stack."""

    region: str | None
    """Its code; `None` if the stack file does not set it and AWS was not asked."""
    plans: Sequence[RepositoryPlan]


def command(
    stack: StackName,
    images: Annotated[
        Path | None,
        typer.Option(
            "--images",
            metavar="DIR",
            help="A folder with each repository's images, from `aws ecr describe-images --output json`, in "
            "REPOSITORY.json, and its current policy in REPOSITORY.policy.json; files for a replica's Region are "
            "in @REGION. Default: ask ECR.",
        ),
    ] = None,
    at: Annotated[str | None, typer.Option("--at", metavar="TIME", help="The time, in ISO 8601. Default: now.")] = None,
    format_: Annotated[Format, typer.Option("--format", help="For people, or for scripts.")] = Format.TEXT,
) -> None:
    """Show which images a stack's lifecycle would remove in each of its Regions, compared with the current policies.

    Changes nothing. Exit code 1 if a limit of the stack's `lifecycleGuard` is exceeded.
    """
    from ecr_stack.cli.registries import folder_of, lifecycles_of, region_of, replica_lifecycles_of
    from ecr_stack.cli.stacks import settings_of
    from ecr_stack.cli.targets import registry_of
    from ecr_stack.schema.checks import destination_regions

    now = moment(at)
    settings = settings_of(stack)
    documents = lifecycles_of(settings, stack)
    live = registry_of(stack) if images is None else None
    account, home = (live.account, live.region) if live is not None else (None, region_of(stack))
    replicas = replica_lifecycles_of(settings, documents, account)
    notes = [
        f"{region}: replicas are created from templates, which do not affect existing repositories; not in this plan"
        for region in destination_regions(settings, account, "template")
    ]
    if images is not None:
        absent = [region for region in replicas if not folder_of(images, region).is_dir()]
        notes += [f"{region}: no folder {folder_of(images, region)}; not in this plan" for region in absent]
        replicas = {region: listed for region, listed in replicas.items() if region not in absent}
    found = [_Here(home, _plans(stack, settings, documents, now, images, None, replicas))]
    found += [
        _Here(region, _plans(stack, settings, listed, now, images, region, {})) for region, listed in replicas.items()
    ]
    if format_ is Format.JSON:
        typer.echo(json.dumps(_as_json(stack, found, now, notes), indent=2))
    else:
        _show(stack, found, now, notes, Console(emoji=False))
    if any(entry.passed for here in found for entry in here.plans):
        raise typer.Exit(1)


def _plans(
    stack: str,
    settings: Any,
    documents: Mapping[str, Any],
    at: datetime,
    images: Path | None,
    region: str | None,
    elsewhere: Mapping[str, Mapping[str, Any]],
) -> list[RepositoryPlan]:
    from ecr_stack.cli.registries import holdings_of

    others = {other: list(names) for other, names in elsewhere.items()}
    return [
        plan(holding, documents[holding.repository], _limits(settings, holding.repository), at)
        for holding in holdings_of(stack, list(documents), images, region, others)
    ]


def _limits(settings: Any, repository: str) -> Limits:
    limits = settings.lifecycle_guard.limits_of(repository.removeprefix(settings.name_prefix or ""))
    return Limits.of(limits) if limits is not None else Limits()


def _as_json(stack: str, found: Sequence[_Here], at: datetime, notes: Sequence[str]) -> dict[str, Any]:
    everything = [entry for here in found for entry in here.plans]
    return {
        "stack": stack,
        "at": at.isoformat(),
        "repositories": [{"region": here.region, **_plan_as_json(entry)} for here in found for entry in here.plans],
        "regions": [{"region": here.region, **_totals(here.plans)} for here in found],
        "totals": _totals(everything),
        "withinLimits": not any(entry.passed for entry in everything),
        "notes": list(notes),
    }


def _totals(plans: Sequence[RepositoryPlan]) -> dict[str, Any]:
    return {
        "images": sum(entry.images for entry in plans),
        "bytes": sum(entry.bytes for entry in plans),
        "expire": _effect_as_json(_together(entry.expire for entry in plans)),
        "archive": _effect_as_json(_together(entry.archive for entry in plans)),
    }


def _plan_as_json(entry: RepositoryPlan) -> dict[str, Any]:
    limits = {
        "maxExpire": entry.limits.max_expire,
        "maxExpirePercent": entry.limits.max_expire_percent,
        "maxArchive": entry.limits.max_archive,
        "maxArchivePercent": entry.limits.max_archive_percent,
        "protectPulledWithinDays": entry.limits.protect_pulled_within_days,
        "reason": entry.limits.reason,
    }
    return {
        "repository": entry.repository,
        "images": entry.images,
        "bytes": entry.bytes,
        "missing": entry.missing,
        "policyInForce": entry.in_force,
        "policyPlanned": entry.planned,
        "policyChanges": entry.changed,
        "expire": _effect_as_json(entry.expire) | _listed(entry.expire),
        "archive": _effect_as_json(entry.archive) | _listed(entry.archive),
        "limits": {name: limit for name, limit in limits.items() if limit is not None},
        "limitsPassed": list(entry.passed),
        "unknownManifestLists": entry.unknown_lists,
        "ties": [tie_as_json(tie) for tie in entry.ties],
    }


def _effect_as_json(effect: Effect) -> dict[str, Any]:
    return {
        **_counted(effect.taken),
        "new": _counted(effect.new),
        "anyway": _counted(effect.anyway),
        "noLonger": _counted(effect.no_longer),
    }


def _counted(decisions: Sequence[Decision]) -> dict[str, int]:
    return {"images": len(decisions), "bytes": bytes_of(decisions)}


def _listed(effect: Effect) -> dict[str, Any]:
    """Every affected image, with details of the ten that would be missed first."""
    new = {decision.image.digest for decision in effect.new}
    return {
        "missedFirst": [
            {
                "imageDigest": decision.image.digest,
                "imageTags": list(decision.image.tags),
                "imagePushedAt": decision.image.pushed_at.isoformat(),
                "lastRecordedPullTime": decision.image.pulled_at and decision.image.pulled_at.isoformat(),
                "imageSizeInBytes": decision.image.size,
                "rulePriority": decision.rule_priority,
                "new": decision.image.digest in new,
            }
            for decision in missed_first(effect.taken)
        ],
        "imageDigests": {
            "new": [decision.image.digest for decision in effect.new],
            "anyway": [decision.image.digest for decision in effect.anyway],
            "noLonger": [decision.image.digest for decision in effect.no_longer],
        },
    }


def _together(effects: Iterable[Effect]) -> Effect:
    listed = list(effects)
    return Effect(
        tuple(decision for effect in listed for decision in effect.new),
        tuple(decision for effect in listed for decision in effect.anyway),
        tuple(decision for effect in listed for decision in effect.no_longer),
    )


def _show(stack: str, found: Sequence[_Here], at: datetime, notes: Sequence[str], console: Console) -> None:
    console.print()
    console.print(f"[bold]Lifecycle of stack {escape(stack)}[/] [dim]at {at:%Y-%m-%d %H:%M} UTC[/]", highlight=False)
    for here in found:
        console.print()
        if len(found) > 1:
            replicas = "" if here is found[0] else " [dim]replicas[/]"
            console.print(f"[bold cyan]{escape(here.region or 'home Region')}[/]{replicas}", highlight=False)
        console.print(_summary(here.plans))
        for entry in here.plans:
            for title, style, effect in (("remove", "red", entry.expire), ("archive", "yellow", entry.archive)):
                if effect.taken:
                    console.print()
                    console.print(_missed(entry, title, style, effect, at))
                    rest = len(effect.taken) - 10
                    if rest > 0:
                        console.print(f"[dim]and {rest:,} more; --format json lists them all[/]", highlight=False)
    _show_notes(found, notes, console)
    _show_verdict(found, console)


def _label(entry: RepositoryPlan, here: _Here, found: Sequence[_Here]) -> str:
    """A repository's name, with its Region if there are several."""
    where = f" in {here.region or 'the home Region'}" if len(found) > 1 else ""
    return escape(f"{entry.repository}{where}")


def _summary(plans: Sequence[RepositoryPlan]) -> Table:
    archives = any(entry.archive.taken or entry.archive.no_longer for entry in plans)
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("repository", overflow="fold", min_width=20)
    table.add_column("policy", no_wrap=True)
    for title in ("images", "removes", "size", "new", "anyway", "spared"):
        table.add_column(title, justify="right", no_wrap=True)
    if archives:
        for title in ("archives", "new"):
            table.add_column(title, justify="right", no_wrap=True)
    for entry in plans:
        expire, archive = entry.expire, entry.archive
        cells = [
            escape(entry.repository),
            _change(entry),
            f"{entry.images:,}",
            _count(expire.taken, "red"),
            size(bytes_of(expire.taken)) if expire.taken else "[dim]–[/]",
            _count(expire.new, "bold red"),
            _count(expire.anyway, "default"),
            _count(expire.no_longer, "green"),
        ]
        if archives:
            cells += [_count(archive.taken, "yellow"), _count(archive.new, "bold yellow")]
        table.add_row(*cells)
    return table


def _change(entry: RepositoryPlan) -> str:
    if not entry.changed:
        return "[dim]unchanged[/]" if entry.in_force else "[dim]none[/]"
    if not entry.in_force:
        return "new"
    return "changes" if entry.planned else "[yellow]goes away[/]"


def _count(decisions: Sequence[Decision], style: str) -> str:
    return f"[{style}]{len(decisions):,}[/]" if decisions else "[dim]0[/]"


def _missed(entry: RepositoryPlan, title: str, style: str, effect: Effect, at: datetime) -> Table:
    new = {decision.image.digest for decision in effect.new}
    table = Table(
        box=None,
        pad_edge=False,
        header_style="dim",
        title=f"[bold]{escape(entry.repository)}[/]: {title}s {len(effect.taken):,}; these would be missed first",
        title_justify="left",
        title_style="default",
    )
    table.add_column(title, style=style, no_wrap=True)
    table.add_column("tags", overflow="ellipsis", no_wrap=True, max_width=40)
    table.add_column("pulled", justify="right", no_wrap=True)
    table.add_column("pushed", justify="right", no_wrap=True)
    table.add_column("size", justify="right", no_wrap=True)
    table.add_column("rule", justify="right")
    table.add_column("", no_wrap=True)
    for decision in missed_first(effect.taken):
        image = decision.image
        table.add_row(
            escape(short(image.digest)),
            escape(", ".join(image.tags)) or "[dim]untagged[/]",
            age(image.pulled_at, at) if image.pulled_at else "[dim]never[/]",
            age(image.pushed_at, at),
            size(image.size),
            str(decision.rule_priority),
            "[bold]new[/]" if image.digest in new else "[dim]anyway[/]",
        )
    return table


def _show_notes(found: Sequence[_Here], said: Sequence[str], console: Console) -> None:
    notes = [
        f"{_label(entry, here, found)}: {escape(entry.missing)}; treated as empty"
        for here in found
        for entry in here.plans
        if entry.missing
    ]
    notes += [escape(note) for note in said]
    lists = sum(entry.unknown_lists for here in found for entry in here.plans)
    if lists:
        notes.append(
            f"{lists:,} of the images are manifest lists, and describe-images does not say what they list. ECR keeps the "
            "images that they list for as long as they stay: fewer may go than shown"
        )
    notes += [
        f"{_label(entry, here, found)}: {escape(tied(tie))}"
        for here in found
        for entry in here.plans
        for tie in entry.ties
    ]
    if notes:
        console.print()
    for note in notes:
        console.print(f"[yellow]note:[/] {note}", highlight=False, soft_wrap=True)


def _show_verdict(found: Sequence[_Here], console: Console) -> None:
    plans = [entry for here in found for entry in here.plans]
    total = _together(entry.expire for entry in plans)
    console.print()
    console.print(
        f"[bold]up to {len(total.taken):,} of {counted(sum(entry.images for entry in plans), 'image')} would be removed[/], "
        f"{size(bytes_of(total.taken))}: {len(total.new):,} because of this change, {len(total.anyway):,} anyway; "
        f"{len(total.no_longer):,} would be spared",
        highlight=False,
        soft_wrap=True,
    )
    for here in found:
        for entry in here.plans:
            for limit in entry.passed:
                console.print(
                    f"[bold red]✗ {_label(entry, here, found)}:[/] {escape(limit)}", highlight=False, soft_wrap=True
                )
    if any(entry.passed for entry in plans):
        console.print("[bold red]✗ the guard would stop this change[/]", highlight=False)
    elif any(entry.limits != Limits() for entry in plans):
        console.print("[bold green]✓ within the limits of the guard[/]", highlight=False)
