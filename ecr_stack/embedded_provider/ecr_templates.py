"""`aws.ecr.RepositoryCreationTemplate` and `aws.ecr.PullThroughCacheRule`: repositories that ECR itself creates."""

# ruff: noqa: ARG002  (all resource types have the same methods, and few use every argument)

from __future__ import annotations

from typing import Any

from ecr_stack.embedded_provider.ecr_repository import (
    encryption,
    encryption_problems,
    mutability_problems,
    same_encryption,
)
from ecr_stack.embedded_provider.resource import (
    Inputs,
    Outputs,
    ResourceType,
    Scope,
    changed,
    length,
    missing_is_none,
    tag_list,
    tag_map,
    text_of,
)
from ecr_stack.errors import Problem

__all__ = ["PullThroughCacheRule", "RepositoryCreationTemplate"]

_SCENARIOS = ("PULL_THROUGH_CACHE", "REPLICATION", "CREATE_ON_PUSH")


class RepositoryCreationTemplate(ResourceType):
    """The settings of repositories that ECR creates under a prefix; its id is the prefix."""

    token = "aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate"
    replaces_on = frozenset({"prefix"})
    documents = frozenset({"lifecyclePolicy", "repositoryPolicy"})
    optional_blocks = frozenset({"encryptionConfigurations"})
    defaults = {"imageTagMutability": "MUTABLE"}

    def problems(self, inputs: Inputs) -> list[Problem]:
        """Check values against the provider's schema."""
        found = [
            *mutability_problems(inputs),
            *encryption_problems("encryptionConfigurations", inputs),
            *length("description", inputs, 0, 255),
            *length("prefix", inputs, 2, 256),
        ]
        for index, scenario in enumerate(inputs.get("appliedFors") or []):
            if scenario not in _SCENARIOS:
                rule = f"must be one of {', '.join(_SCENARIOS)}"
                found.append(Problem(f"appliedFors[{index}]", scenario, rule, f"write {_SCENARIOS[1]}"))
        return found

    def same(self, name: str, old: Any, new: Any) -> bool:
        """Compare encryption as `same_encryption` does; `appliedFors` is a set."""
        if name == "encryptionConfigurations" and old and new:
            return same_encryption(old[0], new[0])
        if name == "appliedFors" and old and new:
            return set(old) == set(new)
        return super().same(name, old, new)

    def _asked(self, inputs: Inputs) -> dict[str, Any]:
        lifecycle, policy = inputs.get("lifecyclePolicy"), inputs.get("repositoryPolicy")
        return {
            "prefix": inputs["prefix"],
            "appliedFor": list(inputs["appliedFors"]),
            "customRoleArn": inputs.get("customRoleArn"),
            "description": inputs.get("description"),
            "encryptionConfiguration": encryption(inputs),
            "imageTagMutability": inputs.get("imageTagMutability"),
            "imageTagMutabilityExclusionFilters": inputs.get("imageTagMutabilityExclusionFilters") or None,
            "lifecyclePolicy": None if lifecycle is None else text_of(lifecycle),
            "repositoryPolicy": None if policy is None else text_of(policy),
            "resourceTags": tag_list(inputs.get("resourceTags") or {}),
        }

    def create(self, scope: Scope, inputs: Inputs) -> str:
        """CreateRepositoryCreationTemplate."""
        made = scope.call("ecr", "CreateRepositoryCreationTemplate", **self._asked(inputs))
        return str(made["repositoryCreationTemplate"]["prefix"])

    def read(self, scope: Scope, id_: str, inputs: Inputs | None) -> Outputs | None:
        """DescribeRepositoryCreationTemplates."""
        answer = scope.call("ecr", "DescribeRepositoryCreationTemplates", prefixes=[id_])
        if not answer["repositoryCreationTemplates"]:
            return None
        found = answer["repositoryCreationTemplates"][0]
        encrypted = found.get("encryptionConfiguration")
        return {
            "appliedFors": sorted(found["appliedFor"]),
            "customRoleArn": found.get("customRoleArn"),
            "description": found.get("description"),
            "encryptionConfigurations": encrypted
            and [{"encryptionType": encrypted["encryptionType"], "kmsKey": encrypted.get("kmsKey", "")}],
            "imageTagMutability": found.get("imageTagMutability"),
            "imageTagMutabilityExclusionFilters": found.get("imageTagMutabilityExclusionFilters"),
            "lifecyclePolicy": found.get("lifecyclePolicy"),
            "prefix": found["prefix"],
            "registryId": answer["registryId"],
            "repositoryPolicy": found.get("repositoryPolicy"),
            "resourceTags": tag_map(found.get("resourceTags", [])) or None,
        }

    def update(self, scope: Scope, id_: str, old: Inputs, new: Inputs) -> None:
        """UpdateRepositoryCreationTemplate, with what differs."""
        asked, before = self._asked(new), self._asked(old)
        changes = {name: value for name, value in asked.items() if value != before[name]}
        if changed("imageTagMutabilityExclusionFilters", old, new):
            # filters are rejected without the mutability that they are exclusions from
            changes["imageTagMutability"] = asked["imageTagMutability"]
        scope.call("ecr", "UpdateRepositoryCreationTemplate", **{**changes, "prefix": id_})

    def delete(self, scope: Scope, id_: str, outputs: Inputs) -> None:
        """DeleteRepositoryCreationTemplate."""
        missing_is_none(
            lambda: scope.call("ecr", "DeleteRepositoryCreationTemplate", prefix=id_), "TemplateNotFoundException"
        )


