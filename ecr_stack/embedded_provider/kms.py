"""`aws.kms.Key`, `aws.kms.KeyPolicy` and `aws.kms.Alias`."""

# ruff: noqa: ARG002  (all resource types have the same methods, and few use every argument)

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from ecr_stack.embedded_provider.resource import (
    Inputs,
    Outputs,
    ResourceType,
    Scope,
    between,
    changed,
    code_of,
    missing_is_none,
    retag,
    tag_list,
    tag_map,
    text_of,
)
from ecr_stack.errors import Problem

__all__ = ["Alias", "Key", "KeyPolicy", "ReplicaKey"]


class Key(ResourceType):
    """A key; its id is the key's."""

    token = "aws:kms/key:Key"
    replaces_on = frozenset({"customKeyStoreId", "customerMasterKeySpec", "keyUsage", "multiRegion", "xksKeyId"})
    documents = frozenset({"policy"})
    # what AWS chooses is unchanged if the program does not set it
    optional_blocks = frozenset({"description", "multiRegion", "policy", "rotationPeriodInDays"})
    defaults = {
        "bypassPolicyLockoutSafetyCheck": False,
        "customerMasterKeySpec": "SYMMETRIC_DEFAULT",
        "enableKeyRotation": False,
        "isEnabled": True,
        "keyUsage": "ENCRYPT_DECRYPT",
    }

    def problems(self, inputs: Inputs) -> list[Problem]:
        """Check values against the provider's schema."""
        period = "rotationPeriodInDays"
        found = [
            *between("deletionWindowInDays", inputs, 7, 30),
            *between(period, inputs, 90, 2560),
        ]
        if inputs.get(period) and "enableKeyRotation" not in inputs:
            found.append(Problem(period, inputs[period], "requires enableKeyRotation", "add enableKeyRotation: true"))
        if inputs.get("xksKeyId") and not inputs.get("customKeyStoreId"):
            found.append(Problem("xksKeyId", inputs["xksKeyId"], "requires customKeyStoreId", "add it"))
        return found

    def create(self, scope: Scope, inputs: Inputs) -> str:
        """CreateKey, then EnableKeyRotation and DisableKey if requested."""
        policy = inputs.get("policy")
        made = scope.call(
            "kms",
            "CreateKey",
            BypassPolicyLockoutSafetyCheck=inputs.get("bypassPolicyLockoutSafetyCheck"),
            CustomKeyStoreId=inputs.get("customKeyStoreId"),
            Description=inputs.get("description"),
            KeySpec=inputs.get("customerMasterKeySpec"),
            KeyUsage=inputs.get("keyUsage"),
            MultiRegion=inputs.get("multiRegion"),
            Policy=None if policy is None else text_of(policy),
            Tags=tag_list(scope.all_tags(inputs), "TagKey", "TagValue"),
        )
        id_ = str(made["KeyMetadata"]["KeyId"])
        if inputs.get("enableKeyRotation"):
            self._rotate(scope, id_, inputs)
        if inputs.get("isEnabled") is False:
            scope.call("kms", "DisableKey", KeyId=id_)
        return id_

    def _rotate(self, scope: Scope, id_: str, inputs: Inputs) -> None:
        if inputs.get("enableKeyRotation"):
            days = inputs.get("rotationPeriodInDays")
            scope.call("kms", "EnableKeyRotation", KeyId=id_, RotationPeriodInDays=int(days) if days else None)
        else:
            scope.call("kms", "DisableKeyRotation", KeyId=id_)

    def read(self, scope: Scope, id_: str, inputs: Inputs | None) -> Outputs | None:
        """DescribeKey, GetKeyPolicy, GetKeyRotationStatus, ListResourceTags; a key that waits for its end is gone."""
        answer = missing_is_none(lambda: scope.call("kms", "DescribeKey", KeyId=id_), "NotFoundException")
        if answer is None or answer["KeyMetadata"]["KeyState"].startswith("Pending"):
            return None
        found = answer["KeyMetadata"]
        policy = scope.call("kms", "GetKeyPolicy", KeyId=id_, PolicyName="default")["Policy"]
        rotation = scope.call("kms", "GetKeyRotationStatus", KeyId=id_)
        tags = scope.call("kms", "ListResourceTags", KeyId=id_).get("Tags", [])
        given = inputs or {}
        return {
            "arn": found["Arn"],
            "bypassPolicyLockoutSafetyCheck": given.get("bypassPolicyLockoutSafetyCheck", False),
            "customKeyStoreId": found.get("CustomKeyStoreId"),
            "customerMasterKeySpec": found["KeySpec"],
            "deletionWindowInDays": given.get("deletionWindowInDays"),
            "description": found.get("Description", ""),
            "enableKeyRotation": rotation["KeyRotationEnabled"],
            "isEnabled": found["Enabled"],
            "keyId": found["KeyId"],
            "keyUsage": found["KeyUsage"],
            "multiRegion": found.get("MultiRegion", False),
            "policy": policy,
            "rotationPeriodInDays": rotation.get("RotationPeriodInDays", 0),
            "xksKeyId": None,
            **scope.tag_outputs(inputs, tag_map(tags, "TagKey", "TagValue")),
        }

    def update(self, scope: Scope, id_: str, old: Inputs, new: Inputs) -> None:
        """EnableKey first, DisableKey last: a disabled key cannot be changed; between them what differs."""
        switched = changed("isEnabled", old, new)
        if switched and new.get("isEnabled", True):
            scope.call("kms", "EnableKey", KeyId=id_)
        enabled = new.get("enableKeyRotation")
        if changed("enableKeyRotation", old, new) or (enabled and changed("rotationPeriodInDays", old, new)):
            self._rotate(scope, id_, new)
        if changed("description", old, new):
            scope.call("kms", "UpdateKeyDescription", KeyId=id_, Description=new.get("description") or "")
        if new.get("policy") is not None and changed("policy", old, new):
            scope.call(
                "kms",
                "PutKeyPolicy",
                KeyId=id_,
                PolicyName="default",
                Policy=text_of(new["policy"]),
                BypassPolicyLockoutSafetyCheck=new.get("bypassPolicyLockoutSafetyCheck"),
            )
        if switched and new.get("isEnabled") is False:
            scope.call("kms", "DisableKey", KeyId=id_)
        retag(
            scope.all_tags(old),
            scope.all_tags(new),
            lambda keys: scope.call("kms", "UntagResource", KeyId=id_, TagKeys=keys),
            lambda tags: scope.call("kms", "TagResource", KeyId=id_, Tags=tag_list(tags, "TagKey", "TagValue")),
        )

    def delete(self, scope: Scope, id_: str, outputs: Inputs) -> None:
        """ScheduleKeyDeletion, then DescribeKey to confirm it."""
        days = outputs.get("deletionWindowInDays")
        try:
            scope.call("kms", "ScheduleKeyDeletion", KeyId=id_, PendingWindowInDays=int(days) if days else None)
        except ClientError as error:
            if code_of(error) not in ("NotFoundException", "KMSInvalidStateException"):
                raise
        missing_is_none(lambda: scope.call("kms", "DescribeKey", KeyId=id_), "NotFoundException")


