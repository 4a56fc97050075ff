"""Two of a kind in one program: side by side, or stopped by a message; and names that depend on no order."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest
from foreign_program import Monitor, Run
from test_options import TRUST

from ecr_stack import PipelineAccess, PullAccess, Registry, Repository
from ecr_stack.components.component import InvalidArguments

ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"


def registry(name: str, environment: str, **more: Any) -> Registry:
    settings: Any = {"environment": environment, "repositories": {environment + "-api": {}}, **more}
    return Registry(name, settings)


def test_registries_of_two_environments_live_side_by_side(run: Run) -> None:
    replication = {"rules": [{"destinations": [{"region": "eu-west-1"}]}], "creation_template": False}

    def program() -> None:
        registry("one", "dev", replication=replication, encryption={"type": "KMS"})
        registry("two", "prod", encryption={"type": "KMS"})

    monitor = run(program)
    assert {each["name"] for each in monitor.of("aws:kms/alias:Alias")} == {"alias/dev-ecr", "alias/prod-ecr"}


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"encryption": {"type": "KMS"}}, ["alias/prod-ecr", 'Registry "one"']),
        (
            {
                "encryption": {"type": "AES256"},
                "replication": {"rules": [{"destinations": [{"region": "eu-west-1"}]}], "creation_template": True},
            },
            ["ROOT", "eu-west-1", 'Registry "one"'],
        ),
        ({"encryption": {"type": "AES256"}, "pipelines": {"main": TRUST}}, ["provider_arn", 'Registry "one"']),
    ],
    ids=["key", "template", "issuer"],
)
def test_registries_of_one_environment_are_told_what_they_fight_over(run: Run, more: Any, words: list[str]) -> None:
    def program() -> None:
        registry("one", "prod", **more)
        registry("two", "prod", **more)

    with pytest.raises(InvalidArguments) as caught:
        run(program)
    for word in words:
        assert word in str(caught.value)


def test_two_pipelines_of_one_issuer_share_its_provider(run: Run) -> None:
    monitor = run(lambda: registry("one", "prod", pipelines={"main": TRUST, "release": TRUST}))
    assert len(monitor.of("aws:iam/openIdConnectProvider:OpenIdConnectProvider")) == 1
    assert len(monitor.of("aws:iam/role:Role")) == 2


def _role(name: str, parent: pulumi.Resource | None = None) -> aws.iam.Role:
    return aws.iam.Role(
        name, name=f"physical-{name}", assume_role_policy="{}", opts=pulumi.ResourceOptions(parent=parent)
    )


def grants(monitor: Monitor) -> dict[str, str]:
    """The role that each grant is for, by the grant's URN."""
    return {monitor.urn_of(each): monitor.inputs(each)["role"] for each in monitor.requests if each.type == ROLE_POLICY}


def test_roles_of_one_logical_name_under_two_parents_each_get_their_grant(run: Run) -> None:
    def program() -> None:
        repository = Repository("api")
        for team in ("a", "b"):
            parent = pulumi.ComponentResource("their:index:Team", team)
            role = aws.iam.Role(
                "runner", name=f"{team}-runner", assume_role_policy="{}", opts=pulumi.ResourceOptions(parent=parent)
            )
            # the mocks know one level of parents, the type of a team is the same: the grant tells roles apart
            repository.grant_pull(role, name=f"{team}-runner")

    assert sorted(grants(run(program)).values()) == ["a-runner", "b-runner"]


def test_a_role_of_the_program_and_one_that_is_named_like_it_each_get_their_grant(run: Run) -> None:
    def program() -> None:
        repository = Repository("api")
        repository.grant_pull(_role("runner"))
        repository.grant_pull("runner")

    assert sorted(grants(run(program)).values()) == ["physical-runner", "runner"]


def test_a_grant_that_is_asked_for_twice_is_made_once(run: Run) -> None:
    def program() -> None:
        repository, role = Repository("api"), _role("runner")
        assert repository.grant_pull(role) is repository.grant_pull(role)
        assert repository.grant_pull("nodes") is repository.grant_pull("role/nodes")

    assert len(grants(run(program))) == 2


