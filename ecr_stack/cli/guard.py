"""`ecr-stack lifecycle guard`: what stands in front of each lifecycle policy of a stack."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from ecr_stack.errors import NotFound

__all__ = ["command"]

_SHOWN = 20


def command(
    repository: Annotated[str, typer.Option(envvar="ECR_STACK_REPOSITORY", help="The repository's name.")],
    region: Annotated[str | None, typer.Option(envvar="ECR_STACK_REGION", help="The repository's Region.")] = None,
    max_expire: Annotated[
        int | None, typer.Option(envvar="ECR_STACK_MAX_EXPIRE", min=0, help="At most so many images may go.")
    ] = None,
    max_expire_percent: Annotated[
        int | None, typer.Option(envvar="ECR_STACK_MAX_EXPIRE_PERCENT", min=0, max=100, help="At most so many percent.")
    ] = None,
    protect_pulled_within_days: Annotated[
        int | None,
        typer.Option(envvar="ECR_STACK_PROTECT_PULLED_WITHIN_DAYS", min=0, help="No image pulled within so many days."),
    ] = None,
    reason: Annotated[
        str | None, typer.Option(envvar="ECR_STACK_REASON", help="Why these limits differ from the registry's.")
    ] = None,
) -> None:
    """Ask ECR which images the lifecycle document on standard input would remove, and fail where a limit is passed.

    A stack with `lifecycleGuard` runs this by itself before it changes a lifecycle policy.
    """
    document = sys.stdin.read()
    if not document.strip():
        raise NotFound("no lifecycle document on standard input")

    from ecr_stack.operations.ecr import client
    from ecr_stack.operations.guard import Limits, guard

    limits = Limits(max_expire, max_expire_percent, protect_pulled_within_days, reason)
    verdict = guard(client(region), repository, document, limits, datetime.now(UTC))
    _say(verdict)
    if verdict.passed:
        raise typer.Exit(1)


def _say(verdict: Any) -> None:
    """Write the verdict as plain text: Pulumi shows it in the midst of its own."""
    if verdict.reason:
        typer.echo(f"{verdict.repository}: the registry's limits are overridden: {verdict.reason}")
    if not verdict.images:
        typer.echo(f"{verdict.repository}: no images, so none can be lost")
        return
    count = len(verdict.losses)
    typer.echo(f"{verdict.repository}: {count} of {verdict.images} images would be removed")
    if not verdict.passed:
        return
    error = "\n".join(
        [
            f"{verdict.repository}: the lifecycle change is stopped; nothing was changed",
            *(f"  {limit}" for limit in verdict.passed),
            "Those that were pulled most recently:",
            *(f"  {_image(loss)}" for loss in verdict.losses[:_SHOWN]),
            *([f"  … and {count - _SHOWN} more"] if count > _SHOWN else []),
            "If they shall go, say so in the stack file, with the reason:",
            "  ecr-stack:lifecycleGuard:",
            "    overrides:",
            f"      {verdict.repository}: {{maxExpire: {count}, maxExpirePercent: 100, reason: …}}",
        ]
    )
    typer.echo(error, err=True)


def _image(loss: Any) -> str:
    name = ", ".join(loss.tags) or "untagged"
    pulled = f"pulled {loss.pulled:%Y-%m-%d}" if loss.pulled else "no pull recorded"
    return f"{loss.digest[:19]}… {name}; {pulled}; rule {loss.rule}"
