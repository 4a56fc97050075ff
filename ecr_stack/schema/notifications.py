"""Notifications about images: `ecr-stack:notifications`.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-eventbridge.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field
from pydantic_core import PydanticCustomError

from ecr_stack.aws import events
from ecr_stack.aws.names import KMS_KEY_ARN, EmailAddress, KmsKeyArn, partition_of
from ecr_stack.errors import Problem
from ecr_stack.forms import Described, Form
from ecr_stack.model import INVALID, Item, Model, Structural, is_unknown, key_of, refusal
from ecr_stack.schema.json_schema import at_least_one, given, is_one_of

__all__ = [
    "NotificationSettings",
    "ReplicationResult",
    "Severity",
    "SlackChannel",
    "event_patterns",
    "notification_problems",
    "pattern_text",
    "place_problems",
    "prefixes_of",
    "too_long",
]

Severity = Literal["CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL", "UNDEFINED"]
"""ECR's severities, most severe first."""

ReplicationResult = Literal["FAILED", "ALL"]
"""Which replications to report: failed ones, or all."""

MAX_PATTERN = 2048
"""Maximum number of characters in an event pattern:
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html."""


_LONGEST_REGISTRY = "arn:aws-iso-f:ecr:ap-northeast-1:123456789012:repository/"
"""The prefix of repository ARNs if account and Region are unknown: only its length matters."""


def _wildcard_at_the_end(value: str) -> PydanticCustomError | None:
    alone = value.rstrip("*")
    if alone == value or not _PREFIX.fits(alone):
        return None
    return refusal(_PREFIX.rule, f"write the prefix alone: `{alone}`")


_PREFIX = Form(
    "[a-z0-9][a-z0-9._/-]{0,255}",
    "must be a prefix of a repository name: 1 to 256 lowercase letters, digits, `.`, `_`, `-` and `/`",
    "write the first characters of the names, e.g. `api-`",
    explain=_wildcard_at_the_end,
)


def _slack_id(letters: str, what: str) -> Form:
    return Form(
        f"[{letters}][0-9A-Z]{{1,254}}",
        f"{what} begins with {' or '.join(letters)} and consists of capital letters and digits",
        f"write one such as `{letters[0]}07EZ1ABC23`; Slack shows it in the channel's URL",
    )


Prefix = Annotated[str, _PREFIX, Item]
Https = Annotated[
    str,
    Form(
        r"https://[^\s/@]+(/[^\s]*)?",
        "an endpoint must be an HTTPS URL, because messages contain vulnerabilities",
        "write one such as `https://hooks.example.com/ecr`",
        longest=2048,
    ),
    Item,
]
WorkspaceId = Annotated[str, _slack_id("T", "a workspace id")]
ChannelId = Annotated[str, _slack_id("CG", "a channel id")]


class SlackChannel(Model):
    """A Slack channel. An account has one configuration per channel, so two registries in an account need two
    channels."""

    EXAMPLES = {"workspace": "T07EZ1ABC23", "channel": "C07EZ1ABC23"}

    workspace: WorkspaceId
    """The workspace id. The workspace must already be authorized in the console of AWS Chatbot (Amazon Q Developer)."""
    channel: ChannelId
    """The channel id. A private channel needs `/invite @Amazon Q`."""


