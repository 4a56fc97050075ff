"""Who is told what happens to images: `ecr-stack:notifications`.

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
"""ECR's severities, the worst first."""

ReplicationResult = Literal["FAILED", "ALL"]
"""Which replications are told: those that failed, or all."""

MAX_PATTERN = 2048
"""Maximum number of characters in an event pattern: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html."""


_LONGEST_REGISTRY = "arn:aws-iso-f:ecr:ap-northeast-1:123456789012:repository/"
"""What the ARNs of repositories begin with, if account and Region are not known: only its length matters."""


def _wildcard_at_the_end(value: str) -> PydanticCustomError | None:
    alone = value.rstrip("*")
    if alone == value or not _PREFIX.fits(alone):
        return None
    return refusal(_PREFIX.rule, f"write the prefix alone: `{alone}`")


_PREFIX = Form(
    "[a-z0-9][a-z0-9._/-]{0,255}",
    "must be the beginning of a repository's name: 1 to 256 lowercase letters, digits, `.`, `_`, `-` and `/`",
    "write the first characters of the names that you mean, e.g. `api-`",
    explain=_wildcard_at_the_end,
)


def _slack_id(letters: str, what: str) -> Form:
    return Form(
        f"[{letters}][0-9A-Z]{{1,254}}",
        f"{what} begins with {' or '.join(letters)}, and has capital letters and digits",
        f"write one such as `{letters[0]}07EZ1ABC23`; Slack shows it in the address of the channel",
    )


Prefix = Annotated[str, _PREFIX, Item]
Https = Annotated[
    str,
    Form(
        r"https://[^\s/@]+(/[^\s]*)?",
        "an endpoint is an HTTPS address: whatever is sent there names vulnerabilities of images",
        "write one such as `https://hooks.example.com/ecr`",
        longest=2048,
    ),
    Item,
]
WorkspaceId = Annotated[str, _slack_id("T", "a workspace's id")]
ChannelId = Annotated[str, _slack_id("CG", "a channel's id")]


class SlackChannel(Model):
    """A channel of Slack. An account has one configuration for a channel, so two registries of one account need two."""

    EXAMPLES = {"workspace": "T07EZ1ABC23", "channel": "C07EZ1ABC23"}

    workspace: WorkspaceId
    """The workspace's id. Somebody must have authorized it in the console of AWS Chatbot (Amazon Q Developer) before."""
    channel: ChannelId
    """The channel's id. A private channel needs `/invite @Amazon Q`."""


