"""Where the imitation of the AWS provider decides: default tags, drift, replacement, and hooks around them."""

from __future__ import annotations

import json

from botocore.exceptions import ClientError
from pulumi_engine import Engine, plain

REPOSITORY = "aws:ecr/repository:Repository test-api"

HOOKED = """
import json, pathlib, pulumi, pulumi_aws as aws
count = pulumi.Config().require_int("count")
def look(args):
    with pathlib.Path("hooks.log").open("a") as log:
        log.write(f"{args.name} {count} {'preview' if pulumi.runtime.is_dry_run() else 'up'}\\n")
    if count > 50:
        raise ValueError("too many")
hook = pulumi.ResourceHook("look", look, opts=pulumi.ResourceHookOptions(on_dry_run=True))
repository = aws.ecr.Repository("api", name="api")
rule = {"rulePriority": 1, "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": count},
        "action": {"type": "expire"}}
aws.ecr.LifecyclePolicy("api", repository=repository.name, policy=json.dumps({"rules": [rule]}),
    opts=pulumi.ResourceOptions(hooks=pulumi.ResourceHookBinding(before_create=[hook])))
"""


def test_encryption_without_a_key_and_replication_converge(engine: Engine) -> None:
    replication = {"rules": [{"destinations": [{"region": "us-west-2"}]}]}
    engine.stack("test", plain(replication=replication))
    engine.up()
    engine.up("--expect-no-changes")


def test_other_default_tags_reach_a_stack_that_stands_and_leave_its_own_tags(engine: Engine) -> None:
    engine.stack("test", {**plain(tags={"Own": "1"}), "aws:defaultTags": {"tags": {"Team": "a"}}})
    engine.up()
    arn = engine.repository("api")["repositoryArn"]

    def tags() -> dict[str, str]:
        listed = engine.aws.call("ecr", "ListTagsForResource", {"resourceArn": arn})["tags"]
        return {tag["Key"]: tag["Value"] for tag in listed}

    assert {"Team": "a", "Own": "1"}.items() <= tags().items()
    engine.configure("test", {**plain(tags={"Own": "1"}), "aws:defaultTags": {"tags": {"CostCenter": "7"}}})
    assert engine.changes()[REPOSITORY] == "update"
    engine.up()
    assert {"CostCenter": "7", "Own": "1"}.items() <= tags().items()
    assert "Team" not in tags()
    assert "CostCenter" not in engine.state()[REPOSITORY]["outputs"]["tags"]
    engine.up("--expect-no-changes")


def test_hooks_run_before_a_lifecycle_policy_is_made_and_again_before_it_is_made_anew(engine: Engine) -> None:
    (engine.project / "__main__.py").write_text(HOOKED)
    (engine.project / "Pulumi.yaml").write_text(
        "name: ecr-stack\nruntime: {name: python, options: {virtualenv: .venv}}\n"
    )
    engine.stack("test", {"aws:region": "us-east-1", "ecr-stack:count": 5})
    engine("preview", "--stack", "test")
    engine.up()
    log = engine.project / "hooks.log"
    assert log.read_text().splitlines() == ["api 5 preview", "api 5 up"]
    log.unlink()
    engine.configure("test", {"aws:region": "us-east-1", "ecr-stack:count": 99})
    refused = engine("preview", "--stack", "test", code=-1)
    assert "too many" in refused.said
    assert _count(engine) == 5
    engine("up", "--yes", "--skip-preview", "--stack", "test", code=-1)
    assert "api 99 up" in log.read_text()
    # the provider deletes a lifecycle policy before it makes the new one, and the hook comes between the two
    assert _count(engine) is None


def _count(engine: Engine) -> int | None:
    try:
        text = engine.aws.call("ecr", "GetLifecyclePolicy", {"repositoryName": "api"})["lifecyclePolicyText"]
    except ClientError:
        return None
    return int(json.loads(text)["rules"][0]["selection"]["countNumber"])


def test_destroying_a_protected_stack_stops_in_its_preview_and_without_one_deletes_what_is_not_protected(
    engine: Engine,
) -> None:
    # docs/how-to/engine.md tells what happens
    defaults = {"protect": True, "lifecycle": [{"untagged": True, "expireAfterDays": 1}]}
    replication = {"rules": [{"destinations": [{"region": "us-west-2"}]}]}
    engine.stack("test", plain(repositoryDefaults=defaults, replication=replication))
    engine.up()
    refused = engine("destroy", "--yes", "--stack", "test", code=-1)
    assert "protect" in refused.said
    assert _replicates(engine)
    engine("destroy", "--yes", "--skip-preview", "--stack", "test", code=-1)
    assert not _replicates(engine)
    # what is deleted with its repository leaves the state, and stays in AWS as the repository does
    assert "aws:ecr/lifecyclePolicy:LifecyclePolicy test-api" not in engine.state()
    assert _count(engine) == 1
    engine.up()
    assert _replicates(engine)
    engine.up("--expect-no-changes")


def _replicates(engine: Engine) -> bool:
    return bool(engine.aws.call("ecr", "DescribeRegistry")["replicationConfiguration"]["rules"])
