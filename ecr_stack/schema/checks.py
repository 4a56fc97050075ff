"""Checks between the sections of a stack file, and against its account and Region.

Settings may contain unknown values, and `INVALID` in place of reported errors; neither causes further errors.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from ecr_stack.aws.iam.compact import fits_inline, permission_statements, split_policies, trust_problem
from ecr_stack.aws.lifecycle import Finding, lint, parse_document
from ecr_stack.aws.names import KMS_KEY_ARN, REPOSITORY_NAME, partition_of
from ecr_stack.errors import InvalidInput, Problem
from ecr_stack.model import Model, is_unknown, key_of, nearest, python_spelling, unknown_in, validate
from ecr_stack.schema.access import Access
from ecr_stack.schema.access_documents import access_problems
from ecr_stack.schema.encryption import RepositoryEncryption
from ecr_stack.schema.guard import unknown_overrides
from ecr_stack.schema.lifecycle import rule_indices
from ecr_stack.schema.notifications import notification_problems
from ecr_stack.schema.pipelines import PipelineSettings, PipelineTrust, issuer_host, trust_policy
from ecr_stack.schema.pull_through_cache import pull_through_cache_problems
from ecr_stack.schema.registry import RegistrySettings
from ecr_stack.schema.replica_templates import MAX_TEMPLATE_PREFIX, ROOT, plan_templates
from ecr_stack.schema.replication import ReplicaSource, destination_settings, replicates, replication_problems
from ecr_stack.schema.repository import (
    MAX_TAGS,
    RESERVED_TAGS,
    RepositoryDefaults,
    alike_tags,
    default_conflicts,
    reserved_tags,
)
from ecr_stack.schema.scanning import inconsistent
from ecr_stack.schema.signing import signing_problems
from ecr_stack.schema.tag_schemes import Uncovered, endangered, tag_scheme_problems, uncovered

__all__ = [
    "ReplicaPlan",
    "cache_warnings",
    "encryption_problems",
    "lifecycle_warnings",
    "managed_replicas",
    "name_warnings",
    "pipeline_role_name",
    "registry_problems",
    "registry_settings",
    "replica_plan",
    "template_role_name",
]

_R = TypeVar("_R", bound=RegistrySettings)


def registry_settings(
    data: object,
    *,
    source: str,
    model: type[_R],
    prefix: str = "",
    region: str | None = None,
    account: str | None = None,
    python_names: bool = False,
) -> _R:
    """Validate the settings of a registry.

    Args:
        data: a map of the keys of a stack file without their namespace, or of a component's arguments.
        source: the source named in messages, e.g. `Pulumi.prod.yaml`.
        model: the model of the data.
        prefix: the prefix of keys in messages, e.g. `ecr-stack:`.
        region: the registry's Region, `None` if it is not known.
        account: the registry's account, `None` if it is not known.
        python_names: whether keys are spelled in snake_case.

    Raises:
        InvalidInput: with all errors.
    """
    said = {key: value for key, value in data.items() if value is not None} if isinstance(data, Mapping) else data
    settings, problems = validate(model, said, prefix, python_names=python_names)
    if isinstance(settings, RegistrySettings):
        for problem in registry_problems(settings, region=region, account=account):
            placed = Problem(prefix + problem.place, problem.value, problem.rule, problem.remedy)
            problems.append(python_spelling(placed) if python_names else placed)
    if problems:
        raise InvalidInput(source, _unique(problems))
    return settings


def _unique(problems: Iterable[Problem]) -> list[Problem]:
    return list({str(problem): problem for problem in problems}.values())


def registry_problems(
    settings: RegistrySettings, *, region: str | None = None, account: str | None = None
) -> Iterator[Problem]:
    """Yield conflicts between the sections of a registry's settings.

    Args:
        settings: the settings; places are relative to them, in camelCase.
        region: the registry's Region, `None` if it is not known.
        account: the registry's account, `None` if it is not known.
    """
    yield from reserved_tags(settings.known("tags"))
    yield from alike_tags(settings.known("tags"))
    yield from _layers(settings, region, account)
    repositories = settings.known("repositories")
    if repositories is None or any(is_unknown(own) for own in repositories.values()):
        return
    if any(is_unknown(part) for part in (settings.repository_defaults, settings.profiles)):
        return
    if any(
        own is not None and own.profile is not None and own.profile not in settings.profiles
        for own in repositories.values()
    ):
        return  # reported by `_layers`
    yield from _names(settings)
    yield from _former_names(settings)
    yield from _each_repository(settings)
    names = settings.names()
    yield from (
        _placed("lifecycleGuard", unknown_overrides(settings.lifecycle_guard, names))
        if not is_unknown(settings.lifecycle_guard)
        else ()
    )
    yield from _coverage(settings)
    replication, scanning = settings.known("replication"), settings.known("scanning")
    if replication is not None:
        yield from _placed("replication", replication_problems(replication, names, region, account))
        if not unknown_in(replication) and not is_unknown(settings.encryption):
            yield from _template_problems(settings, account)
    if scanning is not None:
        flags = {
            settings.physical_name(key): settings.repository(key).scan_on_push is not False for key in repositories
        }
        yield from _placed("scanning", inconsistent(scanning, flags))
    if not is_unknown(settings.signing):
        others = settings.known("creation_templates") or settings.known("pull_through_cache")
        prefix = settings.known("name_prefix") or ""
        there = set(destination_regions(settings, account))
        unnamed = any(_is_unnamed(settings, key) for key in repositories)
        known = [] if others or unnamed else names
        yield from _placed("signing", signing_problems(settings.signing, known, prefix, region, there))
    notifications = settings.known("notifications")
    if notifications is not None:
        made = [*(settings.known("pull_through_cache") or {}), *(settings.known("creation_templates") or {})]
        yield from _placed(
            "notifications",
            notification_problems(
                notifications,
                names=names,
                created=made,
                name_prefix=settings.known("name_prefix") or "",
                region=region,
            ),
        )
    yield from _roles(settings, account, region)
    yield from _created(settings, region, account)


def _created(settings: RegistrySettings, region: str | None, account: str | None) -> Iterator[Problem]:
    """Errors in caches, templates and public repositories, given the account and the Region."""
    caches, templates = settings.known("pull_through_cache") or {}, settings.known("creation_templates") or {}
    yield from _placed("pullThroughCache", pull_through_cache_problems(caches, region, account))
    for prefix, template in templates.items():
        if is_unknown(template):
            continue
        yield from _placed(f"creationTemplates.{prefix}", _layer(template, region, account))
        cache = caches.get(prefix)
        if cache is not None and not is_unknown(cache) and cache.repositories is not None:
            yield Problem(
                f"creationTemplates.{prefix}",
                template.as_written(),
                f"a Region has one template per prefix, and `pullThroughCache.{prefix}.repositories` already creates "
                "it",
                f"add `PULL_THROUGH_CACHE` to its `appliedFor`, and remove `pullThroughCache.{prefix}.repositories`",
            )
    for prefix, cache in caches.items():
        if not is_unknown(cache) and cache.repositories is not None and not is_unknown(cache.repositories):
            yield from _placed(f"pullThroughCache.{prefix}.repositories", _layer(cache.repositories, region, account))
    if settings.known("public_repositories") and region and partition_of(region) != "aws":
        yield Problem(
            "publicRepositories",
            sorted(settings.public_repositories),
            f"Amazon ECR Public is only available in the partition aws, and this is {partition_of(region)}",
            "remove it",
        )


def _placed(place: str, problems: Iterable[Problem]) -> Iterator[Problem]:
    for problem in problems:
        inner = problem.place
        where = f"{place}.{inner}" if inner and not inner.startswith("[") else place + inner
        yield Problem(where, problem.value, problem.rule, problem.remedy)


def _layers(settings: RegistrySettings, region: str | None, account: str | None) -> Iterator[Problem]:
    """Errors in the defaults, a profile or a repository, given the account and the Region."""
    defaults = settings.known("repository_defaults")
    if defaults is not None:
        yield from _placed("repositoryDefaults", _layer(defaults, region, account))
        if defaults.encryption is not None:
            yield Problem(
                "repositoryDefaults.encryption",
                defaults.encryption.as_written() if isinstance(defaults.encryption, Model) else "(not known)",
                "the default encryption is set at the registry level",
                "set it under `ecr-stack:encryption`",
            )
    profiles = settings.known("profiles") or {}
    for name, profile in profiles.items():
        if not is_unknown(profile):
            yield from _placed(f"profiles.{name}", _layer(profile, region, account))
    for key, own in (settings.known("repositories") or {}).items():
        if own is None or is_unknown(own):
            continue
        place = f"repositories.{key}"
        yield from _placed(place, _layer(own, region, account))
        if own.profile is not None and not is_unknown(own.profile) and own.profile not in profiles:
            guess = nearest(own.profile, list(profiles))
            known = f"the profiles are {', '.join(profiles)}" if profiles else "there are no `profiles`"
            yield Problem(
                f"{place}.profile",
                own.profile,
                f"no profile has this name; {known}",
                f"write `{guess}`" if guess else "add it to `profiles`, or remove the line",
            )
    encryption = settings.known("encryption")
    if encryption is not None:
        yield from _placed("encryption", encryption_problems(encryption, region))
    if settings.registry_access is not None and not is_unknown(settings.registry_access):
        facts = {"account": account, "region": region, "partition": partition_of(region) if region else None}
        yield from _placed(
            "registryAccess",
            access_problems(settings.registry_access, **facts, name_prefix=settings.known("name_prefix") or ""),
        )


def _layer(settings: RepositoryDefaults, region: str | None, account: str | None) -> Iterator[Problem]:
    access, encryption = settings.known("access"), settings.known("encryption")
    if access is not None:
        partition = partition_of(region) if region else None
        yield from _placed("access", access_problems(access, account=account, partition=partition))
        yield from _placed("access", lambda_region_problems(access, region))
    if encryption is not None:
        yield from _placed("encryption", encryption_problems(encryption, region))


def lambda_region_problems(access: Access, region: str | None) -> Iterator[Problem]:
    """Yield the Lambda functions in other Regions: a function and its image must be in the same Region.

    https://docs.aws.amazon.com/lambda/latest/dg/images-create.html
    """
    for index, source in enumerate(access.known("lambda_") or []):
        there = None if is_unknown(source) else _lambda_region(source)
        if there and region and there != region:
            yield Problem(
                f"lambda[{index}]",
                source,
                f"a function pulls its image from its own Region, so one in {there} never pulls from {region}",
                f"write the function's ARN in {region}, or `*` for the Region",
            )


def _lambda_region(source: str) -> str | None:
    found = re.match(r"arn:[a-z-]+:lambda:([a-z0-9-]+):", source)
    return found[1] if found else None


def access_in(access: Access, region: str) -> Access:
    """Access without the Lambda functions in other Regions, for settings shared by several Regions."""
    here = [source for source in access.lambda_ if _lambda_region(source) in (None, region)]
    return access if here == access.lambda_ else access.model_copy(update={"lambda_": here})


def encryption_problems(encryption: RepositoryEncryption, region: str | None) -> Iterator[Problem]:
    """Yield errors in the encryption, given the Region; places are relative to it."""
    if region is None:
        return
    if encryption.known("type") == "KMS_DSSE" and partition_of(region) != "aws-us-gov":
        yield Problem(
            "type",
            encryption.type,
            f"KMS_DSSE is only available in AWS GovCloud (US), and this is {region}",
            "write `type: KMS`",
        )
    match = KMS_KEY_ARN.fullmatch(encryption.known("key_arn") or "")
    if match and match[1] != region:
        yield Problem(
            "keyArn",
            encryption.key_arn,
            f"the key must be in the registry's Region, {region}",
            f"use a key whose ARN begins with arn:{partition_of(region)}:kms:{region}:",
        )


def _names(settings: RegistrySettings) -> Iterator[Problem]:
    taken: dict[str, str] = {}
    prefix = settings.known("name_prefix") or ""
    for key, own in settings.repositories.items():
        if own is not None and is_unknown(own.name):
            continue
        name = settings.physical_name(key)
        if name in taken:
            yield Problem(
                f"repositories.{key}",
                name,
                f"two repositories cannot have the same name; `{taken[name]}` already has it",
                "choose another `name`, or remove one of the two",
            )
        elif prefix and not (2 <= len(name) <= 256 and REPOSITORY_NAME.fullmatch(name)):
            yield Problem(
                f"repositories.{key}",
                name,
                "with `namePrefix`, this is not a repository name: 2 to 256 lowercase letters and digits, separated "
                "by single `.`, `_`, `__`, `-` or `/`",
                "change `namePrefix` or the name",
            )
        taken.setdefault(name, key)


def _former_names(settings: RegistrySettings) -> Iterator[Problem]:
    """Aliases that two resources would claim: the engine rejects the second once the first has taken over its state.

    https://www.pulumi.com/docs/iac/concepts/resources/options/aliases/
    """
    claimed: dict[str, str] = {}
    for key, own in settings.repositories.items():
        aliases = own.aliases if own is not None else None
        for index, alias in enumerate(aliases if isinstance(aliases, list) else []):
            if not isinstance(alias, str):
                continue
            other = alias if alias in settings.repositories else claimed.setdefault(alias, key)
            if other == key:
                continue
            what = "the key of an existing repository" if other == alias else f"also an alias of `{other}`"
            yield Problem(
                f"repositories.{key}.aliases[{index}]",
                alias,
                f"this is {what}: a repository in the stack's state can only become one other repository",
                "remove the alias, or the obsolete repository",
            )


def _each_repository(settings: RegistrySettings) -> Iterator[Problem]:
    """Conflicts between a repository, its profile, the defaults and the registry."""
    own_tags = settings.known("tags") or {}
    for key, own in settings.repositories.items():
        place, merged = f"repositories.{key}", settings.repository(key)
        if own is not None:
            yield from _placed(place, default_conflicts(own, merged.given()))
        else:
            yield from _placed(
                place, default_conflicts(type(merged).model_construct(_fields_set=set()), merged.given())
            )
        tags = {**own_tags, **(merged.known("tags") or {})}
        allowed = MAX_TAGS - len(RESERVED_TAGS)
        if len(tags) > allowed:
            yield Problem(
                f"{place}.tags",
                f"{len(tags)} tags",
                f"AWS allows {MAX_TAGS} tags per resource, and ecr-stack sets {len(RESERVED_TAGS)} of them",
                f"remove {len(tags) - allowed}",
            )
        encryption = settings.encryption_of(key) if not is_unknown(settings.encryption) else None
        makes_key = isinstance(encryption, Model) and encryption.known("type") not in ("AES256", None)
        if merged.import_existing and makes_key and encryption is not None and encryption.key_arn is None:
            yield Problem(
                f"{place}.import",
                True,
                "an existing repository keeps its encryption; using a new key from this stack would replace it",
                "write `encryption: {type: AES256}` or `encryption: {type: KMS, keyArn: …}`, as "
                "`aws ecr describe-repositories` prints it",
            )


def _coverage(settings: RegistrySettings) -> Iterator[Problem]:
    """Each tag scheme needs a rule in every repository, unless it is declared as kept."""
    schemes = settings.known("tag_schemes") or []
    if any(unknown_in(scheme) for scheme in schemes):
        return
    yield from tag_scheme_problems(schemes, "tagSchemes")
    found: dict[tuple[int, str, str], list[str]] = {}
    judged: dict[str, list[Uncovered]] = {}
    for key in settings.repositories if schemes else ():
        text = _lifecycle(settings, key)
        if text is None:
            continue
        if text not in judged:
            document = parse_document(text) if text else None
            judged[text] = [*uncovered(schemes, document), *endangered(schemes, document)]
        for item in judged[text]:
            found.setdefault((schemes.index(item.scheme), item.reason, item.remedy), []).append(settings.name_of(key))
    for (number, reason, remedy), names in found.items():
        where = f"{', '.join(names[:3])}{f' and {len(names) - 3} more' if len(names) > 3 else ''}"
        yield Problem(f"tagSchemes[{number}]", schemes[number].name, f"{reason} (in {where})", remedy)


def _lifecycle(settings: RegistrySettings, key: str) -> str | None:
    """A repository's lifecycle document; `""` if it has none, `None` if it is unknown or invalid."""
    repository = settings.repository(key)
    if unknown_in(repository.lifecycle or []) or is_unknown(repository.lifecycle_document):
        return None
    if any(True for _ in repository.cross_field_errors()) or any(
        True for rule in repository.lifecycle or [] for _ in rule.cross_field_errors()
    ):
        return None
    return settings.lifecycle_text(key) or ""