class NotificationSettings(Model):
    """What is told, about which repositories, and to whom: in the home Region, and in each destination of replication in
    the same account."""

    pushes: Annotated[bool, Structural] = False
    """Whether pushes are told. Default: `false`."""
    deletions: Annotated[bool, Structural] = False
    """Whether deletions are told, those by lifecycle rules too: ECR does not tell the two apart. Default: `false`."""
    archives: Annotated[bool, Structural] = False
    """Whether it is told that an image went to the archive or came back from it. Default: `false`."""
    scans: Annotated[bool, Structural] = False
    """Whether each completed basic scan and each first enhanced scan is told, whatever it found. Default: `false`."""
    findings: Annotated[Severity | None, Structural] = None
    """Findings of at least this severity are told: basic scans that have one, and each one that Inspector finds."""
    replications: Annotated[ReplicationResult | None, Structural] = None
    """Whether replication is told: `FAILED` or `ALL`. ECR tells it in the Region of the destination."""
    pull_through_failures: Annotated[bool, Structural] = False
    """Whether pulls through a cache that cannot be synchronised are told. Default: `false`."""
    repositories: Annotated[list[Prefix], Field(min_length=1, max_length=100)] | None = None
    """Only repositories whose names begin with one of these. Default: every repository."""
    email: Annotated[list[EmailAddress], Described(uniqueItems=True), Structural] = []
    """Addresses that get the events as JSON. AWS asks each to confirm."""
    https: Annotated[list[Https], Described(uniqueItems=True), Structural] = []
    """HTTPS endpoints that get the events. AWS asks each to confirm, by a message with a `SubscribeURL`."""
    slack: Annotated[SlackChannel | None, Structural] = None
    """A channel of Slack that gets the events, by AWS Chatbot."""
    key_arn: KmsKeyArn | None = None
    """The ARN of an existing key in the home Region for the topic; its policy must let `events.amazonaws.com` use
    `kms:Decrypt` and `kms:GenerateDataKey`. Default: a key is made. Destinations always get a key of their own."""

    def cross_field_errors(self) -> Iterator[Problem]:
        """Something is told, nobody is told twice, and the pattern of each rule is short enough."""
        if not event_patterns(self, None):
            yield Problem(
                "",
                self.as_written(),
                "nothing is told: no event is chosen",
                "write e.g. `findings: HIGH`, or remove the section",
            )
        for field in ("email", "https"):
            entries = self.known(field) or []
            for index, entry in enumerate(entries):
                if entry is not INVALID and is_unknown(entry):
                    rule = (
                        "a subscription is called after its receiver, which decides which resources there are, so it must be "
                        "known when the program runs; this is an Output"
                    )
                    yield Problem(f"{field}[{index}]", "(an Output)", rule, "pass a plain value")
                elif not is_unknown(entry) and entry in entries[:index]:
                    yield Problem(f"{field}[{index}]", entry, "each is told once", "remove one of the two")

    @classmethod
    def json_rules(cls) -> Iterator[dict[str, Any]]:
        """Some event is chosen."""
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
    """The pattern of each rule, by the last part of the rule's name.

    Args:
        settings: what is told.
        prefixes: what the names of the repositories begin with. Default: every repository.
        replicated: whether the Region gets replicas; elsewhere replication is not told.
        registry: what the ARNs of the registry's repositories begin with.
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
            # every completed scan is told already
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
    """A pattern as EventBridge gets it."""
    return json.dumps(pattern, separators=(",", ":"))


def too_long(settings: NotificationSettings, prefixes: Sequence[str] | None) -> Iterator[Problem]:
    """Yield the rules whose patterns are too long for EventBridge; places are relative to the settings."""
    lengths = {name: len(pattern_text(pattern)) for name, pattern in event_patterns(settings, prefixes).items()}
    worst = max(lengths, key=lambda name: lengths[name], default=None)
    if worst is not None and lengths[worst] > MAX_PATTERN:
        yield Problem(
            "repositories",
            f"{len(prefixes or ())} prefixes",
            f"the pattern of the rule for {worst} would have {lengths[worst]:,} characters, and EventBridge takes "
            f"{MAX_PATTERN:,}",
            "write fewer or shorter prefixes, e.g. one that several names begin with, or leave `repositories` out",
        )


def notification_problems(
    settings: NotificationSettings,
    *,
    names: Sequence[str],
    created: Sequence[str] = (),
    name_prefix: str = "",
    region: str | None = None,
) -> Iterator[Problem]:
    """Yield what contradicts the rest of the registry's settings; places are relative to the section.

    Args:
        settings: the section.
        names: the names of the registry's repositories, without the prefix.
        created: prefixes of repositories that ECR makes, e.g. of caches.
        name_prefix: what the names in ECR begin with.
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
                "no repository of this registry begins with it, so nothing would be told",
                f"write the beginning of a name: {', '.join(list(names)[:5])}",
            )
    if not is_unknown(settings.repositories) and not any(is_unknown(entry) for entry in filters):
        yield from too_long(settings, prefixes_of(settings, name_prefix))
    yield from place_problems(settings, region)


def prefixes_of(settings: NotificationSettings, name_prefix: str) -> list[str] | None:
    """What the names in ECR of the repositories that are meant begin with; `None` if every repository is meant."""
    entries = settings.known("repositories")
    if entries is None:
        return [name_prefix] if name_prefix else None
    return [name_prefix + entry for entry in entries]


def place_problems(settings: NotificationSettings, region: str | None) -> Iterator[Problem]:
    """Yield what the Region does not allow; places are relative to the settings."""
    if region is None:
        return
    match = KMS_KEY_ARN.fullmatch(settings.known("key_arn") or "")
    if match and match[1] != region:
        yield Problem(
            "keyArn",
            settings.key_arn,
            f"a topic is encrypted with a key of its own Region, {region}",
            f"name a key whose ARN begins with arn:{partition_of(region)}:kms:{region}:, or remove `keyArn`",
        )
    if settings.known("slack") is not None and partition_of(region) != "aws":
        yield Problem(
            "slack",
            settings.slack.as_written() if isinstance(settings.slack, SlackChannel) else None,
            f"AWS Chatbot is offered in the partition aws only, and this is {partition_of(region)}",
            "remove it, and use `https` or `email`",
        )
