"""Caches of other registries, and templates for repositories that ECR makes: `ecr-stack:pullThroughCache`, `creationTemplates`.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field
from pydantic_core import PydanticCustomError

from ecr_stack.aws.names import REPOSITORY_NAME, RoleArn
from ecr_stack.errors import Problem
from ecr_stack.forms import Described, Form, in_full
from ecr_stack.model import Model, Structural, Text, is_unknown, key_of, refusal
from ecr_stack.schema.json_schema import at_least_one, given, is_one_of, never, when
from ecr_stack.schema.replica_templates import MAX_TEMPLATE_PREFIX
from ecr_stack.schema.repository import RepositoryDefaults, TemplateUse

__all__ = [
    "UPSTREAMS",
    "CachePrefix",
    "CreatedRepositories",
    "Credentials",
    "OwnTemplate",
    "PullThroughCacheSettings",
    "TemplatePrefix",
    "Upstream",
    "UpstreamName",
    "pull_through_cache_problems",
]

UpstreamName = Literal[
    "ecr",
    "ecr-public",
    "quay",
    "k8s",
    "docker-hub",
    "github-container-registry",
    "azure-container-registry",
    "gitlab-container-registry",
    "chainguard",
]
"""The registries that ECR caches, by the API's names."""


@dataclass(frozen=True)
class Upstream:
    """What ECR demands of a cache of one kind of registry."""

    url: str
    """Its URL, or the form that it has."""
    pattern: str = ""
    """A regular expression for its URL; empty if the URL is always the same."""
    needs_credentials: bool = False
    """Whether ECR logs in there; if not, it refuses credentials."""


UPSTREAMS: Mapping[str, Upstream] = {
    "ecr": Upstream("ACCOUNT.dkr.ecr.REGION.amazonaws.com", r"[0-9]{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(\.cn)?"),
    "ecr-public": Upstream("public.ecr.aws"),
    "quay": Upstream("quay.io"),
    "k8s": Upstream("registry.k8s.io"),
    "docker-hub": Upstream("registry-1.docker.io", needs_credentials=True),
    "github-container-registry": Upstream("ghcr.io", needs_credentials=True),
    "azure-container-registry": Upstream(
        "NAME.azurecr.io", r"[a-zA-Z0-9]{5,50}\.azurecr\.(io|us|cn)", needs_credentials=True
    ),
    "gitlab-container-registry": Upstream("registry.gitlab.com", needs_credentials=True),
    "chainguard": Upstream("cgr.dev", needs_credentials=True),
}
"""Each upstream with its rules, as in the table of the user guide."""

MAX_CACHES = 50
"""https://docs.aws.amazon.com/AmazonECR/latest/userguide/service-quotas.html"""

SECRET_ARN = re.compile(
    r"arn:aws(-[\w]+)*:secretsmanager:([a-z0-9-]+):([0-9]{12}):secret:ecr-pullthroughcache/[a-zA-Z0-9/_+=.@-]+"
)


def _prefix(longest: int, what: str) -> Form:
    def without_slash(value: str) -> PydanticCustomError | None:
        bare = value.rstrip("/")
        return refusal(form.rule, f"write `{bare}`") if bare != value and form.fits(bare) else None

    form = Form(
        f"ROOT|{REPOSITORY_NAME.pattern}",
        f"{what} is `ROOT`, or 2 to {longest} lowercase letters and digits, joined by single `.`, `_`, `-` or `/`; ECR "
        "adds the `/` behind it itself",
        "write one such as `docker-hub`",
        shortest=2,
        longest=longest,
        explain=without_slash,
    )
    return form


CachePrefix = Annotated[str, _prefix(30, "the prefix of a cache"), Structural]
"""What the names of cached repositories begin with: 2 to 30 characters, or `ROOT`."""

# ECR takes 256, the AWS provider 30:
# https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/ecr/repository_creation_template.go
TemplatePrefix = Annotated[str, _prefix(MAX_TEMPLATE_PREFIX, "the prefix of a template"), Structural]
"""The namespace that a creation template is for, or `ROOT`."""


