"""`aws.secretsmanager.Secret` and `aws.secretsmanager.SecretVersion`: the credentials of upstream registries for ECR."""

# ruff: noqa: ARG002  (all resource types have the same methods, and few use every argument)

from __future__ import annotations

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
)
from ecr_stack.errors import Problem, Unavailable

__all__ = ["Secret", "SecretVersion"]

_MISSING = "ResourceNotFoundException"


class Secret(ResourceType):
    """A secret without its value; its id is its ARN."""

    token = "aws:secretsmanager/secret:Secret"
    name_property = "name"
    replaces_on = frozenset({"name", "namePrefix"})
    documents = frozenset({"policy"})
    defaults = {"forceOverwriteReplicaSecret": False, "recoveryWindowInDays": 30}

    def problems(self, inputs: Inputs) -> list[Problem]:
        """Check values against the provider's schema."""
        days = inputs.get("recoveryWindowInDays")
        if days is None or days == 0 or 7 <= days <= 30:
            return []
        return [Problem("recoveryWindowInDays", days, "must be 0, or 7 to 30", "write 0 or 7")]

    def create(self, scope: Scope, inputs: Inputs) -> str:
        """CreateSecret."""
        if inputs.get("policy") or inputs.get("replicas"):
            raise Unavailable(f"{self.token}: a rehearsal does not support a secret with a policy or replicas")
        made = scope.call(
            "secretsmanager",
            "CreateSecret",
            Name=inputs["name"],
            Description=inputs.get("description"),
            KmsKeyId=inputs.get("kmsKeyId"),
            Tags=tag_list(scope.all_tags(inputs)),
        )
        return str(made["ARN"])

    def read(self, scope: Scope, id_: str, inputs: Inputs | None) -> Outputs | None:
        """DescribeSecret."""
        found = missing_is_none(lambda: scope.call("secretsmanager", "DescribeSecret", SecretId=id_), _MISSING)
        if found is None or found.get("DeletedDate"):
            return None
        given = inputs or {}
        return {
            "arn": found["ARN"],
            "description": found.get("Description"),
            "forceOverwriteReplicaSecret": given.get("forceOverwriteReplicaSecret", False),
            "kmsKeyId": found.get("KmsKeyId"),
            "name": found["Name"],
            "namePrefix": given.get("namePrefix") or "",
            "policy": "",
            "recoveryWindowInDays": given.get("recoveryWindowInDays", 30),
            "replicas": [],
            **scope.tag_outputs(inputs, tag_map(found.get("Tags", []))),
        }

    def update(self, scope: Scope, id_: str, old: Inputs, new: Inputs) -> None:
        """UpdateSecret, TagResource, UntagResource with what differs."""
        if changed("description", old, new) or changed("kmsKeyId", old, new):
            scope.call(
                "secretsmanager",
                "UpdateSecret",
                SecretId=id_,
                Description=new.get("description") or "",
                KmsKeyId=new.get("kmsKeyId"),
            )
        retag(
            scope.all_tags(old),
            scope.all_tags(new),
            lambda keys: scope.call("secretsmanager", "UntagResource", SecretId=id_, TagKeys=keys),
            lambda tags: scope.call("secretsmanager", "TagResource", SecretId=id_, Tags=tag_list(tags)),
        )

    def delete(self, scope: Scope, id_: str, outputs: Inputs) -> None:
        """DeleteSecret, at once if the recovery window is 0."""
        days = outputs.get("recoveryWindowInDays", 30)
        how: dict[str, Any] = {"RecoveryWindowInDays": int(days)} if days else {"ForceDeleteWithoutRecovery": True}
        missing_is_none(lambda: scope.call("secretsmanager", "DeleteSecret", SecretId=id_, **how), _MISSING)


class SecretVersion(ResourceType):
    """The value of a secret; its id is the secret's ARN and the version's."""

    token = "aws:secretsmanager/secretVersion:SecretVersion"
    replaces_on = frozenset({"secretBinary", "secretId", "secretString"})

    def create(self, scope: Scope, inputs: Inputs) -> str:
        """PutSecretValue."""
        made = scope.call(
            "secretsmanager",
            "PutSecretValue",
            SecretId=inputs["secretId"],
            SecretString=inputs.get("secretString"),
            VersionStages=inputs.get("versionStages"),
        )
        return f"{made['ARN']}|{made['VersionId']}"

    def read(self, scope: Scope, id_: str, inputs: Inputs | None) -> Outputs | None:
        """GetSecretValue."""
        secret, _, version = id_.partition("|")
        found = missing_is_none(
            lambda: scope.call("secretsmanager", "GetSecretValue", SecretId=secret, VersionId=version), _MISSING
        )
        if found is None:
            return None
        return {
            "arn": found["ARN"],
            "hasSecretStringWo": False,
            "secretId": secret,
            "secretString": found.get("SecretString"),
            "versionId": version,
            "versionStages": found.get("VersionStages", []),
        }

    def update(self, scope: Scope, id_: str, old: Inputs, new: Inputs) -> None:
        """Do nothing: another value is another version."""

    def delete(self, scope: Scope, id_: str, outputs: Inputs) -> None:
        """Do nothing: the current version is deleted with its secret."""
