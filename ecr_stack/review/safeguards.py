"""What protects images and access in a rehearsed stack, and what became weaker between two of them.

A report is turned into facts about what is protected: for each repository which tags cannot be moved, how it is
scanned, where it is copied, how many images a lifecycle change may remove; for each key whether it is enabled and rotated;
for each role which managed policies it has. It does not matter by which property a fact came about, or whether a
property was changed, dropped or never written: only what is in force before and after is compared.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ecr_stack.aws.lifecycle.tag_filter import TagFilter
from ecr_stack.aws.names import signing_filter_matches
from ecr_stack.aws.scanning import filter_matches
from ecr_stack.resources import SIGNING_CONFIGURATION
from ecr_stack.review.comparison import Risk
from ecr_stack.review.report import Record, at, items, parsed

__all__ = ["GUARD", "sample_tags", "weakened"]

_REPOSITORY = "aws:ecr/repository:Repository"
_TEMPLATE = "aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate"
_LIFECYCLE = "aws:ecr/lifecyclePolicy:LifecyclePolicy"
_KEY = "aws:kms/key:Key"
GUARD = "pulumi:index:Stash"
"""A guard's record: `input` has the `repository`, the `document` and the `limits` (see `components.lifecycle_guard`)."""

Strength = float | frozenset[str]
"""More is safer: a larger number, or a superset."""


@dataclass(frozen=True)
class Fact:
    """One thing that is protected, or open."""

    urn: str
    name: str
    """The resource, for people."""
    strength: Strength
    words: str
    """What it means if it becomes weaker; `{lost}` for what a set lost."""
    shown: str = ""
    """The value, for people."""
    level: str = "attention"


Key = tuple[str, ...]
"""A subject and an aspect of it: what the facts of two reports are matched by."""


@dataclass
class _Facts:
    """The facts of one report."""

    protected: dict[Key, Fact]
    opened: dict[Key, Fact]
    """Here sets are what is open: what is new in them is a risk, whether their subject is new or not."""
    subjects: set[str]


def weakened(base: Record, head: Record, renamed: Mapping[str, str]) -> Iterator[Risk]:
    """Yield every safeguard that is weaker in the head than in the base.

    Args:
        base: how it is, as `rehearse --format json` prints it.
        head: how it would be.
        renamed: for the URN of each renamed resource of the head the URN that it had.
    """
    samples = sample_tags(base, head)
    before, after = _facts(base, samples, {}), _facts(head, samples, renamed)
    for key, old in before.protected.items():
        new = after.protected.get(key)
        if new is None:
            # with the guard go its limits, which need no word of their own
            is_limit = key[1].startswith("guard ") and (key[0], "guard") not in after.protected
            if key[0] in after.subjects and not is_limit:
                yield _risk(old, None)
        elif not _at_least(new.strength, old.strength):
            yield _risk(old, new)
    for key, new in after.opened.items():
        old_fact = before.opened.get(key)
        known = old_fact.strength if old_fact else frozenset()
        gained = sorted(_set(new.strength) - _set(known))
        if gained:
            yield Risk(new.level, new.urn, new.name, new.words.replace("{gained}", _listed(gained)))


def _at_least(new: Strength, old: Strength) -> bool:
    if isinstance(new, frozenset) or isinstance(old, frozenset):
        return _set(new) >= _set(old)
    return new >= old


def _set(strength: Strength) -> frozenset[str]:
    return strength if isinstance(strength, frozenset) else frozenset()


def _risk(old: Fact, new: Fact | None) -> Risk:
    lost = ""
    if isinstance(old.strength, frozenset):
        kept = _set(new.strength) if new else frozenset()
        lost = _listed([item for item in _in_order(old.strength) if item not in kept])
    place = new or old
    message = old.words.replace("{lost}", lost)
    if old.shown:
        message += f" ({old.shown} → {new.shown if new else 'none'})"
    return Risk(old.level, place.urn, place.name, message)


