"""`ecr-stack local`: a local AWS account with registries to push to."""

from __future__ import annotations

import json
import signal
import sys
import threading
import urllib.request
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from ecr_stack.cli import Format
from ecr_stack.cli.measures import moment, short
from ecr_stack.cli.rehearse import Account
from ecr_stack.cli.stacks import stack_option
from ecr_stack.errors import InvalidInput, Problem, Unavailable, counted
from ecr_stack.project.stack_file import read_project, read_stack

__all__ = ["app"]

app = typer.Typer(help="Run a local AWS account with registries to push to.")

_REGION = "us-east-1"


@app.callback(invoke_without_command=True)
def serve(
    context: typer.Context,
    stack: Annotated[str | None, stack_option("Deploy this stack into the account first. Default: none.")] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Keep the account in this folder and continue from it. Default: the account is discarded.",
        ),
    ] = None,
    port: Annotated[
        int, typer.Option(metavar="N", min=0, max=65535, help="The port of AWS's API. Default: any free port.")
    ] = 0,
    region: Annotated[
        str | None,
        typer.Option(
            metavar="REGION",
            envvar=["AWS_REGION", "AWS_DEFAULT_REGION"],
            help="The Region, if the stack sets none. Default: us-east-1.",
        ),
    ] = None,
    account: Account = "123456789012",
    upstream: Annotated[
        list[str] | None,
        typer.Option(
            metavar="REGISTRY=URL",
            help="A URL to use in place of a pull-through cache's upstream, e.g. quay.io=http://127.0.0.1:5000. "
            "Repeatable.",
        ),
    ] = None,
    format_: Annotated[Format, typer.Option("--format", help="The output format; JSON is one line.")] = Format.TEXT,
) -> None:
    """Run a local AWS account until interrupted: AWS's API, and a registry for each Region."""
    if context.invoked_subcommand is not None:
        return
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    from ecr_stack.local.server import local_aws
    from ecr_stack.rehearsal.engine.server import serving

    with ExitStack() as held:
        if stack is not None:
            account, region = _of_stack(stack, account, region)
        here = _checked(region or _REGION)
        local = held.enter_context(local_aws(account, here, data=data, port=port))
        for registry, url in _upstreams(upstream or []).items():
            local.aws.use_upstream(registry, url)
        if stack is not None and local.is_new:
            _deploy(stack, local.aws)
        attached = held.enter_context(serving(local.aws))
        local.save()
        description = {**local.description(), "debugProviders": attached["PULUMI_DEBUG_PROVIDERS"]}
        if format_ is Format.JSON:
            typer.echo(json.dumps(description))
        else:
            _welcome(description, stack, data, is_new=local.is_new)
        sys.stdout.flush()
        while not stopped.wait(1):
            local.save(always=False)


def _upstreams(written: list[str]) -> dict[str, str]:
    """Read the options `--upstream`: registry → URL."""
    read = {}
    for text in written:
        registry, _, url = text.partition("=")
        if not registry or not url.startswith(("http://", "https://")):
            rule = "must be a registry, `=` and a URL"
            problem = Problem("--upstream", text, rule, "write quay.io=http://127.0.0.1:5000, for example")
            raise InvalidInput("the command line", [problem])
        read[registry] = url
    return read


def _checked(region: str) -> str:
    from botocore.exceptions import EndpointConnectionError

    from ecr_stack.embedded_aws.api_model import check_region

    try:
        check_region(region)
    except EndpointConnectionError:
        problem = Problem("--region", region, "must be an AWS Region with ECR", "write us-east-1, for example")
        raise InvalidInput("the command line", [problem]) from None
    return region


def _of_stack(stack: str, account: str, region: str | None) -> tuple[str, str | None]:
    """Return the account and the Region of a stack: its commands work only in an account that its file allows."""
    from ecr_stack.rehearsal.program import played_account

    file = read_stack(read_project(Path.cwd()), stack)
    return played_account(file, file.config, account), file.config.get("aws:region") or region


