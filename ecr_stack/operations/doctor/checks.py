"""The checks of `doctor`, in the order in which they are listed. Pure: they evaluate `RegistryFacts`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ecr_stack.aws.scanning import RegistryScanning, effective_frequencies
from ecr_stack.errors import counted
from ecr_stack.operations.doctor.check import check
from ecr_stack.operations.doctor.facts import ImageFacts, RegistryFacts, RepositoryFacts, Unknown
from ecr_stack.operations.scanning.findings import ScanResult
from ecr_stack.schema.checks import destination_regions
from ecr_stack.schema.signing import SigningRule, rules_of, selects

_GUIDE = "https://docs.aws.amazon.com/AmazonECR/latest/userguide"
_APPLY = "run `pulumi up`, or correct the stack file"
Found = Iterator[str | Unknown]


def _images(facts: RegistryFacts) -> Iterator[tuple[RepositoryFacts, ImageFacts | Unknown]]:
    for each in facts.managed:
        if isinstance(each.images, Unknown):
            yield each, Unknown(f"{each.name}: {each.images.reason}")
        elif each.images is not None:
            yield each, each.images


def _named(names: tuple[str, ...], most: int = 3) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most:,} more" if len(names) > most else "")


@check(
    source=f"{_GUIDE}/Repositories.html", remedy="run `pulumi up`", passes="every repository in the stack exists",
)  # fmt: skip
def repositories_exist(facts: RegistryFacts) -> Found:
    """Every repository in the stack exists."""
    yield from (f"{name} does not exist" for name in facts.missing)


@check(
    source="https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-create.html",
    remedy="add it to the stack file with `import: true`, or delete it when it is no longer needed",
    passes="every repository in the registry is in the stack, or has another tool's ManagedBy tag",
)
def repositories_are_managed(facts: RegistryFacts) -> Found:
    """Every repository in the registry is managed."""
    for each in facts.repositories.values():
        if each.key is not None:
            continue
        if isinstance(each.tags, Unknown):
            yield Unknown(f"{each.name} is not in the stack, and its tags cannot be read: {each.tags.reason}")
        elif "ManagedBy" not in each.tags:
            yield f"{each.name} is not in the stack and has no tag ManagedBy"


@check(
    source=f"{_GUIDE}/image-tag-mutability.html", remedy=_APPLY, passes="tag mutability and its exclusions match the "
                                                                        "stack",
)  # fmt: skip
def tag_mutability_is_the_stacks(facts: RegistryFacts) -> Found:
    """Tag mutability in ECR matches the stack."""
    for each in facts.managed:
        wanted = facts.settings.repository(str(each.key))
        mode = wanted.tag_mutability or "MUTABLE"
        exclusions = sorted(wanted.mutable_tags or wanted.immutable_tags or ())
        live = each.described.get("imageTagMutability", "MUTABLE")
        excluded = sorted(item["filter"] for item in each.described.get("imageTagMutabilityExclusionFilters", ()))
        if (live, excluded) != (mode, exclusions):
            yield f"{each.name} is {_mode(live, excluded)}, but the stack says {_mode(str(mode), exclusions)}"


def _mode(mode: str, exclusions: list[str]) -> str:
    return f"{mode} ({', '.join(exclusions)})" if exclusions else mode


@check(
    source="https://docs.aws.amazon.com/securityhub/latest/userguide/ecr-controls.html#ecr-2",
    remedy="write `tagMutability: IMMUTABLE`, or `IMMUTABLE_WITH_EXCLUSION` with the tags that should move",
    passes="no repository has mutable tags, unless its stack file sets this",
)
def releases_cannot_be_overwritten(facts: RegistryFacts) -> Found:
    """Tags are immutable unless the stack file says otherwise."""
    for each in facts.managed:
        chosen = facts.settings.repository(str(each.key)).tag_mutability
        if each.described.get("imageTagMutability", "MUTABLE") == "MUTABLE" and chosen != "MUTABLE":
            yield f"{each.name} is MUTABLE, but its stack file does not set this"


@check(
    source=f"{_GUIDE}/image-tag-mutability.html",
    remedy="deploy by version tag or digest; `ecr-stack images show REPOSITORY:latest` prints the digest",
    passes="no image pulled within a week has a moving tag",
)
def moving_tags_are_not_deployed(facts: RegistryFacts) -> Found:
    """No deployment uses a moving tag."""
    for each, images in _images(facts):
        if isinstance(images, Unknown):
            yield images
            continue
        if images.moving_only:
            yield f"{each.name}: {_named(images.moving_only)} was pulled within a week and has only moving tags"
        if images.moving_and_others:
            yield Unknown(
                f"{each.name}: {_named(images.moving_and_others)} was pulled within a week and also has tags that do "
                "not move; ECR does not record which tag was used"
            )


@check(
    source="https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_parameters.html",
    remedy="use only declared schemes in pipelines, or declare the scheme in `tagSchemes`",
    passes="every tag belongs to a declared scheme",
)
def tags_follow_the_declared_schemes(facts: RegistryFacts) -> Found:
    """Image tags follow the stack's tag schemes."""
    if not facts.settings.tag_schemes:
        yield Unknown("the stack declares no `tagSchemes`")
        return
    for each, images in _images(facts):
        if isinstance(images, Unknown):
            yield images
        elif images.strange_tags:
            yield f"{each.name} has tags that match no scheme: {_named(images.strange_tags)}"