def name_warnings(settings: RegistrySettings) -> Iterator[Problem]:
    """Yield the repositories whose name begins with the prefix that is put in front of it.

    Args:
        settings: valid settings; places are relative to them, in camelCase.
    """
    prefix = settings.name_prefix
    for key, own in settings.repositories.items() if prefix else ():
        name = settings.name_of(key)
        if prefix and name.startswith(prefix):
            place = f"repositories.{key}{'.name' if own is not None and own.name else ''}"
            yield Problem(
                place,
                name,
                f"`namePrefix: {prefix}` is put in front of it, so the repository is called `{prefix}{name}` in ECR",
                f"write `{name.removeprefix(prefix)}` if `{name}` is meant",
            )


def cache_warnings(settings: RegistrySettings) -> Iterator[Problem]:
    """Yield the caches that also cover repositories of the stack: ECR would fetch their missing images from the
    upstream.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache-private-wildcards.html: all repositories
    with the prefix are enabled for the cache, and ROOT covers those without another cache.

    Args:
        settings: valid settings; places are relative to them, in camelCase.
    """
    own: dict[str, list[str]] = {}
    prefixes = sorted((prefix for prefix in settings.pull_through_cache if prefix != ROOT), key=len, reverse=True)
    for name in map(settings.physical_name, settings.repositories):
        nearest_one = next((prefix for prefix in prefixes if name.startswith(f"{prefix}/")), ROOT)
        own.setdefault(nearest_one, []).append(name)
    for prefix, cache in settings.pull_through_cache.items():
        names = own.get(prefix, [])
        if names:
            shown = ", ".join(f"`{name}`" for name in names[:3]) + (f" and {len(names) - 3} more" if names[3:] else "")
            yield Problem(
                f"pullThroughCache.{prefix}",
                prefix,
                f"this cache also covers {shown}: a missing tag is fetched from {cache.upstream_url}, regardless of "
                "who pushed it there",
                "choose a prefix that no repository in the stack has, unless they are meant for cached images",
            )


