"""The life of a stack under the real engine: preview, up, nothing to do, drift, destroy."""

from __future__ import annotations

import json

from pulumi_engine import ACCESS, LIFECYCLE, Engine, plain

FIVE = ["api-gateway", "auth-service", "notification-service", "order-service", "user-service"]


def test_a_preview_of_a_new_stack_creates_everything_and_calls_aws_for_nothing_but_questions(engine: Engine) -> None:
    engine.stack("dev")
    engine.aws.calls.clear()
    operations = {step["op"] for step in engine.preview().values()}
    assert operations == {"create"}
    assert set(engine.aws.calls) <= {"sts:GetCallerIdentity"}


def test_a_preview_shows_policy_documents_whole(engine: Engine) -> None:
    engine.stack("dev")
    steps = engine.preview()
    documents = {
        step["newState"]["type"]: json.loads(step["newState"]["inputs"]["policy"])
        for urn, step in steps.items()
        if "policy" in step["newState"].get("inputs", {})
    }
    assert set(documents) == {
        "aws:kms/key:Key",
        "aws:ecr/lifecyclePolicy:LifecyclePolicy",
        "aws:ecr/repositoryPolicy:RepositoryPolicy",
    }
    principals = json.dumps(documents["aws:ecr/repositoryPolicy:RepositoryPolicy"])
    assert f"arn:aws:iam::{engine.aws.account}:role/eks-dev-node-role" in principals


def test_up_makes_what_the_stack_file_says(standing: Engine) -> None:
    found = standing.aws.call("ecr", "DescribeRepositories")["repositories"]
    assert sorted(each["repositoryName"] for each in found) == FIVE
    assert {each["encryptionConfiguration"]["encryptionType"] for each in found} == {"KMS"}
    rules = standing.aws.call("ecr", "GetLifecyclePolicy", {"repositoryName": "api-gateway"})["lifecyclePolicyText"]
    # two prefixes in one rule of the stack file are two rules for ECR
    prefixes = [rule["selection"].get("tagPrefixList") for rule in json.loads(rules)["rules"]]
    assert prefixes == [["dev-"], ["feature-"], ["sha-"], ["v"], None]


def test_a_second_up_changes_nothing(standing: Engine) -> None:
    answer = standing.up("--expect-no-changes")
    assert "created" not in answer.out
    assert "updated" not in answer.out


def test_the_outputs_are_what_pipelines_need(standing: Engine) -> None:
    account = standing.aws.account
    outputs = json.loads(standing("stack", "output", "--json").out)
    assert outputs["registryId"] == account
    assert outputs["region"] == "us-east-1"
    assert outputs["keyAlias"] == "alias/dev-ecr"
    assert outputs["repositoryUrls"] == {name: f"{account}.dkr.ecr.us-east-1.amazonaws.com/{name}" for name in FIVE}


def test_a_refresh_of_an_untouched_stack_finds_nothing(standing: Engine) -> None:
    answer = standing("refresh", "--yes", "--skip-preview", "--expect-no-changes")
    assert "updated" not in answer.out


def test_the_state_holds_no_path_of_this_machine(standing: Engine) -> None:
    exported = standing("stack", "export").out
    assert str(standing.project) not in exported


def test_a_refresh_sees_what_was_changed_behind_pulumis_back_and_up_puts_it_right(engine: Engine) -> None:
    engine.stack("test", plain(repositoryDefaults={"lifecycle": LIFECYCLE}))
    engine.up()
    changed = {"repositoryName": "api", "imageTagMutability": "IMMUTABLE"}
    engine.aws.call("ecr", "PutImageTagMutability", changed)
    engine.aws.call("ecr", "DeleteLifecyclePolicy", {"repositoryName": "api"})

    assert engine("refresh", "--yes", "--skip-preview", "--expect-no-changes", code=-1).code != 0
    engine("refresh", "--yes", "--skip-preview")
    assert engine.changes() == {
        "aws:ecr/repository:Repository test-api": "update",
        "aws:ecr/lifecyclePolicy:LifecyclePolicy test-api": "create",
    }
    engine.up()
    assert engine.repository("api")["imageTagMutability"] == "MUTABLE"
    assert engine.aws.call("ecr", "GetLifecyclePolicy", {"repositoryName": "api"})["repositoryName"] == "api"
    engine.up("--expect-no-changes")


def test_destroy_leaves_nothing_but_a_key_that_waits_for_its_end(engine: Engine) -> None:
    config = plain(repositoryDefaults={"lifecycle": LIFECYCLE, "access": ACCESS})
    engine.stack("test", {**config, "ecr-stack:encryption": {"type": "KMS", "deletionWindowInDays": 7}})
    engine.up()
    engine("destroy", "--yes", "--skip-preview")
    assert engine.aws.call("ecr", "DescribeRepositories")["repositories"] == []
    keys = engine.aws.call("kms", "ListKeys")["Keys"]
    states = [engine.aws.call("kms", "DescribeKey", {"KeyId": key["KeyId"]})["KeyMetadata"] for key in keys]
    assert [state["KeyState"] for state in states] == ["PendingDeletion"]
    assert engine.state() == {}


def test_a_protected_stack_refuses_to_be_destroyed(engine: Engine) -> None:
    engine.stack("test", plain(repositoryDefaults={"protect": True}))
    engine.up()
    refused = engine("destroy", "--yes", "--skip-preview", code=-1)
    assert "protect" in refused.said
    assert engine.repository("api")["repositoryName"] == "api"
    engine("state", "unprotect", "--all", "--yes")
    engine("destroy", "--yes", "--skip-preview")
    assert engine.aws.call("ecr", "DescribeRepositories")["repositories"] == []


def test_the_stack_for_an_aws_on_this_machine_leads_its_provider_there(engine: Engine) -> None:
    engine.stack("local")
    engine.up()
    (provider,) = (each for key, each in engine.state().items() if key.startswith("pulumi:providers:aws "))
    here = dict.fromkeys(("ecr", "iam", "kms", "sts"), "http://localhost:5000")
    assert json.loads(provider["inputs"]["endpoints"]) == [here]
    assert provider["inputs"]["skipCredentialsValidation"] in (True, "true")
    engine.up("--expect-no-changes")