def test_the_order_of_grants_changes_no_name(run: Run) -> None:
    def program(order: list[str]) -> Callable[[], None]:
        def granted() -> None:
            repository = Repository("api")
            roles = {name: _role(name) for name in ("one", "two")}
            for name in order:
                repository.grant_push(roles.get(name, name))

        return granted

    names = [grants(run(program(order))) for order in (["one", "two", "x"], ["x", "two", "one"])]
    assert names[0] == names[1]
    assert len(names[0]) == 3


def test_the_order_of_roles_changes_no_attachment(run: Run) -> None:
    def attached(roles: list[str], named: list[str]) -> dict[str, Any]:
        def program() -> None:
            outputs = {name: pulumi.Output.from_input(f"physical-{name}") for name in named}
            PullAccess("nodes", {"roles": roles, "named_roles": outputs})

        monitor = run(program)
        return {
            monitor.urn_of(each): monitor.inputs(each)["role"] for each in monitor.requests if each.type == ATTACHMENT
        }

    assert attached(["a", "b"], ["x", "y"]) == attached(["b", "a"], ["y", "x"])


def test_a_named_role_that_is_called_like_a_listed_one_is_told(run: Run) -> None:
    with pytest.raises(InvalidArguments, match="named_roles"):
        run(lambda: PullAccess("nodes", {"roles": ["a"], "named_roles": {"a": "b"}}))


def test_names_that_are_cut_stay_apart(run: Run) -> None:
    def program() -> None:
        repository = Repository("r" * 100, {"name": "api"})
        for role in ("x" * 60 + "-a", "x" * 60 + "-b"):
            repository.grant_pull(role)
            repository.grant_push(role)

    names = [each["name"] for each in run(program).of(ROLE_POLICY)]
    assert len(set(names)) == 4
    assert all(len(name) <= 128 for name in names)


def test_pipelines_whose_roles_differ_by_case_alone_are_refused(run: Run) -> None:
    pipelines = {"a": {**TRUST, "role_name": "Deploy"}, "b": {**TRUST, "role_name": "deploy"}}
    with pytest.raises(InvalidArguments, match="regardless of case"):
        run(lambda: registry("one", "prod", pipelines=pipelines))


# --- documents that fit


def _arns(number: int) -> list[str]:
    return [f"arn:aws:ecr:us-east-1:123456789012:repository/team/service-{index:03}" for index in range(number)]


def resources(document: str) -> set[str]:
    return {
        arn
        for statement in json.loads(document)["Statement"]
        for arn in ([statement["Resource"]] if isinstance(statement["Resource"], str) else statement["Resource"])
    } - {"*"}


def test_permissions_that_one_inline_policy_holds_stay_in_it(run: Run) -> None:
    monitor = run(lambda: PipelineAccess("ci", {**TRUST, "push": _arns(80), "pull": _arns(80)}))
    (policy,) = monitor.of(ROLE_POLICY)
    assert policy["name"] == "push-images"
    assert resources(policy["policy"]) == set(_arns(80))
    assert monitor.of("aws:iam/policy:Policy") == []


def test_permissions_beyond_one_inline_policy_are_divided_among_managed_ones(run: Run) -> None:
    monitor = run(lambda: PipelineAccess("ci", {**TRUST, "push": _arns(300), "pull": _arns(300)}))
    policies = monitor.of("aws:iam/policy:Policy")
    assert monitor.of(ROLE_POLICY) == []
    assert len(policies) == len(monitor.of(ATTACHMENT)) > 1
    assert all(len(each["policy"].replace(" ", "")) <= 6144 for each in policies)
    assert set().union(*(resources(each["policy"]) for each in policies)) == set(_arns(300))
    assert len({each["name"] for each in policies}) == len(policies)


