"""Replication: an image that is pushed appears in the destinations that the registry's configuration names.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/replication.html. AWS does it in the background, most images in
less than 30 minutes; here it is done before the call that causes it returns.

AWS documents no values of `failureCode`. Those used here: `DestinationRegistryNotEmbedded` (the other account is not
embedded in this process: what would happen there is not known), `AccessDenied` (its registry policy does not let the
source in), `RepositoryCreationFailed` (what the creation template names cannot be used), `KmsError` (the key of the
destination repository is not enabled).
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any
from uuid import uuid4

from botocore.exceptions import ClientError

from ecr_stack.aws.names import partition_of
from ecr_stack.embedded_aws import moto_backend, scanning
from ecr_stack.embedded_aws.image_store import Replication, StoredImage
from ecr_stack.embedded_aws.paging import page
from ecr_stack.embedded_aws.policy_documents import actions_of, statements_of
from ecr_stack.embedded_aws.repositories import create_for, has_usable_key, is_immutable
from ecr_stack.embedded_aws.request import Request, State

__all__ = [
    "describe_backfill_results",
    "describe_image_replication_status",
    "destinations",
    "list_backfills",
    "replicate",
    "replicate_deletion",
    "replicate_untagging",
    "start_backfill",
    "stop_backfill",
]

Answer = dict[str, Any]
Destination = tuple[str, str]
"""Region and registry."""

_BACKFILLS = "replication backfill"
_BACKFILL_QUOTA = 10
_BACKFILL_RETENTION = timedelta(days=90)
_UNDER_WAY = ("PREPARING", "IN_PROGRESS")


def _rules(state: State, region: str) -> list[Answer]:
    return list(moto_backend.ecr_state(state.account, region).replication_config["rules"])


def _applies(rule: Answer, repository: str) -> bool:
    filters = rule.get("repositoryFilters") or []
    return not filters or any(repository.startswith(entry["filter"]) for entry in filters)


def destinations(state: State, region: str, repository: str, *, deletions: bool = False) -> list[Destination]:
    """Return the destinations of a repository; with `deletions`, those that deletions are replicated to."""
    named = [
        (entry["region"], entry["registryId"])
        for rule in _rules(state, region)
        if _applies(rule, repository) and (not deletions or (rule.get("deleteReplication") or {}).get("enabled"))
        for entry in rule["destinations"]
    ]
    return list(dict.fromkeys(named))


def replicate(state: State, region: str, repository: str, image: StoredImage, tag: str | None) -> None:
    """Copy an image, with the tag that it was pushed with, to its destinations. Replicas are not copied onward."""
    if image.is_replica:
        return
    for destination in destinations(state, region, repository):
        image.replications[destination] = _copy(state, region, repository, image, tag, destination)


def _copy(
    state: State, region: str, repository: str, image: StoredImage, tag: str | None, destination: Destination
) -> Replication:
    to_region, registry = destination
    target = state.accounts.get(registry)
    if target is None:
        return Replication("FAILED", "DestinationRegistryNotEmbedded")
    registered = moto_backend.ecr_state(registry, to_region).repositories
    needed = ["ReplicateImage", *([] if repository in registered else ["CreateRepository"])]
    if registry != state.account and not all(
        _is_admitted(target, to_region, repository, state.account, action) for action in needed
    ):
        return Replication("FAILED", "AccessDenied")
    if repository not in registered:
        try:
            create_for(target, to_region, repository, "REPLICATION")
        except ClientError:
            return Replication("FAILED", "RepositoryCreationFailed")
    if not has_usable_key(registered[repository], registry, to_region):
        return Replication("FAILED", "KmsError")
    _put(state, region, repository, image, tag, target, to_region)
    return Replication("COMPLETE")


def _put(
    state: State, region: str, repository: str, image: StoredImage, tag: str | None, target: State, to_region: str
) -> None:
    source = state.images(region).repository(repository)
    contents = target.images(to_region).repository(repository)
    for digest in image.references or ():
        if digest in source.images and digest not in contents.images:
            _put(state, region, repository, source.images[digest], None, target, to_region)
    replica = contents.images.get(image.digest)
    if replica is None:
        for digest in image.layers:
            if digest in source.layers:
                contents.layers.setdefault(digest, source.layers[digest])
                target.layers.copy_from(state.layers, digest)
        replica = replace(
            image,
            pushed_at=target.now(),
            tags=[],
            pulled_at=None,
            archived_at=None,
            activated_at=None,
            status="ACTIVE",
            replications={},
            is_replica=True,
        )
        contents.add(replica)
        scanning.scan_on_push(target, to_region, repository, replica)
    if tag is None or tag in replica.tags:
        return
    moto_repository = moto_backend.ecr_state(target.account, to_region).repositories[repository]
    if tag in contents.tags and is_immutable(moto_repository, tag):
        # "the image is replicated but won't contain the duplicated tag. This might result in the image being untagged."
        return
    contents.tag(replica, tag)


def _is_admitted(target: State, region: str, repository: str, source: str, action: str) -> bool:
    """Whether the registry policy of a destination lets a source registry do something.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry-permissions-create-replication.html. A statement with
    conditions that are not about the source's account counts if it denies, and does not if it allows.
    """
    text = moto_backend.ecr_state(target.account, region).registry_policy
    if not text:
        return False
    arn = f"arn:{partition_of(region)}:ecr:{region}:{target.account}:repository/{repository}"
    effects = {
        statement["Effect"]
        for statement in statements_of(json.loads(text))
        if _is_about(statement, f"ecr:{action}", arn, source)
    }
    return effects == {"Allow"}


def _is_about(statement: Any, action: str, arn: str, source: str) -> bool:
    named = any(fnmatchcase(action.lower(), pattern.lower()) for pattern in actions_of(statement))
    if named != ("Action" in statement):
        return False
    resources = statement.get("Resource", statement.get("NotResource", "*"))
    resources = [resources] if isinstance(resources, str) else resources
    if any(fnmatchcase(arn, pattern) for pattern in resources) == ("NotResource" in statement):
        return False
    principals = statement.get("Principal", statement.get("NotPrincipal"))
    principals = principals if isinstance(principals, str) else principals.get("AWS", [])
    principals = [principals] if isinstance(principals, str) else principals
    is_named = any(name in ("*", source) or name.endswith(f":iam::{source}:root") for name in principals)
    if is_named == ("NotPrincipal" in statement):
        return False
    accounts = {
        key: values if isinstance(values, list) else [values]
        for operator, keys in (statement.get("Condition") or {}).items()
        for key, values in keys.items()
        if operator == "StringEquals" and key.lower() in ("aws:sourceaccount", "aws:principalaccount")
    }
    all_known = sum(len(keys) for keys in (statement.get("Condition") or {}).values()) == len(accounts)
    if not all_known:
        return bool(statement["Effect"] == "Deny")
    return all(source in values for values in accounts.values())


def _replicas(state: State, region: str, repository: str, digest: str) -> list[Any]:
    """Return the contents of the destinations that hold a replica, of those that deletions are replicated to."""
    places = []
    for to_region, registry in destinations(state, region, repository, deletions=True):
        target = state.accounts.get(registry)
        if target is not None:
            contents = target.images(to_region).repository(repository)
            if digest in contents.images and contents.images[digest].is_replica:
                places.append(contents)
    return places


def replicate_deletion(state: State, region: str, repository: str, image: StoredImage) -> None:
    """Delete the replicas of an image that was deleted, where `deleteReplication` is enabled.

    https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DeleteReplication.html
    """
    if not image.is_replica:
        for contents in _replicas(state, region, repository, image.digest):
            contents.remove(image.digest)


def replicate_untagging(state: State, region: str, repository: str, image: StoredImage, tag: str) -> None:
    """Take a tag off the replicas of an image, where `deleteReplication` is enabled."""
    if not image.is_replica:
        for contents in _replicas(state, region, repository, image.digest):
            if contents.tags.get(tag) == image.digest:
                contents.untag(tag)


def describe_image_replication_status(request: Request, image: StoredImage) -> Answer:
    """Answer `DescribeImageReplicationStatus`."""
    statuses = [
        {
            "region": region,
            "registryId": registry,
            "status": outcome.status,
            **({"failureCode": outcome.failure_code} if outcome.failure_code else {}),
        }
        for (region, registry), outcome in image.replications.items()
    ]
    return {
        "repositoryName": request.get("repositoryName"),
        "imageId": {**request.get("imageId"), "imageDigest": image.digest},
        "replicationStatuses": statuses,
    }


def start_backfill(request: Request) -> Answer:
    """Answer `StartReplicationBackfill`.

    https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_StartReplicationBackfill.html. A backfill goes one step
    further each time that it is looked at: PREPARING, IN_PROGRESS, COMPLETE; images are copied with the last step.
    """
    destination = request.get("destination")
    place = (destination["region"], destination["registryId"])
    configured = {
        (entry["region"], entry["registryId"])
        for rule in _rules(request.state, request.region)
        for entry in rule["destinations"]
    }
    if place not in configured:
        raise request.invalid("destination", "the destination is not in the replication configuration of the registry")
    backfills = request.state.of(_BACKFILLS, request.region)
    under_way = [backfill for backfill in backfills.values() if backfill["status"] in _UNDER_WAY]
    if any(backfill["destination"]["region"] == destination["region"] for backfill in under_way):
        raise request.refuse(
            "ReplicationBackfillInProgressException",
            f"A replication backfill is already in progress for the destination Region {destination['region']}",
        )
    if len(under_way) >= _BACKFILL_QUOTA:
        raise request.refuse(
            "LimitExceededException", f"A registry can have at most {_BACKFILL_QUOTA} replication backfills in progress"
        )
    backfill: Answer = {
        "replicationBackfillId": str(uuid4()),
        "destination": dict(destination),
        "status": "PREPARING",
        "startedAt": request.state.now(),
        "results": [],
    }
    backfills[backfill["replicationBackfillId"]] = backfill
    shown = ("replicationBackfillId", "destination", "status", "startedAt")
    return {"registryId": request.account, **{name: backfill[name] for name in shown}}


def _backfill(request: Request) -> Answer:
    id_ = request.get("replicationBackfillId")
    backfill: Answer | None = request.state.of(_BACKFILLS, request.region).get(id_)
    if backfill is None:
        raise request.refuse("ReplicationBackfillNotFoundException", f"The replication backfill {id_} does not exist")
    return backfill


def stop_backfill(request: Request) -> Answer:
    """Answer `StopReplicationBackfill`."""
    backfill = _backfill(request)
    if backfill["status"] not in _UNDER_WAY:
        raise request.refuse(
            "ReplicationBackfillInvalidStatusException",
            f"The replication backfill {backfill['replicationBackfillId']} has the status {backfill['status']}",
        )
    backfill.update(status="STOPPED", endedAt=request.state.now())
    shown = ("replicationBackfillId", "destination", "status", "startedAt")
    return {"registryId": request.account, **{name: backfill[name] for name in shown}}


def _advance(request: Request, backfill: Answer) -> None:
    if backfill["status"] == "PREPARING":
        backfill["status"] = "IN_PROGRESS"
        return
    if backfill["status"] != "IN_PROGRESS":
        return
    place = (backfill["destination"]["region"], backfill["destination"]["registryId"])
    state, region = request.state, request.region
    for name in moto_backend.ecr_state(state.account, region).repositories:
        if place not in destinations(state, region, name):
            continue
        for image in list(state.images(region).repository(name).images.values()):
            # "Each image and tag combination is replicated as a single replication."
            if image.is_replica or image.status != "ACTIVE":
                continue
            for tag in image.tags or (None,):
                outcome = _copy(state, region, name, image, tag, place)
                image.replications[place] = outcome
                backfill["results"].append(_result(name, image, tag, outcome))
    backfill.update(status="COMPLETE", endedAt=state.now())


def _result(repository: str, image: StoredImage, tag: str | None, outcome: Replication) -> Answer:
    return {
        "repositoryName": repository,
        "imageId": {"imageDigest": image.digest, **({"imageTag": tag} if tag else {})},
        "status": outcome.status,
        **({"failureCode": outcome.failure_code} if outcome.failure_code else {}),
        **({"subImageFailureCodes": []} if image.is_index else {}),
    }


def _progress(backfill: Answer) -> Answer:
    failed = [result for result in backfill["results"] if result["status"] == "FAILED"]
    return {
        "totalReplicationCount": len(backfill["results"]),
        "completedReplicationCount": len(backfill["results"]) - len(failed),
        "failedReplicationCount": len(failed),
        "failureCodes": sorted({result["failureCode"] for result in failed}),
    }


def _described(backfill: Answer) -> Answer:
    known = {name: value for name, value in backfill.items() if name != "results"}
    return known if backfill["status"] == "PREPARING" else {**known, "progress": _progress(backfill)}


def list_backfills(request: Request) -> Answer:
    """Answer `ListReplicationBackfills`: those that have ended are told for 90 days."""
    now: datetime = request.state.now()
    backfills = request.state.of(_BACKFILLS, request.region).values()
    for backfill in backfills:
        _advance(request, backfill)
    kept = [_described(entry) for entry in backfills if now - entry.get("endedAt", now) < _BACKFILL_RETENTION]
    found, more = page(request, kept, 25)
    return {"registryId": request.account, "backfills": found, **more}


def describe_backfill_results(request: Request) -> Answer:
    """Answer `DescribeReplicationBackfillResults`: results of single images when it has ended."""
    backfill = _backfill(request)
    _advance(request, backfill)
    wanted = request.get("resultStatusFilter")
    ended = backfill["status"] not in _UNDER_WAY
    results = [result for result in backfill["results"] if ended and wanted in (None, result["status"])]
    found, more = page(request, results, 100)
    return {"registryId": request.account, **_described(backfill), "results": found, **more}
