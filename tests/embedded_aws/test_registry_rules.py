from __future__ import annotations

from typing import Any

import pytest

from ecr_stack.embedded_aws import EmbeddedAws

ACCOUNT = "111122223333"


def _replication(*rules: dict[str, Any]) -> dict[str, Any]:
    return {"replicationConfiguration": {"rules": list(rules)}}


def _to(*regions: str, filters: list[str] | None = None, registry: str = ACCOUNT) -> dict[str, Any]:
    rule: dict[str, Any] = {"destinations": [{"region": region, "registryId": registry} for region in regions]}
    if filters is not None:
        rule["repositoryFilters"] = [{"filter": value, "filterType": "PREFIX_MATCH"} for value in filters]
    return rule


def test_ten_replication_rules_are_accepted_and_read_back(aws: EmbeddedAws) -> None:
    rules = [_to("us-west-2", filters=[f"team-{number}"]) for number in range(9)] + [_to("eu-central-1")]
    aws.call("ecr", "PutReplicationConfiguration", _replication(*rules))
    assert aws.call("ecr", "DescribeRegistry")["replicationConfiguration"]["rules"] == rules
    assert aws.call("ecr", "DescribeRegistry", {}, "us-west-2")["replicationConfiguration"]["rules"] == []


def test_replication_goes_to_other_accounts_in_the_same_region(aws: EmbeddedAws) -> None:
    rule = _to("eu-west-1", registry="999988887777")
    aws.call("ecr", "PutReplicationConfiguration", _replication(rule))
    assert aws.call("ecr", "DescribeRegistry")["replicationConfiguration"]["rules"] == [rule]


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ([_to("us-west-2", filters=["*"])], "regular expression"),
        ([_to("us-west-2", filters=["app-*"])], "regular expression"),
        ([_to("us-west-2", filters=["/app"])], "regular expression"),
        ([_to("us-west-2", filters=["a"])], "length greater than or equal to 2"),
        ([_to("us-west-2", filters=[])], "length greater than or equal to 1"),
        ([_to("us-west-2", filters=["app"] * 2)], "filters must be unique"),
        ([_to("us-west-2", filters=[f"a{number}" for number in range(101)])], "less than or equal to 100"),
        ([_to("eu-west-1")], "cannot be the same as the source registry"),
        ([_to("us-west-2", "us-west-2")], "unique within a rule"),
        ([_to()], "at least one destination"),
        ([_to("us-west-9")], "Invalid region us-west-9"),
        ([_to("cn-north-1")], "another partition"),
        ([_to("us-west-2", registry="12345")], "[0-9]{12}"),
        ([_to("us-west-2", filters=[f"a{number}"]) for number in range(11)], "at most 10 rules"),
        ([_to("us-west-2", filters=[f"a{number}"]) for number in range(26)], "less than or equal to 25"),
    ],
)
def test_replication_that_aws_refuses_is_refused(refused: Any, rules: list[dict[str, Any]], words: str) -> None:
    code, message = refused("ecr", "PutReplicationConfiguration", _replication(*rules))
    assert code == "InvalidParameterException"
    assert words in message


def test_more_than_25_unique_destinations_are_refused(refused: Any, aws: EmbeddedAws) -> None:
    accounts = [f"{number:012}" for number in range(26)]
    rules = [_to("us-west-2", registry=account) for account in accounts]
    destinations = [entry for rule in rules for entry in rule["destinations"]]
    aws.call("ecr", "PutReplicationConfiguration", _replication({"destinations": destinations[:25]}))
    code, message = refused("ecr", "PutReplicationConfiguration", _replication({"destinations": destinations}))
    assert (code, "25 unique destinations" in message) == ("InvalidParameterException", True)


def test_canada_has_a_larger_quota_of_replication_rules(aws: EmbeddedAws) -> None:
    rules = [_to("us-west-2", filters=[f"a{number}"]) for number in range(25)]
    aws.call("ecr", "PutReplicationConfiguration", _replication(*rules), "ca-central-1")
    assert len(aws.call("ecr", "DescribeRegistry", {}, "ca-central-1")["replicationConfiguration"]["rules"]) == 25


def _scan(frequency: str, *filters: str) -> dict[str, Any]:
    return {
        "scanFrequency": frequency,
        "repositoryFilters": [{"filter": value, "filterType": "WILDCARD"} for value in filters],
    }


@pytest.mark.parametrize(
    ("kind", "rules"),
    [
        ("BASIC", []),
        ("BASIC", [_scan("SCAN_ON_PUSH", "prod-*"), _scan("MANUAL", "*")]),
        ("ENHANCED", [_scan("CONTINUOUS_SCAN", "prod", "team/*"), _scan("SCAN_ON_PUSH", "*")]),
    ],
)
def test_scanning_is_read_back_as_it_was_put(aws: EmbeddedAws, kind: str, rules: list[dict[str, Any]]) -> None:
    aws.call("ecr", "PutRegistryScanningConfiguration", {"scanType": kind, "rules": rules})
    found = aws.call("ecr", "GetRegistryScanningConfiguration")["scanningConfiguration"]
    assert found == {"scanType": kind, "rules": rules}


