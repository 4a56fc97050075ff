"""Rules about a registry as a whole: replication, scanning, account settings, pull through cache."""

from __future__ import annotations

import re

from botocore.exceptions import EndpointConnectionError

from ecr_stack.aws.names import partition_of
from ecr_stack.embedded_aws import api_model, moto_backend
from ecr_stack.embedded_aws.request import Request

__all__ = [
    "ACCOUNT_SETTINGS",
    "account_setting",
    "account_setting_name",
    "exclusion",
    "pull_through_cache",
    "replication",
    "scanning",
    "signing",
]

# https://docs.aws.amazon.com/AmazonECR/latest/userguide/service-quotas.html: the API model takes 25 rules, but the
# quota of a registry is 10 in every region except ca-central-1, and cannot be raised.
_RULES_QUOTA = 10
_RULES_QUOTA_ELSEWHERE = {"ca-central-1": 25}
_DESTINATIONS_QUOTA = 25

_FREQUENCIES = {"BASIC": ("SCAN_ON_PUSH", "MANUAL"), "ENHANCED": ("SCAN_ON_PUSH", "CONTINUOUS_SCAN")}

ACCOUNT_SETTINGS = {
    "BASIC_SCAN_TYPE_VERSION": ("AWS_NATIVE",),
    "REGISTRY_POLICY_SCOPE": ("V2",),
    "BLOB_MOUNTING": ("DISABLED", "ENABLED"),
}
"""The account settings and their values, the default first.

https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_PutAccountSetting.html
"""

# https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache.html: each upstream registry with its URL, and
# whether it needs a secret with a login.
_UPSTREAMS = {
    "ecr": (re.compile(r"(?P<account>[0-9]{12})\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(\.cn)?"), False),
    "ecr-public": (re.compile(r"public\.ecr\.aws"), False),
    "quay": (re.compile(r"quay\.io"), False),
    "k8s": (re.compile(r"registry\.k8s\.io"), False),
    "docker-hub": (re.compile(r"registry-1\.docker\.io"), True),
    "github-container-registry": (re.compile(r"ghcr\.io"), True),
    "azure-container-registry": (re.compile(r"[a-z0-9]+\.azurecr\.(io|us|cn)"), True),
    "gitlab-container-registry": (re.compile(r"registry\.gitlab\.com"), True),
    "chainguard": (re.compile(r"cgr\.dev"), True),
}
# https://docs.aws.amazon.com/AmazonECR/latest/userguide/service-quotas.html
_PULL_THROUGH_QUOTA = 50
_EXCLUSION_QUOTA = 100


def replication(request: Request) -> None:
    """Destinations are other registries, within the quotas.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/replication.html
    """
    place = "replicationConfiguration"
    rules = request.get(place)["rules"]
    quota = _RULES_QUOTA_ELSEWHERE.get(request.region, _RULES_QUOTA)
    if len(rules) > quota:
        raise request.invalid(place, f"Replication configuration must have at most {quota} rules")
    everywhere: set[tuple[str, str]] = set()
    for rule in rules:
        destinations = [(entry["region"], entry["registryId"]) for entry in rule["destinations"]]
        if not destinations:
            raise request.invalid(place, "A replication rule must have at least one destination")
        if len(destinations) != len(set(destinations)):
            raise request.invalid(place, "Replication destinations must be unique within a rule")
        filters = [entry["filter"] for entry in rule.get("repositoryFilters", [])]
        if len(filters) != len(set(filters)):
            raise request.invalid(place, "Repository filters must be unique within a rule")
        for region, registry in destinations:
            if (region, registry) == (request.region, request.account):
                raise request.invalid(place, "Replication destination cannot be the same as the source registry")
            try:
                api_model.check_region(region)
            except EndpointConnectionError:
                raise request.invalid(place, f"Invalid region {region}") from None
            if partition_of(region) != request.partition:
                raise request.invalid(place, f"Replication to another partition is not supported: {region}")
        everywhere.update(destinations)
    if len(everywhere) > _DESTINATIONS_QUOTA:
        raise request.invalid(place, f"Replication must have at most {_DESTINATIONS_QUOTA} unique destinations")


