"""`aws.ecr.Repository`, `aws.ecr.LifecyclePolicy` and `aws.ecr.RepositoryPolicy`."""

# ruff: noqa: ARG002  (all resource types have the same methods, and few use every argument)

from __future__ import annotations

import re
from typing import Any

from ecr_stack.embedded_provider.resource import (
    Inputs,
    Outputs,
    ResourceType,
    Scope,
    changed,
    length,
    missing_is_none,
    one_of,
    retag,
    tag_list,
    tag_map,
    text_of,
)
from ecr_stack.errors import Problem

__all__ = [
    "LifecyclePolicy",
    "Repository",
    "RepositoryPolicy",
    "encryption_problems",
    "mutability_problems",
    "same_encryption",
]

_MODES = ("MUTABLE", "IMMUTABLE", "MUTABLE_WITH_EXCLUSION", "IMMUTABLE_WITH_EXCLUSION")
_ENCRYPTIONS = ("AES256", "KMS", "KMS_DSSE")


def mutability_problems(inputs: Inputs) -> list[Problem]:
    """Find what the provider rejects in tag mutability and its exclusion filters."""
    name = "imageTagMutabilityExclusionFilters"
    found = [*one_of("imageTagMutability", inputs, _MODES), *length(name, inputs, 0, 5)]
    for index, entry in enumerate(inputs.get(name) or []):
        place = f"{name}[{index}]"
        if entry.get("filterType") != "WILDCARD":
            found.append(Problem(f"{place}.filterType", entry.get("filterType"), "must be WILDCARD", "write WILDCARD"))
        text = entry.get("filter", "")
        if text.count("*") > 2:
            found.append(Problem(f"{place}.filter", text, "a filter can have at most two wildcards (*)", "remove some"))
        if not re.fullmatch(r"[a-zA-Z0-9._*-]+", text):
            rule = "a filter can have only letters, digits and . _ * -"
            found.append(Problem(f"{place}.filter", text, rule, "remove other characters"))
        if not 1 <= len(text) <= 128:
            found.append(Problem(f"{place}.filter", text, "a filter must have 1 to 128 characters", "shorten it"))
    return found


def encryption_problems(name: str, inputs: Inputs) -> list[Problem]:
    """Find what the provider rejects in an encryption configuration."""
    entries = inputs.get(name) or []
    found = list(length(name, inputs, 0, 1))
    for index, entry in enumerate(entries):
        for problem in one_of("encryptionType", entry, _ENCRYPTIONS):
            found.append(Problem(f"{name}[{index}].{problem.place}", problem.value, problem.rule, problem.remedy))
    return found


def encryption(inputs: Inputs) -> dict[str, Any] | None:
    """Convert `encryptionConfigurations` for the API; the provider's default type is AES256."""
    entries = inputs.get("encryptionConfigurations")
    if not entries:
        return None
    written = {"encryptionType": entries[0].get("encryptionType") or "AES256"}
    if entries[0].get("kmsKey"):
        written["kmsKey"] = entries[0]["kmsKey"]
    return written


def same_encryption(old: Inputs, new: Inputs) -> bool:
    """Whether the provider considers two encryption configurations equal.

    `kms_key` is optional and computed, so the key that AWS chose, or the empty string if there is none, does not differ
    from a configuration without a key.
    """
    before, after = ({"encryptionType": "AES256", **each} for each in (old, new))
    if not after.get("kmsKey"):
        return bool(before["encryptionType"] == after["encryptionType"])
    return bool(before == after)


