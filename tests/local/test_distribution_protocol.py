"""The endpoints and error codes of the OCI distribution specification 1.1, one after the other, over plain HTTP."""

from __future__ import annotations

import base64
import json
import socket
import time
from datetime import timedelta
from typing import Any

import pytest
from registry_client import ACCOUNT, INDEX, MANIFEST, REGION, Client, descriptor, digest_of, token_of

from ecr_stack.embedded_aws import EmbeddedAws
from ecr_stack.local.server import LocalAws

ABSENT = f"sha256:{'0' * 64}"


# who may come in


def test_a_client_without_a_password_is_told_how_to_log_in(local: LocalAws) -> None:
    stranger = Client(local.registries[REGION], None)
    answer = stranger("GET", "/v2/")
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"] == f'Basic realm="{stranger.base}/",service="ecr.amazonaws.com"'
    assert stranger.refused("GET", "/v2/") == (401, "UNAUTHORIZED")


@pytest.mark.parametrize("login", ["AWS:wrong", "AWS:a.b", "AWS", ":", "AWS:é"])
def test_a_password_that_was_not_given_here_is_refused(local: LocalAws, login: str) -> None:
    token = base64.b64encode(login.encode()).decode()
    assert Client(local.registries[REGION], token).refused("GET", "/v2/") == (401, "UNAUTHORIZED")


def test_credentials_that_are_no_base64_are_refused(local: LocalAws) -> None:
    assert Client(local.registries[REGION], "%%%").refused("GET", "/v2/") == (401, "UNAUTHORIZED")


def test_the_password_is_for_the_user_aws_alone(local: LocalAws) -> None:
    password = base64.b64decode(token_of(local.aws)).partition(b":")[2]
    token = base64.b64encode(b"root:" + password).decode()
    assert Client(local.registries[REGION], token).refused("GET", "/v2/") == (401, "UNAUTHORIZED")


def test_a_password_is_good_for_twelve_hours(local: LocalAws, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client(local.registries[REGION], token_of(local.aws))
    assert client("GET", "/v2/").status == 200
    local.aws.advance(timedelta(hours=-13))
    late = Client(local.registries[REGION], token_of(local.aws))
    assert late.refused("GET", "/v2/") == (403, "DENIED")


def test_the_version_is_answered_to_who_is_logged_in(client: Client) -> None:
    answer = client("GET", "/v2/")
    assert (answer.status, answer.json()) == (200, {})
    assert answer.headers["Docker-Distribution-Api-Version"] == "registry/2.0"


# layers


def test_a_layer_is_uploaded_in_one_request(client: Client, api: str) -> None:
    answer = client("POST", f"/v2/{api}/blobs/uploads/?digest={digest_of(b'one')}", b"one")
    assert (answer.status, answer.headers["Location"]) == (201, f"/v2/{api}/blobs/{digest_of(b'one')}")
    assert client("GET", answer.headers["Location"]).data == b"one"


def test_a_layer_is_uploaded_by_post_and_put(client: Client, api: str) -> None:
    started = client("POST", f"/v2/{api}/blobs/uploads/")
    assert started.status == 202
    done = client("PUT", f"{started.headers['Location']}?digest={digest_of(b'two')}", b"two")
    assert (done.status, done.headers["Docker-Content-Digest"]) == (201, digest_of(b"two"))
    assert client("GET", done.headers["Location"]).data == b"two"


def test_a_layer_is_uploaded_in_parts_and_goes_on_where_it_stopped(client: Client, api: str) -> None:
    location = client("POST", f"/v2/{api}/blobs/uploads/").headers["Location"]
    first = client("PATCH", location, b"abcde", {"Content-Range": "0-4"})
    assert (first.status, first.headers["Range"]) == (202, "0-4")
    asked = client("GET", location)
    assert (asked.status, asked.headers["Range"], asked.headers["Location"]) == (204, "0-4", location)
    assert client("PATCH", location, b"fgh", {"Content-Range": "5-7"}).headers["Range"] == "0-7"
    done = client("PUT", f"{location}?digest={digest_of(b'abcdefghij')}", b"ij")
    assert done.status == 201
    assert client("GET", done.headers["Location"]).data == b"abcdefghij"


def test_an_upload_goes_on_after_its_connection_broke_off(client: Client, local: LocalAws, api: str) -> None:
    location = client("POST", f"/v2/{api}/blobs/uploads/").headers["Location"]
    content = bytes(range(256)) * 8192
    host, _, port = client.base.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port))) as connection:
        head = (
            f"PATCH {location} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(content)}\r\n{client.login_header}\r\n\r\n"
        )
        connection.sendall(head.encode() + content[:1_500_000])
        # a question on another connection may overtake a part that the server has not begun to take
        upload = local.aws.registry().upload(api, location.rpartition("/")[2])
        until = time.monotonic() + 30
        while upload is not None and upload.size == 0 and time.monotonic() < until:
            time.sleep(0.01)
    arrived = int(client("GET", location).headers["Range"].partition("-")[2]) + 1
    assert 0 < arrived <= 1_500_000
    rest = client("PATCH", location, content[arrived:], {"Content-Range": f"{arrived}-{len(content) - 1}"})
    assert rest.status == 202
    assert client("PUT", f"{location}?digest={digest_of(content)}").status == 201


