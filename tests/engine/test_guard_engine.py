"""The lifecycle guard on the engine: it stops what would lose images, and what it cannot know."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pulumi_engine import Engine, plain

KEEP_ALL = [{"any": True, "keepLast": 100}]
KEEP_TWO = [{"any": True, "keepLast": 2}]
ARCHIVE = [{"any": True, "archiveAfterDays": 1}]


def images(engine: Engine, number: int = 5) -> None:
    engine.aws.seed_images(
        "api",
        [
            {
                "imageDigest": f"sha256:{index:064x}",
                "imageTags": [f"v{index}"],
                "imagePushedAt": f"2026-01-0{index}T00:00:00Z",
                "imageSizeInBytes": 1000,
            }
            for index in range(1, number + 1)
        ],
    )


def rules(engine: Engine) -> list[dict[str, Any]]:
    text = engine.aws.call("ecr", "GetLifecyclePolicy", {"repositoryName": "api"})["lifecyclePolicyText"]
    return list(json.loads(text)["rules"])


def guarded(engine: Engine, lifecycle: Any, **guard: Any) -> None:
    engine.configure("test", plain(repositoryDefaults={"lifecycle": lifecycle}, lifecycleGuard=guard))


@pytest.fixture
def standing_guard(engine: Engine) -> Engine:
    """A repository with five images, all of which its lifecycle keeps."""
    engine.stack("test", plain())
    guarded(engine, KEEP_ALL, maxExpire=1)
    engine.up()
    images(engine)
    return engine


def stopped(engine: Engine, *words: str) -> None:
    for command in (("preview",), ("up", "--yes", "--skip-preview")):
        answer = engine(*command, code=-1)
        for word in words:
            assert word in answer.said, answer.said
    assert rules(engine)[0]["selection"]["countNumber"] == 100


def test_a_new_repository_passes(engine: Engine) -> None:
    engine.stack("test", plain())
    guarded(engine, KEEP_TWO, maxExpire=0)
    engine("preview")
    engine.up()
    engine.up("--expect-no-changes")


def test_a_change_that_would_expire_too_many_is_stopped_in_the_preview_and_in_the_update(
    standing_guard: Engine,
) -> None:
    guarded(standing_guard, KEEP_TWO, maxExpire=1)
    stopped(standing_guard, "up to 3 of 5 images would expire", "nothing was changed", "overrides")


def test_an_override_with_its_reason_lets_a_change_pass(standing_guard: Engine) -> None:
    override = {"api": {"maxExpire": 3, "maxExpirePercent": 100, "reason": "old releases are gone"}}
    guarded(standing_guard, KEEP_TWO, maxExpire=1, overrides=override)
    assert "old releases are gone" in standing_guard("preview").said
    standing_guard.up()
    assert rules(standing_guard)[0]["selection"]["countNumber"] == 2


def test_images_that_would_go_to_the_archive_count(standing_guard: Engine) -> None:
    guarded(standing_guard, ARCHIVE, maxExpire=1)
    stopped(standing_guard, "archive")


def test_a_guard_whose_credentials_are_of_another_account_stops(standing_guard: Engine) -> None:
    from ecr_stack.embedded_aws import EmbeddedAws

    guarded(standing_guard, KEEP_TWO, maxExpire=10)
    with EmbeddedAws(account="999999999999") as other:
        standing_guard.environment["AWS_ENDPOINT_URL"] = other.serve()
        stopped(standing_guard, "999999999999", "123456789012", "roleArn")


def test_a_guard_that_cannot_ask_stops(standing_guard: Engine) -> None:
    guarded(standing_guard, KEEP_TWO, maxExpire=10)
    standing_guard.environment["AWS_ENDPOINT_URL"] = "http://127.0.0.1:9"
    stopped(standing_guard, "cannot query ECR")


def test_a_repository_that_the_guard_does_not_find_stops_it(standing_guard: Engine) -> None:
    guarded(standing_guard, KEEP_TWO, maxExpire=10)
    # as another Region, or another account behind the same number, would be
    standing_guard.aws.call("ecr", "DeleteRepository", {"repositoryName": "api", "force": True})
    for command in (("preview",), ("up", "--yes", "--skip-preview")):
        answer = standing_guard(*command, code=-1)
        assert "no such repository in us-east-1" in answer.said


def test_the_same_document_is_not_asked_about_again(standing_guard: Engine) -> None:
    standing_guard.environment["AWS_ENDPOINT_URL"] = "http://127.0.0.1:9"
    standing_guard.up("--expect-no-changes")


PROGRAM = """
import pulumi
import pulumi_aws as aws
from ecr_stack import Repository