def lifecycle_warnings(settings: RegistrySettings) -> Iterator[Problem]:
    """Yield parts of the lifecycle documents that ECR accepts but that do not do what they seem to, e.g. a rule that
    never acts.

    Args:
        settings: valid settings; places are relative to them, in camelCase.
    """
    told: set[tuple[str, str]] = set()
    for key, own in settings.repositories.items():
        repository = settings.repository(key)
        text = _lifecycle(settings, key)
        if not text:
            continue
        layers: list[tuple[str, RepositoryDefaults | None]] = [(f"repositories.{key}", own)]
        if own is not None and own.profile is not None:
            layers.append((f"profiles.{own.profile}", settings.profiles.get(own.profile)))
        layers.append(("repositoryDefaults", settings.repository_defaults))
        place = next(
            where for where, layer in layers if layer is not None and (layer.lifecycle or layer.lifecycle_document)
        )
        indices = rule_indices(repository.lifecycle) if repository.lifecycle else []
        for finding in lint(text):
            priority = finding.rule_priority
            inner = "lifecycle" if indices else "lifecycleDocument"
            if priority is not None and 1 <= priority <= len(indices):
                inner = f"lifecycle[{indices[priority - 1]}]"
            if (place + inner, finding.message) not in told:
                told.add((place + inner, finding.message))
                message, remedy = _as_written(finding, indices) if indices else (finding.message, finding.remedy)
                yield Problem(f"{place}.{inner}", None, message, remedy)


