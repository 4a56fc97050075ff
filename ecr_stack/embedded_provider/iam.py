"""`aws.iam.Role`, `aws.iam.RolePolicy`, `aws.iam.Policy` and `aws.iam.RolePolicyAttachment`."""

# ruff: noqa: ARG002  (all resource types have the same methods, and few use every argument)

from __future__ import annotations

from urllib.parse import unquote

from ecr_stack.embedded_provider.resource import (
    Inputs,
    Outputs,
    ResourceType,
    Scope,
    between,
    changed,
    length,
    missing_is_none,
    retag,
    tag_list,
    tag_map,
    text_of,
)
from ecr_stack.errors import Problem

__all__ = ["Policy", "Role", "RolePolicy", "RolePolicyAttachment"]

_MISSING = "NoSuchEntity"


def _document(text: str) -> str:
    """IAM returns documents URL-encoded."""
    return unquote(text)


class Role(ResourceType):
    """A role; its id is its name."""

    token = "aws:iam/role:Role"
    name_property = "name"
    name_length = 64
    replaces_on = frozenset({"name", "namePrefix", "path"})
    documents = frozenset({"assumeRolePolicy"})
    optional_blocks = frozenset({"inlinePolicies", "managedPolicyArns"})
    defaults = {"forceDetachPolicies": False, "maxSessionDuration": 3600, "path": "/"}

    def problems(self, inputs: Inputs) -> list[Problem]:
        """Check values against the provider's schema."""
        return [
            *between("maxSessionDuration", inputs, 3600, 43200),
            *length("name", inputs, 1, 64),
            *length("description", inputs, 0, 1000),
        ]

    def create(self, scope: Scope, inputs: Inputs) -> str:
        """CreateRole, then PutRolePolicy and AttachRolePolicy for the policies in the role's own inputs."""
        duration = inputs.get("maxSessionDuration")
        made = scope.call(
            "iam",
            "CreateRole",
            RoleName=inputs["name"],
            Path=inputs.get("path"),
            AssumeRolePolicyDocument=text_of(inputs["assumeRolePolicy"]),
            Description=inputs.get("description"),
            MaxSessionDuration=int(duration) if duration else None,
            PermissionsBoundary=inputs.get("permissionsBoundary"),
            Tags=tag_list(scope.all_tags(inputs)),
        )
        name = str(made["Role"]["RoleName"])
        self._policies(scope, name, {}, inputs)
        return name

    def _policies(self, scope: Scope, name: str, old: Inputs, new: Inputs) -> None:
        before, after = _inline(old), _inline(new)
        for policy in sorted(set(before) - set(after)):
            scope.call("iam", "DeleteRolePolicy", RoleName=name, PolicyName=policy)
        for policy, text in after.items():
            if before.get(policy) != text:
                scope.call("iam", "PutRolePolicy", RoleName=name, PolicyName=policy, PolicyDocument=text)
        attached, wanted = set(old.get("managedPolicyArns") or []), list(new.get("managedPolicyArns") or [])
        for arn in sorted(attached - set(wanted)):
            scope.call("iam", "DetachRolePolicy", RoleName=name, PolicyArn=arn)
        for arn in wanted:
            if arn not in attached:
                scope.call("iam", "AttachRolePolicy", RoleName=name, PolicyArn=arn)

    def read(self, scope: Scope, id_: str, inputs: Inputs | None) -> Outputs | None:
        """GetRole, ListRolePolicies with GetRolePolicy, ListAttachedRolePolicies."""
        answer = missing_is_none(lambda: scope.call("iam", "GetRole", RoleName=id_), _MISSING)
        if answer is None:
            return None
        found = answer["Role"]
        names = scope.call("iam", "ListRolePolicies", RoleName=id_)["PolicyNames"]
        attached = scope.call("iam", "ListAttachedRolePolicies", RoleName=id_)["AttachedPolicies"]
        return {
            "arn": found["Arn"],
            "assumeRolePolicy": _document(found["AssumeRolePolicyDocument"]),
            "createDate": found["CreateDate"].strftime("%Y-%m-%dT%H:%M:%SZ"),
            "description": found.get("Description"),
            "forceDetachPolicies": (inputs or {}).get("forceDetachPolicies", False),
            "inlinePolicies": [
                {
                    "name": name,
                    "policy": _document(
                        scope.call("iam", "GetRolePolicy", RoleName=id_, PolicyName=name)["PolicyDocument"]
                    ),
                }
                for name in names
            ],
            "managedPolicyArns": sorted(policy["PolicyArn"] for policy in attached),
            "maxSessionDuration": found["MaxSessionDuration"],
            "name": found["RoleName"],
            "namePrefix": (inputs or {}).get("namePrefix") or "",
            "path": found["Path"],
            "permissionsBoundary": found.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
            "uniqueId": found["RoleId"],
            **scope.tag_outputs(inputs, tag_map(found.get("Tags", []))),
        }

    def update(self, scope: Scope, id_: str, old: Inputs, new: Inputs) -> None:
        """UpdateAssumeRolePolicy, UpdateRole, Put/DeleteRolePermissionsBoundary, policies and tags: if they differ."""
        if changed("assumeRolePolicy", old, new):
            scope.call("iam", "UpdateAssumeRolePolicy", RoleName=id_, PolicyDocument=text_of(new["assumeRolePolicy"]))
        if changed("description", old, new) or changed("maxSessionDuration", old, new):
            scope.call(
                "iam",
                "UpdateRole",
                RoleName=id_,
                Description=new.get("description") or "",
                MaxSessionDuration=int(new.get("maxSessionDuration") or 3600),
            )
        if changed("permissionsBoundary", old, new):
            boundary = new.get("permissionsBoundary")
            if boundary:
                scope.call("iam", "PutRolePermissionsBoundary", RoleName=id_, PermissionsBoundary=boundary)
            else:
                scope.call("iam", "DeleteRolePermissionsBoundary", RoleName=id_)
        self._policies(scope, id_, old, new)
        retag(
            scope.all_tags(old),
            scope.all_tags(new),
            lambda keys: scope.call("iam", "UntagRole", RoleName=id_, TagKeys=keys),
            lambda tags: scope.call("iam", "TagRole", RoleName=id_, Tags=tag_list(tags)),
        )

    def delete(self, scope: Scope, id_: str, outputs: Inputs) -> None:
        """DeleteRole, after removing the policies in the role's own inputs (with `forceDetachPolicies`, all policies)."""
        forced = bool(outputs.get("forceDetachPolicies"))
        if missing_is_none(lambda: scope.call("iam", "GetRole", RoleName=id_), _MISSING) is None:
            return
        if forced or outputs.get("inlinePolicies"):
            for name in scope.call("iam", "ListRolePolicies", RoleName=id_)["PolicyNames"]:
                scope.call("iam", "DeleteRolePolicy", RoleName=id_, PolicyName=name)
        if forced or outputs.get("managedPolicyArns"):
            for policy in scope.call("iam", "ListAttachedRolePolicies", RoleName=id_)["AttachedPolicies"]:
                scope.call("iam", "DetachRolePolicy", RoleName=id_, PolicyArn=policy["PolicyArn"])
        scope.call("iam", "DeleteRole", RoleName=id_)


