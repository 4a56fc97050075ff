"""Values that come from other resources are accepted where they decide nothing, and checked as soon as they are known."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest
from foreign_program import Answers, Monitor, Run
from test_options import ACCESS, ARN, COMPONENTS, RULES, TRUST

from ecr_stack import (
    CreationTemplate,
    EncryptionKey,
    LifecyclePolicy,
    Notifications,
    PipelineAccess,
    PullAccess,
    Registry,
    RegistryPolicy,
    RegistryScanning,
    Replication,
    Repository,
    RepositoryPolicy,
)
from ecr_stack.components.component import InvalidArguments, unknown
from ecr_stack.model import Structural

KEY = "arn:aws:kms:us-east-1:123456789012:key/0a1b"
ROLE = "arn:aws:iam::111122223333:role/theirs"
SECRET = "4dabf18193072939515e22adb298388d"
"""The property of a secret on the wire."""

ARGUMENTS: dict[type, dict[str, Any]] = {
    Repository: {
        "name": "team/api",
        "tag_mutability": "IMMUTABLE_WITH_EXCLUSION",
        "mutable_tags": ["latest"],
        "scan_on_push": False,
        "force_delete": True,
        "encryption": {"key_arn": KEY},
        "lifecycle": RULES,
        "access": ACCESS,
        "tags": {"Team": "a"},
        "environment": "prod",
        "region": "us-east-1",
    },
    EncryptionKey: {"environment": "prod", "deletion_window_in_days": 7, "tags": {"Team": "a"}, "region": "us-east-1"},
    LifecyclePolicy: {"repository": "team/api", "rules": RULES, "region": "us-east-1"},
    RepositoryPolicy: {"repository": "team/api", "access": ACCESS, "region": "us-east-1"},
    RegistryPolicy: {"access": {"replication_from": ["111122223333"]}, "name_prefix": "team/", "region": "us-east-1"},
    RegistryScanning: {
        "type": "BASIC",
        "rules": [{"frequency": "SCAN_ON_PUSH", "filters": ["*"]}],
        "region": "us-east-1",
    },
    Replication: {
        "rules": [{"destinations": [{"region": "us-west-2"}], "repository_filters": ["team/"]}],
        "repositories": ["team/api"],
        "region": "us-east-1",
    },
    CreationTemplate: {
        "region": "us-west-2",
        "environment": "prod",
        "tag_mutability": "IMMUTABLE",
        "encryption": {"key_arn": KEY.replace("us-east-1", "us-west-2")},
        "lifecycle": RULES,
        "access": ACCESS,
        "tags": {"Team": "a"},
        "role_arn": "arn:aws:iam::123456789012:role/templates",
    },
    PipelineAccess: {
        **TRUST,
        "audience": "sts.amazonaws.com",
        "push": [ARN],
        "pull": [ARN],
        "provider_arn": "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com",
        "role_name": "pushers",
        "environment": "prod",
        "tags": {"Team": "a"},
    },
    PullAccess: {"named_roles": {"theirs": "nodes"}},
    Notifications: {
        "environment": "prod",
        "region": "us-east-1",
        "scans": True,
        "findings": "HIGH",
        "repositories": ["api-"],
        "name_prefix": "team/",
        "email": ["a@example.com"],
        "slack": {"workspace": "T07EZ1ABC23", "channel": "C07EZ1ABC23"},
        "slack_topic_arns": ["arn:aws:sns:us-west-2:123456789012:prod-ecr-notifications"],
        "key_arn": KEY,
        "tags": {"Team": "a"},
    },
    Registry: {
        "environment": "prod",
        "region": "us-east-1",
        "tags": {"Team": "a"},
        "encryption": {"key_arn": KEY},
        "repository_defaults": {"lifecycle": RULES, "access": ACCESS, "scan_on_push": True},
        "repositories": {"api": {"access": {"pull": ["role/nodes"], "push": [ROLE]}, "tags": {"Tier": "b"}}},
        "registry_access": {"replication_from": ["111122223333"]},
        "scanning": {"type": "BASIC", "rules": [{"frequency": "SCAN_ON_PUSH", "filters": ["*"]}]},
        "pipelines": {"main": {**TRUST, "role_name": "pushers"}},
        "replication": {"rules": [{"destinations": [{"region": "us-west-2"}], "repository_filters": ["api"]}]},
        "tag_schemes": [{"name": "all", "tag_patterns": ["*"]}],
    },
}


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in arguments at which an Output could be: the value, its entries, and so on."""
    inner: list[tuple[Any, ...]] = []
    if isinstance(value, dict):
        inner = [place for key, item in value.items() for place in places(item, (*at, key))]
    elif isinstance(value, list):
        inner = [place for index, item in enumerate(value) for place in places(item, (*at, index))]
    return [*([at] if at else []), *inner]


