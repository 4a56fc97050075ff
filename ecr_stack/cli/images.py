"""`ecr-stack images`: list, show, remove, tag and restore the images of a live registry."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from ecr_stack.cli.formats import Format, ListFormat
from ecr_stack.cli.listing import Column, console, note, ordered, reading, write_list
from ecr_stack.cli.measures import age, bytes_in, duration, short, size
from ecr_stack.cli.stacks import OptionalStack
from ecr_stack.cli.targets import Region, Repositories, Target, target_of
from ecr_stack.errors import InvalidInput, NotFound, Problem, counted

if TYPE_CHECKING:
    from ecr_stack.operations.images.catalogue import CataloguedImage
    from ecr_stack.operations.images.record import RecordWriter
    from ecr_stack.operations.images.removal import Outcome, Plan
    from ecr_stack.operations.images.selection import Protection, Selection
    from ecr_stack.operations.scanning.references import ImageReference

__all__ = ["app"]

app = typer.Typer(help="The images of a live registry.", no_args_is_help=True)


class _StorageClass(StrEnum):
    STANDARD = "standard"
    ARCHIVE = "archive"


class _Order(StrEnum):
    PUSHED = "pushed"
    PULLED = "pulled"
    SIZE = "size"
    REPOSITORY = "repository"


Tags = Annotated[
    list[str] | None,
    typer.Option(
        "--tag", "-t", metavar="PATTERN", help="Images with a matching tag; `*` and `?` are wildcards. Repeatable."
    ),
]
Untagged = Annotated[
    bool, typer.Option("--untagged", help="Images without a tag. Combined with --tag, either matches.")
]
OlderThan = Annotated[
    str | None, typer.Option("--older-than", metavar="AGE", help="Images pushed longer ago than this, e.g. 30d or 12h.")
]
NewerThan = Annotated[
    str | None, typer.Option("--newer-than", metavar="AGE", help="Images pushed within this time, e.g. 7d.")
]
LargerThan = Annotated[str | None, typer.Option("--larger-than", metavar="SIZE", help="E.g. 500MB or 1.5GiB.")]
SmallerThan = Annotated[str | None, typer.Option("--smaller-than", metavar="SIZE", help="E.g. 10MB.")]
StorageClass = Annotated[_StorageClass | None, typer.Option("--storage-class", help="Images in this storage class.")]
Scan = Annotated[
    str | None,
    typer.Option(
        "--scan", metavar="STATUS", help="Images with this scan status, e.g. COMPLETE or FAILED; NONE for no scan."
    ),
]
NotPulledFor = Annotated[
    str | None,
    typer.Option("--not-pulled-for", metavar="AGE", help="Images without a recorded pull for this long, e.g. 90d."),
]
PulledWithin = Annotated[
    str | None, typer.Option("--pulled-within", metavar="AGE", help="Images pulled within this time, e.g. 7d.")
]
KeepPulled = Annotated[
    int,
    typer.Option(
        "--keep-pulled-days", min=0, metavar="N", help="Keep images pulled within N days; 0 removes them too."
    ),
]
InUse = Annotated[bool, typer.Option("--allow-in-use", help="Also remove images that AWS reports as in use.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Change nothing, and show what would be done.")]
Record = Annotated[
    Path | None,
    typer.Option(
        "--record",
        metavar="FILE",
        help="Where to record removed images, for `restore`. Default: a new file in this folder.",
    ),
]
AnyFormat = Annotated[Format, typer.Option("--format", help="For people, or for scripts.")]
Images = Annotated[
    list[str],
    typer.Argument(
        metavar="IMAGE",
        help="ACCOUNT.dkr.ecr.REGION.amazonaws.com/REPOSITORY:TAG or @sha256:…, or REPOSITORY:TAG with --region or --stack.",
    ),
]


def _selection(
    tags: Sequence[str] | None,
    untagged: bool,
    older: str | None,
    newer: str | None,
    larger: str | None,
    smaller: str | None,
    storage: _StorageClass | None,
    scan: str | None,
    idle: str | None,
    pulled: str | None,
) -> Selection:
    from ecr_stack.operations.images.selection import Selection

    def span(text: str | None, option: str) -> timedelta | None:
        return None if text is None else duration(text, option)

    return Selection(
        tuple(tags or ()), untagged, span(older, "--older-than"), span(newer, "--newer-than"),
        None if larger is None else bytes_in(larger, "--larger-than"),
        None if smaller is None else bytes_in(smaller, "--smaller-than"),
        None if storage is None else {"standard": "ACTIVE", "archive": "ARCHIVED"}[storage.value],
        scan.upper() if scan else None,
        span(idle, "--not-pulled-for"), span(pulled, "--pulled-within"),
    )  # fmt: skip


@app.command("list")
def list_(
    stack: OptionalStack = None,
    repository: Repositories = None,
    region: Region = None,
    tag: Tags = None,
    untagged: Untagged = False,
    older_than: OlderThan = None,
    newer_than: NewerThan = None,
    larger_than: LargerThan = None,
    smaller_than: SmallerThan = None,
    storage_class: StorageClass = None,
    scan: Scan = None,
    not_pulled_for: NotPulledFor = None,
    pulled_within: PulledWithin = None,
    manifests: Annotated[
        bool,
        typer.Option(
            "--manifests/--no-manifests",
            help="Whether to fetch the manifests of multi-architecture images. ECR records this as a pull. Otherwise "
            "their platforms are unknown, and each platform's image is listed separately.",
        ),
    ] = True,
    sort: Annotated[
        _Order,
        typer.Option("--sort", help="By repository, or the newest, last pulled or largest first."),
    ] = _Order.REPOSITORY,
    reverse: Annotated[bool, typer.Option("--reverse", help="Reverse the order.")] = False,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, metavar="N", help="The maximum number to show.")
    ] = None,
    format_: Annotated[ListFormat, typer.Option("--format", help="The output format.")] = ListFormat.TEXT,
) -> None:
    """List images, one per row, with their platforms, signatures, attestations and SBOMs.

    Exit code 1 if a repository cannot be read.
    """
    from ecr_stack.operations.images.reading import read_repositories

    chosen = _selection(
        tag,
        untagged,
        older_than,
        newer_than,
        larger_than,
        smaller_than,
        storage_class,
        scan,
        not_pulled_for,
        pulled_within,
    )
    target, now = target_of(stack, repository, region), datetime.now(UTC)
    problems: list[tuple[str, str]] = []
    fetched = 0

    with reading(len(target.named) or None) as progress:

        def rows() -> Iterator[CataloguedImage]:
            nonlocal fetched
            for found in read_repositories(
                target.registry, target.repositories(), manifests=manifests, progress=progress
            ):
                fetched += found.fetched
                if found.problem:
                    problems.append((found.repository, found.problem))
                yield from (image for image in found.images if chosen.selects(image, now))

        longest_ago = datetime.min.replace(tzinfo=UTC)
        keys: dict[_Order, Any] = {
            _Order.REPOSITORY: None if not reverse else lambda image: (image.repository, image.top.pushed_at),
            _Order.PUSHED: lambda image: (image.top.pushed_at, image.top.digest),
            _Order.PULLED: lambda image: (image.pulled_at or longest_ago, image.top.digest),
            _Order.SIZE: lambda image: (image.top.size, image.top.digest),
        }
        shown = ordered(rows(), keys[sort], reverse if sort is _Order.REPOSITORY else not reverse, limit)
        count = write_list(shown, format_, _columns(now), lambda image: image.as_json(), _FIELDS)
    if not count and format_ is ListFormat.TEXT and not problems:
        note("no image matches", style="dim")
    if fetched:
        note(
            f"what {fetched:,} multi-architecture images list was fetched, which ECR records as a pull of them; "
            "--no-manifests does without",
            style="dim",
        )
    if problems and all(name in target.named for name, _ in problems) and len(problems) == len(target.named):
        raise NotFound(f"no repository could be read. {problems[0][0]}: {problems[0][1]}")
    for name, problem in problems:
        note(f"{name} cannot be read: {problem}", style="red", word="error")
    if problems:
        raise typer.Exit(1)


_FIELDS = (
    "repository", "imageDigest", "imageTags", "imagePushedAt", "imageSizeInBytes", "imageStatus", "platforms",
    "lastRecordedPullTime", "imageScanStatus",
)  # fmt: skip


def _columns(now: datetime) -> list[Column]:
    def tags(image: CataloguedImage) -> str:
        told = ", ".join(image.top.tags[:3]) + (f" +{len(image.top.tags) - 3}" if len(image.top.tags) > 3 else "")
        return escape(told) or "[dim]untagged[/]"

    def platforms(image: CataloguedImage) -> str:
        if image.platforms:
            return escape(", ".join(image.platforms))
        return "[dim]–[/]" if not image.top.is_index else "[dim]?[/]"

    def attached(image: CataloguedImage) -> str:
        kinds = [kind for kind, _ in image.attached]
        return ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds))

    return [
        Column("repository", lambda image: escape(image.repository)),
        Column("tags", tags),
        Column("digest", lambda image: short(image.top.digest)),
        Column("platforms", platforms),
        Column("pushed", lambda image: age(image.top.pushed_at, now), right=True),
        Column("pulled", lambda image: age(image.pulled_at, now) if image.pulled_at else "[dim]never[/]", right=True),
        Column("size", lambda image: size(image.top.size), right=True),
        Column("status", lambda image: "" if image.top.status == "ACTIVE" else image.top.status.lower()),
        Column("scan", lambda image: (image.scan_status or "").lower()),
        Column("with it", attached),
    ]


def _references(images: Sequence[str], region: str | None, target: Target | None = None) -> list[ImageReference]:
    """Parse references; with a target, reject those in another account or Region."""
    from ecr_stack.operations.scanning.references import parse_reference

    problems: list[Problem] = []
    found = []
    for text in dict.fromkeys(images):
        try:
            reference = parse_reference(text, region)
        except InvalidInput as error:
            problems += error.problems
            continue
        if target is not None and reference.account not in (None, target.registry.account):
            rule = f"the credentials are for account {target.registry.account}"
            problems.append(Problem("IMAGE", text, rule, f"use credentials for {reference.account}"))
        if target is not None and target.named and reference.repository not in target.named:
            rule = f"stack {target.stack} has no repository {reference.repository}"
            problems.append(Problem("IMAGE", text, rule, "use an image in the stack, or omit --stack"))
        found.append(reference)
    if problems:
        raise InvalidInput("the command line", problems)
    return found


def _target(images: Sequence[str], stack: str | None, region: str | None) -> tuple[Target, list[ImageReference]]:
    """Connect to the registry of all the images."""
    from ecr_stack.operations.scanning.references import parse_reference

    regions = {parse_reference(text).region for text in images} - {None}
    if len(regions) > 1 or (region and regions - {region}):
        rule = "the images are in several Regions"
        raise InvalidInput(
            "the command line", [Problem("IMAGE", sorted(map(str, regions)), rule, "use images in one Region")]
        )
    own = next(iter(regions), None)
    target = target_of(stack, None, region or own)
    return target, _references(images, target.registry.region, target)


@app.command("show")
def show(
    image: Annotated[str, typer.Argument(metavar="IMAGE", help="The image; see `ecr-stack images delete --help`.")],
    stack: OptionalStack = None,
    region: Region = None,
    format_: AnyFormat = Format.TEXT,
) -> None:
    """Show one image: platforms, related artifacts, scan, signing, and how to pull it from each Region.

    Fetches the manifest, which ECR records as a pull. Exit code 2 if the image does not exist.
    """
    from ecr_stack.operations.images.detail import describe

    target, (reference,) = _target([image], stack, region)
    told = describe(target.registry, reference)
    if format_ is Format.JSON:
        typer.echo(json.dumps(told, indent=2))
        return
    out, now = console(), datetime.now(UTC)
    out.print(f"\n[bold]{escape(told['repository'])}[/] [dim]{told['imageDigest']}[/]", highlight=False, soft_wrap=True)

    def line(name: str, value: str) -> None:
        out.print(f"  [dim]{name:<10}[/] {escape(value)}", highlight=False, soft_wrap=True)

    pulled = told["lastRecordedPullTime"]
    line("tags", ", ".join(told["imageTags"]) or "none")
    line("platforms", ", ".join(told["platforms"]) or "not known")
    line("pushed", f"{told['imagePushedAt']} ({age(datetime.fromisoformat(told['imagePushedAt']), now)})")
    line("pulled", f"{pulled} ({age(datetime.fromisoformat(pulled), now)})" if pulled else "no pull recorded")
    line("size", size(told["imageSizeInBytes"]))
    line("status", told["imageStatus"].lower())
    counts = ", ".join(f"{count:,} {severity.lower()}" for severity, count in told["findingSeverityCounts"].items())
    line("scan", f"{(told['imageScanStatus'] or 'none').lower()}{': ' + counts if counts else ''}")
    line("signing", told["signing"])
    for each in told["attached"]:
        line(each["kind"], each["imageDigest"])
    for each in told["pull"]:
        where = f"{each['region']}{'' if each['status'] == 'COMPLETE' else ', replication: ' + each['status'].lower()}"
        line(where, each["command"])
    out.print()


@app.command("delete")
def delete(
    images: Images,
    stack: OptionalStack = None,
    region: Region = None,
    keep_pulled_days: KeepPulled = 30,
    allow_in_use: InUse = False,
    yes: Yes = False,
    dry_run: DryRun = False,
    record: Record = None,
    format_: AnyFormat = Format.TEXT,
) -> None:
    """Delete images. By tag, only the tag is removed if the image has others; by digest, the image with all its tags.

    Lists the images first, and asks for confirmation. Exit code 1 if something is kept or fails.
    """
    from ecr_stack.operations.images.reading import read_repository
    from ecr_stack.operations.images.removal import Outcome, plan, running_images
    from ecr_stack.operations.images.selection import Selection, obstacle

    target, references = _target(images, stack, region)
    protection, now = _protection(keep_pulled_days, allow_in_use), datetime.now(UTC)
    plans: list[Plan] = []
    untagging: list[Outcome] = []
    for repository in dict.fromkeys(reference.repository for reference in references):
        with reading() as progress:
            everything = read_repository(target.registry, repository, progress=progress).images
        named, tags = _named(everything, [each for each in references if each.repository == repository])
        needed = {each.top.digest: _needed_by(each.top.digest, everything) for each in named}
        chosen = Selection(digests=frozenset(digest for digest, index in needed.items() if index is None))
        known = {image.top.digest for image in everything}
        candidates = [*everything, *(image for image in named if image.top.digest not in known)]
        use = partial(running_images, target.registry)
        planned = plan(repository, candidates, chosen, protection, now, use)
        planned.kept += [
            Outcome(image, f"the manifest list {index} needs it")
            for image in named
            if (index := needed[image.top.digest]) is not None
        ]
        if tags:
            running, planned.unknown_use = use([image for image, _ in tags]) if protection.in_use else ({}, None)
            for image, names in tags:
                # The image stays, regardless of indexes that list it.
                why = obstacle(image, Selection(), protection, running, image.listed_by, now)
                kept = Outcome(image, why or "only one of its tags is removed", names)
                (planned.kept if why else untagging).append(kept)
        plans.append(planned)
    _carry_out(
        target, plans, untagging, archive=False, yes=yes, dry_run=dry_run, path=record, format_=format_, strict=True
    )


def _named(
    everything: Sequence[CataloguedImage], references: Sequence[ImageReference]
) -> tuple[list[CataloguedImage], list[tuple[CataloguedImage, tuple[str, ...]]]]:
    """Find the images to delete, and those that only lose some of their tags.

    Raises:
        NotFound: an image does not exist.
    """
    from ecr_stack.operations.images.catalogue import CataloguedImage

    by_digest = {
        member.digest: CataloguedImage(image.repository, member) for image in everything for member in image.members
    }
    by_digest |= {image.top.digest: image for image in everything}
    by_tag = {tag: by_digest[digest] for digest in by_digest for tag in by_digest[digest].top.tags}
    whole: dict[str, CataloguedImage] = {}
    tags: dict[str, set[str]] = {}
    for reference in references:
        digest = reference.digest
        image = by_digest.get(digest) if digest else by_tag.get(reference.tag or "")
        if image is None or (digest and reference.tag and reference.tag not in image.top.tags):
            raise NotFound(f"there is no image {reference.text}")
        if digest:
            whole[image.top.digest] = image
        else:
            tags.setdefault(image.top.digest, set()).add(str(reference.tag))
    for digest, names in list(tags.items()):
        if names == set(by_digest[digest].top.tags):
            whole[digest] = by_digest[digest]
    some = [(by_digest[digest], tuple(sorted(names))) for digest, names in tags.items() if digest not in whole]
    return list(whole.values()), some


def _needed_by(digest: str, everything: Sequence[CataloguedImage]) -> str | None:
    """The index that lists an untagged manifest."""
    for image in everything:
        listed = [*image.parts, *(each for _, each in image.attached if not each.subject and not each.tags)]
        if image.top.digest != digest and any(each.digest == digest for each in listed):
            return image.top.digest
    return None


@app.command("prune")
def prune(
    stack: OptionalStack = None,
    repository: Repositories = None,
    region: Region = None,
    tag: Tags = None,
    untagged: Untagged = False,
    older_than: OlderThan = None,
    newer_than: NewerThan = None,
    larger_than: LargerThan = None,
    smaller_than: SmallerThan = None,
    storage_class: StorageClass = None,
    scan: Scan = None,
    not_pulled_for: NotPulledFor = None,
    keep_last: Annotated[
        int,
        typer.Option(
            "--keep-last", min=0, metavar="N", help="Keep the last N of the selected images in each repository."
        ),
    ] = 0,
    keep_pulled_days: KeepPulled = 30,
    allow_in_use: InUse = False,
    archive: Annotated[bool, typer.Option("--archive", help="Archive them instead of deleting them.")] = False,
    yes: Yes = False,
    dry_run: DryRun = False,
    record: Record = None,
    format_: AnyFormat = Format.TEXT,
) -> None:
    """Remove the selected images, repository by repository.

    With tag patterns, an image is removed if all its tags match. Lists the images first, and asks for confirmation.
    Exit code 1 if something fails.
    """
    from ecr_stack.operations.images.reading import read_repositories
    from ecr_stack.operations.images.removal import plan, running_images

    chosen = _selection(
        tag, untagged, older_than, newer_than, larger_than, smaller_than, storage_class, scan, not_pulled_for, None
    )
    if chosen.is_everything and not keep_last:
        rule, remedy = (
            "prune needs a filter",
            "add e.g. --untagged, --tag 'dev-*' or --older-than 90d",
        )
        raise InvalidInput("the command line", [Problem("(options)", None, rule, remedy)])
    if stack is None and not repository:
        rule, remedy = "prune needs a stack or a repository", "add --stack NAME or --repository NAME"
        raise InvalidInput("the command line", [Problem("(options)", None, rule, remedy)])
    if archive and chosen.status is None:
        chosen = replace(chosen, status="ACTIVE")
    target, now = target_of(stack, repository, region), datetime.now(UTC)
    protection = _protection(keep_pulled_days, allow_in_use, keep_last)
    plans: list[Plan] = []
    problems: list[str] = []
    use = partial(running_images, target.registry)
    with reading(len(target.named)) as progress:
        for found in read_repositories(target.registry, target.repositories(), progress=progress):
            if found.problem:
                problems.append(f"{found.repository} cannot be read: {found.problem}")
            else:
                plans.append(plan(found.repository, found.images, chosen, protection, now, use))
    if problems and not plans:
        raise NotFound(problems[0])
    for problem in problems:
        note(problem, style="red", word="error")
    _carry_out(
        target, plans, [], archive=archive, yes=yes, dry_run=dry_run, path=record, format_=format_, problems=bool(problems)
    )  # fmt: skip


def _protection(days: int, allow_in_use: bool, keep_last: int = 0) -> Protection:
    from ecr_stack.operations.images.selection import Protection

    return Protection(timedelta(days=days) if days else None, not allow_in_use, keep_last)


def _carry_out(
    target: Target,
    plans: Sequence[Plan],
    untagging: Sequence[Outcome],
    *,
    archive: bool,
    yes: bool,
    dry_run: bool,
    path: Path | None,
    format_: Format,
    strict: bool = False,
    problems: bool = False,
) -> None:
    """List the images, ask for confirmation, remove them with a record, and report."""
    from ecr_stack.operations.images.record import RecordWriter
    from ecr_stack.operations.images.removal import Outcome, remove, remove_tags

    going = [outcome for planned in plans for outcome in planned.remove] + list(untagging)
    kept = [outcome for planned in plans for outcome in planned.kept]
    verb = "archive" if archive else "delete"
    _show_plan(target, plans, untagging, verb)
    if dry_run or not going:
        would = [Outcome(each.image, f"would be {'archived' if archive else 'deleted'}", each.tags) for each in going]
        _report(format_, would, kept, [], None, dry_run=dry_run)
        raise typer.Exit(1 if problems or (strict and kept) else 0)
    if not yes:
        _ask(f"{verb.capitalize()} {len(going):,} of {target.label}?")
    action = verb if any(planned.remove for planned in plans) else "untag"
    path = path or Path(f"ecr-stack-removed-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}.jsonl")
    removed: list[Outcome] = []
    failed: list[Outcome] = []
    with RecordWriter(path, account=target.registry.account, region=target.registry.region, action=action) as record:
        note(f"removed images are recorded in {path}", style="dim")
        results: Iterator[Any] = _results(target, plans, untagging, record, archive, remove, remove_tags)
        for result in results:
            removed += result.removed
            kept += result.kept
            failed += result.failed
    _report(format_, removed, kept, failed, path)
    if failed or problems or (strict and kept):
        raise typer.Exit(1)


def _results(
    target: Target,
    plans: Sequence[Plan],
    untagging: Sequence[Outcome],
    record: RecordWriter,
    archive: bool,
    remove: Any,
    remove_tags: Any,
) -> Iterator[Any]:
    total = sum(len(planned.remove) for planned in plans)
    done = 0

    def tick(images: int) -> None:
        nonlocal done
        done += images
        note(f"{done:,} of {counted(total, 'image')}", style="dim", word="done")

    for planned in plans:
        if planned.remove:
            yield remove(target.registry, planned, record, archive=archive, progress=tick)
    if untagging:
        yield remove_tags(target.registry, untagging, record)


def _ask(question: str) -> None:
    if not sys.stdin.isatty():
        rule, remedy = (
            "removing images requires confirmation, and there is no terminal",
            "add --yes, or use --dry-run",
        )
        raise InvalidInput("the command line", [Problem("(terminal)", None, rule, remedy)])
    if not typer.confirm(question, err=True):
        note("nothing was removed", style="dim")
        raise typer.Exit(1)


_SHOWN = 20


def _show_plan(target: Target, plans: Sequence[Plan], untagging: Sequence[Outcome], verb: str) -> None:
    err = Console(emoji=False, stderr=True)

    def show(outcomes: Sequence[Outcome], mark: str) -> None:
        for outcome in outcomes[:_SHOWN]:
            top = outcome.image.top
            told = ", ".join(outcome.tags if outcome.tags is not None else top.tags) or "untagged"
            more = f" [dim]({outcome.reason})[/]" if mark == "keep" or outcome.tags is not None else ""
            style = "green" if mark == "keep" else "red"
            err.print(
                f"  [{style}]{mark:<7}[/] {escape(outcome.image.repository)} {escape(told)} [dim]{short(top.digest)}, "
                f"pushed {top.pushed_at:%Y-%m-%d}, {size(outcome.image.stored_bytes)}[/]{more}",
                highlight=False, soft_wrap=True,
            )  # fmt: skip
        if len(outcomes) > _SHOWN:
            err.print(f"  [dim]and {len(outcomes) - _SHOWN:,} more[/]", highlight=False)

    going = [outcome for planned in plans for outcome in planned.remove]
    kept = [outcome for planned in plans for outcome in planned.kept]
    stored = size(sum(outcome.image.stored_bytes for outcome in going))
    err.print(
        f"[bold]{escape(target.label)}[/]: {counted(len(going), 'image')} to {verb}, at most {stored}",
        highlight=False,
        soft_wrap=True,
    )
    show(going, verb)
    show(untagging, "untag")
    show(kept, "keep")
    for reason in dict.fromkeys(planned.unknown_use for planned in plans if planned.unknown_use):
        note(f"it is unknown whether images are in use: {reason}")


def _report(
    format_: Format,
    removed: Sequence[Outcome],
    kept: Sequence[Outcome],
    failed: Sequence[Outcome],
    path: Path | None,
    *,
    dry_run: bool = False,
) -> None:
    if format_ is Format.JSON:
        told: dict[str, Any] = {
            "dryRun": dry_run,
            "removed": [each.as_json() for each in removed],
            "kept": [each.as_json() for each in kept],
            "failed": [each.as_json() for each in failed],
            "record": str(path) if path else None,
        }
        typer.echo(json.dumps(told, indent=2))
        return
    out = console()
    for each in failed:
        out.print(
            f"[red]failed[/] {escape(each.image.repository)} {each.image.top.digest}: {escape(each.reason)}",
            highlight=False, soft_wrap=True,
        )  # fmt: skip
    word = "would be removed" if dry_run else "removed"
    out.print(f"{len(removed):,} {word}, {len(kept):,} kept, {len(failed):,} failed", highlight=False)
    if path:
        out.print(
            f"Recorded in {escape(str(path))}. To restore: ecr-stack images restore {escape(str(path))}",
            soft_wrap=True,
        )


@app.command("copy-tag")
def copy_tag_(
    image: Annotated[str, typer.Argument(metavar="IMAGE", help="The image; see `ecr-stack images delete --help`.")],
    tag: Annotated[str, typer.Argument(metavar="TAG", help="The tag to add.")],
    stack: OptionalStack = None,
    region: Region = None,
    move: Annotated[
        bool, typer.Option("--move", help="Move the tag from another image, if the repository allows it.")
    ] = False,
    dry_run: DryRun = False,
) -> None:
    """Add a tag to an image without pulling it. Exit code 2 if the tag belongs to another image, or ECR rejects the
    request."""
    from ecr_stack.operations.images.tagging import copy_tag

    target, (reference,) = _target([image], stack, region)
    _references([f"{reference.repository}:{tag}"], None)
    told = copy_tag(target.registry, reference.repository, reference.image_id, tag, move=move, dry_run=dry_run)
    typer.echo(f"{reference.repository}: {told}")


@app.command("restore")
def restore_(
    record: Annotated[Path, typer.Argument(metavar="RECORD", help="The file that `delete` or `prune` wrote.")],
    stack: OptionalStack = None,
    move: Annotated[
        bool, typer.Option("--move", help="Move tags back from images that have received them since.")
    ] = False,
    dry_run: DryRun = False,
    format_: AnyFormat = Format.TEXT,
) -> None:
    """Restore removed tags and images as far as possible, and archived images.

    Exit code 1 if something cannot be restored.
    """
    from ecr_stack.operations.images.record import read_record
    from ecr_stack.operations.images.tagging import restore

    what = read_record(record)
    target = target_of(stack, None, what.region)
    if target.registry.account != what.account:
        rule = f"the record is for account {what.account}, but the credentials are for {target.registry.account}"
        raise InvalidInput(str(record), [Problem("(account)", what.account, rule, "use credentials for that account")])
    outcomes = list(restore(target.registry, what, move=move, dry_run=dry_run))
    if format_ is Format.JSON:
        told = {
            word: [each.as_json() for each in outcomes if each.outcome == word]
            for word in ("restored", "kept", "failed")
        }
        typer.echo(json.dumps({"dryRun": dry_run, **told}, indent=2))
    else:
        out = console()
        styles = {"restored": "green", "kept": "dim", "failed": "red"}
        for each in outcomes:
            name = f"{each.repository} {', '.join(each.tags) or short(each.digest)}"
            out.print(
                f"[{styles[each.outcome]}]{each.outcome}[/] {escape(name)}: {escape(each.reason)}",
                highlight=False,
                soft_wrap=True,
            )
    if any(each.outcome == "failed" for each in outcomes):
        raise typer.Exit(1)
