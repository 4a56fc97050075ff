"""`aws.ecrpublic.Repository` and `aws.ecrpublic.RepositoryPolicy`: repositories in the ECR Public Gallery, always in us-east-1."""

# ruff: noqa: ARG002  (all resource types have the same methods, and few use every argument)

from __future__ import annotations

import base64
from typing import Any

from ecr_stack.embedded_provider.resource import (
    Inputs,
    Outputs,
    ResourceType,
    Scope,
    changed,
    missing_is_none,
    retag,
    tag_list,
    tag_map,
    text_of,
)

__all__ = ["PublicRepository", "PublicRepositoryPolicy"]

_MISSING = "RepositoryNotFoundException"


class PublicRepository(ResourceType):
    """A public repository; its id is its name."""

    token = "aws:ecrpublic/repository:Repository"
    replaces_on = frozenset({"repositoryName"})

    def create(self, scope: Scope, inputs: Inputs) -> str:
        """CreateRepository."""
        made = scope.call(
            "ecr-public",
            "CreateRepository",
            repositoryName=inputs["repositoryName"],
            catalogData=_catalog(inputs),
            tags=tag_list(scope.all_tags(inputs)),
        )
        return str(made["repository"]["repositoryName"])

    def read(self, scope: Scope, id_: str, inputs: Inputs | None) -> Outputs | None:
        """DescribeRepositories, GetRepositoryCatalogData, ListTagsForResource."""
        answer = missing_is_none(
            lambda: scope.call("ecr-public", "DescribeRepositories", repositoryNames=[id_]), _MISSING
        )
        if answer is None:
            return None
        found, given = answer["repositories"][0], inputs or {}
        catalog = scope.call("ecr-public", "GetRepositoryCatalogData", repositoryName=id_)["catalogData"]
        tags = scope.call("ecr-public", "ListTagsForResource", resourceArn=found["repositoryArn"])["tags"]
        shown = {
            name: catalog[name]
            for name in ("aboutText", "architectures", "description", "operatingSystems", "usageText")
            if catalog.get(name)
        }
        logo = (given.get("catalogData") or {}).get("logoImageBlob")
        return {
            "arn": found["repositoryArn"],
            "catalogData": {**shown, **({"logoImageBlob": logo} if logo else {})} or None,
            "forceDestroy": given.get("forceDestroy"),
            "registryId": found["registryId"],
            "repositoryName": found["repositoryName"],
            "repositoryUri": found["repositoryUri"],
            **scope.tag_outputs(inputs, tag_map(tags)),
        }

    def update(self, scope: Scope, id_: str, old: Inputs, new: Inputs) -> None:
        """PutRepositoryCatalogData, TagResource, UntagResource with what differs."""
        if changed("catalogData", old, new):
            scope.call("ecr-public", "PutRepositoryCatalogData", repositoryName=id_, catalogData=_catalog(new) or {})
        arn = f"arn:{scope.partition}:ecr-public::{scope.account}:repository/{id_}"
        retag(
            scope.all_tags(old),
            scope.all_tags(new),
            lambda keys: scope.call("ecr-public", "UntagResource", resourceArn=arn, tagKeys=keys),
            lambda tags: scope.call("ecr-public", "TagResource", resourceArn=arn, tags=tag_list(tags)),
        )

    def delete(self, scope: Scope, id_: str, outputs: Inputs) -> None:
        """DeleteRepository, with its images if `forceDestroy`."""
        force = bool(outputs.get("forceDestroy"))
        missing_is_none(lambda: scope.call("ecr-public", "DeleteRepository", repositoryName=id_, force=force), _MISSING)


class PublicRepositoryPolicy(ResourceType):
    """The policy of a public repository; its id is the repository's name."""

    token = "aws:ecrpublic/repositoryPolicy:RepositoryPolicy"
    replaces_on = frozenset({"repositoryName"})
    documents = frozenset({"policy"})

    def create(self, scope: Scope, inputs: Inputs) -> str:
        """SetRepositoryPolicy."""
        made = scope.call(
            "ecr-public",
            "SetRepositoryPolicy",
            repositoryName=inputs["repositoryName"],
            policyText=text_of(inputs["policy"]),
        )
        return str(made["repositoryName"])

    def read(self, scope: Scope, id_: str, inputs: Inputs | None) -> Outputs | None:
        """GetRepositoryPolicy."""
        found = missing_is_none(
            lambda: scope.call("ecr-public", "GetRepositoryPolicy", repositoryName=id_),
            _MISSING,
            "RepositoryPolicyNotFoundException",
        )
        return found and {"policy": found["policyText"], "registryId": found["registryId"], "repositoryName": id_}

    def update(self, scope: Scope, id_: str, old: Inputs, new: Inputs) -> None:
        """SetRepositoryPolicy."""
        self.create(scope, new)

    def delete(self, scope: Scope, id_: str, outputs: Inputs) -> None:
        """DeleteRepositoryPolicy."""
        missing_is_none(
            lambda: scope.call("ecr-public", "DeleteRepositoryPolicy", repositoryName=id_),
            _MISSING,
            "RepositoryPolicyNotFoundException",
        )


def _catalog(inputs: Inputs) -> dict[str, Any] | None:
    given = {name: value for name, value in (inputs.get("catalogData") or {}).items() if value is not None}
    if given.get("logoImageBlob"):
        given["logoImageBlob"] = base64.b64decode(given["logoImageBlob"])
    return given or None