def test_a_registry_with_many_repositories_divides_them_too(run: Run) -> None:
    repositories: Any = {f"team/service-{index:03}": {} for index in range(200)}
    settings: Any = {"environment": "prod", "repositories": repositories, "pipelines": {"main": TRUST}}
    monitor = run(lambda: Registry("r", settings))
    policies = monitor.of("aws:iam/policy:Policy")
    assert set().union(*(resources(each["policy"]) for each in policies)) == set(_arns(200))


def test_trust_in_more_pipelines_than_a_policy_holds_is_refused_at_their_place(run: Run) -> None:
    sources = [{"repository": f"org-{index}/repository-{index:03}", "branches": [f"b{index}"]} for index in range(100)]
    with pytest.raises(InvalidArguments) as caught:
        run(lambda: registry("one", "prod", pipelines={"main": {"repositories": sources}}))
    assert "pipelines.main" in str(caught.value)
    assert "2,048" in str(caught.value)


def test_a_function_of_the_home_region_is_left_out_of_what_replicas_get(run: Run) -> None:
    here = "arn:aws:lambda:us-east-1:123456789012:function:thumbnails"

    def program(access: Any) -> Callable[[], Any]:
        return lambda: registry(
            "one",
            "prod",
            repository_defaults={"access": access},
            replication={"rules": [{"destinations": [{"region": "eu-west-1", "replicas": "template"}]}]},
        )

    template = "aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate"
    both = run(program({"lambda_": [here], "pull": ["111122223333"]}))
    assert here in both.one("aws:ecr/repositoryPolicy:RepositoryPolicy")["policy"]
    assert "lambda" not in both.one(template)["repositoryPolicy"]
    assert "111122223333" in both.one(template)["repositoryPolicy"]
    alone = run(program({"lambda_": [here]}))
    assert "repositoryPolicy" not in alone.one(template)


def test_a_function_of_another_region_is_refused_at_home(run: Run) -> None:
    there = "arn:aws:lambda:eu-west-1:123456789012:function:thumbnails"
    with pytest.raises(InvalidArguments, match="never pulls from us-east-1"):
        run(lambda: registry("one", "prod", repository_defaults={"access": {"lambda_": [there]}}))


def test_two_roles_of_one_name_are_refused_without_regard_to_case(run: Run) -> None:
    def program(second: str) -> Callable[[], Any]:
        def roles() -> None:
            provider = {"provider_arn": "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"}
            for name, role in (("one", "pusher"), ("two", second)):
                PipelineAccess(
                    name,
                    {
                        **TRUST,
                        **provider,
                        "role_name": role,
                        "push": ["arn:aws:ecr:us-east-1:123456789012:repository/api"],
                    },
                )

        return roles

    with pytest.raises(InvalidArguments, match="only one role with this name"):
        run(program("Pusher"))
    assert len(run(program("puller")).of("aws:iam/role:Role")) == 2


def test_a_provider_of_another_account_and_a_role_like_a_templates_are_refused(run: Run) -> None:
    provider = "arn:aws:iam::999999999999:oidc-provider/token.actions.githubusercontent.com"
    with pytest.raises(InvalidArguments, match="in its own account"):
        run(lambda: registry("one", "prod", pipelines={"main": {**TRUST, "provider_arn": provider}}))
    replication = {"rules": [{"destinations": [{"region": "eu-west-1", "replicas": "template"}]}]}
    pipelines = {"main": {**TRUST, "role_name": "Prod-ecr-template-eu-west-1"}}
    with pytest.raises(InvalidArguments, match="the role for replicas in eu-west-1"):
        run(lambda: registry("one", "prod", pipelines=pipelines, replication=replication))
    pipelines = {"main": {**TRUST, "role_name": "prod-ecr-template-us-east-1"}}
    templates = {"team": {"applied_for": ["CREATE_ON_PUSH"]}}
    with pytest.raises(InvalidArguments, match="the role for repositories that ECR creates"):
        run(lambda: registry("one", "prod", region="us-east-1", pipelines=pipelines, creation_templates=templates))
