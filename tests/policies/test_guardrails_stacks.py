"""The pack as a whole: sound stacks, foreign resources, configuration, and how fast it is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from guarded import (
    Record,
    key,
    lifecycle,
    names,
    record,
    replication,
    repository,
    repository_policy,
    role,
    sound,
    statement,
)
from guardrails.check import violations
from guardrails.pack import POLICIES

from ecr_stack.schema.reasons import PROPOSED


def test_a_sound_production_stack_has_no_violation() -> None:
    assert violations(sound(), stack="prod") == []


def test_a_careless_production_stack_is_told_everything() -> None:
    careless = [
        record("aws:ecr/repository:Repository", protect=False, name="api", forceDelete=True),
        repository_policy(statement("*", "ecr:*")),
        record("aws:kms/key:Key", deletionWindowInDays=7, policy="{"),
        role(statement({"Federated": "arn:aws:iam::1:oidc-provider/x"}, "sts:AssumeRoleWithWebIdentity")),
    ]
    assert names(*careless) == {
        "every-repository-has-a-lifecycle-policy",
        "image-tags-in-production-are-immutable",
        "keys-in-production-wait-before-deletion",
        "keys-rotate",
        "nothing-crosses-to-those-who-are-not-trusted",
        "oidc-roles-trust-named-subjects",
        "policies-name-no-public-principal",
        "policies-name-no-wildcard-action",
        "repositories-and-keys-have-the-required-tags",
        "repositories-are-encrypted-with-a-customer-key",
        "repositories-are-scanned-on-push",
        "repositories-in-production-are-not-force-deleted",
        "repositories-in-production-are-protected",
        "repositories-in-production-are-replicated",
    }


@pytest.mark.parametrize(("stack", "repositories"), [("prod", 12), ("dev", 5)])
def test_the_shipped_stacks_pass(stack: str, repositories: int, request: pytest.FixtureRequest) -> None:
    report = request.getfixturevalue(stack)
    kinds = [each.type for each in report.resources]
    assert kinds.count("aws:ecr/repository:Repository") == repositories
    assert report.violations == []


def test_what_dev_allows_itself_would_be_violations_in_production(dev: Any) -> None:
    resources = [
        {
            "urn": each.urn,
            "type": each.type,
            "name": each.name,
            "inputs": dict(each.inputs),
            "outputs": dict(each.outputs),
            "options": dict(each.options),
        }
        for each in dev.resources
    ]
    config = {name: {"productionValues": ["dev", "*prod*", "*prd*", "live"]} for name in in_production_only()}
    found = {each["policy"] for each in violations(resources, stack="dev", config=config)}
    assert found == {
        "image-tags-in-production-are-immutable",
        "keys-in-production-wait-before-deletion",
        "repositories-in-production-are-not-force-deleted",
        "repositories-in-production-are-protected",
        "repositories-in-production-are-replicated",
    }


def in_production_only() -> list[str]:
    return [policy.name for policy in POLICIES if "productionValues" in policy.facts.config]


def test_resources_of_other_services_are_left_alone() -> None:
    others = [record("aws:s3/bucket:Bucket", policy="{"), record("random:index/randomId:RandomId", byteLength=8)]
    assert violations(others, stack="prod") == []


WEIRD: list[Any] = [None, 7, -1.5, True, "", "text", [], {}, [None], [[]], [7], {"a": None}, {"tags": 7}, ["x"]]
PROPERTIES = {
    "aws:ecr/repository:Repository": (
        "name", "tags", "tagsAll", "encryptionConfigurations", "imageScanningConfiguration", "imageTagMutability",
        "imageTagMutabilityExclusionFilters", "forceDelete", "region", "arn",
    ),
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": ("repository", "policy"),
    "aws:ecr/repositoryPolicy:RepositoryPolicy": ("repository", "policy"),
    "aws:ecr/registryScanningConfiguration:RegistryScanningConfiguration": ("rules", "scanType"),
    "aws:ecr/replicationConfiguration:ReplicationConfiguration": ("replicationConfiguration",),
    "aws:kms/key:Key": ("policy", "deletionWindowInDays", "enableKeyRotation", "rotationPeriodInDays", "arn"),
    "aws:iam/role:Role": ("assumeRolePolicy", "name"),
}  # fmt: skip


@pytest.mark.parametrize("kind", PROPERTIES, ids=lambda kind: kind.partition(":")[2])
def test_a_property_of_any_shape_never_ends_the_run(kind: str) -> None:
    for name in PROPERTIES[kind]:
        for value in WEIRD:
            strange = record(kind, "strange", **{name: value})
            for each in violations([strange, *sound()], stack="prod"):
                assert "failed" not in each["message"], (name, value, each)
                assert set(each) == {"policy", "level", "urn", "message"}
                assert each["level"] in {"mandatory", "advisory"}


def test_a_disabled_policy_says_nothing_and_a_level_can_be_changed() -> None:
    bare = repository(protect=False)
    name = "repositories-in-production-are-protected"

    def levels(config: dict[str, Any]) -> list[str]:
        return [each["level"] for each in violations([bare, *sound()[1:]], stack="prod", config=config)]

    assert levels({}) == ["mandatory"]
    advisory = {"enforcementLevel": "advisory", "reason": "decided by the platform team"}
    assert levels({name: advisory}) == ["advisory"]
    assert levels({name: {"enforcementLevel": "disabled", "reason": "The stack is torn down this week"}}) == []
    assert levels({"all": "mandatory", name: advisory}) == ["advisory"]


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"keys-rotat": "advisory"}, "Write keys-rotate."),
        ({"keys-rotate": "loud"}, "It must be one of advisory, mandatory, remediate, disabled"),
        ({"keys-rotate": 7}, "It must be a level"),
        ({"keys-rotate": {"maximumDay": 90}}, "Write maximumDays."),
        ({"keys-rotate": {"maximumDays": "90"}}, "It must be of type integer"),
        ({"keys-rotate": {"maximumDays": 7}}, "It must be from 90 to 2560"),
        ({"repositories-in-production-are-protected": {"productionValues": [7]}}, "It must be of type string"),
        ({"nothing-crosses-to-those-who-are-not-trusted": {"trustedAccounts": ["me"]}}, "It must match"),
        ({"keys-rotate": "disabled"}, "must come with a reason"),
        ({"keys-rotate": {"enforcementLevel": "disabled", "reason": ""}}, "must come with a reason"),
        ({"all": "disabled"}, "Relax each policy individually"),
        ({"all": "advisory"}, "Relax each policy individually"),
        ({"keys-rotate": "advisory"}, "must come with a reason"),
        ({"keys-rotate": {"enforcementLevel": "advisory", "reason": "…"}}, "must say why: this says nothing"),
        *(
            ({"keys-rotate": {"enforcementLevel": "advisory", "reason": text}}, "must say why: this is a placeholder")
            for text in (PROPOSED, "why, and until when", "<your reason>", "TODO: write this", "xxxxxxxx")
        ),
        ({"keys-rotate": {"enforcementLevel": "advisory", "reason": "OPS-1"}}, "at least 8 letters and digits"),
        ({"oidc-roles-trust-named-subjects": {"subjectKeys": ["sub", "aud"]}}, "must come with a reason"),
        ({"nothing-crosses-to-those-who-are-not-trusted": {"trustedIssuers": ["*"]}}, "It must match"),
        ({"nothing-crosses-to-those-who-are-not-trusted": {"trustedIssuers": ["*.com"]}}, "It must match"),
        ({"repositories-in-production-are-protected": {"productionTag": "Nothing"}}, "must come with a reason"),
        ({"repositories-are-not-replaced": {"standing": {"api": "KMS"}}}, "It must be of type object"),
        ([], "It must be an object"),
    ],
)
def test_a_wrong_configuration_is_a_message(config: Any, said: str) -> None:
    [found] = violations(sound(), stack="prod", config=config)
    assert said in found["message"]
    assert found["level"] == "mandatory"


def test_the_name_of_a_policy_is_its_sentence() -> None:
    assert len({policy.name for policy in POLICIES}) == len(POLICIES)
    for policy in POLICIES:
        assert policy.name.islower() and policy.name.count("-") >= 1
        assert policy.description.startswith(policy.facts.reason)
        assert policy.url and policy.url.startswith("https://")
        assert policy.remediation_steps and policy.severity and policy.framework
        schema = policy.config_schema.properties if policy.config_schema else {}
        assert all({"type", "default", "description"} <= set(each) for each in schema.values())


def test_each_of_many_repositories_is_judged_by_its_own_documents() -> None:
    many: list[Record] = [replication()]
    for number in range(100):
        name = f"service-{number}"
        owner = statement({"AWS": f"arn:aws:iam::123456789012:role/{name}"})
        many += [repository(name), lifecycle(name=name), repository_policy(owner, repository=name)]
    assert violations(many, stack="prod") == []


STACK_FILE = {
    "image-tags-in-production-are-immutable": "`ecr-stack:repositories.api.tagMutability`",
    "repositories-in-production-are-protected": "`ecr-stack:repositories.api.protect`",
    "repositories-in-production-are-not-force-deleted": "`ecr-stack:repositories.api.forceDelete`",
    "repositories-are-scanned-on-push": "`ecr-stack:repositories.api.scanOnPush`",
    "repositories-are-encrypted-with-a-customer-key": "`ecr-stack:encryption.type`",
    "repositories-in-production-are-replicated": "`ecr-stack:replication.rules`",
    "every-repository-has-a-lifecycle-policy": "`ecr-stack:repositories.api.lifecycle`",
    "repositories-and-keys-have-the-required-tags": "`ecr-stack:tags`",
}


def test_a_message_names_the_key_of_the_stack_file_that_made_the_resource() -> None:
    kind = "aws:ecr/repository:Repository"
    careless = record(kind, protect=False, name="api", forceDelete=True)
    careless["urn"] = f"urn:pulumi:prod::shop::ecr-stack:index:Registry$ecr-stack:index:Repository${kind}::prod-api"
    found = {each["policy"]: each["message"] for each in violations([careless], stack="prod")}
    assert found.keys() == STACK_FILE.keys()
    for policy, place in STACK_FILE.items():
        assert place in found[policy]
    somebody_elses = {
        each["policy"]: each["message"]
        for each in violations([record(kind, protect=False, name="api", forceDelete=True)], stack="prod")
    }
    assert found.keys() == somebody_elses.keys()
    assert not any("ecr-stack:" in message for message in somebody_elses.values())


@pytest.mark.parametrize(
    ("name", "key"), [("prod/team/api", "team/api"), ("prod/renamed", "web"), ("prod/unknown", "prod/unknown")]
)
def test_a_message_names_the_key_and_not_the_prefixed_name_in_ecr(name: str, key: str) -> None:
    kind = "aws:ecr/repository:Repository"
    careless = record(kind, protect=False, name=name)
    careless["urn"] = f"urn:pulumi:prod::shop::ecr-stack:index:Registry$ecr-stack:index:Repository${kind}::prod-{key}"
    config = {
        "ecr-stack:namePrefix": "prod/",
        "ecr-stack:repositories": '{"team/api": {}, "web": {"name": "renamed"}, "empty": ""}',
    }
    found = violations([careless], stack="prod", stack_config=config)
    (protect,) = (each for each in found if each["policy"] == "repositories-in-production-are-protected")
    assert f"`ecr-stack:repositories.{key}.protect`" in protect["message"]


def test_every_message_says_how_to_accept_it_with_a_reason_and_what_it_says_is_taken() -> None:
    any_image = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 1}
    rules = {"rules": [{"rulePriority": 1, "selection": any_image, "action": {"type": "expire"}}]}
    careless = [
        record("aws:ecr/repository:Repository", protect=False, name="api", forceDelete=True),
        record("aws:ecr/lifecyclePolicy:LifecyclePolicy", repository="api", policy=rules),
    ]
    for each in violations(careless, stack="prod"):
        before, _, written = each["message"].partition(
            "To accept this, give a reason in policies/config.json, in place of NAME and TICKET: `"
        )
        assert before and written.endswith("`.")
        proposed = written.removesuffix("`.")
        copied = violations(careless, stack="prod", config=json.loads(proposed))
        refused, *still = [now for now in copied if now["policy"] == each["policy"]]
        assert f"{each['policy']}.reason is '{PROPOSED}'" in refused["message"]
        assert "placeholder, to be replaced by your own words" in refused["message"]
        assert [now["level"] for now in still] == [each["level"]]
        own = proposed.replace("NAME", "Ann").replace("TICKET", "OPS-12")
        accepted = violations(careless, stack="prod", config=json.loads(own))
        levels = [now["level"] for now in accepted if now["policy"] == each["policy"]]
        assert levels == (["advisory"] if each["level"] == "mandatory" else [])


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.name)
def test_every_policy_about_what_a_stack_file_can_say_names_its_keys(policy: Any) -> None:
    for kind, text in policy.facts.stack_file.items():
        assert "`ecr-stack:" in text and text.endswith("."), kind


def test_a_configuration_with_a_mistake_relaxes_nothing() -> None:
    turned_off = {"enforcementLevel": "disabled", "reason": "KMS-12 is not done yet", "maximumDay": 90}
    found = violations([key(enableKeyRotation=False)], stack="prod", config={"keys-rotate": turned_off})
    assert [each["level"] for each in found if each["policy"] == "keys-rotate"] == ["mandatory", "mandatory"]