def _inline(inputs: Inputs) -> dict[str, str]:
    return {
        policy["name"]: text_of(policy["policy"])
        for policy in inputs.get("inlinePolicies") or []
        if policy.get("name") and policy.get("policy")
    }


class RolePolicy(ResourceType):
    """An inline policy of a role; its id is `ROLE:POLICY`."""

    token = "aws:iam/rolePolicy:RolePolicy"
    name_property = "name"
    name_length = 128
    replaces_on = frozenset({"name", "namePrefix", "role"})
    documents = frozenset({"policy"})

    def create(self, scope: Scope, inputs: Inputs) -> str:
        """PutRolePolicy."""
        scope.call(
            "iam",
            "PutRolePolicy",
            RoleName=inputs["role"],
            PolicyName=inputs["name"],
            PolicyDocument=text_of(inputs["policy"]),
        )
        return f"{inputs['role']}:{inputs['name']}"

    def read(self, scope: Scope, id_: str, inputs: Inputs | None) -> Outputs | None:
        """GetRolePolicy."""
        role, _, name = id_.partition(":")
        found = missing_is_none(lambda: scope.call("iam", "GetRolePolicy", RoleName=role, PolicyName=name), _MISSING)
        if found is None:
            return None
        return {
            "name": found["PolicyName"],
            "namePrefix": (inputs or {}).get("namePrefix") or "",
            "policy": _document(found["PolicyDocument"]),
            "role": found["RoleName"],
        }

    def update(self, scope: Scope, id_: str, old: Inputs, new: Inputs) -> None:
        """PutRolePolicy."""
        self.create(scope, new)

    def delete(self, scope: Scope, id_: str, outputs: Inputs) -> None:
        """DeleteRolePolicy."""
        role, _, name = id_.partition(":")
        missing_is_none(lambda: scope.call("iam", "DeleteRolePolicy", RoleName=role, PolicyName=name), _MISSING)


