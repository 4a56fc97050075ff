"""Encryption at rest: a key of the customer's own, that rotates, that trusts nobody else, and that goes slowly."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pulumi_policy import Severity
from pulumi_policy.policy import PolicyResource
from pulumi_policy.proxy import UnknownValueError

from guardrails.document import UnreadableDocument, documents, statements
from guardrails.policy import Config, Resource, resource_policy, stack_policy
from guardrails.principals import accounts, public
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
    look,
    text,
)


@resource_policy(
    types=[REPOSITORY, CREATION_TEMPLATE],
    reason="With a key of its own, an account decides who can read its images, sees each use, and can end all use.",
    control="Security Hub ECR.5",
    url="https://docs.aws.amazon.com/securityhub/latest/userguide/ecr-controls.html#ecr-5",
    severity=Severity.MEDIUM,
    remedy="Set encryptionConfigurations to one entry with encryptionType KMS and kmsKey, the ARN of a key of yours."
    " A standing repository is replaced by this: copy its images first.",
)
def repositories_are_encrypted_with_a_customer_key(
    resource: Resource, _config: Config, report: Callable[[str], None]
) -> None:
    """Report repositories, and templates of repositories, without a customer's KMS key."""
    configured = next(each(resource.props, "encryptionConfigurations"), None)
    kind = look(configured, "encryptionType") or "AES256"
    key = look(configured, "kmsKey")
    name = called(resource)
    if kind is UNKNOWN:
        return
    if kind not in {"KMS", "KMS_DSSE"}:
        report(f"{name} is encrypted with {kind}, a key that AWS owns. Set encryptionType to KMS, with a kmsKey.")
    elif not key:
        report(
            f"{name} is encrypted with {kind} but names no kmsKey, so that AWS's own aws/ecr key is used. Set kmsKey."
        )
    elif isinstance(key, str) and key.endswith("alias/aws/ecr"):
        report(f"{name} is encrypted with {key}, the key that AWS manages. Set kmsKey to a key of your own.")


@resource_policy(
    types=[KEY],
    reason="Rotation limits how much is encrypted under one version of a key, and so what a leaked version opens.",
    control="Security Hub KMS.4",
    url="https://docs.aws.amazon.com/securityhub/latest/userguide/kms-controls.html#kms-4",
    severity=Severity.MEDIUM,
    remedy="Set enableKeyRotation to true.",
    config={
        "maximumDays": {
            "type": "integer",
            "minimum": 90,
            "maximum": 2560,
            "default": 2560,
            "description": "The longest rotation period that is accepted, in days. KMS itself allows 90 to 2560.",
        }
    },
)
def keys_rotate(resource: Resource, config: Config, report: Callable[[str], None]) -> None:
    """Report symmetric keys that do not rotate, or too rarely."""
    props = resource.props
    # Only symmetric encryption keys whose material KMS makes can rotate by themselves.
    # https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html
    if (
        (text(props, "customerMasterKeySpec") or "SYMMETRIC_DEFAULT") != "SYMMETRIC_DEFAULT"
        or (text(props, "keyUsage") or "ENCRYPT_DECRYPT") != "ENCRYPT_DECRYPT"
        or look(props, "customKeyStoreId")
    ):
        return
    rotates = look(props, "enableKeyRotation")
    period = look(props, "rotationPeriodInDays")
    if rotates is UNKNOWN:
        return
    if not rotates:
        report(f"Key {resource.name} does not rotate. Set enableKeyRotation to true.")
    elif isinstance(period, int | float) and period > config["maximumDays"]:
        report(
            f"Key {resource.name} rotates every {period:g} days, more than {config['maximumDays']:g}."
            " Set rotationPeriodInDays."
        )


@stack_policy(
    types=[KEY, KEY_POLICY, REPLICA_KEY, EXTERNAL_KEY],
    reason="Whoever a key policy lets in can read the images, or make them unreadable, whatever the repositories say.",
    control="Security Hub KMS.5",
    url="https://docs.aws.amazon.com/securityhub/latest/userguide/kms-controls.html#kms-5",
    severity=Severity.CRITICAL,
    remedy="Name principals of this account only, or list the other accounts in trustedAccounts.",
    config={
        "trustedAccounts": {
            "type": "array",
            "items": {"type": "string", "pattern": "^[0-9]{12}$"},
            "default": [],
            "description": "Accounts besides the key's own that a key policy may name.",
        }
    },
)
def key_policies_name_no_foreign_principal(
    resources: Sequence[PolicyResource], config: Config, report: Callable[[str, str], None]
) -> None:
    """Report key policies that let in everyone, or another account."""
    own = {account for resource in resources if (account := _account(resource))}
    for resource in resources:
        policy = look(resource.props, "policy")
        if policy is UNKNOWN:
            continue
        try:
            read = [found for _, document in documents(resource.props, "policy") for found in statements(document)]
        except UnknownValueError:
            continue  # a document given as an object, of which a part is not known yet
        except UnreadableDocument as error:
            report(f"The policy of key {resource.name} cannot be judged. {error}", resource.urn)
            continue
        for statement in read:
            if how := public(statement):
                report(
                    f"The policy of key {resource.name} is open: {statement.called} {how}. Name principals.",
                    resource.urn,
                )
        named = dict.fromkeys(found for statement in read for found in accounts(statement))
        # The account of a key that is not made yet cannot be seen. It has one, so two that are named are one too many.
        account = _account(resource) or (next(iter(own)) if len(own) == 1 else "")
        trusted = {account or next((each for each, _ in named if each), ""), *config["trustedAccounts"]}
        for other, principal in named:
            if other not in trusted:
                of_this = f"this account ({account})" if account else "the one account that a key belongs to"
                report(
                    f"The policy of key {resource.name} lets in {principal!r}, and not only {of_this}. Remove it, or"
                    " add its account to trustedAccounts.",
                    resource.urn,
                )


def _account(resource: PolicyResource) -> str:
    parts = (text(resource.props, "arn") or text(resource.props, "keyId")).split(":")
    return parts[4] if len(parts) > 5 else ""


@resource_policy(
    types=[KEY, REPLICA_KEY, EXTERNAL_KEY],
    reason="When a key is gone, so is every image under it; the waiting period is the time to notice and to cancel.",
    control="Security Hub KMS.3",
    url="https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html",
    severity=Severity.HIGH,
    remedy="Set deletionWindowInDays to 30.",
    config={
        "minimumDays": {
            "type": "integer",
            "minimum": 7,
            "maximum": 30,
            "default": 30,
            "description": "The shortest waiting period that is accepted, in days. KMS itself allows 7 to 30.",
        },
        **PRODUCTION,
    },
)
def keys_in_production_wait_before_deletion(resource: Resource, config: Config, report: Callable[[str], None]) -> None:
    """Report production's keys with a short waiting period."""
    days = look(resource.props, "deletionWindowInDays")
    # Without a number, KMS waits 30 days.
    if in_production(resource, config) and isinstance(days, int | float) and days < config["minimumDays"]:
        report(
            f"Key {resource.name} of production waits {days:g} days before it is deleted, fewer than"
            f" {config['minimumDays']:g}. Set deletionWindowInDays."
        )