@pytest.mark.parametrize(
    ("kind", "rules", "words"),
    [
        ("BASIC", [_scan("CONTINUOUS_SCAN", "*")], "CONTINUOUS_SCAN is not a scan frequency of BASIC"),
        ("ENHANCED", [_scan("MANUAL", "*")], "MANUAL is not a scan frequency of ENHANCED"),
        ("BASIC", [_scan("SCAN_ON_PUSH", "a"), _scan("SCAN_ON_PUSH", "b")], "more than one rule"),
        ("BASIC", [_scan("SCAN_ON_PUSH", "a")] * 3, "less than or equal to 2"),
        ("BASIC", [_scan("SCAN_ON_PUSH")], "no repository filter"),
        ("BASIC", [_scan("SCAN_ON_PUSH", "A*")], "regular expression"),
        ("BASIC", [_scan("SCAN_ON_PUSH", "a--b")], "regular expression"),
        ("BASIC", [_scan("SCAN_ON_PUSH", "a-")], "regular expression"),
        ("FULL", [], "enum value set"),
    ],
)
def test_scanning_that_aws_refuses_is_refused(refused: Any, kind: str, rules: list[dict[str, Any]], words: str) -> None:
    code, message = refused("ecr", "PutRegistryScanningConfiguration", {"scanType": kind, "rules": rules})
    assert code == "InvalidParameterException"
    assert words in message


def test_account_settings_have_defaults_and_keep_values_by_region(aws: EmbeddedAws) -> None:
    aws.call("ecr", "PutAccountSetting", {"name": "BLOB_MOUNTING", "value": "ENABLED"})
    values = {
        region: aws.call("ecr", "GetAccountSetting", {"name": "BLOB_MOUNTING"}, region)["value"]
        for region in ("eu-west-1", "us-west-2")
    }
    assert values == {"eu-west-1": "ENABLED", "us-west-2": "DISABLED"}


@pytest.mark.parametrize(
    ("name", "value"), [("BASIC_SCAN_TYPE_VERSION", "CLAIR"), ("REGISTRY_POLICY_SCOPE", "V1"), ("SOMETHING", "ON")]
)
def test_account_settings_that_aws_no_longer_has_are_refused(refused: Any, name: str, value: str) -> None:
    assert refused("ecr", "PutAccountSetting", {"name": name, "value": value})[0] == "InvalidParameterException"


def test_pull_through_cache_rules_live_and_die(aws: EmbeddedAws, refused: Any) -> None:
    rule = {"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io", "upstreamRegistry": "quay"}
    aws.call("ecr", "CreatePullThroughCacheRule", rule)
    assert refused("ecr", "CreatePullThroughCacheRule", rule)[0] == "PullThroughCacheRuleAlreadyExistsException"
    found = aws.call("ecr", "DescribePullThroughCacheRules", {"ecrRepositoryPrefixes": ["quay"]})
    assert found["pullThroughCacheRules"][0]["upstreamRegistryUrl"] == "quay.io"
    aws.call("ecr", "DeletePullThroughCacheRule", {"ecrRepositoryPrefix": "quay"})
    asked = {"ecrRepositoryPrefixes": ["quay"]}
    code, _ = refused("ecr", "DescribePullThroughCacheRules", asked)
    assert code == "PullThroughCacheRuleNotFoundException"


SECRET = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:ecr-pullthroughcache/hub-a1b2c3"


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        (
            {"upstreamRegistryUrl": "registry-1.docker.io", "upstreamRegistry": "docker-hub"},
            "InvalidParameterException",
        ),
        ({"upstreamRegistryUrl": "registry-1.docker.io"}, "InvalidParameterException"),
        ({"upstreamRegistryUrl": "ghcr.io"}, "InvalidParameterException"),
        ({"upstreamRegistryUrl": "mine.azurecr.io"}, "InvalidParameterException"),
        ({"upstreamRegistryUrl": "registry.gitlab.com"}, "InvalidParameterException"),
        ({"upstreamRegistryUrl": "cgr.dev"}, "InvalidParameterException"),
        ({"upstreamRegistryUrl": "quay.io", "credentialArn": SECRET}, "InvalidParameterException"),
        ({"upstreamRegistryUrl": "quay.io", "upstreamRegistry": "k8s"}, "InvalidParameterException"),
        (
            {"upstreamRegistryUrl": "ghcr.io", "credentialArn": SECRET.replace("eu-west-1", "us-west-2")},
            "InvalidParameterException",
        ),
        ({"upstreamRegistryUrl": "ghcr.io", "credentialArn": SECRET}, "SecretNotFoundException"),
        ({"upstreamRegistryUrl": "444455556666.dkr.ecr.us-west-2.amazonaws.com"}, "InvalidParameterException"),
        (
            {
                "upstreamRegistryUrl": "444455556666.dkr.ecr.us-west-2.amazonaws.com",
                "customRoleArn": "arn:aws:iam::111122223333:role/nobody",
            },
            "InvalidParameterException",
        ),
        ({"upstreamRegistryUrl": "docker.example.org"}, "UnsupportedUpstreamRegistryException"),
        ({"upstreamRegistryUrl": "docker.io"}, "UnsupportedUpstreamRegistryException"),
    ],
)
def test_upstreams_that_ecr_refuses_are_refused(refused: Any, settings: dict[str, str], code: str) -> None:
    # https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache.html
    assert refused("ecr", "CreatePullThroughCacheRule", {"ecrRepositoryPrefix": "cache", **settings})[0] == code


