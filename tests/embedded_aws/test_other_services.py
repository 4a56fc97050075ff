"""The services that a registry needs beside ECR, KMS, IAM and STS."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from ecr_stack.embedded_aws import EmbeddedAws

CVE = {"name": "CVE-2026-0001", "severity": "HIGH", "package": "openssl", "version": "3.0.1"}
# the sample event of https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-eventbridge.html
PUSH = {
    "version": "0",
    "id": "13cde686-328b-6117-af20-0e5566167482",
    "detail-type": "ECR Image Action",
    "source": "aws.ecr",
    "account": "111122223333",
    "time": "2019-11-16T01:54:34Z",
    "region": "us-west-2",
    "resources": [],
    "detail": {
        "result": "SUCCESS",
        "repository-name": "my-repository-name",
        "action-type": "PUSH",
        "image-tag": "latest",
    },
}


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ({"source": ["aws.ecr"], "detail-type": ["ECR Image Action"]}, True),
        ({"source": ["aws.ecr"], "detail": {"action-type": ["DELETE"]}}, False),
        ({"detail": {"repository-name": [{"prefix": "my-"}]}}, True),
        ({"source": ["aws.inspector2"]}, False),
    ],
)
def test_events_are_held_against_patterns(aws: EmbeddedAws, pattern: dict[str, Any], matches: bool) -> None:
    # https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_TestEventPattern.html
    asked = {"EventPattern": json.dumps(pattern), "Event": json.dumps(PUSH)}
    assert aws.call("events", "TestEventPattern", asked)["Result"] is matches


def test_a_rule_sends_to_a_topic_with_a_queue_for_what_fails(aws: EmbeddedAws) -> None:
    topic = aws.call("sns", "CreateTopic", {"Name": "registry"})["TopicArn"]
    queue = aws.call("sqs", "CreateQueue", {"QueueName": "registry-failed"})["QueueUrl"]
    named = {"QueueUrl": queue, "AttributeNames": ["QueueArn"]}
    arn = aws.call("sqs", "GetQueueAttributes", named)["Attributes"]["QueueArn"]
    aws.call("events", "PutRule", {"Name": "pushes", "EventPattern": json.dumps({"source": ["aws.ecr"]})})
    target = {"Id": "topic", "Arn": topic, "DeadLetterConfig": {"Arn": arn}}
    aws.call("events", "PutTargets", {"Rule": "pushes", "Targets": [target]})
    assert aws.call("events", "ListTargetsByRule", {"Rule": "pushes"})["Targets"] == [target]


def test_requests_to_every_service_are_checked_against_its_api_model(refused: Any) -> None:
    for service, operation, asked in (
        ("secretsmanager", "CreateSecret", {"Name": ""}),
        ("events", "PutRule", {"Name": "no spaces", "EventPattern": "{}"}),
        ("budgets", "DescribeBudgets", {"AccountId": "1"}),
        ("cloudwatch", "DeleteAlarms", {"AlarmNames": [""]}),
        ("ecr-public", "CreateRepository", {"repositoryName": "API"}),
    ):
        with_region = "us-east-1" if service == "ecr-public" else None
        code, _ = refused(service, operation, asked, with_region)
        assert code in ("ValidationException", "InvalidParameterException")


def test_what_is_kept_elsewhere_is_read_back(aws: EmbeddedAws) -> None:
    aws.call("secretsmanager", "CreateSecret", {"Name": "ecr-pullthroughcache/hub", "SecretString": "{}"})
    secret = {"SecretId": "ecr-pullthroughcache/hub"}
    assert aws.call("secretsmanager", "GetSecretValue", secret)["SecretString"] == "{}"
    limit = {"Amount": "10", "Unit": "USD"}
    budget = {"BudgetName": "registry", "BudgetLimit": limit, "TimeUnit": "MONTHLY", "BudgetType": "COST"}
    account = {"AccountId": "111122223333"}
    aws.call("budgets", "CreateBudget", {**account, "Budget": budget})
    described = aws.call("budgets", "DescribeBudget", {**account, "BudgetName": "registry"})["Budget"]
    assert described["BudgetLimit"] == limit
    profile = {"profileName": "main", "platformId": "Notation-OCI-SHA384-ECDSA"}
    arn = aws.call("signer", "PutSigningProfile", profile)["arn"]
    assert arn == "arn:aws:signer:eu-west-1:111122223333:/signing-profiles/main"


def test_costs_are_those_that_were_seeded_for_the_period(aws: EmbeddedAws) -> None:
    months = ["2026-01-01", "2026-02-01", "2026-03-01", "2026-04-01"]
    results = [
        {
            "TimePeriod": {"Start": start, "End": end},
            "Total": {"UnblendedCost": {"Amount": "1.5", "Unit": "USD"}},
            "Groups": [],
            "Estimated": False,
        }
        for start, end in itertools.pairwise(months)
    ]
    aws.seed_costs(results)
    period = {"Start": "2026-02-01", "End": "2026-04-01"}
    asked = {"TimePeriod": period, "Granularity": "MONTHLY", "Metrics": ["UnblendedCost"]}
    assert aws.call("ce", "GetCostAndUsage", asked)["ResultsByTime"] == results[1:]


def test_inspector_finds_what_enhanced_scanning_found(aws: EmbeddedAws, repository: str) -> None:
    # https://docs.aws.amazon.com/inspector/v2/APIReference/API_Enable.html
    assert aws.call("inspector2", "BatchGetAccountStatus")["accounts"][0]["state"]["status"] == "DISABLED"
    aws.call("inspector2", "Enable", {"resourceTypes": ["ECR"]})
    status = aws.call("inspector2", "BatchGetAccountStatus", {"accountIds": ["111122223333", "444455556666"]})
    assert status["accounts"][0]["resourceState"]["ecr"]["status"] == "ENABLED"
    assert status["failedAccounts"][0]["accountId"] == "444455556666"
    filters = [{"filter": "api-*", "filterType": "WILDCARD"}]
    rule = {"scanFrequency": "CONTINUOUS_SCAN", "repositoryFilters": filters}
    aws.call("ecr", "PutRegistryScanningConfiguration", {"scanType": "ENHANCED", "rules": [rule]})
    aws.push_image(repository, "v1")
    aws.seed_findings(repository, "v1", [CVE, {**CVE, "name": "CVE-2", "severity": "LOW"}])
    high = {"filterCriteria": {"severity": [{"comparison": "EQUALS", "value": "HIGH"}]}}
    findings = aws.call("inspector2", "ListFindings", high)["findings"]
    assert [finding["packageVulnerabilityDetails"]["vulnerabilityId"] for finding in findings] == ["CVE-2026-0001"]
    coverage = aws.call("inspector2", "ListCoverage")["coveredResources"]
    assert coverage[0]["resourceMetadata"]["ecrRepository"] == {"name": repository, "scanFrequency": "CONTINUOUS_SCAN"}
    aws.call("inspector2", "UpdateConfiguration", {"ecrConfiguration": {"rescanDuration": "DAYS_30"}})
    state = aws.call("inspector2", "GetConfiguration")["ecrConfiguration"]["rescanDurationState"]
    assert (state["rescanDuration"], state["status"]) == ("DAYS_30", "SUCCESS")
    aws.call("inspector2", "Disable", {"resourceTypes": ["ECR"]})
    assert aws.call("inspector2", "ListFindings")["findings"] == []


def test_public_repositories_live_in_one_region(aws: EmbeddedAws, refused: Any) -> None:
    # https://docs.aws.amazon.com/AmazonECRPublic/latest/APIReference/API_CreateRepository.html
    home = "us-east-1"
    catalog = {"description": "An image", "aboutText": "# About", "architectures": ["x86-64"]}
    created = {"repositoryName": "api", "catalogData": catalog, "tags": [{"Key": "Team", "Value": "a"}]}
    assert refused("ecr-public", "CreateRepository", created)[0] == "UnsupportedCommandException"
    repository = aws.call("ecr-public", "CreateRepository", created, home)["repository"]
    assert repository["repositoryArn"] == "arn:aws:ecr-public::111122223333:repository/api"
    assert refused("ecr-public", "CreateRepository", created, home)[0] == "RepositoryAlreadyExistsException"
    named = {"repositoryName": "api"}
    shown = aws.call("ecr-public", "GetRepositoryCatalogData", named, home)["catalogData"]
    assert shown == {**catalog, "marketplaceCertified": False}
    assert refused("ecr-public", "GetRepositoryPolicy", named, home)[0] == "RepositoryPolicyNotFoundException"
    statement = {"Effect": "Allow", "Principal": "*", "Action": "ecr-public:DescribeImages"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    aws.call("ecr-public", "SetRepositoryPolicy", {**named, "policyText": policy}, home)
    assert aws.call("ecr-public", "GetRepositoryPolicy", named, home)["policyText"] == policy
    private = {**named, "policyText": policy.replace("ecr-public:", "ecr:")}
    assert refused("ecr-public", "SetRepositoryPolicy", private, home)[0] == "InvalidParameterException"
    arn = {"resourceArn": repository["repositoryArn"]}
    aws.call("ecr-public", "TagResource", {**arn, "tags": [{"Key": "Env", "Value": "b"}]}, home)
    aws.call("ecr-public", "UntagResource", {**arn, "tagKeys": ["Team"]}, home)
    assert aws.call("ecr-public", "ListTagsForResource", arn, home)["tags"] == [{"Key": "Env", "Value": "b"}]
    aws.call("ecr-public", "DeleteRepository", named, home)
    assert aws.call("ecr-public", "DescribeRepositories", {}, home)["repositories"] == []
