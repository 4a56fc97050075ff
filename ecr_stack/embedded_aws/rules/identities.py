"""Rules about IAM: names, quotas, tags, OpenID Connect providers, and what a trust policy must ask of a shared issuer.

Quotas: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html. "IAM doesn't count white space when
calculating the size of a policy against these quotas."
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from ecr_stack.embedded_aws import moto_backend
from ecr_stack.embedded_aws.policy_documents import statements_of
from ecr_stack.embedded_aws.request import Request

if TYPE_CHECKING:
    from moto.iam.models import OpenIDConnectProvider, Role

__all__ = [
    "assumed_role_exists",
    "attachment_quota",
    "client_id_quota",
    "inline_quota",
    "managed_policy_size",
    "oidc_client_ids",
    "oidc_thumbprints",
    "oidc_url",
    "role_name_is_free",
    "shared_issuers",
    "tags",
    "trust_policy_size",
]

TRUST_POLICY_SIZE = 2_048
INLINE_POLICIES_SIZE = 10_240
MANAGED_POLICY_SIZE = 6_144
MANAGED_POLICIES_PER_ROLE = 10
CLIENT_IDS_PER_PROVIDER = 100
_TAGS = 50
_TAG_TEXT = re.compile(r"[\w\s.:/=+\-@]*")
# https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_oidc_secure-by-default.html: issuers that many
# organizations share, and the claim that a trust policy must evaluate. It must say more than a wildcard; GitHub's begins
# with `repo:` (or `enterprise:` and the like) and must say more behind that.
_SHARED_ISSUERS = {
    "agent.buildkite.com": "sub",
    "api.pulumi.com/oidc": "aud",
    "app.terraform.io": "sub",
    "gitlab.com": "sub",
    "oidc.codefresh.io": "sub",
    "token.actions.githubusercontent.com": "sub",
}


def size(document: str) -> int:
    """Count the characters of a policy as IAM does: without white space."""
    return len(re.sub(r"\s", "", document))


def _role(request: Request) -> Role | None:
    roles = moto_backend.iam_state(request.account, request.region).roles.values()
    return next((role for role in roles if role.name == request.get("RoleName")), None)


def _exceeded(request: Request, quota: str, limit: int) -> ClientError:
    return request.refuse("LimitExceeded", f"Cannot exceed quota for {quota}: {limit}", 409)


def role_name_is_free(request: Request) -> None:
    """Names of roles are unique in an account, "not distinguished by case".

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
    """
    name = request.get("RoleName")
    roles = moto_backend.iam_state(request.account, request.region).roles.values()
    if any(role.name.lower() == name.lower() for role in roles):
        raise request.refuse("EntityAlreadyExists", f"Role with name {name} already exists.", 409)


def trust_policy_size(request: Request) -> None:
    """A trust policy has at most 2,048 characters (AWS raises it to 4,096 on request)."""
    place = "PolicyDocument" if request.model.name == "UpdateAssumeRolePolicy" else "AssumeRolePolicyDocument"
    if size(request.get(place)) > TRUST_POLICY_SIZE:
        raise _exceeded(request, "ACLSizePerRole", TRUST_POLICY_SIZE)


def inline_quota(request: Request) -> None:
    """All inline policies of a role have at most 10,240 characters together."""
    role, name = _role(request), request.get("PolicyName")
    others = {} if role is None else {key: text for key, text in role.policies.items() if key != name}
    if size(request.get("PolicyDocument")) + sum(map(size, others.values())) > INLINE_POLICIES_SIZE:
        message = f"Maximum policy size of {INLINE_POLICIES_SIZE} bytes exceeded for role {request.get('RoleName')}"
        raise request.refuse("LimitExceeded", message, 409)


def managed_policy_size(request: Request) -> None:
    """A managed policy has at most 6,144 characters."""
    if size(request.get("PolicyDocument")) > MANAGED_POLICY_SIZE:
        raise _exceeded(request, "PolicySize", MANAGED_POLICY_SIZE)


def attachment_quota(request: Request) -> None:
    """A role has at most ten managed policies (AWS raises it to 20 on request)."""
    role = _role(request)
    attached = set(role.managed_policies) if role is not None else set()
    if request.get("PolicyArn") not in attached and len(attached) >= MANAGED_POLICIES_PER_ROLE:
        raise _exceeded(request, "PoliciesPerRole", MANAGED_POLICIES_PER_ROLE)


def tags(request: Request) -> None:
    """At most 50 tags, with those that are there; none of AWS's own, none twice, of the characters that IAM takes.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html: keys and names are not distinguished by case.
    """
    given = request.get("Tags") or []
    keys = [tag["Key"].lower() for tag in given]
    if len(keys) != len(set(keys)):
        raise request.refuse(
            "InvalidInput", "Duplicate tag keys found. Please note that Tag keys are case insensitive."
        )
    for tag in given:
        key, value = tag["Key"], tag["Value"]
        if key.lower().startswith("aws:"):
            raise request.refuse("InvalidInput", f"System tags cannot be added or modified: {key}")
        if not _TAG_TEXT.fullmatch(key) or not _TAG_TEXT.fullmatch(value):
            raise request.refuse("InvalidInput", f"Invalid characters in the tag {key}={value}")
    role = _role(request) if request.model.name == "TagRole" else None
    held = {tag["Key"].lower() for tag in (role.tags if role is not None else [])}
    if len(held | set(keys)) > _TAGS:
        raise _exceeded(request, "TagsPerRole" if role is not None else "Tags", _TAGS)


def oidc_url(request: Request) -> None:
    """The URL of an issuer begins with `https://`, and has no port, query or fragment.

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateOpenIDConnectProvider.html
    """
    url = request.get("Url")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise request.refuse("InvalidInput", f"Invalid Open ID Connect Provider URL: {url}") from None
    if parts.scheme != "https" or not parts.hostname or port is not None or parts.query or parts.fragment:
        raise request.refuse("InvalidInput", f"Invalid Open ID Connect Provider URL: {url}")


def oidc_thumbprints(request: Request) -> None:
    """A thumbprint is the SHA-1 of a certificate: 40 hexadecimal digits; at most five of them."""
    thumbprints = request.get("ThumbprintList") or []
    if len(thumbprints) > 5:
        raise request.refuse("InvalidInput", "Thumbprint list must contain fewer than 5 entries.")
    for thumbprint in thumbprints:
        if not re.fullmatch(r"[0-9a-fA-F]{40}", thumbprint):
            raise request.refuse("InvalidInput", f"Invalid thumbprint: {thumbprint}")


def oidc_client_ids(request: Request) -> None:
    """A provider has at most 100 client ids."""
    if len(set(request.get("ClientIDList") or [])) > CLIENT_IDS_PER_PROVIDER:
        raise _exceeded(request, "ClientIdsPerOpenIdConnectProvider", CLIENT_IDS_PER_PROVIDER)


def client_id_quota(request: Request) -> None:
    """A provider has at most 100 client ids, with those that it has."""
    providers = moto_backend.iam_state(request.account, request.region).open_id_providers
    provider: OpenIDConnectProvider | None = providers.get(request.get("OpenIDConnectProviderArn"))
    held = set(provider.client_id_list) if provider is not None else set()
    if len(held | {request.get("ClientID")}) > CLIENT_IDS_PER_PROVIDER:
        raise _exceeded(request, "ClientIdsPerOpenIdConnectProvider", CLIENT_IDS_PER_PROVIDER)


def shared_issuers(request: Request, document: Mapping[str, Any]) -> None:
    """A trust policy for an issuer that many organizations share must say which of its identities it lets in.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_oidc_secure-by-default.html
    """
    for statement in statements_of(document):
        if statement["Effect"] != "Allow":
            continue
        for issuer in _issuers(statement):
            claim = _SHARED_ISSUERS.get(issuer)
            if claim is None:
                continue
            values = list(_evaluated(statement, f"{issuer}:{claim}"))
            if not values or not all(_names_somebody(issuer, value) for value in values):
                raise request.refuse(
                    "MalformedPolicyDocument",
                    f"The trust policy must evaluate the condition key {issuer}:{claim}, with a value that is not only a "
                    "wildcard",
                )


def _issuers(statement: Mapping[str, Any]) -> Iterator[str]:
    principal = statement.get("Principal")
    named = principal.get("Federated", []) if isinstance(principal, Mapping) else []
    for arn in [named] if isinstance(named, str) else named:
        _, found, issuer = arn.partition(":oidc-provider/")
        if found:
            yield issuer


def _evaluated(statement: Mapping[str, Any], key: str) -> Iterator[str]:
    for operator, keys in (statement.get("Condition") or {}).items():
        if operator.rpartition(":")[2] in ("StringEquals", "StringLike", "StringEqualsIgnoreCase"):
            for name, values in keys.items():
                if name.lower() == key.lower():
                    yield from map(str, values if isinstance(values, list) else [values])


def _names_somebody(issuer: str, value: str) -> bool:
    if issuer == "token.actions.githubusercontent.com":
        # repo:ORG/…, and the organization itself is more than a wildcard
        kind, colon, rest = value.partition(":")
        value = rest.partition("/")[0] if colon and kind in ("repo", "repository", "enterprise") else value
    return bool(value.strip("*?"))


def assumed_role_exists(request: Request) -> None:
    """Who assumes a role of this account must name one that exists."""
    arn = request.get("RoleArn")
    roles = moto_backend.iam_state(request.account, request.region).roles.values()
    if f":{request.account}:" in arn and not any(role.arn == arn for role in roles):
        caller = request.caller
        message = f"User: {caller} is not authorized to perform: sts:{request.model.name} on resource: {arn}"
        raise request.refuse("AccessDenied", message, 403)
