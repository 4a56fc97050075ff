"""Images that appear elsewhere: replication, backfill, pull through, creation on push.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/replication.html
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest
from botocore.exceptions import ClientError

from ecr_stack.embedded_aws import EmbeddedAws
from tests.embedded_aws.conftest import ACCOUNT, UNTAGGED

OTHER = "444455556666"
WEST = "us-west-2"


@pytest.fixture
def other() -> Iterator[EmbeddedAws]:
    with EmbeddedAws(account=OTHER, region=WEST) as embedded:
        yield embedded


def _configure(aws: EmbeddedAws, *rules: dict[str, Any]) -> None:
    aws.call("ecr", "PutReplicationConfiguration", {"replicationConfiguration": {"rules": list(rules)}})


def _rule(region: str = WEST, registry: str = ACCOUNT, **more: Any) -> dict[str, Any]:
    return {"destinations": [{"region": region, "registryId": registry}], **more}


def _tags(aws: EmbeddedAws, repository: str, region: str = WEST) -> dict[str, list[str]] | None:
    try:
        asked = {"repositoryName": repository}
        details = aws.call("ecr", "DescribeImages", asked, region)["imageDetails"]
    except ClientError:
        return None
    return {image["imageDigest"]: image.get("imageTags", []) for image in details}


def _outcomes(aws: EmbeddedAws, repository: str, tag: str = "v1") -> list[tuple[str, str, str | None]]:
    asked = {"repositoryName": repository, "imageId": {"imageTag": tag}}
    statuses = aws.call("ecr", "DescribeImageReplicationStatus", asked)["replicationStatuses"]
    return [(status["region"], status["status"], status.get("failureCode")) for status in statuses]


def _repository(aws: EmbeddedAws, name: str, region: str = WEST) -> dict[str, Any]:
    found: dict[str, Any] = aws.call("ecr", "DescribeRepositories", {"repositoryNames": [name]}, region)[
        "repositories"
    ][0]
    return found


def test_an_image_that_is_pushed_appears_in_its_destinations(aws: EmbeddedAws) -> None:
    filters = [{"filter": "prod", "filterType": "PREFIX_MATCH"}]
    _configure(aws, _rule(repositoryFilters=filters), _rule("us-east-1"))
    for name in ("prod/api", "production-x", "dev/api"):
        aws.call("ecr", "CreateRepository", {"repositoryName": name})
    digests = {name: aws.push_image(name, "v1", "latest") for name in ("prod/api", "production-x", "dev/api")}
    # a filter is a prefix of the text, not a namespace
    assert _tags(aws, "prod/api") == {digests["prod/api"]: ["v1", "latest"]}
    assert _tags(aws, "production-x") == {digests["production-x"]: ["v1", "latest"]}
    assert _tags(aws, "dev/api") is None
    assert _tags(aws, "dev/api", "us-east-1") == {digests["dev/api"]: ["v1", "latest"]}
    assert _outcomes(aws, "prod/api") == [(WEST, "COMPLETE", None), ("us-east-1", "COMPLETE", None)]
    layers = aws.registry(WEST).get_image("prod/api", "v1").layers
    found = aws.registry(WEST).layer("prod/api", layers[1])
    assert found is not None
    assert found[0].read_bytes() == b"v1 linux/amd64\n"


def test_a_missing_destination_repository_has_the_defaults_of_ecr(aws: EmbeddedAws) -> None:
    _configure(aws, _rule())
    created = {"repositoryName": "api", "imageTagMutability": "IMMUTABLE", "tags": [{"Key": "Team", "Value": "a"}]}
    aws.call("ecr", "CreateRepository", created)
    aws.call("ecr", "PutLifecyclePolicy", {"repositoryName": "api", "lifecyclePolicyText": UNTAGGED})
    aws.push_image("api", "v1")
    replica = _repository(aws, "api")
    assert (replica["imageTagMutability"], replica["encryptionConfiguration"]["encryptionType"]) == (
        "MUTABLE",
        "AES256",
    )
    with pytest.raises(ClientError, match="LifecyclePolicyNotFoundException"):
        aws.call("ecr", "GetLifecyclePolicy", {"repositoryName": "api"}, WEST)


def _template(aws: EmbeddedAws, prefix: str, scenario: str = "REPLICATION", region: str = WEST, **more: Any) -> None:
    aws.call("ecr", "CreateRepositoryCreationTemplate", {"prefix": prefix, "appliedFor": [scenario], **more}, region)


def test_the_most_specific_template_makes_the_destination_repository(aws: EmbeddedAws) -> None:
    # https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-creation-templates.html
    trust = {"Effect": "Allow", "Principal": {"Service": "ecr.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = aws.call("iam", "CreateRole", {"RoleName": "ecr", "AssumeRolePolicyDocument": document})["Role"]["Arn"]
    key = aws.call("kms", "CreateKey", {}, WEST)["KeyMetadata"]["Arn"]
    _template(aws, "ROOT", imageTagMutability="IMMUTABLE")
    _template(aws, "prod", lifecyclePolicy=UNTAGGED)
    encryption = {"encryptionType": "KMS", "kmsKey": key}
    tags = [{"Key": "Team", "Value": "a"}]
    _template(aws, "prod/team", encryptionConfiguration=encryption, customRoleArn=role, resourceTags=tags)
    _template(aws, "prod/team/pull", "PULL_THROUGH_CACHE", imageTagMutability="IMMUTABLE")
    _configure(aws, _rule())
    for name in ("prod/team/pull/api", "prod/api", "prod-x"):
        aws.call("ecr", "CreateRepository", {"repositoryName": name})
        aws.push_image(name, "v1")
    team = _repository(aws, "prod/team/pull/api")
    assert (team["encryptionConfiguration"], team["imageTagMutability"]) == (encryption, "MUTABLE")
    assert aws.call("ecr", "ListTagsForResource", {"resourceArn": team["repositoryArn"]}, WEST)["tags"] == tags
    policy = aws.call("ecr", "GetLifecyclePolicy", {"repositoryName": "prod/api"}, WEST)
    assert policy["lifecyclePolicyText"] == UNTAGGED
    assert _repository(aws, "prod-x")["imageTagMutability"] == "IMMUTABLE"
    # what exists is not changed by a template, and a key that is not enabled stops replication
    aws.call("kms", "DisableKey", {"KeyId": key}, WEST)
    aws.push_image("prod/team/pull/api", "v2")
    assert _outcomes(aws, "prod/team/pull/api", "v2") == [(WEST, "FAILED", "KmsError")]
    aws.call("ecr", "CreateRepository", {"repositoryName": "prod/team/new"})
    aws.push_image("prod/team/new", "v1")
    assert _outcomes(aws, "prod/team/new") == [(WEST, "FAILED", "RepositoryCreationFailed")]


def test_another_account_must_let_the_source_in(aws: EmbeddedAws, other: EmbeddedAws) -> None:
    # https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry-permissions-create-replication.html
    _configure(aws, _rule(registry=OTHER))
    aws.call("ecr", "CreateRepository", {"repositoryName": "api"})
    aws.push_image("api", "v1")
    assert _outcomes(aws, "api") == [(WEST, "FAILED", "AccessDenied")]

    def admit(*actions: str, **more: Any) -> None:
        statement = {
            "Sid": "in",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
            "Action": [f"ecr:{action}" for action in actions],
            "Resource": f"arn:aws:ecr:{WEST}:{OTHER}:repository/*",
            **more,
        }
        document = {"Version": "2012-10-17", "Statement": [statement]}
        other.call("ecr", "PutRegistryPolicy", {"policyText": json.dumps(document)})

    admit("ReplicateImage")
    aws.push_image("api", "v2")
    assert _outcomes(aws, "api", "v2") == [(WEST, "FAILED", "AccessDenied")]
    admit("ReplicateImage", "CreateRepository", Resource=f"arn:aws:ecr:{WEST}:{OTHER}:repository/prod/*")
    aws.push_image("api", "v3")
    assert _outcomes(aws, "api", "v3") == [(WEST, "FAILED", "AccessDenied")]
    admit("ReplicateImage", "CreateRepository")
    digest = aws.push_image("api", "v4")
    assert _tags(other, "api") == {digest: ["v4"]}
    assert _repository(other, "api")["registryId"] == OTHER


def test_replication_into_an_account_that_is_not_embedded_is_told_as_failed(aws: EmbeddedAws) -> None:
    _configure(aws, _rule(registry=OTHER))
    aws.call("ecr", "CreateRepository", {"repositoryName": "api"})
    aws.push_image("api", "v1")
    assert _outcomes(aws, "api") == [(WEST, "FAILED", "DestinationRegistryNotEmbedded")]


def test_replicas_are_not_replicated_onward(aws: EmbeddedAws) -> None:
    _configure(aws, _rule())
    onward = {"replicationConfiguration": {"rules": [_rule("us-east-1")]}}
    aws.call("ecr", "PutReplicationConfiguration", onward, WEST)
    aws.call("ecr", "CreateRepository", {"repositoryName": "api"})
    aws.push_image("api", "v1")
    assert _tags(aws, "api") is not None
    assert _tags(aws, "api", "us-east-1") is None


def test_a_tag_that_an_immutable_destination_has_is_left_out(aws: EmbeddedAws) -> None:
    aws.call("ecr", "CreateRepository", {"repositoryName": "api", "imageTagMutability": "IMMUTABLE"}, WEST)
    held = aws.push_image("api", "v1", content="theirs", region=WEST)
    _configure(aws, _rule())
    aws.call("ecr", "CreateRepository", {"repositoryName": "api"})
    digest = aws.push_image("api", "v1", content="ours")
    assert _tags(aws, "api") == {held: ["v1"], digest: []}


def test_deletions_are_replicated_if_the_rule_says_so(aws: EmbeddedAws) -> None:
    # https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DeleteReplication.html
    _configure(aws, _rule(deleteReplication={"enabled": True}), _rule("us-east-1"))
    aws.call("ecr", "CreateRepository", {"repositoryName": "api"})
    digest = aws.push_image("api", "v1", "latest")
    for identifier, west in (({"imageTag": "latest"}, {digest: ["v1"]}), ({"imageDigest": digest}, {})):
        aws.call("ecr", "BatchDeleteImage", {"repositoryName": "api", "imageIds": [identifier]})
        assert _tags(aws, "api") == west
        assert _tags(aws, "api", "us-east-1") == {digest: ["v1", "latest"]}


def test_an_index_is_replicated_with_its_images(aws: EmbeddedAws) -> None:
    _configure(aws, _rule())
    aws.call("ecr", "CreateRepository", {"repositoryName": "api"})
    aws.push_image("api", "v1", platforms=["linux/amd64", "linux/arm64"])
    assert sorted(_tags(aws, "api") or {}) == sorted(_tags(aws, "api", "eu-west-1") or {})
    assert len(_tags(aws, "api") or {}) == 3


def test_a_backfill_copies_what_was_pushed_before(aws: EmbeddedAws, refused: Any) -> None:
    # https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_StartReplicationBackfill.html
    aws.call("ecr", "CreateRepository", {"repositoryName": "api"})
    digest = aws.push_image("api", "v1", "latest")
    start = {"destination": {"region": WEST, "registryId": ACCOUNT}}
    assert refused("ecr", "StartReplicationBackfill", start)[0] == "InvalidParameterException"
    _configure(aws, _rule(), _rule(registry=OTHER))
    assert _tags(aws, "api") is None
    started = aws.call("ecr", "StartReplicationBackfill", start)
    assert started["status"] == "PREPARING"
    assert refused("ecr", "StartReplicationBackfill", start)[0] == "ReplicationBackfillInProgressException"
    asked = {"replicationBackfillId": started["replicationBackfillId"]}
    seen = [aws.call("ecr", "DescribeReplicationBackfillResults", asked) for _ in range(2)]
    assert [(answer["status"], len(answer["results"])) for answer in seen] == [("IN_PROGRESS", 0), ("COMPLETE", 2)]
    # "Each image and tag combination is counted as a single replication"
    assert seen[1]["progress"]["completedReplicationCount"] == 2
    assert {result["imageId"]["imageTag"] for result in seen[1]["results"]} == {"v1", "latest"}
    assert _tags(aws, "api") == {digest: ["v1", "latest"]}
    assert refused("ecr", "StopReplicationBackfill", asked)[0] == "ReplicationBackfillInvalidStatusException"
    failing = aws.call("ecr", "StartReplicationBackfill", {"destination": {"region": WEST, "registryId": OTHER}})
    aws.call("ecr", "ListReplicationBackfills")
    listed = aws.call("ecr", "ListReplicationBackfills")["backfills"]
    assert [(entry["status"], entry["progress"]["failureCodes"]) for entry in listed] == [
        ("COMPLETE", []),
        ("COMPLETE", ["DestinationRegistryNotEmbedded"]),
    ]
    filtered = {"replicationBackfillId": failing["replicationBackfillId"], "resultStatusFilter": "COMPLETE"}
    assert aws.call("ecr", "DescribeReplicationBackfillResults", filtered)["results"] == []


def test_a_backfill_that_is_stopped_copies_nothing_more(aws: EmbeddedAws, refused: Any) -> None:
    _configure(aws, _rule())
    asked = {"destination": {"region": WEST, "registryId": ACCOUNT}}
    backfill = {"replicationBackfillId": aws.call("ecr", "StartReplicationBackfill", asked)["replicationBackfillId"]}
    assert aws.call("ecr", "StopReplicationBackfill", backfill)["status"] == "STOPPED"
    assert aws.call("ecr", "DescribeReplicationBackfillResults", backfill)["status"] == "STOPPED"
    other = {"replicationBackfillId": "00000000-1111-4222-8333-444444444444"}
    assert refused("ecr", "DescribeReplicationBackfillResults", other)[0] == "ReplicationBackfillNotFoundException"


def test_a_push_makes_the_repository_if_a_template_says_so(aws: EmbeddedAws) -> None:
    with pytest.raises(ClientError, match="RepositoryNotFoundException"):
        aws.push_image("team/api", "v1")
    _template(aws, "team", "CREATE_ON_PUSH", "eu-west-1", imageTagMutability="IMMUTABLE")
    aws.push_image("team/api", "v1")
    assert _repository(aws, "team/api", "eu-west-1")["imageTagMutability"] == "IMMUTABLE"
    with pytest.raises(ClientError, match="RepositoryNotFoundException"):
        aws.push_image("team-b/api", "v1")


def test_a_pull_fetches_through_the_cache_of_another_registry(aws: EmbeddedAws, other: EmbeddedAws) -> None:
    # https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache.html
    other.call("ecr", "CreateRepository", {"repositoryName": "base/python"})
    digest = other.push_image("base/python", "3", platforms=["linux/amd64", "linux/arm64"])
    role = "arn:aws:iam::111122223333:role/puller"
    aws.suppose(role)
    url = f"{OTHER}.dkr.ecr.{WEST}.amazonaws.com"
    rule = {
        "ecrRepositoryPrefix": "theirs",
        "upstreamRegistryUrl": url,
        "upstreamRegistry": "ecr",
        "upstreamRepositoryPrefix": "base",
        "customRoleArn": role,
    }
    aws.call("ecr", "CreatePullThroughCacheRule", rule)
    _template(aws, "theirs", "PULL_THROUGH_CACHE", "eu-west-1", lifecyclePolicy=UNTAGGED)
    pull = {"repositoryName": "theirs/python", "imageIds": [{"imageTag": "3"}]}
    assert aws.call("ecr", "BatchGetImage", pull)["images"][0]["imageId"]["imageDigest"] == digest
    assert aws.call("ecr", "GetLifecyclePolicy", {"repositoryName": "theirs/python"})["lifecyclePolicyText"] == UNTAGGED
    assert len(_tags(aws, "theirs/python", "eu-west-1") or {}) == 3
    # within 24 hours the upstream is not asked again
    other.push_image("base/python", "3", content="newer")
    assert aws.call("ecr", "BatchGetImage", pull)["images"][0]["imageId"]["imageDigest"] == digest


class _Upstream(BaseHTTPRequestHandler):
    """An OCI registry with one image, which a test puts into `served`: path → media type and bytes."""

    served: ClassVar[dict[str, tuple[str, bytes]]] = {}

    def do_GET(self) -> None:
        media_type, body = self.served.get(self.path, ("text/plain", b""))
        self.send_response(200 if body else 404)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


def test_a_pull_fetches_from_an_upstream_on_loopback(aws: EmbeddedAws, refused: Any) -> None:
    layer = b"a layer"
    digest = f"sha256:{hashlib.sha256(layer).hexdigest()}"
    kind = "application/vnd.oci.image.manifest.v1+json"
    manifest = json.dumps({"schemaVersion": 2, "layers": [{"digest": digest, "size": len(layer)}]}).encode()
    _Upstream.served = {
        "/v2/team/python/manifests/3": (kind, manifest),
        f"/v2/team/python/blobs/{digest}": ("application/octet-stream", layer),
    }
    rule = {"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io"}
    aws.call("ecr", "CreatePullThroughCacheRule", rule)
    pull = {"repositoryName": "quay/team/python", "imageIds": [{"imageTag": "3"}]}
    # nothing is fetched from the Internet
    assert refused("ecr", "BatchGetImage", pull)[0] == "UnableToGetUpstreamImageException"
    with ThreadingHTTPServer(("127.0.0.1", 0), _Upstream) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        aws.use_upstream("https://quay.io", f"http://127.0.0.1:{server.server_address[1]}")
        image = aws.call("ecr", "BatchGetImage", pull)["images"][0]
        assert (image["imageManifest"].encode(), image["imageManifestMediaType"]) == (manifest, kind)
        found = aws.registry().layer("quay/team/python", digest)
        assert found is not None
        assert found[0].read_bytes() == layer
        missing = {**pull, "imageIds": [{"imageTag": "9"}]}
        assert aws.call("ecr", "BatchGetImage", missing)["failures"][0]["failureCode"] == "ImageNotFound"
        _Upstream.served[f"/v2/team/python/blobs/{digest}"] = ("application/octet-stream", b"another")
        _Upstream.served["/v2/team/other/manifests/3"] = (kind, manifest)
        _Upstream.served[f"/v2/team/other/blobs/{digest}"] = ("application/octet-stream", b"another")
        wrong = {**pull, "repositoryName": "quay/team/other"}
        assert refused("ecr", "BatchGetImage", wrong)[0] == "UnableToGetUpstreamImageException"
        server.shutdown()
