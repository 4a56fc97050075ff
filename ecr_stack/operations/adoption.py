"""Writes a stack file for an existing registry, such that deploying it changes nothing.

`read_registry` asks, and only reads. `stack_file_of` is pure: it writes the settings, and lists in comments what a stack
file cannot say, which then stays in ECR as it is. A policy that can only be said in part is left out whole, because
ECR replaces a policy whole.

Needs `ecr:DescribeRepositories`, `ecr:ListTagsForResource`, `ecr:GetLifecyclePolicy`, `ecr:GetRepositoryPolicy`,
`ecr:DescribeRegistry`, `ecr:GetRegistryPolicy`, `ecr:GetRegistryScanningConfiguration`, `ecr:DescribePullThroughCacheRules`
and `ecr:DescribeRepositoryCreationTemplates`. What may not be read is listed as such.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ecr_stack.aws.iam.principals import arn_of
from ecr_stack.aws.names import partition_of
from ecr_stack.errors import EcrStackError, InvalidInput, NotFound, Problem, shown
from ecr_stack.model import validate
from ecr_stack.operations.live_registry import LiveRegistry, in_order
from ecr_stack.schema.access import Access, RegistryAccess
from ecr_stack.schema.access_documents import access_problems, registry_policy, repository_policy
from ecr_stack.schema.lifecycle import LifecycleRule, compile_rules
from ecr_stack.schema.repository import RESERVED_TAGS
from ecr_stack.schema.stack import NAMESPACE, stack_settings_of
from ecr_stack.schema.statements import RepositoryStatement

__all__ = ["Adoption", "LiveRepository", "RegistryRecord", "read_registry", "stack_file_of"]

_UNREADABLE = "cannot be read"


@dataclass(frozen=True)
class LiveRepository:
    """One repository, as ECR describes it."""

    described: Mapping[str, Any]
    """As `DescribeRepositories` gives it."""
    tags: Mapping[str, str] = field(default_factory=dict)
    lifecycle: str | None = None
    """The text of the lifecycle policy."""
    policy: str | None = None
    """The text of the repository policy."""
    unread: tuple[str, ...] = ()
    """What could not be read, and why."""

    @property
    def name(self) -> str:
        """The name in ECR."""
        return str(self.described["repositoryName"])


@dataclass(frozen=True)
class RegistryRecord:
    """A registry, as ECR describes it."""

    account: str
    region: str
    repositories: Sequence[LiveRepository]
    replication: Sequence[Mapping[str, Any]] = ()
    """The rules of `DescribeRegistry`."""
    policy: str | None = None
    """The text of the registry's policy."""
    scanning: Mapping[str, Any] = field(default_factory=dict)
    """As `GetRegistryScanningConfiguration` gives it."""
    caches: Sequence[str] = ()
    """The prefixes of the pull-through cache rules."""
    templates: Sequence[str] = ()
    """The prefixes of the creation templates."""
    unread: tuple[str, ...] = ()


@dataclass(frozen=True)
class Adoption:
    """What goes into the stack file."""

    config: dict[str, Any]
    """Every key of `config:`, with its namespace."""
    notes: tuple[str, ...]
    """What the stack file does not say, one line each."""


def read_registry(registry: LiveRegistry) -> RegistryRecord:
    """Read a registry. Nothing is changed, and nothing is pulled.

    Raises:
        NotFound: the registry has no repository.
        Unavailable: AWS does not answer, or refuses to list the repositories.
    """
    described = sorted(registry.repositories(), key=lambda each: str(each["repositoryName"]))
    if not described:
        raise NotFound(
            f"account {registry.account} has no repository in {registry.region}: add --region for another Region, or "
            "omit --from-account"
        )
    unread: list[str] = []

    def asked(what: str, operation: str, **parameters: Any) -> dict[str, Any]:
        return _answer(unread, what, registry, operation, **parameters)

    replication = asked("the replication rules", "describe_registry")
    scanning = asked("the scanning configuration", "get_registry_scanning_configuration")
    caches = asked("the pull-through cache rules", "describe_pull_through_cache_rules")
    templates = asked("the creation templates", "describe_repository_creation_templates")
    policy = asked("the registry's policy", "get_registry_policy")
    return RegistryRecord(
        account=registry.account,
        region=registry.region,
        repositories=list(in_order(lambda one: _repository(registry, one), described)),
        replication=replication.get("replicationConfiguration", {}).get("rules", []),
        policy=policy.get("policyText"),
        scanning=scanning.get("scanningConfiguration", {}),
        caches=[each["ecrRepositoryPrefix"] for each in caches.get("pullThroughCacheRules", [])],
        templates=[each["prefix"] for each in templates.get("repositoryCreationTemplates", [])],
        unread=tuple(unread),
    )


