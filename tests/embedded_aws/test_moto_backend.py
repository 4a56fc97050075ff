"""moto's private names, on the version that is installed."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from importlib.metadata import version

import pytest

from ecr_stack.embedded_aws import EmbeddedAws, api_model, moto_backend
from tests.embedded_aws.conftest import ACCOUNT


def test_the_adapter_was_checked_on_the_installed_version_of_moto() -> None:
    installed = tuple(int(part) for part in version("moto").split(".")[:3])
    first, last = (tuple(int(part) for part in text.split(".")) for text in moto_backend.MOTO_VERSIONS)
    assert first <= installed < last, "hold ecr_stack/embedded_aws/moto_backend.py against this version of moto"


@pytest.mark.parametrize("service", sorted(moto_backend.RESPONSES))
def test_moto_has_the_names_that_the_adapter_uses(service: str) -> None:
    responses = getattr(import_module(f"moto.{service}.responses"), moto_backend.RESPONSES[service])
    assert hasattr(responses, "_dispatch")
    assert hasattr(responses, "_authenticate_and_authorize_normal_action")
    assert hasattr(import_module(f"moto.{service}.models"), f"{service}_backends")


def test_moto_s_objects_have_the_attributes_that_are_used(aws: EmbeddedAws) -> None:
    aws.call("ecr", "CreateRepository", {"repositoryName": "api"})
    aws.call("iam", "CreateUser", {"UserName": "ada"})
    key = aws.call("kms", "CreateKey")["KeyMetadata"]["KeyId"]
    ecr, iam, kms = (
        state(ACCOUNT, "eu-west-1")
        for state in (moto_backend.ecr_state, moto_backend.iam_state, moto_backend.kms_state)
    )
    used = {
        ecr: "registry_policy replication_config registry_scanning_configuration repositories tagger",
        ecr.repositories["api"]: "arn encryption_configuration image_scanning_configuration image_tag_mutability "
        "image_tag_mutability_exclusion_filters lifecycle_policy policy uri",
        iam: "create_role create_user managed_policies open_id_providers roles users",
        kms: "create_alias create_key keys tagger",
        kms.keys[key]: "aliases arn key_manager key_spec key_state key_usage origin",
    }
    for thing, names in used.items():
        assert [name for name in names.split() if not hasattr(thing, name)] == []


def test_a_service_is_loaded_when_it_is_asked_for() -> None:
    program = (
        "import sys\n"
        "from ecr_stack.embedded_aws import EmbeddedAws\n"
        "with EmbeddedAws() as aws:\n"
        "    aws.call('ecr', 'CreateRepository', {'repositoryName': 'api'})\n"
        "    print(sorted(sys.modules))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split("'")[1::2])
    assert "moto.ecr.models" in loaded
    assert not loaded & {f"moto.{name}.models" for name in ("s3", "sns", "sqs", "events", "secretsmanager", "ce")}
    assert not loaded & {"starlette", "uvicorn"}


def test_every_operation_of_ecr_is_answered(aws: EmbeddedAws) -> None:
    """None of the model's operations ends with `Unavailable`, whatever it is asked."""
    described = api_model.service("ecr")
    samples = {
        "arn": "arn:aws:ecr:eu-west-1:111122223333:repository/api",
        "digest": f"sha256:{0:064x}",
        "uuid": "00000000-1111-4222-8333-444444444444",
        "role": "arn:aws:iam::111122223333:role/ci",
    }
    answered = set()
    for name in described.operation_names:
        shape = described.operation_model(name).input_shape
        asked = {member: _sample(shape.members[member], member, samples) for member in shape.required_members}
        try:
            aws.call("ecr", name, asked)
        except Exception as error:
            # refusals are answers; their code is one that the operation has, or that every operation of AWS has
            assert type(error).__name__ == "ClientError", f"{name}: {error!r}"
            code = error.response["Error"]["Code"]  # type: ignore[attr-defined]
            declared = {shape.name for shape in described.operation_model(name).error_shapes}
            assert code in declared | {"ValidationException"}, f"{name}: {code}"
        answered.add(name)
    assert len(answered) == 62


def _sample(shape: object, name: str, samples: dict[str, str]) -> object:
    kind = shape.type_name  # type: ignore[attr-defined]
    if kind == "structure":
        return {member: _sample(shape.members[member], member, samples) for member in shape.required_members}  # type: ignore[attr-defined]
    if kind == "list":
        return [_sample(shape.member, name, samples)]  # type: ignore[attr-defined]
    if kind in ("integer", "long"):
        return 1
    if kind == "boolean":
        return True
    if kind == "blob":
        return b"a"
    if getattr(shape, "enum", None):
        return shape.enum[0]  # type: ignore[attr-defined]
    low = name.lower()
    for part, sample in (("signingprofile", "arn:aws:signer:eu-west-1:111122223333:/signing-profiles/main"),):
        if part in low:
            return sample
    if low == "principalarn":
        return samples["role"]
    if "resourcearn" in low:
        return samples["arn"]
    if "digest" in low:
        return samples["digest"]
    if low in ("uploadid", "replicationbackfillid"):
        return samples["uuid"]
    if low == "registryid":
        return "111122223333"
    if low == "region":
        return "us-west-2"
    if low == "upstreamregistryurl":
        return "quay.io"
    if "policytext" in low:
        return "{" + " " * 120 + "}"
    return "BLOB_MOUNTING" if low == "name" else "api"
