"""What moto lacks, or refuses although AWS accepts it: each gap with its reason.

`tests/embedded/test_gaps.py` asks moto alone for each of them, and fails on the day moto closes one, so that it is
deleted here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any
from unittest import mock

import moto.ecr.models
import moto.iam.models
from botocore.exceptions import ClientError
from moto.iam.aws_managed_policies import aws_managed_policies_data

from ecr_stack.aws.names import REPOSITORY_NAME
from ecr_stack.embedded_aws import images, moto_backend
from ecr_stack.embedded_aws.paging import page
from ecr_stack.embedded_aws.preview import get_preview, start_preview
from ecr_stack.embedded_aws.request import Request
from ecr_stack.embedded_aws.rules.keys import encrypting_key, find_key
from ecr_stack.embedded_aws.rules.registry import ACCOUNT_SETTINGS

__all__ = ["OVERRIDES", "Override"]

Answer = dict[str, Any]

_MANAGED_KEY = "alias/aws/ecr"


@dataclass(frozen=True)
class Override:
    """One operation that moto does not answer as AWS does."""

    reason: str
    """What moto gets wrong."""
    answer: Callable[[Request], Answer]
    """What answers instead."""


def _create_repository(request: Request) -> Answer:
    encryption = dict(request.get("encryptionConfiguration") or {})
    if encryption.get("encryptionType", "AES256") != "AES256":
        key = encryption.get("kmsKey")
        encryption["kmsKey"] = encrypting_key(request, key) if key else _managed_key(request)
    # the answer to this call is moto's; only its idea of a name is replaced
    with mock.patch.object(moto.ecr.models, "ECR_REPOSITORY_NAME_PATTERN", REPOSITORY_NAME.pattern):
        answer = request.forward({"encryptionConfiguration": encryption or None})
    if request.partition == "aws-cn":
        repository = moto_backend.ecr_state(request.account, request.region).repositories[request.get("repositoryName")]
        repository.uri = repository.uri.replace(".amazonaws.com/", ".amazonaws.com.cn/")
        answer["repository"]["repositoryUri"] = repository.uri
    return answer


def _managed_key(request: Request) -> str:
    """Give the ARN of AWS's own key for ECR, which comes into being on its first use."""
    key = find_key(_MANAGED_KEY, request.account, request.region)
    if key is None:
        state = moto_backend.kms_state(request.account, request.region)
        description = "Default key that protects my ECR data when no other key is defined"
        key = state.create_key(None, "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT", description, None)
        key.key_manager = "AWS"
        state.create_alias(key.id, _MANAGED_KEY)
    return str(key.arn)


def _describe_key(request: Request) -> Answer:
    if request.get("KeyId").endswith(_MANAGED_KEY):
        _managed_key(request)
    return request.forward()


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


def _paged(entries: str, default: int, names: str) -> Callable[[Request], Answer]:
    def answer(request: Request) -> Answer:
        everything = request.forward({"maxResults": None, "nextToken": None})
        if request.get(names):
            return everything
        found, more = page(request, everything[entries], default)
        return {**everything, entries: found, **more}

    return answer


def _describe_images(request: Request) -> Answer:
    name = request.get("repositoryName")
    repository = moto_backend.ecr_state(request.account, request.region).repositories.get(name)
    if repository is None or request.get("imageIds"):
        # moto finds them, or says what is missing
        digests = {image["imageDigest"] for image in request.forward({"filter": None})["imageDetails"]}
        held = [image for image in repository.images if image.image_digest in digests] if repository else []
        return {"imageDetails": [images.describe(request.account, name, images.read(image)) for image in held]}
    wanted = request.get("filter", {})
    status, tagged = wanted.get("imageStatus", "ACTIVE"), wanted.get("tagStatus", "ANY")
    shown = [
        image
        for image in map(images.read, repository.images)
        if status in ("ANY", image.status) and tagged in ("ANY", "TAGGED" if image.tags else "UNTAGGED")
    ]
    found, more = page(request, shown, 100)
    return {"imageDetails": [images.describe(request.account, name, image) for image in found], **more}


