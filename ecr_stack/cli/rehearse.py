"""`ecr-stack rehearse`: runs the whole program for one stack against the embedded AWS."""

from __future__ import annotations

import gc
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn

from ecr_stack.aws.lifecycle.document import native_rule
from ecr_stack.aws.names import AccountId
from ecr_stack.cli import ReportFormat as Format
from ecr_stack.cli.signals import ended_by_signals
from ecr_stack.cli.stacks import StackName
from ecr_stack.cli.terminal import aligned, console, print_json
from ecr_stack.errors import counted, needing_extra
from ecr_stack.model import check
from ecr_stack.rehearsal.report import Report, ResourceRecord
from ecr_stack.resources import SIGNING_CONFIGURATION
from ecr_stack.review.violations import told_in

__all__ = ["command"]

_ALIKE = 3
"""From this number on, components that differ only in name are shown as one."""


def _account(value: str) -> str:
    if not check(AccountId, value):
        raise typer.BadParameter("an account id must have exactly 12 digits")
    return value


Account = Annotated[
    str,
    typer.Option(
        callback=_account,
        metavar="ID",
        show_default=False,
        help="The account id of the embedded AWS, twelve digits. Default: the account that the stack file allows, or "
        "123456789012.",
    ),
]
"""The account of a rehearsal, as an option."""


class Engine(StrEnum):
    """What runs the program."""

    EMBEDDED = "embedded"
    """This process: no Pulumi CLI is needed."""
    PULUMI = "pulumi"
    """The real engine, by the `pulumi` on PATH."""


def command(
    stack: StackName = "dev",
    format_: Annotated[
        Format, typer.Option("--format", help="The output format; Markdown is for pull request comments.")
    ] = Format.TEXT,
    compare_with: Annotated[
        Path | None,
        typer.Option(
            "--compare", metavar="FILE", help="Show differences from this report, written earlier with --format json."
        ),
    ] = None,
    engine: Annotated[
        Engine,
        typer.Option(help="What runs the program: this process, or the `pulumi` on PATH (preview, up, up, destroy)."),
    ] = Engine.EMBEDDED,
    endpoint: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="With --engine pulumi: the URL of a moto server or similar, for the real AWS provider."
        ),
    ] = None,
    account: Account = "123456789012",
    preview: Annotated[
        bool,
        typer.Option("--preview", help="Create nothing: values that only AWS can provide are unknown to the program."),
    ] = False,
    config_secret: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="The value of an encrypted configuration key. Default: a placeholder."),
    ] = None,
    stack_reference: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=PATH", help="The source of a stack reference: a JSON file of outputs, or a project's folder."
        ),
    ] = None,
) -> None:
    """Run the whole program for a stack against an embedded AWS, and report.

    Needs no account, credentials, network or Pulumi CLI, and touches nothing real.
    """
    secrets, references = _pairs("--config-secret", config_secret), _pairs("--stack-reference", stack_reference)
    if engine is Engine.PULUMI:
        if preview or references:
            raise typer.BadParameter("--preview and --stack-reference cannot be used with --engine pulumi")
        if compare_with is not None or format_ is Format.MARKDOWN:
            raise typer.BadParameter("--engine pulumi only supports text and json, without --compare")
        with needing_extra():
            from ecr_stack.cli import engine as with_engine

        with_engine.command(stack, account=account, endpoint=endpoint, as_json=format_ is Format.JSON, secrets=secrets)
        return
    if endpoint is not None:
        raise typer.BadParameter("--endpoint requires --engine pulumi")
    from ecr_stack.cli import comparison
    from ecr_stack.rehearsal import rehearse
    from ecr_stack.review.compare import compare
    from ecr_stack.review.report import read_report
    from ecr_stack.review.retention_changes import retention_changes

    base = read_report(compare_with) if compare_with else {"resources": []}
    # a process that ends with the report need not collect garbage, which takes half the time of a large stack
    gc.disable()
    with ended_by_signals(), _Ticker(enabled=format_ is Format.TEXT) as ticker:
        report = rehearse(
            stack,
            account=account,
            progress=ticker.tick,
            preview=preview,
            secrets=secrets,
            stack_references=references,
        )
    gc.freeze()
    if compare_with is None and format_ is not Format.MARKDOWN:
        if format_ is Format.JSON:
            print_json(report.as_json())
        else:
            show(report, console())
    else:
        difference = compare(base, report.as_json(), source=str(compare_with))
        if format_ is Format.JSON:
            print_json(difference.as_json())
        elif format_ is Format.MARKDOWN:
            typer.echo(comparison.markdown(difference, report, retention_changes(base, report.as_json())))
        else:
            comparison.show(difference, console())
    if not report.passes:
        raise typer.Exit(1)