def test_a_part_out_of_order_is_refused_with_the_range_that_is_there(client: Client, api: str) -> None:
    location = client("POST", f"/v2/{api}/blobs/uploads/").headers["Location"]
    client("PATCH", location, b"abcde", {"Content-Range": "0-4"})
    answer = client("PATCH", location, b"xyz", {"Content-Range": "7-9"})
    assert (answer.status, answer.headers["Range"]) == (416, "0-4")
    assert answer.json()["errors"][0]["code"] == "BLOB_UPLOAD_INVALID"
    assert client.refused("PATCH", location, b"xyz", {"Content-Range": "5-9"}) == (400, "SIZE_INVALID")
    assert client.refused("PATCH", location, b"xyz", {"Content-Range": "five"}) == (400, "BLOB_UPLOAD_INVALID")
    assert client("PUT", f"{location}?digest={digest_of(b'abcde')}").status == 201


def test_a_layer_that_is_not_what_its_digest_says_is_not_kept(client: Client, api: str) -> None:
    location = client("POST", f"/v2/{api}/blobs/uploads/").headers["Location"]
    assert client.refused("PUT", f"{location}?digest={digest_of(b'this')}", b"that") == (400, "DIGEST_INVALID")
    assert client("HEAD", f"/v2/{api}/blobs/{digest_of(b'that')}").status == 404
    assert client.refused("GET", location) == (404, "BLOB_UPLOAD_UNKNOWN")


@pytest.mark.parametrize("digest", ["", "nonsense", "sha256:abc", f"sha512:{'0' * 128}", f"sha256:{'A' * 64}"])
def test_only_digests_of_sha256_are_taken(client: Client, api: str, digest: str) -> None:
    location = client("POST", f"/v2/{api}/blobs/uploads/").headers["Location"]
    assert client.refused("PUT", f"{location}?digest={digest}", b"x") == (400, "DIGEST_INVALID")
    assert client("GET", location).status == 204, "the upload can still be finished"


def test_an_upload_is_cancelled(client: Client, api: str) -> None:
    location = client("POST", f"/v2/{api}/blobs/uploads/").headers["Location"]
    assert client("DELETE", location).status == 204
    for method in ("GET", "PATCH", "PUT", "DELETE"):
        assert client.refused(method, f"{location}?digest={ABSENT}") == (404, "BLOB_UPLOAD_UNKNOWN")


def test_an_upload_belongs_to_its_repository(client: Client, aws: EmbeddedAws, api: str) -> None:
    aws.call("ecr", "CreateRepository", {"repositoryName": "other"})
    location = client("POST", f"/v2/{api}/blobs/uploads/").headers["Location"]
    assert client.refused("PATCH", location.replace(api, "other"), b"x") == (404, "BLOB_UPLOAD_UNKNOWN")


def test_a_layer_is_asked_for_without_its_bytes_and_in_ranges(client: Client, api: str) -> None:
    digest = client.push_blob(api, b"0123456789")
    head = client("HEAD", f"/v2/{api}/blobs/{digest}")
    assert (head.status, head.headers["Content-Length"], head.data) == (200, "10", b"")
    assert head.headers["Docker-Content-Digest"] == digest
    part = client("GET", f"/v2/{api}/blobs/{digest}", None, {"Range": "bytes=3-5"})
    assert (part.status, part.data, part.headers["Content-Range"]) == (206, b"345", "bytes 3-5/10")
    assert client("GET", f"/v2/{api}/blobs/{digest}", None, {"Range": "bytes=7-"}).data == b"789"
    assert client("GET", f"/v2/{api}/blobs/{digest}", None, {"Range": "bytes=99-"}).status == 416


