"""Encryption at rest: customer keys that rotate, trust nobody else, and have a long waiting period."""

from __future__ import annotations

from collections.abc import Callable

from pulumi_policy import Severity

from guardrails.policy import WEAKER, Config, Resource, resource_policy
from guardrails.production import PRODUCTION, in_production
from guardrails.resources import (
    CREATION_TEMPLATE,
    EXTERNAL_KEY,
    KEY,
    KEY_POLICY,
    REPLICA_KEY,
    REPOSITORY,
    UNKNOWN,
    called,
    each,
    flag,
    look,
    number,
    text,
)


@resource_policy(
    types=[REPOSITORY, CREATION_TEMPLATE],
    reason="With its own key, an account controls who can read its images, can audit each use, and can revoke access.",
    control="Security Hub ECR.5",
    url="https://docs.aws.amazon.com/securityhub/latest/userguide/ecr-controls.html#ecr-5",
    severity=Severity.MEDIUM,
    remedy="Set encryptionConfigurations to one entry with encryptionType KMS and kmsKey, the ARN of your own key."
    " This replaces an existing repository: copy its images first.",
    stack_file={
        REPOSITORY: "Set `ecr-stack:encryption.type` to KMS, without keyArn to create a key. This replaces an"
        " existing repository: copy its images first.",
        CREATION_TEMPLATE: "Set `ecr-stack:encryption.type` to KMS.",
    },
)
def repositories_are_encrypted_with_a_customer_key(
    resource: Resource, _config: Config, report: Callable[[str], None]
) -> None:
    """Report repositories and creation templates without a customer managed KMS key."""
    configured = next(each(resource.props, "encryptionConfigurations"), None)
    kind = look(configured, "encryptionType") or "AES256"
    key = look(configured, "kmsKey")
    name = called(resource)
    if kind is UNKNOWN:
        return
    if kind not in {"KMS", "KMS_DSSE"}:
        report(f"{name} is encrypted with {kind}, a key that AWS owns.")
    elif not key:
        report(f"{name} is encrypted with {kind} but has no kmsKey, so AWS's own aws/ecr key is used.")
    elif isinstance(key, str) and key.endswith("alias/aws/ecr"):
        report(f"{name} is encrypted with {key}, an AWS managed key.")


@resource_policy(
    types=[KEY],
    reason="Rotation limits how much data one version of a key protects, and so the damage if it leaks.",
    control="Security Hub KMS.4",
    url="https://docs.aws.amazon.com/securityhub/latest/userguide/kms-controls.html#kms-4",
    severity=Severity.MEDIUM,
    remedy="Set enableKeyRotation to true, and rotationPeriodInDays as required.",
    config={
        "maximumDays": {
            "type": "integer",
            "minimum": 90,
            "maximum": 2560,
            "default": 2560,
            "description": "The maximum rotation period, in days. KMS itself allows 90 to 2560.",
        }
    },
)
def keys_rotate(resource: Resource, config: Config, report: Callable[[str], None]) -> None:
    """Report symmetric keys that do not rotate often enough."""
    props = resource.props
    # Only symmetric encryption keys with KMS-generated material can rotate automatically.
    # https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html
    if (
        (text(props, "customerMasterKeySpec") or "SYMMETRIC_DEFAULT") != "SYMMETRIC_DEFAULT"
        or (text(props, "keyUsage") or "ENCRYPT_DECRYPT") != "ENCRYPT_DECRYPT"
        or look(props, "customKeyStoreId")
    ):
        return
    rotates = flag(props, "enableKeyRotation")
    period = number(props, "rotationPeriodInDays")
    if rotates is UNKNOWN:
        return
    if not rotates:
        report(f"Key {resource.name} does not rotate: enableKeyRotation is not true.")
    elif period is not None and period > config["maximumDays"]:
        report(
            f"Key {resource.name} rotates every {period:g} days (rotationPeriodInDays), more than"
            f" {config['maximumDays']:g}."
        )


@resource_policy(
    types=[KEY, REPLICA_KEY, EXTERNAL_KEY],
    reason="While a repository's key is disabled, nothing can be pulled or pushed.",
    control="checkov CKV_AWS_227",
    url="https://docs.aws.amazon.com/kms/latest/developerguide/enabling-keys.html",
    severity=Severity.HIGH,
    remedy="Remove isEnabled (of replica and external keys: enabled), or set it to true.",
)
def keys_are_enabled(resource: Resource, _config: Config, report: Callable[[str], None]) -> None:
    """Report keys that are disabled."""
    for name in ("isEnabled", "enabled"):
        if flag(resource.props, name) is False:
            report(f"Key {resource.name} is disabled: {name} is false.")


@resource_policy(
    types=[KEY, KEY_POLICY, REPLICA_KEY, EXTERNAL_KEY],
    reason="KMS rejects a key policy that locks out its author; without this check, nobody may be able to fix the "
    "policy.",
    control="AWS KMS PutKeyPolicy",
    url="https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html",
    severity=Severity.HIGH,
    remedy="Remove bypassPolicyLockoutSafetyCheck.",
)
def keys_keep_the_lockout_check(resource: Resource, _config: Config, report: Callable[[str], None]) -> None:
    """Report key policies that bypass the lockout safety check."""
    if flag(resource.props, "bypassPolicyLockoutSafetyCheck") is True:
        report(f"Key {resource.name} bypasses the lockout safety check of its policy.")


@resource_policy(
    types=[KEY, REPLICA_KEY, EXTERNAL_KEY],
    reason="When a key is deleted, every image encrypted with it is lost; the waiting period is the time to notice "
    "and cancel.",
    control="Security Hub KMS.3",
    url="https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html",
    severity=Severity.HIGH,
    remedy="Set deletionWindowInDays to 30.",
    stack_file={KEY: "Set `ecr-stack:encryption.deletionWindowInDays` to 30."},
    config={
        "minimumDays": {
            WEAKER: "lower",
            "type": "integer",
            "minimum": 7,
            "maximum": 30,
            "default": 30,
            "description": "The minimum waiting period, in days. KMS itself allows 7 to 30.",
        },
        **PRODUCTION,
    },
)
def keys_in_production_wait_before_deletion(resource: Resource, config: Config, report: Callable[[str], None]) -> None:
    """Report production keys with a short waiting period."""
    days = number(resource.props, "deletionWindowInDays")
    # Without a number, KMS waits 30 days.
    if in_production(resource, config) and days is not None and days < config["minimumDays"]:
        report(
            f"Key {resource.name} of production waits {days:g} days before it is deleted, fewer than"
            f" {config['minimumDays']:g}."
        )