def _repository(registry: LiveRegistry, described: Mapping[str, Any]) -> LiveRepository:
    name, unread = described["repositoryName"], list[str]()

    def asked(what: str, operation: str, **parameters: Any) -> dict[str, Any]:
        return _answer(unread, what, registry, operation, **parameters)

    lifecycle = asked("lifecycle policy", "get_lifecycle_policy", repositoryName=name)
    policy = asked("repository policy", "get_repository_policy", repositoryName=name)
    tags = asked("tags", "list_tags_for_resource", resourceArn=described["repositoryArn"])
    return LiveRepository(
        described,
        {each["Key"]: each["Value"] for each in tags.get("tags", [])},
        lifecycle.get("lifecyclePolicyText"),
        policy.get("policyText"),
        tuple(unread),
    )


_OF_THE_REGISTRY = frozenset(
    {
        "describe_registry", "describe_repository_creation_templates", "get_registry_policy",
        "get_registry_scanning_configuration", "list_tags_for_resource",
    }
)  # fmt: skip
"""Operations that take no `registryId`."""


def _answer(unread: list[str], what: str, registry: LiveRegistry, operation: str, **parameters: Any) -> dict[str, Any]:
    """What ECR answers; nothing if there is no such policy; and what it does not let us read is noted."""
    ask = registry.ask_registry if operation in _OF_THE_REGISTRY else registry.ask
    try:
        return ask(operation, **parameters)
    except NotFound:
        return {}
    except EcrStackError as error:
        if "PolicyNotFoundException" not in str(error):
            unread.append(f"{what} {_UNREADABLE}: {str(error).splitlines()[0]}")
        return {}


def stack_file_of(record: RegistryRecord, environment: str) -> Adoption:
    """Write down a registry.

    Args:
        record: the registry.
        environment: the environment's name, a slug.

    Raises:
        InvalidInput: the environment's name is none, or the registry has something that no stack file takes.
    """
    notes = [*record.unread]
    repositories: dict[str, dict[str, Any]] = {}
    for repository in record.repositories:
        repositories[repository.name], told = _settings(repository, record)
        notes += [f"repository {repository.name}: {note}" for note in told]
    sections = {
        "replication": _replication(record, notes),
        "registryAccess": _registry_access(record, notes),
        "scanning": _scanning(record, notes),
    }
    for prefix in record.caches:
        notes.append(f"the pull-through cache rule {shown(prefix)}: it cannot be imported and stays unchanged")
    for prefix in record.templates:
        notes.append(f"the creation template {shown(prefix)}: it cannot be imported and stays unchanged")
    own: dict[str, Any] = {"environment": environment, "repositories": repositories}
    own |= {key: value for key, value in sections.items() if value is not None}
    own = _without_mistakes(own, record.region, notes)
    defaults = _shared(list(own["repositories"].values()))
    encryption = defaults.pop("encryption", None) or _commonest(own["repositories"].values())
    whole = {
        "environment": environment,
        "encryption": encryption,
        "repositoryDefaults": {"import": True, "protect": True, **defaults},
        "repositories": {
            name: {
                key: value
                for key, value in settings.items()
                if key not in defaults and not (key == "encryption" and value == encryption)
            }
            for name, settings in own["repositories"].items()
        },
        **{key: own[key] for key in sections if key in own},
    }
    stack_settings_of(whole, source="the stack file", region=record.region)
    config = {"aws:region": record.region, "aws:allowedAccountIds": [record.account]}
    return Adoption({**config, **{NAMESPACE + key: value for key, value in whole.items()}}, tuple(notes))