class NotificationSettings(Model):
    """Which events to report, for which repositories, and to whom: in the home Region and each replication destination
    in the same account."""

    pushes: Annotated[bool, Structural] = False
    """Whether to report pushes. Default: `false`."""
    deletions: Annotated[bool, Structural] = False
    """Whether to report deletions, including those by lifecycle rules, which ECR does not distinguish. Default:
    `false`."""
    archives: Annotated[bool, Structural] = False
    """Whether to report archived and restored images. Default: `false`."""
    scans: Annotated[bool, Structural] = False
    """Whether to report each completed basic scan and each first enhanced scan, regardless of findings. Default:
    `false`."""
    findings: Annotated[Severity | None, Structural] = None
    """The minimum severity of findings to report: basic scans with such a finding, and each such finding from
    Inspector."""
    replications: Annotated[ReplicationResult | None, Structural] = None
    """Which replications to report: `FAILED` or `ALL`. ECR sends these events in the destination Region."""
    pull_through_failures: Annotated[bool, Structural] = False
    """Whether to report failed synchronisation of pull-through caches. Default: `false`."""
    repositories: Annotated[list[Prefix], Field(min_length=1, max_length=100)] | None = None
    """Prefixes of repository names; other repositories are not reported. Default: every repository."""
    email: Annotated[list[EmailAddress], Described(uniqueItems=True), Structural] = []
    """E-mail addresses that receive the events as JSON. Each must confirm its subscription."""
    https: Annotated[list[Https], Described(uniqueItems=True), Structural] = []
    """HTTPS endpoints that receive the events. Each must confirm its subscription, through a message with a
    `SubscribeURL`."""
    slack: Annotated[SlackChannel | None, Structural] = None
    """A Slack channel that receives the events through AWS Chatbot."""
    key_arn: KmsKeyArn | None = None
    """The ARN of an existing key in the home Region for the topic; its policy must let `events.amazonaws.com` use
    `kms:Decrypt` and `kms:GenerateDataKey`. Default: a new key. Destinations always get their own keys."""

    def cross_field_errors(self) -> Iterator[Problem]:
        """At least one event, no duplicate receivers, and each rule's pattern must be short enough."""
        if not event_patterns(self, None) and not any(is_unknown(value) for value in self.given().values()):
            yield Problem(
                "",
                self.as_written(),
                "no events are selected, so nothing would be reported",
                "write e.g. `findings: HIGH`, or remove the section",
            )
        for field in ("email", "https"):
            entries = self.known(field) or []
            for index, entry in enumerate(entries):
                if entry is not INVALID and is_unknown(entry):
                    rule = (
                        "a subscription is named after its receiver, which decides which resources exist, so it "
                        "must be known when the program runs, but it is an Output"
                    )
                    yield Problem(f"{field}[{index}]", "(an Output)", rule, "pass a plain value")
                elif not is_unknown(entry) and entry in entries[:index]:
                    yield Problem(f"{field}[{index}]", entry, "a receiver is repeated", "remove one of the two")

    @classmethod
    def json_rules(cls) -> Iterator[dict[str, Any]]:
        """At least one event."""
        chosen = (
            is_one_of(key_of(cls, name), True) for name, field in cls.model_fields.items() if field.annotation is bool
        )
        yield at_least_one(*chosen, given("findings"), given("replications"))


def event_patterns(
    settings: NotificationSettings,
    prefixes: Sequence[str] | None,
    *,
    replicated: bool = True,
    registry: str = _LONGEST_REGISTRY,
) -> dict[str, events.EventPattern]:
    """Each rule's pattern, by the last part of the rule's name.

    Args:
        settings: the notification settings.
        prefixes: prefixes of repository names. Default: every repository.
        replicated: whether the Region receives replicas; other Regions send no replication events.
        registry: the prefix of the ARNs of the registry's repositories.
    """
    named = None if prefixes is None else [events.beginning_with(prefix) for prefix in prefixes]
    patterns: dict[str, events.EventPattern] = {}
    if settings.known("pushes"):
        patterns["pushes"] = events.pushes(named)
    if settings.known("deletions"):
        patterns["deletions"] = events.deletions(named)
    if settings.known("archives"):
        patterns["archives"], patterns["restores"] = events.archives(named), events.restores(named)
    if settings.known("scans"):
        arns = None if prefixes is None else [registry + prefix for prefix in prefixes]
        patterns["basic-scans"], patterns["enhanced-scans"] = events.basic_scans(named), events.inspector_scans(arns)
    severity = settings.known("findings")
    if severity is not None:
        patterns |= events.finding_patterns(severity, named)
        if settings.known("scans"):
            # every completed scan is already reported
            del patterns["basic-scan-findings"]
    results = settings.known("replications")
    if results is not None and replicated:
        patterns["replications"] = events.replications(
            named, ("SUCCESS", "FAILED") if results == "ALL" else ("FAILED",)
        )
    if settings.known("pull_through_failures"):
        patterns["pull-through-failures"] = events.pull_through_failures(named)
    return patterns