def test_a_layer_of_another_repository_is_not_shown(client: Client, aws: EmbeddedAws, api: str) -> None:
    aws.call("ecr", "CreateRepository", {"repositoryName": "other"})
    digest = client.push_blob(api, b"mine")
    assert client.refused("GET", f"/v2/other/blobs/{digest}") == (404, "BLOB_UNKNOWN")
    assert client("HEAD", f"/v2/other/blobs/{digest}").status == 404


def test_a_layer_is_mounted_where_the_account_allows_it_and_uploaded_where_not(
    client: Client, aws: EmbeddedAws, api: str
) -> None:
    aws.call("ecr", "CreateRepository", {"repositoryName": "other"})
    digest = client.push_blob(api, b"shared")
    mount = f"/v2/other/blobs/uploads/?mount={digest}&from={api}"
    aws.call("ecr", "PutAccountSetting", {"name": "BLOB_MOUNTING", "value": "DISABLED"})
    assert client("POST", mount).status == 202
    aws.call("ecr", "PutAccountSetting", {"name": "BLOB_MOUNTING", "value": "ENABLED"})
    mounted = client("POST", mount)
    assert (mounted.status, mounted.headers["Location"]) == (201, f"/v2/other/blobs/{digest}")
    assert client("GET", f"/v2/other/blobs/{digest}").data == b"shared"
    assert client("POST", f"/v2/other/blobs/uploads/?mount={ABSENT}&from={api}").status == 202


def test_a_layer_goes_with_its_images_and_not_by_itself(client: Client, api: str) -> None:
    digest = client.push_blob(api, b"kept")
    assert client.refused("DELETE", f"/v2/{api}/blobs/{digest}") == (405, "UNSUPPORTED")


# manifests


def test_an_image_is_pulled_as_it_was_pushed_by_tag_and_by_digest(client: Client, api: str) -> None:
    digest = client.push(api, "v1")
    for reference in ("v1", digest):
        pulled = client("GET", f"/v2/{api}/manifests/{reference}")
        assert digest_of(pulled.data) == digest
        assert (pulled.headers["Content-Type"], pulled.headers["Docker-Content-Digest"]) == (MANIFEST, digest)
        head = client("HEAD", f"/v2/{api}/manifests/{reference}")
        assert (head.status, head.headers["Content-Length"], head.data) == (200, str(len(pulled.data)), b"")


def test_a_pushed_image_is_described_by_aws(client: Client, aws: EmbeddedAws, api: str) -> None:
    digest = client.push(api, "v1", b"x" * 1000)
    found = aws.call("ecr", "DescribeImages", {"repositoryName": api})["imageDetails"][0]
    assert (found["imageDigest"], found["imageTags"]) == (digest, ["v1"])
    assert found["imageManifestMediaType"] == MANIFEST
    assert 1000 < found["imageSizeInBytes"] < 1200


def test_an_image_put_by_the_api_is_pulled(client: Client, aws: EmbeddedAws, api: str) -> None:
    aws.push_image(api, "by-api", platforms=["linux/amd64", "linux/arm64"])
    index = client("GET", f"/v2/{api}/manifests/by-api")
    assert index.headers["Content-Type"] == INDEX
    for entry in index.json()["manifests"]:
        manifest = client("GET", f"/v2/{api}/manifests/{entry['digest']}")
        assert digest_of(manifest.data) == entry["digest"]
        for blob in (manifest.json()["config"], *manifest.json()["layers"]):
            assert digest_of(client("GET", f"/v2/{api}/blobs/{blob['digest']}").data) == blob["digest"]


def test_an_index_needs_its_images_and_then_holds_them(client: Client, api: str) -> None:
    children = [client.push(api, "", content) for content in (b"amd64", b"arm64")]
    entries = [
        {"mediaType": MANIFEST, "digest": child, "size": 1, "platform": {"os": "linux", "architecture": name}}
        for child, name in zip(children, ("amd64", "arm64"), strict=True)
    ]
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}
    client.push_manifest(api, "multi", index)
    refused = {**index, "manifests": [{**entries[0], "digest": ABSENT}]}
    body = json.dumps(refused).encode()
    answer = client.refused("PUT", f"/v2/{api}/manifests/none", body, {"Content-Type": INDEX})
    assert answer == (404, "MANIFEST_BLOB_UNKNOWN")
    assert client.refused("DELETE", f"/v2/{api}/manifests/{children[0]}") == (403, "DENIED")