_IN_STACK_FILES = {
    "untagged-uncovered": (
        "and AWS charges for them until they are deleted",
        "add `{untagged: true, expireAfterDays: 7}`",
    ),
    "shielded": ("so this one never acts", "put the narrower rule first, or remove it"),
    "releases-expire": (None, "add an earlier rule that keeps enough releases, or write `untagged: true`"),
    "never-reached": ("which is too high to have an effect", "write the number that you want to keep"),
    "archive-unfed": (
        "so this one affects only images that were archived manually",
        "add a rule with `archiveAfterDays`, or remove this one",
    ),
}
"""By the code of a finding: what follows from it, and the remedy in the words of a stack file."""


def _as_written(finding: Finding, indices: Sequence[int]) -> tuple[str, str]:
    """A finding about the document that is made of a stack file's rules, in the words of that file."""
    own = f"rule {finding.rule_priority}" if finding.rule_priority is not None else "the document"
    message = re.sub(
        rf"^{own}(?: \((?P<images>[^)]*)\))?: ",
        lambda match: f"{match['images']}: " if match["images"] else "",
        finding.message,
    )
    message = re.sub(r"\brule (\d+)\b", lambda match: f"`lifecycle[{indices[int(match[1]) - 1]}]`", message)
    consequence, remedy = _IN_STACK_FILES.get(finding.code, (None, finding.remedy))
    return message + (f", {consequence}" if consequence else ""), remedy