@check(
    source=f"{_GUIDE}/image-scanning-filters.html",
    remedy="cover the repository with a rule in `ecr-stack:scanning`, or write `scanOnPush: true`",
    passes="every repository is scanned on push or continuously",
)
def images_are_scanned_on_push(facts: RegistryFacts) -> Found:
    """Images are scanned on push."""
    if isinstance(facts.scanning, Unknown):
        yield facts.scanning
        return
    scanning = RegistryScanning.from_api(facts.scanning)
    frequencies = effective_frequencies(scanning, [each.name for each in facts.managed])
    for each in facts.managed:
        flag = (each.described.get("imageScanningConfiguration") or {}).get("scanOnPush", False)
        # The repository's own flag only applies if the registry has no rules.
        own = flag and not scanning.rules and scanning.type == "BASIC"
        if frequencies.get(each.name) not in ("SCAN_ON_PUSH", "CONTINUOUS_SCAN") and not own:
            yield f"{each.name} is not scanned on push ({scanning.type}, {frequencies.get(each.name, '?').lower()})"


def _scans(facts: RegistryFacts) -> Iterator[tuple[str, ScanResult | Unknown]]:
    for each, images in _images(facts):
        if isinstance(images, Unknown):
            yield each.name, images
        elif isinstance(images.scan, Unknown):
            yield each.name, Unknown(f"{each.name}:{images.newest}: {images.scan.reason}")
        elif images.scan is not None:
            yield f"{each.name}:{images.newest}", images.scan


@check(
    source=f"{_GUIDE}/image-scanning.html",
    remedy="run `ecr-stack scan start IMAGE` under basic scanning; `ecr-stack scan gate` shows why a scan does not "
    "finish",
    passes="the newest image of every repository has a scan result",
)
def newest_images_have_a_scan(facts: RegistryFacts) -> Found:
    """The newest image of every repository has been scanned."""
    for name, scan in _scans(facts):
        if isinstance(scan, Unknown):
            yield scan
        elif scan.status not in ("COMPLETE", "ACTIVE"):
            yield f"{name}: {'it has no scan' if scan.status == 'NONE' else scan.status}"


@check(
    source=f"{_GUIDE}/image-scanning.html",
    remedy="rebuild on a patched base image, and use `ecr-stack scan gate` in the pipeline",
    passes="no newest image has critical findings",
)
def newest_images_have_no_critical_findings(facts: RegistryFacts) -> Found:
    """The newest image of every repository has no critical findings."""
    for name, scan in _scans(facts):
        if isinstance(scan, Unknown):
            yield scan
        elif scan.status not in ("COMPLETE", "ACTIVE"):
            yield Unknown(f"{name} has no scan result")
        elif scan.counts.get("CRITICAL"):
            yield f"{name} has {scan.counts['CRITICAL']:,} critical findings"


@check(
    source=f"{_GUIDE}/LifecyclePolicies.html", remedy=_APPLY, passes="every lifecycle policy matches the stack",
)  # fmt: skip
def lifecycle_policies_are_the_stacks(facts: RegistryFacts) -> Found:
    """The lifecycle policies match the stack."""
    for each in facts.managed:
        text = facts.settings.lifecycle_text(str(each.key))
        wanted = json.loads(text) if text else None
        if isinstance(each.lifecycle, Unknown):
            yield Unknown(f"{each.name}: {each.lifecycle.reason}")
        elif _rules(each.lifecycle) != _rules(wanted):
            yield f"{each.name}: {'there is none' if each.lifecycle is None else 'it differs'}"


def _rules(document: Mapping[str, Any] | None) -> list[str]:
    rules = (document or {}).get("rules", ())
    return sorted(json.dumps(rule, sort_keys=True) for rule in rules)


@check(
    source=f"{_GUIDE}/lifecycle_policy_examples.html",
    remedy="add `{untagged: true, expireAfterDays: 1}` to the lifecycle",
    passes="every repository expires untagged images",
)
def untagged_images_expire(facts: RegistryFacts) -> Found:
    """Untagged images expire."""
    for each in facts.managed:
        if isinstance(each.lifecycle, Unknown):
            yield Unknown(f"{each.name}: {each.lifecycle.reason}")
        elif not any(
            rule["selection"]["tagStatus"] in ("untagged", "any") for rule in (each.lifecycle or {}).get("rules", ())
        ):
            yield f"{each.name} has no rule for untagged images"