def _settings(repository: LiveRepository, record: RegistryRecord) -> tuple[dict[str, Any], list[str]]:
    described, notes = repository.described, [*repository.unread]
    mode = described.get("imageTagMutability", "MUTABLE")
    settings: dict[str, Any] = {"tagMutability": mode}
    exclusions = [each["filter"] for each in described.get("imageTagMutabilityExclusionFilters", ())]
    if exclusions:
        settings["mutableTags" if mode == "IMMUTABLE_WITH_EXCLUSION" else "immutableTags"] = exclusions
    settings["scanOnPush"] = described.get("imageScanningConfiguration", {}).get("scanOnPush", False)
    encrypted = described.get("encryptionConfiguration", {"encryptionType": "AES256"})
    settings["encryption"] = {"type": encrypted["encryptionType"]} | (
        {"keyArn": encrypted["kmsKey"]} if "kmsKey" in encrypted else {}
    )
    tags = {key: value for key, value in repository.tags.items() if key not in RESERVED_TAGS}
    reserved = [key for key in RESERVED_TAGS if key in repository.tags]
    if reserved:
        notes.append(f"the tags {', '.join(reserved)} are set by ecr-stack once `import` is removed")
    for key in [key for key in tags if key.lower().startswith("aws:")]:
        notes.append(f"the tag {shown(key)} belongs to AWS and stays unchanged")
        del tags[key]
    if tags:
        settings["tags"] = tags
    if repository.lifecycle is not None:
        settings |= _lifecycle(repository.lifecycle)
    if repository.policy is not None:
        access = _access(repository.policy, record)
        if isinstance(access, str):
            notes.append(f"its policy cannot be expressed in a stack file ({access}) and stays unchanged")
        else:
            settings["access"] = access
    return settings, notes


def _lifecycle(text: str) -> dict[str, Any]:
    """As rules of a stack file if those become the very same document, and else the document."""
    document = json.loads(text)
    rules = [_rule(each) for each in document.get("rules", ())]
    if all(rules) and set(document) == {"rules"}:
        written, problems = zip(*(validate(LifecycleRule, rule, "lifecycle") for rule in rules), strict=True)
        if not any(problems) and compile_rules(written) == {"rules": _plain_rules(document["rules"])}:
            return {"lifecycle": rules}
    return {"lifecycleDocument": document}