def _listed(names: list[str], limit: int = 4) -> str:
    shown = ", ".join(f"`{name}`" for name in names[:limit])
    return f"{shown} and {len(names) - limit} more" if len(names) > limit else shown


# Tags as people write them. Whether exclusions take one in is found out by matching, not by comparing texts.
_SAMPLES = (
    *("v1.2.3", "1.2.3", "v1.2", "v1", "1.0.0-rc.1", "release-42", "prod", "production", "staging", "stable"),
    *("main", "master", "develop", "dev", "latest", "edge", "nightly", "2026-01-31", "20260131.1", "build-1234"),
    *("pr-17", "feature-login", "hotfix-1", "sha-0a1b2c3", "0a1b2c3", "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"),
)
_RANK = {tag: place for place, tag in enumerate(_SAMPLES)}


def _in_order(tags: Iterable[str]) -> list[str]:
    return sorted(tags, key=lambda tag: (_RANK.get(tag, len(_RANK)), tag))


def sample_tags(*reports: Record) -> tuple[str, ...]:
    """Tags to try: usual ones, one for each selector of a lifecycle, and those that reach every exclusion's edges."""
    found: dict[str, None] = dict.fromkeys(_SAMPLES)
    for report in reports:
        for record in report["resources"]:
            for exclusion in items(_property(record, "imageTagMutabilityExclusionFilters")):
                pattern = str(at(exclusion, "filter") or "")
                found.update(dict.fromkeys(pattern.replace("*", filling) for filling in ("", "x1")))
            for document in (_property(record, "policy"), _property(record, "lifecyclePolicy")):
                for rule in items(at(parsed(document), "rules")):
                    for prefix in items(at(rule, "selection", "tagPrefixList")):
                        found[f"{prefix}1.2.3"] = None
                    for pattern in items(at(rule, "selection", "tagPatternList")):
                        found[str(pattern).replace("*", "1")] = None
    return tuple(tag for tag in found if tag)


def _property(record: Record, name: str) -> Any:
    """What AWS answered, or what was asked for if it answered nothing."""
    value = at(record, "outputs", name)
    return at(record, "inputs", name) if value is None else value


@dataclass(frozen=True)
class _Subject:
    """One thing in AWS whose facts are written down."""

    facts: _Facts
    key: str
    record: Record

    def protect(self, aspect: str, strength: Strength, words: str, shown: str = "", level: str = "attention") -> None:
        fact = Fact(self.record["urn"], self.record["name"], strength, words, shown, level)
        self.facts.protected[self.key, aspect] = fact

    def expose(self, aspect: str, things: Iterable[Any], words: str, level: str = "danger") -> None:
        known = self.facts.opened.get((self.key, aspect))
        strength = frozenset(map(str, things)) | _set(known.strength if known else frozenset())
        fact = Fact(self.record["urn"], self.record["name"], strength, words, "", level)
        self.facts.opened[self.key, aspect] = fact


Repositories = Mapping[tuple[str, str], _Subject]
"""By Region and name."""


def _facts(report: Record, samples: tuple[str, ...], renamed: Mapping[str, str]) -> _Facts:
    facts = _Facts({}, {}, set())
    repositories: dict[tuple[str, str], _Subject] = {}
    for record in report["resources"]:
        if record.get("id") is None:
            continue
        subject = _Subject(facts, _key_of(record, renamed), record)
        facts.subjects.add(subject.key)
        _any_resource(subject)
        kind = record["type"]
        if kind == _REPOSITORY:
            repositories[_region(record), str(_property(record, "name"))] = subject
            _images(subject, samples)
        elif kind == _TEMPLATE:
            _images(subject, samples)
            applied = frozenset(map(str, items(_property(record, "appliedFors"))))
            subject.protect("applied", applied, "new repositories no longer get these settings for {lost}")
        elif kind == _KEY:
            _key(subject)
        elif kind.startswith("aws:iam/"):
            _identity(subject)
        else:
            _opening(subject)
    for record in report["resources"]:
        if record["type"] == "aws:ecr/registryScanningConfiguration:RegistryScanningConfiguration":
            _scanning(record, repositories)
        elif record["type"] == "aws:ecr/replicationConfiguration:ReplicationConfiguration":
            _replication(_Subject(facts, f"registry {_region(record)}", record), repositories, report.get("account"))
        elif at(record, "inputs", "typeName") == SIGNING_CONFIGURATION:
            _signing(record, repositories)
    _guards(report, repositories)
    return facts