@check(
    source=f"{_GUIDE}/LifecyclePolicies.html",
    remedy="add a rule that selects them, or declare their scheme with `kept: true`; `ecr-stack images prune` removes old ones",
    passes="a rule selects every image that is not declared as kept",
)
def lifecycle_rules_cover_every_image(facts: RegistryFacts) -> Found:
    """No image is kept for ever unintentionally."""
    for each, images in _images(facts):
        if isinstance(images, Unknown):
            yield images
        elif isinstance(each.lifecycle, Unknown):
            yield Unknown(f"{each.name}: {each.lifecycle.reason}")
        elif images.unselected:
            yield (
                f"{each.name}: no rule selects {len(images.unselected):,} of {counted(images.count, 'image')}, "
                f"{images.unselected_bytes / 1e9:.1f} GB: {_named(images.unselected)}"
            )


@check(
    source=f"{_GUIDE}/managed-signing.html", remedy=_APPLY, passes="the signing rules match the stack",
)  # fmt: skip
def signing_is_the_stacks(facts: RegistryFacts) -> Found:
    """ECR signs the images selected by the stack, with its profiles."""
    settings = facts.settings
    if not settings.signing.rules:
        return
    if isinstance(facts.signing, Unknown):
        yield facts.signing
        return
    prefix = settings.name_prefix or ""
    everything = f"{prefix}*" if prefix else ""
    wanted = {
        (rule.signing_profile_arn, prefix + text if text else everything)
        for rule in _signing_rules(facts)
        for text in rule.repository_filters or [""]
    }
    live = {
        (rule["signingProfileArn"], entry["filter"])
        for rule in facts.signing
        for entry in rule.get("repositoryFilters") or [{"filter": ""}]
    }
    for word, entries in (("is missing", wanted - live), ("is not in the stack", live - wanted)):
        for arn, text in sorted(entries):
            yield f"the rule for {text or 'every repository'} with {arn} {word}"


@check(
    source=f"{_GUIDE}/managed-signing.html",
    remedy="grant the pusher `signer:SignPayload` on the profile, check that the profile is active, and push again",
    passes="the newest image of each repository with signing is signed",
)
def images_are_signed(facts: RegistryFacts) -> Found:
    """Images are signed where the stack configures it."""
    if not _signing_rules(facts):
        return
    for each, images in _images(facts):
        if isinstance(images, Unknown):
            yield images
            continue
        if isinstance(images.signatures, Unknown):
            yield Unknown(f"{each.name}: {images.signatures.reason}")
            continue
        name = f"{each.name}, image {images.newest}"
        rules = [rule for rule in _signing_rules(facts) if selects(rule, facts.settings.name_of(str(each.key)))]
        if images.newest is None or not rules:
            continue
        statuses = {told["signingProfileArn"]: told for told in images.signatures}
        for arn in sorted({rule.signing_profile_arn for rule in rules}):
            told = statuses.get(arn)
            if told is None:
                yield Unknown(
                    f"{name}: ECR reports no signature by {arn}; it may have been pushed before the rule existed"
                )
            elif told["status"] == "FAILED":
                yield f"{name}: {told.get('failureCode', 'FAILED')}: {told.get('failureReason', 'no reason given')} ({arn})"
            elif told["status"] != "COMPLETE":
                yield Unknown(f"{name}: signing by {arn} is {told['status']}")


def _signing_rules(facts: RegistryFacts) -> list[SigningRule]:
    return rules_of(facts.settings.signing, None, set(destination_regions(facts.settings, facts.account)))


@check(
    source=f"{_GUIDE}/repository-policies.html",
    remedy="grant named roles `pull` or `push` in `access`; see `ecr-stack access`",
    passes="no repository policy is public or allows every action",
)
def repository_policies_are_narrow(facts: RegistryFacts) -> Found:
    """Repository policies are restricted to specific principals and actions."""
    for each in facts.managed:
        if isinstance(each.policy, Unknown):
            yield Unknown(f"{each.name}: {each.policy.reason}")
            continue
        for statement in _list((each.policy or {}).get("Statement")):
            if statement.get("Effect") != "Allow":
                continue
            name = f"{each.name}, statement {statement.get('Sid', 'without a Sid')}"
            principal = statement.get("Principal")
            everybody = "*" in _list(principal.get("AWS") if isinstance(principal, Mapping) else principal)
            if (everybody or "NotPrincipal" in statement) and not statement.get("Condition"):
                yield f"{name}: everybody"
            if "NotAction" in statement or {"*", "ecr:*"} & set(_list(statement.get("Action"))):
                yield f"{name}: every action"


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