def _plain_rules(rules: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """In order of priority, and without the storage class that is the default one."""
    ordered = sorted(rules, key=lambda rule: int(rule["rulePriority"]))
    return [
        {**rule, "selection": {k: v for k, v in rule["selection"].items() if (k, v) != ("storageClass", "standard")}}
        for rule in ordered
    ]


def _rule(native: Mapping[str, Any]) -> dict[str, Any] | None:
    selection, action = native.get("selection", {}), native.get("action", {}).get("type")
    rule: dict[str, Any] = {"description": native["description"]} if native.get("description") else {}
    for list_, key in (("tagPrefixList", "tagPrefixes"), ("tagPatternList", "tagPatterns")):
        if len(selection.get(list_, ())) == 1:
            rule[key] = list(selection[list_])
    if selection.get("tagStatus") in ("untagged", "any"):
        rule[selection["tagStatus"]] = True
    outcome = {
        ("imageCountMoreThan", "expire"): "keepLast",
        ("sinceImagePushed", "expire"): "expireAfterDays",
        ("sinceImagePushed", "transition"): "archiveAfterDays",
        ("sinceImagePulled", "transition"): "archiveAfterDaysSincePull",
        ("sinceImageTransitioned", "expire"): "expireAfterDaysInArchive",
    }.get((selection.get("countType"), action))
    return {**rule, outcome: selection.get("countNumber")} if outcome else None


def _access(text: str, record: RegistryRecord) -> dict[str, Any] | str:
    """The key `access` that becomes this policy; or why there is none."""
    document, partition = json.loads(text), partition_of(record.region)
    statements = document.get("Statement", [])
    statements = [statements] if isinstance(statements, Mapping) else statements
    why = ""
    for candidate in _candidates(statements):
        access, problems = validate(Access, candidate, "access")
        problems = problems or access_problems(access, account=record.account, partition=partition)
        if problems:
            why = f"{problems[0].place.removeprefix('access.')}: {problems[0].rule}"
            continue
        made = repository_policy(access, record.account, partition) or {}
        if _meaning(made.get("Statement", []), record) == _meaning(statements, record):
            return candidate
        why = "its meaning would change"
    return why or "it has no statement"


def _candidates(statements: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Grants by their names if the statements are those that grants become, and else the statements as they are."""
    by_key = {"AllowPull": "pull", "AllowPush": "push", "AllowReadOnly": "readOnly", "AllowFullAccess": "fullAccess"}
    grants: dict[str, Any] = {}
    match = "PRINCIPAL"
    for statement in statements:
        sid = str(statement.get("Sid", ""))
        names = statement.get("Principal", {})
        names = _listed(names.get("AWS", [])) if isinstance(names, Mapping) else []
        tested = statement.get("Condition", {}).get("ArnEquals", {}).get("aws:PrincipalArn")
        key = by_key.get(sid.removesuffix("ByAccounts"))
        if key is None:
            break
        if tested:
            match, names = "CONDITION", _listed(tested)
        if sid.endswith("ByAccounts"):
            names = [name.split(":")[4] if name.endswith(":root") else name for name in names]
        grants.setdefault(key, []).extend(names)
    else:
        if grants:
            yield {**grants, **({"match": match} if match == "PRINCIPAL" else {})}
    kept = [
        {key: value for key, value in statement.items() if key != "Sid" or _sid_is_free(value)}
        for statement in statements
    ]
    yield {"statements": kept}


def _sid_is_free(sid: object) -> bool:
    _, problems = validate(RepositoryStatement, {"Sid": sid}, "")
    return not any(problem.place == "Sid" for problem in problems)


def _meaning(statements: Sequence[Mapping[str, Any]], record: RegistryRecord) -> list[str]:
    """What statements say, without their names, in one spelling."""
    told = []
    for statement in statements:
        principal = statement.get("Principal")
        if principal == "*":
            principal = {"AWS": "*"}
        if isinstance(principal, Mapping):
            principal = {
                kind: sorted(
                    arn_of(str(name), record.account, partition_of(record.region)) if kind == "AWS" else name
                    for name in _listed(names)
                )
                for kind, names in principal.items()
            }
        condition = {
            test: {key: sorted(str(each) for each in _listed(values)) for key, values in tests.items()}
            for test, tests in statement.get("Condition", {}).items()
        }
        told.append(
            json.dumps(
                {
                    **{key: value for key, value in statement.items() if key not in ("Sid", "Condition")},
                    "Principal": principal,
                    "Action": sorted(_listed(statement.get("Action", []))),
                    "Resource": sorted(_listed(statement.get("Resource", "*"))),
                    "Condition": condition,
                },
                sort_keys=True,
            )
        )
    return sorted(told)


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else [value]


def _replication(record: RegistryRecord, notes: list[str]) -> dict[str, Any] | None:
    names = [each.name for each in record.repositories]
    rules = []
    for rule in record.replication:
        filters = [each["filter"] for each in rule.get("repositoryFilters", ())]
        idle = [each for each in filters if not any(name.startswith(each) for name in names)]
        if idle:
            notes.append(
                f"replication: no repository name begins with {', '.join(map(shown, idle))}; the filter is omitted"
            )
        if idle and len(idle) == len(filters):
            continue
        destinations = [
            {"region": each["region"], "replicas": "none"}
            if each["registryId"] == record.account
            else {"region": each["region"], "registryId": each["registryId"]}
            for each in rule["destinations"]
        ]
        if any("replicas" in each for each in destinations):
            notes.append(
                "replication: the repositories in the destinations stay unchanged (`replicas: none`); to manage them "
                "with the stack, see the page on replication"
            )
        kept = [each for each in filters if each not in idle]
        rules.append({"destinations": destinations, **({"repositoryFilters": kept} if kept else {})})
    return {"rules": rules} if rules else None


def _registry_access(record: RegistryRecord, notes: list[str]) -> dict[str, Any] | None:
    if record.policy is None:
        return None
    statements = _listed(json.loads(record.policy).get("Statement", []))
    partition = partition_of(record.region)
    kept = [
        {key: value for key, value in statement.items() if key != "Sid" or _sid_is_free(value)}
        for statement in statements
    ]
    access, problems = validate(RegistryAccess, {"statements": kept}, "registryAccess")
    problems = problems or access_problems(access, account=record.account, region=record.region, partition=partition)
    if problems:
        why = f"{problems[0].place}: {problems[0].rule}"
    else:
        made = registry_policy(access, record.account, record.region, partition) or {}
        if _meaning(made.get("Statement", []), record) == _meaning(statements, record):
            return {"statements": kept}
        why = "its meaning would change"
    notes.append(f"the registry policy cannot be expressed in a stack file ({why}) and stays unchanged")
    return None


def _scanning(record: RegistryRecord, notes: list[str]) -> dict[str, Any] | None:
    rules = [
        {"frequency": rule["scanFrequency"], "filters": [each["filter"] for each in rule["repositoryFilters"]]}
        for rule in record.scanning.get("rules", ())
    ]
    if not rules and record.scanning.get("scanType", "BASIC") == "BASIC":
        return None
    if not rules:
        notes.append("the registry uses ENHANCED scanning without rules, so it scans nothing; it stays unchanged")
        return None
    return {"type": record.scanning["scanType"], "rules": rules}


def _without_mistakes(own: dict[str, Any], region: str, notes: list[str]) -> dict[str, Any]:
    """Leave out what the stack file does not take, so that it stays in ECR as it is.

    Raises:
        InvalidInput: the error is in something that cannot be left out.
    """
    while True:
        try:
            stack_settings_of(own, source="the stack file", region=region)
        except InvalidInput as error:
            # each of them, not the first
            left_out = [_left_out(own, problem, notes) for problem in error.problems]
            if not any(left_out):
                raise
        else:
            return own


_SECTIONS = ("replication", "registryAccess", "scanning")
_REMOVABLE = ("lifecycle", "lifecycleDocument", "access", "tags")


def _left_out(own: dict[str, Any], problem: Problem, notes: list[str]) -> bool:
    """Leave out what one error is about, if that is possible, and say so."""
    place = problem.place.removeprefix(NAMESPACE)
    section = next((each for each in _SECTIONS if place.startswith(each)), None)
    if section is not None:
        told, holder, key = section, own, section
    else:
        name = next((name for name in own["repositories"] if place.startswith(f"repositories.{name}.")), "")
        inner = place.removeprefix(f"repositories.{name}.")
        key = next((each for each in _REMOVABLE if inner.split(".")[0].split("[")[0] == each), "")
        told, holder = f"repository {name}: its {key}", own["repositories"].get(name, {})
    if key not in holder:
        return False
    del holder[key]
    notes.append(f"{told}: not supported in a stack file ({problem.rule}); it stays unchanged")
    return True


def _shared(repositories: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What every repository has, the same."""
    first, *others = repositories
    return {key: value for key, value in first.items() if all(each.get(key) == value for each in others)}


def _commonest(repositories: Any) -> dict[str, Any]:
    counted = Counter(json.dumps(each["encryption"], sort_keys=True) for each in repositories)
    most: dict[str, Any] = json.loads(counted.most_common(1)[0][0])
    return most
