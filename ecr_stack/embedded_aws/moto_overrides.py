"""What moto lacks, or answers otherwise than AWS: each operation with the reason and with what answers instead.

`tests/embedded_aws/test_moto_overrides.py` asks moto alone for each of them, and fails on the day moto answers as AWS does,
so that the override is deleted here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from ecr_stack.embedded_aws import (
    budgets,
    chatbot,
    image_operations,
    inspector,
    moto_backend,
    public_registry,
    pull_through,
    replication,
    repositories,
    scanning,
    signing,
)
from ecr_stack.embedded_aws.image_store import StoredImage
from ecr_stack.embedded_aws.lifecycle_runs import get_preview, start_preview
from ecr_stack.embedded_aws.paging import page
from ecr_stack.embedded_aws.repositories import MANAGED_KEY, managed_key
from ecr_stack.embedded_aws.request import Request
from ecr_stack.embedded_aws.rules.keys import find_key
from ecr_stack.embedded_aws.rules.registry import ACCOUNT_SETTINGS

__all__ = ["COSTS", "OVERRIDES", "Override"]

Answer = dict[str, Any]


@dataclass(frozen=True)
class Override:
    """One operation that moto does not answer as AWS does."""

    reason: str
    """What moto gets wrong."""
    answer: Callable[[Request], Answer]
    """What answers instead."""


def _describe_key(request: Request) -> Answer:
    if request.get("KeyId").endswith(MANAGED_KEY):
        managed_key(request)
    return request.forward()


def _replicate_key(request: Request) -> Answer:
    """A replica has a policy, a description and tags of its own.

    https://docs.aws.amazon.com/kms/latest/APIReference/API_ReplicateKey.html
    """
    primary = find_key(request.get("KeyId"), request.account, request.region)
    region = request.get("ReplicaRegion")
    there = moto_backend.kms_state(request.account, region)
    if primary is None:
        raise request.refuse("NotFoundException", f"Key '{request.get('KeyId')}' does not exist")
    if not primary.multi_region:
        raise request.refuse("UnsupportedOperationException", f"{primary.arn} is not a multi-Region key.")
    if primary.id in there.keys:
        raise request.refuse("AlreadyExistsException", f"{primary.arn} has a replica in {region} already.")
    answer = request.forward()
    key = there.keys[primary.id]
    key.aliases = {}
    key.description = request.get("Description", "")
    key.policy = request.get("Policy") or key.generate_default_policy()
    if request.get("Tags"):
        there.tag_resource(key.id, {tag["TagKey"]: tag["TagValue"] for tag in request.get("Tags")})
    metadata = {**answer["ReplicaKeyMetadata"], "Description": key.description}
    return {**answer, "ReplicaKeyMetadata": metadata, "ReplicaPolicy": key.policy}


def _put_lifecycle_policy(request: Request) -> Answer:
    name, text = request.get("repositoryName"), request.get("lifecyclePolicyText")
    moto_backend.ecr_state(request.account, request.region).repositories[name].lifecycle_policy = text
    return {"registryId": request.account, "repositoryName": name, "lifecyclePolicyText": text}


def _put_registry_policy(request: Request) -> Answer:
    text = request.get("policyText")
    moto_backend.ecr_state(request.account, request.region).registry_policy = text
    return {"registryId": request.account, "policyText": text}


def _put_replication(request: Request) -> Answer:
    configuration = json.loads(json.dumps(request.get("replicationConfiguration")))
    moto_backend.ecr_state(request.account, request.region).replication_config = configuration
    return {"replicationConfiguration": configuration}


def _put_scanning(request: Request) -> Answer:
    inspector.follow_scan_type(request, request.get("scanType", "BASIC"))
    return request.forward({"scanType": request.get("scanType", "BASIC"), "rules": request.get("rules", [])})


def _paged(entries: str, default: int, names: str) -> Callable[[Request], Answer]:
    def answer(request: Request) -> Answer:
        everything = request.forward({"maxResults": None, "nextToken": None})
        if request.get(names):
            return everything
        found, more = page(request, everything[entries], default)
        return {**everything, entries: found, **more}

    return answer


def _create_key(request: Request) -> Answer:
    return request.forward({"KeyUsage": request.get("KeyUsage", "ENCRYPT_DECRYPT")})


def _by_key_id(request: Request) -> Answer:
    key = find_key(request.get("KeyId"), request.account, request.region)
    return request.forward({"KeyId": key.id} if key is not None else None)


def _enable_rotation(request: Request) -> Answer:
    answer = request.forward()
    key = find_key(request.get("KeyId"), request.account, request.region)
    if key is not None:
        request.state.of("rotation period", request.region)[key.id] = request.get("RotationPeriodInDays", 365)
    return answer


def _rotation_status(request: Request) -> Answer:
    answer = request.forward()
    key = find_key(request.get("KeyId"), request.account, request.region)
    if key is not None and answer["KeyRotationEnabled"]:
        days = request.state.of("rotation period", request.region).get(key.id, 365)
        answer.update(KeyId=key.arn, RotationPeriodInDays=days)
    return answer


def _with_aws_policy(request: Request) -> Answer:
    if ":iam::aws:policy/" in request.get("PolicyArn"):
        moto_backend.aws_managed_policy(request.account, request.region, request.get("PolicyArn"))
    return request.forward()


def _change_clients(change: Callable[[list[str], str], None]) -> Callable[[Request], Answer]:
    def answer(request: Request) -> Answer:
        arn = request.get("OpenIDConnectProviderArn")
        provider = moto_backend.iam_state(request.account, request.region).open_id_providers.get(arn)
        if provider is None:
            raise request.refuse("NoSuchEntity", f"OpenIDConnect Provider not found for arn {arn}", 404)
        change(provider.client_id_list, request.get("ClientID"))
        return {}

    return answer


def _add(clients: list[str], client: str) -> None:
    if client not in clients:
        clients.append(client)


def _remove(clients: list[str], client: str) -> None:
    if client in clients:
        clients.remove(client)


def _of_image(answer: Callable[[Request, StoredImage], Answer]) -> Callable[[Request], Answer]:
    """Find the image that a request is about, for an answer that takes it."""
    return lambda request: answer(request, image_operations.find_image(request, request.get("imageId")))


def _caller_identity(request: Request) -> Answer:
    answer = request.forward()
    if not answer["Arn"].endswith(":user/moto"):
        return answer
    name = request.caller.rpartition("/")[2]
    user = moto_backend.iam_state(request.account, request.region).users.get(name)
    return {"UserId": user.id if user else "AIDAEMBEDDEDAWSCALLER", "Account": request.account, "Arn": request.caller}


def _test_event_pattern(request: Request) -> Answer:
    refused = request.refuse("InvalidEventPatternException", "Event pattern is not valid")
    event = request.json_parameter("Event", request.refuse("ValidationException", "Parameter Event is not valid."))
    request.json_parameter("EventPattern", refused)
    return {"Result": moto_backend.event_matches(request.get("EventPattern"), event)}


COSTS = "cost"


def _cost_and_usage(request: Request) -> Answer:
    period = request.get("TimePeriod")
    results = [
        result
        for result in request.state.of(COSTS, "global").values()
        if period["Start"] <= result["TimePeriod"]["Start"] and result["TimePeriod"]["End"] <= period["End"]
    ]
    return {"ResultsByTime": results, "DimensionValueAttributes": []}


_EXCLUSIONS = "pull time update exclusion"


def _register_exclusion(request: Request) -> Answer:
    arn, entries = request.get("principalArn"), request.state.of(_EXCLUSIONS, request.region)
    if arn in entries:
        message = f"The pull time update exclusion for the principal '{arn}' already exists"
        raise request.refuse("ExclusionAlreadyExistsException", message)
    entries[arn] = request.state.now()
    return {"principalArn": arn, "createdAt": entries[arn]}


def _deregister_exclusion(request: Request) -> Answer:
    arn, entries = request.get("principalArn"), request.state.of(_EXCLUSIONS, request.region)
    if entries.pop(arn, None) is None:
        message = f"The pull time update exclusion for the principal '{arn}' does not exist"
        raise request.refuse("ExclusionNotFoundException", message)
    return {"principalArn": arn}


def _list_exclusions(request: Request) -> Answer:
    found, more = page(request, list(request.state.of(_EXCLUSIONS, request.region)), 100)
    return {"pullTimeUpdateExclusions": found, **more}


class _Records:
    """The operations on a kind of thing that moto does not have: create, describe, update, delete."""

    def __init__(self, kind: str, key: str, error: str, *, wrapper: str | None, listing: str, names: str) -> None:
        self.kind, self.key, self.error = kind, key, error
        self.wrapper, self.listing, self.names = wrapper, listing, names

    def _missing(self, request: Request, name: str) -> ClientError:
        message = f"The {self.kind} with the prefix '{name}' does not exist in the registry '{request.account}'"
        return request.refuse(f"{self.error}NotFoundException", message)

    def _entry(self, request: Request) -> Answer:
        entries = request.state.of(self.kind, request.region)
        if request.get(self.key) not in entries:
            raise self._missing(request, request.get(self.key))
        return dict(entries[request.get(self.key)])

    def _answer(self, request: Request, entry: Answer) -> Answer:
        registry = {"registryId": request.account}
        return {**registry, self.wrapper: dict(entry)} if self.wrapper else {**registry, **entry}

    def create(self, request: Request) -> Answer:
        entries = request.state.of(self.kind, request.region)
        name = request.get(self.key)
        if name in entries:
            message = f"The {self.kind} with the prefix '{name}' already exists in the registry '{request.account}'"
            raise request.refuse(f"{self.error}AlreadyExistsException", message)
        now = request.state.now()
        entries[name] = {**request.parameters, "createdAt": now, "updatedAt": now}
        return self._answer(request, entries[name])

    def describe(self, request: Request) -> Answer:
        entries = request.state.of(self.kind, request.region)
        for name in request.get(self.names, []):
            # templates that do not exist are left out; rules are asked for by name, and missed
            if name not in entries and self.wrapper is None:
                raise self._missing(request, name)
        wanted = [
            {**({} if self.wrapper else {"registryId": request.account}), **entry}
            for name, entry in entries.items()
            if name in request.get(self.names, entries)
        ]
        found, more = page(request, wanted, 100)
        return {"registryId": request.account, self.listing: found, **more}

    def update(self, request: Request) -> Answer:
        changed = {**self._entry(request), **request.parameters, "updatedAt": request.state.now()}
        request.state.of(self.kind, request.region)[request.get(self.key)] = changed
        return self._answer(request, changed)

    def delete(self, request: Request) -> Answer:
        entry = self._entry(request)
        del request.state.of(self.kind, request.region)[request.get(self.key)]
        return self._answer(request, entry)


def _put_account_setting(request: Request) -> Answer:
    setting = {"name": request.get("name"), "value": request.get("value")}
    request.state.of("account setting", request.region)[setting["name"]] = setting["value"]
    return setting


def _get_account_setting(request: Request) -> Answer:
    name = request.get("name")
    settings = request.state.of("account setting", request.region)
    return {"name": name, "value": settings.get(name, ACCOUNT_SETTINGS[name][0])}


_templates = _Records(
    "repository creation template",
    "prefix",
    "Template",
    wrapper="repositoryCreationTemplate",
    listing="repositoryCreationTemplates",
    names="prefixes",
)
_caches = _Records(
    "pull through cache rule",
    "ecrRepositoryPrefix",
    "PullThroughCacheRule",
    wrapper=None,
    listing="pullThroughCacheRules",
    names="ecrRepositoryPrefixes",
)

OVERRIDES: Mapping[str, Override] = {
    "budgets:CreateBudget": Override("drops tags, and takes another account's budgets", budgets.create_budget),
    "budgets:CreateNotification": Override("takes one twice, and any number of them", budgets.create_notification),
    "budgets:DescribeSubscribersForNotification": Override("has no subscribers", budgets.describe_subscribers),
    "budgets:ListTagsForResource": Override("has no tags", budgets.list_tags),
    "budgets:TagResource": Override("has no tags", budgets.tag_resource),
    "budgets:UntagResource": Override("has no tags", budgets.untag_resource),
    "budgets:UpdateBudget": Override("changes no budget", budgets.update_budget),
    "ecr:CreateRepository": Override(
        "refuses names with `__` or `--`; keeps a key's alias or id where ECR keeps its ARN; invents a key where ECR "
        "uses alias/aws/ecr; gives repositories in China a URI outside of it",
        repositories.create_repository,
    ),
    "ecr:DeleteRepository": Override("does not know our images", repositories.delete_repository),
    "ecr:PutLifecyclePolicy": Override("refuses transitions to the archive", _put_lifecycle_policy),
    "ecr:PutRegistryPolicy": Override(
        "refuses all actions but two; version 2 of the policy scope allows every action of ECR", _put_registry_policy
    ),
    "ecr:PutReplicationConfiguration": Override("refuses a second rule", _put_replication),
    "ecr:DescribeRepositories": Override("does not page", _paged("repositories", 100, "repositoryNames")),
    **{
        f"ecr:{name}": Override("makes up digests, sizes and layers of images", answer)
        for name, answer in {
            "BatchCheckLayerAvailability": image_operations.batch_check_layer_availability,
            "BatchDeleteImage": image_operations.batch_delete_image,
            "BatchGetImage": image_operations.batch_get_image,
            "CompleteLayerUpload": image_operations.complete_layer_upload,
            "DescribeImages": image_operations.describe_images,
            "InitiateLayerUpload": image_operations.initiate_layer_upload,
            "ListImages": image_operations.list_images,
            "PutImage": image_operations.put_image,
            "UploadLayerPart": image_operations.upload_layer_part,
        }.items()
    },
    "ecr:GetDownloadUrlForLayer": Override("has no layers", image_operations.get_download_url_for_layer),
    "ecr:ListImageReferrers": Override("has no referrers", image_operations.list_image_referrers),
    "ecr:UpdateImageStorageClass": Override("has no archive", image_operations.update_image_storage_class),
    "ecr:BatchGetRepositoryScanningConfiguration": Override(
        "does not match filters as ECR does", scanning.batch_get_repository_scanning_configuration
    ),
    "ecr:PutRegistryScanningConfiguration": Override("fails without rules", _put_scanning),
    "ecr:DescribeImageScanFindings": Override(
        "makes findings up, and knows no states", _of_image(scanning.describe_image_scan_findings)
    ),
    "ecr:StartImageScan": Override(
        "scans what is scanned on push, under enhanced scanning too", _of_image(scanning.start_image_scan)
    ),
    "ecr:DescribeImageReplicationStatus": Override(
        "does not replicate", _of_image(replication.describe_image_replication_status)
    ),
    "ecr:StartReplicationBackfill": Override("does not replicate", replication.start_backfill),
    "ecr:StopReplicationBackfill": Override("does not replicate", replication.stop_backfill),
    "ecr:ListReplicationBackfills": Override("does not replicate", replication.list_backfills),
    "ecr:DescribeReplicationBackfillResults": Override("does not replicate", replication.describe_backfill_results),
    "ecr:PutSigningConfiguration": Override("does not sign", signing.put_configuration),
    "ecr:GetSigningConfiguration": Override("does not sign", signing.get_configuration),
    "ecr:DeleteSigningConfiguration": Override("does not sign", signing.delete_configuration),
    "ecr:DescribeImageSigningStatus": Override("does not sign", _of_image(signing.describe_status)),
    "ecr:RegisterPullTimeUpdateExclusion": Override("has no exclusions", _register_exclusion),
    "ecr:DeregisterPullTimeUpdateExclusion": Override("has no exclusions", _deregister_exclusion),
    "ecr:ListPullTimeUpdateExclusions": Override("has no exclusions", _list_exclusions),
    "ecr:ValidatePullThroughCacheRule": Override("has no pull through cache", pull_through.validate_rule),
    "ecr:StartLifecyclePolicyPreview": Override("has no previews", start_preview),
    "ecr:GetLifecyclePolicyPreview": Override("has no previews", get_preview),
    "ecr:CreateRepositoryCreationTemplate": Override("has no creation templates", _templates.create),
    "ecr:DescribeRepositoryCreationTemplates": Override("has no creation templates", _templates.describe),
    "ecr:UpdateRepositoryCreationTemplate": Override("has no creation templates", _templates.update),
    "ecr:DeleteRepositoryCreationTemplate": Override("has no creation templates", _templates.delete),
    "ecr:CreatePullThroughCacheRule": Override("has no pull through cache", _caches.create),
    "ecr:DescribePullThroughCacheRules": Override("has no pull through cache", _caches.describe),
    "ecr:UpdatePullThroughCacheRule": Override("has no pull through cache", _caches.update),
    "ecr:DeletePullThroughCacheRule": Override("has no pull through cache", _caches.delete),
    "ecr:PutAccountSetting": Override("has no account settings", _put_account_setting),
    "ecr:GetAccountSetting": Override("has no account settings", _get_account_setting),
    **{
        f"ecr-public:{name}": Override("has no ECR Public", answer)
        for name, answer in public_registry.OPERATIONS.items()
    },
    **{f"chatbot:{name}": Override("has no Chatbot", answer) for name, answer in chatbot.OPERATIONS.items()},
    "ce:GetCostAndUsage": Override("knows no costs, and no periods", _cost_and_usage),
    "events:TestEventPattern": Override("answers nothing", _test_event_pattern),
    "inspector2:BatchGetAccountStatus": Override(
        "does not know an account before `Enable`", inspector.batch_get_account_status
    ),
    "inspector2:Disable": Override("fails without accounts", inspector.disable),
    "inspector2:Enable": Override("fails without accounts", inspector.enable),
    "inspector2:GetConfiguration": Override("has no configuration", inspector.get_configuration),
    "inspector2:ListCoverage": Override("has no coverage", inspector.list_coverage),
    "inspector2:ListFindings": Override("does not know our images", inspector.list_findings),
    "inspector2:UpdateConfiguration": Override("has no configuration", inspector.update_configuration),
    "sts:GetCallerIdentity": Override("names a caller that IAM cannot have", _caller_identity),
    "kms:CreateKey": Override("does not say that keys encrypt unless told otherwise", _create_key),
    "kms:DescribeKey": Override("does not know alias/aws/ecr", _describe_key),
    "kms:CancelKeyDeletion": Override("fails if the key is named by its ARN", _by_key_id),
    "kms:DisableKey": Override("fails if the key is named by its ARN", _by_key_id),
    "kms:EnableKey": Override("fails if the key is named by its ARN", _by_key_id),
    "kms:ReplicateKey": Override(
        "gives a replica the policy, the description and the aliases of its primary", _replicate_key
    ),
    "kms:EnableKeyRotation": Override("forgets the rotation period", _enable_rotation),
    "kms:GetKeyRotationStatus": Override("does not say the rotation period", _rotation_status),
    "iam:AddClientIDToOpenIDConnectProvider": Override("does not change clients", _change_clients(_add)),
    "iam:RemoveClientIDFromOpenIDConnectProvider": Override("does not change clients", _change_clients(_remove)),
    "iam:AttachRolePolicy": Override("knows AWS's own policies only if it loads all of them", _with_aws_policy),
    "iam:GetPolicy": Override("knows AWS's own policies only if it loads all of them", _with_aws_policy),
    "iam:GetPolicyVersion": Override("knows AWS's own policies only if it loads all of them", _with_aws_policy),
}
