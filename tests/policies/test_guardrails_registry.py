"""Scanning, required tags with their remediation, and replacement."""

from __future__ import annotations

from typing import Any

import pytest
from guarded import ACCOUNT, KEY_ARN, key, messages, record, repository, scanning

SCANNED = "repositories-are-scanned-on-push"
TAGS = "repositories-and-keys-have-the-required-tags"
REPLACED = "repositories-are-not-replaced"
UNSCANNED = {"imageScanningConfiguration": None}


@pytest.mark.parametrize("flag", [None, {}, {"scanOnPush": False}], ids=str)
def test_a_repository_that_nobody_scans_is_reported(flag: Any) -> None:
    [message] = messages(SCANNED, repository(imageScanningConfiguration=flag))
    assert "scanOnPush" in message
    assert messages(SCANNED, repository()) == []


@pytest.mark.parametrize("wild", ["*", "api", "ap", "a*", "*pi"])
@pytest.mark.parametrize("frequency", ["SCAN_ON_PUSH", "CONTINUOUS_SCAN"])
def test_a_rule_of_the_registry_that_matches_is_enough(wild: str, frequency: str) -> None:
    assert messages(SCANNED, repository(**UNSCANNED), scanning(wild, frequency)) == []


@pytest.mark.parametrize(
    "registry",
    [
        scanning("web"),
        scanning("api", "MANUAL"),
        scanning("*", "MANUAL"),
        scanning("p*"),
        scanning("*", region="eu-west-1"),
    ],
    ids=lambda each: str(each["inputs"]),
)
def test_a_rule_of_the_registry_that_does_not_scan_it_is_not(registry: dict[str, Any]) -> None:
    assert messages(SCANNED, repository(region="us-east-1", **UNSCANNED), registry)


def test_a_scanning_filter_that_is_not_understood_covers_nothing() -> None:
    registry = scanning("*")
    registry["inputs"]["rules"][0]["repositoryFilters"][0]["filterType"] = "REGEX"
    assert messages(SCANNED, repository(**UNSCANNED), registry)


@pytest.mark.parametrize(("region", "scanned"), [("us-east-1", False), ("eu-west-1", True)])
def test_a_repository_that_names_no_region_is_in_that_of_its_arn(region: str, scanned: bool) -> None:
    standing = repository(arn=f"arn:aws:ecr:{region}:{ACCOUNT}:repository/api", **UNSCANNED)
    assert (messages(SCANNED, standing, scanning("*", region="eu-west-1")) == []) is scanned


@pytest.mark.parametrize("kind", ["BASIC", "ENHANCED"])
def test_where_the_registry_has_rules_the_repositorys_own_flag_does_nothing(kind: str) -> None:
    [message] = messages(SCANNED, repository(), scanning("web", kind=kind))
    assert f"the registry's scanning is {kind}" in message


def test_a_registry_without_rules_leaves_basic_scanning_to_the_repositories() -> None:
    assert messages(SCANNED, repository(), scanning("", rules=[])) == []
    assert messages(SCANNED, repository(**UNSCANNED), scanning("", rules=[]))
    assert messages(SCANNED, repository(), scanning("", rules=[], kind="ENHANCED"))


def test_missing_and_empty_tags_are_reported() -> None:
    [message] = messages(TAGS, repository(tags={"Name": "api", "Environment": ""}))
    assert "lacks the tags Environment, ManagedBy" in message
    assert messages(TAGS, key(tags=None))
    assert messages(TAGS, repository(), key()) == []


def test_which_tags_are_required_can_be_configured() -> None:
    [message] = messages(TAGS, repository(), config={"required": ["Owner"], "reason": "decided by the platform team"})
    assert "lacks the tag Owner" in message


def test_remediation_adds_the_tags_that_it_knows() -> None:
    bare = repository(tags={"Team": "platform"})
    assert messages(TAGS, bare, level="remediate") == []
    [message] = messages(
        TAGS, bare, level="remediate", config={"required": ["Name", "Environment", "ManagedBy", "Owner"]}
    )
    assert "lacks the tag Owner" in message
    owned = {"required": ["Owner"], "reason": "decided by the platform team", "values": {"Owner": "{stack}-{name}"}}
    assert messages(TAGS, bare, level="remediate", config=owned) == []


def standing(**before: str) -> dict[str, Any]:
    return {"standing": {"api": before}}


