"""Destinations of replication on the real engine: added, removed and added again; adopted from a stack of 0.1.0."""

from __future__ import annotations

from typing import Any

from pulumi_engine import LIFECYCLE, Engine, plain

REPLICA = "aws:ecr/repository:Repository test-api@us-west-2"


def to(region: str, **settings: Any) -> dict[str, Any]:
    return {"rules": [{"destinations": [{"region": region, **settings}]}]}


def there(engine: Engine, region: str = "us-west-2") -> dict[str, dict[str, Any]]:
    found = engine.aws.call("ecr", "DescribeRepositories", {}, region)["repositories"]
    return {each["repositoryName"]: dict(each) for each in found}


def digests(engine: Engine) -> list[str]:
    found = engine.aws.call("ecr", "DescribeImages", {"repositoryName": "api"}, "us-west-2")["imageDetails"]
    return [image["imageDigest"] for image in found]


def aliases(engine: Engine) -> list[dict[str, Any]]:
    found = engine.aws.call("kms", "ListAliases", {}, "us-west-2")["Aliases"]
    return [alias for alias in found if not alias["AliasName"].startswith("alias/aws/")]


def encrypted(**settings: Any) -> dict[str, Any]:
    return {**plain(repositoryDefaults={"lifecycle": LIFECYCLE}, **settings), "ecr-stack:encryption": {"type": "KMS"}}


def test_a_destination_comes_goes_and_comes_again(engine: Engine) -> None:
    engine.stack("test", encrypted())
    engine.up()
    engine.aws.push_image("api", "v1")
    engine.configure("test", encrypted(replication=to("us-west-2", backfill=True)))
    engine.up()
    engine.up("--expect-no-changes")
    engine("refresh", "--yes", "--skip-preview", "--expect-no-changes")
    (backfill,) = engine.aws.call("ecr", "ListReplicationBackfills")["backfills"]
    assert backfill["destination"]["region"] == "us-west-2"
    assert set(there(engine)) == {"api"}
    engine.configure("test", encrypted())
    changes = engine.changes()
    assert changes[REPLICA] == "delete"
    assert not any(name.endswith(" test-api") for name in changes)
    engine.up()
    assert there(engine) == {}
    engine.configure("test", encrypted(replication=to("us-west-2", backfill=True)))
    engine.up()
    engine.up("--expect-no-changes")
    assert set(there(engine)) == {"api"}
    assert engine.repository("api")["repositoryName"] == "api"


def test_the_replicas_of_a_stack_of_0_1_0_become_managed_without_a_loss(engine: Engine) -> None:
    engine.stack("test", encrypted(replication={**to("us-west-2"), "creationTemplate": True}))
    engine.up()
    engine.up("--expect-no-changes")
    digest = engine.aws.push_image("api", "v1")
    made = there(engine)["api"]["createdAt"]
    engine.configure("test", encrypted(replication=to("us-west-2", **{"import": ["api"]})))
    engine.up()
    engine.configure("test", encrypted(replication=to("us-west-2")))
    changes = engine.changes()
    assert changes.get(REPLICA, "update") == "update"
    engine.up()
    engine.up("--expect-no-changes")
    assert there(engine)["api"]["createdAt"] == made
    assert digests(engine) == [digest]
    tags = engine.aws.call(
        "ecr", "ListTagsForResource", {"resourceArn": there(engine)["api"]["repositoryArn"]}, "us-west-2"
    )
    assert {"Key": "Name", "Value": "api"} in tags["tags"]


def test_a_destination_with_templates_comes_goes_and_comes_again(engine: Engine) -> None:
    engine.stack("test", encrypted())
    engine.up()
    with_templates = encrypted(replication=to("us-west-2", replicas="template"))
    engine.configure("test", with_templates)
    engine.up()
    engine.up("--expect-no-changes")
    engine("refresh", "--yes", "--skip-preview", "--expect-no-changes")
    (key,) = {alias["TargetKeyId"] for alias in aliases(engine)}
    digest = engine.aws.push_image("api", "v1")
    encryption = there(engine)["api"]["encryptionConfiguration"]
    assert (encryption["encryptionType"], encryption["kmsKey"].endswith(key)) == ("KMS", True)
    engine.configure("test", encrypted())
    assert not any(name.endswith(" test-api") for name in engine.changes())
    engine.up()
    engine.up("--expect-no-changes")
    # ECR made the replica, not the stack: it stays, with its image, and a new destination does not fight over it
    assert digests(engine) == [digest]
    engine.configure("test", with_templates)
    engine.up()
    engine.up("--expect-no-changes")
    assert digests(engine) == [digest]


def test_the_guard_asks_in_the_destinations_region_too(engine: Engine) -> None:
    guarded = {"replication": to("us-west-2"), "lifecycleGuard": {"maxExpire": 0}}
    engine.stack("test", encrypted(**guarded))
    engine.up()
    pushed = [{"imageDigest": f"sha256:{n:064x}", "imageTags": [f"v{n}"], "imagePushedAt": n} for n in range(1, 4)]
    engine.aws.seed_images("api", pushed, region="us-west-2")
    fewer = [{"description": "Keep the last 1", "any": True, "keepLast": 1}]
    engine.configure("test", {**encrypted(**guarded), "ecr-stack:repositoryDefaults": {"lifecycle": fewer}})
    refused = engine.up(code=-1)
    assert "2 images would expire; maxExpire is 0" in refused.said
    assert len(digests(engine)) == 3


def test_templates_and_a_multi_region_key_converge(engine: Engine) -> None:
    repositories = {"web": {}, "team/api": {"tagMutability": "IMMUTABLE", "encryption": {"type": "KMS"}}}
    engine.stack("test", plain(repositories=repositories, replication=to("us-west-2", replicas="template")))
    engine.up()
    engine.up("--expect-no-changes")
    multi = plain(repositories=repositories, replication=to("us-west-2"))
    engine.configure("test", {**multi, "ecr-stack:encryption": {"type": "KMS", "multiRegion": True}})
    engine.up("--expect-no-changes", code=-1)
    engine("destroy", "--yes", "--skip-preview")
    engine.up()
    engine.up("--expect-no-changes")
    engine("refresh", "--yes", "--skip-preview", "--expect-no-changes")


def test_caches_settings_and_public_repositories_converge(engine: Engine) -> None:
    caches = {
        "docker-hub": {"upstream": "docker-hub", "credentials": {"username": "me", "accessToken": "t0ken"}},
        "quay": {"upstream": "quay", "repositories": {"lifecycle": LIFECYCLE}},
    }
    engine.stack(
        "test",
        plain(
            pullThroughCache=caches,
            creationTemplates={"ROOT": {"appliedFor": ["CREATE_ON_PUSH"]}},
            accountSettings={"blobMounting": True, "pullTimeExclusions": ["role/eks-dev-node-role"]},
            registryAccess={"accounts": ["111122223333"]},
            publicRepositories={"base": {"description": "The base", "push": ["role/eks-dev-node-role"]}},
        ),
    )
    engine.up()
    assert "t0ken" not in engine("stack", "export").out
    engine.up("--expect-no-changes")
    engine("refresh", "--yes", "--skip-preview", "--expect-no-changes")
    engine("destroy", "--yes", "--skip-preview")