def test_an_image_needs_its_layers(client: Client, api: str) -> None:
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": descriptor("application/vnd.oci.image.config.v1+json", b"never pushed"),
        "layers": [],
    }
    body = json.dumps(manifest).encode()
    answer = client.refused("PUT", f"/v2/{api}/manifests/v1", body, {"Content-Type": MANIFEST})
    assert answer == (404, "MANIFEST_BLOB_UNKNOWN")


@pytest.mark.parametrize("body", [b"", b"no json", b"[]", b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_manifest_is_refused_as_ecr_does(client: Client, api: str, body: bytes) -> None:
    answer = client.refused("PUT", f"/v2/{api}/manifests/v1", body, {"Content-Type": MANIFEST})
    assert answer == (405, "UNSUPPORTED")


def test_a_manifest_of_another_digest_or_media_type_than_it_says_is_refused(client: Client, api: str) -> None:
    client.push(api, "v1")
    body = client("GET", f"/v2/{api}/manifests/v1").data
    content = {"Content-Type": MANIFEST}
    assert client.refused("PUT", f"/v2/{api}/manifests/{ABSENT}", body, content) == (400, "DIGEST_INVALID")
    other = {"Content-Type": INDEX}
    assert client.refused("PUT", f"/v2/{api}/manifests/v2", body, other) == (400, "MANIFEST_INVALID")


def test_a_manifest_larger_than_ecr_takes_is_refused(client: Client, api: str) -> None:
    body = b" " * (4 * 1024 * 1024 + 1)
    assert client.refused("PUT", f"/v2/{api}/manifests/v1", body) == (413, "SIZE_INVALID")


def test_what_does_not_exist_is_named(client: Client, api: str) -> None:
    assert client.refused("GET", f"/v2/{api}/manifests/v9") == (404, "MANIFEST_UNKNOWN")
    assert client.refused("GET", f"/v2/{api}/manifests/{ABSENT}") == (404, "MANIFEST_UNKNOWN")
    assert client.refused("DELETE", f"/v2/{api}/manifests/v9") == (404, "MANIFEST_UNKNOWN")
    assert client.refused("GET", f"/v2/{api}/blobs/{ABSENT}") == (404, "BLOB_UNKNOWN")
    for method, path in (
        ("GET", "manifests/v1"), ("GET", "tags/list"), ("POST", "blobs/uploads/"), ("GET", f"blobs/{ABSENT}"),
        ("GET", f"referrers/{ABSENT}"), ("DELETE", "manifests/v1"),
    ):  # fmt: skip
        assert client.refused(method, f"/v2/no/such/{path}") == (404, "NAME_UNKNOWN"), path


@pytest.mark.parametrize("tag", ["-v1", ".v1", "v1!", "v" * 129, "ä"])
def test_what_is_no_tag_is_refused(client: Client, api: str, tag: str) -> None:
    from urllib.parse import quote

    assert client.refused("GET", f"/v2/{api}/manifests/{quote(tag)}") == (400, "TAG_INVALID")


def test_a_name_that_ecr_does_not_take_is_refused(client: Client) -> None:
    status, code = client.refused("POST", "/v2/UPPER/blobs/uploads/")
    assert (status, code) == (400, "NAME_INVALID")


def test_paths_and_methods_that_the_protocol_does_not_have_are_refused(client: Client, api: str) -> None:
    assert client.refused("GET", "/v2/nothing") == (404, "UNSUPPORTED")
    assert client.refused("POST", f"/v2/{api}/tags/list") == (405, "UNSUPPORTED")
    assert client.refused("PUT", f"/v2/{api}/blobs/uploads/") == (405, "UNSUPPORTED")


def test_a_tag_goes_with_its_delete_and_the_image_by_its_digest(client: Client, api: str) -> None:
    digest = client.push(api, "v1")
    client.push(api, "v2")
    assert client("DELETE", f"/v2/{api}/manifests/v1").status == 202
    assert client("GET", f"/v2/{api}/tags/list").json() == {"name": api, "tags": ["v2"]}
    assert client("DELETE", f"/v2/{api}/manifests/{digest}").status == 202
    assert client.refused("GET", f"/v2/{api}/manifests/v2") == (404, "MANIFEST_UNKNOWN")
    assert client("GET", f"/v2/{api}/tags/list").json() == {"name": api, "tags": []}


# immutability, creation on push, replication, pull through


def test_an_immutable_tag_is_refused_in_ecrs_words(client: Client, aws: EmbeddedAws) -> None:
    settings = {
        "imageTagMutability": "IMMUTABLE_WITH_EXCLUSION",
        "imageTagMutabilityExclusionFilters": [{"filter": "latest", "filterType": "WILDCARD"}],
    }
    aws.call("ecr", "CreateRepository", {"repositoryName": "prod", **settings})
    first = client.push("prod", "v1", b"one")
    client.push("prod", "latest", b"one")
    client.push("prod", "latest", b"two")
    second = client("GET", "/v2/prod/manifests/latest").data
    answer = client("PUT", "/v2/prod/manifests/v1", second, {"Content-Type": MANIFEST})
    error = answer.json()["errors"][0]
    assert (answer.status, error["code"]) == (400, "TAG_INVALID")
    assert error["message"] == (
        "The image tag 'v1' already exists in the 'prod' repository and cannot be overwritten because the tag is "
        "immutable."
    )
    same = client("GET", "/v2/prod/manifests/v1").data
    assert digest_of(same) == first
    again = client.refused("PUT", "/v2/prod/manifests/v1", same, {"Content-Type": MANIFEST})
    assert again == (400, "TAG_INVALID")


def test_the_same_push_again_is_taken_where_tags_are_mutable(client: Client, api: str) -> None:
    assert client.push(api, "v1") == client.push(api, "v1")


def test_a_repository_is_made_on_push_where_a_template_says_so(client: Client, aws: EmbeddedAws) -> None:
    template = {"prefix": "apps", "appliedFor": ["CREATE_ON_PUSH"], "imageTagMutability": "IMMUTABLE"}
    aws.call("ecr", "CreateRepositoryCreationTemplate", template)
    client.push("apps/web", "v1")
    made = aws.call("ecr", "DescribeRepositories", {"repositoryNames": ["apps/web"]})["repositories"][0]
    assert made["imageTagMutability"] == "IMMUTABLE"
    assert client.refused("POST", "/v2/web/blobs/uploads/") == (404, "NAME_UNKNOWN")


def test_a_push_appears_at_the_other_regions_port(local: LocalAws, client: Client, api: str) -> None:
    rule = {"destinations": [{"region": "us-west-2", "registryId": ACCOUNT}]}
    local.aws.call("ecr", "PutReplicationConfiguration", {"replicationConfiguration": {"rules": [rule]}})
    digest = client.push(api, "v1", b"replicated")
    assert local.description()["registries"].keys() == {REGION, "us-west-2"}
    there = Client(local.registries["us-west-2"], token_of(local.aws, "us-west-2"))
    pulled = there("GET", f"/v2/{api}/manifests/v1")
    assert digest_of(pulled.data) == digest
    assert there("GET", f"/v2/{api}/blobs/{digest_of(b'replicated')}").data == b"replicated"


def test_a_pull_through_cache_fetches_from_the_registry_that_stands_in(local: LocalAws, client: Client) -> None:
    local.aws.call("ecr", "CreateRepository", {"repositoryName": "base/alpine"}, "us-west-2")
    upstream = Client(local.host("us-west-2"), token_of(local.aws))
    digest = upstream.push("base/alpine", "3", b"alpine")
    rule = {"ecrRepositoryPrefix": "cached", "upstreamRegistryUrl": f"{ACCOUNT}.dkr.ecr.us-west-2.amazonaws.com"}
    local.aws.call("ecr", "CreatePullThroughCacheRule", {**rule, "upstreamRegistry": "ecr"})
    assert digest_of(client("GET", "/v2/cached/base/alpine/manifests/3").data) == digest
    assert client("GET", f"/v2/cached/base/alpine/blobs/{digest_of(b'alpine')}").data == b"alpine"


# lists


def test_tags_are_listed_in_order_and_in_pages(client: Client, api: str) -> None:
    for number in (10, 9, 1, 3):
        client.push(api, f"v{number}", b"%d" % number)
    assert client("GET", f"/v2/{api}/tags/list").json()["tags"] == ["v1", "v10", "v3", "v9"]
    seen, path = [], f"/v2/{api}/tags/list?n=3"
    while path:
        page = client("GET", path)
        seen.append(page.json()["tags"])
        link = page.headers.get("Link", "")
        path = link.partition(">")[0].removeprefix("<")
        assert not link or link.endswith('; rel="next"')
    assert seen == [["v1", "v10", "v3"], ["v9"]]
    assert client("GET", f"/v2/{api}/tags/list?last=v10").json()["tags"] == ["v3", "v9"]
    assert client("GET", f"/v2/{api}/tags/list?n=0").json()["tags"] == []
    for number in ("-1", "x", "1.5"):
        assert client.refused("GET", f"/v2/{api}/tags/list?n={number}") == (400, "PAGINATION_NUMBER_INVALID")


def test_repositories_are_listed(client: Client, aws: EmbeddedAws, api: str) -> None:
    aws.call("ecr", "CreateRepository", {"repositoryName": "another"})
    assert client("GET", "/v2/_catalog").json() == {"repositories": ["another", api]}
    assert client("GET", "/v2/_catalog?n=1").headers["Link"] == '</v2/_catalog?n=1&last=another>; rel="next"'


def _attach(client: Client, name: str, subject: str, artifact_type: str, **members: Any) -> str:
    about = {"mediaType": MANIFEST, "digest": subject, "size": 1}
    annotations = {"org.example": artifact_type}
    return client.push(
        name, "", artifact_type.encode(), subject=about, artifactType=artifact_type, annotations=annotations
    )


def test_referrers_of_an_image_are_listed_and_filtered(client: Client, aws: EmbeddedAws, api: str) -> None:
    image = client.push(api, "v1")
    signature = _attach(client, api, image, "application/vnd.example.signature")
    sbom = _attach(client, api, image, "application/spdx+json")
    answer = client("GET", f"/v2/{api}/referrers/{image}")
    assert (answer.status, answer.headers["Content-Type"]) == (200, INDEX)
    entries = {entry["digest"]: entry for entry in answer.json()["manifests"]}
    assert entries.keys() == {signature, sbom}
    assert entries[sbom]["artifactType"] == "application/spdx+json"
    assert entries[sbom]["annotations"] == {"org.example": "application/spdx+json"}
    filtered = client("GET", f"/v2/{api}/referrers/{image}?artifactType=application/spdx%2Bjson")
    assert [entry["digest"] for entry in filtered.json()["manifests"]] == [sbom]
    assert filtered.headers["OCI-Filters-Applied"] == "artifactType"
    found = aws.call("ecr", "DescribeImages", {"repositoryName": api, "imageIds": [{"imageDigest": sbom}]})
    assert found["imageDetails"][0]["subjectManifestDigest"] == image
    assert found["imageDetails"][0]["artifactMediaType"] == "application/spdx+json"
    assert client("GET", f"/v2/{api}/referrers/{ABSENT}").json()["manifests"] == []
    assert client.refused("GET", f"/v2/{api}/referrers/v1") == (400, "DIGEST_INVALID")


def test_a_push_with_a_subject_says_that_it_was_understood(client: Client, api: str) -> None:
    image = client.push(api, "v1")
    client.push(api, "sig", b"sig", subject={"mediaType": MANIFEST, "digest": image, "size": 1})
    body = client("GET", f"/v2/{api}/manifests/sig").data
    answer = client("PUT", f"/v2/{api}/manifests/sig", body, {"Content-Type": MANIFEST})
    assert answer.headers["OCI-Subject"] == image


def test_a_download_url_of_a_layer_needs_no_login(client: Client, aws: EmbeddedAws, api: str) -> None:
    client.push(api, "v1", b"layer by url")
    digest = digest_of(b"layer by url")
    url = aws.call("ecr", "GetDownloadUrlForLayer", {"repositoryName": api, "layerDigest": digest})["downloadUrl"]
    base, _, path = url.partition("/_ecr-stack")
    stranger = Client(base.removeprefix("http://"), None)
    assert stranger("GET", f"/_ecr-stack{path}").data == b"layer by url"
    folder = f"/_ecr-stack{path.rpartition('/')[0]}"
    assert stranger("GET", f"{folder}/{ABSENT}").status == 404
    for other in (f"/_ecr-stack/layers/guess/{digest}", f"{folder}/..%2Flayers%2F{digest.replace(':', '-')}"):
        assert stranger("GET", other).data == b"the embedded AWS\n"