MAX_ROLE_NAME = 64


def template_role_name(environment: str, region: str, registry: str | None = None) -> str:
    """The name of the role with which ECR creates repositories from creation templates in a Region.

    Args:
        environment: the environment's name.
        region: the Region's code.
        registry: the name of the registry in its program. If it differs from the environment, it is part of the role's
        name, so that two registries of one environment have separate roles.
    """
    own = "" if registry in (None, environment) else f"-{registry}"
    name = re.sub(r"[^\w+=,.@-]", "-", f"{environment}{own}-ecr-template-{region}", flags=re.ASCII)
    if len(name) <= MAX_ROLE_NAME:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{name[: MAX_ROLE_NAME - len(region) - 24]}-{digest}-ecr-template-{region}"


@dataclass(frozen=True)
class ReplicaPlan:
    """The replication to one Region of the registry's own account."""

    entries: list[str]
    """The repositories that a rule replicates there, by key."""
    everything: bool
    """Whether a rule without filters also replicates all other repositories in the registry."""
    templates: Mapping[str, RepositoryDefaults]
    """The creation templates from which ECR would create the replicas, by prefix."""
    conflicts: Mapping[str, tuple[str, str]]
    """By namespace, two repositories that would have to share a template."""


def replica_plan(settings: RegistrySettings, region: str, account: str | None) -> ReplicaPlan:
    """Determine what is replicated to a Region of the registry's own account, and with which templates.

    Args:
        settings: the registry's settings, without problems in them.
        region: the Region's code.
        account: the registry's account, `None` if it is not known.
    """
    rules = [
        rule
        for rule in settings.replication.rules
        if any(
            destination.region == region and destination.registry_id in (None, account)
            for destination in rule.destinations
        )
    ]
    entries = [
        entry
        for entry in settings.repositories
        if any(replicates(rule, settings.name_of(entry)) or _is_unnamed(settings, entry) for rule in rules)
    ]
    # With a name prefix, a rule without filters uses the prefix as its filter.
    everything = any(not rule.known("repository_filters") for rule in rules) and not settings.name_prefix
    plan = plan_templates(
        {settings.physical_name(entry): _replica_settings(settings, settings.repository(entry)) for entry in entries},
        _replica_settings(settings, settings.repository_defaults) if everything else None,
    )
    return ReplicaPlan(entries, everything, plan.templates, plan.conflicts)


