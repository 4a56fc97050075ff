"""Repositories: how they come into being, by a call, by replication, by a pull or a push, and what their tags may do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from botocore.exceptions import ClientError

from ecr_stack.aws.lifecycle.tag_filter import TagFilter
from ecr_stack.embedded_aws import api_model, moto_backend
from ecr_stack.embedded_aws.aws_errors import refusal
from ecr_stack.embedded_aws.request import Request, State
from ecr_stack.embedded_aws.rules.keys import encrypting_key, find_key

if TYPE_CHECKING:
    from moto.ecr.models import Repository

__all__ = [
    "MANAGED_KEY",
    "Scenario",
    "create_for",
    "create_repository",
    "delete_repository",
    "has_usable_key",
    "is_immutable",
    "managed_key",
    "matching_template",
    "tag_is_immutable",
]

Answer = dict[str, Any]
Scenario = Literal["REPLICATION", "PULL_THROUGH_CACHE", "CREATE_ON_PUSH"]

MANAGED_KEY = "alias/aws/ecr"


def create_repository(request: Request) -> Answer:
    """Answer `CreateRepository`."""
    encryption = dict(request.get("encryptionConfiguration") or {})
    if encryption.get("encryptionType", "AES256") != "AES256":
        key = encryption.get("kmsKey")
        encryption["kmsKey"] = encrypting_key(request, key) if key else managed_key(request)
    with moto_backend.every_repository_name():
        return request.forward({"encryptionConfiguration": encryption or None})


def managed_key(request: Request) -> str:
    """Return the ARN of AWS's own key for ECR, which comes into being on its first use."""
    key = find_key(MANAGED_KEY, request.account, request.region)
    if key is None:
        state = moto_backend.kms_state(request.account, request.region)
        description = "Default key that protects my ECR data when no other key is defined"
        key = state.create_key(None, "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT", description, None)
        key.key_manager = "AWS"
        state.create_alias(key.id, MANAGED_KEY)
    return str(key.arn)


def delete_repository(request: Request) -> Answer:
    """Answer `DeleteRepository`: one that has images goes by `force` only."""
    name = request.get("repositoryName")
    if request.contents.images and not request.get("force"):
        raise request.refuse(
            "RepositoryNotEmptyException",
            f"The repository with name '{name}' in registry with id '{request.account}' cannot be deleted because it "
            "still contains images",
        )
    answer = request.forward()
    request.state.images(request.region).drop(name)
    return answer


def is_immutable(repository: Repository, tag: str) -> bool:
    """Whether a tag, once set in a repository, cannot move to another image.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-tag-mutability.html
    """
    mode = repository.image_tag_mutability
    filters = repository.image_tag_mutability_exclusion_filters or []
    excluded = any(TagFilter.pattern(entry["filter"]).matches(tag) for entry in filters)
    return str(getattr(mode, "value", mode)).startswith("IMMUTABLE") != excluded


def tag_is_immutable(repository: str, tag: str) -> ClientError:
    """Build ECR's refusal of a push to a tag that is taken and cannot move."""
    return refusal(
        "PutImage",
        "ImageTagAlreadyExistsException",
        f"The image tag '{tag}' already exists in the '{repository}' repository and cannot be overwritten because the "
        "tag is immutable.",
    )


def has_usable_key(repository: Repository, account: str, region: str) -> bool:
    """Whether images of a repository can be written and read: not if its KMS key is disabled or about to be deleted.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/encryption-at-rest.html
    """
    arn = (repository.encryption_configuration or {}).get("kmsKey")
    key = find_key(arn, account, region) if arn else None
    return key is None or key.key_state == "Enabled"


def matching_template(state: State, region: str, name: str, scenario: Scenario) -> Answer | None:
    """Return the creation template that a repository would be made from.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-creation-templates.html: a prefix is a namespace,
    `prod` is for `prod/…`; the most specific one is used; `ROOT` is for repositories that no other template matches.
    Only templates for the scenario are looked at: what ECR does if the most specific one is for another scenario is
    not documented.
    """
    templates = [
        template
        for template in state.of("repository creation template", region).values()
        if scenario in template.get("appliedFor", ())
    ]
    namespaced = [template for template in templates if name.startswith(template["prefix"].rstrip("/") + "/")]
    if namespaced:
        return dict(max(namespaced, key=lambda template: len(template["prefix"].rstrip("/"))))
    return next((dict(template) for template in templates if template["prefix"] == "ROOT"), None)


def create_for(state: State, region: str, name: str, scenario: Scenario) -> None:
    """Make a repository as ECR itself does: from a template, or by ECR's defaults (MUTABLE, AES256, no policies).

    Raises:
        botocore.exceptions.ClientError: it cannot be made, e.g. because the template's key is disabled.
    """
    template = matching_template(state, region, name, scenario) or {}
    copied = ("imageTagMutability", "imageTagMutabilityExclusionFilters")
    settings = {key: template[key] for key in copied if template.get(key)}
    encryption = dict(template.get("encryptionConfiguration") or {})
    if encryption:
        settings["encryptionConfiguration"] = {key: value for key, value in encryption.items() if value}
    if template.get("resourceTags"):
        settings["tags"] = template["resourceTags"]
    model = api_model.operation("ecr", "CreateRepository")
    create_repository(Request(model, {"repositoryName": name, **settings}, state.account, region, state))
    repository = moto_backend.ecr_state(state.account, region).repositories[name]
    repository.policy = template.get("repositoryPolicy") or None
    repository.lifecycle_policy = template.get("lifecyclePolicy") or None