def _put_image(request: Request) -> Answer:
    repository = moto_backend.ecr_state(request.account, request.region).repositories.get(request.get("repositoryName"))
    if repository is None:
        return request.forward()
    mode, filters = repository.image_tag_mutability, repository.image_tag_mutability_exclusion_filters
    tag = request.get("imageTag")
    excluded = any(fnmatchcase(tag or "", entry["filter"]) for entry in filters or [])
    immutable = str(getattr(mode, "value", mode)).startswith("IMMUTABLE") != excluded
    holder = next((image for image in repository.images if tag is not None and tag in image.image_tags), None)
    if immutable and holder is not None and holder.image_manifest != request.get("imageManifest"):
        raise request.refuse(
            "ImageTagAlreadyExistsException",
            f"The image tag '{tag}' already exists in the '{repository.name}' repository and cannot be overwritten "
            "because the tag is immutable.",
        )
    # what moto would make of the mode is taken out of its sight, under the lock of the call
    repository.image_tag_mutability, repository.image_tag_mutability_exclusion_filters = "MUTABLE", None
    try:
        return request.forward()
    finally:
        repository.image_tag_mutability, repository.image_tag_mutability_exclusion_filters = mode, filters


def _create_key(request: Request) -> Answer:
    return request.forward({"KeyUsage": request.get("KeyUsage", "ENCRYPT_DECRYPT")})


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


@lru_cache(maxsize=1)
def _aws_policies() -> dict[str, Any]:
    return dict(json.loads(aws_managed_policies_data))


def _with_aws_policy(request: Request) -> Answer:
    """Let moto know the one policy of AWS that is asked for: knowing all of them costs it seconds."""
    arn = request.get("PolicyArn")
    state = moto_backend.iam_state(request.account, request.region)
    if ":iam::aws:policy/" in arn and arn not in state.managed_policies:
        name = arn.rpartition("/")[2]
        data = _aws_policies().get(name)
        if data:
            policy = moto.iam.models.AWSManagedPolicy.from_data(name, request.account, request.partition, data)
            if policy.arn == arn:
                state.managed_policies[arn] = policy
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


def _now() -> datetime:
    return datetime.now(UTC)


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
        now = _now()
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
        changed = {**self._entry(request), **request.parameters, "updatedAt": _now()}
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
    "ecr:CreateRepository": Override(
        "refuses names with `__` or `--`; keeps a key's alias or id where ECR keeps its ARN; invents a key where ECR "
        "uses alias/aws/ecr; gives repositories in China a URI outside of it",
        _create_repository,
    ),
    "ecr:PutLifecyclePolicy": Override("refuses transitions to the archive", _put_lifecycle_policy),
    "ecr:PutRegistryPolicy": Override(
        "refuses all actions but two; version 2 of the policy scope allows every action of ECR", _put_registry_policy
    ),
    "ecr:PutReplicationConfiguration": Override("refuses a second rule", _put_replication),
    "ecr:DescribeRepositories": Override("does not page", _paged("repositories", 100, "repositoryNames")),
    "ecr:ListImages": Override("does not page", _paged("imageIds", 100, "")),
    "ecr:DescribeImages": Override(
        "does not page or filter, and knows no pull time, archive time or status", _describe_images
    ),
    "ecr:PutImage": Override("reads exclusion filters as regular expressions", _put_image),
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
    "kms:CreateKey": Override("does not say that keys encrypt unless told otherwise", _create_key),
    "kms:DescribeKey": Override("does not know alias/aws/ecr", _describe_key),
    "kms:EnableKeyRotation": Override("forgets the rotation period", _enable_rotation),
    "kms:GetKeyRotationStatus": Override("does not say the rotation period", _rotation_status),
    "iam:AddClientIDToOpenIDConnectProvider": Override("does not change clients", _change_clients(_add)),
    "iam:RemoveClientIDFromOpenIDConnectProvider": Override("does not change clients", _change_clients(_remove)),
    "iam:AttachRolePolicy": Override("knows AWS's own policies only if it loads all of them", _with_aws_policy),
    "iam:GetPolicy": Override("knows AWS's own policies only if it loads all of them", _with_aws_policy),
    "iam:GetPolicyVersion": Override("knows AWS's own policies only if it loads all of them", _with_aws_policy),
}
