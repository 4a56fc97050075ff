"""What an application's pipeline may do with one repository of a stack: its role, tags and cache. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Literal

from ecr_stack.aws.names import partition_of
from ecr_stack.errors import NotFound
from ecr_stack.schema.pipelines import PipelineSettings, role_name_of
from ecr_stack.schema.registry import RegistrySettings

__all__ = ["CACHE_TAG", "ApplicationPipeline", "pipeline_of"]

CACHE_TAG = "buildcache"
"""The tag of the build cache, which every build moves."""


@dataclass(frozen=True)
class ApplicationPipeline:
    """What a pipeline needs to know."""

    repository: str
    """The name in ECR."""
    region: str
    suffix: str
    """Of the registry's host, e.g. `amazonaws.com`."""
    role: str
    """The role's ARN, with `ACCOUNT` in place of an account that is not known."""
    audience: str
    branches: tuple[str, ...]
    release_tags: tuple[str, ...]
    """Patterns of Git tags, which become the images' tags."""
    environment: str | None
    """GitHub's deployment environment, if the role trusts one."""
    commit_tag: str | None
    """What comes before the commit's hash in an image's tag: `sha-`, or nothing; `None` if no scheme covers it."""
    moving: tuple[str, ...]
    """Declared moving tags that the repository lets move."""
    forbidden: tuple[str, ...]
    """Declared moving tags that it does not."""
    cache: bool
    """Whether the cache can be in the repository."""


def pipeline_of(
    settings: RegistrySettings,
    repository: str,
    platform: Literal["GITHUB", "GITLAB"],
    region: str,
    account: str | None = None,
) -> ApplicationPipeline:
    """Take from a stack what a pipeline needs.

    Args:
        settings: the stack's.
        repository: the repository's key or its name in ECR.
        platform: where the pipeline runs.
        region: the registry's.
        account: the account, if it is known.

    Raises:
        NotFound: the stack has no such repository, no role for the pipeline, or no tag scheme that a build can write.
    """
    names = dict(zip(settings.physical_names(), settings.repositories, strict=True))
    key = names.get(repository, repository)
    if key not in settings.repositories:
        raise NotFound(f"no repository `{repository}` in the stack: the repositories are {', '.join(names)}")
    wanted = settings.repository(key)
    trust, role = _role(settings, key, platform)
    sources = trust.repositories if trust else []
    release, commit, moving = _schemes(settings)
    if not release and commit is None:
        raise NotFound(
            "the stack has no tag scheme for releases (e.g. `v*`) or commits (e.g. `sha-*`): add one to `tagSchemes`"
        )
    partition = partition_of(region)
    arn = role if role.startswith("arn:") else f"arn:{partition}:iam::{account or 'ACCOUNT'}:role/{role}"
    mode = wanted.tag_mutability or "MUTABLE"

    def may_move(tag: str) -> bool:
        excluded = any(fnmatchcase(tag, each) for each in wanted.mutable_tags or wanted.immutable_tags or ())
        return {"MUTABLE": True, "IMMUTABLE": False, "IMMUTABLE_WITH_EXCLUSION": excluded}.get(mode, not excluded)

    environments = [name for source in sources for name in source.environments if "*" not in name]
    return ApplicationPipeline(
        repository=settings.physical_name(key),
        region=region,
        suffix="amazonaws.com.cn" if partition == "aws-cn" else "amazonaws.com",
        role=arn,
        audience=trust.audience if trust else "sts.amazonaws.com",
        branches=_unique(name for source in sources for name in source.branches) or ("main",),
        release_tags=tuple(release),
        environment=environments[0] if environments and not any(source.branches for source in sources) else None,
        commit_tag=commit,
        moving=tuple(tag for tag in moving if may_move(tag)),
        forbidden=tuple(tag for tag in moving if not may_move(tag)),
        cache=may_move(CACHE_TAG),
    )


def _unique(names: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def _role(settings: RegistrySettings, repository: str, platform: str) -> tuple[PipelineSettings | None, str]:
    """The role that the pipeline assumes: that of the team by the repository's profile or namespace, else the first."""
    wanted = settings.repository(repository)
    pipelines = {key: each for key, each in settings.pipelines.items() if each.platform == platform}
    own = settings.repositories[repository]
    teams = [str(own.profile) if own is not None else "", repository.partition("/")[0]]
    for key in [*(team for team in teams if team in pipelines), *pipelines]:
        return pipelines[key], pipelines[key].role_name or f"{settings.environment}-ecr-push-{key}"
    push: Sequence[str] = (wanted.access.known("push") if wanted.access else None) or ()
    roles = [each for each in push if isinstance(each, str) and ("role/" in each)]
    if not roles:
        raise NotFound(f"no role in the stack may push: add `pipelines` with `platform: {platform}`")
    return None, roles[0] if roles[0].startswith("arn:") else role_name_of(roles[0])


def _schemes(settings: RegistrySettings) -> tuple[list[str], str | None, list[str]]:
    """Patterns of release tags, what precedes a commit's hash, and the tags that move."""
    release: list[str] = []
    commit: str | None = None
    moving: list[str] = []
    for scheme in settings.tag_schemes:
        if scheme.commit_hashes:
            commit = "" if commit is None else commit
        for pattern in scheme.tag_patterns or ():
            if "*" not in pattern:
                moving += [pattern] if pattern != CACHE_TAG else []
            elif pattern in ("v*", "v*.*", "v*.*.*", "release-*", "rel-*"):
                release.append(pattern)
            elif (pattern.endswith("*") and pattern.count("*") == 1 and commit is None) or pattern in (
                "sha-*",
                "git-*",
                "commit-*",
            ):
                commit = pattern[:-1]
    return release, commit, moving