def _is_unnamed(settings: RegistrySettings, entry: str) -> bool:
    own = settings.repositories[entry]
    return own is not None and is_unknown(own.name)


def _replica_settings(settings: RegistrySettings, repository: RepositoryDefaults) -> RepositoryDefaults:
    """The settings of a repository that a template can have: without the key, which is the destination Region's."""
    fields = ("tag_mutability", "mutable_tags", "immutable_tags", "lifecycle", "lifecycle_document", "access", "tags")
    given = {name: value for name, value in repository.given().items() if name in fields}
    encryption = repository.encryption or settings.encryption
    kind = {"type": encryption.type}
    given |= {
        "tag_mutability": given.get("tag_mutability") or "MUTABLE",
        "encryption": RepositoryEncryption.model_construct(_fields_set=set(kind), **kind),
    }
    return RepositoryDefaults.model_construct(_fields_set=set(given), **given)


def _template_problems(settings: RegistrySettings, account: str | None) -> Iterator[Problem]:
    """Find the repositories whose replicas no set of templates can distinguish."""
    for number, rule in enumerate(settings.replication.rules):
        for position, destination in enumerate(rule.destinations):
            said = destination_settings(settings.replication, account).get(destination.region)
            if said is None or said.replicas != "template" or destination.registry_id not in (None, account):
                continue
            plan = replica_plan(settings, destination.region, account)
            for prefix in plan.templates:
                if len(prefix) > MAX_TEMPLATE_PREFIX:
                    yield Problem(
                        f"replication.rules[{number}].destinations[{position}].replicas",
                        said.replicas,
                        f"the namespace `{prefix}` needs a template, and the AWS provider accepts prefixes of at most "
                        f"{MAX_TEMPLATE_PREFIX} characters",
                        "write `replicas: managed`, or shorten the namespace",
                    )
            for namespace, (one, other) in plan.conflicts.items():
                where = "without a namespace" if namespace == ROOT else f"in the namespace `{namespace}/`"
                yield Problem(
                    f"replication.rules[{number}].destinations[{position}].replicas",
                    said.replicas,
                    f"a creation template covers a whole namespace, and `{one}` and `{other}`, both {where}, differ in "
                    f"{', '.join(_differences(settings, one, other))}",
                    "write `replicas: managed`, give both the same settings, or move them to separate namespaces",
                )


