"""The provider protocol, asked as the engine asks it, without an engine; `tests/engine` asks with one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2 as provider
from pulumi.runtime.proto import provider_pb2_grpc

from ecr_stack.embedded_aws import EmbeddedAws
from ecr_stack.embedded_provider.property_values import UNKNOWN, at, message, plain, put, secrets_in, steps
from ecr_stack.rehearsal.engine.server import serving

REPOSITORY = "urn:pulumi:dev::p::ecr-stack:index:Repository$aws:ecr/repository:Repository::r"
KEY = "urn:pulumi:dev::p::aws:kms/key:Key::k"
SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "value": "hidden"}


@pytest.fixture
def aws() -> Iterator[EmbeddedAws]:
    with EmbeddedAws() as embedded:
        yield embedded


@pytest.fixture
def ask(aws: EmbeddedAws) -> Iterator[Any]:
    with serving(aws) as environment:
        port = environment["PULUMI_DEBUG_PROVIDERS"].split(",")[0].removeprefix("aws:")
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield provider_pb2_grpc.ResourceProviderStub(channel)


def test_both_packages_are_attached(aws: EmbeddedAws) -> None:
    with serving(aws) as environment:
        attached = dict(pair.split(":") for pair in environment["PULUMI_DEBUG_PROVIDERS"].split(","))
    assert sorted(attached) == ["aws", "command"]
    assert all(port.isdigit() for port in attached.values())


def test_a_value_that_is_not_known_yet_is_no_mistake_and_all_others_are(ask: Any) -> None:
    news = {"deletionWindowInDays": UNKNOWN, "enableKeyRotation": "perhaps", "policy": UNKNOWN}
    answer = ask.Check(provider.CheckRequest(urn=KEY, news=message(news), randomSeed=b"1"))
    assert [failure.property for failure in answer.failures] == ["enableKeyRotation"]
    del news["enableKeyRotation"]
    answer = ask.Check(provider.CheckRequest(urn=KEY, news=message(news), randomSeed=b"1"))
    assert list(answer.failures) == []
    inputs = plain(answer.inputs)
    assert inputs["deletionWindowInDays"] == UNKNOWN
    assert inputs["keyUsage"] == "ENCRYPT_DECRYPT"


def test_a_preview_asks_aws_nothing_and_knows_what_can_be_known(ask: Any, aws: EmbeddedAws) -> None:
    inputs = {"name": "api", "tags": {"A": "b"}, "encryptionConfigurations": [{"kmsKey": UNKNOWN}]}
    answer = ask.Create(provider.CreateRequest(urn=REPOSITORY, properties=message(inputs), preview=True))
    planned = plain(answer.properties)
    assert answer.id == ""
    assert planned["arn"] == planned["repositoryUrl"] == UNKNOWN
    assert planned["name"] == "api"
    assert planned["tagsAll"] == {"A": "b"}
    assert planned["region"] == "us-east-1"
    assert "forceDelete" not in planned
    assert not aws.calls


def test_a_preview_of_a_change_keeps_what_does_not_change(ask: Any, aws: EmbeddedAws) -> None:
    old = {"name": "api", "imageTagMutability": "MUTABLE", "tags": {"A": "b"}}
    made = ask.Create(provider.CreateRequest(urn=REPOSITORY, properties=message(old)))
    aws.calls.clear()
    new = {"name": "api", "imageTagMutability": "IMMUTABLE"}
    answer = ask.Update(
        provider.UpdateRequest(
            id=made.id, urn=REPOSITORY, olds=made.properties, old_inputs=message(old), news=message(new), preview=True
        )
    )
    planned = plain(answer.properties)
    assert planned["imageTagMutability"] == "IMMUTABLE"
    assert planned["arn"] == plain(made.properties)["arn"]
    assert planned["tagsAll"] == {}
    assert "tags" not in planned
    assert not aws.calls


@pytest.mark.parametrize(("made_up", "first"), [(False, True), (True, False)])
def test_a_name_that_was_given_is_freed_before_it_is_taken_again(ask: Any, made_up: bool, first: bool) -> None:
    old: dict[str, Any] = {"name": "api", "encryptionConfigurations": [{"encryptionType": "AES256"}]}
    new: dict[str, Any] = {"name": "api", "encryptionConfigurations": [{"encryptionType": "KMS"}]}
    if made_up:
        old["__defaults"] = new["__defaults"] = ["name"]
    made = ask.Create(provider.CreateRequest(urn=REPOSITORY, properties=message(old)))
    answer = ask.Diff(
        provider.DiffRequest(
            id=made.id, urn=REPOSITORY, olds=made.properties, old_inputs=message(old), news=message(new)
        )
    )
    assert list(answer.replaces) == ["encryptionConfigurations"]
    assert answer.deleteBeforeReplace is first


def test_what_is_gone_is_read_as_nothing(ask: Any) -> None:
    answer = ask.Read(provider.ReadRequest(id="gone", urn=REPOSITORY))
    assert answer.id == ""
    assert not answer.properties.fields


def test_an_import_gives_the_inputs_that_would_make_the_same(ask: Any, aws: EmbeddedAws) -> None:
    aws.call("ecr", "CreateRepository", {"repositoryName": "api", "imageTagMutability": "IMMUTABLE"})
    inputs = plain(ask.Read(provider.ReadRequest(id="api", urn=REPOSITORY)).inputs)
    assert inputs["name"] == "api"
    assert inputs["imageTagMutability"] == "IMMUTABLE"
    assert "arn" not in inputs
    checked = ask.Check(provider.CheckRequest(urn=REPOSITORY, news=message(inputs), randomSeed=b"1"))
    assert list(checked.failures) == []


def test_a_refresh_keeps_the_spelling_of_a_document_that_means_the_same(ask: Any) -> None:
    ask.Create(provider.CreateRequest(urn=REPOSITORY, properties=message({"name": "api"})))
    spelled = '{ "rules": [ {"rulePriority": 1, "selection": {"tagStatus": "any", "countType": "imageCountMoreThan",'
    spelled += ' "countNumber": 5}, "action": {"type": "expire"} } ] }'
    urn = "urn:pulumi:dev::p::aws:ecr/lifecyclePolicy:LifecyclePolicy::l"
    inputs = message({"repository": "api", "policy": spelled})
    made = ask.Create(provider.CreateRequest(urn=urn, properties=inputs))
    read = ask.Read(provider.ReadRequest(id=made.id, urn=urn, inputs=inputs, properties=made.properties))
    assert plain(read.inputs)["policy"] == spelled


def test_a_refusal_is_told_in_awss_words(ask: Any) -> None:
    ask.Create(provider.CreateRequest(urn=REPOSITORY, properties=message({"name": "api"})))
    with pytest.raises(grpc.RpcError) as refused:
        ask.Create(provider.CreateRequest(urn=REPOSITORY, properties=message({"name": "api"})))
    assert "RepositoryAlreadyExistsException" in refused.value.details()


def test_a_secret_that_comes_back_in_an_output_is_marked_there(ask: Any) -> None:
    inputs = message({"name": "api", "tags": {"Token": SECRET, "Plain": "x"}})
    assert secrets_in(inputs) == {"hidden"}
    made = ask.Create(provider.CreateRequest(urn=REPOSITORY, properties=inputs))
    for name in ("tags", "tagsAll"):
        field = made.properties.fields[name].struct_value.fields
        assert field["4dabf18193072939515e22adb298388d"].string_value == "1b47061264138c4ac30d75fd1eb44270"
    assert plain(made.properties)["tagsAll"] == {"Token": "hidden", "Plain": "x"}


@pytest.mark.parametrize(
    ("path", "taken_apart"),
    [
        ("name", ["name"]),
        ("tags.B", ["tags", "B"]),
        ('tags["a.b"]', ["tags", "a.b"]),
        ("encryptionConfigurations[0].kmsKey", ["encryptionConfigurations", 0, "kmsKey"]),
    ],
)
def test_property_paths_are_taken_apart(path: str, taken_apart: list[str | int]) -> None:
    assert steps(path) == taken_apart


def test_a_value_at_a_path_can_be_read_and_exchanged_without_touching_the_original() -> None:
    value = {"a": [{"b": 1}, {"b": 2}], "c": UNKNOWN}
    assert at(value, ["a", 1, "b"]) == 2
    assert at(value, ["c", "below"]) == UNKNOWN
    assert at(value, ["a", 7]) is None
    assert put(value, ["a", 0, "b"], None) == {"a": [{}, {"b": 2}], "c": UNKNOWN}
    assert value["a"] == [{"b": 1}, {"b": 2}]