def _pairs(option: str, values: list[str] | None) -> dict[str, str]:
    """Parse `KEY=VALUE` options."""
    pairs = {}
    for value in values or []:
        key, sign, rest = value.partition("=")
        if not key or not sign:
            # the value may be a secret, so it is not repeated
            raise typer.BadParameter("write it as NAME=VALUE", param_hint=option)
        pairs[key] = rest
    return pairs


class _Ticker:
    """Shows the number of resources on standard error while the user waits."""

    def __init__(self, *, enabled: bool) -> None:
        terminal = console(stderr=True)
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            console=terminal,
            transient=True,
            disable=not (enabled and terminal.is_terminal),
        )
        self._task = self._progress.add_task("Reading the stack file")

    def __enter__(self) -> _Ticker:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def tick(self, resources: int) -> None:
        self._progress.update(self._task, description=f"{counted(resources, 'resource')} in the embedded AWS")


def show(report: Report, to: Console) -> None:
    """Write a report as text: the tree of components, the outputs, the problems, and a verdict."""
    to.print()
    to.print(
        f"[bold]{escape(report.project)}[/] stack [bold cyan]{escape(report.stack)}[/]"
        f"  [dim]account {report.account}, {report.region}, embedded AWS{', preview' if report.preview else ''}[/]"
    )
    to.print()
    _tree(report, to)
    to.print()
    _outputs(report, to)
    for arn in report.assumed:
        to.print(f"[dim]assumed to exist:[/] {escape(arn)}")
    for warning in report.warnings:
        to.print(f"[yellow]warning[/] {escape(warning)}")
    for each in report.unchecked:
        name = f" [bold]{escape(each.urn.rpartition('::')[2])}[/]" if each.urn else ""
        to.print(f"[yellow]not checked[/] {escape(each.type)}{name}: {escape(each.reason)}")
    _violations(report, to)
    made = [resource for resource in report.resources if resource.id is not None]
    unchecked = sum(bool(each.urn) for each in report.unchecked)
    facts = f"{counted(len(made), 'resource')}{f', {unchecked} not checked' if unchecked else ''}, "
    facts += f"{counted(sum(report.calls.values()), 'API call')}, {report.seconds:.1f} s"
    facts += ", no guardrails" if report.guardrails is None else ", with guardrails"
    if report.passes:
        to.print(f"[bold green]✓ This stack would deploy[/]  [dim]{facts}[/]")
    else:
        count = sum(violation.level == "mandatory" for violation in told_in(report))
        to.print(f"[bold red]✗ {counted(count, 'mandatory violation')}[/]  [dim]{facts}[/]")


@dataclass(frozen=True)
class _Node:
    """One line of the tree, with the lines below it."""

    kind: str
    name: str
    """The component's name; empty for a resource."""
    facts: str
    """The text, with `{name}` for the repository's name."""
    below: tuple[_Node, ...]
    physical: str = ""
    """The value of `{name}`."""

    @property
    def shape(self) -> tuple[Any, ...]:
        """What similar nodes have in common."""
        return self.kind, self.facts, tuple(node.shape for node in self.below)