def _deploy(stack: str, aws: Any) -> None:
    from ecr_stack.rehearsal import rehearse
    from ecr_stack.review.violations import told_in

    report = rehearse(stack, account=aws.account, aws=aws)
    for violation in told_in(report):
        typer.echo(f"{violation.level}: {violation.policy} on {violation.where}: {violation.message}", err=True)


def _welcome(description: dict[str, Any], stack: str | None, data: Path | None, *, is_new: bool) -> None:
    console = Console(emoji=False, soft_wrap=True, highlight=False)
    region, registries = description["region"], description["registries"]
    host = registries[region]
    if not is_new:
        holds = f"restored from {escape(str(data))}"
    else:
        holds = f"with stack [bold cyan]{escape(stack)}[/]" if stack else "empty"
        holds += f", kept in {escape(str(data))}" if data is not None else ""
    console.print(f"[bold]AWS account {description['account']}[/] on this machine, {holds}\n")
    console.print(f"  AWS's API     {description['endpoint']}")
    for name, served in registries.items():
        console.print(f"  {name:<13} {served}")
    console.print(
        "\n[bold]Log in and push[/], in another terminal\n\n"
        f"  export AWS_ENDPOINT_URL={description['endpoint']} \\\n"
        f"         AWS_REGION={region} AWS_DEFAULT_REGION={region} \\\n"
        "         AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local\n"
        f"  aws ecr get-login-password | docker login --username AWS --password-stdin {host}\n"
        f"  docker push {host}/REPOSITORY:TAG\n\n"
        "  crane and oras work in the same way; podman, buildah and skopeo need --tls-verify=false.\n\n"
        "[bold]Deploy a program[/] with the Pulumi engine, without plugins\n\n"
        f"  export PULUMI_DEBUG_PROVIDERS={description['debugProviders']}\n\n"
        "[dim]Ctrl-C stops it.[/]"
    )


@app.command()
def lifecycle(
    at: Annotated[
        str | None, typer.Option(metavar="TIME", help="The time, in ISO 8601, e.g. 2027-01-31T00:00:00Z. Default: now.")
    ] = None,
    endpoint: Annotated[
        str, typer.Option(metavar="URL", envvar="AWS_ENDPOINT_URL", help="The `endpoint` printed by `ecr-stack local`.")
    ] = "",
    format_: Annotated[Format, typer.Option("--format", help="For people, or for scripts.")] = Format.TEXT,
) -> None:
    """Run the lifecycle policies in a running `ecr-stack local` as of a given time, and list the removed images."""
    answer = _run_lifecycle(endpoint, moment(at))
    if format_ is Format.JSON:
        typer.echo(json.dumps(answer, indent=2))
        return
    console = Console(emoji=False, soft_wrap=True, highlight=False)
    words = {"expire": "[red]expired [/]", "archive": "[yellow]archived[/]"}
    for action in answer["actions"]:
        tags = escape(", ".join(action["imageTags"])) or "[dim]untagged[/]"
        where = f"{action['region']} {escape(action['repository'])} {short(action['imageDigest'])}"
        console.print(f"{words[action['outcome']]} {where}  {tags}  [dim]rule {action['rulePriority']}[/]")
    count = len(answer["actions"])
    console.print(f"[bold]{counted(count, 'image')}[/] at {answer['at']}")


def _run_lifecycle(endpoint: str, at: datetime) -> dict[str, Any]:
    from ecr_stack.local.server import LIFECYCLE_PATH

    if not endpoint.startswith(("http://", "https://")):
        remedy = "use the `endpoint` printed by `ecr-stack local`, or set AWS_ENDPOINT_URL to it"
        raise InvalidInput("the command line", [Problem("--endpoint", endpoint or None, "must be a URL", remedy)])
    body = json.dumps({"at": at.isoformat()}).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(endpoint.rstrip("/") + LIFECYCLE_PATH, body, headers)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=300) as answered:
            return dict(json.load(answered))
    except (OSError, ValueError) as error:
        raise Unavailable(f"no `ecr-stack local` responds at {endpoint}: {error}") from None