def test_upstreams_with_what_they_need_are_taken(aws: EmbeddedAws) -> None:
    assert aws.suppose(SECRET) is True
    assert aws.suppose(SECRET) is False
    for prefix, settings in {
        "hub": {"upstreamRegistryUrl": "registry-1.docker.io", "credentialArn": SECRET},
        "kube": {"upstreamRegistryUrl": "registry.k8s.io"},
        "own": {"upstreamRegistryUrl": "111122223333.dkr.ecr.us-west-2.amazonaws.com"},
    }.items():
        aws.call("ecr", "CreatePullThroughCacheRule", {"ecrRepositoryPrefix": prefix, **settings})


def test_a_registry_has_fifty_pull_through_cache_rules(aws: EmbeddedAws, refused: Any) -> None:
    # https://docs.aws.amazon.com/AmazonECR/latest/userguide/service-quotas.html
    for number in range(50):
        rule = {"ecrRepositoryPrefix": f"quay{number}", "upstreamRegistryUrl": "quay.io"}
        aws.call("ecr", "CreatePullThroughCacheRule", rule)
    more = {"ecrRepositoryPrefix": "quay50", "upstreamRegistryUrl": "quay.io"}
    assert refused("ecr", "CreatePullThroughCacheRule", more)[0] == "LimitExceededException"


@pytest.mark.parametrize(
    ("text", "failure"),
    [
        (None, "could not be retrieved"),
        ("no json", "not JSON"),
        ('{"username": "a"}', "no accessToken"),
        ('{"username": "a", "accessToken": "b"}', None),
    ],
)
def test_a_rule_is_validated_by_its_secret(aws: EmbeddedAws, text: str | None, failure: str | None) -> None:
    # https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache-creating-secret.html
    secret = {"Name": "ecr-pullthroughcache/hub", **({"SecretString": text} if text else {"SecretBinary": b"a"})}
    arn = aws.call("secretsmanager", "CreateSecret", secret)["ARN"]
    rule = {"ecrRepositoryPrefix": "hub", "upstreamRegistryUrl": "registry-1.docker.io", "credentialArn": arn}
    aws.call("ecr", "CreatePullThroughCacheRule", rule)
    answer = aws.call("ecr", "ValidatePullThroughCacheRule", {"ecrRepositoryPrefix": "hub"})
    assert answer["isValid"] is (failure is None)
    assert failure is None or failure in answer["failure"]


def test_signing_is_configured_once_a_registry(aws: EmbeddedAws, refused: Any, repository: str) -> None:
    # https://docs.aws.amazon.com/AmazonECR/latest/userguide/managed-signing.html
    assert refused("ecr", "GetSigningConfiguration", {})[0] == "SigningConfigurationNotFoundException"
    profile = "arn:aws:signer:eu-west-1:111122223333:/signing-profiles/main"
    filters = [{"filter": "api-*", "filterType": "WILDCARD_MATCH"}]
    rules = {"signingConfiguration": {"rules": [{"signingProfileArn": profile, "repositoryFilters": filters}]}}
    aws.call("ecr", "PutSigningConfiguration", rules)
    assert aws.call("ecr", "GetSigningConfiguration") == {"registryId": "111122223333", **rules}
    aws.call("ecr", "CreateRepository", {"repositoryName": "web"})
    for name, signed in ((repository, [{"signingProfileArn": profile, "status": "COMPLETE"}]), ("web", [])):
        aws.push_image(name, "v1")
        asked = {"repositoryName": name, "imageId": {"imageTag": "v1"}}
        assert aws.call("ecr", "DescribeImageSigningStatus", asked)["signingStatuses"] == signed
    aws.call("ecr", "DeleteSigningConfiguration")
    assert refused("ecr", "DeleteSigningConfiguration", {})[0] == "SigningConfigurationNotFoundException"
    elsewhere = [{"signingProfileArn": profile.replace("eu-west-1", "us-west-2")}]
    asked = {"signingConfiguration": {"rules": elsewhere}}
    assert refused("ecr", "PutSigningConfiguration", asked)[0] == "InvalidParameterException"