@dataclass(frozen=True)
class _Tree:
    """The data for the lines of the tree."""

    children: Mapping[str | None, list[ResourceRecord]]
    scanning: Mapping[str, Mapping[str, str]]
    region: str

    def frequencies(self, resource: ResourceRecord) -> Mapping[str, str]:
        """When repositories in the resource's Region are scanned; empty if the stack does not configure it."""
        return self.scanning.get(str(resource.outputs.get("region") or self.region), {})


def _tree(report: Report, to: Console) -> None:
    children: dict[str | None, list[ResourceRecord]] = {}
    for resource in report.resources:
        children.setdefault(resource.parent, []).append(resource)
    tree = _Tree(children, report.scanning, report.region)
    for root in children.get(None, []):
        to.print(f"[bold]{escape(root.name)}[/]")
        _print_nodes([_node(child, tree, "") for child in _sorted(children.get(root.urn, []))], to, "")


def _sorted(resources: Sequence[ResourceRecord]) -> list[ResourceRecord]:
    return sorted(resources, key=lambda child: _ORDER.get(_kind(child), 9))


def _node(component: ResourceRecord, tree: _Tree, within: str) -> _Node:
    resource = _shown(component, tree.children)
    below = _sorted(tree.children.get(resource.urn, []))
    repository = next((each for each in (resource, *below) if each.type == "aws:ecr/repository:Repository"), None)
    physical = str(repository.outputs.get("name") or "") if repository is not None else within
    facts = _purpose(resource, tree.frequencies(resource))
    if physical:
        facts = re.sub(rf"(?<![\w.-]){re.escape(physical)}(?![\w-])", "{name}", facts)
    protected = resource.options.get("protect") and resource.id is not None
    return _Node(
        _kind(resource),
        component.name if component.id is None or not facts else "",
        f"{'protected; ' if protected else ''}{facts}".removesuffix("; "),
        tuple(_node(each, tree, physical) for each in below),
        physical if repository is not None else within,
    )


def _print_nodes(nodes: Sequence[_Node], to: Console, indent: str) -> None:
    groups: dict[Any, list[_Node]] = {}
    for index, node in enumerate(nodes):
        # components are similar if only their names differ; texts of consecutive resources are listed
        shape = node.shape if node.name and node.physical else node.kind if node.kind in _LISTED else index
        groups.setdefault(shape, []).append(node)
    lines: list[list[_Node]] = []
    for group in groups.values():
        lines += [group] if len(group) >= _ALIKE else [[node] for node in group]
    for position, group in enumerate(lines):
        last = position == len(lines) - 1
        node, alike = group[0], len(group) > 1
        if alike and node.kind in _LISTED:
            title = f"[green]{node.kind}[/] [bold]× {len(group)}[/]"
            _print_line(to, indent, last, title, ", ".join(each.facts for each in group))
            continue
        physical = "{name}" if alike else node.physical
        title = f"[{'cyan' if node.name else 'green'}]{node.kind}[/]"
        title += f" [bold]× {len(group)}[/]" if alike else f" [bold]{escape(node.name)}[/]" if node.name else ""
        _print_line(to, indent, last, title, _filled(node.facts, physical))
        deeper = indent + ("    " if last else "│   ")
        below = [_with_name(each, physical) for each in node.below] if alike else list(node.below)
        if alike:
            names = ", ".join(each.physical for each in group)
            _print_line(to, deeper, not below, "{name}", names)
        _print_nodes(below, to, deeper)


def _with_name(node: _Node, physical: str) -> _Node:
    below = tuple(_with_name(each, physical) for each in node.below)
    return replace(node, facts=_filled(node.facts, physical), below=below, physical=physical)


def _filled(facts: str, physical: str) -> str:
    return facts.replace("{name}", physical)


def _print_line(to: Console, indent: str, last: bool, title: str, facts: str) -> None:
    guide = f"[dim]{indent}{'└── ' if last else '├── '}[/]"
    to.print(f"{guide}{title}{f'  [dim]{escape(facts)}[/]' if facts else ''}")


