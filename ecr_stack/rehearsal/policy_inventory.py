"""The policies of a stack, collected from its rehearsal for the access report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from ecr_stack.aws.iam.managed import MANAGED
from ecr_stack.aws.iam.matrix import PolicedRepository, PolicyInventory, PrincipalPolicies
from ecr_stack.aws.iam.principals import arn_of
from ecr_stack.aws.iam.reader import Statement, read_policy
from ecr_stack.aws.names import partition_of
from ecr_stack.rehearsal.report import Report

__all__ = ["policy_inventory"]

Policy = tuple[Statement, ...]


def policy_inventory(report: Report) -> PolicyInventory:
    """Collect the policies of a rehearsal: of repositories and their replicas, of registries, and of roles."""
    partition = partition_of(report.region)
    inventory = PolicyInventory(report.account, partition)
    policies: dict[str, Policy] = {}
    names: dict[str, str] = {}
    for record in report.resources:
        outputs = record.outputs
        region = str(outputs.get("region") or report.region)
        match record.type:
            case "aws:ecr/repository:Repository":
                names[outputs["arn"]] = outputs["name"]
            case "aws:ecr/repositoryPolicy:RepositoryPolicy":
                policies[_arn(partition, region, report.account, outputs["repository"])] = read_policy(
                    outputs["policy"]
                )
            case "aws:ecr/registryPolicy:RegistryPolicy":
                inventory.registry_policies[region] = read_policy(outputs["policy"])
    inventory.principal_policies = _of_principals(report)
    own = [PolicedRepository(name, arn, policies.get(arn, ())) for arn, name in names.items()]
    replicas = {replica.arn: replica for replica in _replicas(report, own)}
    made_by_stack = [replace(one, replica=one.arn in replicas) for one in own]
    made_by_ecr = [replica for arn, replica in replicas.items() if arn not in names]
    inventory.repositories = sorted(made_by_stack + made_by_ecr, key=lambda one: (one.replica, one.name, one.region))
    return inventory


def _arn(partition: str, region: str, account: str, name: str) -> str:
    return f"arn:{partition}:ecr:{region}:{account}:repository/{name}"


_NAMED = {"role": "role", "user": "user", "roleName": "role", "userName": "user", "roles": "role", "users": "user"}
"""The properties with which a policy names what it is attached to."""


def _of_principals(report: Report) -> dict[str, PrincipalPolicies]:
    """The policies of roles and users, by their ARNs: inline, attached, of a user's groups, and the permissions boundary."""
    partition = partition_of(report.region)
    documents = {
        record.outputs["arn"]: read_policy(record.outputs["policy"])
        for record in report.resources
        if record.type == "aws:iam/policy:Policy"
    }
    # Attachments use the name of a role or user, which is unique in an account regardless of its path.
    arns = {
        (kind, arn.rsplit("/", 1)[-1]): arn
        for kind in ("role", "user")
        for arn in report.assumed
        if f":{report.account}:{kind}/" in arn
    }
    arns |= {
        (kind, record.outputs["name"]): record.outputs["arn"]
        for record in report.resources
        for kind in ("role", "user")
        if record.type == f"aws:iam/{kind}:{kind.title()}" and "arn" in record.outputs
    }
    found: dict[str, PrincipalPolicies] = {}

    def of(kind: str, name: str) -> PrincipalPolicies:
        arn = arns.get((kind, name)) or arn_of(f"{kind}/{name}", report.account, partition)
        return found.setdefault(arn, PrincipalPolicies())

    def document(arn: str) -> Policy | None:
        name = arn.rpartition("/")[2]
        aws_managed = f":iam::aws:policy/{name}" in arn and name in MANAGED
        return read_policy(MANAGED[name]) if aws_managed else documents.get(arn)

    def attach(principal: PrincipalPolicies, arn: str) -> None:
        known = document(arn)
        if known is None:
            principal.unread.append(arn)
        else:
            principal.statements += known

    groups = _members(report)
    for record in report.resources:
        outputs, kind = record.outputs, record.type.rpartition(":")[2]
        if not record.type.startswith("aws:iam/"):
            continue
        if kind in ("Role", "User"):
            inline = [each["policy"] for each in outputs.get("inlinePolicies") or [] if each.get("policy")]
            attached, boundary = outputs.get("managedPolicyArns") or [], outputs.get("permissionsBoundary")
            if not (inline or attached or boundary):
                continue
            principal = of(kind.lower(), outputs.get("name") or record.name)
            for policy in inline:
                principal.statements += read_policy(policy)
            for arn in attached:
                attach(principal, arn)
            if boundary:
                known = document(boundary)
                principal.boundary = boundary if known is None else known
        if "Policy" not in kind and "Policies" not in kind:
            continue
        named = [(_NAMED[key], name) for key in _NAMED for name in _listed(outputs.get(key))]
        named += [
            ("user", user)
            for key in ("group", "groups", "groupName")
            for name in _listed(outputs.get(key))
            for user in groups.get(name, ())
        ]
        for entry in named:
            for arn in (*_listed(outputs.get("policyArn")), *_listed(outputs.get("policyArns"))):
                attach(of(*entry), arn)
            if kind in ("RolePolicy", "UserPolicy", "GroupPolicy"):
                of(*entry).statements += read_policy(outputs["policy"])
    return found