def test_a_changed_encryption_of_a_standing_repository_is_reported() -> None:
    [message] = messages(REPLACED, repository(), config=standing(encryptionType="AES256"))
    assert "encryptionType AES256, and this program asks for KMS" in message
    [message] = messages(REPLACED, repository(), config=standing(encryptionType="KMS", kmsKey=f"{KEY_ARN}0"))
    assert "kmsKey" in message
    assert messages(REPLACED, repository(), config=standing(encryptionType="KMS", kmsKey=KEY_ARN)) == []


def test_a_program_that_names_no_key_leaves_the_standing_one() -> None:
    bare = repository(encryptionConfigurations=[{"encryptionType": "KMS"}])
    assert messages(REPLACED, bare, config=standing(encryptionType="KMS", kmsKey=KEY_ARN)) == []


def test_a_standing_repository_is_looked_for_in_every_region() -> None:
    here, there = repository(encryptionConfigurations=None, region="us-east-1"), repository(region="us-west-2")
    for order in ([here, there], [there, here]):
        [message] = messages(REPLACED, *order, config=standing(encryptionType="KMS"))
        assert "asks for AES256" in message


def test_a_standing_repository_that_is_gone_or_renamed_is_reported() -> None:
    [message] = messages(REPLACED, repository("api-2"), config=standing(encryptionType="KMS"))
    assert "api holds images" in message
    assert "renamed or removed" in message


def test_a_standing_repository_is_missed_in_a_stack_that_has_no_repository_left() -> None:
    [message] = messages(REPLACED, key(), config=standing(encryptionType="KMS"))
    assert "api holds images" in message


@pytest.mark.parametrize("alias", ["alias/images", f"arn:aws:kms:us-east-1:{ACCOUNT}:alias/images"])
def test_a_key_by_its_alias_is_a_replacement_to_come(alias: str) -> None:
    encryption = [{"encryptionType": "KMS", "kmsKey": alias}]
    [message] = messages(REPLACED, repository(encryptionConfigurations=encryption))
    assert "an alias" in message


def test_looking_up_asks_ecr_how_repositories_with_images_are_encrypted(monkeypatch: pytest.MonkeyPatch) -> None:
    boto3 = pytest.importorskip("boto3")
    moto = pytest.importorskip("moto")
    for name, value in {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    with moto.mock_aws():
        ecr = boto3.client("ecr")
        for name in ("api", "empty"):
            ecr.create_repository(repositoryName=name)
        kind = "application/vnd.oci.image.manifest.v1+json"
        manifest = '{"schemaVersion": 2, "config": {"digest": "sha256:0"}, "layers": []}'
        ecr.put_image(repositoryName="api", imageManifest=manifest, imageManifestMediaType=kind, imageTag="v1")
        found = messages(REPLACED, repository(), repository("empty"), repository("new"), config={"lookUp": True})
    [message] = found
    assert "api would be replaced and lose its images: in ECR it holds images and has encryptionType AES256" in message


def test_a_lookup_that_fails_is_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "boto3", None)
    [message] = messages(REPLACED, repository(), config={"lookUp": True})
    assert "needs boto3" in message


def test_rules_that_wait_for_somebody_to_scan_are_no_scanning_although_the_repository_asks_for_it() -> None:
    [message] = messages(SCANNED, repository(), scanning("*", "MANUAL"))
    assert "none that scans by itself" in message


def test_account_settings_that_ask_for_the_old_scanner_or_scope_are_reported() -> None:
    name, kind = "account-settings-are-the-supported-ones", "aws:ecr/accountSetting:AccountSetting"
    old = [("BASIC_SCAN_TYPE_VERSION", "CLAIR"), ("REGISTRY_POLICY_SCOPE", "V1")]
    good = [("BASIC_SCAN_TYPE_VERSION", "AWS_NATIVE"), ("REGISTRY_POLICY_SCOPE", "V2"), ("BLOB_MOUNTING", "ENABLED")]
    for setting, value in old:
        [message] = messages(name, record(kind, name=setting, value=value))
        assert f"{setting} of ECR is {value}" in message
    assert messages(name, *(record(kind, name=setting, value=value) for setting, value in good)) == []


def test_a_repository_of_ecr_public_is_listed_or_reported() -> None:
    name, kind = "repositories-are-private", "aws:ecrpublic/repository:Repository"
    [message] = messages(name, record(kind, repositoryName="tools"))
    assert "tools is an ECR Public repository" in message
    assert messages(name, record(kind, repositoryName="tools"), config={"published": ["tools"]}) == []
    assert messages(
        "policies-name-no-wildcard-action",
        record(
            "aws:ecrpublic/repositoryPolicy:RepositoryPolicy",
            repositoryName="tools",
            policy={"Statement": {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "ecr-public:*"}},
        ),
    )