class Repository(ResourceType):
    """A repository; its id is its name."""

    token = "aws:ecr/repository:Repository"
    name_property = "name"
    replaces_on = frozenset({"name", "encryptionConfigurations"})
    optional_blocks = frozenset({"encryptionConfigurations", "imageScanningConfiguration"})
    defaults = {"imageTagMutability": "MUTABLE"}

    def problems(self, inputs: Inputs) -> list[Problem]:
        """Check values against the provider's schema."""
        return [*mutability_problems(inputs), *encryption_problems("encryptionConfigurations", inputs)]

    def same(self, name: str, old: Any, new: Any) -> bool:
        """Compare encryption as `same_encryption` does."""
        if name == "encryptionConfigurations" and old and new:
            return same_encryption(old[0], new[0])
        return super().same(name, old, new)

    def create(self, scope: Scope, inputs: Inputs) -> str:
        """CreateRepository."""
        made = scope.call(
            "ecr",
            "CreateRepository",
            repositoryName=inputs["name"],
            imageTagMutability=inputs.get("imageTagMutability"),
            imageTagMutabilityExclusionFilters=inputs.get("imageTagMutabilityExclusionFilters") or None,
            imageScanningConfiguration=inputs.get("imageScanningConfiguration") or None,
            encryptionConfiguration=encryption(inputs),
            tags=tag_list(scope.all_tags(inputs)),
        )
        return str(made["repository"]["repositoryName"])

    def read(self, scope: Scope, id_: str, inputs: Inputs | None) -> Outputs | None:
        """DescribeRepositories, ListTagsForResource."""
        answer = missing_is_none(
            lambda: scope.call("ecr", "DescribeRepositories", repositoryNames=[id_]), "RepositoryNotFoundException"
        )
        if answer is None:
            return None
        found = answer["repositories"][0]
        tags = scope.call("ecr", "ListTagsForResource", resourceArn=found["repositoryArn"])["tags"]
        encrypted = found["encryptionConfiguration"]
        return {
            "arn": found["repositoryArn"],
            "encryptionConfigurations": [
                {"encryptionType": encrypted["encryptionType"], "kmsKey": encrypted.get("kmsKey", "")}
            ],
            "forceDelete": (inputs or {}).get("forceDelete"),
            "imageScanningConfiguration": {"scanOnPush": found["imageScanningConfiguration"]["scanOnPush"]},
            "imageTagMutability": found["imageTagMutability"],
            "imageTagMutabilityExclusionFilters": found.get("imageTagMutabilityExclusionFilters"),
            "name": found["repositoryName"],
            "registryId": found["registryId"],
            "repositoryUrl": found["repositoryUri"],
            **scope.tag_outputs(inputs, tag_map(tags)),
        }

    def update(self, scope: Scope, id_: str, old: Inputs, new: Inputs) -> None:
        """PutImageTagMutability, PutImageScanningConfiguration, TagResource, UntagResource: each if necessary."""
        filters = "imageTagMutabilityExclusionFilters"
        if changed("imageTagMutability", old, new) or changed(filters, old, new):
            scope.call(
                "ecr",
                "PutImageTagMutability",
                registryId=scope.account,
                repositoryName=id_,
                imageTagMutability=new.get("imageTagMutability"),
                imageTagMutabilityExclusionFilters=new.get(filters) or None,
            )
        scanning = new.get("imageScanningConfiguration")
        if scanning and changed("imageScanningConfiguration", old, new):
            scope.call(
                "ecr",
                "PutImageScanningConfiguration",
                registryId=scope.account,
                repositoryName=id_,
                imageScanningConfiguration=scanning,
            )
        arn = f"arn:{scope.partition}:ecr:{scope.region}:{scope.account}:repository/{id_}"
        retag(
            scope.all_tags(old),
            scope.all_tags(new),
            lambda keys: scope.call("ecr", "UntagResource", resourceArn=arn, tagKeys=keys),
            lambda tags: scope.call("ecr", "TagResource", resourceArn=arn, tags=tag_list(tags)),
        )

    def delete(self, scope: Scope, id_: str, outputs: Inputs) -> None:
        """DeleteRepository, with its images only if `forceDelete` is set; DescribeRepositories until it is gone."""
        missing_is_none(
            lambda: scope.call(
                "ecr",
                "DeleteRepository",
                registryId=outputs.get("registryId") or scope.account,
                repositoryName=id_,
                force=bool(outputs.get("forceDelete")),
            ),
            "RepositoryNotFoundException",
        )
        missing_is_none(
            lambda: scope.call("ecr", "DescribeRepositories", repositoryNames=[id_]), "RepositoryNotFoundException"
        )


