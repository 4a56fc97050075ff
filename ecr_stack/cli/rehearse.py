"""`ecr-stack rehearse`: the whole program for one stack, against the embedded AWS."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn
from rich.table import Table
from rich.tree import Tree

from ecr_stack.aws.names import AccountId
from ecr_stack.cli import ReportFormat as Format
from ecr_stack.model import check
from ecr_stack.rehearsal.report import Report, ResourceRecord

__all__ = ["command"]

_MANY = 40
"""A registry with more repositories than this is summed up, not listed."""


def _account(value: str) -> str:
    if not check(AccountId, value):
        raise typer.BadParameter("an account id has exactly 12 digits")
    return value


Account = Annotated[
    str, typer.Option(callback=_account, help="The account that the embedded AWS plays, twelve digits.")
]
"""The account of a rehearsal, as an option."""


class Engine(StrEnum):
    """What runs the program."""

    EMBEDDED = "embedded"
    """This process: no Pulumi CLI is needed."""
    PULUMI = "pulumi"
    """The real engine, by the `pulumi` on PATH."""


def command(
    stack: Annotated[str, typer.Option("--stack", "-s", help="The stack: NAME of Pulumi.NAME.yaml.")] = "dev",
    format_: Annotated[
        Format, typer.Option("--format", help="For people, for scripts, or for the comment of a pull request.")
    ] = Format.TEXT,
    compare_with: Annotated[
        Path | None,
        typer.Option("--compare", help="Say what differs from this report, which --format json wrote before."),
    ] = None,
    engine: Annotated[
        Engine,
        typer.Option(help="What runs the program: this process, or the `pulumi` on PATH (preview, up, up, destroy)."),
    ] = Engine.EMBEDDED,
    endpoint: Annotated[
        str | None,
        typer.Option(help="With --engine pulumi: the URL of a moto server or the like, for the real AWS provider."),
    ] = None,
    account: Account = "123456789012",
) -> None:
    """Run the whole program for a stack against an AWS embedded in this process, and report.

    No account, no credentials, no network and no Pulumi CLI are needed, and nothing real is touched.
    """
    if engine is Engine.PULUMI:
        if compare_with is not None or format_ is Format.MARKDOWN:
            raise typer.BadParameter("--engine pulumi writes text or json, and compares with nothing")
        from ecr_stack.cli import engine as with_engine

        with_engine.command(stack, account=account, endpoint=endpoint, as_json=format_ is Format.JSON)
        return
    if endpoint is not None:
        raise typer.BadParameter("--endpoint goes with --engine pulumi")
    from ecr_stack.cli import comparison
    from ecr_stack.rehearsal import rehearse
    from ecr_stack.review.compare import compare
    from ecr_stack.review.report import read_report
    from ecr_stack.review.retention_changes import retention_changes

    base = read_report(compare_with) if compare_with else {"resources": []}
    with _Ticker(enabled=format_ is Format.TEXT) as ticker:
        report = rehearse(stack, account=account, progress=ticker.tick)
    if compare_with is None and format_ is not Format.MARKDOWN:
        if format_ is Format.JSON:
            typer.echo(json.dumps(report.as_json(), indent=2))
        else:
            show(report, Console(emoji=False))
    else:
        difference = compare(base, report.as_json(), source=str(compare_with))
        if format_ is Format.JSON:
            typer.echo(json.dumps(difference.as_json(), indent=2))
        elif format_ is Format.MARKDOWN:
            typer.echo(comparison.markdown(difference, report, retention_changes(base, report.as_json())))
        else:
            comparison.show(difference, Console(emoji=False))
    if not report.passes:
        raise typer.Exit(1)


class _Ticker:
    """Counts the resources on standard error while a person waits."""

    def __init__(self, *, enabled: bool) -> None:
        console = Console(stderr=True)
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            console=console,
            transient=True,
            disable=not (enabled and console.is_terminal),
        )
        self._task = self._progress.add_task("Reading the stack file")

    def __enter__(self) -> _Ticker:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def tick(self, resources: int) -> None:
        self._progress.update(self._task, description=f"{resources} resources in the embedded AWS")


def show(report: Report, console: Console) -> None:
    """Write a report for people: the tree of components, the outputs, what is wrong, and a verdict."""
    console.print()
    console.print(
        f"[bold]{escape(report.project)}[/] stack [bold cyan]{escape(report.stack)}[/]"
        f"  [dim]account {report.account}, {report.region}, embedded AWS[/]"
    )
    console.print()
    console.print(_tree(report))
    console.print()
    _outputs(report, console)
    for arn in report.assumed:
        console.print(f"[dim]taken for given:[/] {escape(arn)}", highlight=False)
    _violations(report, console)
    made = [resource for resource in report.resources if resource.id is not None]
    calls = sum(report.calls.values())
    facts = f"{len(made)} resources, {calls} API calls, {report.seconds:.1f} s"
    if report.passes:
        console.print(f"[bold green]✓ This stack would go up[/]  [dim]{facts}[/]")
    else:
        count = sum(violation.level == "mandatory" for violation in report.violations)
        console.print(f"[bold red]✗ {count} mandatory violation{'' if count == 1 else 's'}[/]  [dim]{facts}[/]")


def _tree(report: Report) -> Tree:
    children: dict[str | None, list[ResourceRecord]] = {}
    for resource in report.resources:
        children.setdefault(resource.parent, []).append(resource)
    root = children.get(None, [])
    tree = Tree(f"[bold]{escape(root[0].name) if root else report.stack}[/]", guide_style="dim")
    for resource in root:
        _branch(tree, resource, children)
    return tree


def _branch(tree: Tree, parent: ResourceRecord, children: Mapping[str | None, list[ResourceRecord]]) -> None:
    listed = sorted(children.get(parent.urn, []), key=lambda child: _ORDER.get(_kind(child), 9))
    hidden = 0
    for component in listed:
        child = _shown(component, children)
        if len(listed) > _MANY and _kind(child) == "Repository" and child.id is None:
            hidden += 1
            if hidden > _MANY // 2:
                continue
        named = f" [bold]{escape(component.name)}[/]" if component.id is None else ""
        label = f"[{'cyan' if named else 'green'}]{_kind(child)}[/]{named}"
        purpose = _purpose(child)
        marks = " [yellow]protected[/]" if child.options.get("protect") and child.id is not None else ""
        _branch(tree.add(f"{label}{marks}{f'  [dim]{escape(purpose)}[/]' if purpose else ''}"), child, children)
    if hidden > _MANY // 2:
        tree.add(f"[dim]… and {hidden - _MANY // 2} more repositories[/]")


def _shown(component: ResourceRecord, children: Mapping[str | None, list[ResourceRecord]]) -> ResourceRecord:
    """A component around one resource is shown as that resource."""
    only = children.get(component.urn, [])
    if component.id is None and len(only) == 1 and only[0].id is not None:
        return only[0]
    return component


_ORDER = {"EncryptionKey": 0, "Repository": 1, "RegistryScanning": 2, "CreationTemplate": 3, "Replication": 4}


def _kind(resource: ResourceRecord) -> str:
    return resource.type.split(":")[-1]


def _purpose(resource: ResourceRecord) -> str:
    """Say in a line what a resource is for, from what AWS answered."""
    out: Mapping[str, Any] = resource.outputs
    match resource.type:
        case "aws:kms/key:Key":
            rotation = "rotated every year" if out.get("enableKeyRotation") else "NOT rotated"
            return f"encrypts the images; {rotation}; gone {out.get('deletionWindowInDays')} days after a deletion"
        case "aws:kms/alias:Alias":
            return f"{out.get('name')}"
        case "aws:ecr/repository:Repository":
            return f"{out.get('repositoryUrl')}; {_tags(out)}; {_scan(out)}"
        case "aws:ecr/lifecyclePolicy:LifecyclePolicy":
            return _rules(out.get("policy"))
        case "aws:ecr/repositoryPolicy:RepositoryPolicy":
            return _statements(out.get("policy"))
        case "aws:ecr/replicationConfiguration:ReplicationConfiguration":
            return _replication(out)
        case "aws:ecr/registryScanningConfiguration:RegistryScanningConfiguration":
            return f"{str(out.get('scanType')).lower()} scanning of the whole registry"
        case "aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate":
            uses = " and ".join(_MADE_FOR.get(use, use) for use in out.get("appliedFors") or [])
            return f"{uses} under {out.get('prefix')} in {out.get('region')}: {_tags(out)}"
        case "aws:ecr/pullThroughCacheRule:PullThroughCacheRule":
            return f"{out.get('ecrRepositoryPrefix')}/ → {out.get('upstreamRegistryUrl')}"
        case "aws:ecr/accountSetting:AccountSetting":
            return f"{out.get('name')} = {out.get('value')}"
        case "aws:ecr/pullTimeUpdateExclusion:PullTimeUpdateExclusion":
            return f"pulls by {out.get('principalArn')} do not count"
        case "aws:ecr/registryPolicy:RegistryPolicy" | "aws:ecrpublic/repositoryPolicy:RepositoryPolicy":
            return _statements(out.get("policy"))
        case "aws:ecrpublic/repository:Repository":
            return str(out.get("repositoryUri") or "")
        case "aws:secretsmanager/secret:Secret":
            return str(out.get("name") or "")
        case "command:local:Command":
            said = str(out.get("stdout") or "")
            return said.splitlines()[-1] if said else "runs a command"
        case "aws:iam/role:Role":
            return str(out.get("description") or out.get("name"))
        case "aws:iam/rolePolicy:RolePolicy":
            return f"what the role {out.get('role')} may do"
        case "aws:iam/rolePolicyAttachment:RolePolicyAttachment":
            return f"{str(out.get('policyArn')).rsplit('/', 1)[-1]} for {out.get('role')}"
    return ""


def _tags(out: Mapping[str, Any]) -> str:
    words = str(out.get("imageTagMutability", "")).split("_")[0].lower() + " tags"
    exclusions = [item.get("filter") for item in out.get("imageTagMutabilityExclusionFilters") or []]
    return f"{words} but {', '.join(map(str, exclusions))}" if exclusions else words


def _scan(out: Mapping[str, Any]) -> str:
    scanned = (out.get("imageScanningConfiguration") or {}).get("scanOnPush")
    return "scanned on push" if scanned else "not scanned on push"


def _rules(policy: object) -> str:
    rules = json.loads(str(policy)).get("rules", [])
    return "; ".join(dict.fromkeys(rule.get("description") or "a rule" for rule in rules))


def _statements(policy: object) -> str:
    statements = json.loads(str(policy)).get("Statement", [])
    return ", ".join(str(statement.get("Sid", statement.get("Effect"))) for statement in statements)


def _replication(out: Mapping[str, Any]) -> str:
    parts = []
    for rule in (out.get("replicationConfiguration") or {}).get("rules", []):
        where = ", ".join(item["region"] for item in rule.get("destinations", []))
        filters = [f"{item['filter']}*" for item in rule.get("repositoryFilters") or []]
        parts.append(f"{', '.join(filters) or 'everything'} → {where}")
    return "; ".join(parts)


_MADE_FOR = {
    "REPLICATION": "replicas",
    "PULL_THROUGH_CACHE": "cached repositories",
    "CREATE_ON_PUSH": "repositories made by a push",
}


def _one_line(value: Any) -> str:
    if isinstance(value, Mapping):
        return "; ".join(f"{key}: {item}" for key, item in sorted(value.items()))
    return str(value)


def _outputs(report: Report, console: Console) -> None:
    table = Table(
        title="Outputs",
        title_justify="left",
        title_style="bold",
        box=None,
        padding=(0, 2, 0, 0),
        show_header=False,
    )
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in report.outputs.items():
        if isinstance(value, Mapping) and value:
            for position, (key, item) in enumerate(sorted(value.items())):
                if position == _MANY:
                    table.add_row("", f"… and {len(value) - _MANY} more")
                    break
                table.add_row(name if position == 0 else "", f"{escape(str(key))}: {escape(_one_line(item))}")
        elif isinstance(value, list):
            table.add_row(name, "\n".join(escape(str(item)) for item in value) or "none")
        elif value is not None:
            table.add_row(name, escape(str(value)))
    console.print(table)
    console.print()


def _violations(report: Report, console: Console) -> None:
    names = {resource.urn: resource.name for resource in report.resources}
    for violation in report.violations:
        colour = "red" if violation.level == "mandatory" else "yellow"
        where = names.get(violation.urn, "the stack")
        console.print(
            f"[{colour}]{violation.level}[/] [bold]{escape(violation.policy)}[/] on {escape(where)}",
            highlight=False,
        )
        console.print(f"  {escape(violation.message)}", highlight=False)
    if report.violations:
        console.print()