def _members(report: Report) -> dict[str, list[str]]:
    """The users of each group, as far as the stack defines them."""
    members: dict[str, list[str]] = {}
    for record in report.resources:
        if record.type in (
            "aws:iam/groupMembership:GroupMembership",
            "aws:iam/userGroupMembership:UserGroupMembership",
        ):
            outputs = record.outputs
            for group in (*_listed(outputs.get("group")), *_listed(outputs.get("groups"))):
                members.setdefault(group, []).extend((*_listed(outputs.get("user")), *_listed(outputs.get("users"))))
    return members


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value or [])


def _replicas(report: Report, repositories: list[PolicedRepository]) -> Iterator[PolicedRepository]:
    """The replicas of repositories in other Regions of this account, with the policy of the template that creates them.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-creation-templates.html
    """
    partition = partition_of(report.region)
    templates: dict[str, list[Mapping[str, Any]]] = {}
    for record in report.resources:
        outputs = record.outputs
        made = record.type == "aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate"
        if made and "REPLICATION" in outputs["appliedFors"]:
            templates.setdefault(str(outputs.get("region") or report.region), []).append(outputs)
    for record in report.resources:
        if record.type != "aws:ecr/replicationConfiguration:ReplicationConfiguration":
            continue
        home = str(record.outputs.get("region") or report.region)
        for rule in (record.outputs.get("replicationConfiguration") or {}).get("rules") or []:
            prefixes = tuple(found["filter"] for found in rule.get("repositoryFilters") or []) or ("",)
            chosen = [one.name for one in repositories if one.region == home and one.name.startswith(prefixes)]
            for destination in rule["destinations"]:
                region = destination["region"]
                if destination["registryId"] == report.account:
                    for name in chosen:
                        policy = _of_template(name, templates.get(region, []))
                        yield PolicedRepository(
                            name, _arn(partition, region, report.account, name), policy, replica=True
                        )


def _of_template(name: str, templates: list[Mapping[str, Any]]) -> Policy:
    """The policy of a new repository: from the template with the longest prefix of its name; `ROOT` matches any name."""
    fitting = [
        (-1 if found["prefix"] == "ROOT" else len(found["prefix"]), found.get("repositoryPolicy"))
        for found in templates
        if found["prefix"] == "ROOT" or name.startswith(found["prefix"].rstrip("/") + "/")
    ]
    text = max(fitting, key=lambda found: found[0])[1] if fitting else None
    return read_policy(text) if text else ()
