"""Rules about KMS keys: those that repositories name, their policies, aliases, rotation and deletion."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from ecr_stack.embedded_aws import moto_backend
from ecr_stack.embedded_aws.policy_documents import (
    UnknownPrincipal,
    actions_of,
    check_document,
    check_principals,
    statements_of,
)
from ecr_stack.embedded_aws.request import Request

if TYPE_CHECKING:
    from moto.kms.models import Key

__all__ = [
    "alias_is_free",
    "alias_name",
    "alias_quota",
    "alias_target",
    "deletion_window",
    "encrypting_key",
    "find_key",
    "key_policy",
    "rotation",
    "tag_quota",
    "tags",
    "target",
    "usage",
]

_ARN = re.compile(
    r"arn:(?P<partition>aws[a-z-]*):kms:(?P<region>[a-z0-9-]+):(?P<account>[0-9]{12}):(?P<rest>(key|alias)/.+)"
)
_POLICY_BYTES = 32_768
_TAG_TEXT = re.compile(r"[\w\s.:/=+\-@]*")
_ALIASES = 50
_USAGES = (
    ("SYMMETRIC_DEFAULT", {"ENCRYPT_DECRYPT"}),
    ("RSA_", {"ENCRYPT_DECRYPT", "SIGN_VERIFY"}),
    ("ECC_NIST_EDWARDS", {"SIGN_VERIFY"}),
    ("ECC_NIST_", {"SIGN_VERIFY", "KEY_AGREEMENT"}),
    ("ECC_SECG_", {"SIGN_VERIFY"}),
    ("HMAC_", {"GENERATE_VERIFY_MAC"}),
    ("ML_DSA_", {"SIGN_VERIFY"}),
    ("ML_KEM_", {"ENCAPSULATE_DECAPSULATE"}),
    ("SM2", {"ENCRYPT_DECRYPT", "SIGN_VERIFY", "KEY_AGREEMENT"}),
)


def find_key(name: str, account: str, region: str) -> Key | None:
    """Find a key of the region by its id, ARN, alias or alias ARN."""
    match = _ARN.fullmatch(name)
    if match:
        if match["region"] != region or match["account"] != account:
            return None
        name = match["rest"].removeprefix("key/")
    keys = moto_backend.kms_state(account, region).keys
    if name.startswith("alias/"):
        return next((key for key in keys.values() if name in key.aliases), None)
    return keys.get(name)


def encrypting_key(request: Request, name: str, place: str = "kmsKey") -> str:
    """Return the ARN of the key that is to encrypt a repository.

    Keys of other accounts cannot be known here, and are taken to exist when their ARN is given.

    Raises:
        botocore.exceptions.ClientError: there is no such key here, or it cannot encrypt.
    """
    match = _ARN.fullmatch(name)
    if match and match["region"] != request.region:
        raise _kms_refusal(request, place, f"the key {name} is not in the repository's region {request.region}")
    if match and match["account"] != request.account and match["rest"].startswith("key/"):
        return name
    key = find_key(name, request.account, request.region)
    if key is None:
        raise _kms_refusal(request, place, f"Key '{name}' does not exist")
    if key.key_state != "Enabled":
        raise _kms_refusal(request, place, f"{key.arn} is {_state_words(key)}.")
    if key.key_usage not in (None, "ENCRYPT_DECRYPT") or key.key_spec != "SYMMETRIC_DEFAULT":
        raise _kms_refusal(request, place, f"{key.arn} is not a symmetric encryption key")
    return str(key.arn)


def _kms_refusal(request: Request, place: str, message: str) -> ClientError:
    if "KmsException" in {shape.name for shape in request.model.error_shapes}:
        return request.refuse("KmsException", message)
    return request.invalid(place, message)


def _state_words(key: Key) -> str:
    return {"PendingDeletion": "pending deletion", "Disabled": "disabled"}.get(key.key_state, key.key_state)


def _key(request: Request, parameter: str) -> Key:
    name = request.get(parameter)
    key = None if "alias/" in name else find_key(name, request.account, request.region)
    if key is None:
        arn = (
            name
            if name.startswith("arn:")
            else f"arn:{request.partition}:kms:{request.region}:{request.account}:key/{name}"
        )
        raise request.refuse("NotFoundException", f"Key '{arn}' does not exist")
    return key


def target(request: Request) -> None:
    """The key must exist and not be waiting for its deletion."""
    key = _key(request, "KeyId")
    if key.key_state == "PendingDeletion":
        raise request.refuse("KMSInvalidStateException", f"{key.arn} is pending deletion.")


def tags(request: Request) -> None:
    """At most 50 tags, none of them AWS's own, none twice."""
    names = [tag["TagKey"] for tag in request.get("Tags") or []]
    if len(names) > 50:
        raise request.refuse("TagException", "A key can have at most 50 tags")
    if len(names) != len(set(names)):
        raise request.refuse("TagException", "Duplicate tag keys")
    for tag in request.get("Tags") or []:
        if tag["TagKey"].lower().startswith("aws:"):
            raise request.refuse("TagException", f"Tag keys that begin with aws: are reserved: {tag['TagKey']}")
        if not _TAG_TEXT.fullmatch(tag["TagKey"]) or not _TAG_TEXT.fullmatch(tag["TagValue"]):
            raise request.refuse("TagException", f"Invalid characters in the tag {tag['TagKey']}={tag['TagValue']}")


def tag_quota(request: Request) -> None:
    """A key has at most 50 tags, with those that it has.

    https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html
    """
    state = moto_backend.kms_state(request.account, request.region)
    held = state.tagger.get_tag_dict_for_resource(_key(request, "KeyId").id)
    if len(set(held) | {tag["TagKey"] for tag in request.get("Tags")}) > 50:
        raise request.refuse("LimitExceededException", "A key can have at most 50 tags")


