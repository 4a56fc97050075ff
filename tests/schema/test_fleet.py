"""What must hold between the stacks of a project."""

from __future__ import annotations

from typing import Any

from ecr_stack.schema.fleet import StackRegistry, fleet_problems
from ecr_stack.schema.stack import stack_settings_of

ONE, TWO, THREE = "111111111111", "222222222222", "333333333333"


def stack(name: str, account: str | None, region: str = "us-east-1", **sections: Any) -> StackRegistry:
    said = {"environment": name, "repositories": {"api": {}, "web": {}}, **sections}
    return StackRegistry(name, stack_settings_of(said, source=name, region=region), account, region)


def to(region: str, account: str | None = None, *filters: str) -> dict[str, Any]:
    destination = {"region": region, **({"registryId": account} if account else {})}
    return {"rules": [{"destinations": [destination], **({"repositoryFilters": list(filters)} if filters else {})}]}


def found(*registries: StackRegistry) -> list[tuple[str, str, str]]:
    return [(each.stack, each.problem.place, each.problem.rule) for each in fleet_problems(registries)]


def test_two_halves_that_fit_are_no_problem() -> None:
    source = stack("source", ONE, replication=to("eu-west-1", TWO))
    target = stack("target", TWO, "eu-west-1", registryAccess={"replicationFrom": [ONE]})
    assert found(source, target) == []


def test_a_registry_that_does_not_admit_its_source_is_told() -> None:
    source = stack("source", ONE, replication=to("eu-west-1", TWO))
    ((name, place, rule),) = found(source, stack("target", TWO, "eu-west-1"))
    assert (name, place) == ("target", "ecr-stack:registryAccess.replicationFrom")
    assert "stack source of account 111111111111 replicates into this registry" in rule


def test_an_account_that_is_admitted_and_sends_nothing_is_told() -> None:
    target = stack("target", TWO, "eu-west-1", registryAccess={"replicationFrom": [ONE]})
    ((name, _, rule),) = found(stack("source", ONE), target)
    assert name == "target"
    assert "no stack of account 111111111111 replicates to eu-west-1" in rule
    assert found(target) == []


def test_replicas_are_not_replicated_onward() -> None:
    source = stack("source", ONE, replication=to("eu-west-1", TWO))
    target = stack(
        "target",
        TWO,
        "eu-west-1",
        registryAccess={"replicationFrom": [ONE]},
        replication=to("eu-central-1", THREE, "api"),
    )
    ((name, place, rule),) = found(source, target)
    assert (name, place) == ("source", "ecr-stack:replication.rules[0].destinations[0]")
    assert "e.g. api, does not reach eu-central-1 of account 333333333333" in rule


def test_what_an_account_has_once_is_set_by_one_stack() -> None:
    scanning = {"type": "BASIC", "rules": [{"frequency": "SCAN_ON_PUSH", "filters": ["*"]}]}
    first = stack("first", ONE, scanning=scanning, replication=to("us-west-2"))
    second = stack("second", ONE, "us-west-2", scanning=scanning)
    assert [(name, place) for name, place, _ in found(first, second)] == [
        ("first", "ecr-stack:scanning"), ("first", "ecr-stack:repositories"),
        ("second", "ecr-stack:scanning"), ("second", "ecr-stack:repositories"),
    ]  # fmt: skip
    scanned, repositories = (rule for _, _, rule in found(first, second)[:2])
    assert "the stack `second` also sets it, in us-west-2 of account 111111111111" in scanned
    assert "the stack `second` also has the repositories `api`, `web`, in us-west-2 of account" in repositories


def test_a_budget_is_the_accounts_in_every_region() -> None:
    budget = {"amount": 10, "email": ["a@example.com"]}
    first = stack("first", ONE, budget=budget)
    assert [place for _, place, _ in found(first, stack("second", ONE, "eu-west-1", budget=budget))] == [
        "ecr-stack:budget", "ecr-stack:budget",
    ]  # fmt: skip
    assert found(first, stack("second", TWO, "eu-west-1", budget=budget)) == []


def test_what_an_account_has_once_is_made_by_one_stack() -> None:
    settings = {
        "pullThroughCache": {"quay": {"upstream": "quay"}},
        "creationTemplates": {"team": {"appliedFor": ["CREATE_ON_PUSH"]}},
        "publicRepositories": {"base-image": {}},
        "nodes": {"roles": ["eks-nodes"]},
        "pipelines": {"ci": {"repositories": [{"repository": "octo-org/api", "branches": ["main"]}]}},
        "accountSettings": {"blobMounting": True},
    }
    first, second = (stack(name, ONE, namePrefix=f"{name}/", environment=name, **settings) for name in ("one", "two"))
    told = [(place, rule) for name, place, rule in found(first, second) if name == "one"]
    assert [place for place, _ in told] == [
        "ecr-stack:accountSettings", "ecr-stack:creationTemplates.team", "ecr-stack:nodes.roles", "ecr-stack:pipelines",
        "ecr-stack:publicRepositories.base-image", "ecr-stack:pullThroughCache.quay",
    ]  # fmt: skip
    assert (
        "has the OpenID Connect provider of token.actions.githubusercontent.com too: whichever is deployed second"
        in told[3][1]
    )
    # another account, or an account that is not known, has its own
    for account in (TWO, None):
        other = stack("two", account, namePrefix="two/", environment="two", **settings)
        assert [place for _, place, _ in found(first, other) if place != "ecr-stack:accountSettings"] == []
    # another Region has its own caches and templates, but not its own roles
    there = stack("two", ONE, "eu-west-1", environment="two", **settings)
    assert {place for _, place, _ in found(first, there)} == {
        "ecr-stack:nodes.roles", "ecr-stack:pipelines", "ecr-stack:publicRepositories.base-image",
    }  # fmt: skip


def test_signing_is_said_by_one_stack() -> None:
    profile = f"arn:aws:signer:us-east-1:{ONE}:/signing-profiles/containers"
    signing = {"rules": [{"signingProfileArn": profile}]}
    first, second = (stack(name, ONE, signing=signing, namePrefix=f"{name}/") for name in ("first", "second"))
    assert [(name, place) for name, place, _ in found(first, second)] == [
        ("first", "ecr-stack:signing"), ("second", "ecr-stack:signing"),
    ]  # fmt: skip


def test_of_accounts_that_are_not_known_it_is_said_that_they_may_be_one() -> None:
    scanning = {"type": "BASIC", "rules": [{"frequency": "SCAN_ON_PUSH", "filters": ["*"]}]}
    told = found(stack("first", None, scanning=scanning), stack("second", None, scanning=scanning))
    assert [place for _, place, _ in told] == ["ecr-stack:scanning"] * 2
    assert "possibly the same account" in told[0][2]
