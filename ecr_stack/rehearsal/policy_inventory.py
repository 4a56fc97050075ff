"""The policies that a stack produces, gathered from its rehearsal for the report on access."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from ecr_stack.aws.iam.managed import MANAGED
from ecr_stack.aws.iam.matrix import PolicedRepository, PolicyInventory, RolePolicies
from ecr_stack.aws.iam.principals import arn_of
from ecr_stack.aws.iam.reader import Statement, read_policy
from ecr_stack.aws.names import partition_of
from ecr_stack.rehearsal.report import Report

__all__ = ["policy_inventory"]

Policy = tuple[Statement, ...]


def policy_inventory(report: Report) -> PolicyInventory:
    """Gather the policies of a rehearsal: of repositories and their replicas, of registries, and of roles."""
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
    inventory.roles = _of_roles(report)
    own = [PolicedRepository(name, arn, policies.get(arn, ())) for arn, name in names.items()]
    replicas = {replica.arn: replica for replica in _replicas(report, own)}
    made_by_stack = [replace(one, replica=one.arn in replicas) for one in own]
    made_by_ecr = [replica for arn, replica in replicas.items() if arn not in names]
    inventory.repositories = sorted(made_by_stack + made_by_ecr, key=lambda one: (one.replica, one.name, one.region))
    return inventory


def _arn(partition: str, region: str, account: str, name: str) -> str:
    return f"arn:{partition}:ecr:{region}:{account}:repository/{name}"


def _of_roles(report: Report) -> dict[str, RolePolicies]:
    """The policies of roles, by the role's ARN: inline, attached, and the permissions boundary."""
    partition = partition_of(report.region)
    documents = {
        record.outputs["arn"]: read_policy(record.outputs["policy"])
        for record in report.resources
        if record.type == "aws:iam/policy:Policy"
    }
    # A role is attached to by its name, which is one in an account whatever its path is.
    arns = {arn.rsplit("/", 1)[-1]: arn for arn in report.assumed if f":{report.account}:role/" in arn}
    arns |= {
        record.outputs["name"]: record.outputs["arn"]
        for record in report.resources
        if record.type == "aws:iam/role:Role"
    }
    roles: dict[str, RolePolicies] = {}

    def role_of(name: str) -> RolePolicies:
        return roles.setdefault(arns.get(name) or arn_of(f"role/{name}", report.account, partition), RolePolicies())

    def document(arn: str) -> Policy | None:
        name = arn.rpartition("/")[2]
        aws_managed = f":iam::aws:policy/{name}" in arn and name in MANAGED
        return read_policy(MANAGED[name]) if aws_managed else documents.get(arn)

    def attach(role: RolePolicies, arn: str) -> None:
        known = document(arn)
        if known is None:
            role.unread.append(arn)
        else:
            role.statements += known

    for record in report.resources:
        outputs = record.outputs
        match record.type:
            case "aws:iam/role:Role":
                inline = [each["policy"] for each in outputs.get("inlinePolicies") or [] if each.get("policy")]
                attached, boundary = outputs.get("managedPolicyArns") or [], outputs.get("permissionsBoundary")
                if not (inline or attached or boundary):
                    continue
                role = role_of(outputs["name"])
                for policy in inline:
                    role.statements += read_policy(policy)
                for arn in attached:
                    attach(role, arn)
                if boundary:
                    known = document(boundary)
                    role.boundary = boundary if known is None else known
            case "aws:iam/rolePolicy:RolePolicy":
                role_of(outputs["role"]).statements += read_policy(outputs["policy"])
            case "aws:iam/rolePolicyAttachment:RolePolicyAttachment":
                attach(role_of(outputs["role"]), outputs["policyArn"])
            case "aws:iam/policyAttachment:PolicyAttachment":
                for name in outputs.get("roles") or []:
                    attach(role_of(name), outputs["policyArn"])
    return roles


def _replicas(report: Report, repositories: list[PolicedRepository]) -> Iterator[PolicedRepository]:
    """The copies of repositories in other Regions of this account, with the policy of the template that makes them.

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
    """The policy that a new repository gets: of the template with the longest prefix of its name; `ROOT` is any name's."""
    fitting = [
        (-1 if found["prefix"] == "ROOT" else len(found["prefix"]), found.get("repositoryPolicy"))
        for found in templates
        if found["prefix"] == "ROOT" or name.startswith(found["prefix"].rstrip("/") + "/")
    ]
    text = max(fitting, key=lambda found: found[0])[1] if fitting else None
    return read_policy(text) if text else ()
