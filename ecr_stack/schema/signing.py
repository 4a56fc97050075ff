"""Which images ECR signs when they are pushed: `ecr-stack:signing`.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/managed-signing.html
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Annotated

from pydantic import Field

from ecr_stack.aws.names import SigningFilter, SigningProfileArn, signing_filter_matches, signing_filter_problem
from ecr_stack.errors import Problem
from ecr_stack.model import Model, Structural, is_unknown

__all__ = ["SigningRule", "SigningSettings", "profile_region", "rules_of", "selects", "signing_problems"]

# The API model allows as many, and CloudFormation's schema 50; 10 is what ECR takes.
MAX_RULES = 10


class SigningRule(Model):
    """Which repositories' images are signed with which profile of AWS Signer."""

    EXAMPLES = {"signingProfileArn": '"arn:aws:signer:us-east-1:111122223333:/signing-profiles/containers"'}

    signing_profile_arn: SigningProfileArn
    """The ARN of an AWS Signer profile for the platform `Notation-OCI-SHA384-ECDSA`. It must be in the registry's Region;
    it may be another account's. Whoever pushes needs `signer:SignPayload` on it: the pipelines of this stack get it."""
    repository_filters: Annotated[list[SigningFilter], Field(min_length=1, max_length=100)] | None = None
    """Repository names with `*` wildcards. Default: every repository."""


class SigningSettings(Model):
    """ECR's managed signing: one configuration for an account and Region."""

    rules: Annotated[list[SigningRule], Field(max_length=MAX_RULES), Structural] = []
    """At most 10 rules. An image is signed once for each profile whose rule selects its repository. A rule whose profile is
    in a destination's Region signs what is pushed there; a replica is not signed again."""


def profile_region(arn: str) -> str:
    """The Region of a signing profile."""
    return arn.split(":")[3]


def rules_of(signing: SigningSettings, destination: str | None, destinations: Collection[str]) -> list[SigningRule]:
    """The rules of one Region's registry: a rule belongs where its profile is.

    Args:
        signing: the section; a profile that is not known yet is taken to be in the home Region.
        destination: the Region of a destination, or `None` for the home Region.
        destinations: the Regions of all destinations in which the stack configures the registry.
    """

    def destination_of(rule: SigningRule) -> str | None:
        arn = None if is_unknown(rule) else rule.known("signing_profile_arn")
        return profile_region(arn) if arn and profile_region(arn) in destinations else None

    return [rule for rule in signing.rules if destination_of(rule) == destination]


def selects(rule: SigningRule, name: str) -> bool:
    """Whether a rule selects a repository by its name without the prefix; a filter that is not known yet may."""
    filters = None if is_unknown(rule) else rule.known("repository_filters")
    return not filters or any(is_unknown(text) or signing_filter_matches(text, name) for text in filters)


def signing_problems(
    signing: SigningSettings, names: Sequence[str], prefix: str, region: str | None, destinations: Collection[str]
) -> Iterator[Problem]:
    """Yield what AWS would refuse, or accept without signing anything, for this registry.

    Args:
        signing: the section; places are relative to it.
        names: every repository name of the stack, as filters see it; empty if ECR makes others as well.
        prefix: what the names begin with in ECR.
        region: the home Region, `None` if it is not known.
        destinations: the destinations' Regions in which the stack configures the registry.
    """
    for number, rule in enumerate(signing.known("rules") or []):
        if is_unknown(rule):
            continue
        arn = rule.known("signing_profile_arn")
        if arn and region and profile_region(arn) not in {region, *destinations}:
            yield Problem(
                f"rules[{number}].signingProfileArn",
                arn,
                f"a signing profile must be in the registry's Region, {region}"
                + (f", or in that of a destination ({', '.join(sorted(destinations))})" if destinations else ""),
                "make the profile there: `aws signer put-signing-profile --profile-name NAME --platform-id "
                f"Notation-OCI-SHA384-ECDSA --region {region}`",
            )
        everything = signing_filter_problem(f"{prefix}*") if prefix and rule.repository_filters is None else None
        if everything is not None:
            yield Problem(
                f"rules[{number}]", rule.as_written(),
                f"with the name prefix, every repository is `{prefix}*`, and {everything[0]}",
                "write `repositoryFilters`, or another `namePrefix`",
            )  # fmt: skip
        for position, text in enumerate(rule.known("repository_filters") or []):
            place = f"rules[{number}].repositoryFilters[{position}]"
            if is_unknown(text):
                continue
            problem = signing_filter_problem(prefix + text) if prefix else None
            if problem is not None:
                yield Problem(
                    place, text, f"with the name prefix it is `{prefix + text}`, and {problem[0]}", problem[1]
                )
            if names and not any(signing_filter_matches(text, name) for name in names):
                shown = f"{', '.join(names[:5])}{', …' if len(names) > 5 else ''}"
                yield Problem(
                    place, text, f"no repository has a name that it matches, so nothing would be signed: {shown}",
                    "write a name, or a part of one with `*`, e.g. `api-*`",
                )  # fmt: skip