def _differences(settings: RegistrySettings, one: str, other: str) -> list[str]:
    by_name = {settings.physical_name(entry): settings.repository(entry) for entry in settings.repositories}
    first, second = (_replica_settings(settings, by_name[name]) for name in (one, other))
    return [
        f"`{key_of(RepositoryDefaults, name)}`"
        for name in RepositoryDefaults.model_fields
        if getattr(first, name) != getattr(second, name)
    ]


def pipeline_role_name(environment: str, key: str) -> str:
    """The default name of a pipeline's role."""
    return f"{environment}-ecr-push-{key}"


def _roles(settings: RegistrySettings, account: str | None, region: str | None) -> Iterator[Problem]:
    """Role names must be unique regardless of case and at most 64 characters long, and policies must fit."""
    environment, pipelines = settings.known("environment"), settings.known("pipelines") or {}
    if environment is None:
        return
    taken = {
        template_role_name(environment, there).lower(): f"the role for replicas in {there}"
        for there in destination_regions(settings, account, "template")
    }
    if region is not None and settings.created_repositories():
        taken[template_role_name(environment, region).lower()] = "the role for repositories that ECR creates"
    for key, pipeline in pipelines.items():
        if is_unknown(pipeline) or is_unknown(pipeline.role_name):
            continue
        place = f"pipelines.{key}"
        name = pipeline.role_name or pipeline_role_name(environment, key)
        if pipeline.role_name is None and not re.fullmatch(r"[\w+=,.@-]{1,64}", name, re.ASCII):
            yield Problem(
                place,
                key,
                f"the pipeline's key gives the role name `{name}`, but a role name must be 1 to {MAX_ROLE_NAME} "
                "letters, digits "
                "and `+ = , . @ _ -`",
                "choose another key, or add `roleName`",
            )
        if name.lower() in taken:
            yield Problem(
                f"{place}.roleName" if pipeline.role_name else place,
                name,
                f"role names in IAM must be unique regardless of case, and {taken[name.lower()]} already has this one",
                "choose another `roleName`",
            )
        taken.setdefault(name.lower(), f"the pipeline `{key}`")
        yield from _placed(place, _provider_problems(pipeline, account))
        yield from _placed(place, trust_problems(pipeline, account, region))
    if pipelines:
        profiles = [] if unknown_in(settings.signing) else [rule.signing_profile_arn for rule in settings.signing.rules]
        yield from permission_problems(settings.physical_names(), account, region, "pipelines", profiles)