SecretArn = Annotated[
    str,
    Form(
        SECRET_ARN.pattern,
        "ECR reads the credentials from a secret whose name begins with `ecr-pullthroughcache/`",
        "write arn:aws:secretsmanager:REGION:ACCOUNT:secret:ecr-pullthroughcache/NAME-SUFFIX, as "
        "`aws secretsmanager describe-secret` prints it",
    ),
]


class CreatedRepositories(RepositoryDefaults):
    """The settings of repositories that ECR makes itself. What only a stack can do is not among them."""

    NOT_HERE: ClassVar[Mapping[str, str]] = {
        "scan_on_push": "`scanning` of the registry decides",
        "protect": "Pulumi does not know such a repository",
        "force_delete": "Pulumi does not know such a repository",
        "import_existing": "Pulumi does not know such a repository",
    }

    def cross_field_errors(self) -> Iterator[Problem]:
        """A template says nothing of scanning, deletion and adoption."""
        here = {key_of(type(self), name): why for name, why in self.NOT_HERE.items() if name in self.model_fields_set}
        for key, why in here.items():
            value = self.as_written().get(key)
            yield Problem(key, value, f"a creation template cannot say this: {why}", f"remove `{key}`")
        yield from (problem for problem in super().cross_field_errors() if problem.place not in here)


class OwnTemplate(CreatedRepositories):
    """A creation template: what repositories get that ECR makes under a prefix in the home Region."""

    EXAMPLES = {"applied_for": "[REPLICATION]"}

    applied_for: Annotated[list[TemplateUse], Field(min_length=1), Described(uniqueItems=True), Structural]
    """When it is used: `REPLICATION` (another registry replicates here), `CREATE_ON_PUSH` (an image is pushed to a repository
    that does not exist), `PULL_THROUGH_CACHE`."""

    def cross_field_errors(self) -> Iterator[Problem]:
        """Each use once."""
        yield from super().cross_field_errors()
        uses = [use for use in self.known("applied_for") or () if not is_unknown(use)]
        if len(set(uses)) < len(uses):
            yield Problem("appliedFor", uses, "each use is named once", "remove the repetition")


# what Pulumi has encrypted is a map in the file, and a string when the program reads it
_ENCRYPTED = {"type": "object", "properties": {"secure": {"type": "string"}}, "required": ["secure"]}
Secret = Annotated[
    Text, Described(type=["string", "object"], **{key: _ENCRYPTED[key] for key in ("properties", "required")})
]


class Credentials(Model):
    """A login at an upstream registry."""

    EXAMPLES = {"username": "NAME", "access_token": "{secure: …}"}

    username: Secret
    """The user's name there."""
    access_token: Secret
    """The access token, encrypted: `pulumi config set --secret --path ecr-stack:pullThroughCache.NAME.credentials.accessToken`."""


