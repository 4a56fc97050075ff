"""`ecr-stack lifecycle forecast`: images, storage and cost over the next year, with and without a lifecycle."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from ecr_stack.aws.lifecycle import Document, parse_document
from ecr_stack.aws.names import Region
from ecr_stack.cli import Format
from ecr_stack.cli.measures import moment, size
from ecr_stack.cli.stacks import stack_option
from ecr_stack.errors import InvalidInput, NotFound, Problem
from ecr_stack.model import check, nearest
from ecr_stack.operations.forecast import ASSUMPTIONS, Day, Forecast, Level, Repository, forecast
from ecr_stack.operations.history import WORDS, streams_of
from ecr_stack.operations.holdings import Holding, read_file
from ecr_stack.operations.picture import dollars, headline, picture
from ecr_stack.operations.prices import Prices, overridden, prices_of
from ecr_stack.operations.pushes import MAX_PULL_DAYS, UNTAGGED, Pushes, Stream, parse_pushes, parse_size, pushes_of

__all__ = ["command"]

_USUAL_REGION = "us-east-1"


def command(
    stack: Annotated[str | None, stack_option("Take the policies from this stack's file.")] = None,
    repository: Annotated[
        str | None, typer.Option("--repository", "-r", metavar="NAME", help="Only this repository of the stack.")
    ] = None,
    policy: Annotated[
        Path | None, typer.Option("--policy", metavar="FILE", help="A native ECR lifecycle policy.")
    ] = None,
    pushes: Annotated[
        str | None,
        typer.Option(
            "--pushes",
            metavar="RATES",
            help="Builds per day for each tag scheme, per repository: `v=0.5,sha-=20,untagged=2`, or a YAML or JSON "
            "file. Default: the rates of the last 90 days.",
        ),
    ] = None,
    image_size: Annotated[
        str | None,
        typer.Option(
            "--image-size", metavar="SIZE", help="The size of an image in --pushes, e.g. 180MB. Default: 250MB."
        ),
    ] = None,
    pulled_for: Annotated[
        int,
        typer.Option(
            "--pulled-for",
            metavar="DAYS",
            min=0,
            max=MAX_PULL_DAYS,
            help="The number of days after its push when an image is last pulled.",
        ),
    ] = 0,
    images: Annotated[
        Path | None,
        typer.Option(
            "--images",
            metavar="PATH",
            help="The existing images: the output of `aws ecr describe-images --output json`, or with --stack a "
            "folder of such files, as for `lifecycle plan`.",
        ),
    ] = None,
    region: Annotated[
        str | None,
        typer.Option(
            "--region", metavar="REGION", help="The Region for prices. Default: the stack's Region, or us-east-1."
        ),
    ] = None,
    price: Annotated[
        str | None,
        typer.Option(
            "--price",
            metavar="USD",
            help="US dollars per GB and month instead of AWS's prices: `0.09`, or `standard=0.10,archive=0.07`.",
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write a chart to FILE.svg.")
    ] = None,
    at: Annotated[str | None, typer.Option("--at", metavar="TIME", help="The time, in ISO 8601. Default: now.")] = None,
    format_: Annotated[Format, typer.Option("--format", help="For people, or for scripts.")] = Format.TEXT,
) -> None:
    """Forecast what a lifecycle saves over a year: images, storage and monthly cost, with and without it.

    Pushes are given with --pushes, or estimated from the images in the registry or in --images.
    """
    now = moment(at)
    if output is not None and output.suffix.lower() != ".svg":
        raise _refused("--output", str(output), "the chart must be an SVG file", "use a name that ends in .svg")
    policies = _policies(stack, repository, policy)
    given = _pushes(pushes, image_size, pulled_for)
    holdings = _holdings(stack, list(policies), images, given)
    repositories = [
        Repository(
            name,
            document,
            given or Pushes(tuple(streams_of(holding.images, holding.policy, now)), pulled_for),
            holding.images,
        )
        for (name, document), holding in zip(policies.items(), holdings, strict=True)
    ]
    found = _forecast(repositories, _prices(stack, region, price), now)
    subject = _subject(stack, policy, list(policies))
    if output is not None:
        _write(output, picture(found, subject, _detail(found)))
    if format_ is Format.JSON:
        typer.echo(json.dumps(_as_json(found), indent=2))
    else:
        _show(found, subject, Console(emoji=False))
        for holding in holdings:
            if holding.missing and (images is not None or given is None):
                Console(emoji=False, stderr=True).print(
                    f"[yellow]note:[/] {escape(holding.repository)}: {escape(holding.missing)}; treated as empty",
                    highlight=False,
                    soft_wrap=True,
                )


def _policies(stack: str | None, repository: str | None, policy: Path | None) -> dict[str, Document | None]:
    """The lifecycle of each selected repository."""
    remedy = "write --policy FILE, or --stack NAME, with --repository NAME for one of its repositories"
    if policy is not None:
        if stack is not None or repository is not None:
            raise _refused("--policy", str(policy), "give either a file or a stack, not both", remedy)
        return {policy.name: parse_document(_text(policy), source=str(policy))}
    if stack is None:
        raise _refused("--policy", None, "a policy is required", remedy)
    from ecr_stack.cli.registries import lifecycles_of
    from ecr_stack.cli.stacks import settings_of

    documents = lifecycles_of(settings_of(stack), stack)
    if repository is None:
        return documents
    if repository not in documents:
        guess = nearest(repository, list(documents))
        hint = f"did you mean {guess}? " if guess else ""
        raise NotFound(f"no repository `{repository}` in stack {stack}: {hint}there are {', '.join(documents)}")
    return {repository: documents[repository]}


def _pushes(text: str | None, image_size: str | None, pulled_for: int) -> Pushes | None:
    try:
        usual = None if image_size is None else parse_size(image_size)
    except ValueError:
        raise _refused("--image-size", image_size, "a size is a number and a unit", "write e.g. 250MB") from None
    if text is None:
        if usual is not None:
            rule = "without --pushes, image sizes come from the existing images"
            raise _refused("--image-size", image_size, rule, "add --pushes, or omit --image-size")
        return None
    if Path(text).suffix in (".yaml", ".yml", ".json"):
        try:
            data = yaml.safe_load(_text(Path(text)))
        except (yaml.YAMLError, RecursionError, ValueError) as error:
            problem = Problem("(the file)", None, f"it is not YAML: {error}", "write `pushes: {v: 0.5, sha-: 20}`")
            raise InvalidInput(text, [problem]) from None
        return pushes_of(data, source=text, size=usual, pulled_for_days=pulled_for)
    return parse_pushes(text, size=usual, pulled_for_days=pulled_for)


def _holdings(stack: str | None, names: Sequence[str], images: Path | None, given: Pushes | None) -> Sequence[Holding]:
    """The existing images: from files, or from the live registry if no pushes are given; otherwise none."""
    if images is not None and not images.is_dir():
        if len(names) > 1:
            rule = f"a file contains the images of one repository, but there are {len(names)} repositories"
            raise _refused("--images", str(images), rule, "add --repository NAME, or use a folder")
        return [Holding(names[0], tuple(read_file(images)))]
    if stack is None:
        if images is not None:
            raise _refused("--images", str(images), "a folder requires --stack", "use a file")
        if given is None:
            rule = "the pushes are unknown"
            raise _refused("--pushes", None, rule, "write e.g. `--pushes v=0.5,sha-=20`, or add --images FILE")
        return [Holding(name) for name in names]
    if images is None and given is not None:
        return [Holding(name) for name in names]
    from ecr_stack.cli.registries import holdings_of

    return holdings_of(stack, names, images)


def _prices(stack: str | None, region: str | None, price: str | None) -> Prices:
    if region is not None and not check(Region, region):
        raise _refused("--region", region, "this is not a Region", "write e.g. us-east-1")
    if region is None and stack is not None:
        from ecr_stack.cli.registries import region_of

        region = region_of(stack)
    where = region or _USUAL_REGION
    return prices_of(where) if price is None else overridden(price, where)


def _forecast(repositories: Sequence[Repository], prices: Prices, at: datetime) -> Forecast:
    columns = (TextColumn("forecasting"), BarColumn(), MofNCompleteColumn(), TextColumn("[dim]{task.description}"))
    console = Console(emoji=False, stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=len(repositories))
        return forecast(repositories, prices, at, lambda name: progress.update(task, advance=1, description=name))


def _subject(stack: str | None, policy: Path | None, names: Sequence[str]) -> str:
    if policy is not None:
        return policy.name
    if len(names) == 1:
        return f"The lifecycle of {names[0]} ({stack})"
    return f"The lifecycle of {stack}"


def _detail(found: Forecast) -> str:
    """Describe the pushes in one sentence."""
    repositories = found.repositories
    many = len(repositories)
    if len({repository.pushes for repository in repositories}) > 1:
        rate = sum(stream.per_day for repository in repositories for stream in repository.pushes.streams)
        return f"Pushed to {many} repositories together: {_number(rate)} images per day, as recently"
    streams = repositories[0].pushes.streams
    if not any(stream.per_day for stream in streams):
        return "Nothing is pushed" if many == 1 else f"No pushes to {many} repositories"
    rates = [f"{_number(stream.per_day)} {_look(stream)}" for stream in streams]
    listed = rates[0] if len(rates) == 1 else f"{', '.join(rates[:-1])} and {rates[-1]}"
    sizes = [stream.size for stream in streams]
    same = max(sizes) - min(sizes) <= 0.01 * max(sizes)
    big = size(sizes[0]) if same else f"{size(min(sizes))} to {size(max(sizes))}"
    where = "Pushed" if many == 1 else f"Pushed to each of {many} repositories"
    return f"{where}: {listed} images per day, {big} each"


def _look(stream: Stream) -> str:
    """A tag scheme in readable form."""
    if stream.name == UNTAGGED:
        return stream.name
    schemes = (part.strip() for part in stream.name.split("+"))
    return " + ".join(part if "*" in part or part in WORDS else f"{part}*" for part in schemes)


def _number(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 9.95 or rate == round(rate) else f"{rate:.2g}"


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise NotFound(f"{path} cannot be written: {error.strerror}") from None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        problem = Problem("(the file)", None, "the file is not text in UTF-8", "save it as UTF-8")
        raise InvalidInput(str(path), [problem]) from None
    except OSError as error:
        raise NotFound(f"{path} cannot be read: {error.strerror}") from None


def _refused(option: str, value: str | None, rule: str, remedy: str) -> InvalidInput:
    return InvalidInput("the command line", [Problem(option, value, rule, remedy)])


def _as_json(found: Forecast) -> dict[str, Any]:
    paid, paid_without = found.paid
    return {
        "at": found.at.isoformat(),
        "repositories": [
            {
                "repository": repository.name,
                "policy": repository.policy is not None,
                "images": len(repository.images),
                "pulledForDays": repository.pushes.pulled_for_days,
                "pushes": [
                    {
                        "scheme": stream.name,
                        "perDay": round(stream.per_day, 4),
                        "imageSizeInBytes": round(stream.size),
                        "from": stream.origin,
                    }
                    for stream in repository.pushes.streams
                ],
            }
            for repository in found.repositories
        ],
        "prices": {
            "currency": "USD",
            "unit": "GB-month",
            "standard": [_tier_as_json(tier) for tier in found.prices.standard],
            "archive": [_tier_as_json(tier) for tier in found.prices.archive],
            "place": found.prices.place,
            "from": found.prices.origin,
        },
        "assumptions": list(ASSUMPTIONS),
        "notes": list(found.notes),
        "savedPerMonthAfterAYear": round(found.saved, 4),
        "costOfTheYear": {"withLifecycle": round(paid, 4), "withoutLifecycle": round(paid_without, 4)},
        "days": [_day_as_json(day) for day in found.days],
    }


def _tier_as_json(tier: Any) -> dict[str, float]:
    return {"price": tier.price} | ({} if tier.up_to == float("inf") else {"upTo": tier.up_to})


def _day_as_json(day: Day) -> dict[str, Any]:
    return {
        "day": day.number,
        "withLifecycle": _level_as_json(day.kept, day.cost),
        "withoutLifecycle": _level_as_json(day.everything, day.cost_of_everything),
    }


def _level_as_json(level: Level, cost: float) -> dict[str, Any]:
    return {
        "images": level.images,
        "bytes": level.bytes,
        "archivedBytes": level.archived,
        "costPerMonth": round(cost, 4),
    }


def _show(found: Forecast, subject: str, console: Console) -> None:
    console.print()
    console.print(f"[bold]{escape(headline(found, subject))}[/]", highlight=False, soft_wrap=True)
    console.print(f"[dim]{escape(_detail(found))}[/]", highlight=False, soft_wrap=True)
    for repository in found.repositories:
        for stream in repository.pushes.streams:
            if stream.origin != "given":
                console.print(
                    f"[dim]  {escape(repository.name)}: {_number(stream.per_day)} per day of {escape(_look(stream))}, "
                    f"{size(stream.size)} ({stream.origin})[/]",
                    highlight=False,
                    soft_wrap=True,
                )
    console.print()
    console.print(_table(found))
    console.print()
    paid, paid_without = found.paid
    console.print(
        f"The year costs [bold]{dollars(paid)}[/] with the lifecycle and {dollars(paid_without)} without.",
        highlight=False,
        soft_wrap=True,
    )
    for note in found.notes:
        console.print(f"[yellow]note:[/] {escape(note)}", highlight=False, soft_wrap=True)
    console.print()
    for note in (*ASSUMPTIONS, f"Prices: {found.prices.summary}; {found.prices.origin}."):
        console.print(f"[dim]{escape(note)}[/]", highlight=False, soft_wrap=True)


def _table(found: Forecast) -> Table:
    archives = any(day.kept.archived for day in found.days)
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("month", "with: images", "storage", *(["archived"] if archives else []), "a month"):
        table.add_column(column, justify="right", no_wrap=True)
    for column in ("without: images", "storage", "a month"):
        table.add_column(column, justify="right", no_wrap=True)
    for month, day in enumerate(found.months()):
        cells = [
            "now" if month == 0 else str(month),
            f"{day.kept.images:,}",
            size(day.kept.bytes),
            *([size(day.kept.archived)] if archives else []),
            f"[bold green]{dollars(day.cost)}[/]",
            f"{day.everything.images:,}",
            size(day.everything.bytes),
            f"[bold]{dollars(day.cost_of_everything)}[/]",
        ]
        table.add_row(*cells)
    return table