class ReplicaKey(Key):
    """A replica of a multi-Region key in another Region; its id is the key's. It rotates with its primary key."""

    token = "aws:kms/replicaKey:ReplicaKey"
    replaces_on = frozenset({"primaryKeyArn"})
    optional_blocks = frozenset({"description", "policy"})
    defaults = {"bypassPolicyLockoutSafetyCheck": False, "enabled": True}

    def problems(self, inputs: Inputs) -> list[Problem]:
        """Check values against the provider's schema."""
        return between("deletionWindowInDays", inputs, 7, 30)

    def create(self, scope: Scope, inputs: Inputs) -> str:
        """ReplicateKey, in the Region of the primary key, then DisableKey if requested."""
        policy, primary = inputs.get("policy"), str(inputs["primaryKeyArn"])
        asked = {
            "KeyId": primary.rpartition("/")[2],
            "ReplicaRegion": scope.region,
            "BypassPolicyLockoutSafetyCheck": inputs.get("bypassPolicyLockoutSafetyCheck"),
            "Description": inputs.get("description"),
            "Policy": None if policy is None else text_of(policy),
            "Tags": tag_list(scope.all_tags(inputs), "TagKey", "TagValue"),
        }
        given = {name: value for name, value in asked.items() if value is not None}
        made = scope.aws.call("kms", "ReplicateKey", given, primary.split(":")[3])
        id_ = str(made["ReplicaKeyMetadata"]["KeyId"])
        if inputs.get("enabled") is False:
            scope.call("kms", "DisableKey", KeyId=id_)
        return id_

    def read(self, scope: Scope, id_: str, inputs: Inputs | None) -> Outputs | None:
        """DescribeKey, GetKeyPolicy, GetKeyRotationStatus, ListResourceTags; a key that waits for its end is gone."""
        found = super().read(scope, id_, inputs)
        if found is None:
            return None
        metadata = scope.call("kms", "DescribeKey", KeyId=id_)["KeyMetadata"]
        for name in ("customKeyStoreId", "customerMasterKeySpec", "enableKeyRotation", "multiRegion", "xksKeyId"):
            del found[name]
        rotated = scope.call("kms", "GetKeyRotationStatus", KeyId=id_)["KeyRotationEnabled"]
        return {
            **found,
            "enabled": found.pop("isEnabled"),
            "keyRotationEnabled": rotated,
            "keySpec": metadata["KeySpec"],
            "primaryKeyArn": metadata["MultiRegionConfiguration"]["PrimaryKey"]["Arn"],
        }

    def update(self, scope: Scope, id_: str, old: Inputs, new: Inputs) -> None:
        """As for any key, except that `isEnabled` is called `enabled` here."""
        before, after = ({**inputs, "isEnabled": inputs.get("enabled", True)} for inputs in (old, new))
        super().update(scope, id_, before, after)