class Policy(ResourceType):
    """A managed policy of the account; its id is its ARN."""

    token = "aws:iam/policy:Policy"
    name_property = "name"
    name_length = 128
    replaces_on = frozenset({"description", "name", "namePrefix", "path"})
    documents = frozenset({"policy"})
    defaults = {"path": "/"}

    def problems(self, inputs: Inputs) -> list[Problem]:
        """Reject documents that are not JSON, and names that are too long."""
        return length("name", inputs, 1, 128)

    def create(self, scope: Scope, inputs: Inputs) -> str:
        """CreatePolicy."""
        made = scope.call(
            "iam",
            "CreatePolicy",
            PolicyName=inputs["name"],
            Path=inputs.get("path"),
            PolicyDocument=text_of(inputs["policy"]),
            Description=inputs.get("description"),
            Tags=tag_list(scope.all_tags(inputs)),
        )
        return str(made["Policy"]["Arn"])

    def read(self, scope: Scope, id_: str, inputs: Inputs | None) -> Outputs | None:
        """GetPolicy, GetPolicyVersion."""
        answer = missing_is_none(lambda: scope.call("iam", "GetPolicy", PolicyArn=id_), _MISSING)
        if answer is None:
            return None
        found = answer["Policy"]
        version = scope.call("iam", "GetPolicyVersion", PolicyArn=id_, VersionId=found["DefaultVersionId"])
        return {
            "arn": found["Arn"],
            "attachmentCount": found.get("AttachmentCount", 0),
            "delayAfterPolicyCreationInMs": (inputs or {}).get("delayAfterPolicyCreationInMs"),
            "description": found.get("Description") or None,
            "name": found["PolicyName"],
            "namePrefix": (inputs or {}).get("namePrefix") or "",
            "path": found["Path"],
            "policy": _document(version["PolicyVersion"]["Document"]),
            "policyId": found["PolicyId"],
            **scope.tag_outputs(inputs, tag_map(found.get("Tags", []))),
        }

    def update(self, scope: Scope, id_: str, old: Inputs, new: Inputs) -> None:
        """CreatePolicyVersion, after deleting the oldest version if there are five; tags."""
        if changed("policy", old, new):
            versions = scope.call("iam", "ListPolicyVersions", PolicyArn=id_)["Versions"]
            if len(versions) >= 5:
                spare = [version for version in versions if not version["IsDefaultVersion"]]
                oldest = min(spare, key=lambda version: int(version["VersionId"].removeprefix("v")))
                scope.call("iam", "DeletePolicyVersion", PolicyArn=id_, VersionId=oldest["VersionId"])
            scope.call(
                "iam", "CreatePolicyVersion", PolicyArn=id_, PolicyDocument=text_of(new["policy"]), SetAsDefault=True
            )
        retag(
            scope.all_tags(old),
            scope.all_tags(new),
            lambda keys: scope.call("iam", "UntagPolicy", PolicyArn=id_, TagKeys=keys),
            lambda tags: scope.call("iam", "TagPolicy", PolicyArn=id_, Tags=tag_list(tags)),
        )

    def delete(self, scope: Scope, id_: str, outputs: Inputs) -> None:
        """DeletePolicy, after its other versions."""
        answer = missing_is_none(lambda: scope.call("iam", "ListPolicyVersions", PolicyArn=id_), _MISSING)
        for version in (answer or {}).get("Versions", []):
            if not version["IsDefaultVersion"]:
                scope.call("iam", "DeletePolicyVersion", PolicyArn=id_, VersionId=version["VersionId"])
        if answer is not None:
            scope.call("iam", "DeletePolicy", PolicyArn=id_)


class RolePolicyAttachment(ResourceType):
    """A managed policy attached to a role; its id is `ROLE/POLICY-ARN`, also for imports."""

    token = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
    replaces_on = frozenset({"policyArn", "role"})
    deletes_first = True

    def create(self, scope: Scope, inputs: Inputs) -> str:
        """AttachRolePolicy."""
        scope.call("iam", "AttachRolePolicy", RoleName=inputs["role"], PolicyArn=inputs["policyArn"])
        return f"{inputs['role']}/{inputs['policyArn']}"

    def read(self, scope: Scope, id_: str, inputs: Inputs | None) -> Outputs | None:
        """ListAttachedRolePolicies, filtered by policy."""
        role, _, arn = id_.partition("/")
        answer = missing_is_none(lambda: scope.call("iam", "ListAttachedRolePolicies", RoleName=role), _MISSING)
        attached = [policy["PolicyArn"] for policy in (answer or {}).get("AttachedPolicies", [])]
        return {"policyArn": arn, "role": role} if arn in attached else None

    def delete(self, scope: Scope, id_: str, outputs: Inputs) -> None:
        """DetachRolePolicy."""
        role, _, arn = id_.partition("/")
        missing_is_none(lambda: scope.call("iam", "DetachRolePolicy", RoleName=role, PolicyArn=arn), _MISSING)
