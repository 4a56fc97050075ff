"""Previews of lifecycle policies: what a policy would do to the images of a repository, now."""

from __future__ import annotations

from typing import Any

from ecr_stack.rehearsal.aws.request import Request

__all__ = ["get_preview", "start_preview"]


def start_preview(request: Request) -> dict[str, Any]:
    """Answer `StartLifecyclePolicyPreview`."""
    raise NotImplementedError


def get_preview(request: Request) -> dict[str, Any]:
    """Answer `GetLifecyclePolicyPreview`."""
    raise NotImplementedError
