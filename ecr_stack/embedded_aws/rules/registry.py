"""Rules about a registry as a whole: replication, scanning, account settings, pull through cache."""

from __future__ import annotations

from botocore.exceptions import EndpointConnectionError

from ecr_stack.aws.names import partition_of
from ecr_stack.embedded_aws import api_model
from ecr_stack.embedded_aws.request import Request

__all__ = [
    "ACCOUNT_SETTINGS",
    "account_setting",
    "account_setting_name",
    "pull_through_cache",
    "replication",
    "scanning",
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

# https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache.html
_UPSTREAMS_WITH_CREDENTIALS = (
    "docker-hub", "github-container-registry", "azure-container-registry", "gitlab-container-registry", "chainguard",
)  # fmt: skip


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
    """Upstream registries that need a login need the secret that holds it."""
    upstream = request.get("upstreamRegistry")
    if upstream in _UPSTREAMS_WITH_CREDENTIALS and not request.get("credentialArn"):
        raise request.invalid("credentialArn", f"the upstream registry {upstream} needs credentials")
