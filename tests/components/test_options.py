"""A component's options reach what it makes, as people who use Pulumi expect."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest
from foreign_program import Monitor, Run

from ecr_stack import (
    AccountSettings,
    Budget,
    CreationTemplate,
    EncryptionKey,
    LifecyclePolicy,
    Notifications,
    PipelineAccess,
    PublicRepository,
    PullAccess,
    PullThroughCache,
    Registry,
    RegistryPolicy,
    RegistryScanning,
    RegistrySigning,
    Replication,
    Repository,
    RepositoryPolicy,
)

PROFILE = "arn:aws:signer:us-east-1:123456789012:/signing-profiles/containers"
ARN = "arn:aws:ecr:us-east-1:123456789012:repository/api"
RULES: Any = [{"any": True, "keep_last": 5}]
ACCESS: Any = {"pull": ["role/nodes"]}
TRUST: Any = {"repositories": [{"repository": "octo-org/api", "branches": ["main"]}]}
REPLICATION: Any = {"rules": [{"destinations": [{"region": "eu-west-1"}]}]}
EVERYTHING: Any = {
    "environment": "prod",
    "repository_defaults": {"lifecycle": RULES, "access": ACCESS},
    "repositories": {"api": {}},
    "replication": REPLICATION,
    "pipelines": {"main": TRUST},
    "nodes": {"roles": ["nodes"]},
    "registry_access": {"replication_from": ["111122223333"]},
    "scanning": {"type": "BASIC", "rules": [{"frequency": "SCAN_ON_PUSH", "filters": ["*"]}]},
    "encryption": {"type": "KMS"},
    "signing": {"rules": [{"signing_profile_arn": PROFILE}]},
    "budget": {"amount": 100, "email": ["team@example.com"]},
}

Make = Callable[[str, pulumi.ResourceOptions], pulumi.ComponentResource]

COMPONENTS: dict[str, Make] = {
    "Registry": lambda name, opts: Registry(name, EVERYTHING, opts),
    "Repository": lambda name, opts: Repository(name, {"name": "api", "lifecycle": RULES, "access": ACCESS}, opts),
    "EncryptionKey": lambda name, opts: EncryptionKey(name, {}, opts),
    "LifecyclePolicy": lambda name, opts: LifecyclePolicy(name, {"repository": "api", "rules": RULES}, opts),
    "RepositoryPolicy": lambda name, opts: RepositoryPolicy(name, {"repository": "api", "access": ACCESS}, opts),
    "RegistryPolicy": lambda name, opts: RegistryPolicy(name, {"access": {"replication_from": ["111122223333"]}}, opts),
    "RegistryScanning": lambda name, opts: RegistryScanning(name, {"type": "ENHANCED"}, opts),
    "RegistrySigning": lambda name, opts: RegistrySigning(name, {"rules": [{"signing_profile_arn": PROFILE}]}, opts),
    "Budget": lambda name, opts: Budget(name, {"amount": 100, "email": ["team@example.com"]}, opts),
    "Replication": lambda name, opts: Replication(name, REPLICATION, opts),
    "CreationTemplate": lambda name, opts: CreationTemplate(
        name, {"region": "eu-west-1", "lifecycle": RULES, "access": ACCESS}, opts
    ),
    "AccountSettings": lambda name, opts: AccountSettings(
        name, {"blob_mounting": True, "pull_time_exclusions": ["role/scanner"]}, opts
    ),
    "Notifications": lambda name, opts: Notifications(
        name,
        {
            "environment": "prod",
            "findings": "HIGH",
            "email": ["a@example.com"],
            "slack": {"workspace": "T07EZ1ABC23", "channel": "C07EZ1ABC23"},
        },
        opts,
    ),
    "PublicRepository": lambda name, opts: PublicRepository(name, {"name": "base", "push": ["role/builder"]}, opts),
    "PullThroughCache": lambda name, opts: PullThroughCache(
        name,
        {"prefix": "hub", "upstream": "docker-hub", "credentials": {"username": "me", "access_token": "t"}},
        opts,
    ),
    "PipelineAccess": lambda name, opts: PipelineAccess(name, {**TRUST, "push": [ARN]}, opts),
    "PullAccess": lambda name, opts: PullAccess(name, {"roles": ["nodes"], "named_roles": {"theirs": "other"}}, opts),
}
NUMBER_OF_CHILDREN = {
    "Registry": 21,
    "AccountSettings": 2,
    "Notifications": 13,
    "PublicRepository": 2,
    "PullThroughCache": 3,
    "Repository": 3,
    "EncryptionKey": 2,
    "LifecyclePolicy": 1,
    "RepositoryPolicy": 1,
    "RegistryPolicy": 1,
    "RegistryScanning": 1,
    "RegistrySigning": 1,
    "Budget": 1,
    "Replication": 1,
    "CreationTemplate": 3,
    "PipelineAccess": 3,
    "PullAccess": 2,
}


@pytest.fixture(params=list(COMPONENTS))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def made_with(run: Run, kind: str, options: Callable[[], pulumi.ResourceOptions]) -> tuple[Monitor, list[Any]]:
    """What the monitor was asked for by a component with options: its AWS resources."""
    monitor = run(lambda: COMPONENTS[kind]("theirs", options()))
    children = [each for each in monitor.children() if f"ecr-stack:index:{kind}" in each.parent]
    assert len(children) == NUMBER_OF_CHILDREN[kind]
    return monitor, children


def test_every_component_is_in_the_table() -> None:
    import ecr_stack

    components = {
        name
        for name in ecr_stack.__all__
        if isinstance(getattr(ecr_stack, name), type) and issubclass(getattr(ecr_stack, name), pulumi.ComponentResource)
    }
    assert components == set(COMPONENTS)


def test_children_belong_to_their_component_wherever_it_is(run: Run, kind: str) -> None:
    def options() -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=pulumi.ComponentResource("their:index:Team", "team"))

    monitor, children = made_with(run, kind, options)
    for child in children:
        assert monitor.urn_of(child).split("::")[2].startswith(f"their:index:Team$ecr-stack:index:{kind}$")


def test_nothing_is_unprotected_of_its_own_accord(run: Run, kind: str) -> None:
    _, children = made_with(run, kind, pulumi.ResourceOptions)
    for child in children:
        assert not child.HasField("protect"), child.type


@pytest.mark.parametrize("given", [True, False])
def test_protection_reaches_every_child(run: Run, kind: str, given: bool) -> None:
    _, children = made_with(run, kind, lambda: pulumi.ResourceOptions(protect=given))
    for child in children:
        assert child.HasField("protect"), child.type
        assert child.protect is given, child.type


def test_a_protected_repository_stays_protected_in_an_unprotected_registry(run: Run) -> None:
    settings = {**EVERYTHING, "repositories": {"api": {"protect": True}}}
    monitor = run(lambda: Registry("theirs", settings, pulumi.ResourceOptions(protect=False)))
    protected = {each.type for each in monitor.children() if each.protect}
    assert protected == {"aws:ecr/repository:Repository", "aws:kms/key:Key"}


def test_what_a_component_depends_on_comes_before_every_child(run: Run, kind: str) -> None:
    def options() -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(depends_on=[aws.iam.Role("first", assume_role_policy="{}")])

    _, children = made_with(run, kind, options)
    for child in children:
        assert "urn:pulumi:staging::theirs::aws:iam/role:Role::first" in child.dependencies, child.type


def test_an_explicit_provider_makes_every_child_and_answers_every_question(run: Run, kind: str) -> None:
    def options() -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(provider=aws.Provider("other", region="ap-southeast-2"))

    _, children = made_with(run, kind, options)
    for child in children:
        assert child.provider.startswith("urn:pulumi:staging::theirs::pulumi:providers:aws::other::"), child.type


def test_two_providers_make_two_of_a_component_side_by_side(run: Run, kind: str) -> None:
    def program() -> None:
        for name in ("one", "two"):
            provider = aws.Provider(name, region="eu-central-1")
            COMPONENTS[kind](name, pulumi.ResourceOptions(provider=provider))

    monitor = run(program)
    made = {
        name: [c for c in monitor.children() if f"::pulumi:providers:aws::{name}::" in c.provider]
        for name in ("one", "two")
    }
    assert len(made["one"]) == len(made["two"]) == NUMBER_OF_CHILDREN[kind]
    urns = [monitor.urn_of(each) for each in monitor.requests if not each.type.startswith("pulumi:")]
    assert len(set(urns)) == len(urns)


def _aliases(monitor: Monitor, request: Any) -> set[str]:
    found = set()
    for alias in request.aliases:
        spec = alias.spec
        parent = spec.parentUrn or ("" if spec.noParent else request.parent)
        found.add(alias.urn or monitor.make_urn(parent, spec.type or request.type, spec.name or request.name))
    return found | set(request.aliasURNs)


@pytest.mark.parametrize(
    ("now", "aliases"),
    [
        ("new", [pulumi.Alias(name="old")]),
        ("new", ["urn:pulumi:staging::theirs::ecr-stack:index:{kind}::old"]),
    ],
    ids=["by name", "by URN"],
)
def test_a_former_name_of_a_component_finds_every_child(run: Run, kind: str, now: str, aliases: list[Any]) -> None:
    def named(name: str, opts: pulumi.ResourceOptions) -> Monitor:
        return run(lambda: COMPONENTS[kind](name, opts))

    before = named("old", pulumi.ResourceOptions())
    former = {before.urn_of(each) for each in before.requests if each.type.startswith(("aws:", "ecr-stack:"))}
    given = [each.format(kind=kind) if isinstance(each, str) else each for each in aliases]
    after = named(now, pulumi.ResourceOptions(aliases=given))
    found: set[str] = set()
    for each in after.requests:
        if each.type.startswith(("aws:", "ecr-stack:")):
            found |= _aliases(after, each)
    assert former <= found


@pytest.mark.parametrize("alias", ["old", "urn:pulumi:staging::theirs::ecr-stack:index:Repository::old"])
def test_a_former_name_in_the_settings_finds_the_repository(run: Run, alias: str) -> None:
    before = run(lambda: Repository("old", {"name": "api"}))
    after = run(lambda: Repository("new", {"name": "api", "aliases": [alias]}))
    former, now = (
        [each for each in each_run.requests if each.type.endswith("epository")] for each_run in (before, after)
    )
    assert [former_one.type for former_one in former] == ["ecr-stack:index:Repository", "aws:ecr/repository:Repository"]
    for old, new in zip(former, now, strict=True):
        assert before.urn_of(old) in _aliases(after, new)


def test_a_former_parent_of_a_component_finds_every_child(run: Run, kind: str) -> None:
    before = run(lambda: COMPONENTS[kind]("theirs", pulumi.ResourceOptions()))
    former = {before.urn_of(each) for each in before.requests if each.type.startswith(("aws:", "ecr-stack:"))}

    def moved() -> None:
        team = pulumi.ComponentResource("their:index:Team", "team")
        options = pulumi.ResourceOptions(parent=team, aliases=[pulumi.Alias(parent=pulumi.ROOT_STACK_RESOURCE)])
        COMPONENTS[kind]("theirs", options)

    after = run(moved)
    found: set[str] = set()
    for each in after.requests:
        if each.type.startswith(("aws:", "ecr-stack:")):
            found |= _aliases(after, each)
    assert former <= found


def test_retention_and_deletion_with_another_resource_are_left_to_the_engine_to_hand_down(run: Run, kind: str) -> None:
    def options() -> pulumi.ResourceOptions:
        first = aws.iam.Role("first", assume_role_policy="{}")
        return pulumi.ResourceOptions(retain_on_delete=True, deleted_with=first)

    monitor, children = made_with(run, kind, options)
    (component,) = [each for each in monitor.requests if each.type == f"ecr-stack:index:{kind}"]
    assert component.retainOnDelete
    assert component.deletedWith.endswith("aws:iam/role:Role::first")
    for child in children:
        assert not child.HasField("retainOnDelete"), child.type
        # a document goes with its repository, which is nearer
        assert child.deletedWith == "" or child.deletedWith.split("::")[2].endswith("repository:Repository")


def test_transforms_see_every_child(run: Run, kind: str) -> None:
    seen: list[str] = []

    def look(args: pulumi.ResourceTransformArgs) -> None:
        seen.append(args.type_)

    monitor, children = made_with(run, kind, lambda: pulumi.ResourceOptions(transforms=[look]))
    # the monitor of the mocks runs none; the component is registered with them, and the engine hands them down
    (component,) = [each for each in monitor.requests if each.type == f"ecr-stack:index:{kind}"]
    assert len(component.transforms) == 1
    assert children


def test_ignoring_changes_of_a_component_ignores_none_of_its_children(run: Run, kind: str) -> None:
    _, children = made_with(run, kind, lambda: pulumi.ResourceOptions(ignore_changes=["tags"]))
    for child in children:
        # a role keeps the name that it had in version 0.1.0
        own = ["name"] if child.type == "aws:iam/role:Role" and "CreationTemplate" in child.parent else []
        assert list(child.ignoreChanges) == own, child.type
