"""Pull-through caches, templates of one's own, account settings and public repositories."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from botocore.exceptions import ClientError

from ecr_stack import AccountSettings, PublicRepository, PullThroughCache
from ecr_stack.components.component import InvalidArguments
from ecr_stack.embedded_aws import EmbeddedAws, api_model
from ecr_stack.errors import InvalidInput
from ecr_stack.rehearsal import Report, rehearse
from ecr_stack.schema.pull_through_cache import UPSTREAMS, UpstreamName

Make = Callable[[dict[str, Any]], Path]

BASE: dict[str, Any] = {
    "aws:region": "us-east-1",
    "ecr-stack:environment": "test",
    "ecr-stack:repositories": {"api": {}},
}
RULE = "aws:ecr/pullThroughCacheRule:PullThroughCacheRule"
TEMPLATE = "aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate"
SECRET_ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:ecr-pullthroughcache/login-AbCdEf"


@pytest.fixture
def aws() -> Iterator[EmbeddedAws]:
    with EmbeddedAws() as embedded:
        yield embedded


def config(**sections: Any) -> dict[str, Any]:
    return {**BASE, **{f"ecr-stack:{name}": value for name, value in sections.items()}}


def of(report: Report, type_: str) -> dict[str, dict[str, Any]]:
    return {each.name: each.outputs for each in report.resources if each.type == type_}


def problems(project: Make, **sections: Any) -> dict[str, str]:
    with pytest.raises(InvalidInput) as caught:
        rehearse("test", project(config(**sections)))
    return {
        problem.place.removeprefix("ecr-stack:"): f"{problem.rule}; {problem.remedy}"
        for problem in caught.value.problems
    }


def test_the_upstreams_are_those_of_the_api() -> None:
    members = api_model.operation("ecr", "CreatePullThroughCacheRule").input_shape.members
    assert set(UPSTREAMS) == set(get_args(UpstreamName)) == set(members["upstreamRegistry"].enum)


@pytest.mark.parametrize("upstream", sorted(set(UPSTREAMS) - {"ecr"}))
def test_every_upstream_can_be_cached(project: Make, upstream: UpstreamName) -> None:
    cache: dict[str, Any] = {"upstream": upstream}
    if UPSTREAMS[upstream].needs_credentials:
        cache["credentialArn"] = SECRET_ARN
    if upstream == "azure-container-registry":
        cache["url"] = "ourteam.azurecr.io"
    report = rehearse("test", project(config(pullThroughCache={"up": cache})))
    (rule,) = of(report, RULE).values()
    assert rule["upstreamRegistryUrl"] == cache.get("url", UPSTREAMS[upstream].url)
    assert report.outputs["pullCommands"]["up"].startswith(
        "docker pull 123456789012.dkr.ecr.us-east-1.amazonaws.com/up/"
    )


def test_an_image_of_another_account_is_imported_with_the_settings_of_the_cache(
    project: Make, aws: EmbeddedAws
) -> None:
    with EmbeddedAws(account="111122223333") as other:
        other.call("ecr", "CreateRepository", {"repositoryName": "team/api"})
        digest = other.push_image("team/api", "v1")
        cache = {
            "upstream": "ecr",
            "url": "111122223333.dkr.ecr.us-east-1.amazonaws.com",
            "upstreamPrefix": "team",
            "customRoleArn": "arn:aws:iam::123456789012:role/importer",
            "repositories": {"lifecycle": [{"description": "a month", "any": True, "expireAfterDays": 30}]},
        }
        settings = config(pullThroughCache={"peer": cache}, encryption={"type": "KMS"})
        report = rehearse("test", project(settings), aws=aws)
        asked = {"repositoryName": "peer/api", "imageIds": [{"imageTag": "v1"}]}
        found = aws.call("ecr", "BatchGetImage", asked)
        assert [image["imageId"]["imageDigest"] for image in found["images"]] == [digest]
    repository = aws.call("ecr", "DescribeRepositories", {"repositoryNames": ["peer/api"]})["repositories"][0]
    assert repository["encryptionConfiguration"]["kmsKey"] == report.outputs["keyArn"]
    text = aws.call("ecr", "GetLifecyclePolicy", {"repositoryName": "peer/api"})["lifecyclePolicyText"]
    assert json.loads(text)["rules"][0]["selection"]["countNumber"] == 30
    (template,) = of(report, TEMPLATE).values()
    assert (template["prefix"], template["appliedFors"]) == ("peer", ["PULL_THROUGH_CACHE"])


def test_credentials_are_a_secret_under_the_name_that_ecr_demands(project: Make, aws: EmbeddedAws) -> None:
    login = {"username": "me", "accessToken": "t0ken"}
    caches = {"docker-hub": {"upstream": "docker-hub", "credentials": login}}
    report = rehearse("test", project(config(pullThroughCache=caches)), aws=aws)
    (secret,) = of(report, "aws:secretsmanager/secret:Secret").values()
    assert secret["name"] == "ecr-pullthroughcache/test/docker-hub"
    value = aws.call("secretsmanager", "GetSecretValue", {"SecretId": secret["arn"]})["SecretString"]
    assert json.loads(value) == login
    (rule,) = (each for each in report.resources if each.type == RULE)
    assert rule.outputs["credentialArn"] == secret["arn"]
    (version,) = (
        each.urn for each in report.resources if each.type == "aws:secretsmanager/secretVersion:SecretVersion"
    )
    assert version in rule.dependencies


def test_an_encrypted_token_in_the_stack_file_can_be_rehearsed(project: Make) -> None:
    login = {"username": "me", "accessToken": {"secure": "AAABAJ8s"}}
    settings = config(pullThroughCache={"docker-hub": {"upstream": "docker-hub", "credentials": login}})
    report = rehearse("test", project(settings))
    assert "AAABAJ8s" not in json.dumps(report.as_json(), default=str)


def test_an_image_that_is_pushed_makes_its_repository_from_a_template(project: Make, aws: EmbeddedAws) -> None:
    templates = {"ROOT": {"appliedFor": ["CREATE_ON_PUSH"], "tagMutability": "IMMUTABLE"}}
    rehearse("test", project(config(creationTemplates=templates)), aws=aws)
    aws.push_image("new-service", "v1")
    made = aws.call("ecr", "DescribeRepositories", {"repositoryNames": ["new-service"]})["repositories"][0]
    assert made["imageTagMutability"] == "IMMUTABLE"


@pytest.mark.parametrize(
    ("cache", "place", "words"),
    [
        ({"upstream": "docker-hub"}, "credentials", "requires credentials"),
        ({"upstream": "quay", "credentialArn": SECRET_ARN}, "credentialArn", "rejects them"),
        ({"upstream": "quay", "url": "quay.example.com"}, "url", "always quay.io"),
        ({"upstream": "azure-container-registry", "credentialArn": SECRET_ARN}, "url", "`url: NAME.azurecr.io`"),
        ({"upstream": "ecr"}, "url", "needs the registry's URL"),
        (
            {"upstream": "k8s", "customRoleArn": "arn:aws:iam::123456789012:role/r"},
            "customRoleArn",
            "another private ECR registry",
        ),
        (
            {"upstream": "docker-hub", "credentialArn": SECRET_ARN.replace("ecr-pullthroughcache/", "")},
            "credentialArn",
            "begin with `ecr-pullthroughcache/`",
        ),
        (
            {"upstream": "docker-hub", "credentialArn": SECRET_ARN.replace("us-east-1", "eu-west-1")},
            "credentialArn",
            "account and Region, us-east-1",
        ),
        ({"upstream": "dockerhub"}, "upstream", "docker-hub"),
        ({"upstream": "quay", "repositories": {"protect": True}}, "repositories.protect", "cannot set this"),
    ],
)
def test_a_cache_that_ecr_would_refuse_is_refused(project: Make, cache: dict[str, Any], place: str, words: str) -> None:
    found = problems(project, pullThroughCache={"up": cache})
    assert words in found[f"pullThroughCache.up.{place}"]


def test_one_prefix_has_one_template(project: Make) -> None:
    found = problems(
        project,
        pullThroughCache={"quay": {"upstream": "quay", "repositories": {}}},
        creationTemplates={"quay": {"appliedFor": ["CREATE_ON_PUSH"]}},
    )
    assert "one template per prefix" in found["creationTemplates.quay"]


# --- account settings


def test_an_older_registry_takes_the_policy_because_its_scope_is_extended_first(
    project: Make, aws: EmbeddedAws
) -> None:
    for region in ("us-east-1", "us-west-2"):
        aws.seed_account_setting("REGISTRY_POLICY_SCOPE", "V1", region)
    statement = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "ecr:BatchGetImage", "Resource": "*"}
    text = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    with pytest.raises(ClientError, match="scope V2"):
        aws.call("ecr", "PutRegistryPolicy", {"policyText": text})
    settings = config(
        registryAccess={"accounts": ["111122223333"]},
        replication={"rules": [{"destinations": [{"region": "us-west-2"}]}]},
    )
    report = rehearse("test", project(settings), aws=aws)
    for region in ("us-east-1", "us-west-2"):
        assert aws.call("ecr", "GetAccountSetting", {"name": "REGISTRY_POLICY_SCOPE"}, region)["value"] == "V2"
        (policy,) = (
            each
            for each in report.resources
            if each.type == "aws:ecr/registryPolicy:RegistryPolicy" and each.outputs["region"] == region
        )
        (setting,) = (
            each.urn
            for each in report.resources
            if each.type == "aws:ecr/accountSetting:AccountSetting" and each.outputs["region"] == region
        )
        assert setting in policy.dependencies


def test_a_policy_for_replication_alone_leaves_the_scope(project: Make) -> None:
    report = rehearse("test", project(config(registryAccess={"replicationFrom": ["111122223333"]})))
    assert not of(report, "aws:ecr/accountSetting:AccountSetting")


def test_account_settings_are_made_once_for_a_region(foreign: Callable[..., Any]) -> None:
    made = foreign(
        lambda: AccountSettings(
            "own", {"blob_mounting": True, "pull_time_exclusions": ["role/scanner"], "region": "eu-west-1"}
        )
    )
    (setting,) = made.of("aws:ecr/accountSetting:AccountSetting")
    assert setting == {"name": "BLOB_MOUNTING", "value": "ENABLED", "region": "eu-west-1"}
    (exclusion,) = made.of("aws:ecr/pullTimeUpdateExclusion:PullTimeUpdateExclusion")
    assert exclusion["principalArn"] == "arn:aws:iam::123456789012:role/scanner"


def test_an_account_is_no_scanner(project: Make) -> None:
    found = problems(project, accountSettings={"pullTimeExclusions": ["111122223333"]})
    assert "not an account" in found["accountSettings.pullTimeExclusions[0]"]


# --- public repositories


def test_a_public_repository_is_made_in_its_own_region(project: Make, aws: EmbeddedAws) -> None:
    public = {"base": {"description": "The base", "architectures": ["ARM 64"], "push": ["role/builder"]}}
    settings = {**config(publicRepositories=public), "aws:region": "eu-west-1"}
    with EmbeddedAws(account="111122223333", region="eu-west-1") as elsewhere:
        report = rehearse("test", project(settings), account="111122223333", aws=elsewhere)
        found = elsewhere.call("ecr-public", "GetRepositoryCatalogData", {"repositoryName": "base"}, "us-east-1")
        policy = elsewhere.call("ecr-public", "GetRepositoryPolicy", {"repositoryName": "base"}, "us-east-1")
    assert found["catalogData"]["architectures"] == ["ARM 64"]
    statements = json.loads(policy["policyText"])["Statement"]
    assert {action for statement in statements for action in statement["Action"]} >= {"ecr-public:PutImage"}
    assert report.outputs["publicRepositoryUrls"] == {"base": "public.ecr.aws/a1b2c3d4/base"}


def test_ecr_public_is_not_in_china(project: Make) -> None:
    with pytest.raises(InvalidInput) as caught:
        rehearse("test", project({**config(publicRepositories={"base": {}}), "aws:region": "cn-north-1"}))
    assert "only available in the partition aws" in str(caught.value)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: PublicRepository("Base", {}), ["name", "public repository's name"]),
        (lambda: PublicRepository("base", {"logo": "?"}), ["logo", "base64"]),
        (lambda: PullThroughCache("hub", {"upstream": "docker-hub"}), ["credentials", "requires credentials"]),
        (lambda: PullThroughCache("q", {"upstream": "quay"}), ["prefix", "2 to 30"]),
        (
            lambda: PullThroughCache("quay", {"upstream": "quay", "repositories": {}}),
            ["repositories", "CreationTemplate"],
        ),
    ],
)
def test_a_mistake_stops_the_program(foreign: Callable[..., Any], make: Callable[[], Any], words: list[str]) -> None:
    with pytest.raises(InvalidArguments) as caught:
        foreign(make)
    for word in words:
        assert word in str(caught.value)
