"""The side of those who ask: policies of roles, and which pipelines may take a role on.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html
https://docs.github.com/en/actions/reference/security/oidc
https://github.blog/changelog/2026-04-23-immutable-subject-claims-for-github-actions-oidc-tokens/
https://docs.gitlab.com/ci/secrets/id_token_authentication/
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from ecr_stack.aws.iam.compact import permission_statements, pipeline_trust
from ecr_stack.aws.iam.principals import unique
from ecr_stack.errors import Problem
from ecr_stack.forms import Described, Form, in_full
from ecr_stack.model import Item, Model, Structural, is_unknown, refusal
from ecr_stack.schema.json_schema import at_least_one, given, is_one_of, never, not_empty, when

__all__ = [
    "NewRoleName",
    "NodeAccess",
    "NodePolicy",
    "PipelineSettings",
    "PipelineSource",
    "PipelineTrust",
    "Platform",
    "ProviderArn",
    "RoleName",
    "foreign_role",
    "identity_policy",
    "issuer_host",
    "role_name_of",
    "subjects",
    "trust_policy",
]


Platform = Literal["GITHUB", "GITLAB", "OTHER"]
"""Where pipelines run, which decides how tokens name them: GitHub Actions, GitLab CI/CD, or another issuer."""

_ISSUERS = {"GITHUB": "https://token.actions.githubusercontent.com", "GITLAB": "https://gitlab.com"}


def _wildcard_in_repository(value: str) -> PydanticCustomError | None:
    if "*" not in value and "?" not in value:
        return None
    return refusal(
        "a wildcard in a repository's name lets repositories in that nobody named, forks and others' among them",
        "name each repository, e.g. `octo-org/api`",
    )


SourceRepository = Annotated[
    str,
    Form(
        r"[A-Za-z0-9_][\w.-]*(@[0-9]+)?(/(?!\.{1,2}(/|@|$))[A-Za-z0-9_.][\w.-]*(@[0-9]+)?)+",
        "a source repository is its owner, a slash and its name",
        "write it as `octo-org/api`",
        explain=_wildcard_in_repository,
    ),
]

_REFERENCE = r"(?![*?]|refs/)[\w./@+#=,*?-]+( [\w./@+#=,*?-]+)*"


def _reference(kind: str, prefix: str = "") -> tuple[AfterValidator, Described]:
    def validate(value: str) -> str:
        name = value.removeprefix(prefix)
        if name.startswith("refs/"):
            raise refusal(
                f"`{value}` is the full name of something that is no {kind}",
                f"write the {kind}'s name alone" if prefix else "write it under `branches` or `tags`",
            )
        if name.startswith(("*", "?")):
            raise refusal(
                f"`{value}` is every {kind}, or whichever ends so: whoever may write to the repository could push images",
                f"name each {kind}, or the beginning of several, e.g. `release*`",
            )
        if len(name) <= 255 and re.fullmatch(_REFERENCE, name, re.ASCII):
            return name
        raise refusal(
            f"the name of the {kind} has letters, digits and `. / _ - @ + # = ,`, with `*` and `?` as wildcards",
            f"write the {kind}'s name",
        )

    shortened = f"(?:{prefix})?" if prefix else ""
    return AfterValidator(validate), Described(pattern=in_full(shortened + _REFERENCE), maxLength=255 + len(prefix))


_Branch = Annotated[str, *_reference("branch", "refs/heads/"), Item]
_Tag = Annotated[str, *_reference("tag", "refs/tags/"), Item]
_Environment = Annotated[str, *_reference("environment"), Item]


class PipelineSource(Model):
    """A source repository, and for which of its pipelines a role is."""

    EXAMPLES = {"repository": "octo-org/api"}

    repository: SourceRepository
    """`owner/name`, or `owner@id/name@id` (GitHub, since 2026-07-15); the project's path at GitLab. No wildcards."""
    branches: list[_Branch] = []
    """Pipelines of these branches; `*` in a name matches any characters."""
    tags: list[_Tag] = []
    """Pipelines of these tags, e.g. `v*`."""
    environments: list[_Environment] = []
    """GitHub's deployment environments. A job with one is named by it, and not by its branch."""

    def cross_field_errors(self) -> Iterator[Problem]:
        """A source is limited to a branch, a tag or an environment."""
        if not any(is_unknown(names) or names for names in (self.branches, self.tags, self.environments)):
            yield Problem(
                "",
                self.as_written(),
                "without a branch, tag or environment, every pipeline of the repository could push images, those of pull "
                "requests too",
                "add `branches: [main]`, `tags: [v*]` or `environments: [production]`",
            )

    @classmethod
    def json_rules(cls) -> Iterator[dict[str, Any]]:
        """A source is limited to a branch, a tag or an environment."""
        yield at_least_one(*map(not_empty, ("branches", "tags", "environments")))