_ANY_ACCOUNT, _ANY_REGION = "0" * 12, "us-east-1"


def trust_problems(trust: PipelineTrust, account: str | None, region: str | None) -> Iterator[Problem]:
    """Yield an error if the trust policy is too long for IAM; nothing while the pipelines or their issuer are unknown."""
    if unknown_in(trust) or (trust.platform == "OTHER" and trust.issuer is None):
        return
    own = getattr(trust, "provider_arn", None)
    host, partition = issuer_host(trust.issued_by), partition_of(region or _ANY_REGION)
    arn = own or f"arn:{partition}:iam::{account or _ANY_ACCOUNT}:oidc-provider/{host}"
    problem = trust_problem(trust_policy(trust, arn), "")
    if problem is not None:
        yield problem


def permission_problems(
    names: Sequence[str], account: str | None, region: str | None, place: str, profiles: Sequence[str] = ()
) -> Iterator[Problem]:
    """Yield an error if the repositories and signing profiles do not fit into one role's policies."""
    home = region or _ANY_REGION
    arns = [f"arn:{partition_of(home)}:ecr:{home}:{account or _ANY_ACCOUNT}:repository/{name}" for name in names]
    statements = permission_statements(pull=arns, push=arns, sign=profiles)
    if not fits_inline(statements):
        try:
            split_policies(statements, place)
        except InvalidInput as error:
            yield from error.problems


def _provider_problems(pipeline: PipelineSettings, account: str | None) -> Iterator[Problem]:
    arn = pipeline.known("provider_arn")
    if arn and account and arn.split(":")[4] != account:
        yield Problem(
            "providerArn",
            arn,
            f"a role can only trust a provider in its own account, and this is {account}",
            "write the ARN of this account's provider, or remove `providerArn` to create one",
        )


def destination_regions(settings: RegistrySettings, account: str | None, *how: ReplicaSource) -> list[str]:
    """The destinations' Regions in the registry's own account.

    Args:
        settings: the registry's.
        account: its account; `None` if it is not known.
        how: the values of `replicas` to include. Default: those with which the stack configures the registry there.
    """
    replication = settings.known("replication")
    if replication is None:
        return []
    found = destination_settings(replication, account)
    return [region for region, each in found.items() if each.replicas in (how or ("managed", "template"))]


def managed_replicas(settings: RegistrySettings, account: str | None) -> dict[str, list[str]]:
    """The replicas' repositories that the stack creates: their names in ECR, by Region."""
    return {
        region: [settings.physical_name(entry) for entry in replica_plan(settings, region, account).entries]
        for region in destination_regions(settings, account, "managed")
    }