def usage(request: Request) -> None:
    """A key is for what its specification can do; only a symmetric key's usage may be left out.

    https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html#KMS-CreateKey-request-KeyUsage
    """
    spec = request.get("KeySpec", request.get("CustomerMasterKeySpec", "SYMMETRIC_DEFAULT"))
    wanted = request.get("KeyUsage", "ENCRYPT_DECRYPT")
    usages = next(names for prefix, names in _USAGES if spec.startswith(prefix))
    if wanted not in usages:
        message = f"The operation failed because the KeyUsage value of the key is {wanted} which is not compatible with key spec {spec}."
        raise request.refuse("ValidationException", message)


def key_policy(request: Request) -> None:
    """A key policy must be valid, name principals that exist, and leave the caller able to change it.

    https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html#KMS-CreateKey-request-Policy
    """
    if "Policy" not in request.parameters:
        return
    code = "MalformedPolicyDocumentException"
    if len(request.get("Policy").encode()) > _POLICY_BYTES:
        raise request.refuse("LimitExceededException", f"A key policy has at most {_POLICY_BYTES} bytes")
    document = request.json_parameter("Policy", request.refuse(code, "Policy contains invalid JSON"))
    wrong = check_document(document, principals=True, resources=True, services=frozenset({"kms"}))
    if wrong:
        raise request.refuse(code, wrong)
    try:
        check_principals(document, request.account, request.region, request.partition)
    except UnknownPrincipal as unknown:
        message = f"Policy contains a statement with one or more invalid principals: {unknown}"
        raise request.refuse(code, message) from None
    if not request.get("BypassPolicyLockoutSafetyCheck") and not _keeps_caller_in_charge(request, document):
        raise request.refuse(code, "The new key policy will not allow you to update the key policy in the future.")


def _keeps_caller_in_charge(request: Request, document: Mapping[str, Any]) -> bool:
    """Whether the caller, who is root of the account, could still change the policy."""
    effects = {statement["Effect"] for statement in statements_of(document) if _is_about_caller(request, statement)}
    return effects == {"Allow"}


def _is_about_caller(request: Request, statement: Mapping[str, Any]) -> bool:
    if "Action" not in statement or not any(
        fnmatchcase("kms:putkeypolicy", action.lower()) for action in actions_of(statement)
    ):
        return False
    for operator, keys in statement.get("Condition", {}).items():
        if operator != "StringEquals" or set(keys) - {"kms:CallerAccount", "aws:PrincipalAccount"}:
            return False
        if any(request.account not in (value if isinstance(value, list) else [value]) for value in keys.values()):
            return False
    principal = statement.get("Principal")
    if principal == "*":
        return True
    named = principal.get("AWS", []) if isinstance(principal, Mapping) else []
    caller = {"*", request.account, f"arn:{request.partition}:iam::{request.account}:root"}
    return bool(caller & set(named if isinstance(named, list) else [named]))


def alias_name(request: Request) -> None:
    """Aliases begin with `alias/`; those under `alias/aws/` are AWS's own.

    https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html
    """
    name = request.get("AliasName")
    if not name.startswith("alias/"):
        raise request.refuse("ValidationException", 'Alias must start with the prefix "alias/".')
    if name.startswith("alias/aws/"):
        raise request.refuse("NotAuthorizedException", "Aliases that begin with alias/aws/ are reserved by AWS.")
    if not re.fullmatch(r"alias/[a-zA-Z0-9/_-]+", name):
        raise request.refuse(
            "InvalidAliasNameException", f"Alias names have letters, digits, and the characters / _ -: {name}"
        )


def alias_is_free(request: Request) -> None:
    """A region has one alias of a name."""
    name = request.get("AliasName")
    if find_key(name, request.account, request.region):
        arn = f"arn:{request.partition}:kms:{request.region}:{request.account}:{name}"
        raise request.refuse("AlreadyExistsException", f"An alias with the name {arn} already exists")


def alias_target(request: Request) -> None:
    """An alias stands for a key, not for an alias, and not for one that is about to be deleted."""
    if "alias/" in request.get("TargetKeyId"):
        raise request.refuse("ValidationException", "Aliases must refer to keys. Not aliases")
    key = _key(request, "TargetKeyId")
    if key.key_state == "PendingDeletion":
        raise request.refuse("KMSInvalidStateException", f"{key.arn} is pending deletion.")


def alias_quota(request: Request) -> None:
    """A key has at most 50 aliases.

    https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html
    """
    key = _key(request, "TargetKeyId")
    if len(set(key.aliases) | {request.get("AliasName")}) > _ALIASES:
        raise request.refuse("LimitExceededException", f"A key can have at most {_ALIASES} aliases: {key.arn}")


def rotation(request: Request) -> None:
    """Only enabled symmetric keys, whose material KMS makes, rotate.

    https://docs.aws.amazon.com/kms/latest/APIReference/API_EnableKeyRotation.html
    """
    key = _key(request, "KeyId")
    if key.key_state == "Disabled":
        raise request.refuse("DisabledException", f"{key.arn} is disabled.")
    if key.key_spec != "SYMMETRIC_DEFAULT" or key.origin != "AWS_KMS":
        raise request.refuse("UnsupportedOperationException", f"{key.arn} cannot rotate")


def deletion_window(request: Request) -> None:
    """A key waits 7 to 30 days for its deletion.

    https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html
    """
    days = request.get("PendingWindowInDays", 30)
    if not 7 <= days <= 30:
        raise request.refuse("ValidationException", f"PendingWindowInDays must be from 7 to 30, not {days}")
