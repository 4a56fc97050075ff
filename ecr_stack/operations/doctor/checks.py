"""The checks of `doctor`, in the order in which they are listed. Pure: they judge `RegistryFacts`."""

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
_APPLY = "run `pulumi up`, or change the stack file to what is meant"
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
    source=f"{_GUIDE}/Repositories.html", remedy="run `pulumi up`", passes="every repository of the stack exists",
)  # fmt: skip
def repositories_exist(facts: RegistryFacts) -> Found:
    """Every repository of the stack exists."""
    yield from (f"{name} does not exist" for name in facts.missing)


@check(
    source="https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-create.html",
    remedy="add it to the stack file with `import: true`, or delete it once nobody needs it",
    passes="every repository of the registry is in the stack, or carries the tag ManagedBy of another",
)
def repositories_are_managed(facts: RegistryFacts) -> Found:
    """Somebody manages every repository of the registry."""
    for each in facts.repositories.values():
        if each.key is not None:
            continue
        if isinstance(each.tags, Unknown):
            yield Unknown(f"{each.name} is not in the stack, and its tags cannot be read: {each.tags.reason}")
        elif "ManagedBy" not in each.tags:
            yield f"{each.name} is not in the stack and has no tag ManagedBy"


@check(
    source=f"{_GUIDE}/image-tag-mutability.html", remedy=_APPLY, passes="tag mutability and its exclusions are the stack's",
)  # fmt: skip
def tag_mutability_is_the_stacks(facts: RegistryFacts) -> Found:
    """Tag mutability in ECR is what the stack says."""
    for each in facts.managed:
        wanted = facts.settings.repository(str(each.key))
        mode = wanted.tag_mutability or "MUTABLE"
        exclusions = sorted(wanted.mutable_tags or wanted.immutable_tags or ())
        live = each.described.get("imageTagMutability", "MUTABLE")
        excluded = sorted(item["filter"] for item in each.described.get("imageTagMutabilityExclusionFilters", ()))
        if (live, excluded) != (mode, exclusions):
            yield f"{each.name} is {_mode(live, excluded)}, and the stack says {_mode(str(mode), exclusions)}"


def _mode(mode: str, exclusions: list[str]) -> str:
    return f"{mode} ({', '.join(exclusions)})" if exclusions else mode


@check(
    source="https://docs.aws.amazon.com/securityhub/latest/userguide/ecr-controls.html#ecr-2",
    remedy="write `tagMutability: IMMUTABLE`, or `IMMUTABLE_WITH_EXCLUSION` with the tags that are meant to move",
    passes="no repository lets every tag be moved, unless its stack file says so",
)
def releases_cannot_be_overwritten(facts: RegistryFacts) -> Found:
    """A tag cannot be moved to another image unless somebody decided so."""
    for each in facts.managed:
        chosen = facts.settings.repository(str(each.key)).tag_mutability
        if each.described.get("imageTagMutability", "MUTABLE") == "MUTABLE" and chosen != "MUTABLE":
            yield f"{each.name} is MUTABLE, and its stack file does not ask for that"


@check(
    source=f"{_GUIDE}/image-tag-mutability.html",
    remedy="deploy by a version's tag or by digest, e.g. `ecr-stack images show REPOSITORY:latest` prints the digest",
    passes="no image that was pulled within a week has a moving tag",
)
def moving_tags_are_not_deployed(facts: RegistryFacts) -> Found:
    """Nothing is deployed by a tag that moves."""
    for each, images in _images(facts):
        if isinstance(images, Unknown):
            yield images
            continue
        if images.moving_only:
            yield f"{each.name}: {_named(images.moving_only)} was pulled within a week and has moving tags only"
        if images.moving_and_others:
            yield Unknown(
                f"{each.name}: {_named(images.moving_and_others)} was pulled within a week and has moving tags among others; "
                "ECR does not record by which tag"
            )


@check(
    source="https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_parameters.html",
    remedy="let pipelines write the declared schemes only, or declare the scheme in `tagSchemes`",
    passes="every tag belongs to a declared scheme",
)
def tags_follow_the_declared_schemes(facts: RegistryFacts) -> Found:
    """Images are tagged as the stack's tag schemes say."""
    if not facts.settings.tag_schemes:
        yield Unknown("the stack declares no `tagSchemes`")
        return
    for each, images in _images(facts):
        if isinstance(images, Unknown):
            yield images
        elif images.strange_tags:
            yield f"{each.name} has tags of no scheme: {_named(images.strange_tags)}"


@check(
    source=f"{_GUIDE}/image-scanning-filters.html",
    remedy="cover the repository by a rule of `ecr-stack:scanning`, or write `scanOnPush: true`",
    passes="every repository is scanned on push or continuously",
)
def images_are_scanned_on_push(facts: RegistryFacts) -> Found:
    """Images are scanned when they are pushed."""
    if isinstance(facts.scanning, Unknown):
        yield facts.scanning
        return
    scanning = RegistryScanning.from_api(facts.scanning)
    frequencies = effective_frequencies(scanning, [each.name for each in facts.managed])
    for each in facts.managed:
        flag = (each.described.get("imageScanningConfiguration") or {}).get("scanOnPush", False)
        # The repository's own flag counts only as long as the registry has no rules.
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
    remedy="run `ecr-stack scan start IMAGE` under basic scanning; see `ecr-stack scan gate` for what keeps a scan from ending",
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
    remedy="rebuild on a patched base image, and let `ecr-stack scan gate` hold the pipeline",
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
    source=f"{_GUIDE}/LifecyclePolicies.html", remedy=_APPLY, passes="every lifecycle policy in force is the stack's",
)  # fmt: skip
def lifecycle_policies_are_the_stacks(facts: RegistryFacts) -> Found:
    """The lifecycle policies in force are what the stack says."""
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
            yield f"{each.name} has no rule for them"


