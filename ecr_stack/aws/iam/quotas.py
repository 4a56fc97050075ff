"""How large the policies of IAM and ECR may be, each limit with its source.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_SetRepositoryPolicy.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ecr_stack.errors import Problem

__all__ = [
    "INLINE_POLICIES",
    "MANAGED_POLICIES_PER_ROLE",
    "MANAGED_POLICY",
    "REGISTRY_POLICY",
    "REPOSITORY_POLICY",
    "TRUST_POLICY",
    "Quota",
    "policy_size",
    "size_problem",
]

_IAM = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"
_ECR = "https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_SetRepositoryPolicy.html"


@dataclass(frozen=True)
class Quota:
    """A limit of AWS, as an account has it unless it asks for more."""

    limit: int
    """Characters of a policy without white space; a number of policies for `MANAGED_POLICIES_PER_ROLE`."""
    subject: str
    """What is limited, as a message names it."""
    source: str
    """The AWS page."""
    maximum: int | None = None
    """What Service Quotas raises it to on request; `None` if it cannot be raised."""


TRUST_POLICY = Quota(2048, "the trust policy of a role", _IAM, 4096)
INLINE_POLICIES = Quota(10_240, "all inline policies of a role together", _IAM)
MANAGED_POLICY = Quota(6144, "a managed policy", _IAM)
MANAGED_POLICIES_PER_ROLE = Quota(10, "the managed policies attached to a role", _IAM, 20)
REPOSITORY_POLICY = Quota(10_240, "the policy of a repository", _ECR)
REGISTRY_POLICY = Quota(10_240, "the policy of a registry", _ECR.replace("SetRepositoryPolicy", "PutRegistryPolicy"))


def policy_size(document: Mapping[str, Any] | str) -> int:
    """Characters of a policy as AWS counts them: the document's own, without white space between its parts.

    IAM counts no white space at all; white space inside a string (a branch name, say) is counted here, so that the
    result is never too small.

    Args:
        document: plain JSON data, or its text.

    Raises:
        ValueError: the text is not JSON.
    """
    data = json.loads(document) if isinstance(document, str) else document
    return len(json.dumps(data, separators=(",", ":"), ensure_ascii=False))


def size_problem(documents: Iterable[Mapping[str, Any] | str], quota: Quota, place: str, remedy: str) -> Problem | None:
    """The problem with documents that exceed a quota together, or `None` if they fit.

    Args:
        documents: one document, or all that share the quota, such as the inline policies of a role.
        quota: e.g. `TRUST_POLICY`.
        place: the key path of what makes the documents large.
        remedy: what to write instead, a clause without a full stop.
    """
    size = sum(map(policy_size, documents))
    if size <= quota.limit:
        return None
    more = f"; Service Quotas can raise this to {quota.maximum:,}" if quota.maximum else ""
    rule = f"{quota.subject} would have {size:,} characters, and AWS allows {quota.limit:,}{more} ({quota.source})"
    return Problem(place, None, rule, remedy)
