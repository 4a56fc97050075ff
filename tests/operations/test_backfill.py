"""`ecr-stack replication`: what is in the destinations, why something is not, and copying it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from ecr_stack.components.replication import _places, _start_backfills
from ecr_stack.embedded_aws import EmbeddedAws
from ecr_stack.errors import NotFound, Unavailable
from ecr_stack.operations.replication import follow, replica_statuses, start_backfill

COMMAND = Path(sys.executable).parent / "ecr-stack"
ACCOUNT = "123456789012"
WEST, EAST = ("us-west-2", ACCOUNT), ("us-east-1", ACCOUNT)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddedAws]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "embedded")
    with EmbeddedAws(account=ACCOUNT) as embedded:
        monkeypatch.setenv("AWS_ENDPOINT_URL", embedded.serve())
        for region in ("us-east-1", "us-west-2"):
            embedded.call("ecr", "CreateRepository", {"repositoryName": "api"}, region)
        yield embedded


@pytest.fixture
def client(aws: EmbeddedAws) -> Callable[[tuple[str, str]], Any]:
    url = aws.serve()
    return lambda place: boto3.client("ecr", region_name=place[0], endpoint_url=url)


def replicate(aws: EmbeddedAws, *destinations: tuple[str, str]) -> None:
    rules = [{"destinations": [{"region": region, "registryId": account} for region, account in destinations]}]
    aws.call("ecr", "PutReplicationConfiguration", {"replicationConfiguration": {"rules": rules}})


def statuses(client: Any, reference: str | None = None) -> dict[tuple[str, ...], tuple[str, str]]:
    found = replica_statuses(client(EAST), "api", reference, client)
    return {each.image_tags: (each.status, each.reason) for each in found}


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([COMMAND, *arguments], capture_output=True, text=True, check=False, env=dict(os.environ))


def test_what_was_pushed_before_is_missing_until_it_is_copied(aws: EmbeddedAws, client: Any) -> None:
    aws.push_image("api", "v1")
    replicate(aws, WEST)
    aws.push_image("api", "v2")
    found = statuses(client)
    assert found[("v2",)] == ("COMPLETE", "")
    assert found[("v1",)][0] == "MISSING"
    assert "pushed before the destination was added" in found[("v1",)][1]
    done = follow(client(EAST), start_backfill(client(EAST), WEST), wait=lambda _: None)
    assert (done.status, done.failed, done.failures) == ("COMPLETE", 0, [])
    assert statuses(client) == {("v1",): ("COMPLETE", ""), ("v2",): ("COMPLETE", "")}


def test_a_replica_that_is_gone_is_missing_although_ecr_says_complete(aws: EmbeddedAws, client: Any) -> None:
    replicate(aws, WEST)
    digest = aws.push_image("api", "v1")
    aws.call("ecr", "BatchDeleteImage", {"repositoryName": "api", "imageIds": [{"imageDigest": digest}]}, "us-west-2")
    status, reason = statuses(client)[("v1",)]
    assert status == "MISSING"
    assert "no longer exists" in reason


def test_a_tag_that_could_not_move_is_named(aws: EmbeddedAws, client: Any) -> None:
    aws.call("ecr", "PutImageTagMutability", {"repositoryName": "api", "imageTagMutability": "IMMUTABLE"}, "us-west-2")
    replicate(aws, WEST)
    aws.push_image("api", "latest", content="one")
    digest = aws.push_image("api", "latest", content="two")
    (status, reason) = statuses(client, digest)[("latest",)]
    assert status == "MISSING"
    assert "without the tag latest" in reason


def test_an_account_that_cannot_be_asked_is_as_ecr_says(aws: EmbeddedAws, client: Any) -> None:
    replicate(aws, ("us-west-2", "999999999999"))
    aws.push_image("api", "v1")
    found = list(replica_statuses(client(EAST), "api", "v1"))
    assert [(each.registry_id, each.status, each.reason) for each in found] == [
        ("999999999999", "FAILED", "DestinationRegistryNotEmbedded")
    ]


def test_images_that_do_not_exist_are_not_found(aws: EmbeddedAws, client: Any) -> None:
    with pytest.raises(NotFound, match="is not replicated"):
        statuses(client)
    with pytest.raises(NotFound, match="no image `v9`"):
        statuses(client, "v9")


def test_a_backfill_that_is_under_way_is_followed_and_not_started_again(aws: EmbeddedAws, client: Any) -> None:
    replicate(aws, WEST)
    first = start_backfill(client(EAST), WEST)
    second = start_backfill(client(EAST), WEST)
    assert (first.backfill_id, first.started_here) == (second.backfill_id, not second.started_here)


def test_the_images_that_were_not_copied_are_listed(aws: EmbeddedAws) -> None:
    aws.push_image("api", "v1")
    replicate(aws, ("us-west-2", "999999999999"))
    done = run("replication", "backfill", "--region", "us-east-1", "--format", "json")
    (told,) = json.loads(done.stdout)
    assert done.returncode == 1
    assert told["failed"] == 1
    assert told["failures"][0]["failureCode"] == "DestinationRegistryNotEmbedded"


def test_the_command_says_what_is_missing_and_then_copies_it(aws: EmbeddedAws) -> None:
    aws.push_image("api", "v1")
    replicate(aws, WEST)
    before = run("replication", "status", "api:v1", "--region", "us-east-1", "--format", "json")
    assert before.returncode == 1
    (told,) = json.loads(before.stdout)
    assert (told["region"], told["registryId"], told["status"]) == ("us-west-2", ACCOUNT, "MISSING")
    copied = run("replication", "backfill", "--region", "us-east-1", "--to", "us-west-2")
    assert copied.returncode == 0, copied.stderr
    assert "✓ us-west-2" in copied.stdout
    after = run("replication", "status", "api", "--region", "us-east-1")
    assert after.returncode == 0, after.stderr
    assert "COMPLETE" in after.stdout


def test_a_region_to_which_nothing_is_replicated_is_refused(aws: EmbeddedAws) -> None:
    replicate(aws, WEST)
    done = run("replication", "backfill", "--region", "us-east-1", "--to", "eu-west-1")
    assert done.returncode == 2
    assert "eu-west-1" in done.stderr


def test_a_deployment_copies_what_was_pushed_before(aws: EmbeddedAws, client: Any) -> None:
    inputs = {
        "replicationConfiguration": {"rules": [{"destinations": [{"region": "us-west-2", "registryId": ACCOUNT}]}]}
    }
    assert _places(inputs) == [WEST]
    assert _places(None) == []
    aws.push_image("api", "v1")
    replicate(aws, WEST)
    (message,) = _start_backfills([WEST], {}, ACCOUNT, "us-east-1")
    assert "us-west-2" in message
    (backfill,) = aws.call("ecr", "ListReplicationBackfills")["backfills"]
    assert backfill["destination"] == {"region": "us-west-2", "registryId": ACCOUNT}


def test_a_deployment_copies_nothing_in_another_account(aws: EmbeddedAws, client: Any) -> None:
    replicate(aws, WEST)
    with pytest.raises(Unavailable, match="the provider works in 999999999999"):
        _start_backfills([WEST], {}, "999999999999", "us-east-1")
    assert aws.call("ecr", "ListReplicationBackfills")["backfills"] == []


def test_without_a_repository_every_replicated_one_is_shown(aws: EmbeddedAws) -> None:
    for name in ("team/api", "other"):
        aws.call("ecr", "CreateRepository", {"repositoryName": name})
        aws.push_image(name, "v1")
    rule = {
        "destinations": [{"region": "us-west-2", "registryId": ACCOUNT}],
        "repositoryFilters": [{"filter": "team/", "filterType": "PREFIX_MATCH"}, {"filter": "api", "filterType": "PREFIX_MATCH"}],
    }  # fmt: skip
    aws.call("ecr", "PutReplicationConfiguration", {"replicationConfiguration": {"rules": [rule]}})
    aws.push_image("api", "v2")
    done = run("replication", "status", "--region", "us-east-1", "--format", "json")
    assert [(each["repository"], each["status"]) for each in json.loads(done.stdout)] == [
        ("api", "COMPLETE"),
        ("team/api", "MISSING"),
    ]
    assert done.returncode == 1
    assert "team/api: v1" in run("replication", "status", "--region", "us-east-1").stdout


def test_a_registry_without_replication_says_so(aws: EmbeddedAws) -> None:
    done = run("replication", "status", "--region", "us-east-1")
    assert (done.returncode, done.stderr) == (2, "error: no replication rule selects a repository\n")
