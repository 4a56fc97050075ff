"""What the stack file says, on its way through `pulumi config` and the engine into the program, and mistakes in it."""

from __future__ import annotations

import json

import yaml
from pulumi_engine import LIFECYCLE, Engine, plain


def file_of(engine: Engine) -> dict[str, object]:
    return dict(yaml.safe_load((engine.project / "Pulumi.test.yaml").read_text())["config"])


def test_keys_set_one_by_one_by_pulumi_config_make_a_stack(engine: Engine) -> None:
    engine.stack("test", {})
    for key, value in {
        "aws:region": "eu-west-1",
        "ecr-stack:environment": "test",
        "environment": "test",
    }.items():
        engine("config", "set", key, value)
    for path, value in {
        "ecr-stack:encryption.type": "AES256",
        "ecr-stack:repositoryDefaults.scanOnPush": "false",
        "ecr-stack:repositoryDefaults.mutableTags[0]": "latest",
        "ecr-stack:repositoryDefaults.tagMutability": "IMMUTABLE_WITH_EXCLUSION",
        "ecr-stack:repositoryDefaults.lifecycle[0].untagged": "true",
        "ecr-stack:repositoryDefaults.lifecycle[0].expireAfterDays": "3",
        'ecr-stack:repositories["api-gateway"].tags.Tier': "front",
    }.items():
        engine("config", "set", "--path", path, value)
    # all digits: without the type, Pulumi writes a number, and a tag is a text
    engine("config", "set", "--path", "--type", "string", "ecr-stack:tags.CostCenter", "4711")
    engine.up()
    found = engine.aws.call("ecr", "DescribeRepositories", {"repositoryNames": ["api-gateway"]}, "eu-west-1")
    repository = found["repositories"][0]
    assert repository["imageTagMutability"] == "IMMUTABLE_WITH_EXCLUSION"
    assert repository["imageTagMutabilityExclusionFilters"] == [{"filterType": "WILDCARD", "filter": "latest"}]
    assert repository["imageScanningConfiguration"] == {"scanOnPush": False}
    tags = engine.state()["aws:ecr/repository:Repository test-api-gateway"]["inputs"]["tags"]
    assert tags["CostCenter"] == "4711"
    assert tags["Tier"] == "front"


def test_structured_keys_come_back_from_pulumi_config_as_they_were_written(engine: Engine) -> None:
    config = plain(repositoryDefaults={"lifecycle": LIFECYCLE, "scanOnPush": True}, tags={"Team": "a"})
    engine.stack("test", config)
    engine("config", "set", "--path", "ecr-stack:repositories.web.scanOnPush", "false")
    expected = {**config, "ecr-stack:repositories": {"api": {}, "web": {"scanOnPush": False}}}
    assert file_of(engine) == expected
    shown = json.loads(engine("config", "--json").out)
    assert shown["ecr-stack:repositoryDefaults"]["objectValue"] == {"lifecycle": LIFECYCLE, "scanOnPush": True}
    assert engine("config", "get", "--path", "ecr-stack:repositories.web.scanOnPush").out.strip() == "false"


def test_keys_that_a_stack_leaves_out_reach_the_program_as_the_projects_defaults(engine: Engine) -> None:
    config = plain()
    del config["ecr-stack:encryption"]
    engine.stack("test", config)
    (engine.project / "__main__.py").write_text(
        "import pulumi\n"
        "config = pulumi.Config('ecr-stack')\n"
        "for key in ('tags', 'encryption', 'repositoryDefaults', 'replication', 'scanning'):\n"
        "    pulumi.export(key, config.get(key))\n"
    )
    engine.up()
    outputs = json.loads(engine("stack", "output", "--json").out)
    given = {key: {} if value in ("{}", {}) else value for key, value in outputs.items()}
    assert given == {"tags": {}, "encryption": {}, "repositoryDefaults": {}, "replication": {}, "scanning": {}}


def test_a_key_that_the_project_requires_is_asked_for_by_pulumi_itself(engine: Engine) -> None:
    config = plain()
    del config["ecr-stack:repositories"]
    engine.stack("test", config)
    refused = engine("preview", code=-1)
    assert "missing configuration value 'repositories'" in refused.said
    assert "Traceback" not in refused.said


def test_mistakes_in_the_stack_file_are_all_told_at_once_and_without_a_traceback(engine: Engine) -> None:
    engine.stack(
        "test",
        plain(
            repositories={"api": {"scanOnPsh": True}, "Web": {}},
            repositoryDefaults={"lifecycle": [{"any": True, "keepLast": 0}]},
        ),
    )
    refused = engine("preview", code=-1)
    assert "Pulumi.test.yaml: 3 errors" in refused.said
    assert "ecr-stack:repositories.api.scanOnPsh" in refused.said
    assert "scanOnPush" in refused.said
    assert "ecr-stack:repositories.Web" in refused.said
    assert "ecr-stack:repositoryDefaults.lifecycle[0].keepLast" in refused.said
    assert "remedy:" in refused.said
    assert "Traceback" not in refused.said


def test_a_stack_file_that_is_right_in_yaml_and_wrong_in_type_is_told_without_a_traceback(engine: Engine) -> None:
    engine.stack("test", plain(repositories={"api": {"lifecycle": "keep 5"}}))
    refused = engine("preview", code=-1)
    assert "ecr-stack:repositories.api.lifecycle" in refused.said
    assert "Traceback" not in refused.said


def test_what_aws_refuses_is_told_in_its_own_words_and_what_was_made_stays(engine: Engine) -> None:
    engine.stack("test", plain(encryption={"type": "KMS"}))
    key = engine.aws.call("kms", "CreateKey")["KeyMetadata"]["KeyId"]
    engine.aws.call("kms", "CreateAlias", {"AliasName": "alias/test-ecr", "TargetKeyId": key})
    refused = engine.up(code=-1)
    assert "AlreadyExistsException" in refused.said
    assert "CreateAlias" in refused.said
    assert "Traceback" not in refused.said
    assert "aws:kms/key:Key test" in engine.state()
    engine.aws.call("kms", "DeleteAlias", {"AliasName": "alias/test-ecr"})
    engine.up()
    engine.up("--expect-no-changes")
