from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from typing import Any

import boto3
import pytest
from botocore.config import Config

from ecr_stack.embedded_aws import EmbeddedAws
from ecr_stack.embedded_aws.listener import _bound

TRUST = (
    '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", '
    '"Principal": {"Service": "ecr.amazonaws.com"}}]}'
)


def _client(aws: EmbeddedAws, service: str, region: str = "eu-west-1") -> Any:
    return boto3.client(
        service,
        endpoint_url=aws.serve(),
        region_name=region,
        aws_access_key_id="any",
        aws_secret_access_key="any",
        config=Config(retries={"max_attempts": 0}, proxies={}),
    )


def test_both_ways_in_lead_to_the_same_state(aws: EmbeddedAws) -> None:
    client = _client(aws, "ecr", "us-west-2")
    client.create_repository(repositoryName="over-http", imageScanningConfiguration={"scanOnPush": True})
    aws.call("ecr", "CreateRepository", {"repositoryName": "in-process"}, "us-west-2")
    found = client.describe_repositories()["repositories"]
    assert [entry["repositoryName"] for entry in found] == ["over-http", "in-process"]
    assert found[0]["createdAt"].tzinfo is not None
    assert aws.call("ecr", "DescribeRepositories")["repositories"] == []
    assert aws.calls["ecr:CreateRepository"] == 2


def test_refusals_have_their_codes_over_http(aws: EmbeddedAws) -> None:
    ecr, kms, iam = _client(aws, "ecr"), _client(aws, "kms"), _client(aws, "iam")
    with pytest.raises(ecr.exceptions.InvalidParameterException, match="regular expression"):
        ecr.create_repository(repositoryName="UPPER")
    with pytest.raises(kms.exceptions.NotFoundException):
        kms.describe_key(KeyId="alias/nothing")
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.get_role(RoleName="nobody")


def test_the_query_protocol_is_spoken(aws: EmbeddedAws) -> None:
    iam = _client(aws, "iam")
    made = iam.create_role(
        RoleName="ci", AssumeRolePolicyDocument=TRUST, Description="a & <b>", Tags=[{"Key": "Team", "Value": "b + c"}]
    )["Role"]
    assert made["AssumeRolePolicyDocument"] == json.loads(TRUST)
    assert (made["Description"], made["Tags"]) == ("a & <b>", [{"Key": "Team", "Value": "b + c"}])
    assert _client(aws, "sts").get_caller_identity()["Account"] == "111122223333"


def test_pages_are_walked_by_a_paginator(aws: EmbeddedAws, repository: str) -> None:
    aws.seed_images(repository, [{"imageDigest": f"sha256:{number:064x}"} for number in range(120)])
    pages = _client(aws, "ecr").get_paginator("describe_images").paginate(repositoryName=repository)
    assert [len(page["imageDetails"]) for page in pages] == [100, 20]


def test_another_process_finds_it_by_the_environment(aws: EmbeddedAws, repository: str) -> None:
    script = "import boto3; print(boto3.client('ecr').describe_repositories()['repositories'][0]['repositoryUri'])"
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        "AWS_ENDPOINT_URL": aws.serve(),
        "AWS_ACCESS_KEY_ID": "any",
        "AWS_SECRET_ACCESS_KEY": "any",
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "NO_PROXY": "127.0.0.1",
    }
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"111122223333.dkr.ecr.eu-west-1.amazonaws.com/{repository}"


SIGNED = "AWS4-HMAC-SHA256 Credential=any/20260101/eu-west-1/%s/aws4_request, SignedHeaders=host, Signature=0"
TARGET = "AmazonEC2ContainerRegistry_V20150921."


@pytest.mark.parametrize(
    ("service", "target", "body", "answered"),
    [
        (None, "DescribeRepositories", "{}", (403, "MissingAuthenticationTokenException")),
        ("s3", "ListBuckets", "{}", (400, "UnknownOperationException")),
        ("ecr", "Nothing", "{}", (400, "UnknownOperationException")),
        (
            "kms",
            "ConnectCustomKeyStore",
            '{"CustomKeyStoreId": "cks-1"}',
            (400, "UnknownOperationException"),
        ),
        ("ecr", "CreateRepository", "{}", (400, "ValidationException")),
        ("ecr", "CreateRepository", "not json", (400, "SerializationException")),
        ("ecr", "CreateRepository", "[]", (400, "SerializationException")),
        ("ecr", "CreateRepository", '{"repositoryName": ["a"]}', (400, "ValidationException")),
        ("ecr", "CreateRepository", '{"repositoryName": "abc", "tags": "x"}', (400, "SerializationException")),
    ],
)
def test_garbage_is_refused_and_the_endpoint_lives_on(
    aws: EmbeddedAws, service: str | None, target: str, body: str, answered: tuple[int, str]
) -> None:
    headers = {"X-Amz-Target": TARGET + target, "Content-Type": "application/x-amz-json-1.1"}
    if service:
        headers["Authorization"] = SIGNED % service
    request = urllib.request.Request(aws.serve(), body.encode(), headers)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with pytest.raises(urllib.error.HTTPError) as refused:
        opener.open(request)
    assert (refused.value.code, json.loads(refused.value.read())["__type"]) == answered
    assert opener.open(aws.serve()).status == 200


def test_the_endpoint_is_one_and_goes_with_the_account(monkeypatch: pytest.MonkeyPatch) -> None:
    with EmbeddedAws("444455556666") as aws:
        url = aws.serve()
        assert aws.serve() == url
        assert url.startswith("http://127.0.0.1:")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with pytest.raises(urllib.error.URLError):
        opener.open(url, timeout=2)


def test_what_is_accepted_sends_small_answers_at_once() -> None:
    """Otherwise each call waits for the acknowledgement of the head before it gets the body."""
    listening = _bound(0)
    with listening[0], socket.create_connection(listening[0].getsockname()[:2]):
        accepted = listening[0].accept()[0]
        with accepted:
            assert accepted.proto == socket.IPPROTO_TCP
    for one in listening:
        one.close()


def test_an_endpoint_that_nobody_asks_starts_no_web_server_and_imports_nothing_in_its_thread_that_others_import() -> (
    None
):
    program = (
        "import sys; from ecr_stack.embedded_aws import EmbeddedAws\n"
        "with EmbeddedAws() as aws:\n"
        "    aws.serve(); print([name in sys.modules for name in ('uvicorn', 'starlette', 'moto.core.parse')])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[False, False, True]"
