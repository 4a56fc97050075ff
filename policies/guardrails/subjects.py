"""The subjects of CI issuers, each by its own grammar: which patterns name a pipeline, and which let others in.

A row of `GRAMMARS` is an expression for patterns as they are written in a trust policy: what it does not match is
open, or is not a subject of this issuer. `*` reaches across every separator, so what limits has to come before the first one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True)
class Grammar:
    """How one issuer writes subjects."""

    issuers: tuple[str, ...]
    """Patterns for the issuer as a condition key has it: in lower case, without https://."""
    pattern: re.Pattern[str]
    """What a subject, or a pattern for subjects, may be in a trust policy."""
    example: str
    """What to write."""
    source: str
    """The issuer's own page about it."""


def _grammar(*issuers: str, pattern: str, example: str, source: str) -> Grammar:
    for name, expression in _PARTS.items():
        pattern = pattern.replace(f"<{name}>", expression)
    return Grammar(issuers, re.compile(pattern, re.IGNORECASE | re.DOTALL), example, source)


_PARTS = {
    "name": r"[^:/*?\s]+",
    "path": r"[^:*?\s]+",
    "id": r"[^:/*?{}\s]+",
    # A branch may end in a wildcard after three characters or a separator: what anybody may name is not a limit.
    "branch": r"(?:[^:*?\s]+|[^:*?\s]{3,}\*|[^:*?\s]+[/._-]\*)",
    # Who may push tags is what limits a release: `v*` is usual.
    "tag": r"[^:*?\s]+\*?",
}
_REF = r"refs/(?:heads/<branch>|tags/<tag>)"
_REF_TYPE = r"(?:ref_type:branch:ref:<branch>|ref_type:tag:ref:<tag>)"
# `repo:ORG/NAME`, with immutable ids `repo:ORG@1/NAME@2`; in a customised subject other claims may be before and after.
_GITHUB_REPOSITORY = r"(?:repo:<name>/<name>|repository:<name>/<name>|repository_id:[0-9]+)"
_GITHUB_CLAIM = (
    r"(?:repository_owner:<name>|repository_owner_id:[0-9]+|enterprise(?:_id)?:<name>|repository_visibility:<name>"
    r"|actor(?:_id)?:<name>|runner_environment:<name>|workflow:[^:*?]+|base_ref:<path>|head_ref:<path>"
    r"|event_name:(?!pull_request)<name>|ref_type:<name>|ref_protected:true|sha:<name>|job_workflow_sha:<name>)"
)
_GITHUB_WORKFLOW = r"(?:job_)?workflow_ref:<name>/<name>/\.github/workflows/<name>@" + _REF
_GITHUB_CONTEXT = rf"(?:(?:context:)?(?:ref:{_REF}|environment:[^:*?]+)|{_GITHUB_WORKFLOW})"

