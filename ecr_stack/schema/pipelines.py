"""Identity-side access: policies of roles, and which pipelines may assume a role.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html
https://docs.github.com/en/actions/reference/security/oidc
https://github.blog/changelog/2026-04-23-immutable-subject-claims-for-github-actions-oidc-tokens/
https://docs.gitlab.com/ci/secrets/id_token_authentication/
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

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
        "a wildcard in a repository name would trust unlisted repositories, including forks and other owners'",
        "list each repository, e.g. `octo-org/api`",
    )


SourceRepository = Annotated[
    str,
    Form(
        r"[A-Za-z0-9_][\w.-]*(@[0-9]+)?(/(?!\.{1,2}(/|@|$))[A-Za-z0-9_.][\w.-]*(@[0-9]+)?)+",
        "a source repository must be `owner/name`",
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
                f"the name of the {kind} cannot be a full ref such as `{value}`",
                f"write only the {kind}'s name" if prefix else "write it under `branches` or `tags`",
            )
        if name.startswith(("*", "?")):
            raise refusal(
                f"`{value}` matches every {kind}, or every one with that ending: anybody who can write to the "
                "repository could push images",
                f"list each {kind}, or use a common prefix, e.g. `release*`",
            )
        if len(name) <= 255 and re.fullmatch(_REFERENCE, name, re.ASCII):
            return name
        raise refusal(
            f"the name of the {kind} consists of letters, digits and `. / _ - @ + # = ,`, with `*` and `?` as wildcards",
            f"write the {kind}'s name",
        )

    shortened = f"(?:{prefix})?" if prefix else ""
    return AfterValidator(validate), Described(pattern=in_full(shortened + _REFERENCE), maxLength=255 + len(prefix))


_Branch = Annotated[str, *_reference("branch", "refs/heads/"), Item]
_Tag = Annotated[str, *_reference("tag", "refs/tags/"), Item]
_Environment = Annotated[str, *_reference("environment"), Item]


class PipelineSource(Model):
    """A source repository, and which of its pipelines may assume the role."""

    EXAMPLES = {"repository": "octo-org/api"}

    repository: SourceRepository
    """`owner/name`, or `owner@id/name@id` (GitHub, since 2026-07-15); for GitLab, the project path. No wildcards."""
    branches: list[_Branch] = []
    """Branches whose pipelines are trusted; `*` matches any characters."""
    tags: list[_Tag] = []
    """Tags whose pipelines are trusted, e.g. `v*`."""
    environments: list[_Environment] = []
    """GitHub deployment environments. A job with an environment is identified by it, not by its branch."""

    def cross_field_errors(self) -> Iterator[Problem]:
        """A source must be limited to branches, tags or environments."""
        if not any(is_unknown(names) or names for names in (self.branches, self.tags, self.environments)):
            yield Problem(
                "",
                self.as_written(),
                "without a branch, tag or environment, every pipeline in the repository could push images, even for "
                "pull requests",
                "add `branches: [main]`, `tags: [v*]` or `environments: [production]`",
            )

    @classmethod
    def json_rules(cls) -> Iterator[dict[str, Any]]:
        """A source must be limited to branches, tags or environments."""
        yield at_least_one(*map(not_empty, ("branches", "tags", "environments")))


Issuer = Annotated[
    str,
    Form(
        r"https://[a-z0-9-]+(\.[a-z0-9-]+)+(/[\w./-]*[\w-])?",
        "an issuer must be an https:// URL without a port, a query or a trailing slash",
        "write the tokens' `iss`, e.g. `https://gitlab.example.com`",
        longest=255,
    ),
]


def _wildcard_in_subject(value: str) -> PydanticCustomError | None:
    if "*" not in value and "?" not in value:
        return None
    return refusal(
        "a wildcard in a subject would trust unlisted pipelines",
        "write out the subjects, or list `repositories` with `branches: [release/*]`",
    )


Subject = Annotated[
    str,
    Form(
        r"(?!.*(?:[*?]|\$\{))[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?",
        "a subject must be the `sub` of a pipeline's tokens",
        "copy it from a token",
        longest=1024,
        explain=_wildcard_in_subject,
    ),
    Item,
]
Audience = Annotated[
    str,
    Form(
        r"[\w:/.-]{1,255}",
        "an audience must be a single `aud` of the tokens, without wildcards",
        "write `sts.amazonaws.com`, which GitHub's own action requests",
    ),
]


class PipelineTrust(Model):
    """Which pipelines may assume a role."""

    MOVED: ClassVar[Mapping[str, str]] = dict.fromkeys(
        ("repository", "branches", "tags", "environments"),
        "write it in an entry of `repositories`, e.g. `repositories: [{repository: octo-org/api, branches: [main]}]`",
    )

    platform: Annotated[Platform, Structural] = "GITHUB"
    """`GITHUB`, `GITLAB`, or `OTHER` with its `issuer` and `subjects`. Default: `GITHUB`."""
    issuer: Annotated[Issuer, Structural] | None = None
    """The issuer of the tokens. Default: github.com or gitlab.com, depending on the platform."""
    audience: Audience = "sts.amazonaws.com"
    """The audience of the tokens. Default: `sts.amazonaws.com`."""
    repositories: list[PipelineSource] = []
    """Source repositories with their branches, tags and environments."""
    subjects: list[Subject] = []
    """Exact token subjects, for other platforms or customized GitHub subjects."""

    def cross_field_errors(self) -> Iterator[Problem]:
        """At least one pipeline is required, in its platform's format."""
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
                "ecr-stack does not know this platform's subject format",
                "write its `issuer` and `subjects` instead of `repositories`",
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
                    "a GitHub repository is `owner/name`",
                    "use one slash, or write `platform: GITLAB`",
                )
            if "@" in name and not (platform == "GITHUB" and name.count("@") == 2):
                yield Problem(
                    f"{here}.repository",
                    name,
                    "GitHub adds ids to both the owner and the name of a repository, or to neither",
                    "write `owner@id/name@id`, as `gh api repos/OWNER/NAME` prints them, or no ids"
                    if platform == "GITHUB"
                    else "write only the project path",
                )
            if platform == "GITLAB" and source.environments != []:
                yield Problem(
                    f"{here}.environments",
                    source.environments,
                    "the subject of a GitLab token does not contain an environment",
                    "write `branches` or `tags` instead",
                )

    @classmethod
    def json_rules(cls) -> Iterator[dict[str, Any]]:
        """At least one pipeline is required, in its platform's format."""
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
    """An issuer as in IAM's condition keys and ARNs: without `https://`."""
    return issuer.removeprefix("https://")


