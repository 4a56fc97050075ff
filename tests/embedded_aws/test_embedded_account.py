from __future__ import annotations

import os
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ParamValidationError

from ecr_stack.embedded_aws import EmbeddedAws
from ecr_stack.errors import Unavailable


def test_a_new_account_is_empty_after_an_old_one_of_the_same_number() -> None:
    with EmbeddedAws() as first:
        first.call("ecr", "CreateRepository", {"repositoryName": "left-over"})
    with EmbeddedAws() as second:
        assert second.call("ecr", "DescribeRepositories")["repositories"] == []


def test_an_account_is_embedded_once_at_a_time() -> None:
    with EmbeddedAws(), pytest.raises(Unavailable, match="123456789012"):
        EmbeddedAws().start()


def test_two_accounts_do_not_see_each_other() -> None:
    with EmbeddedAws("111122223333") as one, EmbeddedAws("444455556666") as other:
        one.call("ecr", "CreateRepository", {"repositoryName": "mine"})
        assert other.call("ecr", "DescribeRepositories")["repositories"] == []
        assert other.call("sts", "GetCallerIdentity")["Account"] == "444455556666"


def test_a_call_to_an_account_that_is_not_running_says_so() -> None:
    aws = EmbeddedAws()
    with pytest.raises(Unavailable, match="started"):
        aws.call("ecr", "DescribeRepositories")
    aws.stop()


def test_neither_environment_nor_boto3_are_touched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTO_ACCOUNT_ID", "999999999999")
    session = boto3.DEFAULT_SESSION
    with EmbeddedAws("111122223333") as aws:
        assert aws.call("sts", "GetCallerIdentity")["Account"] == "111122223333"
        assert boto3.DEFAULT_SESSION is session
    assert os.environ["MOTO_ACCOUNT_ID"] == "999999999999"


def test_no_call_opens_a_connection_or_needs_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: Any, **__: Any) -> None:
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket.socket, "connect", forbidden)
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    with EmbeddedAws() as aws:
        aws.call("ecr", "CreateRepository", {"repositoryName": "api"})
        assert aws.call("ecr", "GetAuthorizationToken")["authorizationData"]


def test_regions_are_separate_registries(aws: EmbeddedAws) -> None:
    aws.call("ecr", "CreateRepository", {"repositoryName": "api"}, "us-west-2")
    made = aws.call("ecr", "DescribeRepositories", {}, "us-west-2")["repositories"]
    assert [entry["repositoryArn"] for entry in made] == ["arn:aws:ecr:us-west-2:111122223333:repository/api"]
    assert aws.call("ecr", "DescribeRepositories")["repositories"] == []


def test_repositories_in_china_have_the_addresses_of_china(aws: EmbeddedAws) -> None:
    made = aws.call("ecr", "CreateRepository", {"repositoryName": "api"}, "cn-north-1")["repository"]
    assert made["repositoryArn"] == "arn:aws-cn:ecr:cn-north-1:111122223333:repository/api"
    assert made["repositoryUri"] == "111122223333.dkr.ecr.cn-north-1.amazonaws.com.cn/api"


def test_a_region_that_does_not_exist_has_no_endpoint(aws: EmbeddedAws) -> None:
    with pytest.raises(EndpointConnectionError, match="eu-west-9"):
        aws.call("ecr", "DescribeRepositories", {}, "eu-west-9")


@pytest.mark.parametrize(
    ("service", "operation", "named"),
    [
        ("s3", "ListBuckets", "s3"),
        ("ecr", "CreateRepositories", "CreateRepositories"),
        ("kms", "ConnectCustomKeyStore", "kms:ConnectCustomKeyStore"),
    ],
)
def test_what_is_not_embedded_is_named(aws: EmbeddedAws, service: str, operation: str, named: str) -> None:
    parameters = {"CustomKeyStoreId": "cks-1"} if service == "kms" else {}
    with pytest.raises(Unavailable, match=named):
        aws.call(service, operation, parameters)


def test_calls_are_counted_and_uncounted(aws: EmbeddedAws) -> None:
    aws.call("ecr", "CreateRepository", {"repositoryName": "one"})
    with pytest.raises(ClientError):
        aws.call("ecr", "CreateRepository", {"repositoryName": "one"})
    with aws.uncounted():
        aws.call("ecr", "DescribeRepositories")
    aws.call("kms", "CreateKey")
    assert aws.calls == {"ecr:CreateRepository": 2, "kms:CreateKey": 1}


