"""Images are encrypted with a key of one's own, and the key is in good hands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pulumi_policy import ResourceValidationArgs, Severity, StackValidationArgs

from guardrails.production import PRODUCTION, Report, is_production, resource_policy, stack_policy
from guardrails.statements import accounts_in, is_public, name_of, statements

__all__ = ["POLICIES"]

REPOSITORIES = ("aws:ecr/repository:Repository", "aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate")
KEY = "aws:kms/key:Key"
KEY_POLICY = "aws:kms/keyPolicy:KeyPolicy"


def _customer_key(args: ResourceValidationArgs, report: Report) -> None:
    if args.resource_type not in REPOSITORIES:
        return
    first: Mapping[str, Any] = (args.props.get("encryptionConfigurations") or [{}])[0]
    kind = first.get("encryptionType", "AES256")
    if kind not in ("KMS", "KMS_DSSE"):
        report(f"it is encrypted with {kind}, not with a key of AWS KMS; AWS cannot change this later")
    elif not first.get("kmsKey"):
        report("it is encrypted with the key that AWS manages; name a key of your own by its ARN")


def _rotated(args: ResourceValidationArgs, report: Report) -> None:
    if args.resource_type != KEY:
        return
    spec = args.props.get("customerMasterKeySpec") or "SYMMETRIC_DEFAULT"
    usage = args.props.get("keyUsage") or "ENCRYPT_DECRYPT"
    # AWS rotates symmetric encryption keys alone.
    if spec == "SYMMETRIC_DEFAULT" and usage == "ENCRYPT_DECRYPT" and args.props.get("enableKeyRotation") is not True:
        report("the key is not rotated; set enableKeyRotation")


def _no_public_key(args: ResourceValidationArgs, report: Report) -> None:
    if args.resource_type not in (KEY, KEY_POLICY):
        return
    for statement in statements(args.props.get("policy")):
        if is_public(statement):
            report(f"{name_of(statement)} of the key's policy lets everybody in")


def _no_foreign_account(args: StackValidationArgs, report: Report) -> None:
    allowed = set(map(str, args.get_config().get("accounts", [])))
    own: dict[str, str] = {}
    for resource in args.resources:
        if resource.resource_type == KEY and "arn" in resource.props.keys():  # noqa: SIM118
            account = str(resource.props["arn"]).split(":")[4]
            own[str(resource.props.get("keyId"))] = own[resource.urn] = account
    for resource in args.resources:
        if resource.resource_type not in (KEY, KEY_POLICY):
            continue
        its_own = own.get(resource.urn) or own.get(str(resource.props.get("keyId")).rsplit("/", 1)[-1])
        if its_own is None:
            continue
        for statement in statements(resource.props.get("policy")):
            for foreign in sorted(accounts_in(statement) - allowed - {its_own}):
                report(f"{name_of(statement)} of the key's policy lets account {foreign} in", resource.urn)


def _waits(args: ResourceValidationArgs, report: Report) -> None:
    if args.resource_type != KEY or not is_production(args.props, args.urn, args.get_config()):
        return
    least = int(args.get_config().get("minimumDays", 14))
    days = args.props.get("deletionWindowInDays")
    if days is not None and int(days) < least:
        report(f"a production key waits {int(days)} days for its deletion, and at least {least} are asked for")


POLICIES = [
    resource_policy(
        "repositories-are-encrypted-with-a-customer-key",
        "A key of one's own can be audited, rotated and withdrawn. It cannot be changed once the repository exists.",
        _customer_key,
        remedy="Set the repository's encryption to KMS, with the ARN of a key in the same Region.",
        url="https://docs.aws.amazon.com/securityhub/latest/userguide/ecr-controls.html#ecr-5",
        control="ECR.5",
        severity=Severity.MEDIUM,
    ),
    resource_policy(
        "keys-are-rotated",
        "A key that is rotated every year limits what one leaked key opens.",
        _rotated,
        remedy="Set enableKeyRotation on the key.",
        url="https://docs.aws.amazon.com/securityhub/latest/userguide/kms-controls.html#kms-4",
        control="KMS.4",
        severity=Severity.MEDIUM,
    ),
    resource_policy(
        "keys-are-not-public",
        "Whoever may use the key can read the images, or make them unreadable.",
        _no_public_key,
        remedy="Name the account's root as principal, or bind the statement by aws:PrincipalOrgID.",
        url="https://docs.aws.amazon.com/securityhub/latest/userguide/kms-controls.html#kms-5",
        control="KMS.5",
        severity=Severity.CRITICAL,
    ),
    stack_policy(
        "keys-are-used-by-their-own-account",
        "An account that the key's policy names decides by itself who of it uses the key.",
        _no_foreign_account,
        remedy="Remove the other account, or list it under `accounts` of this policy's configuration.",
        url="https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-modifying-external-accounts.html",
        config={
            "accounts": {
                "type": "array",
                "items": {"type": "string"},
                "default": [],
                "description": "Other accounts that may use keys",
            }
        },
    ),
    resource_policy(
        "production-keys-wait-before-they-are-deleted",
        "When the key is gone, no image that it encrypts can be pulled any more. The wait is the time to notice.",
        _waits,
        remedy="Give the key a longer deletion window, up to 30 days.",
        url="https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html",
        control="KMS.3",
        config={
            **PRODUCTION,
            "minimumDays": {
                "type": "integer",
                "minimum": 7,
                "maximum": 30,
                "default": 14,
                "description": "The shortest deletion window of a production key, in days",
            },
        },
    ),
]