class KeyPolicy(ResourceType):
    """The policy of a key that is created elsewhere; its id is the key's."""

    token = "aws:kms/keyPolicy:KeyPolicy"
    replaces_on = frozenset({"keyId"})
    documents = frozenset({"policy"})
    defaults = {"bypassPolicyLockoutSafetyCheck": False}

    def create(self, scope: Scope, inputs: Inputs) -> str:
        """PutKeyPolicy."""
        scope.call(
            "kms",
            "PutKeyPolicy",
            KeyId=inputs["keyId"],
            PolicyName="default",
            Policy=text_of(inputs["policy"]),
            BypassPolicyLockoutSafetyCheck=inputs.get("bypassPolicyLockoutSafetyCheck"),
        )
        return str(inputs["keyId"])

    def read(self, scope: Scope, id_: str, inputs: Inputs | None) -> Outputs | None:
        """DescribeKey, GetKeyPolicy."""
        answer = missing_is_none(lambda: scope.call("kms", "DescribeKey", KeyId=id_), "NotFoundException")
        if answer is None or answer["KeyMetadata"]["KeyState"].startswith("Pending"):
            return None
        return {
            "bypassPolicyLockoutSafetyCheck": (inputs or {}).get("bypassPolicyLockoutSafetyCheck", False),
            "keyId": id_,
            "policy": scope.call("kms", "GetKeyPolicy", KeyId=id_, PolicyName="default")["Policy"],
        }

    def update(self, scope: Scope, id_: str, old: Inputs, new: Inputs) -> None:
        """PutKeyPolicy."""
        self.create(scope, new)

    def delete(self, scope: Scope, id_: str, outputs: Inputs) -> None:
        """PutKeyPolicy with AWS's default policy for new keys: a key always has a policy."""
        root = f"arn:{scope.partition}:iam::{scope.account}:root"
        statement = {
            "Sid": "Enable IAM User Permissions",
            "Effect": "Allow",
            "Principal": {"AWS": root},
            "Action": "kms:*",
            "Resource": "*",
        }
        policy = {"Version": "2012-10-17", "Id": "key-default-1", "Statement": [statement]}
        missing_is_none(
            lambda: scope.call("kms", "PutKeyPolicy", KeyId=id_, PolicyName="default", Policy=text_of(policy)),
            "NotFoundException",
        )


class Alias(ResourceType):
    """An alias of a key; its id is the name, with `alias/`."""

    token = "aws:kms/alias:Alias"
    name_property = "name"
    replaces_on = frozenset({"name", "namePrefix"})

    def auto_name(self, name: str, seed: str = "") -> str:
        """Names begin with `alias/`, as all aliases do."""
        return f"alias/{super().auto_name(name, seed)}"

    def problems(self, inputs: Inputs) -> list[Problem]:
        """Check names against the provider's schema."""
        name = inputs.get("name") or ""
        if name and (not name.startswith("alias/") or name.startswith("alias/aws/")):
            return [Problem("name", name, "must begin with alias/, but not with alias/aws/", "write alias/NAME")]
        return []

    def same(self, name: str, old: Any, new: Any) -> bool:
        """A key's ARN and its id refer to the same key."""
        if name == "targetKeyId" and isinstance(old, str) and isinstance(new, str):
            return old.rpartition("/")[2] == new.rpartition("/")[2]
        return super().same(name, old, new)

    def create(self, scope: Scope, inputs: Inputs) -> str:
        """CreateAlias."""
        scope.call("kms", "CreateAlias", AliasName=inputs["name"], TargetKeyId=inputs["targetKeyId"])
        return str(inputs["name"])

    def read(self, scope: Scope, id_: str, inputs: Inputs | None) -> Outputs | None:
        """ListAliases, filtered by name."""
        for found in scope.call("kms", "ListAliases")["Aliases"]:
            if found["AliasName"] == id_:
                key = found["TargetKeyId"]
                return {
                    "arn": found["AliasArn"],
                    "name": found["AliasName"],
                    "namePrefix": (inputs or {}).get("namePrefix") or "",
                    "targetKeyArn": f"{found['AliasArn'].rpartition(':')[0]}:key/{key}",
                    "targetKeyId": key,
                }
        return None

    def update(self, scope: Scope, id_: str, old: Inputs, new: Inputs) -> None:
        """UpdateAlias."""
        if not self.same("targetKeyId", old.get("targetKeyId"), new.get("targetKeyId")):
            scope.call("kms", "UpdateAlias", AliasName=id_, TargetKeyId=new["targetKeyId"])

    def delete(self, scope: Scope, id_: str, outputs: Inputs) -> None:
        """DeleteAlias."""
        missing_is_none(lambda: scope.call("kms", "DeleteAlias", AliasName=id_), "NotFoundException")