def test_threads_share_an_account(aws: EmbeddedAws) -> None:
    def make(number: int) -> None:
        aws.call("ecr", "CreateRepository", {"repositoryName": f"service-{number}"})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(make, range(40)))
    found = aws.call("ecr", "DescribeRepositories", {"maxResults": 1000})["repositories"]
    assert len({entry["repositoryName"] for entry in found}) == 40
    assert aws.calls["ecr:CreateRepository"] == 40


def test_repositories_come_in_pages(aws: EmbeddedAws) -> None:
    for number in range(5):
        aws.call("ecr", "CreateRepository", {"repositoryName": f"service-{number}"})
    names, token, pages = [], None, 0
    while True:
        asked: dict[str, Any] = {"maxResults": 2, **({"nextToken": token} if token else {})}
        page = aws.call("ecr", "DescribeRepositories", asked)
        names += [entry["repositoryName"] for entry in page["repositories"]]
        pages += 1
        token = page.get("nextToken")
        if not token:
            break
    assert names == [f"service-{number}" for number in range(5)]
    assert pages == 3


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({}, 'Missing required parameter in input: "repositoryName"'),
        ({"repositoryName": "api", "imageTagMutabilty": "MUTABLE"}, 'Unknown parameter in input: "imageTagMutabilty"'),
        ({"repositoryName": 3}, "Invalid type for parameter repositoryName"),
        ({"repositoryName": "api", "tags": {"a": "b"}}, "Invalid type for parameter tags"),
        ({"repositoryName": "api", "imageScanningConfiguration": {"scanOnPush": 1}}, "scanOnPush"),
        ({"repositoryName": "api", "tags": [{"Key": "a"}]}, 'Missing required parameter in tags[0]: "Value"'),
    ],
)
def test_requests_of_another_form_are_refused_as_an_sdk_refuses_them(
    aws: EmbeddedAws, parameters: dict[str, Any], words: str
) -> None:
    with pytest.raises(ParamValidationError) as error:
        aws.call("ecr", "CreateRepository", parameters)
    assert words in str(error.value)
    assert aws.call("ecr", "DescribeRepositories")["repositories"] == []


def test_an_assumed_role_exists_until_the_program_makes_it_itself(aws: EmbeddedAws) -> None:
    arn = "arn:aws:iam::111122223333:role/teams/ci"
    assert aws.suppose(arn) is True
    assert aws.suppose(arn) is False
    assert aws.call("iam", "GetRole", {"RoleName": "ci"})["Role"]["Arn"] == arn
    trust = (
        '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", '
        '"Principal": {"Service": "codebuild.amazonaws.com"}}]}'
    )
    aws.call("iam", "CreateRole", {"RoleName": "ci", "AssumeRolePolicyDocument": trust})
    with pytest.raises(ClientError, match="EntityAlreadyExists"):
        aws.call("iam", "CreateRole", {"RoleName": "ci", "AssumeRolePolicyDocument": trust})


def test_assumed_keys_and_users_exist_and_strangers_are_taken_for_granted(aws: EmbeddedAws) -> None:
    key = "arn:aws:kms:us-west-2:111122223333:key/00000000-1111-4222-8333-444444444444"
    assert aws.suppose(key) is True
    assert aws.call("kms", "DescribeKey", {"KeyId": key}, "us-west-2")["KeyMetadata"]["Arn"] == key
    assert aws.suppose(key) is False
    assert aws.suppose("arn:aws:iam::111122223333:user/ada") is True
    assert aws.call("iam", "GetUser", {"UserName": "ada"})["User"]["UserName"] == "ada"
    assert aws.suppose("arn:aws:iam::999988887777:role/theirs") is True
    with pytest.raises(Unavailable, match="arn:aws:s3"):
        aws.suppose("arn:aws:s3:::bucket")


def test_the_users_own_aws_profile_is_none_of_its_business() -> None:
    # in a process of its own: what moto has looked up once, it keeps
    program = (
        "from ecr_stack.embedded_aws import EmbeddedAws\n"
        "with EmbeddedAws() as aws:\n"
        "    try:\n"
        "        aws.call('ecr', 'DescribeRepositories', {'repositoryNames': ['none']})\n"
        "    except Exception as error:\n"
        "        print(str(error))\n"
    )
    environment = {**os.environ, "AWS_PROFILE": "no-such-profile"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert "RepositoryNotFoundException" in done.stdout
