"""Sight: what the guardrails read is what is deployed, and all of it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

from pulumi_policy import EnforcementLevel, Severity
from pulumi_policy.policy import PolicyResource

from guardrails.policy import Config, Resource, resource_policy, stack_policy
from guardrails.resources import (
    CREATION_TEMPLATE,
    EXTERNAL_KEY,
    KEY,
    KEY_POLICY,
    LIFECYCLE_POLICY,
    PUBLIC_REPOSITORY_POLICY,
    REGISTRY_POLICY,
    REGISTRY_SCANNING,
    REPLICA_KEY,
    REPLICATION,
    REPOSITORY,
    REPOSITORY_POLICY,
    ROLE,
    UNKNOWN,
    called,
    look,
    region_of,
)

CLOUD_CONTROL = "aws:cloudcontrol/resource:Resource"
CLOUDFORMATION = ["aws:cloudformation/stack:Stack", "aws:cloudformation/stackSet:StackSet"]
NATIVE = [
    f"aws-native:{name}"
    for name in (
        "ecr:PublicRepository",
        "ecr:PullThroughCacheRule",
        "ecr:RegistryPolicy",
        "ecr:RegistryScanningConfiguration",
        "ecr:ReplicationConfiguration",
        "ecr:Repository",
        "ecr:RepositoryCreationTemplate",
        "iam:Group",
        "iam:GroupPolicy",
        "iam:ManagedPolicy",
        "iam:OidcProvider",
        "iam:Role",
        "iam:RolePolicy",
        "iam:User",
        "iam:UserPolicy",
        "kms:Key",
        "kms:ReplicaKey",
    )
]

# A signing configuration is in Cloud Control alone, and opens nothing.
_UNSEEN = re.compile(r"AWS::(?:ECR|KMS|IAM)::(?!SigningConfiguration\b)\w+")
# What a template makes by these is not in it.
_FURTHER = re.compile(
    r"AWS::CloudFormation::(?:Stack|StackSet|CustomResource|Macro)\b|Custom::\w+|(?:Fn::)?Transform\b"
)


@resource_policy(
    types=[CLOUD_CONTROL, *CLOUDFORMATION, *NATIVE],
    reason="Repositories, keys and permissions that are made in another way than by the AWS provider pass every other"
    " guardrail unread.",
    control="AWS Well-Architected SEC01-BP06",
    url="https://docs.aws.amazon.com/wellarchitected/latest/framework/sec_securely_operate_automate_security_controls.html",
    severity=Severity.HIGH,
    remedy="Use the resource of the AWS provider (aws.ecr, aws.kms, aws.iam) instead.",
)
def nothing_is_made_out_of_sight(resource: Resource, _config: Config, report: Callable[[str], None]) -> None:
    """Report repositories, keys and permissions that come from Cloud Control, CloudFormation or the native provider."""
    for how in _out_of_sight(resource):
        report(f"{resource.name} {how}, which no guardrail reads.")


def _out_of_sight(resource: Resource) -> Iterator[str]:
    if resource.resource_type in NATIVE:
        yield f"is an {resource.resource_type}"
    elif resource.resource_type == CLOUD_CONTROL:
        kind = resource.props.get("typeName")  # raises if it is not known yet
        if isinstance(kind, str) and _UNSEEN.fullmatch(kind):
            yield f"makes an {kind} through Cloud Control"
    else:
        template = resource.props.get("templateBody")
        found = _UNSEEN.search(template) or _FURTHER.search(template) if isinstance(template, str) else None
        if found:
            yield f"is a CloudFormation template with {found[0]}"
        elif look(resource.props, "templateUrl"):
            yield "is a CloudFormation template that is elsewhere"


_OF = {
    LIFECYCLE_POLICY: ("the lifecycle policy", "repository"),
    REPOSITORY_POLICY: ("the policy", "repository"),
    PUBLIC_REPOSITORY_POLICY: ("the policy", "repositoryName"),
    KEY_POLICY: ("the policy", "keyId"),
    CREATION_TEMPLATE: ("the creation template", "prefix"),
    REGISTRY_POLICY: ("the registry's policy", ""),
    REGISTRY_SCANNING: ("the registry's scanning", ""),
    REPLICATION: ("the registry's replication", ""),
}
"""What AWS has once, and the property that says of what; "" if the registry of a Region has it."""


@stack_policy(
    types=[*_OF],
    reason="AWS keeps one such document: of two resources the one that is written last is in force, and each `up` may"
    " choose another one.",
    control="Amazon ECR SetRepositoryPolicy",
    url="https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_SetRepositoryPolicy.html",
    severity=Severity.HIGH,
    remedy="Merge them into one resource.",
)
def each_document_has_one_resource(
    resources: Sequence[PolicyResource], _config: Config, report: Callable[[str, str], None]
) -> None:
    """Report documents that several resources of the stack write."""
    writers: dict[tuple[str, str, str], list[PolicyResource]] = defaultdict(list)
    for resource in resources:
        _, name = _OF[resource.resource_type]
        about = look(resource.props, name) if name else ""
        if about is UNKNOWN:
            depended = {each.urn for each in resource.property_dependencies.get(name, [])}
            about = depended.pop() if len(depended) == 1 else resource.urn
        provider = resource.provider.urn if resource.provider else ""
        writers[resource.resource_type, region_of(resource) or provider, str(about)].append(resource)
    for (kind, _, about), found in writers.items():
        if len(found) > 1:
            names = ", ".join(each.name for each in found)
            whose = f" of {about.rpartition('::')[2]}" if about else ""
            report(f"{len(found)} resources write {_OF[kind][0]}{whose}: {names}.", found[-1].urn)


_JUDGED = frozenset(
    [
        "*",
        "policy",
        "imageTagMutability",
        "imageTagMutabilityExclusionFilters",
        "imageScanningConfiguration",
        "encryptionConfigurations",
        "forceDelete",
        "rules",
        "scanType",
        "replicationConfiguration",
        "repositoryPolicy",
        "lifecyclePolicy",
        "assumeRolePolicy",
        "inlinePolicies",
        "managedPolicyArns",
        "enableKeyRotation",
        "isEnabled",
        "enabled",
        "deletionWindowInDays",
    ]
)


@resource_policy(
    types=[
        CREATION_TEMPLATE,
        EXTERNAL_KEY,
        KEY,
        KEY_POLICY,
        LIFECYCLE_POLICY,
        REGISTRY_POLICY,
        REGISTRY_SCANNING,
        REPLICATION,
        REPLICA_KEY,
        REPOSITORY,
        REPOSITORY_POLICY,
        ROLE,
    ],
    reason="A property whose changes are ignored stays in AWS as it is, whatever the program, and the guardrails, read.",
    control="AWS Well-Architected SEC01-BP06",
    url="https://www.pulumi.com/docs/iac/concepts/resources/options/ignorechanges/",
    severity=Severity.MEDIUM,
    level=EnforcementLevel.ADVISORY,  # Lambda, for one, writes into the policies of repositories
    remedy="Remove the property from ignoreChanges.",
)
def what_is_judged_is_what_is_deployed(resource: Resource, _config: Config, report: Callable[[str], None]) -> None:
    """Report resources that ignore changes of what the guardrails read."""
    ignored = [path for path in resource.opts.ignore_changes or () if re.split(r"[.\[]", path)[0] in _JUDGED]
    if ignored:
        report(f"{called(resource)} ignores changes of {', '.join(ignored)}: AWS may have something else.")