def _shown(component: ResourceRecord, children: Mapping[str | None, list[ResourceRecord]]) -> ResourceRecord:
    """A component with a single resource is shown as that resource."""
    only = children.get(component.urn, [])
    if component.id is None and len(only) == 1 and only[0].id is not None:
        return only[0]
    return component


_LISTED = ("EventRule", "EventTarget", "TopicSubscription")
"""Resource types of which several in a component share a line."""
_ORDER = {"EncryptionKey": 0, "Repository": 1, "RegistryScanning": 2, "CreationTemplate": 3, "Replication": 4}


def _kind(resource: ResourceRecord) -> str:
    return resource.type.split(":")[-1]


def _purpose(resource: ResourceRecord, frequencies: Mapping[str, str]) -> str:
    """Describe a resource's purpose in one line, from AWS's response and the scan frequencies in its Region."""
    out: Mapping[str, Any] = resource.outputs
    match resource.type:
        case "aws:kms/key:Key":
            rotation = "rotated every year" if out.get("enableKeyRotation") else "NOT rotated"
            purpose = out.get("description") or "a KMS key"
            return f"{purpose}; {rotation}; {_deletion(out.get('deletionWindowInDays') or 30)}"
        case "aws:kms/alias:Alias":
            return f"{out.get('name')}"
        case "aws:ecr/repository:Repository":
            return f"{out.get('repositoryUrl')}; {_tags(out)}; {_scan(out, frequencies)}"
        case "aws:ecr/lifecyclePolicy:LifecyclePolicy":
            return _rules(out.get("policy"))
        case "aws:ecr/repositoryPolicy:RepositoryPolicy":
            return _statements(out.get("policy"))
        case "aws:ecr/replicationConfiguration:ReplicationConfiguration":
            return _replication(out)
        case "aws:ecr/registryScanningConfiguration:RegistryScanningConfiguration":
            return f"{str(out.get('scanType')).lower()} scanning; {_frequencies(frequencies)}"
        case "aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate":
            uses = " and ".join(_MADE_FOR.get(use, use) for use in _entries(out.get("appliedFors")))
            return f"{uses} under {out.get('prefix')} in {out.get('region')}: {_tags(out)}"
        case "aws:ecr/pullThroughCacheRule:PullThroughCacheRule":
            return f"{out.get('ecrRepositoryPrefix')}/ → {out.get('upstreamRegistryUrl')}"
        case "aws:budgets/budget:Budget":
            return f"{_amount(out.get('limitAmount'))} {out.get('limitUnit')} a month for ECR, {_alerts(out)}"
        case "aws:cloudcontrol/resource:Resource":
            return _signing(out) or str(out.get("typeName") or "")
        case "aws:ecr/accountSetting:AccountSetting":
            return f"{out.get('name')} = {out.get('value')}"
        case "aws:ecr/pullTimeUpdateExclusion:PullTimeUpdateExclusion":
            return f"pulls by {out.get('principalArn')} are not recorded"
        case "aws:inspector2/enabler:Enabler":
            return (
                f"Amazon Inspector scans {', '.join(_entries(out.get('resourceTypes')))} in this account, nothing else"
            )
        case "aws:cloudwatch/eventRule:EventRule" | "aws:sns/topic:Topic" | "aws:sqs/queue:Queue":
            return str(out.get("name") or "")
        case "aws:cloudwatch/eventTarget:EventTarget":
            return str(out.get("rule") or "")
        case "aws:sns/topicSubscription:TopicSubscription":
            return str(out.get("endpoint") or "")
        case "aws:chatbot/slackChannelConfiguration:SlackChannelConfiguration":
            topics = out.get("snsTopicArns") or []
            told = counted(len(topics), "topic") if isinstance(topics, list) else f"topics {topics}"
            return f"{told} → channel {out.get('slackChannelId')}"
        case (
            "aws:ecr/registryPolicy:RegistryPolicy"
            | "aws:ecrpublic/repositoryPolicy:RepositoryPolicy"
            | "aws:sns/topicPolicy:TopicPolicy"
            | "aws:sqs/queuePolicy:QueuePolicy"
        ):
            return _statements(out.get("policy"))
        case "aws:ecrpublic/repository:Repository":
            return str(out.get("repositoryUri") or "")
        case "aws:secretsmanager/secret:Secret":
            return str(out.get("name") or "")
        case "pulumi:index:Stash" if resource.name.endswith("-lifecycle-guard"):
            return f"lifecycle guard: {_limits(out.get('input'))}"
        case "pulumi:index:Stash":
            return "a value that is kept in the stack's state"
        case "command:local:Command":
            said = str(out.get("stdout") or "")
            return said.splitlines()[-1] if said else "runs a command"
        case "aws:iam/role:Role":
            return str(out.get("description") or out.get("name"))
        case "aws:iam/rolePolicy:RolePolicy":
            return f"permissions of the role {out.get('role')}"
        case "aws:iam/rolePolicyAttachment:RolePolicyAttachment":
            return f"{str(out.get('policyArn')).rsplit('/', 1)[-1]} for {out.get('role')}"
    return ""