Issuer = Annotated[
    str,
    Form(
        r"https://[a-z0-9-]+(\.[a-z0-9-]+)+(/[\w./-]*[\w-])?",
        "an issuer is an address that begins with https:// and has no port, no query and no slash at its end",
        "write the `iss` of its tokens, e.g. `https://gitlab.example.com`",
        longest=255,
    ),
]


def _wildcard_in_subject(value: str) -> PydanticCustomError | None:
    if "*" not in value and "?" not in value:
        return None
    return refusal(
        "a wildcard in a subject lets pipelines in that nobody named",
        "write subjects out, or name `repositories` with `branches: [release/*]`",
    )


Subject = Annotated[
    str,
    Form(
        r"(?!.*(?:[*?]|\$\{))[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?",
        "a subject is what stands as `sub` in the tokens of a pipeline",
        "write it as it stands in a token",
        longest=1024,
        explain=_wildcard_in_subject,
    ),
    Item,
]
Audience = Annotated[
    str,
    Form(
        r"[\w:/.-]{1,255}",
        "an audience is one text that stands as `aud` in tokens, without wildcards",
        "write `sts.amazonaws.com`, which GitHub's own action asks for",
    ),
]


class PipelineTrust(Model):
    """Which pipelines may take a role on."""

    platform: Annotated[Platform, Structural] = "GITHUB"
    """`GITHUB`, `GITLAB`, or `OTHER` with its `issuer` and `subjects`. Default: `GITHUB`."""
    issuer: Annotated[Issuer, Structural] | None = None
    """Who makes the tokens. Default: github.com or gitlab.com, by the platform."""
    audience: Audience = "sts.amazonaws.com"
    """For whom the tokens are made. Default: `sts.amazonaws.com`."""
    repositories: list[PipelineSource] = []
    """Source repositories with their branches, tags and environments."""
    subjects: list[Subject] = []
    """Subjects of tokens, written out; for another platform, or where GitHub's are customized."""

    def cross_field_errors(self) -> Iterator[Problem]:
        """Some pipeline is named, in the words of its platform."""
        platform, sources = self.known("platform"), self.known("repositories")
        if self.repositories == [] and self.subjects == []:
            yield Problem(
                "",
                self.as_written(),
                "a role that every pipeline of the platform could assume is open to the world",
                "add `repositories` with their branches, or `subjects`",
            )
        if platform == "OTHER" and (self.repositories != [] or self.issuer is None or self.subjects == []):
            yield Problem(
                "",
                self.as_written(),
                "how another platform names its pipelines is not known here",
                "write its `issuer` and its `subjects`, and no `repositories`",
            )
        for index, source in enumerate(sources or []):
            name = None if is_unknown(source) else source.known("repository")
            if name is None:
                continue
            here = f"repositories[{index}]"
            if platform == "GITHUB" and name.count("/") > 1:
                yield Problem(
                    f"{here}.repository",
                    name,
                    "a repository at GitHub is `owner/name`",
                    "write one slash, or `platform: GITLAB`",
                )
            if "@" in name and not (platform == "GITHUB" and name.count("@") == 2):
                yield Problem(
                    f"{here}.repository",
                    name,
                    "GitHub puts an id behind both the owner and the name of a repository, or behind neither",
                    "write `owner@id/name@id`, as `gh api repos/OWNER/NAME` prints them, or no ids"
                    if platform == "GITHUB"
                    else "write the project's path alone",
                )
            if platform == "GITLAB" and source.environments != []:
                yield Problem(
                    f"{here}.environments",
                    source.environments,
                    "the subject of a GitLab token names no environment",
                    "write `branches` or `tags` instead",
                )

    @classmethod
    def json_rules(cls) -> Iterator[dict[str, Any]]:
        """Some pipeline is named, in the words of its platform."""
        yield at_least_one(not_empty("repositories"), not_empty("subjects"))
        yield when(
            is_one_of("platform", "OTHER"), given("issuer"), not_empty("subjects"), never(not_empty("repositories"))
        )
        sources = {"environments": {"maxItems": 0}}
        yield when(
            is_one_of("platform", "GITLAB"), {"properties": {"repositories": {"items": {"properties": sources}}}}
        )

    @property
    def issued_by(self) -> str:
        """The issuer's address."""
        return self.issuer or _ISSUERS[self.platform]


def issuer_host(issuer: str) -> str:
    """An issuer as IAM's condition keys and ARNs name it: without `https://`."""
    return issuer.removeprefix("https://")


def subjects(trust: PipelineTrust) -> list[str]:
    """The subjects that are trusted; some may hold wildcards in the name of a branch, tag or environment."""
    return unique([*(subject for source in trust.repositories for subject in _of(source, trust)), *trust.subjects])


