"""Lifecycle policies at work: previews of what one would do now, and runs that do it.

A real preview takes a while, and `StartLifecyclePolicyPreview` answers `IN_PROGRESS`; here it is there when it is asked for.
ECR runs policies in the background, within 24 hours; here they run when `EmbeddedAws.run_lifecycle` is called.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from ecr_stack.aws.lifecycle import Decision, evaluate
from ecr_stack.embedded_aws import moto_backend, replication
from ecr_stack.embedded_aws.paging import page
from ecr_stack.embedded_aws.request import Request, State

__all__ = ["LifecycleAction", "get_preview", "run", "start_preview"]

_PREVIEWS = "lifecycle preview"
_PAGE = 100


@dataclass(frozen=True)
class LifecycleAction:
    """What a lifecycle policy did to one image."""

    region: str
    repository: str
    digest: str
    tags: tuple[str, ...]
    outcome: Literal["expire", "archive"]
    rule_priority: int | None


def run(state: State, region: str, at: datetime) -> list[LifecycleAction]:
    """Apply the lifecycle policies of a registry as they decide at an instant, and give what was done.

    Images that expire are deleted in the destinations too where `deleteReplication` is enabled.
    """
    done = []
    for repository in list(moto_backend.ecr_state(state.account, region).repositories.values()):
        if not repository.lifecycle_policy:
            continue
        contents = state.images(region).repository(repository.name)
        images = [image.for_lifecycle() for image in contents.images.values()]
        evaluation = evaluate(repository.lifecycle_policy, images, at)
        for decision in (*evaluation.expire, *evaluation.archive):
            image = contents.images[decision.image.digest]
            tags = tuple(image.tags)
            if decision.outcome == "expire":
                contents.remove(image.digest)
                replication.replicate_deletion(state, region, repository.name, image)
                outcome: Literal["expire", "archive"] = "expire"
            else:
                image.status, image.archived_at, outcome = "ARCHIVED", at, "archive"
            action = LifecycleAction(region, repository.name, image.digest, tags, outcome, decision.rule_priority)
            done.append(action)
    return done


def start_preview(request: Request) -> dict[str, Any]:
    """Answer `StartLifecyclePolicyPreview`: of the policy that is given, or of the one in force."""
    repository = request.repository
    text = request.get("lifecyclePolicyText", repository.lifecycle_policy)
    if text is None:
        raise request.refuse(
            "LifecyclePolicyNotFoundException",
            f"Lifecycle policy does not exist for the repository with name '{repository.name}' in the registry with "
            f"id '{request.account}'",
        )
    images = [image.for_lifecycle() for image in request.contents.images.values()]
    evaluation = evaluate(text, images, request.state.now())
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
    request.contents.notes(_PREVIEWS)["last"] = preview
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
    repository = request.repository
    preview: dict[str, Any] | None = request.contents.notes(_PREVIEWS).get("last")
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