def _limits(record: object) -> str:
    """What the record of a lifecycle guard allows."""
    limits = record.get("limits") if isinstance(record, Mapping) else None
    told = limits if isinstance(limits, Mapping) else {}
    return ", ".join(f"{key} {value}" for key, value in told.items() if key != "roleArn") or "limits not known yet"


def _tags(out: Mapping[str, Any]) -> str:
    words = str(out.get("imageTagMutability", "")).split("_")[0].lower() + " tags"
    exclusions = [_named(item, "filter") for item in _entries(out.get("imageTagMutabilityExclusionFilters"))]
    return f"{words} except {', '.join(exclusions)}" if exclusions else words


_FREQUENCIES = {
    "CONTINUOUS_SCAN": "scanned continuously",
    "SCAN_ON_PUSH": "scanned on push",
    "MANUAL": "scanned only on request",
    "OFF": "never scanned",
}


def _scan(out: Mapping[str, Any], frequencies: Mapping[str, str]) -> str:
    """When a repository's images are scanned: by the registry's configuration, or else by the repository's own flag."""
    effective = frequencies.get(str(out.get("name")))
    if effective is not None:
        return _FREQUENCIES[effective]
    flag = out.get("imageScanningConfiguration") or {}
    if not isinstance(flag, Mapping):
        return f"scanned on push {flag}"
    return "scanned on push" if flag.get("scanOnPush") else "not scanned on push"


def _frequencies(frequencies: Mapping[str, str]) -> str:
    """The number of repositories per scan frequency, with a few names."""
    parts = []
    for frequency, words in _FREQUENCIES.items():
        names = [name for name, each in frequencies.items() if each == frequency]
        if names:
            parts.append(f"{words}: {', '.join(names) if len(names) <= _ALIKE else counted(len(names), 'repository')}")
    return "; ".join(parts) or "no repository"


def _document(text: object) -> Mapping[str, Any]:
    """Parse a document, or return nothing if it is secret or unknown."""
    try:
        document = json.loads(str(text))
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _rules(policy: object) -> str:
    rules = _document(policy).get("rules", [])
    return "; ".join(dict.fromkeys(rule.get("description") or _in_words(rule) for rule in rules))


def _in_words(rule: Mapping[str, Any]) -> str:
    """A rule without a description, e.g. `images tagged v*: expires all but the last 10`."""
    try:
        native = native_rule(rule)
    except (KeyError, TypeError, ValueError):
        return "a rule"
    return f"{native.selector}: {native.limit}"


def _statements(policy: object) -> str:
    statements = _document(policy).get("Statement", [])
    listed = statements if isinstance(statements, list) else [statements]
    return ", ".join(str(statement.get("Sid", statement.get("Effect"))) for statement in listed)