GRAMMARS = (
    _grammar(
        "token.actions.githubusercontent.com",
        "token.actions.githubusercontent.com/*",  # an enterprise's own
        "*/_services/token",  # GitHub Enterprise Server
        pattern=rf"(?:{_GITHUB_CLAIM}:)*{_GITHUB_REPOSITORY}(?::{_GITHUB_CLAIM})*:{_GITHUB_CONTEXT}(?::{_GITHUB_CLAIM})*"
        rf"|{_GITHUB_WORKFLOW}(?::{_GITHUB_CLAIM})*",
        example="repo:example/api:ref:refs/heads/main",
        source="https://docs.github.com/en/actions/reference/security/oidc",
    ),
    _grammar(
        "gitlab.com",
        "gitlab.*",
        pattern=rf"(?:project_path:<path>/<path>|project_id:[0-9]+):{_REF_TYPE}(?::<path>)*"
        r"|(?:project_path:<path>/<path>|project_id:[0-9]+):environment_protected:true(?::<path>)*:environment:[^:*?]+",
        example="project_path:example/api:ref_type:branch:ref:main",
        source="https://docs.gitlab.com/ci/cloud_services/",
    ),
    _grammar(
        "app.terraform.io",
        pattern=r"organization:[^:*?]+:project:[^:*?]+:workspace:[^:*?]+:run_phase:(?:plan|apply|\*)",
        example="organization:example:project:registry:workspace:prod:run_phase:apply",
        source="https://developer.hashicorp.com/terraform/cloud-docs/workspaces/dynamic-provider-credentials/aws-configuration",
    ),
    _grammar(
        "oidc.circleci.com/org/*",
        pattern=rf"org/<id>/project/<id>/user/(?:\*|<id>)(?:/vcs-origin/(?:\*|<path>)/vcs-ref/(?:\*|{_REF}))?",
        example="org/ORGANIZATION_ID/project/PROJECT_ID/user/*/vcs-origin/github.com/example/api/vcs-ref/refs/heads/main",
        source="https://circleci.com/docs/guides/permissions-authentication/openid-connect-tokens/",
    ),
    _grammar(
        "api.bitbucket.org/2.0/workspaces/*/pipelines-config/identity/oidc",
        # {REPOSITORY}:{STEP}, and in a deployment {REPOSITORY}:{ENVIRONMENT}:{STEP}
        pattern=r"\{<id>\}(?::\{<id>\})?(?:\*|:\*|:\{<id>\})",
        example="{REPOSITORY_UUID}:{ENVIRONMENT_UUID}:*",
        source="https://support.atlassian.com/bitbucket-cloud/docs/deploy-on-aws-using-bitbucket-pipelines-openid-connect/",
    ),
    _grammar(
        "agent.buildkite.com",
        pattern=rf"organization:<name>:pipeline:<name>:ref:{_REF}(?::commit:(?:\*|<name>):step:(?:\*|[^:*?]*))?",
        example="organization:example:pipeline:api:ref:refs/heads/main:commit:*:step:*",
        source="https://buildkite.com/docs/pipelines/security/oidc/aws",
    ),
    _grammar(
        "api.pulumi.com/oidc",
        "api.pulumi.com/oidc/*",
        pattern=r"pulumi:deploy:org:<name>:project:<name>:(?:\*|stack:<name>:(?:\*|operation:(?:\*|<name>):scope:<name>))"
        r"|pulumi:environments:org:<name>:env:(?:<name>/\*|<path>)(?::[^*?]+)?"
        r"|pulumi:environments:pulumi\.organization\.login:<name>:currentEnvironment\.name:<path>(?::[^*?]+)?",
        example="pulumi:deploy:org:example:project:registry:stack:prod:operation:update:scope:write",
        source="https://www.pulumi.com/docs/deployments/guides/oidc/aws/",
    ),
    _grammar(
        # One host for each customer: a space is a border within it.
        "*.app.spacelift.io",
        "*.app.us.spacelift.io",
        pattern=r"space:<name>:(?:\*|(?:stack|module):<name>:(?:\*|run_type:(?:\*|<name>):scope:(?:\*|read|write)))",
        example="space:production-01HND497T9JKR76MR3KA2CDJHP:stack:registry:run_type:TRACKED:scope:write",
        source="https://docs.spacelift.io/integrations/cloud-providers/oidc/aws-oidc",
    ),
    _grammar(
        "oidc.eks.*.amazonaws.com*/id/*",
        pattern=r"system:serviceaccount:<name>:<branch>",
        example="system:serviceaccount:ci:runner",
        source="https://docs.aws.amazon.com/eks/latest/userguide/associate-service-account-role.html",
    ),
)

# Of the providers that AWS knows without an ARN, the audience is one application of one owner; the audience of any
# other is AWS's token service, for everybody alike.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#condition-keys-wif
KNOWN_TO_AWS = ("accounts.google.com", "cognito-identity.amazonaws.com", "graph.facebook.com", "www.amazon.com")

ISSUERS = [
    issuer for grammar in GRAMMARS for issuer in grammar.issuers if issuer not in {"gitlab.*", "*/_services/token"}
]
"""The issuers that are trusted unless configured otherwise."""


def is_open(issuer: str, subject: str) -> bool:
    """Whether a pattern for subjects lets in pipelines that nobody named, or is no subject of its issuer.

    The subjects of an issuer without a grammar have to be written out.
    """
    grammar = grammar_of(issuer)
    if "${" in subject or not subject:
        return True
    return re.search(r"[*?]", subject) is not None if grammar is None else not grammar.pattern.fullmatch(subject)


def grammar_of(issuer: str) -> Grammar | None:
    """The grammar of an issuer, which is written as in a condition key; None if it has none here."""
    return next((each for each in GRAMMARS if any(fnmatchcase(issuer.lower(), name) for name in each.issuers)), None)