def _region(record: Record) -> str:
    return str(_property(record, "region"))


def _key_of(record: Record, renamed: Mapping[str, str]) -> str:
    """What a resource is in AWS, by its name if it has one: the URN differs after a rename, keys have other ids."""
    kind = record["type"]
    if kind == _REPOSITORY:
        return f"{kind} {_region(record)} {_property(record, 'name')}"
    if kind == _TEMPLATE:
        return f"{kind} {_region(record)} {_property(record, 'prefix')}"
    if kind == "aws:iam/role:Role":
        return f"iam role {_property(record, 'name')}"
    return str(renamed.get(record["urn"], record["urn"]))


def _any_resource(subject: _Subject) -> None:
    options = subject.record["options"]
    subject.protect("protect", float(at(options, "protect") is True), "is no longer protected from deletion")
    kept = float(at(options, "retainOnDelete") is True)
    subject.protect("retain", kept, "would no longer be kept in AWS when it is removed from the stack")


def _opening(subject: _Subject) -> None:
    """What is open by being there."""
    record, kind = subject.record, subject.record["type"]
    if kind.startswith("aws:ecrpublic/") and kind.endswith(":Repository"):
        subject.expose("public", ["everybody"], "is public: {gained} may pull from it")
    elif kind == "aws:ecr/accountSetting:AccountSetting":
        value = str(_property(record, "value"))
        subject.protect(
            "setting", frozenset({value}), f"the account's setting {_property(record, 'name')} changes", value
        )
    elif kind == "aws:ecr/pullThroughCacheRule:PullThroughCacheRule":
        upstream = [_property(record, "upstreamRegistryUrl")]
        subject.expose("upstream", upstream, "images come from another registry: {gained}", "attention")
    elif kind == "aws:ecr/pullTimeUpdateExclusion:PullTimeUpdateExclusion":
        words = "pulls by {gained} are no longer recorded: lifecycle rules and the guard treat the images as unused"
        registry = _Subject(subject.facts, f"registry {_region(record)}", record)
        registry.expose("unrecorded pulls", [_property(record, "principalArn")], words, "attention")
    elif kind == "aws:cloudwatch/eventRule:EventRule":
        pattern = json.dumps(parsed(_property(record, "eventPattern")), sort_keys=True)
        subject.protect("events", frozenset({pattern}), "matches other events than today")
        on = _property(record, "state") != "DISABLED"
        subject.protect("state", float(on), "is disabled: nobody is notified of its events")
    elif kind == "aws:budgets/budget:Budget":
        _budget(subject)


def _budget(subject: _Subject) -> None:
    """The costs at which someone hears of them, and who does."""
    record = subject.record
    amount = _number(_property(record, "limitAmount"), math.inf)
    shown = f"{amount:g} {_property(record, 'limitUnit')}"
    subject.protect("amount", -amount, "the budget is higher, so its notifications come later", shown)
    notices = items(_property(record, "notifications"))
    thresholds = frozenset(f"{at(each, 'threshold')}% {at(each, 'notificationType')}" for each in notices)
    subject.protect("thresholds", thresholds, "nobody is notified any more when costs reach {lost}")
    told = frozenset(
        str(who)
        for each in notices
        for kind in ("subscriberEmailAddresses", "subscriberSnsTopicArns")
        for who in items(at(each, kind))
    )
    subject.protect("subscribers", told, "{lost} no longer receives cost alerts")


_ENCRYPTION = {"AES256": 0, "KMS": 1, "KMS_DSSE": 2}