class PullThroughCacheSettings(Model):
    """A cache of another registry."""

    EXAMPLES = {"upstream": "ecr-public"}

    upstream: Annotated[UpstreamName, Structural]
    """Whose images are cached: `ecr-public`, `docker-hub`, `quay`, `k8s`, `github-container-registry`,
    `gitlab-container-registry`, `azure-container-registry`, `chainguard`, or `ecr` for another private registry of ECR."""
    url: Annotated[str | None, Structural] = None
    """With `ecr`: `ACCOUNT.dkr.ecr.REGION.amazonaws.com`; with `azure-container-registry`: `NAME.azurecr.io`. The others have
    one URL each."""
    upstream_prefix: CachePrefix | None = None
    """What the names begin with there, left out of the names here. Default: nothing (`ROOT`)."""
    credentials: Credentials | None = None
    """A login at the upstream; the stack keeps it in AWS Secrets Manager."""
    credential_arn: SecretArn | None = None
    """The ARN of an existing secret `ecr-pullthroughcache/…` of the same account and Region, instead of `credentials`."""
    custom_role_arn: RoleArn | None = None
    """With `ecr` and a registry of another account: the role of this account with which ECR pulls there."""
    repositories: CreatedRepositories | None = None
    """The settings of the repositories that ECR makes for cached images, by a creation template. Default: ECR's own
    (mutable, AES256, images stay for ever)."""

    def cross_field_errors(self) -> Iterator[Problem]:
        """Each upstream has its grammar."""
        if is_unknown(self.upstream):
            return
        upstream = UPSTREAMS[self.upstream]
        url = self.known("url")
        if upstream.pattern and (url is None or not re.fullmatch(upstream.pattern, url)):
            yield Problem(
                "url",
                url,
                f"a cache of `{self.upstream}` needs the registry's URL, without `https://`",
                f"write `url: {upstream.url}`",
            )
        elif not upstream.pattern and url not in (None, upstream.url):
            yield Problem("url", url, f"the URL of `{self.upstream}` is always {upstream.url}", "remove `url`")
        given = [name for name in ("credentials", "credential_arn") if getattr(self, name) is not None]
        keys = {"credentials": "credentials", "credential_arn": "credentialArn"}
        if len(given) > 1:
            yield Problem(
                "credentialArn", "…", "a cache has one login", "keep one of `credentials` and `credentialArn`"
            )
        elif upstream.needs_credentials and not given:
            yield Problem(
                "credentials",
                None,
                f"ECR caches `{self.upstream}` with a login only",
                "add `credentials: {username: …, accessToken: …}`, or the `credentialArn` of an existing secret",
            )
        elif given and not upstream.needs_credentials:
            yield Problem(
                keys[given[0]],
                "…",
                f"ECR pulls from `{self.upstream}` without a login, and refuses one",
                f"remove `{keys[given[0]]}`",
            )
        if self.custom_role_arn is not None and self.upstream != "ecr":
            yield Problem(
                "customRoleArn",
                self.known("custom_role_arn"),
                f"ECR takes a role for another private registry of ECR (`ecr`) only, and this is `{self.upstream}`",
                "remove `customRoleArn`",
            )

    @classmethod
    def json_rules(cls) -> Iterator[dict[str, Any]]:
        """Each upstream has its URL and its login."""
        login = at_least_one(given("credentials"), given("credentialArn"))
        yield never(given("credentials", "credentialArn"))
        yield when(given("customRoleArn"), {"properties": {"upstream": {"const": "ecr"}}})
        for name, upstream in UPSTREAMS.items():
            url = {"pattern": in_full(upstream.pattern)} if upstream.pattern else {"enum": [upstream.url, None]}
            yield when(
                is_one_of("upstream", name),
                {"properties": {"url": url}},
                *([given("url")] if upstream.pattern else []),
                login if upstream.needs_credentials else never(login),
            )

    @property
    def upstream_url(self) -> str:
        """The upstream's URL as ECR takes it."""
        return self.url or UPSTREAMS[self.upstream].url


def pull_through_cache_problems(
    caches: Mapping[str, PullThroughCacheSettings], region: str | None, account: str | None
) -> Iterator[Problem]:
    """Yield what AWS would refuse in this account and Region; places are relative to the map of caches."""
    if len(caches) > MAX_CACHES:
        yield Problem(
            "", f"{len(caches)} caches", f"a registry has at most {MAX_CACHES} of them in a Region", "remove some"
        )
    for prefix, cache in caches.items():
        if is_unknown(cache) or is_unknown(cache.upstream):
            continue
        arn, url = cache.known("credential_arn"), cache.known("url")
        match = SECRET_ARN.fullmatch(arn or "")
        if match and ((region and match[2] != region) or (account and match[3] != account)):
            yield Problem(
                f"{prefix}.credentialArn",
                arn,
                f"the secret must be in the cache's own account and Region{f', {region}' if region else ''}",
                "name a secret there, or write `credentials`",
            )
        if cache.upstream != "ecr" or url is None or not re.fullmatch(UPSTREAMS["ecr"].pattern, url):
            continue
        there = (url.split(".")[0], url.split(".")[3])
        if there == (account, region):
            yield Problem(f"{prefix}.url", url, "a registry does not cache itself", "name another account or Region")
        elif account is not None and there[0] != account and cache.custom_role_arn is None:
            yield Problem(
                f"{prefix}.customRoleArn",
                None,
                f"ECR needs a role to pull from the registry of account {there[0]}",
                "add the ARN of a role of this account that pullthroughcache.ecr.amazonaws.com may assume and the other "
                "account's repository policies let pull",
            )
