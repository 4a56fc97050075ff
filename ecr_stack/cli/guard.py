"""`ecr-stack lifecycle guard`: the check before each lifecycle policy change of a stack."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Annotated

import typer

from ecr_stack.errors import NotFound

__all__ = ["command"]


def command(
    repository: Annotated[
        str, typer.Option(metavar="NAME", envvar="ECR_STACK_REPOSITORY", help="The repository's name.")
    ],
    region: Annotated[
        str | None, typer.Option(metavar="REGION", envvar="ECR_STACK_REGION", help="The repository's Region.")
    ] = None,
    max_expire: Annotated[
        int | None,
        typer.Option(metavar="N", envvar="ECR_STACK_MAX_EXPIRE", min=0, help="The maximum number of images to expire."),
    ] = None,
    max_expire_percent: Annotated[
        int | None,
        typer.Option(
            metavar="N", envvar="ECR_STACK_MAX_EXPIRE_PERCENT", min=0, max=100, help="The maximum percentage to expire."
        ),
    ] = None,
    max_archive: Annotated[
        int | None,
        typer.Option(
            metavar="N", envvar="ECR_STACK_MAX_ARCHIVE", min=0, help="The maximum number of images to archive."
        ),
    ] = None,
    max_archive_percent: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            envvar="ECR_STACK_MAX_ARCHIVE_PERCENT",
            min=0,
            max=100,
            help="The maximum percentage to archive.",
        ),
    ] = None,
    protect_pulled_within_days: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            envvar="ECR_STACK_PROTECT_PULLED_WITHIN_DAYS",
            min=0,
            help="Remove no image that was pulled within this many days.",
        ),
    ] = None,
    reason: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT", envvar="ECR_STACK_REASON", help="The reason why these limits differ from the registry's."
        ),
    ] = None,
) -> None:
    """Ask ECR which images the lifecycle document on standard input would remove, and fail if a limit is exceeded.

    A stack with `lifecycleGuard` does this automatically before it changes a lifecycle policy.
    """
    document = sys.stdin.read()
    if not document.strip():
        raise NotFound("no lifecycle document on standard input")

    from ecr_stack.operations.ecr import client
    from ecr_stack.operations.guard import Limits, guard, report

    limits = Limits(
        max_expire, max_expire_percent, max_archive, max_archive_percent, protect_pulled_within_days, reason
    )
    verdict = guard(client(region), repository, document, limits, datetime.now(UTC))
    typer.echo(report(verdict), err=bool(verdict.exceeded))
    if verdict.exceeded:
        raise typer.Exit(1)