class LifecyclePolicy(ResourceType):
    """A repository's lifecycle policy; its id is the repository's name.

    The provider cannot update it: a changed document replaces the resource, and the old one is deleted first.

    https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/ecr/lifecycle_policy.go
    https://github.com/pulumi/pulumi-aws/pull/2085
    """

    token = "aws:ecr/lifecyclePolicy:LifecyclePolicy"
    replaces_on = frozenset({"repository"})
    recreates_on = frozenset({"policy"})
    deletes_first = True
    documents = frozenset({"policy"})

    def create(self, scope: Scope, inputs: Inputs) -> str:
        """PutLifecyclePolicy."""
        made = scope.call(
            "ecr",
            "PutLifecyclePolicy",
            repositoryName=inputs["repository"],
            lifecyclePolicyText=text_of(inputs["policy"]),
        )
        return str(made["repositoryName"])

    def read(self, scope: Scope, id_: str, inputs: Inputs | None) -> Outputs | None:
        """GetLifecyclePolicy."""
        found = missing_is_none(
            lambda: scope.call("ecr", "GetLifecyclePolicy", repositoryName=id_),
            "LifecyclePolicyNotFoundException",
            "RepositoryNotFoundException",
        )
        if found is None:
            return None
        return {
            "policy": found["lifecyclePolicyText"],
            "registryId": found["registryId"],
            "repository": found["repositoryName"],
        }

    def update(self, scope: Scope, id_: str, old: Inputs, new: Inputs) -> None:
        """PutLifecyclePolicy."""
        self.create(scope, new)

    def delete(self, scope: Scope, id_: str, outputs: Inputs) -> None:
        """DeleteLifecyclePolicy."""
        missing_is_none(
            lambda: scope.call("ecr", "DeleteLifecyclePolicy", repositoryName=id_),
            "LifecyclePolicyNotFoundException",
            "RepositoryNotFoundException",
        )


class RepositoryPolicy(ResourceType):
    """A repository's policy; its id is the repository's name."""

    token = "aws:ecr/repositoryPolicy:RepositoryPolicy"
    replaces_on = frozenset({"repository"})
    documents = frozenset({"policy"})

    def create(self, scope: Scope, inputs: Inputs) -> str:
        """SetRepositoryPolicy. The real provider retries for two minutes while AWS does not find a principal."""
        made = scope.call(
            "ecr", "SetRepositoryPolicy", repositoryName=inputs["repository"], policyText=text_of(inputs["policy"])
        )
        return str(made["repositoryName"])

    def read(self, scope: Scope, id_: str, inputs: Inputs | None) -> Outputs | None:
        """GetRepositoryPolicy."""
        found = missing_is_none(
            lambda: scope.call("ecr", "GetRepositoryPolicy", repositoryName=id_),
            "RepositoryPolicyNotFoundException",
            "RepositoryNotFoundException",
        )
        if found is None:
            return None
        return {
            "policy": found["policyText"],
            "registryId": found["registryId"],
            "repository": found["repositoryName"],
        }

    def update(self, scope: Scope, id_: str, old: Inputs, new: Inputs) -> None:
        """SetRepositoryPolicy."""
        self.create(scope, new)

    def delete(self, scope: Scope, id_: str, outputs: Inputs) -> None:
        """DeleteRepositoryPolicy."""
        missing_is_none(
            lambda: scope.call("ecr", "DeleteRepositoryPolicy", registryId=scope.account, repositoryName=id_),
            "RepositoryPolicyNotFoundException",
            "RepositoryNotFoundException",
        )
