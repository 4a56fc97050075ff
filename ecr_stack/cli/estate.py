"""The policies that a stack produces, gathered from its rehearsal for the report on access."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ecr_stack.aws.iam.managed import MANAGED
from ecr_stack.aws.iam.matrix import Estate, PolicedRepository
from ecr_stack.aws.iam.principals import arn_of
from ecr_stack.aws.names import partition_of
from ecr_stack.rehearsal.report import Report

__all__ = ["estate_of"]

Document = Mapping[str, Any]


def estate_of(report: Report) -> Estate:
    """Gather the policies of a rehearsal: of repositories and their replicas, of registries, and of roles."""
    partition = partition_of(report.region)
    estate = Estate(report.account, partition)
    policies: dict[str, Document] = {}
    names: dict[str, str] = {}
    for record in report.resources:
        outputs = record.outputs
        region = str(outputs.get("region") or report.region)
        match record.type:
            case "aws:ecr/repository:Repository":
                names[outputs["arn"]] = outputs["name"]
            case "aws:ecr/repositoryPolicy:RepositoryPolicy":
                policies[_arn(partition, region, report.account, outputs["repository"])] = json.loads(outputs["policy"])
            case "aws:ecr/registryPolicy:RegistryPolicy":
                estate.registry_policies[region] = json.loads(outputs["policy"])
    for role, document in _of_roles(report):
        estate.identities.setdefault(role, []).append(document)
    own = [
        PolicedRepository(name, arn, policies.get(arn))
        for arn, name in sorted(names.items(), key=lambda item: (item[1], item[0]))
    ]
    replicas = {replica.arn: replica for replica in _replicas(report, own) if replica.arn not in names}
    estate.repositories = own + sorted(replicas.values(), key=lambda replica: (replica.name, replica.region))
    return estate


def _arn(partition: str, region: str, account: str, name: str) -> str:
    return f"arn:{partition}:ecr:{region}:{account}:repository/{name}"


def _of_roles(report: Report) -> Iterator[tuple[str, Document]]:
    """The policies of roles, each with the ARN of its role: inside of it, or attached to it."""
    partition = partition_of(report.region)
    own = {
        record.outputs["arn"]: json.loads(record.outputs["policy"])
        for record in report.resources
        if record.type == "aws:iam/policy:Policy"
    }
    # A role is attached to by its name, which is one in an account whatever its path is.
    given = {arn.rsplit("/", 1)[-1]: arn for arn in report.assumed if f":{report.account}:role/" in arn}
    made = {
        record.outputs["name"]: record.outputs["arn"]
        for record in report.resources
        if record.type == "aws:iam/role:Role"
    }
    roles = {**given, **made}

    def attached(role: str, policy: str) -> Iterator[tuple[str, Document]]:
        document = own.get(policy) or MANAGED.get(policy.rpartition("/")[2])
        if document:
            yield role, document

    for record in report.resources:
        outputs = record.outputs
        match record.type:
            case "aws:iam/role:Role":
                for inline in outputs.get("inlinePolicies") or []:
                    if inline.get("policy"):
                        yield outputs["arn"], json.loads(inline["policy"])
                for policy in outputs.get("managedPolicyArns") or []:
                    yield from attached(outputs["arn"], policy)
            case "aws:iam/rolePolicy:RolePolicy" | "aws:iam/rolePolicyAttachment:RolePolicyAttachment":
                name = outputs["role"]
                arn = roles.get(name) or arn_of(f"role/{name}", report.account, partition)
                if "policyArn" in outputs:
                    yield from attached(arn, outputs["policyArn"])
                else:
                    yield arn, json.loads(outputs["policy"])


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


def _of_template(name: str, templates: list[Mapping[str, Any]]) -> Document | None:
    """The policy that a new repository gets: of the template with the longest prefix of its name; `ROOT` is any name's."""
    fitting = [
        (-1 if found["prefix"] == "ROOT" else len(found["prefix"]), found.get("repositoryPolicy"))
        for found in templates
        if found["prefix"] == "ROOT" or name.startswith(found["prefix"].rstrip("/") + "/")
    ]
    text = max(fitting, key=lambda found: found[0])[1] if fitting else None
    document: Document | None = json.loads(text) if text else None
    return document
