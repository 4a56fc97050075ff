"""Subjects of CI issuers: the usual ones pass, and what lets others in is open."""

from __future__ import annotations

import re
from typing import Any

import pytest
from guarded import ACCOUNT, messages, role, statement
from guardrails.subjects import GRAMMARS, Grammar, is_open
from hypothesis import given
from hypothesis import strategies as st

SUBJECTS = "oidc-roles-trust-named-subjects"
ORG, PROJECT = "0f8fad5b-d9cb-469f-a165-70867728950e", "7c9e6679-7425-40de-944b-e07fc1f90ae7"
ISSUERS = {
    "github": "token.actions.githubusercontent.com",
    "gitlab": "gitlab.com",
    "terraform": "app.terraform.io",
    "circleci": f"oidc.circleci.com/org/{ORG}",
    "bitbucket": "api.bitbucket.org/2.0/workspaces/acme/pipelines-config/identity/oidc",
    "buildkite": "agent.buildkite.com",
    "pulumi": "api.pulumi.com/oidc",
    "spacelift": "acme.app.spacelift.io",
    "eks": "oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B716D3041E",
}

USUAL = [
    ("gitlab", "project_path:acme/api:ref_type:branch:ref:main"),
    ("gitlab", "project_path:acme/platform/api:ref_type:tag:ref:v*"),
    ("gitlab", "project_id:42:ref_type:branch:ref:release/*"),
    ("terraform", "organization:acme:project:registry:workspace:prod:run_phase:apply"),
    ("terraform", "organization:acme:project:Default Project:workspace:prod:run_phase:*"),
    ("circleci", f"org/{ORG}/project/{PROJECT}/user/*"),
    ("circleci", f"org/{ORG}/project/{PROJECT}/user/*/vcs-origin/github.com/acme/api/vcs-ref/refs/heads/main"),
    ("bitbucket", f"{{{PROJECT}}}:*"),
    ("bitbucket", f"{{{PROJECT}}}:{{{ORG}}}:*"),
    ("buildkite", "organization:acme:pipeline:api:ref:refs/heads/main:commit:*:step:*"),
    ("buildkite", "organization:acme:pipeline:api:ref:refs/heads/main:commit:*:step:deploy"),
    ("pulumi", "pulumi:deploy:org:acme:project:registry:stack:prod:operation:update:scope:write"),
    ("pulumi", "pulumi:deploy:org:acme:project:registry:*"),
    ("pulumi", "pulumi:environments:org:acme:env:registry/prod"),
    ("spacelift", "space:production-01HND497T9JKR76MR3KA2CDJHP:*"),
    ("spacelift", "space:production-01HND497T9JKR76MR3KA2CDJHP:stack:registry:run_type:TRACKED:scope:write"),
    ("eks", "system:serviceaccount:ci:runner"),
]
OPEN = [
    ("gitlab", "project_path:g/p:ref_type:b*"),
    ("gitlab", "project_path:g/p:ref_type:branch:ref:*"),
    ("gitlab", "project_path:g/*:ref_type:branch:ref:main"),
    ("gitlab", "project_path:g*"),
    ("gitlab", "project_path:g/p:*"),
    ("terraform", "organization:acme:*"),
    ("terraform", "organization:acme:project:*:workspace:prod:run_phase:apply"),
    ("terraform", "organization:acme:project:registry:workspace:p*:run_phase:apply"),
    ("terraform", "organization:*:project:registry:workspace:prod:run_phase:apply"),
    ("circleci", f"org/{ORG}/*"),
    ("circleci", f"org/{ORG}/project/*/user/*"),
    ("circleci", f"org/*/project/{PROJECT}/user/*"),
    ("circleci", f"org/{ORG}/project/{PROJECT}*"),
    ("bitbucket", "*"),
    ("bitbucket", "{*}:*"),
    ("bitbucket", f"{{{PROJECT[:8]}*:*"),
    ("buildkite", "organization:acme:*"),
    ("buildkite", "organization:acme:pipeline:*:ref:refs/heads/main:commit:*:step:*"),
    ("buildkite", "organization:acme:pipeline:api:*"),
    ("buildkite", "organization:acme:pipeline:api:ref:refs/heads/*:commit:*:step:*"),
    ("buildkite", "organization:acme:pipeline:api:ref:refs/pull/*"),
    ("pulumi", "pulumi:deploy:org:acme:*"),
    ("pulumi", "pulumi:deploy:org:*"),
    ("pulumi", "pulumi:environments:org:acme:env:*"),
    ("spacelift", "space:*"),
    ("spacelift", "space:prod*"),
    ("spacelift", "*:scope:write"),
    ("eks", "system:serviceaccount:*:runner"),
    ("eks", "system:serviceaccount:ci:*"),
    ("eks", "system:*"),
]


def trust(issuer: str, subject: Any, operator: str = "StringLike") -> dict[str, Any]:
    provider = {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{issuer}"}
    return role(statement(provider, "sts:AssumeRoleWithWebIdentity", Condition={operator: {f"{issuer}:sub": subject}}))


@pytest.mark.parametrize(("issuer", "subject"), USUAL)
def test_the_usual_subjects_pass(issuer: str, subject: str) -> None:
    for written in (subject, [subject]):
        assert messages(SUBJECTS, trust(ISSUERS[issuer], written)) == []


@pytest.mark.parametrize(("issuer", "subject"), OPEN)
def test_wildcards_are_judged_by_what_they_let_in(issuer: str, subject: str) -> None:
    for operator in ("StringLike", "ForAnyValue:StringLike", "StringEquals"):
        [message] = messages(SUBJECTS, trust(ISSUERS[issuer], [subject], operator))
        assert repr(subject) in message
        assert "Write e.g. " in message and "https://" in message


@pytest.mark.parametrize("grammar", GRAMMARS, ids=lambda each: each.issuers[0])
def test_the_example_of_each_issuer_is_one_of_its_subjects_and_is_closed(grammar: Any) -> None:
    assert grammar.pattern.fullmatch(grammar.example), grammar.example
    assert grammar.source.startswith("https://")


def test_subjects_of_other_issuers_are_written_out() -> None:
    assert is_open("login.example.com", "user-*")
    assert is_open("login.example.com", "")
    assert not is_open("login.example.com", "user-17")


@given(st.sampled_from(GRAMMARS), st.integers(0, 3), st.sampled_from(["*", "?", "?*"]))
def test_a_wildcard_in_place_of_the_owner_is_always_open(grammar: Grammar, kept: int, wildcard: str) -> None:
    parts = re.split(r"([:/{}])", grammar.example)
    parts[2] = parts[2][:kept] + wildcard  # the first name: an organization, a workspace, a repository
    assert grammar.pattern.fullmatch("".join(parts)) is None
    assert grammar.pattern.fullmatch("".join(parts[:3])) is None
