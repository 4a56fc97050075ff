"""Repositories keep what they hold: fixed tags, protection, scans, required tags, replicas."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping
from typing import Any

from pulumi_policy import EnforcementLevel, PolicyResource, ResourceValidationArgs, Severity, StackValidationArgs

from guardrails.production import PRODUCTION, Report, is_production, resource_policy, stack_policy
from guardrails.statements import listed

__all__ = ["POLICIES"]

REPOSITORY = "aws:ecr/repository:Repository"
TEMPLATE = "aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate"
SCANNING = "aws:ecr/registryScanningConfiguration:RegistryScanningConfiguration"
REPLICATION = "aws:ecr/replicationConfiguration:ReplicationConfiguration"
TAGGED = (REPOSITORY, "aws:kms/key:Key", "aws:iam/role:Role")


def _immutable(args: ResourceValidationArgs, report: Report) -> None:
    if args.resource_type not in (REPOSITORY, TEMPLATE):
        return
    if not is_production(args.props, args.urn, args.get_config()):
        return
    mode = args.props.get("imageTagMutability") or "MUTABLE"
    if not str(mode).startswith("IMMUTABLE"):
        report(f"its tags are {mode}: a release that was tested can be swapped for another one")
    for exclusion in args.props.get("imageTagMutabilityExclusionFilters") or []:
        text = str(exclusion.get("filter"))
        if str(mode).startswith("IMMUTABLE") and len(text.replace("*", "")) < 2:
            report(f"the exclusion `{text}` makes nearly every tag mutable")


def _protected(args: ResourceValidationArgs, report: Report) -> None:
    if args.resource_type == REPOSITORY and is_production(args.props, args.urn, args.get_config()):
        if not args.opts.protect:
            report("it is not protected: a mistake in the program deletes it")
        if args.props.get("forceDelete"):
            report("forceDelete deletes it with all of its images")


def _scanned(args: StackValidationArgs, report: Report) -> None:
    configurations = {_region(resource): resource for resource in args.resources if resource.resource_type == SCANNING}
    for resource in args.resources:
        if resource.resource_type != REPOSITORY:
            continue
        configuration = configurations.get(_region(resource))
        if configuration is not None:
            # The registry's configuration is stronger than the repository's flag.
            if not _covered(str(resource.props.get("name")), configuration.props):
                report("no rule of the registry's scanning configuration covers it", resource.urn)
        elif not (resource.props.get("imageScanningConfiguration") or {}).get("scanOnPush"):
            report("its images are not scanned when they are pushed", resource.urn)


def _covered(name: str, props: Mapping[str, Any]) -> bool:
    for rule in listed(props.get("rules")):
        if rule.get("scanFrequency") == "MANUAL":
            continue
        for entry in listed(rule.get("repositoryFilters")):
            text = str(entry.get("filter"))
            if fnmatch.fnmatchcase(name, text if "*" in text else f"*{text}*"):
                return True
    return False


def _replicated(args: StackValidationArgs, report: Report) -> None:
    rules: dict[Any, list[Any]] = {}
    for resource in args.resources:
        if resource.resource_type == REPLICATION:
            found = listed((resource.props.get("replicationConfiguration") or {}).get("rules"))
            rules.setdefault(_region(resource), []).extend(found)
    for resource in args.resources:
        if resource.resource_type != REPOSITORY or not is_production(resource.props, resource.urn, args.get_config()):
            continue
        name = str(resource.props.get("name"))
        if not any(name.startswith(prefix) for prefix in _prefixes(rules.get(_region(resource), []))):
            report("it is replicated nowhere: when its Region is down, nothing can be deployed", resource.urn)


def _prefixes(rules: list[Any]) -> Iterator[str]:
    for rule in rules:
        if rule.get("destinations"):
            filters = listed(rule.get("repositoryFilters"))
            yield from (str(entry.get("filter")) for entry in filters) if filters else [""]


def _region(resource: PolicyResource) -> Any:
    return resource.props["region"] if "region" in resource.props.keys() else None  # noqa: SIM118


def _required(args: ResourceValidationArgs) -> list[str]:
    return [str(tag) for tag in args.get_config().get("tags", ["Name", "Environment", "ManagedBy"])]


def _tagged(args: ResourceValidationArgs, report: Report) -> None:
    if args.resource_type in TAGGED:
        tags = args.props.get("tags") or {}
        missing = [tag for tag in _required(args) if not str(tags.get(tag, "")).strip()]
        if missing:
            report(f"it lacks the tag{'' if len(missing) == 1 else 's'} {', '.join(missing)}")


def _tag(args: ResourceValidationArgs) -> Mapping[str, Any] | None:
    """Add the tags that can be known: the resource's name, the stack's, and that Pulumi manages it."""
    if args.resource_type not in TAGGED:
        return None
    known = {
        "Name": args.props.get("name") or args.name,
        "Environment": args.urn.split("::")[0].removeprefix("urn:pulumi:").rsplit("/", 1)[-1],
        "ManagedBy": "Pulumi",
    }
    tags = dict(args.props.get("tags") or {})
    added = {tag: known[tag] for tag in _required(args) if tag in known and not str(tags.get(tag, "")).strip()}
    return {**args.props, "tags": {**tags, **added}} if added else None


def _stays(args: StackValidationArgs, report: Report) -> None:
    expected = args.get_config().get("repositories") or {}
    here = {str(r.props.get("name")): r for r in args.resources if r.resource_type == REPOSITORY}
    for name, key in expected.items():
        resource = here.get(str(name))
        if resource is None:
            report(f"the repository `{name}` holds images and is not in the stack any more under this name")
            continue
        given = (resource.props.get("encryptionConfigurations") or [{}])[0]
        encryption = given.get("kmsKey") or given.get("encryptionType", "AES256")
        if encryption != key:
            report(
                f"its encryption would change from {key} to {encryption}; AWS replaces the repository for that, and "
                "every image in it is lost",
                resource.urn,
            )


POLICIES = [
    resource_policy(
        "production-tags-are-immutable",
        "What was tested under a tag is what is deployed under it.",
        _immutable,
        remedy="Set the tag mutability to IMMUTABLE, or to IMMUTABLE_WITH_EXCLUSION with the few tags that move.",
        url="https://docs.aws.amazon.com/securityhub/latest/userguide/ecr-controls.html#ecr-2",
        control="ECR.2",
        config=PRODUCTION,
    ),
    resource_policy(
        "production-repositories-are-protected",
        "A deleted repository takes its images with it, and ECR keeps no copy.",
        _protected,
        remedy="Set the resource option protect, and leave forceDelete out.",
        url="https://www.pulumi.com/docs/iac/concepts/resources/options/protect/",
        config=PRODUCTION,
    ),
    stack_policy(
        "images-are-scanned-when-pushed",
        "A known vulnerability is cheapest to mend before the image is deployed.",
        _scanned,
        remedy="Set scanOnPush on the repository, or cover it by a rule of the registry's scanning configuration.",
        url="https://docs.aws.amazon.com/securityhub/latest/userguide/ecr-controls.html#ecr-1",
        control="ECR.1",
    ),
    stack_policy(
        "production-repositories-are-replicated",
        "Nodes of another Region go on pulling when the registry's own Region is down.",
        _replicated,
        remedy="Add a replication rule without a filter, or with a filter that the repository's name begins with.",
        url="https://docs.aws.amazon.com/AmazonECR/latest/userguide/replication.html",
        severity=Severity.MEDIUM,
        config=PRODUCTION,
    ),
    resource_policy(
        "resources-carry-the-required-tags",
        "Tags say whose a resource is, what it costs whom, and what made it.",
        _tagged,
        remedy="Add the tags. With the level `remediate`, Name, Environment and ManagedBy are added by themselves.",
        url="https://docs.aws.amazon.com/securityhub/latest/userguide/ecr-controls.html#ecr-4",
        control="ECR.4",
        severity=Severity.LOW,
        config={
            "tags": {
                "type": "array",
                "items": {"type": "string"},
                "default": ["Name", "Environment", "ManagedBy"],
                "description": "The tags that repositories, keys and roles have",
            }
        },
        remediate=_tag,
    ),
    stack_policy(
        "repositories-that-hold-images-are-not-replaced",
        "AWS changes neither the name nor the encryption of a repository: Pulumi would delete it and make another. A "
        "policy sees what is to be and not what is, so the repositories that hold images are named in its "
        "configuration; `ecr-stack rehearse --compare` sees both.",
        _stays,
        remedy="Keep the name and the encryption. To move to another key, make a new repository and copy the images.",
        url="https://docs.aws.amazon.com/AmazonECR/latest/userguide/encryption-at-rest.html",
        severity=Severity.CRITICAL,
        level=EnforcementLevel.MANDATORY,
        config={
            "repositories": {
                "type": "object",
                "default": {},
                "description": "For each repository that holds images, by its name: the ARN of its key, or AES256",
            }
        },
    ),
]
