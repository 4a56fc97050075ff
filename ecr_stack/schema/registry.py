"""What a stack file may say: the settings of one environment's registry, and how they are judged.

Every mistake is reported, not the first one: each section is judged by itself, and what compares sections compares
those that are valid.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, cast

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from ecr_stack.aws.iam import RegistryAccess, access_problems, repository_policy
from ecr_stack.aws.iam.identity import NodeAccess
from ecr_stack.aws.lifecycle import (
    Rule,
    TagScheme,
    Uncovered,
    compile_rules,
    endangered,
    policy_text,
    rule_list_problems,
    tag_scheme_problems,
    uncovered,
)
from ecr_stack.aws.names import KMS_KEY_ARN, REPOSITORY_NAME, Region, RepositoryName, partition_of
from ecr_stack.errors import InvalidInput, Problem
from ecr_stack.model import nearest, problems_of, refusal
from ecr_stack.schema.encryption import Encryption, EncryptionType
from ecr_stack.schema.guard import LifecycleGuard, strangers
from ecr_stack.schema.identity import PipelineSettings
from ecr_stack.schema.replication import Replication, unreachable
from ecr_stack.schema.repository import (
    RESERVED_TAGS,
    RepositoryDefaults,
    RepositorySettings,
    Tags,
    effective,
    misfits,
    reserved,
)
from ecr_stack.schema.scanning import Scanning, inconsistent
from ecr_stack.schema.section import Section, in_python, judge

__all__ = ["RegistrySettings", "registry_settings"]

MAX_TAGS = 50


def _environment(value: str) -> str:
    if re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", value) and len(value) <= 32:
        return value
    fixed = re.sub(r"[^a-z0-9]+", "-", value.lower()).strip("-")[:32].strip("-")
    good = bool(re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", fixed))
    raise refusal(
        "an environment is a slug: 1 to 32 lowercase letters, digits and single hyphens between them, a letter first",
        f"write `{fixed}`" if good else "write a word such as `dev` or `prod`",
    )


Environment = Annotated[str, AfterValidator(_environment)]


class RegistrySettings(Section):
    """The registry of one environment: repositories, the key that encrypts them, replication and scanning."""

    environment: Environment
    """A slug such as `dev` or `prod`; it names the key's alias and the tags."""
    tags: Tags = {}
    """The team's own AWS tags, on everything that is made here. `Name`, `Environment` and `ManagedBy` are added."""
    encryption: Encryption = Encryption()
    """How images are encrypted at rest."""
    repository_defaults: RepositoryDefaults = RepositoryDefaults()
    """What every repository takes unless it says otherwise."""
    repositories: Annotated[dict[RepositoryName, RepositorySettings | None], Field(min_length=1)]
    """The repositories, by name. `{}` or nothing takes every default."""
    tag_schemes: list[TagScheme] = []
    """How the pipelines tag images. Each scheme has a lifecycle rule in every repository, or is declared as kept."""
    lifecycle_guard: LifecycleGuard = LifecycleGuard()
    """What a lifecycle change may remove. Left out, anything."""
    replication: Replication = Replication()
    """Where images are copied to. Left out, nowhere."""
    pipelines: dict[str, PipelineSettings] = {}
    """Roles for pipelines that push, by a name of your choice: GitHub Actions, GitLab or another issuer of tokens."""
    nodes: NodeAccess | None = None
    """Roles of nodes that exist, e.g. of EKS, to which AWS's managed pull policy is attached."""
    registry_access: RegistryAccess | None = None
    """Who may do what in every repository, e.g. accounts that replicate into this registry."""
    scanning: Scanning = Scanning()
    """How the registry scans images. Left out, each repository's `scanOnPush` decides."""

    def names(self) -> list[str]:
        """The repositories' names in ECR, in the order of the file."""
        return [(own.name if own else None) or key for key, own in self.repositories.items()]

    def repository(self, key: str) -> dict[str, Any]:
        """A repository's settings with the defaults laid under them, by Python name, as plain data."""
        own = self.repositories[key]
        return effective(given(self.repository_defaults), given(own) if own else {})

    def lifecycle_of(self, key: str) -> list[Rule]:
        """The lifecycle rules that hold for a repository: its own, or the defaults'."""
        own = self.repositories[key]
        return (own.lifecycle if own else None) or self.repository_defaults.lifecycle or []

    def arguments(self) -> Any:
        """The same as the arguments of `Registry`."""
        arguments = given(self)
        # Nothing said of a repository is said, too: the repository is there.
        arguments["repositories"] = {key: given(own) if own else {} for key, own in self.repositories.items()}
        return arguments


