"""Many clients at once, and many requests: nothing is lost, mixed up or reset."""

from __future__ import annotations

import asyncio
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection

import boto3
import pytest
from botocore.config import Config
from registry_client import REGION, Client, digest_of
from starlette.responses import PlainTextResponse

from ecr_stack.embedded_aws import EmbeddedAws
from ecr_stack.embedded_aws.listener import Listener
from ecr_stack.local.server import LocalAws


def test_a_hundred_pushes_at_once_arrive_whole(client: Client, aws: EmbeddedAws, api: str) -> None:
    def push(number: int) -> tuple[str, str]:
        content = b"%d" % number * 50_000
        location = client("POST", f"/v2/{api}/blobs/uploads/").headers["Location"]
        half = len(content) // 2
        assert client("PATCH", location, content[:half], {"Content-Range": f"0-{half - 1}"}).status == 202
        done = client("PUT", f"{location}?digest={digest_of(content)}", content[half:])
        assert done.status == 201, done.data
        return f"v{number}", client.push(api, f"v{number}", content)

    with ThreadPoolExecutor(100) as pool:
        pushed = dict(pool.map(push, range(100)))
    images = aws.call("ecr", "DescribeImages", {"repositoryName": api, "maxResults": 1000})["imageDetails"]
    assert {image["imageTags"][0]: image["imageDigest"] for image in images} == pushed
    for tag, digest in pushed.items():
        manifest = client("GET", f"/v2/{api}/manifests/{tag}")
        assert digest_of(manifest.data) == digest
        layer = manifest.json()["layers"][0]["digest"]
        assert digest_of(client("GET", f"/v2/{api}/blobs/{layer}").data) == layer


def test_pushes_of_one_tag_at_once_leave_one_image_with_it(client: Client, aws: EmbeddedAws, api: str) -> None:
    with ThreadPoolExecutor(20) as pool:
        digests = set(pool.map(lambda number: client.push(api, "latest", b"%d" % number), range(40)))
    assert len(digests) == 40
    images = aws.call("ecr", "DescribeImages", {"repositoryName": api, "maxResults": 1000})["imageDetails"]
    assert {image["imageDigest"] for image in images} == digests
    assert [image["imageTags"] for image in images if "imageTags" in image] == [["latest"]]


def test_parts_of_one_upload_that_come_at_once_are_each_in_one_piece(client: Client, local: LocalAws, api: str) -> None:
    location = client("POST", f"/v2/{api}/blobs/uploads/").headers["Location"]
    parts = [bytes([65 + number]) * 30_000 for number in range(16)]
    with ThreadPoolExecutor(16) as pool:
        assert {answer.status for answer in pool.map(lambda part: client("PATCH", location, part), parts)} == {202}
    upload = local.aws.registry().upload(api, location.rpartition("/")[2])
    assert upload is not None
    content = upload.path.read_bytes()
    pieces = [content[start : start + 30_000] for start in range(0, len(content), 30_000)]
    assert sorted(pieces) == parts
    assert client("PUT", f"{location}?digest={digest_of(content)}").status == 201


def test_two_hundred_connections_are_served_at_once(local: LocalAws) -> None:
    host, _, port = local.endpoint.removeprefix("http://").partition(":")
    connections = [socket.create_connection((host, int(port)), timeout=30) for _ in range(200)]
    try:
        for connection in connections:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        for connection in connections:
            assert connection.recv(1024).startswith(b"HTTP/1.1 200 OK")
    finally:
        for connection in connections:
            connection.close()


def test_an_application_is_made_once_however_many_connect_first() -> None:
    made: list[int] = []

    def app() -> PlainTextResponse:
        made.append(1)
        return PlainTextResponse("here")

    with closing(Listener()) as listener:
        port = listener.listen(app)
        connections = [HTTPConnection("127.0.0.1", port, timeout=30) for _ in range(8)]
        for connection in connections:
            connection.connect()
        for connection in connections:
            connection.request("GET", "/")
            assert connection.getresponse().read() == b"here"
            connection.close()
    assert made == [1]


def test_a_connection_that_rests_for_minutes_is_not_closed_under_its_client(monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(Listener()) as listener:
        port = listener.listen(lambda: PlainTextResponse("here"))
        connection = HTTPConnection("localhost", port, timeout=30)
        connection.request("GET", "/")
        assert connection.getresponse().read() == b"here"
        for later in (0, 300, 300):
            monkeypatch.setattr(listener.loop, "time", lambda later=later: time.monotonic() + later)
            # a turn of the loop, in which timers that are due run
            asyncio.run_coroutine_threadsafe(asyncio.sleep(0.2), listener.loop).result()
        connection.auto_open = 0
        connection.request("GET", "/")
        assert connection.getresponse().read() == b"here"
        connection.close()


def test_thousands_of_calls_by_many_threads_are_answered_without_a_retry(local: LocalAws, client: Client) -> None:
    ecr = boto3.client(
        "ecr",
        endpoint_url=local.endpoint,
        region_name=REGION,
        aws_access_key_id="any",
        aws_secret_access_key="any",
        config=Config(max_pool_connections=50, retries={"max_attempts": 0}, proxies={}),
    )

    def life(number: int) -> None:
        name = f"team/{number}"
        ecr.create_repository(repositoryName=name)
        for _ in range(2):
            assert client("GET", f"/v2/{name}/tags/list").json()["tags"] == []
            assert ecr.describe_images(repositoryName=name)["imageDetails"] == []
        if number % 2:
            ecr.delete_repository(repositoryName=name)

    with ThreadPoolExecutor(50) as pool:
        list(pool.map(life, range(400)))
    names = client("GET", "/v2/_catalog").json()["repositories"]
    assert set(names) == {f"team/{number}" for number in range(0, 400, 2)}
    assert local.aws.calls["ecr:CreateRepository"] == 400


def test_a_region_that_many_need_at_once_has_one_port(local: LocalAws) -> None:
    def uri(number: int) -> str:
        made = local.aws.call("ecr", "CreateRepository", {"repositoryName": f"team/{number}"}, "us-west-2")
        return str(made["repository"]["repositoryUri"]).partition("/")[0]

    with ThreadPoolExecutor(20) as pool:
        described = [pool.submit(local.description) for _ in range(20)]
        hosts = set(pool.map(uri, range(20)))
    assert hosts == {local.registries["us-west-2"]}
    assert {future.result()["registries"].get("us-west-2", *hosts) for future in described} == hosts