@pytest.mark.parametrize(
    "tags",
    [
        [{"Key": "aws:x", "Value": "1"}],
        [{"Key": f"k{number}", "Value": ""} for number in range(51)],
        [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}],
    ],
)
def test_a_template_s_tags_are_those_that_a_repository_may_have(refused: Any, role: str, tags: Any) -> None:
    template = {"prefix": "ROOT", "appliedFor": ["REPLICATION"], "customRoleArn": role, "resourceTags": tags}
    code, message = refused("ecr", "CreateRepositoryCreationTemplate", template)
    assert (code, "resourceTags" in message) == ("InvalidParameterException", True)


TRUST = (
    '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", '
    '"Principal": {"Service": "%s.amazonaws.com"}}]}'
)


@pytest.fixture
def role(aws: EmbeddedAws) -> str:
    made = aws.call("iam", "CreateRole", {"RoleName": "templates", "AssumeRolePolicyDocument": TRUST % "ecr"})
    return str(made["Role"]["Arn"])


def test_creation_templates_live_change_and_die(aws: EmbeddedAws, refused: Any, role: str, key: Any) -> None:
    template = {
        "prefix": "ROOT",
        "appliedFor": ["REPLICATION"],
        "encryptionConfiguration": {"encryptionType": "KMS", "kmsKey": key["Arn"]},
        "resourceTags": [{"Key": "Team", "Value": "platform"}],
        "imageTagMutability": "IMMUTABLE",
        "customRoleArn": role,
    }
    aws.call("ecr", "CreateRepositoryCreationTemplate", template)
    assert refused("ecr", "CreateRepositoryCreationTemplate", template)[0] == "TemplateAlreadyExistsException"
    aws.call("ecr", "UpdateRepositoryCreationTemplate", {"prefix": "ROOT", "imageTagMutability": "MUTABLE"})
    found = aws.call("ecr", "DescribeRepositoryCreationTemplates")["repositoryCreationTemplates"]
    assert [{**entry, "createdAt": 0, "updatedAt": 0} for entry in found] == [
        {**template, "imageTagMutability": "MUTABLE", "createdAt": 0, "updatedAt": 0}
    ]
    assert aws.call("ecr", "DescribeRepositoryCreationTemplates", {}, "us-west-2")["repositoryCreationTemplates"] == []
    aws.call("ecr", "DeleteRepositoryCreationTemplate", {"prefix": "ROOT"})
    assert refused("ecr", "DeleteRepositoryCreationTemplate", {"prefix": "ROOT"})[0] == "TemplateNotFoundException"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"prefix": "Team"}, "regular expression"),
        ({"appliedFor": []}, "at least one scenario"),
        ({"appliedFor": ["PUSH"]}, "enum value set"),
        ({"encryptionConfiguration": {"encryptionType": "KMS"}}, "custom role is needed"),
        ({"resourceTags": [{"Key": "a", "Value": "b"}]}, "custom role is needed"),
        ({"customRoleArn": "arn:aws:iam::111122223333:role/nobody"}, "does not exist"),
        ({"imageTagMutability": "MUTABLE_WITH_EXCLUSION"}, "exclusion filters are needed"),
        ({"repositoryPolicy": "{}"}, "Invalid repository policy"),
        (
            {
                "encryptionConfiguration": {
                    "encryptionType": "KMS",
                    "kmsKey": "arn:aws:kms:us-west-2:111122223333:key/00000000-0000-4000-8000-000000000000",
                }
            },
            "region eu-west-1",
        ),
    ],
)
def test_templates_that_aws_refuses_are_refused(refused: Any, settings: dict[str, Any], words: str) -> None:
    code, message = refused(
        "ecr", "CreateRepositoryCreationTemplate", {"prefix": "team", "appliedFor": ["REPLICATION"], **settings}
    )
    assert code == "InvalidParameterException"
    assert words in message


def test_a_template_s_role_must_trust_ecr(aws: EmbeddedAws, refused: Any) -> None:
    aws.call("iam", "CreateRole", {"RoleName": "ec2", "AssumeRolePolicyDocument": TRUST % "ec2"})
    template = {
        "prefix": "team",
        "appliedFor": ["REPLICATION"],
        "customRoleArn": "arn:aws:iam::111122223333:role/ec2",
    }
    assert refused("ecr", "CreateRepositoryCreationTemplate", template)[0] == "InvalidParameterException"