def pattern_text(pattern: events.EventPattern) -> str:
    """A pattern in EventBridge's form."""
    return json.dumps(pattern, separators=(",", ":"))


def too_long(settings: NotificationSettings, prefixes: Sequence[str] | None) -> Iterator[Problem]:
    """Yield the rules whose patterns are too long for EventBridge; places are relative to the settings."""
    lengths = {name: len(pattern_text(pattern)) for name, pattern in event_patterns(settings, prefixes).items()}
    worst = max(lengths, key=lambda name: lengths[name], default=None)
    if worst is not None and lengths[worst] > MAX_PATTERN:
        yield Problem(
            "repositories",
            f"{len(prefixes or ())} prefixes",
            f"the pattern of the rule for {worst} would have {lengths[worst]:,} characters, and EventBridge allows "
            f"{MAX_PATTERN:,}",
            "write fewer or shorter prefixes, e.g. one shared by several names, or omit `repositories`",
        )


def notification_problems(
    settings: NotificationSettings,
    *,
    names: Sequence[str],
    created: Sequence[str] = (),
    name_prefix: str = "",
    region: str | None = None,
) -> Iterator[Problem]:
    """Yield conflicts with the rest of the registry's settings; places are relative to the section.

    Args:
        settings: the section.
        names: the names of the registry's repositories, without the prefix.
        created: prefixes of repositories that ECR creates, e.g. of caches.
        name_prefix: the prefix of names in ECR.
        region: the home Region, `None` if it is not known.
    """
    filters = settings.known("repositories") or []
    for index, entry in enumerate(filters):
        if is_unknown(entry) or any(name.startswith(entry) for name in names):
            continue
        if not any(made == "ROOT" or made.startswith(entry) or entry.startswith(made) for made in created):
            yield Problem(
                f"repositories[{index}]",
                entry,
                "no repository name in this registry begins with it, so nothing would be reported",
                f"write a prefix of one of {', '.join(list(names)[:5])}",
            )
    if not is_unknown(settings.repositories) and not any(is_unknown(entry) for entry in filters):
        yield from too_long(settings, prefixes_of(settings, name_prefix))
    yield from place_problems(settings, region)


def prefixes_of(settings: NotificationSettings, name_prefix: str) -> list[str] | None:
    """The prefixes of the names in ECR of the selected repositories; `None` for every repository."""
    entries = settings.known("repositories")
    if entries is None:
        return [name_prefix] if name_prefix else None
    return [name_prefix + entry for entry in entries]


def place_problems(settings: NotificationSettings, region: str | None) -> Iterator[Problem]:
    """Yield errors that depend on the Region; places are relative to the settings."""
    if region is None:
        return
    match = KMS_KEY_ARN.fullmatch(settings.known("key_arn") or "")
    if match and match[1] != region:
        yield Problem(
            "keyArn",
            settings.key_arn,
            f"a topic must be encrypted with a key in its own Region, {region}",
            f"use a key whose ARN begins with arn:{partition_of(region)}:kms:{region}:, or remove `keyArn`",
        )
    if settings.known("slack") is not None and partition_of(region) != "aws":
        yield Problem(
            "slack",
            settings.slack.as_written() if isinstance(settings.slack, SlackChannel) else None,
            f"AWS Chatbot is only available in the partition aws, and this is {partition_of(region)}",
            "remove it, and use `https` or `email`",
        )
