"""Immutable image tags: the image that was tested and approved under a tag is the one that runs."""

from __future__ import annotations

import re
from collections.abc import Callable
from fnmatch import fnmatchcase

from pulumi_policy import Severity

from guardrails.document import plain
from guardrails.policy import WEAKER, Config, Resource, resource_policy
from guardrails.production import PRODUCTION, in_production
from guardrails.resources import CREATION_TEMPLATE, REPOSITORY, UNKNOWN, called, each, look, text

RELEASE_WORDS = [
    "v",
    "ver",
    "version",
    "r",
    "rc",
    "rel",
    "release",
    "releases",
    "hotfix",
    "prod",
    "production",
    "prd",
    "live",
    "main",
    "master",
    "trunk",
    "stable",
    "sha",
    "git",
    "commit",
    "build",
    "ga",
    "final",
    "deploy",
    "image",
    "img",
    "tag",
    "semver",
]


@resource_policy(
    types=[REPOSITORY, CREATION_TEMPLATE],
    reason="If a tag can be moved, an image can be replaced under a name that is already deployed.",
    control="Security Hub ECR.2",
    url="https://docs.aws.amazon.com/securityhub/latest/userguide/ecr-controls.html#ecr-2",
    severity=Severity.MEDIUM,
    remedy="Set imageTagMutability to IMMUTABLE, or to IMMUTABLE_WITH_EXCLUSION with the few tags that must move "
    "listed explicitly, e.g. latest.",
    stack_file={
        REPOSITORY: "Set `ecr-stack:repositories.{name}.tagMutability` (or `repositoryDefaults.tagMutability`) to"
        " IMMUTABLE, or to IMMUTABLE_WITH_EXCLUSION with the few tags that must move listed explicitly in "
        "`mutableTags`.",
        CREATION_TEMPLATE: "Set `ecr-stack:repositoryDefaults.tagMutability` to IMMUTABLE, or to"
        " IMMUTABLE_WITH_EXCLUSION with the few tags that must move listed explicitly in `mutableTags`.",
    },
    config={
        "immutableTags": {
            WEAKER: "fewer",
            "type": "array",
            "items": {"type": "string"},
            "default": [
                "v1.2.3",
                "1.2.3",
                "release-1.2.3",
                "sha-1a2b3c4",
                "1a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6d7e8f9a0b",
                "v1.2.3-amd64",
                "1.2.3-arm64",
                "1.2.3-alpine",
                "v1.2.3-1a2b3c4",
                "main-1a2b3c4",
                "2026-01-31",
                "20260131-1234",
                "v1.2.3-20260131",
                "build-1234",
            ],
            "description": "Examples of tags that must never move; exclusions that match one are reported.",
        },
        "releaseWords": {
            WEAKER: "fewer",
            "type": "array",
            "items": {"type": "string"},
            "default": RELEASE_WORDS,
            "description": "Prefixes of release tags, before the number; exclusions such as v20* or prod* that match "
            "them are reported. Plain numbers count too. An empty list turns this off.",
        },
        "minimumCharacters": {
            WEAKER: "lower",
            "type": "integer",
            "minimum": 0,
            "maximum": 128,
            "default": 3,
            "description": "The minimum number of consecutive letters and digits in an exclusion with a wildcard; "
            "with fewer, the repository is effectively mutable.",
        },
        **PRODUCTION,
    },
)
def image_tags_in_production_are_immutable(resource: Resource, config: Config, report: Callable[[str], None]) -> None:
    """Report production repositories whose tags can move, or whose exclusions let nearly all tags move."""
    mutability = look(resource.props, "imageTagMutability") or "MUTABLE"
    if mutability is UNKNOWN or not in_production(resource, config):
        return
    name = called(resource)
    if mutability == "IMMUTABLE":
        return
    if mutability != "IMMUTABLE_WITH_EXCLUSION":
        report(f"The image tags of {name}, in production, can be moved: imageTagMutability is {plain(mutability)}.")
        return
    for exclusion in each(resource.props, "imageTagMutabilityExclusionFilters"):
        pattern = text(exclusion, "filter")
        if look(exclusion, "filterType") not in {"WILDCARD", UNKNOWN, None}:
            kind = plain(look(exclusion, "filterType"))
            report(
                f"Which tags of {name} can be moved cannot be known: the exclusion {pattern!r} is a filter of type {kind},"
                " and not a WILDCARD."
            )
            continue
        # Of a WILDCARD filter `*` alone is special; every other character is itself.
        glob = "".join(f"[{character}]" if character in "?[" else character for character in pattern)
        moved = next((tag for tag in config["immutableTags"] if fnmatchcase(tag, glob)), None)
        if moved is not None or _takes_releases(pattern, config["releaseWords"]):
            such = f" such as {moved!r}" if moved else " of releases"
            report(
                f"The exclusion {pattern!r} of {name} lets tags{such} be moved, so the repository is effectively "
                "mutable."
            )
        elif "*" in pattern and _longest(pattern) < config["minimumCharacters"]:
            report(
                f"The exclusion {pattern!r} of {name} lets nearly every tag be moved: it has fewer than"
                f" {config['minimumCharacters']:g} letters and digits together."
            )


def _longest(pattern: str) -> int:
    """The number of letters and digits in the longest part without a wildcard."""
    return max(sum(map(str.isalnum, part)) for part in pattern.split("*"))


def _takes_releases(pattern: str, words: list[str]) -> bool:
    """Whether an exclusion is made of how a release's tag begins, with nothing behind to limit it."""
    before, wildcard, rest = pattern.partition("*")
    word = "|".join(re.escape(each) for each in words)
    if words and re.fullmatch(rf"\*[-_.]?(?:{word})(?:[-_.]?\*)?", pattern, re.IGNORECASE):
        return True
    if not wildcard or not before or not words or re.search(r"[a-z]{3}", rest, re.IGNORECASE):
        return False
    return bool(re.fullmatch(rf"(?:(?:{word})[-_.]?)?v?(?:[0-9][\w.+-]*)?", before, re.IGNORECASE))