def subjects(trust: PipelineTrust) -> list[str]:
    """The trusted subjects; names of branches, tags and environments may contain wildcards."""
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
    """The minimum permissions to log in, and to pull from and push to repositories.

    Args:
        pull: ARNs of repositories.
        push: ARNs of repositories; pushing does not include pulling.
        sign: ARNs of the AWS Signer profiles with which ECR signs what is pushed.
    """
    return {"Version": "2012-10-17", "Statement": permission_statements(pull=pull, push=push, sign=sign)}


def role_name_of(value: str) -> str:
    """The name of a role: the last part of its ARN or `role/PATH/NAME`."""
    return value.rsplit("/", 1)[-1] if re.match(r"role/|arn:aws[a-z-]*:iam::[0-9]{12}:role/", value) else value


_ROLE_NAME = r"[\w+=,.@-]{1,64}"
RoleName = Annotated[
    str,
    Form(
        rf"(?:(?:role/|arn:aws[a-z-]*:iam::[0-9]{{12}}:role/)(?:[^\n]*/)?)?{_ROLE_NAME}",
        "a role must be a name, `role/NAME` or an ARN; a name has 1 to 64 letters, digits and `+ = , . @ _ -`",
        "write one such as `eks-prod-node-role`",
    ),
    Item,
]
"""A role in this account: its name, `role/NAME` or its ARN."""


NewRoleName = Annotated[
    str,
    Form(
        _ROLE_NAME,
        "a new role's name must be 1 to 64 letters, digits and `+ = , . @ _ -`",
        "write one such as `github-actions-role`, without `role/`, path or account",
    ),
    Item,
]
"""The name of a new role."""


def foreign_role(role: str, account: str) -> bool:
    """Whether a role's ARN is in another account than `account`, where its policies cannot be set."""
    found = re.fullmatch(r"arn:aws[a-z-]*:iam::([0-9]{12}):role/.+", role)
    return found is not None and found[1] != account


ProviderArn = Annotated[
    str,
    Form(
        r"arn:aws[a-z-]*:iam::[0-9]{12}:oidc-provider/[\w./-]+",
        "an OpenID Connect provider must be an ARN",
        "write the one that `aws iam list-open-id-connect-providers` prints",
    ),
    Item,
]
"""`arn:aws:iam::ACCOUNT:oidc-provider/HOST`."""


NodePolicy = Literal["PULL_ONLY", "READ_ONLY"]
"""`PULL_ONLY`: AmazonEC2ContainerRegistryPullOnly, which allows pulls, including through a cache; `READ_ONLY`:
AmazonEC2ContainerRegistryReadOnly, which allows pulls and reading metadata, but not pulls through a cache."""


class NodeAccess(Model):
    """Node roles that may pull every image in the account, through a managed policy."""

    EXAMPLES = {"roles": "[eks-prod-node-role]"}

    roles: Annotated[list[RoleName], Field(min_length=1), Structural]
    """Roles in this account, e.g. of EKS nodes: names, `role/NAME` or ARNs."""
    policy: Annotated[NodePolicy, Structural] = "PULL_ONLY"
    """`PULL_ONLY`, or `READ_ONLY` for nodes that also read metadata. Default: `PULL_ONLY`."""

    def cross_field_errors(self) -> Iterator[Problem]:
        """Roles must be known and unique."""
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
    """A role that the specified pipelines assume to push to, and pull from, the stack's repositories."""

    STRUCTURAL = True

    role_name: NewRoleName | None = None
    """The role's name. Default: `{environment}-ecr-push-{key}`."""
    provider_arn: ProviderArn | None = None
    """The ARN of the issuer's existing OpenID Connect provider. Default: a new one per issuer."""