role = aws.iam.Role(
    "deployer",
    name="deployer",
    assume_role_policy='{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"*"}},'
    '"Action":"sts:AssumeRole"}}]}}',
)
provider = aws.Provider("other", region="eu-west-1", {assume})
Repository(
    "api",
    {{
        "environment": "test",
        "lifecycle": [{{"any": True, "keep_last": {keep}}}],
        "lifecycle_guard": {{"max_expire": 1}},
    }},
    pulumi.ResourceOptions(provider=provider),
)
"""


SECRET_ROLES = "assume_roles=pulumi.Output.secret([{'role_arn': 'arn:aws:iam::123456789012:role/deployer'}])"


@pytest.mark.parametrize(
    "assume",
    ["", "assume_roles=[aws.ProviderAssumeRoleArgs(role_arn=role.arn)]", SECRET_ROLES],
    ids=["explicit provider", "role that is made in the program", "roles that are a secret"],
)
def test_a_guard_asks_where_its_provider_works(engine: Engine, assume: str) -> None:
    engine.stack("test", plain())
    engine.write(PROGRAM.format(assume=assume, keep=100))
    engine("preview")
    engine.up()
    engine.aws.seed_images(
        "api",
        [
            {
                "imageDigest": f"sha256:{index:064x}",
                "imageTags": [f"v{index}"],
                "imagePushedAt": f"2026-01-0{index}T00:00:00Z",
                "imageSizeInBytes": 1000,
            }
            for index in range(1, 6)
        ],
        region="eu-west-1",
    )
    engine.write(PROGRAM.format(assume=assume, keep=2))
    for command in (("preview",), ("up", "--yes", "--skip-preview")):
        answer = engine(*command, code=-1)
        assert "up to 3 of 5 images would expire" in answer.said, answer.said


def test_a_document_of_which_only_the_record_was_written_is_asked_about_again(standing_guard: Engine) -> None:
    record = next(each["urn"] for name, each in standing_guard.state().items() if name.endswith("api-lifecycle-guard"))
    guarded(standing_guard, KEEP_TWO, maxExpire=10)
    # as a deployment leaves it that ends between the record and the policy
    standing_guard.up("--target", record)
    guarded(standing_guard, KEEP_TWO, maxExpire=1)
    assert "up to 3 of 5 images would expire" in standing_guard("preview", code=-1).said
    assert rules(standing_guard)[0]["selection"]["countNumber"] == 100
    # the engine deletes what it makes anew before the guard of the policy itself is asked
    said = standing_guard.up(code=-1).said
    assert "up to 3 of 5 images would expire" in said
    assert "nothing was changed" not in said
    guarded(standing_guard, KEEP_TWO, maxExpire=3)
    standing_guard.up()
    assert rules(standing_guard)[0]["selection"]["countNumber"] == 2


def test_a_policy_that_was_removed_outside_of_the_stack_is_asked_about_before_it_comes_back(
    standing_guard: Engine,
) -> None:
    guarded(standing_guard, KEEP_TWO, maxExpire=10)
    standing_guard.up()
    standing_guard.aws.call("ecr", "DeleteLifecyclePolicy", {"repositoryName": "api"})
    standing_guard("refresh", "--yes")
    guarded(standing_guard, KEEP_TWO, maxExpire=1)
    for command in (("preview",), ("up", "--yes", "--skip-preview")):
        assert "up to 3 of 5 images would expire" in standing_guard(*command, code=-1).said


def test_a_guard_takes_the_role_of_its_provider(engine: Engine) -> None:
    engine.stack("test", plain())
    assume = 'assume_roles=[{"role_arn": role.arn}]'
    program = PROGRAM.replace("eu-west-1", "us-east-1")
    engine.write(program.format(assume=assume, keep=100))
    engine.up()
    images(engine)
    engine.write(program.format(assume=assume, keep=2))
    for command in (("preview",), ("up", "--yes", "--skip-preview")):
        engine.aws.calls.clear()
        assert "up to 3 of 5 images would expire" in engine(*command, code=-1).said
        assert engine.aws.calls["sts:AssumeRole"] == 1