@check(
    source=f"{_GUIDE}/LifecyclePolicies.html",
    remedy="add a rule that selects them, or declare their scheme with `kept: true`; `ecr-stack images prune` removes old ones",
    passes="a rule selects every image that is not declared as kept",
)
def lifecycle_rules_cover_every_image(facts: RegistryFacts) -> Found:
    """No image stays for ever without anybody having decided so."""
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
    source=f"{_GUIDE}/managed-signing.html", remedy=_APPLY, passes="the registry signs what the stack says",
)  # fmt: skip
def signing_is_the_stacks(facts: RegistryFacts) -> Found:
    """ECR signs the images that the stack says, with its profiles."""
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
    remedy="give whoever pushes `signer:SignPayload` on the profile, see that the profile is active, and push again",
    passes="the newest image of each repository that is to be signed is signed",
)
def images_are_signed(facts: RegistryFacts) -> Found:
    """What the stack has signed is signed."""
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
                    f"{name}: ECR tells of no signature by {arn}; it may have been pushed before the rule was there"
                )
            elif told["status"] == "FAILED":
                yield f"{name}: {told.get('failureCode', 'FAILED')}: {told.get('failureReason', 'no reason given')} ({arn})"
            elif told["status"] != "COMPLETE":
                yield Unknown(f"{name}: the signing by {arn} is {told['status']}")


def _signing_rules(facts: RegistryFacts) -> list[SigningRule]:
    return rules_of(facts.settings.signing, None, set(destination_regions(facts.settings, facts.account)))


@check(
    source=f"{_GUIDE}/repository-policies.html",
    remedy="grant named roles `pull` or `push` in `access`; see `ecr-stack access`",
    passes="no repository policy is open to the world or allows every action",
)
def repository_policies_are_narrow(facts: RegistryFacts) -> Found:
    """Repository policies name who may do what."""
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
    remedy="encryption cannot be changed: make a new repository with a new name, copy the images, and move over",
    passes="every repository is encrypted as the stack says",
)
def encryption_is_the_stacks(facts: RegistryFacts) -> Found:
    """Repositories are encrypted as the stack says."""
    for each in facts.managed:
        wanted = facts.settings.encryption_of(str(each.key))
        live = each.described.get("encryptionConfiguration") or {"encryptionType": "AES256"}
        if live["encryptionType"] != wanted.type:
            yield f"{each.name} is encrypted with {live['encryptionType']}, and the stack says {wanted.type}"
        elif wanted.key_arn and live.get("kmsKey") != wanted.key_arn:
            yield f"{each.name} is encrypted with {live.get('kmsKey')}, and the stack says {wanted.key_arn}"


@check(
    source="https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html",
    remedy="enable the key and its rotation, or cancel its deletion before the images are lost",
    passes="every key is enabled and rotates",
)
def keys_are_enabled_and_rotate(facts: RegistryFacts) -> Found:
    """The keys that encrypt images are enabled, and rotate."""
    for arn, key in facts.keys.items():
        if isinstance(key, Unknown):
            yield Unknown(f"{arn}: {key.reason}")
        elif key.get("KeyState") != "Enabled":
            yield f"{arn} is {key.get('KeyState')}: its images cannot be pulled"
        elif not key["rotates"]:
            yield f"{arn} does not rotate"


@check(
    source=f"{_GUIDE}/replication.html", remedy=_APPLY, passes="the registry replicates what the stack says",
)  # fmt: skip
def replication_is_the_stacks(facts: RegistryFacts) -> Found:
    """The registry replicates where the stack says."""
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
    passes="the newest image that had 30 minutes to arrive is in every destination",
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
    remedy="run a replication backfill for what is missing; delete in the replica what differs, and push it again",
    passes="every tag is the same image in every destination",
)
def replicas_agree(facts: RegistryFacts) -> Found:
    """A tag is the same image in every Region."""
    for name, replica in _replicas(facts):
        if isinstance(replica, Unknown):
            yield replica
            continue
        if replica.different:
            yield f"{name} in {replica.region}: {_named(replica.different)} is another image there"
        if replica.missing:
            yield f"{name} in {replica.region}: {_named(replica.missing)} is not there"


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
    passes="a tag of the stack is a cost allocation tag",
)
def costs_can_be_told_apart(facts: RegistryFacts) -> Found:
    """What the registry costs can be told from other costs."""
    own = {"Name", "Environment", *facts.settings.tags}
    if isinstance(facts.cost_tags, Unknown):
        yield facts.cost_tags
    elif not own & facts.cost_tags:
        yield f"none of the tags {', '.join(sorted(own))} is active in Cost Explorer"
