"""Changes to a stack that stands: in place, by replacement, by a new name, by adopting what exists."""

from __future__ import annotations

import json

from pulumi_engine import ACCESS, LIFECYCLE, Engine, plain

REPOSITORY = "aws:ecr/repository:Repository test-api"
LIFECYCLE_POLICY = "aws:ecr/lifecyclePolicy:LifecyclePolicy test-api"
REPOSITORY_POLICY = "aws:ecr/repositoryPolicy:RepositoryPolicy test-api"


def test_a_changed_setting_updates_its_repository_in_place_and_nothing_else(engine: Engine) -> None:
    engine.stack("test", plain(repositories={"api": {}, "web": {}}))
    engine.up()
    made = engine.repository("api")["createdAt"]
    engine.configure("test", plain(repositories={"api": {"scanOnPush": False}, "web": {}}))
    assert engine.changes() == {REPOSITORY: "update"}
    engine.up()
    api = engine.repository("api")
    assert api["imageScanningConfiguration"] == {"scanOnPush": False}
    assert api["createdAt"] == made
    assert engine.repository("web")["imageScanningConfiguration"] == {"scanOnPush": True}
    engine.up("--expect-no-changes")


def test_changed_tags_update_in_place_and_a_changed_lifecycle_policy_is_made_again(engine: Engine) -> None:
    engine.stack("test", plain(repositoryDefaults={"lifecycle": LIFECYCLE}, tags={"Team": "a"}))
    engine.up()
    later = [{**LIFECYCLE[0], "keepLast": 9}]
    engine.configure("test", plain(repositoryDefaults={"lifecycle": later}, tags={"Team": "b"}))
    # the provider cannot update a lifecycle policy: internal/service/ecr/lifecycle_policy.go
    assert engine.changes() == {REPOSITORY: "update", LIFECYCLE_POLICY: "replace"}
    engine.up()
    text = engine.aws.call("ecr", "GetLifecyclePolicy", {"repositoryName": "api"})["lifecyclePolicyText"]
    assert json.loads(text)["rules"][0]["selection"]["countNumber"] == 9
    arn = engine.repository("api")["repositoryArn"]
    tags = engine.aws.call("ecr", "ListTagsForResource", {"resourceArn": arn})["tags"]
    assert {"Key": "Team", "Value": "b"} in tags
    assert engine.state()[REPOSITORY]["outputs"]["tagsAll"]["Team"] == "b"


def test_a_repository_that_leaves_the_file_is_deleted_alone(engine: Engine) -> None:
    engine.stack("test", plain(repositories={"api": {}, "web": {}}, repositoryDefaults={"lifecycle": LIFECYCLE}))
    engine.up()
    engine.configure("test", plain(repositories={"web": {}}, repositoryDefaults={"lifecycle": LIFECYCLE}))
    engine.up()
    left = engine.aws.call("ecr", "DescribeRepositories")["repositories"]
    assert [each["repositoryName"] for each in left] == ["web"]


def test_other_encryption_replaces_a_repository_by_deleting_it_first_and_makes_its_policies_again(
    engine: Engine,
) -> None:
    defaults = {"lifecycle": LIFECYCLE, "access": ACCESS, "forceDelete": True}
    engine.stack("test", plain(repositoryDefaults=defaults))
    engine.up()
    engine.configure("test", {**plain(repositoryDefaults=defaults), "ecr-stack:encryption": {"type": "KMS"}})
    changes = engine.changes()
    assert changes[REPOSITORY] in {"replace", "delete-replaced", "create-replacement"}
    # the preview says that the documents go with it
    assert LIFECYCLE_POLICY in changes
    assert REPOSITORY_POLICY in changes
    engine.up()
    assert engine.repository("api")["encryptionConfiguration"]["encryptionType"] == "KMS"
    assert engine.aws.call("ecr", "GetLifecyclePolicy", {"repositoryName": "api"})["repositoryName"] == "api"
    assert engine.aws.call("ecr", "GetRepositoryPolicy", {"repositoryName": "api"})["repositoryName"] == "api"
    engine("refresh", "--yes", "--skip-preview", "--expect-no-changes")
    engine.up("--expect-no-changes")


def test_other_encryption_of_a_protected_repository_is_refused_before_anything_changes(engine: Engine) -> None:
    defaults = {"protect": True}
    engine.stack("test", plain(repositoryDefaults=defaults))
    engine.up()
    engine.configure("test", {**plain(repositoryDefaults=defaults), "ecr-stack:encryption": {"type": "KMS"}})
    refused = engine("preview", code=-1)
    assert "protect" in refused.said
    engine.up(code=-1)
    assert engine.repository("api")["encryptionConfiguration"]["encryptionType"] == "AES256"


