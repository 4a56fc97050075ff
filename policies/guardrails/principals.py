"""Who a statement lets in, as ecr-stack's one reader of policies answers it."""

from __future__ import annotations

from ecr_stack.aws.iam.reader import accounts, bound, parties, public, unbound_services

__all__ = ["accounts", "bound", "parties", "public", "unbound_services"]
