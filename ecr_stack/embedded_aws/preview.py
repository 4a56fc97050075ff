"""Previews of lifecycle policies: what a policy would do to the images of a repository, now.

A real preview takes a while, and `StartLifecyclePolicyPreview` answers `IN_PROGRESS`. Here it is there when it is asked
for.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from moto.ecr.models import Repository

from ecr_stack.aws.lifecycle import Decision, evaluate
from ecr_stack.embedded_aws import images, moto_backend
from ecr_stack.embedded_aws.paging import page
from ecr_stack.embedded_aws.request import Request

__all__ = ["get_preview", "start_preview"]

# A preview is the repository's, and goes with it.
_PREVIEW = "ecr_stack_preview"
_PAGE = 100


def _repository(request: Request) -> Repository:
    return moto_backend.ecr_state(request.account, request.region).repositories[request.get("repositoryName")]


def start_preview(request: Request) -> dict[str, Any]:
    """Answer `StartLifecyclePolicyPreview`: of the policy that is given, or of the one in force."""
    repository = _repository(request)
    text = request.get("lifecyclePolicyText", repository.lifecycle_policy)
    if text is None:
        raise request.refuse(
            "LifecyclePolicyNotFoundException",
            f"Lifecycle policy does not exist for the repository with name '{repository.name}' in the registry with "
            f"id '{request.account}'",
        )
    evaluation = evaluate(text, map(images.read, repository.images), datetime.now(UTC))
    preview = {
        "registryId": request.account,
        "repositoryName": repository.name,
        "lifecyclePolicyText": text,
        "results": [_result(decision) for decision in (*evaluation.expire, *evaluation.archive)],
        "summary": {
            "expiringImageTotalCount": len(evaluation.expire),
            "transitioningImageTotalCounts": [
                {"targetStorageClass": "ARCHIVE", "imageTotalCount": len(evaluation.archive)}
            ],
        },
    }
    setattr(repository, _PREVIEW, preview)
    return {**_head(preview), "status": "IN_PROGRESS"}


def _head(preview: dict[str, Any]) -> dict[str, Any]:
    return {name: preview[name] for name in ("registryId", "repositoryName", "lifecyclePolicyText")}


def _result(decision: Decision) -> dict[str, Any]:
    action = {"type": "EXPIRE"}
    if decision.outcome == "archive":
        action = {"type": "TRANSITION", "targetStorageClass": "ARCHIVE"}
    return {
        "imageTags": list(decision.image.tags),
        "imageDigest": decision.image.digest,
        "imagePushedAt": decision.image.pushed_at,
        "action": action,
        "appliedRulePriority": decision.rule_priority,
        "storageClass": "ARCHIVE" if decision.image.status == "ARCHIVED" else "STANDARD",
    }


def get_preview(request: Request) -> dict[str, Any]:
    """Answer `GetLifecyclePolicyPreview`: the results of the last preview, in pages."""
    repository = _repository(request)
    preview: dict[str, Any] | None = getattr(repository, _PREVIEW, None)
    if preview is None:
        raise request.refuse(
            "LifecyclePolicyPreviewNotFoundException",
            f"There is no lifecycle policy preview for the repository with name '{repository.name}' in the registry "
            f"with id '{request.account}'",
        )
    results = preview["results"]
    tagged = request.get("filter", {}).get("tagStatus", "ANY")
    if tagged != "ANY":
        results = [result for result in results if bool(result["imageTags"]) == (tagged == "TAGGED")]
    answer = {**_head(preview), "status": "COMPLETE", "summary": preview["summary"]}
    if "imageIds" in request.parameters:
        wanted = request.get("imageIds")
        found = [result for result in results if any(_is(result, entry) for entry in wanted)]
        return {**answer, "previewResults": found}
    found, more = page(request, results, _PAGE)
    return {**answer, "previewResults": found, **more}


def _is(result: dict[str, Any], wanted: dict[str, str]) -> bool:
    digest, tag = wanted.get("imageDigest"), wanted.get("imageTag")
    return (digest is None or digest == result["imageDigest"]) and (tag is None or tag in result["imageTags"])