def test_a_new_key_in_the_file_with_an_alias_of_the_old_one_replaces_nothing(engine: Engine) -> None:
    defaults = {"lifecycle": LIFECYCLE, "access": ACCESS}
    engine.stack("test", plain(repositoryDefaults=defaults))
    engine.up()
    renamed = {"gateway": {"name": "api", "aliases": ["api"]}}
    engine.configure("test", plain(repositories=renamed, repositoryDefaults=defaults))
    assert engine.changes() == {}
    engine.up()
    state = engine.state()
    assert "aws:ecr/repository:Repository test-gateway" in state
    assert REPOSITORY not in state
    assert engine.repository("api")["repositoryName"] == "api"
    # the alias has done its work
    engine.configure("test", plain(repositories={"gateway": {"name": "api"}}, repositoryDefaults=defaults))
    engine.up("--expect-no-changes")


def test_a_new_name_in_ecr_replaces_the_repository_and_its_policies(engine: Engine) -> None:
    defaults = {"lifecycle": LIFECYCLE, "access": ACCESS}
    engine.stack("test", plain(repositoryDefaults=defaults))
    engine.up()
    renamed = {"api": {"name": "team/api"}}
    engine.configure("test", plain(repositories=renamed, repositoryDefaults=defaults))
    engine.up()
    left = engine.aws.call("ecr", "DescribeRepositories")["repositories"]
    assert [each["repositoryName"] for each in left] == ["team/api"]
    assert engine.aws.call("ecr", "GetLifecyclePolicy", {"repositoryName": "team/api"})["repositoryName"] == "team/api"
    engine.up("--expect-no-changes")


def test_an_existing_repository_is_adopted_with_its_images_and_brought_into_line(engine: Engine) -> None:
    engine.aws.call("ecr", "CreateRepository", {"repositoryName": "api", "tags": [{"Key": "Owner", "Value": "x"}]})
    made = engine.repository("api")["createdAt"]
    engine.stack("test", plain(repositories={"api": {"import": True, "tagMutability": "IMMUTABLE"}}))
    assert engine.changes()[REPOSITORY] == "import"
    engine.up()
    api = engine.repository("api")
    assert api["createdAt"] == made
    assert api["imageTagMutability"] == "IMMUTABLE"
    engine.up("--expect-no-changes")
    # taken out of the file, `import` leaves the repository where it is
    engine.configure("test", plain(repositories={"api": {"tagMutability": "IMMUTABLE"}}))
    engine.up("--expect-no-changes")


def test_pulumi_import_takes_a_repository_over_too(engine: Engine) -> None:
    engine.aws.call("ecr", "CreateRepository", {"repositoryName": "old", "imageTagMutability": "IMMUTABLE"})
    engine.stack("test", plain())
    engine("import", "aws:ecr/repository:Repository", "old", "old", "--yes", "--generate-code=false")
    inputs = engine.state()["aws:ecr/repository:Repository old"]["inputs"]
    assert inputs["name"] == "old"
    assert inputs["imageTagMutability"] == "IMMUTABLE"


def test_adopting_what_does_not_exist_is_refused(engine: Engine) -> None:
    engine.stack("test", plain(repositories={"api": {"import": True}}))
    refused = engine("preview", code=-1)
    assert "resource 'api' does not exist" in refused.said


def test_a_lifecycle_change_that_would_remove_too_much_is_stopped_before_it_is_made(engine: Engine) -> None:
    keep_all = {"lifecycle": [{"any": True, "keepLast": 100}]}
    guard = {"maxExpire": 1}
    engine.stack("test", plain(repositoryDefaults=keep_all, lifecycleGuard=guard))
    engine.up()
    engine.aws.seed_images(
        "api",
        [
            {
                "imageDigest": f"sha256:{number:064x}",
                "imageTags": [f"v{number}"],
                "imagePushedAt": f"2026-01-0{number}T00:00:00Z",
                "imageSizeInBytes": 1000,
            }
            for number in range(1, 6)
        ],
    )
    keep_two = {"lifecycle": [{"any": True, "keepLast": 2}]}
    engine.configure("test", plain(repositoryDefaults=keep_two, lifecycleGuard=guard))
    stopped = engine.up(code=-1)
    assert "api" in stopped.said
    assert "Traceback" not in stopped.said
    text = engine.aws.call("ecr", "GetLifecyclePolicy", {"repositoryName": "api"})["lifecyclePolicyText"]
    assert json.loads(text)["rules"][0]["selection"]["countNumber"] == 100
    engine.configure("test", plain(repositoryDefaults=keep_two, lifecycleGuard={"maxExpire": 3}))
    engine.up()
    text = engine.aws.call("ecr", "GetLifecyclePolicy", {"repositoryName": "api"})["lifecyclePolicyText"]
    assert json.loads(text)["rules"][0]["selection"]["countNumber"] == 2