def replaced(value: Any, at: tuple[Any, ...], make: Callable[[Any], Any]) -> Any:
    if not at:
        return make(value)
    if isinstance(value, dict):
        return {key: replaced(item, at[1:], make) if key == at[0] else item for key, item in value.items()}
    return [replaced(item, at[1:], make) if index == at[0] else item for index, item in enumerate(value)]


EVERY_PLACE = [
    pytest.param(component, place, id=f"{component.__name__}-{'.'.join(map(str, place))}")
    for component, arguments in ARGUMENTS.items()
    for place in places(arguments)
]
STRUCTURAL = "decides which resources exist"


def inputs(monitor: Monitor) -> dict[str, Any]:
    return {monitor.urn_of(each): monitor.inputs(each) for each in monitor.children()}


@pytest.mark.parametrize(("component", "place"), EVERY_PLACE)
def test_an_output_makes_what_its_value_makes_or_is_refused_as_structural(
    run: Run, component: Any, place: tuple[Any, ...]
) -> None:
    plain = inputs(run(lambda: component("theirs", ARGUMENTS[component])))
    given = replaced(ARGUMENTS[component], place, pulumi.Output.from_input)
    try:
        made = run(lambda: component("theirs", given))
    except InvalidArguments as error:
        assert STRUCTURAL in str(error), str(error)
        return
    assert inputs(made) == plain


@pytest.mark.parametrize(("component", "place"), EVERY_PLACE)
def test_an_unknown_value_can_be_previewed_or_is_refused_as_structural(
    run: Run, component: Any, place: tuple[Any, ...]
) -> None:
    plain = inputs(run(lambda: component("theirs", ARGUMENTS[component])))
    given = replaced(ARGUMENTS[component], place, lambda _: unknown())
    try:
        made = run(lambda: component("theirs", given), preview=True)
    except InvalidArguments as error:
        assert STRUCTURAL in str(error), str(error)
        return
    assert set(inputs(made)) == set(plain)


@pytest.mark.parametrize(("component", "place"), EVERY_PLACE)
def test_an_awaitable_is_taken_like_an_output(run: Run, component: Any, place: tuple[Any, ...]) -> None:
    async def later(value: Any) -> Any:
        return value

    plain = inputs(run(lambda: component("theirs", ARGUMENTS[component])))
    given = replaced(ARGUMENTS[component], place, lambda value: asyncio.ensure_future(later(value)))
    try:
        made = run(lambda: component("theirs", given))
    except InvalidArguments as error:
        assert STRUCTURAL in str(error), str(error)
        return
    assert inputs(made) == plain


@pytest.mark.parametrize(
    ("component", "place", "type_", "name"),
    [
        (Repository, ("tags", "Team"), "aws:ecr/repository:Repository", "tags"),
        (Repository, ("access", "pull", 0), "aws:ecr/repositoryPolicy:RepositoryPolicy", "policy"),
        (Repository, ("lifecycle", 0, "keep_last"), "aws:ecr/lifecyclePolicy:LifecyclePolicy", "policy"),
        (Repository, ("encryption", "key_arn"), "aws:ecr/repository:Repository", "encryptionConfigurations"),
        (PipelineAccess, ("repositories", 0, "branches", 0), "aws:iam/role:Role", "assumeRolePolicy"),
        (
            CreationTemplate,
            ("role_arn",),
            "aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate",
            "customRoleArn",
        ),
    ],
)
def test_a_secret_stays_one(run: Run, component: Any, place: tuple[Any, ...], type_: str, name: str) -> None:
    given = replaced(ARGUMENTS[component], place, pulumi.Output.secret)
    made = run(lambda: component("theirs", given)).one(type_)
    assert SECRET in json.dumps(made[name])


BAD: list[tuple[Any, tuple[Any, ...], Any]] = [
    (Repository, ("name",), "API"),
    (Repository, ("tag_mutability",), "FROZEN"),
    (Repository, ("mutable_tags", 0), "a*b*c*"),
    (Repository, ("encryption", "key_arn"), "alias/prod"),
    (Repository, ("access", "pull", 0), "arn:aws:iam::1:role/x"),
    (Repository, ("access", "pull"), ["nobody at all"]),
    (Repository, ("lifecycle", 0, "keep_last"), 0),
    (Repository, ("lifecycle", 0), {"any": True}),
    (Repository, ("environment",), "Prod!"),
    (Repository, ("tags", "Team"), "x" * 300),
    (EncryptionKey, ("deletion_window_in_days",), 3),
    (LifecyclePolicy, ("repository",), "API"),
    (LifecyclePolicy, ("rules",), []),
    (RepositoryPolicy, ("access", "pull", 0), "nobody at all"),
    (RegistryPolicy, ("access", "replication_from", 0), "12"),
    (RegistryScanning, ("rules", 0, "frequency"), "SOMETIMES"),
    (CreationTemplate, ("tag_mutability",), "FROZEN"),
    (PipelineAccess, ("repositories", 0, "repository"), "octo-org/*"),
    (PipelineAccess, ("role_name",), "role/x"),
    (PipelineAccess, ("provider_arn",), "token.actions.githubusercontent.com"),
    (Registry, ("repositories", "api", "access", "push", 0), "nobody at all"),
    (Registry, ("repository_defaults", "lifecycle", 0, "keep_last"), 0),
    (Registry, ("repositories", "api", "access", "pull", 0), "nobody at all"),
]