def _images(subject: _Subject, samples: tuple[str, ...]) -> None:
    """What protects the images of a repository, or of those that a template creates."""
    record = subject.record
    mutability = str(_property(record, "imageTagMutability") or "MUTABLE")
    exclusions = [str(at(item, "filter")) for item in items(_property(record, "imageTagMutabilityExclusionFilters"))]
    filters = [TagFilter.pattern(text) for text in exclusions]
    excluded = frozenset(tag for tag in samples if any(entry.matches(tag) for entry in filters))
    fixed = {
        "IMMUTABLE": frozenset(samples),
        "IMMUTABLE_WITH_EXCLUSION": frozenset(samples) - excluded,
        "MUTABLE_WITH_EXCLUSION": excluded,
    }.get(mutability, frozenset())
    but = f" but {', '.join(exclusions)}" if exclusions else ""
    subject.protect("tags", fixed, "immutable tags would become movable, for example {lost}", f"{mutability}{but}")
    forced = _property(record, "forceDelete") is True
    subject.protect("force", float(not forced), "could be deleted together with its images")
    scan = at(_property(record, "imageScanningConfiguration"), "scanOnPush") is True
    subject.protect("scan", float(scan), "is no longer scanned on push by its own setting")
    encryption = [str(at(item, "encryptionType")) for item in items(_property(record, "encryptionConfigurations"))]
    named = (encryption or ["AES256"])[0]
    subject.protect("encryption", float(_ENCRYPTION.get(named, 0)), "has weaker encryption", named)


def _number(value: Any, default: float) -> float:
    if isinstance(value, bool):
        return default
    try:
        number = float(value if isinstance(value, (int, float)) else str(value))
    except (ValueError, OverflowError):
        return default
    return default if math.isnan(number) else number


def _key(subject: _Subject) -> None:
    record = subject.record
    enabled = _property(record, "isEnabled") is not False
    subject.protect("enabled", float(enabled), "the key is disabled: no image can be pushed or pulled", level="danger")
    rotates = _property(record, "enableKeyRotation") is True
    days = _number(_property(record, "rotationPeriodInDays"), 365)
    shown = f"every {days:.0f} days" if rotates else "never"
    strength = -days if rotates else -math.inf
    subject.protect("rotation", strength, "is rotated less often or not at all", shown)
    window = _number(_property(record, "deletionWindowInDays"), 30)
    subject.protect("window", window, "there is less time to cancel the key's deletion", f"{window:.0f} days")
    unsafe = _property(record, "bypassPolicyLockoutSafetyCheck") is True
    subject.protect("lockout", float(not unsafe), "its key policy may lock everybody out", level="danger")


def _identity(subject: _Subject) -> None:
    record, kind = subject.record, subject.record["type"].rpartition(":")[2]
    if "Attachment" in kind:
        policy = _property(record, "policyArn")
        for what in ("role", "user", "group"):
            for name in [*items(_property(record, what)), *items(_property(record, f"{what}s"))]:
                words = f"the {what} {name} gets the managed policy {{gained}}"
                _Subject(subject.facts, f"iam {what} {name}", record).expose("managed", [policy], words)
        return
    managed = items(_property(record, "managedPolicyArns"))
    if managed:
        subject.expose("managed", managed, "gets the managed policy {gained}")
    if kind == "Role":
        longest = _number(_property(record, "maxSessionDuration"), 3600)
        subject.protect("session", -longest, "its sessions may last longer", f"{longest:.0f} seconds")
    if kind == "OpenIdConnectProvider":
        subject.expose("audience", items(_property(record, "clientIdLists")), "accepts tokens for {gained}")
        thumbprints = items(at(record, "inputs", "thumbprintLists"))
        subject.expose("thumbprint", thumbprints, "trusts certificates with the thumbprint {gained}")


_FREQUENCY = {"MANUAL": 0, "SCAN_ON_PUSH": 1, "CONTINUOUS_SCAN": 2}