class PullThroughCacheRule(ResourceType):
    """A cache of another registry under a prefix; its id is the prefix."""

    token = "aws:ecr/pullThroughCacheRule:PullThroughCacheRule"
    replaces_on = frozenset({"ecrRepositoryPrefix", "upstreamRegistryUrl", "upstreamRepositoryPrefix"})

    def problems(self, inputs: Inputs) -> list[Problem]:
        """Check prefixes against the provider's schema."""
        names = ("ecrRepositoryPrefix", "upstreamRepositoryPrefix")
        return [problem for name in names for problem in length(name, inputs, 2, 30)]

    def create(self, scope: Scope, inputs: Inputs) -> str:
        """CreatePullThroughCacheRule."""
        names = (
            "ecrRepositoryPrefix",
            "upstreamRegistryUrl",
            "credentialArn",
            "customRoleArn",
            "upstreamRepositoryPrefix",
        )
        made = scope.call("ecr", "CreatePullThroughCacheRule", **{name: inputs.get(name) for name in names})
        return str(made["ecrRepositoryPrefix"])

    def read(self, scope: Scope, id_: str, inputs: Inputs | None) -> Outputs | None:
        """DescribePullThroughCacheRules."""
        answer = missing_is_none(
            lambda: scope.call("ecr", "DescribePullThroughCacheRules", ecrRepositoryPrefixes=[id_]),
            "PullThroughCacheRuleNotFoundException",
        )
        if answer is None:
            return None
        found = answer["pullThroughCacheRules"][0]
        return {
            "credentialArn": found.get("credentialArn"),
            "customRoleArn": found.get("customRoleArn"),
            "ecrRepositoryPrefix": found["ecrRepositoryPrefix"],
            "registryId": found["registryId"],
            "upstreamRegistryUrl": found["upstreamRegistryUrl"],
            "upstreamRepositoryPrefix": found.get("upstreamRepositoryPrefix"),
        }

    def update(self, scope: Scope, id_: str, old: Inputs, new: Inputs) -> None:
        """UpdatePullThroughCacheRule."""
        scope.call(
            "ecr",
            "UpdatePullThroughCacheRule",
            ecrRepositoryPrefix=id_,
            credentialArn=new.get("credentialArn"),
            customRoleArn=new.get("customRoleArn"),
        )

    def delete(self, scope: Scope, id_: str, outputs: Inputs) -> None:
        """DeletePullThroughCacheRule."""
        missing_is_none(
            lambda: scope.call("ecr", "DeletePullThroughCacheRule", ecrRepositoryPrefix=id_),
            "PullThroughCacheRuleNotFoundException",
        )