@pytest.mark.parametrize(
    ("component", "place", "value"), BAD, ids=[f"{c.__name__}-{'.'.join(map(str, p))}" for c, p, _ in BAD]
)
def test_a_mistake_in_an_output_is_told_as_in_a_plain_value(
    run: Run, component: Any, place: tuple[Any, ...], value: Any
) -> None:
    def message(make: Callable[[Any], Any]) -> str:
        with pytest.raises(InvalidArguments) as caught:
            run(lambda: component("theirs", replaced(ARGUMENTS[component], place, make)))
        return str(caught.value)

    told = message(lambda _: value)
    later = message(lambda _: pulumi.Output.from_input(value))
    head = told.splitlines()[2:5]
    assert later.splitlines()[0].startswith(told.splitlines()[0].partition(":")[0])
    assert head == later.splitlines()[2:5]


def test_places_in_messages_count_the_values_that_are_not_known(run: Run) -> None:
    given: Any = {"access": {"pull": [unknown(), "nobody at all"]}}
    with pytest.raises(InvalidArguments, match=r"access\.pull\[1\]"):
        run(lambda: Repository("api", given), preview=True)


def test_an_account_that_the_provider_does_not_tell_is_left_open_in_a_preview(run: Run) -> None:
    for name in COMPONENTS:

        def one(name: str = name) -> None:
            role = aws.iam.Role("deployer", assume_role_policy="{}")
            assumed = aws.ProviderAssumeRoleArgs(role_arn=role.arn)
            provider = aws.Provider("theirs", region="us-east-1", assume_roles=[assumed])
            COMPONENTS[name]("theirs", pulumi.ResourceOptions(provider=provider))

        for preview in (True, False):
            made = run(one, preview=preview, answer={})
            assert made.children()


def test_arns_that_tests_of_other_people_make_up_pass_between_components(run: Run) -> None:
    def program() -> None:
        key = EncryptionKey("key")
        repository = Repository("api", {"encryption": {"key_arn": key.key_arn}, "lifecycle": RULES})
        PipelineAccess("ci", {**TRUST, "push": [repository.arn]})

    for arn in ("arn:aws:x:y", None):

        class Made(Answers):
            def new_resource(self, args: Any, arn: Any = arn) -> Any:
                return f"{args.name}-id", {**args.inputs, **({"arn": arn} if arn else {})}

        made = run(program, answers=Made)
        assert made.children()


def test_structural_is_said_of_few_arguments() -> None:
    """What decides which resources exist; everything else takes an Output."""
    structural = {
        f"{component.__name__}.{name}"
        for component in ARGUMENTS
        for name, field in component.ARGUMENTS.model_fields.items()
        if Structural in field.metadata
    }
    assert structural == {
        "CreationTemplate.import_existing",
        "CreationTemplate.prefix",
        "CreationTemplate.protect",
        "CreationTemplate.applied_for",
        "EncryptionKey.multi_region",
        "EncryptionKey.protect",
        "Notifications.archives",
        "Notifications.deletions",
        "Notifications.email",
        "Notifications.findings",
        "Notifications.https",
        "Notifications.pull_through_failures",
        "Notifications.pushes",
        "Notifications.replicated",
        "Notifications.replications",
        "Notifications.scans",
        "Notifications.slack",
        "Notifications.slack_topic_arns",
        "PipelineAccess.platform",
        "PullAccess.named_roles",
        "PullAccess.policy",
        "PullAccess.roles",
        "Registry.budget",
        "Registry.encryption",
        "Registry.lifecycle_guard",
        "Registry.nodes",
        "Registry.notifications",
        "Registry.pipelines",
        "Registry.signing",
        "Registry.creation_templates",
        "Registry.profiles",
        "Registry.public_repositories",
        "Registry.pull_through_cache",
        "Registry.registry_access",
        "Registry.replication",
        "Registry.repositories",
        "Registry.repository_defaults",
        "Registry.scanning",
        "Replication.creation_template",
        "Replication.rules",
        "Repository.aliases",
        "Repository.import_existing",
        "Repository.profile",
        "Repository.protect",
    }