def _scanning(record: Record, repositories: Repositories) -> None:
    """How often the registry scans each repository: the highest frequency of the rules that match it."""
    enhanced = _property(record, "scanType") == "ENHANCED"
    rules = [
        (str(at(rule, "scanFrequency")), str(at(entry, "filter") or ""))
        for rule in items(_property(record, "rules"))
        for entry in items(at(rule, "repositoryFilters"))
    ]
    for (region, name), repository in repositories.items():
        if region == _region(record):
            frequencies = [frequency for frequency, entry in rules if entry and filter_matches(entry, name)]
            best = max(frequencies, key=lambda each: _FREQUENCY.get(each, 0), default="MANUAL")
            strength = float(_FREQUENCY.get(best, 0) * (2 if enhanced else 1))
            shown = f"{'enhanced' if enhanced else 'basic'} {best}"
            repository.protect("registry scan", strength, "is scanned less often by the registry", shown)


def _signing(record: Record, repositories: Repositories) -> None:
    """By which profiles the images of each repository are signed."""
    rules = items(at(parsed(_property(record, "desiredState")), "Rules"))
    for (region, name), repository in repositories.items():
        if region == _region(record):
            profiles = frozenset(
                str(at(rule, "SigningProfileArn"))
                for rule in rules
                if not (filters := items(at(rule, "RepositoryFilters")))
                or any(signing_filter_matches(str(at(entry, "Filter")), name) for entry in filters)
            )
            repository.protect("signing", profiles, "new images are no longer signed with {lost}")


def _replication(registry: _Subject, repositories: Repositories, account: Any) -> None:
    """Where each repository is copied, and which other accounts get copies."""
    foreign: set[str] = set()
    copies: dict[str, set[str]] = {name: set() for region, name in repositories if region == _region(registry.record)}
    for rule in items(at(_property(registry.record, "replicationConfiguration"), "rules")):
        prefixes = tuple(str(at(entry, "filter")) for entry in items(at(rule, "repositoryFilters")))
        for destination in items(at(rule, "destinations")):
            to, region = (str(at(destination, key)) for key in ("registryId", "region"))
            if account and to != account:
                foreign.add(to)
            for name, where in copies.items():
                if not prefixes or name.startswith(prefixes):
                    where.add(f"{to}/{region}")
    for name, where in copies.items():
        subject = repositories[_region(registry.record), name]
        subject.protect("copies", frozenset(where), "is no longer replicated to {lost}")
    registry.expose("copies", foreign, "replicates images to another account: {gained}")


def _guards(report: Record, repositories: Repositories) -> None:
    """The guard in front of each repository's lifecycle policy: its limits, which stand beside the policy's document."""
    guards = {
        (record.get("parent"), str(at(record, "inputs", "input", "repository"))): at(
            record, "inputs", "input", "limits"
        )
        for record in report["resources"]
        if record["type"] == GUARD
    }
    for record in report["resources"]:
        if record["type"] != _LIFECYCLE:
            continue
        limits = guards.get((record.get("parent"), str(_property(record, "repository"))))
        repository = repositories.get((_region(record), str(_property(record, "repository"))))
        if not isinstance(limits, Mapping) or repository is None:
            continue
        repository.protect("guard", 1, "loses its lifecycle guard: nothing limits what a changed lifecycle removes")
        reason = limits.get("reason")
        role = str(limits.get("roleArn") or "the provider's own credentials")
        words = "the lifecycle guard uses other credentials, which may query another account"
        # what may be archived is what may expire, unless it is said
        inherited = {
            f"maxArchive{end}": limits[f"maxExpire{end}"] for end in ("", "Percent") if f"maxExpire{end}" in limits
        }
        limits = {**inherited, **limits}
        repository.protect("guard role", frozenset({role}), words, role)
        for key, value in sorted(limits.items()):
            if key in ("reason", "roleArn"):
                continue
            shown = f"{value}, because: {reason}" if reason else str(value)
            number = _number(value, math.nan)
            strength: Strength = frozenset({str(value)})
            if not math.isnan(number):
                # a maximum, or the days for which what was pulled is protected
                strength = number if key.startswith("protect") else -number
            repository.protect(f"guard {key}", strength, f"the lifecycle guard allows more: {key}", shown)