def given(model: BaseModel) -> dict[str, Any]:
    """What was said, by Python name, as plain data: nothing that was left out."""
    return model.model_dump(by_alias=False, exclude_unset=True, exclude_none=True, mode="json")


def registry_settings(
    data: object,
    *,
    source: str,
    prefix: str = "",
    region: str | None = None,
    account: str | None = None,
    python_names: bool = False,
) -> RegistrySettings:
    """Judge the settings of a registry.

    Args:
        data: plain data: a map of the keys of a stack file without their namespace, or of a component's arguments.
        source: whose mistakes they would be, e.g. `Pulumi.prod.yaml`.
        prefix: what stands before each key in messages, e.g. `ecr-stack:`.
        region: the registry's Region, `None` where it is not known.
        account: the registry's account, `None` where it is not known.
        python_names: whether keys are spelled in snake_case.

    Raises:
        InvalidInput: with every mistake.
    """
    judgement = _Judgement(prefix, region, account, python_names)
    settings = judgement.of(data)
    if settings is None or judgement.problems:
        raise InvalidInput(source, judgement.problems)
    return settings


class _Judgement:
    """One pass over the settings of one registry."""

    def __init__(self, prefix: str, region: str | None, account: str | None, python_names: bool) -> None:
        self.prefix = prefix
        self.region = region
        self.account = account
        self.python_names = python_names
        self.problems: list[Problem] = []
        self.valid: dict[str, Any] = {}

    def place(self, field: str) -> str:
        return self.prefix + self.key(field)

    def key(self, field: str) -> str:
        return field if self.python_names else (RegistrySettings.model_fields[field].alias or field)

    def of(self, data: object) -> RegistrySettings | None:
        if not isinstance(data, Mapping):
            self.problems.append(
                Problem(
                    self.prefix or "(the arguments)",
                    data,
                    "a map of settings is needed",
                    "write `key: value` lines",
                )
            )
            return None
        self._unknown(data)
        for field in RegistrySettings.model_fields:
            value = data.get(self.key(field))
            if field == "repositories":
                self._repositories(value)
            elif field in ("environment", "tags", "tag_schemes"):
                self._simple(field, value)
            elif field in ("registry_access", "nodes", "pipelines"):
                self._said(field, value)
            elif value is not None:
                section = cast(type[Section], RegistrySettings.model_fields[field].annotation)
                model, problems = judge(section, value, self.place(field), python_names=self.python_names)
                self.problems += problems
                if model is not None:
                    self.valid[field] = model
        self.problems += self._across()
        return RegistrySettings.model_construct(**self.valid) if not self.problems else None

    def _unknown(self, data: Mapping[Any, Any]) -> None:
        known = [self.key(field) for field in RegistrySettings.model_fields]
        for key in data:
            if key not in known:
                guess = nearest(str(key), known)
                self.problems.append(
                    Problem(
                        f"{self.prefix}{key}",
                        data[key],
                        f"`{key}` is not a known key",
                        f"write `{self.prefix}{guess}`" if guess else f"remove it; known: {', '.join(known)}",
                    )
                )

    def _simple(self, field: str, value: object) -> None:
        if value is None and field != "environment":
            return
        if value is None:
            self.problems.append(
                Problem(
                    self.place(field),
                    None,
                    "the key is required",
                    f"add `{self.place(field)}: dev`, or the like",
                )
            )
            return
        kind = {"environment": Environment, "tags": Tags, "tag_schemes": list[TagScheme]}[field]
        problems = _field_problems(kind, value, self.place(field), python_names=self.python_names)
        self.problems += problems
        if field == "tags" and isinstance(value, Mapping):
            self.problems += list(reserved(value, self.place(field)))
        if not problems:
            self.valid[field] = _schemes(value) if field == "tag_schemes" else value

    def _said(self, field: str, value: object) -> None:
        """Judge a part that is there or not; `{}` says nothing."""
        if not value and (value is None or isinstance(value, Mapping)):
            return
        kind: Any = {
            "registry_access": RegistryAccess,
            "nodes": NodeAccess,
            "pipelines": dict[str, PipelineSettings],
        }[field]
        try:
            judged = TypeAdapter(kind).validate_python(value, by_alias=not self.python_names, by_name=self.python_names)
        except ValidationError as error:
            found = problems_of(error, RegistrySettings, "", python_names=self.python_names, at=(self.key(field),))
            self.problems += [
                Problem(self.prefix + problem.place, problem.value, problem.rule, problem.remedy) for problem in found
            ]
            return
        if isinstance(judged, RegistryAccess):
            facts = {"account": self.account, "region": self.region, "partition": self.partition}
            known: Any = {name: fact for name, fact in facts.items() if fact is not None}
            self.problems += self._spelled(access_problems(judged, self.place(field), **known))
        self.valid[field] = judged

    @property
    def partition(self) -> str | None:
        return partition_of(self.region) if self.region else None

    def _repositories(self, value: object) -> None:
        place = self.place("repositories")
        if isinstance(value, list):
            names = [item for item in value if isinstance(item, str)]
            example = f"{names[0]}: {{}}" if names else "NAME: {}"
            self.problems.append(
                Problem(
                    place,
                    value,
                    "repositories are a map of names to settings, not a list",
                    f"write `{example}` for each",
                )
            )
        elif not isinstance(value, Mapping) or not value:
            self.problems.append(
                Problem(
                    place,
                    value,
                    "at least one repository is needed, in a map of names to settings",
                    "add `NAME: {}`",
                )
            )
        else:
            repositories = {}
            for name, settings in value.items():
                repositories[name] = self._repository(name, settings, f"{place}.{name}")
            self.valid["repositories"] = repositories

    def _repository(self, name: object, settings: object, place: str) -> RepositorySettings | None:
        if not isinstance(name, str):
            self.problems.append(Problem(place, name, "a repository's name is a text", f'put it in quotes: "{name}"'))
        elif not (2 <= len(name) <= 256 and REPOSITORY_NAME.fullmatch(name)):
            self.problems += _field_problems(RepositoryName, name, place)
        if settings is None:
            return None
        model, problems = judge(RepositorySettings, settings, place, python_names=self.python_names)
        self.problems += problems
        return model

    def _across(self) -> Iterator[Problem]:
        """What compares one section with another, or with the Region."""
        region, account = self.region, self.account
        defaults = self.valid.get("repository_defaults", RepositoryDefaults())
        repositories: dict[str, RepositorySettings | None] = self.valid.get("repositories", {})
        yield from self._lifecycle_and_access(defaults, self.place("repository_defaults"))
        broken = {problem.place for problem in self.problems}
        for name, own in repositories.items():
            place = f"{self.place('repositories')}.{name}"
            if own is not None:
                yield from self._lifecycle_and_access(own, place)
            if not any(where.startswith((place, self.place("repository_defaults"))) for where in broken):
                yield from self._spelled(misfits(given(defaults), given(own) if own else {}, place))
            tags = {
                **self.valid.get("tags", {}),
                **(defaults.tags or {}),
                **((own.tags if own else None) or {}),
            }
            if len(tags) > MAX_TAGS - len(RESERVED_TAGS):
                yield Problem(
                    f"{place}.tags",
                    f"{len(tags)} tags",
                    f"AWS allows {MAX_TAGS} tags on a resource, and {len(RESERVED_TAGS)} are written by ecr-stack",
                    f"remove {len(tags) - MAX_TAGS + len(RESERVED_TAGS)}",
                )
        yield from self._names(repositories)
        names = [(own.name if own else None) or str(key) for key, own in repositories.items()]
        if "lifecycle_guard" in self.valid and repositories:
            place = self.place("lifecycle_guard")
            yield from self._spelled(strangers(self.valid["lifecycle_guard"], names, place))
        yield from self._spelled(self._coverage(defaults, repositories))
        if "replication" in self.valid:
            yield from self._spelled(
                unreachable(self.valid["replication"], names, region, account, self.place("replication"))
            )
        if "scanning" in self.valid and repositories and not self._broken("repository_defaults"):
            flags = {
                name: effective(given(defaults), given(own) if own else {}).get("scan_on_push", True)
                for name, own in zip(names, repositories.values(), strict=True)
            }
            yield from self._spelled(inconsistent(self.valid["scanning"], flags, self.place("scanning")))
        yield from self._spelled(self._key_and_region(self.valid.get("encryption", Encryption())))

    def _broken(self, field: str) -> bool:
        """Whether something is wrong in a part, so that what follows from it cannot be judged."""
        return any(problem.place.startswith(self.place(field)) for problem in self.problems)

    def _lifecycle_and_access(self, settings: RepositoryDefaults, place: str) -> Iterator[Problem]:
        if settings.lifecycle:
            yield from self._spelled(rule_list_problems(settings.lifecycle, f"{place}.lifecycle"))
        if settings.access is not None:
            where = f"{place}.access"
            known = {"account": self.account} if self.account else {}
            found = access_problems(settings.access, where, partition=self.partition, **known)
            yield from self._spelled(found)
            if not found and repository_policy(settings.access, self.account or "0" * 12, "aws") is None:
                yield Problem(where, {}, "access grants something to somebody", "add e.g. `pull`, or remove `access`")

    def _coverage(
        self, defaults: RepositoryDefaults, repositories: Mapping[str, RepositorySettings | None]
    ) -> Iterator[Problem]:
        """Each tag scheme has a rule in every repository, or is declared as kept and is."""
        schemes: list[TagScheme] = self.valid.get("tag_schemes", [])
        place = self.place("tag_schemes")
        yield from tag_scheme_problems(schemes, place)
        if self._broken("repository_defaults") or self._broken("repositories"):
            return
        found: dict[tuple[int, str, str], list[str]] = {}
        judged: dict[str, list[Uncovered]] = {}
        for name, own in repositories.items():
            rules = (own.lifecycle if own else None) or defaults.lifecycle or []
            if rules and rule_list_problems(rules, ""):
                continue  # reported by itself
            document = compile_rules(rules) if rules else None
            text = policy_text(document) if document else ""
            if text not in judged:
                judged[text] = [*uncovered(schemes, document), *endangered(schemes, document)]
            for item in judged[text]:
                found.setdefault((schemes.index(item.scheme), item.reason, item.remedy), []).append(str(name))
        for (number, reason, remedy), names in found.items():
            where = f"{', '.join(names[:3])}{f' and {len(names) - 3} more' if len(names) > 3 else ''}"
            yield Problem(f"{place}[{number}]", schemes[number].name, f"{reason} (in {where})", remedy)

    def _names(self, repositories: Mapping[str, RepositorySettings | None]) -> Iterator[Problem]:
        taken: dict[str, str] = {}
        for key, own in repositories.items():
            name = (own.name if own else None) or key
            if name in taken:
                yield Problem(
                    f"{self.place('repositories')}.{key}",
                    name,
                    f"two repositories cannot have one name; `{taken[name]}` has it already",
                    "choose another `name`, or remove one of the two",
                )
            taken.setdefault(name, key)

    def _key_and_region(self, encryption: Encryption) -> Iterator[Problem]:
        place, region = self.place("encryption"), self.region
        if region is None:
            return
        if encryption.type is EncryptionType.KMS_DSSE and partition_of(region) != "aws-us-gov":
            yield Problem(
                f"{place}.type",
                encryption.type,
                f"KMS_DSSE is offered in AWS GovCloud (US) only, and this is {region}",
                "write `type: KMS`",
            )
        match = KMS_KEY_ARN.fullmatch(encryption.key_arn or "")
        if match and match[1] != region:
            yield Problem(
                f"{place}.keyArn",
                encryption.key_arn,
                f"the key must be in the registry's Region, {region}",
                f"name a key whose ARN begins with arn:{partition_of(region)}:kms:{region}:",
            )

    def _spelled(self, problems: Iterable[Problem]) -> Iterable[Problem]:
        return in_python(problems) if self.python_names else problems


def _schemes(value: Any) -> list[TagScheme]:
    return [TagScheme.model_validate(item) for item in value]


def _field_problems(kind: Any, value: object, place: str, *, python_names: bool = False) -> list[Problem]:
    """Judge one value by an annotated type, all its mistakes."""
    config = None if kind == list[TagScheme] else ConfigDict(strict=True)
    try:
        TypeAdapter(kind, config=config).validate_python(value, by_alias=not python_names, by_name=python_names)
    except ValidationError as error:
        return problems_of(error, RegistrySettings, place)
    return []


def region_problem(region: object) -> Problem | None:
    """Judge `aws:region`."""
    problems = _field_problems(Region, region, "aws:region")
    return problems[0] if problems else None
