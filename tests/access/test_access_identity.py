"""Pipelines take on a role only where they are named; roles get no more than they need."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_stack.aws.iam.actions import PULL, PUSH
from ecr_stack.aws.iam.evaluation import Policies, Principal, Verdict, evaluate
from ecr_stack.aws.iam.managed import MANAGED
from ecr_stack.aws.iam.matching import condition_holds
from ecr_stack.aws.iam.reader import conditions_of, read_policy
from ecr_stack.components.component import InvalidArguments
from ecr_stack.components.identity import PipelineAccess, PullAccess
from ecr_stack.components.repository import Repository
from ecr_stack.errors import InvalidInput, Problem
from ecr_stack.model import parse
from ecr_stack.rehearsal import rehearse
from ecr_stack.schema.pipelines import NodeAccess, PipelineTrust, identity_policy, subjects, trust_policy

ARN = "arn:aws:ecr:us-east-1:123456789012:repository/api"
GITHUB = "token.actions.githubusercontent.com"
PROVIDER = f"arn:aws:iam::123456789012:oidc-provider/{GITHUB}"
MAIN = {"repository": "octo-org/api", "branches": ["main"]}


def trust(**data: Any) -> PipelineTrust:
    return parse(PipelineTrust, data, "ci", source="test")


def mistakes(**data: Any) -> list[Problem]:
    with pytest.raises(InvalidInput) as caught:
        trust(**data)
    return list(caught.value.problems)


def lets_in(policy: dict[str, Any], subject: str, audience: str = "sts.amazonaws.com", host: str = GITHUB) -> bool:
    (statement,) = policy["Statement"]
    return (
        condition_holds(conditions_of(statement["Condition"]), {f"{host}:sub": [subject], f"{host}:aud": [audience]})
        is True
    )


# --- documents


def test_a_branch_at_github_is_trusted_and_nothing_else() -> None:
    policy = trust_policy(trust(repositories=[MAIN]), PROVIDER)
    assert policy["Statement"] == [
        {
            "Sid": "NamedPipelines",
            "Effect": "Allow",
            "Principal": {"Federated": PROVIDER},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {
                "StringEquals": {
                    f"{GITHUB}:aud": "sts.amazonaws.com",
                    f"{GITHUB}:sub": ["repo:octo-org/api:ref:refs/heads/main"],
                }
            },
        }
    ]
    assert lets_in(policy, "repo:octo-org/api:ref:refs/heads/main")
    for stranger in (
        "repo:octo-org/api:ref:refs/heads/main2",
        "repo:octo-org/api:pull_request",
        "repo:evil/api:ref:refs/heads/main",
        "repo:octo-org/api-fork:ref:refs/heads/main",
    ):
        assert not lets_in(policy, stranger)
    assert not lets_in(policy, "repo:octo-org/api:ref:refs/heads/main", audience="https://github.com/evil")


def test_branches_tags_and_environments_may_be_patterns() -> None:
    source = {
        "repository": "octo-org/api",
        "branches": ["main", "refs/heads/release/*"],
        "tags": ["v*"],
        "environments": ["prod"],
    }
    policy = trust_policy(trust(repositories=[source]), PROVIDER)
    assert set(policy["Statement"][0]["Condition"]) == {"StringEquals", "StringLike"}
    assert lets_in(policy, "repo:octo-org/api:ref:refs/heads/release/1.2")
    assert lets_in(policy, "repo:octo-org/api:ref:refs/tags/v1")
    assert lets_in(policy, "repo:octo-org/api:environment:prod")
    assert not lets_in(policy, "repo:octo-org/api:environment:dev")
    assert not lets_in(policy, "repo:octo-org/web:ref:refs/tags/v1")


def test_a_repository_with_ids_is_trusted_by_them_and_no_namesake_is() -> None:
    policy = trust_policy(
        trust(repositories=[{"repository": "octo-org@123456/api@456789", "branches": ["main"], "tags": ["v*"]}]),
        PROVIDER,
    )
    assert lets_in(policy, "repo:octo-org@123456/api@456789:ref:refs/heads/main")
    assert lets_in(policy, "repo:octo-org@123456/api@456789:ref:refs/tags/v1")
    for namesake in (
        "repo:octo-org/api",
        "repo:octo-org@999/api@456789",
        "repo:octo-org@123456/api@1",
        "repo:octo-org@123456/api",
    ):
        assert not lets_in(policy, f"{namesake}:ref:refs/heads/main")


def test_gitlab_names_projects_its_own_way() -> None:
    found = trust(
        platform="GITLAB",
        issuer="https://gitlab.example.com",
        audience="https://gitlab.example.com",
        repositories=[{"repository": "group/team/api", "branches": ["main"], "tags": ["v*"]}],
    )
    assert subjects(found) == [
        "project_path:group/team/api:ref_type:branch:ref:main",
        "project_path:group/team/api:ref_type:tag:ref:v*",
    ]
    policy = trust_policy(found, "arn:aws:iam::123456789012:oidc-provider/gitlab.example.com")
    assert lets_in(policy, subjects(found)[0], "https://gitlab.example.com", "gitlab.example.com")


def test_another_platform_is_trusted_by_its_subjects() -> None:
    subject = "organization:acme:pipeline:api:ref:refs/heads/main:commit:abc:step:push"
    found = trust(platform="OTHER", issuer="https://agent.buildkite.com", subjects=[subject])
    assert lets_in(trust_policy(found, "arn"), subject, host="agent.buildkite.com")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({}, "open to the world"),
        ({"repositories": []}, "open to the world"),
        ({"subjects": ["*"]}, "wildcard in a subject"),
        ({"subjects": ["repo:*"]}, "wildcard in a subject"),
        ({"subjects": ["repo:octo-org/api:*"]}, "wildcard in a subject"),
        ({"subjects": ["repo:octo-org/ap?:ref:refs/heads/main"]}, "wildcard in a subject"),
        ({"subjects": ["${aws:username}"]}, "the `sub`"),
        ({"subjects": [""]}, "the `sub`"),
        ({"repositories": [{**MAIN, "repository": "*"}]}, "wildcard in a repository"),
        ({"repositories": [{**MAIN, "repository": "octo-org/*"}]}, "wildcard in a repository"),
        ({"repositories": [{**MAIN, "repository": "octo-org/ap?"}]}, "wildcard in a repository"),
        ({"repositories": [{**MAIN, "repository": "octo-org"}]}, "owner"),
        ({"repositories": [{**MAIN, "repository": "octo-org/api:ref"}]}, "owner"),
        ({"repositories": [{**MAIN, "repository": "a/b/c"}]}, "owner/name"),
        ({"repositories": [{"repository": "octo-org/api"}]}, "pull requests"),
        ({"repositories": [{"repository": "octo-org/api", "branches": ["*"]}]}, "every branch"),
        ({"repositories": [{"repository": "octo-org/api", "branches": ["refs/heads/*"]}]}, "every branch"),
        ({"repositories": [{"repository": "octo-org/api", "tags": ["**"]}]}, "every tag"),
        ({"repositories": [{"repository": "octo-org/api", "environments": ["?*"]}]}, "every environment"),
        ({"repositories": [{"repository": "octo-org/api", "environments": ["a:b"]}]}, "environment consists"),
        ({"repositories": [{"repository": "octo-org/api", "branches": ["refs/heads/refs/heads/*"]}]}, "of the branch"),
        ({"repositories": [{"repository": "octo-org/api", "branches": ["refs/tags/v1"]}]}, "of the branch"),
        ({"repositories": [{"repository": "octo-org/api", "tags": ["refs/heads/main"]}]}, "of the tag"),
        ({"repositories": [{"repository": "octo-org/api", "environments": ["refs/heads/main"]}]}, "of the environment"),
        ({"repositories": [{**MAIN, "repository": "octo-org/.."}]}, "owner"),
        ({"repositories": [{**MAIN, "repository": "octo-org@1/api"}]}, "both"),
        ({"repositories": [{**MAIN, "repository": "octo-org/api@2"}]}, "both"),
        ({"repositories": [{**MAIN, "repository": "octo-org@*/api@*"}]}, "wildcard in a repository"),
        ({"repositories": [{**MAIN, "repository": "octo-org@1/api@x"}]}, "owner"),
        ({"platform": "GITLAB", "repositories": [{**MAIN, "repository": "group@1/api@2"}]}, "GitHub"),
        ({"repositories": [MAIN], "audience": "*"}, "audience"),
        ({"repositories": [MAIN], "issuer": "http://gitlab.example.com"}, "https"),
        ({"repositories": [MAIN], "issuer": "https://gitlab.example.com/"}, "https"),
        ({"repositories": [MAIN], "platform": "OTHER", "issuer": "https://a.example.com"}, "does not know"),
        ({"subjects": ["a"], "platform": "OTHER"}, "does not know"),
        ({"platform": "GITLAB", "repositories": [{**MAIN, "environments": ["prod"]}]}, "not contain an environment"),
    ],
)
def test_a_trust_that_is_too_wide_or_out_of_shape_is_refused(data: dict[str, Any], said: str) -> None:
    (problem,) = mistakes(**data)
    assert said in problem.rule
    assert problem.remedy


_text = st.text("ab/*?:-. ", max_size=8)


@given(
    st.lists(
        st.fixed_dictionaries(
            {"repository": st.one_of(_text, st.just("o/r"))},
            optional={"branches": st.lists(_text, max_size=2), "tags": st.lists(_text, max_size=2)},
        ),
        max_size=2,
    ),
    st.lists(_text, max_size=2),
)
def test_no_trust_that_is_accepted_lets_a_foreign_repository_in(
    repositories: list[dict[str, Any]], named: list[str]
) -> None:
    try:
        found = trust(repositories=repositories, subjects=named)
    except InvalidInput as refused:
        assert all(problem.remedy for problem in refused.problems)
        return
    policy = trust_policy(found, PROVIDER)
    assert not lets_in(policy, "repo:evil/evil:ref:refs/heads/main")
    assert not lets_in(policy, "repo:o/r:pull_request")


def allowed(document: dict[str, Any], action: str, arn: str = ARN) -> bool:
    principal = Principal.of("role/x", "123456789012", "aws")
    answer = evaluate(principal, action, arn, "123456789012", Policies((), read_policy(document), True))
    return answer.verdict is Verdict.ALLOWED


def test_a_pushing_role_may_push_to_its_repository_and_log_in() -> None:
    document = identity_policy(push=[ARN])
    assert all(allowed(document, action) for action in PUSH)
    assert not any(allowed(document, action, ARN + "-gateway") for action in PUSH)
    assert not allowed(document, "ecr:GetDownloadUrlForLayer")
    assert not allowed(document, "ecr:BatchDeleteImage")
    assert allowed(document, "ecr:GetAuthorizationToken", "*")


def test_a_pulling_role_may_not_push() -> None:
    document = identity_policy(pull=[ARN])
    assert all(allowed(document, action) for action in PULL)
    assert not allowed(document, "ecr:PutImage")


def test_managed_policies_are_those_of_the_documentation() -> None:
    pull_only = dict(MANAGED["AmazonEC2ContainerRegistryPullOnly"])
    assert allowed(pull_only, "ecr:BatchImportUpstreamImage")
    assert not allowed(pull_only, "ecr:DescribeImages")
    read_only = dict(MANAGED["AmazonEC2ContainerRegistryReadOnly"])
    assert allowed(read_only, "ecr:DescribeImages")
    assert not allowed(read_only, "ecr:BatchImportUpstreamImage")
    assert all(allowed(dict(MANAGED["AmazonEC2ContainerRegistryPowerUser"]), action) for action in PUSH)


def test_a_role_of_nodes_is_named_once_however_it_is_written() -> None:
    with pytest.raises(InvalidInput, match="twice"):
        parse(NodeAccess, {"roles": ["node", "role/eks/node"]}, "", source="test")


# --- components


def test_pipelines_get_a_provider_a_role_and_the_least_that_they_need(foreign: Callable[..., Any]) -> None:
    made = foreign(lambda: PipelineAccess("ci", {"push": [ARN], "repositories": [{**MAIN}]}))  # type: ignore[typeddict-item]
    (provider,) = made.of("aws:iam/openIdConnectProvider:OpenIdConnectProvider")
    assert provider["url"] == f"https://{GITHUB}"
    assert provider["clientIdLists"] == ["sts.amazonaws.com"]
    (role,) = made.of("aws:iam/role:Role")
    assert role["name"] == "staging-ecr-push"
    condition = json.loads(role["assumeRolePolicy"])["Statement"][0]["Condition"]
    assert condition["StringEquals"][f"{GITHUB}:sub"] == ["repo:octo-org/api:ref:refs/heads/main"]
    (policy,) = made.of("aws:iam/rolePolicy:RolePolicy")
    assert json.loads(policy["policy"]) == identity_policy(push=[ARN])


def test_an_existing_provider_is_used(foreign: Callable[..., Any]) -> None:
    args: Any = {"push": [ARN], "repositories": [MAIN], "provider_arn": PROVIDER, "role_name": "github-actions-role"}
    made = foreign(lambda: PipelineAccess("ci", args))
    assert made.of("aws:iam/openIdConnectProvider:OpenIdConnectProvider") == []
    (role,) = made.of("aws:iam/role:Role")
    assert json.loads(role["assumeRolePolicy"])["Statement"][0]["Principal"] == {"Federated": PROVIDER}
    assert role["name"] == "github-actions-role"


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({"push": [ARN], "subjects": ["*"]}, "wildcard in a subject"),
        ({"push": [ARN]}, "open to the world"),
        ({"repositories": [MAIN]}, "a repository to push to"),
        ({"push": [ARN], "repositories": [MAIN], "provider_arn": PROVIDER.replace(GITHUB, "gitlab.com")}, "issuer"),
        ({"push": [ARN], "repositories": [MAIN], "provider_arn": "github"}, "provider"),
        ({"push": [ARN], "repositories": [MAIN], "branch": "main"}, "not a known key"),
        ({"push": [ARN], "repositories": [MAIN], "role_name": "a b"}, "role"),
        ({"push": [ARN], "repositories": [MAIN], "role_name": "role/team/ci"}, "new role"),
        ({"push": [ARN], "repositories": [MAIN], "role_name": "arn:aws:iam::999999999999:role/ci"}, "new role"),
    ],
)
def test_pipelines_that_are_not_named_are_refused_without_a_traceback(
    foreign: Callable[..., Any], args: Any, said: str
) -> None:
    with pytest.raises(InvalidArguments, match=said):
        foreign(lambda: PipelineAccess("ci", args))


def test_nodes_pull_by_the_managed_policy(foreign: Callable[..., Any]) -> None:
    made = foreign(
        lambda: PullAccess(
            "nodes", {"roles": ["role/eks/node"], "named_roles": {"l": pulumi.Output.from_input("late")}}
        )
    )
    attachments = made.of("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
    assert sorted(found["role"] for found in attachments) == ["late", "node"]
    assert {found["policyArn"] for found in attachments} == {
        "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly"
    }
    read: Any = {"roles": ["node"], "policy": "READ_ONLY"}
    (attachment,) = foreign(lambda: PullAccess("nodes", read)).of("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
    assert attachment["policyArn"].endswith("/AmazonEC2ContainerRegistryReadOnly")


@pytest.mark.parametrize(
    "args", [{}, {"roles": []}, {"roles": ["a b"]}, {"roles": "node"}, {"roles": ["node", "role/node"]}]
)
def test_no_nodes_are_refused(foreign: Callable[..., Any], args: Any) -> None:
    with pytest.raises(InvalidArguments):
        foreign(lambda: PullAccess("nodes", args))


def test_a_role_of_the_program_is_granted_a_push_by_its_name(foreign: Callable[..., Any]) -> None:
    def program() -> None:
        role = aws.iam.Role("ci", name="ci-role", assume_role_policy="{}")
        api = Repository("team/api")
        api.arn = pulumi.Output.from_input(ARN)
        api.grant_push(role)
        api.grant_pull("arn:aws:iam::123456789012:role/eks/node")

    made = foreign(program)
    push, pull = sorted(made.of("aws:iam/rolePolicy:RolePolicy"), key=lambda found: -len(found["policy"]))
    assert (push["role"], push["name"]) == ("ci-role", "team-api-push-ci")
    assert json.loads(push["policy"]) == identity_policy(push=[ARN])
    assert (pull["role"], pull["name"]) == ("node", "team-api-pull-node")
    assert json.loads(pull["policy"]) == identity_policy(pull=[ARN])


def test_a_grant_to_what_is_no_role_is_refused(foreign: Callable[..., Any]) -> None:
    with pytest.raises(InvalidArguments, match="a role must be"):
        foreign(lambda: Repository("api").grant_pull("arn:aws:iam::123456789012:user/me"))


ELSEWHERE = "arn:aws:iam::999999999999:role/node"


@pytest.mark.parametrize(
    "program",
    [
        lambda: PullAccess("nodes", {"roles": ["web", ELSEWHERE]}),
        lambda: PullAccess("nodes", {"named_roles": {"node": pulumi.Output.from_input(ELSEWHERE)}}),
        lambda: Repository("api").grant_pull(ELSEWHERE),
        lambda: Repository("api").grant_push(pulumi.Output.from_input(ELSEWHERE), name="node"),
    ],
)
def test_a_role_of_another_account_is_not_taken_for_its_namesake_here(
    foreign: Callable[..., Any], program: Callable[[], Any]
) -> None:
    with pytest.raises(InvalidArguments, match="the role's own account, and this is 123456789012"):
        foreign(program)


def test_the_embedded_aws_takes_all_of_it(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: theirs\nruntime: python\n")
    (tmp_path / "Pulumi.test.yaml").write_text("config:\n  aws:region: us-east-1\n")
    (tmp_path / "__main__.py").write_text(
        "import json\n"
        "import pulumi_aws as aws\n"
        "from ecr_stack import Repository\n"
        "from ecr_stack import PipelineAccess, PullAccess\n"
        "trust = {'Version': '2012-10-17', 'Statement': [{'Effect': 'Allow', 'Action': 'sts:AssumeRole',\n"
        "         'Principal': {'Service': 'ec2.amazonaws.com'}}]}\n"
        "node = aws.iam.Role('node', name='node', assume_role_policy=json.dumps(trust))\n"
        "api = Repository('api', {'access': {'push': ['role/test-ecr-push'], 'pull': ['role/node']}})\n"
        "PipelineAccess('ci', {'push': [api.arn], 'repositories': [\n"
        "    {'repository': 'octo-org/api', 'branches': ['main', 'release/*'], 'environments': ['prod']}]})\n"
        "PullAccess('nodes', {'named_roles': {'node': node.name}})\n"
        "api.grant_pull(node)\n"
    )
    report = rehearse("test", tmp_path)
    by_type = {record.type: record.outputs for record in report.resources}
    assert by_type["aws:iam/openIdConnectProvider:OpenIdConnectProvider"]["arn"] == PROVIDER
    assert by_type["aws:iam/rolePolicyAttachment:RolePolicyAttachment"]["role"] == "node"
    roles = {record.name: record.outputs for record in report.resources if record.type == "aws:iam/role:Role"}
    federated = json.loads(roles["ci"]["assumeRolePolicy"])["Statement"][0]["Principal"]
    assert federated == {"Federated": PROVIDER}
