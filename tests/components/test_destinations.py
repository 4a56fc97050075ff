"""Destinations of replication: the repositories, keys, policies and templates there, and what arrives in them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_stack.embedded_aws import EmbeddedAws
from ecr_stack.errors import EcrStackError, InvalidInput
from ecr_stack.rehearsal import Report, rehearse
from ecr_stack.schema.checks import template_role_name
from ecr_stack.schema.replica_templates import ROOT, plan_templates, template_of
from ecr_stack.schema.replication import ReplicationSettings, replication_problems
from tests.conftest import PROJECT

Make = Callable[[dict[str, Any]], Path]

BASE: dict[str, Any] = {
    "aws:region": "us-east-1",
    "ecr-stack:environment": "test",
    "ecr-stack:encryption": {"type": "KMS"},
}
LIFECYCLE = [{"description": "a day", "untagged": True, "expireAfterDays": 1}]
REPOSITORY = "aws:ecr/repository:Repository"
TEMPLATE = "aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate"


@pytest.fixture
def aws() -> Iterator[EmbeddedAws]:
    with EmbeddedAws() as embedded:
        yield embedded


def config(repositories: dict[str, Any], *rules: dict[str, Any], **more: Any) -> dict[str, Any]:
    own = {f"ecr-stack:{name}": value for name, value in more.items()}
    return {**BASE, "ecr-stack:repositories": repositories, "ecr-stack:replication": {"rules": list(rules)}, **own}


def to(region: str, *filters: str, **destination: Any) -> dict[str, Any]:
    rule: dict[str, Any] = {"destinations": [{"region": region, **destination}]}
    return {**rule, "repositoryFilters": list(filters)} if filters else rule


def of(report: Report, type_: str, region: str) -> dict[str, dict[str, Any]]:
    return {
        each.name: each.outputs
        for each in report.resources
        if (each.type, each.outputs.get("region")) == (type_, region)
    }


def described(aws: EmbeddedAws, region: str, name: str) -> dict[str, Any]:
    answer = aws.call("ecr", "DescribeRepositories", {"repositoryNames": [name]}, region)
    return dict(answer["repositories"][0])


def test_an_image_that_is_pushed_to_prod_is_in_europe_under_the_right_key_lifecycle_and_policy(
    aws: EmbeddedAws,
) -> None:
    report = rehearse("prod", PROJECT, aws=aws)
    digest = aws.push_image("api-gateway", "v1")
    aws.push_image("order-service", "v1")
    found = aws.call("ecr", "DescribeImages", {"repositoryName": "api-gateway"}, "eu-west-1")["imageDetails"]
    assert [(image["imageDigest"], image["imageTags"]) for image in found] == [(digest, ["v1"])]
    (key,) = of(report, "aws:kms/key:Key", "eu-west-1").values()
    here = described(aws, "eu-west-1", "api-gateway")
    assert here["encryptionConfiguration"] == {"encryptionType": "KMS", "kmsKey": key["arn"]}
    assert here["imageTagMutability"] == "IMMUTABLE_WITH_EXCLUSION"
    for operation, text in (("GetLifecyclePolicy", "lifecyclePolicyText"), ("GetRepositoryPolicy", "policyText")):
        there, home = (
            json.loads(aws.call("ecr", operation, {"repositoryName": "api-gateway"}, region)[text])
            for region in ("eu-west-1", "us-east-1")
        )
        assert there == home
    names = aws.call("ecr", "DescribeRepositories", {}, "eu-west-1")["repositories"]
    assert {each["repositoryName"] for each in names} == {"api-gateway", "auth-service"}
    assert described(aws, "us-west-2", "order-service")["encryptionConfiguration"]["kmsKey"] != key["arn"]


def test_each_replica_has_the_settings_of_its_own_repository(project: Make, aws: EmbeddedAws) -> None:
    repositories = {
        "api": {"tagMutability": "IMMUTABLE", "lifecycle": [{"description": "500", "any": True, "keepLast": 500}]},
        "web": {"encryption": {"type": "AES256"}, "tags": {"Tier": "edge"}, "scanOnPush": False, "protect": True},
    }
    defaults = {"lifecycle": [{"description": "10", "any": True, "keepLast": 10}]}
    report = rehearse("test", project(config(repositories, to("us-west-2"), repositoryDefaults=defaults)), aws=aws)
    made = of(report, REPOSITORY, "us-west-2")
    assert set(made) == {"test-api@us-west-2", "test-web@us-west-2"}
    api, web = described(aws, "us-west-2", "api"), described(aws, "us-west-2", "web")
    assert (api["imageTagMutability"], api["encryptionConfiguration"]["encryptionType"]) == ("IMMUTABLE", "KMS")
    assert (web["imageTagMutability"], web["encryptionConfiguration"]["encryptionType"]) == ("MUTABLE", "AES256")
    assert web["imageScanningConfiguration"] == {"scanOnPush": False}
    assert made["test-web@us-west-2"]["tags"]["Tier"] == "edge"
    policy = aws.call("ecr", "GetLifecyclePolicy", {"repositoryName": "api"}, "us-west-2")["lifecyclePolicyText"]
    assert json.loads(policy)["rules"][0]["selection"]["countNumber"] == 500
    (web_resource,) = (
        each for each in report.resources if each.name == "test-web@us-west-2" and each.type == REPOSITORY
    )
    assert web_resource.options["protect"] is True


def test_only_what_a_rule_replicates_is_in_a_destination(project: Make) -> None:
    report = rehearse("test", project(config({"api-a": {}, "web": {}}, to("us-west-2", "api-"))))
    assert set(report.outputs["replicas"]["us-west-2"]) == {"api-a"}
    assert set(of(report, REPOSITORY, "us-west-2")) == {"test-api-a@us-west-2"}


def test_a_destination_by_this_account_s_own_id_is_complete_as_well(project: Make) -> None:
    report = rehearse("test", project(config({"api": {}}, to("us-west-2", registryId="123456789012"))))
    # whose account it is, is known when the program runs only
    assert set(of(report, REPOSITORY, "us-west-2")) == {"test-api@us-west-2"}


def test_a_function_of_another_region_is_not_granted_anything(project: Make) -> None:
    functions = ["arn:aws:lambda:us-east-1:123456789012:function:f", "arn:aws:lambda:*:123456789012:function:g"]
    report = rehearse(
        "test",
        project(
            config(
                {"api": {"access": {"lambda": functions}}, "web": {"access": {"lambda": functions[:1]}}},
                to("us-west-2"),
            )
        ),
    )
    policies = of(report, "aws:ecr/repositoryPolicy:RepositoryPolicy", "us-west-2")
    assert set(policies) == {"test-api@us-west-2"}
    assert functions[1] in policies["test-api@us-west-2"]["policy"]
    assert functions[0] not in policies["test-api@us-west-2"]["policy"]


def test_a_multi_region_key_has_a_replica_in_each_destination(project: Make, aws: EmbeddedAws) -> None:
    settings = config({"api": {}}, to("us-west-2"), encryption={"type": "KMS", "multiRegion": True})
    report = rehearse("test", project(settings), aws=aws)
    (primary,) = of(report, "aws:kms/key:Key", "us-east-1").values()
    (replica,) = of(report, "aws:kms/replicaKey:ReplicaKey", "us-west-2").values()
    assert not of(report, "aws:kms/key:Key", "us-west-2")
    assert replica["keyId"] == primary["keyId"] and replica["keyId"].startswith("mrk-")
    assert replica["tags"]["Name"] == "test-ecr-key"
    assert described(aws, "us-west-2", "api")["encryptionConfiguration"]["kmsKey"] == replica["arn"]
    assert report.violations == []


def test_an_existing_key_of_a_destination_is_used(project: Make) -> None:
    arn = "arn:aws:kms:us-west-2:123456789012:key/0a1b"
    report = rehearse("test", project(config({"api": {}}, to("us-west-2", keyArn=arn))))
    assert not of(report, "aws:kms/key:Key", "us-west-2")
    (repository,) = of(report, REPOSITORY, "us-west-2").values()
    assert repository["encryptionConfigurations"] == [{"encryptionType": "KMS", "kmsKey": arn}]


def test_the_registry_policy_and_the_scanning_of_a_destination_are_those_of_home(project: Make) -> None:
    settings = config(
        {"api": {}},
        to("us-west-2"),
        registryAccess={"accounts": ["111122223333"]},
        scanning={"type": "BASIC", "rules": [{"frequency": "SCAN_ON_PUSH", "filters": ["*"]}]},
    )
    report = rehearse("test", project(settings))
    (policy,) = of(report, "aws:ecr/registryPolicy:RegistryPolicy", "us-west-2").values()
    assert json.loads(policy["policy"])["Statement"][0]["Resource"] == [
        "arn:aws:ecr:us-west-2:123456789012:repository/*"
    ]
    assert of(report, "aws:ecr/registryScanningConfiguration:RegistryScanningConfiguration", "us-west-2")


def test_replicas_that_ecr_has_made_already_are_adopted_as_they_are(project: Make, aws: EmbeddedAws) -> None:
    aws.call(
        "ecr", "CreateRepository", {"repositoryName": "api", "tags": [{"Key": "Whose", "Value": "ecr"}]}, "us-west-2"
    )
    settings = config({"api": {"tagMutability": "IMMUTABLE"}}, to("us-west-2", **{"import": ["api"]}))
    report = rehearse("test", project(settings), aws=aws)
    (replica,) = (each for each in report.resources if each.name == "test-api@us-west-2" and each.type == REPOSITORY)
    assert replica.options["import"] == "api@us-west-2"
    assert described(aws, "us-west-2", "api")["imageTagMutability"] == "MUTABLE"


def test_the_lifecycle_guard_looks_at_every_region(project: Make, aws: EmbeddedAws) -> None:
    settings = config({"api": {"lifecycle": LIFECYCLE}}, to("us-west-2"), lifecycleGuard={"maxExpire": 1})
    report = rehearse("test", project(settings), aws=aws)
    kind = "ecr-stack:index:Repository"
    limits = {each.name: each.outputs["lifecycleGuard"] for each in report.resources if each.type == kind}
    assert limits == {"test-api": {"maxExpire": 1}, "test-api@us-west-2": {"maxExpire": 1}}


# --- templates


def templates(report: Report, region: str = "us-west-2") -> dict[str, dict[str, Any]]:
    return {each["prefix"]: each for each in of(report, TEMPLATE, region).values()}


def test_templates_give_each_namespace_its_own_settings(project: Make, aws: EmbeddedAws) -> None:
    repositories = {
        "team/api": {"tagMutability": "IMMUTABLE"},
        "team/db": {"tagMutability": "IMMUTABLE"},
        "tools/ci": {"encryption": {"type": "AES256"}},
        "web": {},
    }
    report = rehearse("test", project(config(repositories, to("us-west-2", replicas="template"))), aws=aws)
    assert report.outputs["replicas"]["us-west-2"] == {
        "team/api": "template team",
        "team/db": "template team",
        "tools/ci": "template tools",
        "web": "template ROOT",
    }
    for name in repositories:
        aws.push_image(name, "v1")
    made = {name: described(aws, "us-west-2", name) for name in repositories}
    assert {name: each["imageTagMutability"] for name, each in made.items()} == {
        "team/api": "IMMUTABLE",
        "team/db": "IMMUTABLE",
        "tools/ci": "MUTABLE",
        "web": "MUTABLE",
    }
    assert {name: each["encryptionConfiguration"]["encryptionType"] for name, each in made.items()} == {
        "team/api": "KMS",
        "team/db": "KMS",
        "tools/ci": "AES256",
        "web": "KMS",
    }
    assert len([each for each in report.resources if each.type == "aws:iam/role:Role"]) == 1


def test_a_template_waits_until_its_role_is_allowed_to_work(project: Make) -> None:
    made = rehearse("test", project(config({"api": {}}, to("us-west-2", replicas="template"))))
    (template,) = [each for each in made.resources if each.type == TEMPLATE]
    permissions = {each.urn for each in made.resources if each.type == "aws:iam/rolePolicy:RolePolicy"}
    assert permissions & set(template.dependencies)


def test_a_key_is_protected_as_soon_as_one_repository_is(project: Make) -> None:
    def protected(*flags: bool) -> list[bool]:
        repositories = {f"r{number}": {"protect": flag} for number, flag in enumerate(flags)}
        made = rehearse("test", project(config(repositories)))
        return [each.options["protect"] for each in made.resources if each.type == "aws:kms/key:Key"]

    assert protected(False, True) == protected(True, False) == [True]
    assert protected(False, False) == [False]


def test_the_role_may_use_the_keys_of_every_template_that_it_is_for(project: Make) -> None:
    other = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
    kms = {"type": "KMS"}
    made_here = {
        "ROOT": {"appliedFor": ["CREATE_ON_PUSH"], "encryption": {"type": "AES256"}},
        "own": {"appliedFor": ["CREATE_ON_PUSH"], "encryption": {**kms, "keyArn": other}},
        "team": {"appliedFor": ["CREATE_ON_PUSH"], "encryption": kms},
    }
    repositories = {"web": {}, "team/api": {"encryption": kms}}
    settings = config(repositories, to("us-west-2", replicas="template"), creationTemplates=made_here)
    report = rehearse("test", project({**settings, "ecr-stack:encryption": {"type": "AES256"}}))
    keys = {
        region: {each["encryptionConfigurations"][0].get("kmsKey") for each in templates(report, region).values()}
        - {None, ""}
        for region in ("us-east-1", "us-west-2")
    }
    assert (len(keys["us-east-1"]), len(keys["us-west-2"])) == (2, 1)
    granted = []
    for each in report.resources:
        if each.type == "aws:iam/rolePolicy:RolePolicy":
            statements = json.loads(each.outputs["policy"])["Statement"]
            (named,) = [each["Resource"] for each in statements if "kms:CreateGrant" in each["Action"]]
            granted.append({named} if isinstance(named, str) else set(named))
    assert sorted(granted, key=len) == [keys["us-west-2"], keys["us-east-1"]]


def test_what_one_template_would_have_to_tell_apart_is_refused(project: Make) -> None:
    repositories = {"team/api": {"tagMutability": "IMMUTABLE"}, "team/db": {}}
    with pytest.raises(InvalidInput) as caught:
        rehearse("test", project(config(repositories, to("us-west-2", replicas="template"))))
    (problem,) = caught.value.problems
    assert problem.place == "ecr-stack:replication.rules[0].destinations[0].replicas"
    assert "`team/api` and `team/db`" in problem.rule
    assert "`tagMutability`" in problem.rule


def test_templates_are_for_what_is_replicated_only(project: Make) -> None:
    settings = config({"team/api": {}, "web": {}}, to("us-west-2", "team/", replicas="template"))
    report = rehearse("test", project(settings))
    assert set(templates(report)) == {"team"}


def test_a_stack_of_0_1_0_keeps_the_names_of_its_template_key_and_role(project: Make) -> None:
    settings = config({"api": {}, "web": {}}, to("us-west-2"))
    settings["ecr-stack:replication"]["creationTemplate"] = True
    report = rehearse("test", project(settings))
    names = {(each.type.rpartition(":")[2], each.name) for each in report.resources}
    assert {
        ("CreationTemplate", "test-us-west-2"),
        ("EncryptionKey", "test-us-west-2"),
        ("RepositoryCreationTemplate", "test-us-west-2"),
        ("Role", "test-us-west-2"),
        ("RolePolicy", "test-us-west-2"),
        ("Key", "test-us-west-2"),
        ("Alias", "test-us-west-2"),
    } <= names
    (role,) = (each for each in report.resources if each.type == "aws:iam/role:Role")
    assert role.outputs["name"] == "test-ecr-template-us-west-2"
    assert not of(report, REPOSITORY, "us-west-2")


def test_two_layers_of_encryption_stay_two_layers_in_a_template(project: Make) -> None:
    settings = config({"api": {}}, to("us-gov-east-1", replicas="template"), encryption={"type": "KMS_DSSE"})
    report = rehearse("test", project({**settings, "aws:region": "us-gov-west-1"}))
    (template,) = templates(report, "us-gov-east-1").values()
    assert template["encryptionConfigurations"][0]["encryptionType"] == "KMS_DSSE"


def test_registries_of_one_environment_have_roles_of_their_own() -> None:
    names = {template_role_name("prod", "us-west-2", registry) for registry in ("prod", "payments", "search")}
    assert len(names) == 3
    assert template_role_name("prod", "us-west-2", "prod") == "prod-ecr-template-us-west-2"
    assert len(template_role_name("e" * 32, "ap-southeast-2", "registry" * 20)) <= 64


_NAMES = st.lists(
    st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=3).map("/".join), unique=True, max_size=8
)


@given(_NAMES, st.data())
def test_a_plan_of_templates_is_exact_and_has_no_idle_template(names: list[str], data: st.DataObject) -> None:
    wanted = {name: data.draw(st.integers(0, 1)) for name in names}
    rest = data.draw(st.none() | st.integers(0, 1))
    plan = plan_templates(wanted, rest)
    differing = {
        namespace
        for namespace in {name.rpartition("/")[0] or ROOT for name in names}
        if len({wanted[name] for name in names if (name.rpartition("/")[0] or ROOT) == namespace}) > 1
    }
    assert set(plan.conflicts) == differing
    used = {template_of(name, plan.templates) for name in names}
    assert set(plan.templates) - used <= ({ROOT} if rest is not None else set())
    for name in names:
        if (name.rpartition("/")[0] or ROOT) not in differing:
            prefix = template_of(name, plan.templates)
            assert prefix is not None
            assert plan.templates[prefix] == wanted[name]


# --- mistakes


@pytest.mark.parametrize(
    ("rules", "more", "place", "words"),
    [
        (
            [to("us-west-2", keyArn="arn:aws:kms:eu-west-1:123456789012:key/a")],
            {},
            "rules[0].destinations[0].keyArn",
            "the destination's Region, us-west-2",
        ),
        (
            [to("us-west-2", replicas="managed"), to("us-west-2", "ap", replicas="template")],
            {},
            "rules[1].destinations[0].replicas",
            "different settings for the same destination",
        ),
        (
            [to("us-west-2", registryId="111122223333", replicas="managed")],
            {},
            "rules[0].destinations[0].replicas",
            "cannot create anything in account 111122223333",
        ),
        (
            [to("us-west-2", replicas="template", **{"import": ["api"]})],
            {},
            "rules[0].destinations[0].import",
            "only managed repositories",
        ),
        (
            [to("us-west-2", **{"import": ["ghost"]})],
            {},
            "rules[0].destinations[0].import",
            "does not replicate a repository",
        ),
        ([to("us-west-2", replicas="mangaed")], {}, "rules[0].destinations[0].replicas", "must be one of"),
    ],
)
def test_a_destination_that_cannot_be_is_refused(
    project: Make, rules: list[Any], more: dict[str, Any], place: str, words: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        rehearse("test", project(config({"api": {}}, *rules, **more)))
    problem = next(each for each in caught.value.problems if each.place.endswith(place))
    assert words in problem.rule


def test_a_key_that_is_not_multi_region_has_no_replicas(project: Make) -> None:
    encryption = {"type": "KMS", "keyArn": "arn:aws:kms:us-east-1:123456789012:key/0a1b", "multiRegion": True}
    with pytest.raises(EcrStackError, match="not a multi-Region key"):
        rehearse("test", project(config({"api": {}}, to("us-west-2"), encryption=encryption)))


def test_a_registry_does_not_replicate_to_itself_by_its_own_account_s_id() -> None:
    def told(**destination: Any) -> list[str]:
        settings = ReplicationSettings.model_validate({"rules": [{"destinations": [destination]}]})
        return [each.rule for each in replication_problems(settings, [], "us-east-1", "123456789012")]

    assert told(region="us-east-1", registryId="123456789012") == ["a registry cannot replicate to itself"]
    assert told(region="us-east-1") == ["a registry cannot replicate to itself"]
    assert told(region="us-east-1", registryId="999999999999") == []