def _signing(out: Mapping[str, Any]) -> str:
    """What is signed, if the resource is a known signing configuration."""
    state = out.get("desiredState")
    if out.get("typeName") != SIGNING_CONFIGURATION or not isinstance(state, str) or not state.startswith("{"):
        return ""
    parts = []
    for rule in json.loads(state)["Rules"]:
        filters = ", ".join(each["Filter"] for each in rule.get("RepositoryFilters") or ())
        parts.append(f"{filters or 'everything'} with {rule['SigningProfileArn'].rpartition('/')[2]}")
    return f"signs {'; '.join(parts)}"


def _amount(text: object) -> str:
    """An amount as people write it, e.g. `120` or `49.90`; AWS writes `120.0`."""
    try:
        return f"{float(str(text)):,.2f}".removesuffix(".00")
    except ValueError:
        return str(text)


def _alerts(out: Mapping[str, Any]) -> str:
    alerts = out.get("notifications")
    if not isinstance(alerts, list):
        return "without alerts" if alerts is None else "alerts unknown"
    told = [
        f"{each['threshold']:g}%{' forecast' if each['notificationType'] == 'FORECASTED' else ''}"
        for each in alerts
        if isinstance(each, Mapping) and isinstance(each.get("threshold"), (int, float))
    ]
    return f"alerts at {', '.join(told)}"


def _replication(out: Mapping[str, Any]) -> str:
    parts = []
    configuration = out.get("replicationConfiguration") or {}
    for rule in _entries(configuration.get("rules") if isinstance(configuration, Mapping) else configuration):
        if not isinstance(rule, Mapping):
            parts.append(str(rule))
            continue
        where = ", ".join(_named(item, "region") for item in _entries(rule.get("destinations")))
        filters = [f"{_named(item, 'filter')}*" for item in _entries(rule.get("repositoryFilters"))]
        parts.append(f"{', '.join(filters) or 'everything'} → {where}")
    return "; ".join(parts)


def _entries(value: Any) -> list[Any]:
    """The entries of a list; in a preview, a list that is not known yet is a text in its place."""
    return value if isinstance(value, list) else [value] if value else []


def _named(item: Any, key: str) -> str:
    return str(item.get(key) if isinstance(item, Mapping) else item)


def _deletion(days: Any) -> str:
    """How long a deleted key can be restored."""
    return f"{days}-day deletion window"


_MADE_FOR = {
    "REPLICATION": "replicas",
    "PULL_THROUGH_CACHE": "cached repositories",
    "CREATE_ON_PUSH": "repositories created on push",
}


def _outputs(report: Report, to: Console) -> None:
    if not report.outputs:
        return
    to.print("[bold]Outputs[/]")
    rows = []
    for name, value in report.outputs.items():
        label = f"[cyan]{escape(name)}[/]"
        if isinstance(value, Mapping) and value:
            for position, (key, item) in enumerate(sorted(value.items())):
                if isinstance(item, Mapping) and item:
                    rows.append(["" if position else label, f"{escape(str(key))}:"])
                    rows += [
                        ["", f"  {escape(str(inner))}: {escape(_text(each))}"] for inner, each in sorted(item.items())
                    ]
                else:
                    rows.append(["" if position else label, f"{escape(str(key))}: {escape(_text(item))}"])
        elif isinstance(value, list) and value:
            rows += [["" if position else label, escape(_text(item))] for position, item in enumerate(value)]
        elif value is not None:
            rows.append([label, "none" if value in ([], {}) else escape(_text(value))])
    aligned(to, rows)
    to.print()


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return "; ".join(f"{key}: {_text(item)}" for key, item in sorted(value.items()))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _violations(report: Report, to: Console) -> None:
    for violation in told_in(report):
        colour = "red" if violation.level == "mandatory" else "yellow"
        to.print(f"[{colour}]{violation.level}[/] [bold]{escape(violation.policy)}[/] on {escape(violation.where)}")
        to.print(f"  {escape(violation.message)}")
    if report.violations:
        to.print()