def scanning(request: Request) -> None:
    """Each scan type has its frequencies, each of them at most one rule.

    https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_RegistryScanningRule.html
    """
    kind = request.get("scanType", "BASIC")
    seen: set[str] = set()
    for rule in request.get("rules", []):
        frequency = rule["scanFrequency"]
        if frequency not in _FREQUENCIES[kind]:
            raise request.invalid(
                "rules", f"{frequency} is not a scan frequency of {kind} scanning, which has {_FREQUENCIES[kind]}"
            )
        if frequency in seen:
            raise request.invalid("rules", f"more than one rule has the scan frequency {frequency}")
        seen.add(frequency)
        if not rule["repositoryFilters"]:
            raise request.invalid("rules", f"the rule for {frequency} has no repository filter")


def account_setting_name(request: Request) -> None:
    """The setting must be one that AWS has."""
    if request.get("name") not in ACCOUNT_SETTINGS:
        raise request.invalid("name", f"must be one of {', '.join(ACCOUNT_SETTINGS)}")


def account_setting(request: Request) -> None:
    """The setting and its value must be among those that AWS has."""
    account_setting_name(request)
    allowed = ACCOUNT_SETTINGS[request.get("name")]
    if request.get("value") not in allowed:
        raise request.invalid("value", f"must be one of {', '.join(allowed)}")


def pull_through_cache(request: Request) -> None:
    """An upstream must be one that ECR supports, with a secret if it needs a login, and a role if it is another account's.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache.html
    """
    url = request.get("upstreamRegistryUrl").removeprefix("https://").rstrip("/")
    matching = [name for name, (pattern, _) in _UPSTREAMS.items() if pattern.fullmatch(url)]
    if not matching:
        raise request.refuse("UnsupportedUpstreamRegistryException", f"The upstream registry {url} is not supported")
    upstream = matching[0]
    named = request.get("upstreamRegistry", upstream)
    if named != upstream:
        raise request.invalid("upstreamRegistry", f"the URL {url} is that of {upstream}, not of {named}")
    _, needs_login = _UPSTREAMS[upstream]
    credentials = request.get("credentialArn")
    if needs_login and not credentials:
        raise request.invalid("credentialArn", f"the upstream registry {upstream} needs credentials")
    if credentials and not needs_login:
        raise request.invalid("credentialArn", f"the upstream registry {upstream} takes no credentials")
    if credentials and credentials.split(":")[3:5] != [request.region, request.account]:
        raise request.invalid("credentialArn", "the secret must be of the account and Region of the rule")
    if credentials and not moto_backend.has_secret(request.account, request.region, credentials):
        raise request.refuse(
            "SecretNotFoundException",
            f"The ARN of the secret specified in the pull through cache rule was not found: {credentials}",
        )
    if upstream == "ecr" and not url.startswith(request.account) and not request.get("customRoleArn"):
        raise request.invalid("customRoleArn", "a role is needed for the registry of another account")
    role = request.get("customRoleArn")
    roles = moto_backend.iam_state(request.account, request.region).roles.values() if role else ()
    if role and not any(entry.arn == role for entry in roles):
        raise request.invalid("customRoleArn", f"the role {role} does not exist in this account")
    rules = request.state.of("pull through cache rule", request.region)
    if len(rules) >= _PULL_THROUGH_QUOTA and request.get("ecrRepositoryPrefix") not in rules:
        raise request.refuse(
            "LimitExceededException", f"A registry can have at most {_PULL_THROUGH_QUOTA} pull through cache rules"
        )


def signing(request: Request) -> None:
    """A signing rule names a profile of the registry's Region, each of them once.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/managed-signing.html
    """
    rules = request.get("signingConfiguration")["rules"]
    for rule in rules:
        arn = rule["signingProfileArn"]
        if arn.split(":")[3] != request.region:
            raise request.invalid("signingConfiguration", f"the signing profile {arn} is not in {request.region}")


def exclusion(request: Request) -> None:
    """Pull-time exclusions are of principals that exist, at most 100 in a registry."""
    arn = request.get("principalArn")
    iam = moto_backend.iam_state(request.account, request.region)
    known = {request.caller, *(role.arn for role in iam.roles.values()), *(user.arn for user in iam.users.values())}
    if f":{request.account}:" in arn and arn not in known:
        raise request.invalid("principalArn", f"the principal {arn} does not exist")
    if len(request.state.of("pull time update exclusion", request.region)) >= _EXCLUSION_QUOTA:
        raise request.refuse(
            "LimitExceededException", f"A registry can have at most {_EXCLUSION_QUOTA} pull time update exclusions"
        )
