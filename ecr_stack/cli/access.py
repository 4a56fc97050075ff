"""`ecr-stack access`: who can do what on which repository, according to the policies of a stack."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.text import Text

from ecr_stack.aws.iam.actions import PULL, PUSH, REPOSITORY_ACTIONS
from ecr_stack.aws.iam.evaluation import Answer, Principal, Verdict
from ecr_stack.aws.iam.matrix import Cell, PolicedRepository, PolicyInventory, matrix
from ecr_stack.cli import Format
from ecr_stack.cli.rehearse import Account
from ecr_stack.cli.stacks import StackName
from ecr_stack.errors import InvalidInput, NotFound, Problem
from ecr_stack.model import nearest
from ecr_stack.rehearsal.policy_inventory import policy_inventory

__all__ = ["command"]

_NOT_LOOKED_AT = (
    "policies made elsewhere",
    "service control policies",
    "resource control policies",
    "session policies",
    "VPC endpoint policies",
)
_SETS = {"pull": PULL, "push": PUSH}


def command(
    stack: StackName = "dev",
    principal: Annotated[
        str | None,
        typer.Option(
            "--principal",
            "-p",
            metavar="PRINCIPAL",
            help="Only this principal: an ARN, role/NAME in this account, an account id, a service or an organization.",
        ),
    ] = None,
    action: Annotated[
        str | None,
        typer.Option(
            "--action", "-a", metavar="ACTION", help="Only this action: pull, push, or an action such as ecr:PutImage."
        ),
    ] = None,
    repository: Annotated[
        str | None, typer.Option("--repository", "-r", metavar="NAME", help="Only this repository.")
    ] = None,
    format_: Annotated[Format, typer.Option("--format", help="The output format.")] = Format.TEXT,
    account: Account = "123456789012",
) -> None:
    """Report who can do what on each repository in a stack.

    The answers come from the policies that the stack produces: those of its repositories, their replicas in other Regions,
    the registry, and the roles and users that it creates. With --principal and --action, exit code 1 if no repository
    allows it.
    """
    from ecr_stack.rehearsal import rehearse

    wanted = _actions(action)
    report = rehearse(stack, account=account)
    inventory = policy_inventory(report)
    if repository is not None:
        _only(inventory, repository, stack)
    chosen = [_principal(principal, inventory)] if principal is not None else inventory.principals()
    cells = matrix(inventory, chosen, wanted or inventory.actions())
    if principal is None:
        busy = {cell.principal.name for cell in cells if cell.anything}
        cells = [cell for cell in cells if cell.principal.name in busy]
    if format_ is Format.JSON:
        typer.echo(json.dumps(_as_json(stack, inventory, cells), indent=2))
    else:
        # the table omits repositories without access, unless they were asked for
        _show(stack, inventory, [cell for cell in cells if principal or cell.anything], action, Console(emoji=False))
    if principal and action and not any(_possible(cell, action) for cell in cells):
        raise typer.Exit(1)


def _principal(name: str, inventory: PolicyInventory) -> Principal:
    try:
        return Principal.of(name, inventory.account, inventory.partition)
    except ValueError:
        raise InvalidInput(
            "ecr-stack access",
            [
                Problem(
                    "--principal", name, "a principal must be a role, user, account, service or organization",
                    "write `role/NAME`, an ARN, twelve digits, `lambda.amazonaws.com` or `o-…`",
                )
            ],
        ) from None  # fmt: skip


def _actions(name: str | None) -> list[str]:
    if name is None:
        return []
    if name in _SETS:
        return list(_SETS[name])
    if name in REPOSITORY_ACTIONS:
        return [name]
    known = sorted({*_SETS, *REPOSITORY_ACTIONS})
    guess = nearest(name, known) or nearest(f"ecr:{name}", known)
    raise InvalidInput(
        "ecr-stack access",
        [
            Problem(
                "--action", name, "there is no repository action with this name",
                f"write `{guess}`" if guess else "write `pull`, `push` or an action such as `ecr:PutImage`",
            )
        ],
    )  # fmt: skip


def _only(inventory: PolicyInventory, repository: str, stack: str) -> None:
    names = sorted({found.name for found in inventory.repositories})
    if repository not in names:
        guess = nearest(repository, names)
        hint = f"did you mean {guess}? " if guess else ""
        raise NotFound(f"no repository `{repository}` in stack {stack}: {hint}the repositories are {', '.join(names)}")
    inventory.repositories = [found for found in inventory.repositories if found.name == repository]


def _possible(cell: Cell, action: str) -> bool:
    answer = cell.ability(action)
    return answer is not None and answer.verdict in (Verdict.ALLOWED, Verdict.CONDITIONAL)


def _as_json(stack: str, inventory: PolicyInventory, cells: Iterable[Cell]) -> dict[str, Any]:
    principals: dict[str, dict[str, Any]] = {}
    for cell in cells:
        entry = principals.setdefault(
            cell.principal.name,
            {"principal": cell.principal.name, "kind": cell.principal.kind.value, "repositories": []},
        )
        entry["repositories"].append(cell.as_json())
    return {
        "stack": stack,
        "account": inventory.account,
        "principals": list(principals.values()),
        "unresolved": inventory.unresolved(),
        "notLookedAt": list(_NOT_LOOKED_AT),
    }


def _show(stack: str, inventory: PolicyInventory, cells: list[Cell], action: str | None, console: Console) -> None:
    columns = [action] if action else ["pull", "push"]
    also = not action and any(_also(cell) for cell in cells)
    # repositories with the same results share a row
    rows: dict[tuple[str, ...], list[PolicedRepository]] = {}
    for cell in cells:
        said = [_said(cell.ability(column)) for column in columns]
        if also:
            said.append(_also(cell))
        rows.setdefault((cell.principal.name, *said), []).append(cell.repository)
    head = ["principal", "repositories", *columns, *(["also"] if also else [])]
    lines = [
        [escape(_short(name, inventory)), escape(_listed(repositories, inventory)), *said]
        for (name, *said), repositories in rows.items()
    ]
    unresolved = inventory.unresolved()
    if not console.is_terminal:
        # one line per row, without wrapping, for grep and cut
        for line in [head, *lines, *([["(not known)", escape(", ".join(unresolved))]] if unresolved else [])]:
            typer.echo("\t".join(Text.from_markup(cell, emoji=False).plain.replace("\n", "; ") for cell in line))
        return
    console.print(f"[bold]Access to the repositories of {escape(stack)}[/]", highlight=False)
    console.print()
    if not lines:
        console.print(f"No policy in stack {escape(stack)} grants any access.", highlight=False)
    for above, (name, where, *said) in zip([head, *lines], lines, strict=False):
        if above[0] != name:
            console.print(f"[bold]{name}[/]", highlight=False, soft_wrap=True)
        told = [f"{column} {text}" for column, text in zip(columns, said, strict=False) if text not in ("", _NO)]
        told += [line.replace(": ", " ", 1) for cell in said[len(columns) :] for line in cell.splitlines()]
        answer = ", ".join(told) or _NO
        console.print(f"  {where.replace(chr(10), '; ')}: {answer}", highlight=False, soft_wrap=True)
    console.print()
    console.print(
        "[dim]With own policy: the principal also needs a policy of its own that allows this; this stack has none. "
        "To log in, every principal needs ecr:GetAuthorizationToken in its own policy. "
        "By Region: the replicas there, with their own policy or that of the template from which ECR makes them. "
        f"Not looked at: {', '.join(_NOT_LOOKED_AT)}; what they deny is denied.[/dim]"
    )
    if unresolved:
        console.print(f"Principals in policies that cannot be resolved: {escape(', '.join(unresolved))}")


def _listed(repositories: list[PolicedRepository], inventory: PolicyInventory) -> str:
    """Repositories by name; replicas on a separate line per Region."""
    found: dict[str, list[str]] = {}
    for repository in repositories:
        found.setdefault(repository.region if repository.replica else "", []).append(repository.name)
    originals = sum(not one.replica for one in inventory.repositories)
    lines = []
    for region, names in sorted(found.items()):
        text = f"all {len(names)}" if len(names) == originals > 1 else ", ".join(names)
        lines.append(f"{region}: {text}" if region else text)
    return "\n".join(lines)


def _short(name: str, inventory: PolicyInventory) -> str:
    """A principal as a stack file would name it."""
    arn = re.fullmatch(r"arn:[a-z-]+:iam::([0-9]{12}):(.+)", name)
    if arn is None:
        return name
    if arn[2] == "root":
        return f"account {arn[1]}"
    return arn[2] if arn[1] == inventory.account else f"{arn[2]} of {arn[1]}"


_NO = "[dim]no[/dim]"


def _said(answer: Answer | None) -> str:
    if answer is None:
        return ""
    match answer.verdict:
        case Verdict.ALLOWED:
            return "[green]yes[/green]"
        case Verdict.DENIED:
            return "[red]denied[/red]"
        case Verdict.NOT_ALLOWED:
            return _NO
    ways = " or ".join(answer.conditions)
    words = [word for word in ("own policy" if answer.needs_own_policy else "", ways) if word]
    said = [f"with {' and '.join(words)}"] if words else ["yes"]
    said += [f"unless {text}" for text in answer.unless]
    return f"[yellow]{escape(', '.join(said))}[/yellow]"


def _also(cell: Cell) -> str:
    """The actions other than those of a pull and a push."""
    return "\n".join(
        f"{escape(action.removeprefix('ecr:'))}: {_said(answer)}"
        for action, answer in cell.answers.items()
        if action not in {*PULL, *PUSH} and answer.verdict is not Verdict.NOT_ALLOWED
    )