def _of(source: PipelineSource, trust: PipelineTrust) -> Iterator[str]:
    if trust.platform == "GITLAB":
        for kind, names in (("branch", source.branches), ("tag", source.tags)):
            yield from (f"project_path:{source.repository}:ref_type:{kind}:ref:{name}" for name in names)
        return
    yield from (f"repo:{source.repository}:ref:refs/heads/{name}" for name in source.branches)
    yield from (f"repo:{source.repository}:ref:refs/tags/{name}" for name in source.tags)
    yield from (f"repo:{source.repository}:environment:{name}" for name in source.environments)


def trust_policy(trust: PipelineTrust, provider_arn: str) -> dict[str, Any]:
    """The trust policy of a role for pipelines.

    Args:
        trust: which pipelines.
        provider_arn: the ARN of the issuer's OpenID Connect provider in IAM.
    """
    return pipeline_trust(provider_arn, trust.audience, subjects(trust), host=issuer_host(trust.issued_by))


def identity_policy(*, pull: Sequence[str] = (), push: Sequence[str] = (), sign: Sequence[str] = ()) -> dict[str, Any]:
    """The least that a role needs to log in, and to pull from and push to repositories.

    Args:
        pull: ARNs of repositories.
        push: ARNs of repositories; a push alone pulls nothing.
        sign: ARNs of the AWS Signer profiles with which ECR signs what is pushed.
    """
    return {"Version": "2012-10-17", "Statement": permission_statements(pull=pull, push=push, sign=sign)}


def role_name_of(value: str) -> str:
    """The name of a role: of its ARN or `role/PATH/NAME`, the last part."""
    return value.rsplit("/", 1)[-1] if re.match(r"role/|arn:aws[a-z-]*:iam::[0-9]{12}:role/", value) else value


_ROLE_NAME = r"[\w+=,.@-]{1,64}"
RoleName = Annotated[
    str,
    Form(
        rf"(?:(?:role/|arn:aws[a-z-]*:iam::[0-9]{{12}}:role/)(?:[^\n]*/)?)?{_ROLE_NAME}",
        "a role is named by its name, `role/NAME` or its ARN; a name has 1 to 64 letters, digits and `+ = , . @ _ -`",
        "write one such as `eks-prod-node-role`",
    ),
    Item,
]
"""A role of this account: its name, `role/NAME` or its ARN."""


NewRoleName = Annotated[
    str,
    Form(
        _ROLE_NAME,
        "a role that is made is called by its name alone: 1 to 64 letters, digits and `+ = , . @ _ -`",
        "write one such as `github-actions-role`, without `role/`, path or account",
    ),
    Item,
]
"""The name of a role that is to be made."""


def foreign_role(role: str, account: str) -> bool:
    """Whether a role is named by an ARN of another account than `account`, where no policy of it can be written."""
    found = re.fullmatch(r"arn:aws[a-z-]*:iam::([0-9]{12}):role/.+", role)
    return found is not None and found[1] != account


ProviderArn = Annotated[
    str,
    Form(
        r"arn:aws[a-z-]*:iam::[0-9]{12}:oidc-provider/[\w./-]+",
        "an OpenID Connect provider is named by its ARN",
        "write the one that `aws iam list-open-id-connect-providers` prints",
    ),
    Item,
]
"""`arn:aws:iam::ACCOUNT:oidc-provider/HOST`."""


NodePolicy = Literal["PULL_ONLY", "READ_ONLY"]
"""`PULL_ONLY`: AmazonEC2ContainerRegistryPullOnly, which pulls, also through a cache; `READ_ONLY`:
AmazonEC2ContainerRegistryReadOnly, which pulls and reads about repositories, but not through a cache."""


class NodeAccess(Model):
    """Roles of nodes that may pull every image of the account, by a managed policy."""

    EXAMPLES = {"roles": "[eks-prod-node-role]"}

    roles: Annotated[list[RoleName], Field(min_length=1), Structural]
    """Roles of this account, e.g. those of EKS nodes: names, `role/NAME` or ARNs."""
    policy: Annotated[NodePolicy, Structural] = "PULL_ONLY"
    """`PULL_ONLY`, or `READ_ONLY` for nodes that also read about repositories. Default: `PULL_ONLY`."""

    def cross_field_errors(self) -> Iterator[Problem]:
        """Each role is named once, and known."""
        seen: set[str] = set()
        for index, role in enumerate(self.known("roles") or []):
            if is_unknown(role):
                continue
            if role_name_of(role) in seen:
                yield Problem(
                    f"roles[{index}]",
                    role,
                    f"the role `{role_name_of(role)}` is in the list twice",
                    "remove one of the two",
                )
            seen.add(role_name_of(role))


class PipelineSettings(PipelineTrust):
    """A role that named pipelines assume to push to, and pull from, the repositories of the stack."""

    STRUCTURAL = True

    role_name: NewRoleName | None = None
    """The role's name. Default: `{environment}-ecr-push-{key}`."""
    provider_arn: ProviderArn | None = None
    """The ARN of the issuer's OpenID Connect provider, if the account has it already. Default: one is made for each issuer."""