@check(
    source=f"{_GUIDE}/encryption-at-rest.html",
    remedy="encryption cannot be changed: create a repository with a new name, copy the images, and switch to it",
    passes="every repository's encryption matches the stack",
)
def encryption_is_the_stacks(facts: RegistryFacts) -> Found:
    """The encryption of repositories matches the stack."""
    for each in facts.managed:
        wanted = facts.settings.encryption_of(str(each.key))
        live = each.described.get("encryptionConfiguration") or {"encryptionType": "AES256"}
        if live["encryptionType"] != wanted.type:
            yield f"{each.name} is encrypted with {live['encryptionType']}, but the stack says {wanted.type}"
        elif wanted.key_arn and live.get("kmsKey") != wanted.key_arn:
            yield f"{each.name} is encrypted with {live.get('kmsKey')}, but the stack says {wanted.key_arn}"


@check(
    source="https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html",
    remedy="enable the key and its rotation, or cancel its deletion before the images are lost",
    passes="every key is enabled and rotated",
)
def keys_are_enabled_and_rotate(facts: RegistryFacts) -> Found:
    """The keys that encrypt images are enabled and rotated."""
    for arn, key in facts.keys.items():
        if isinstance(key, Unknown):
            yield Unknown(f"{arn}: {key.reason}")
        elif key.get("KeyState") != "Enabled":
            yield f"{arn} is {key.get('KeyState')}: its images cannot be pulled"
        elif not key["rotates"]:
            yield f"{arn} is not rotated"


@check(
    source=f"{_GUIDE}/replication.html", remedy=_APPLY, passes="the replication rules match the stack",
)  # fmt: skip
def replication_is_the_stacks(facts: RegistryFacts) -> Found:
    """The replication rules match the stack."""
    if isinstance(facts.replication, Unknown):
        yield facts.replication
        return
    prefix = facts.settings.name_prefix or ""
    wanted = {
        (each.region, each.registry_id or facts.account, prefix + name)
        for rule in facts.settings.replication.rules
        for each in rule.destinations
        for name in rule.repository_filters or [""]
    }
    live = {
        (each["region"], each["registryId"], entry["filter"])
        for rule in facts.replication
        for each in rule["destinations"]
        for entry in rule.get("repositoryFilters") or [{"filter": ""}]
    }
    for word, entries in (("is missing", wanted - live), ("is not in the stack", live - wanted)):
        for region, account, name in sorted(entries):
            yield f"{f'{name}…' if name else 'everything'} to {region} of {account} {word}"


@check(
    source=f"{_GUIDE}/replication.html",
    remedy="see the destination's registry policy, its key and its creation template; push the image again, or run a backfill",
    passes="the newest image older than 30 minutes is in every destination",
)
def replication_keeps_up(facts: RegistryFacts) -> Found:
    """Images arrive in every destination within 30 minutes."""
    for name, replica in _replicas(facts):
        if isinstance(replica, Unknown):
            yield replica
        elif replica.status in ("FAILED", "IN_PROGRESS"):
            yield f"{name} in {replica.region}: {replica.status} after more than 30 minutes"


@check(
    source=f"{_GUIDE}/replication.html",
    remedy="run a replication backfill for missing images; delete differing images in the replica, and push them again",
    passes="every tag refers to the same image in every destination",
)
def replicas_agree(facts: RegistryFacts) -> Found:
    """A tag refers to the same image in every Region."""
    for name, replica in _replicas(facts):
        if isinstance(replica, Unknown):
            yield replica
            continue
        if replica.different:
            yield f"{name} in {replica.region}: {_named(replica.different)} refers to another image there"
        if replica.missing:
            yield f"{name} in {replica.region}: {_named(replica.missing)} is missing there"


def _replicas(facts: RegistryFacts) -> Iterator[tuple[str, Any]]:
    for each, images in _images(facts):
        if isinstance(images, Unknown):
            yield each.name, images
        else:
            for replica in images.replicas:
                known = not isinstance(replica, Unknown)
                yield each.name, replica if known else Unknown(f"{each.name}: {replica.reason}")  # type: ignore[union-attr]


@check(
    source="https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/activating-tags.html",
    remedy="activate one of the stack's tags, e.g. `Environment` or `Name`, as a cost allocation tag in the billing console",
    passes="one of the stack's tags is a cost allocation tag",
)
def costs_can_be_told_apart(facts: RegistryFacts) -> Found:
    """The registry's costs can be identified."""
    own = {"Name", "Environment", *facts.settings.tags}
    if isinstance(facts.cost_tags, Unknown):
        yield facts.cost_tags
    elif not own & facts.cost_tags:
        yield f"none of the tags {', '.join(sorted(own))} is active in Cost Explorer"
