"""Whoever asks AWS in a provider's place has the provider's own credentials, or none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ecr_stack.embedded_aws import EmbeddedAws
from ecr_stack.errors import InvalidInput, Unavailable
from ecr_stack.operations.sessions import ProviderSettings, _role, client, session

ROLE = "arn:aws:iam::123456789012:role/deployer"
OTHER = "arn:aws:iam::123456789012:role/reader"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddedAws]:
    with EmbeddedAws() as aws:
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.serve())
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ambient")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "ambient")
        trust = {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}],
        }
        for role in (ROLE, OTHER):
            name = role.rpartition("/")[2]
            aws.call("iam", "CreateRole", {"RoleName": name, "AssumeRolePolicyDocument": json.dumps(trust)})
        yield aws


def who(settings: ProviderSettings, *roles: str) -> str:
    here = session(settings, "us-east-1", roles)
    return str(client(here, "sts", settings).get_caller_identity()["Arn"])


@pytest.mark.parametrize("key", ["roleArn", "role_arn"])
def test_the_provider_s_roles_are_taken_one_after_the_other(aws: EmbeddedAws, key: str) -> None:
    settings = ProviderSettings.of_config({"aws:assumeRoles": json.dumps([{key: ROLE}, {key: OTHER}])})
    assert "assumed-role/reader" in who(settings)
    assert aws.calls["sts:AssumeRole"] == 2


def test_a_role_is_taken_with_all_that_the_provider_says_of_it(aws: EmbeddedAws) -> None:
    role = {
        "roleArn": ROLE,
        "externalId": "x-1",
        "policyArns": ["arn:aws:iam::aws:policy/ReadOnlyAccess"],
        "tags": {"Team": "platform"},
        "transitiveTagKeys": ["Team"],
    }
    assert _role(role) == {
        "RoleArn": ROLE,
        "RoleSessionName": "ecr-stack",
        "ExternalId": "x-1",
        "PolicyArns": [{"arn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}],
        "Tags": [{"Key": "Team", "Value": "platform"}],
        "TransitiveTagKeys": ["Team"],
    }
    assert "assumed-role/deployer" in who(ProviderSettings.of_config({"aws:assumeRoles": [role]}))


def test_a_role_is_taken_with_a_token_from_a_file(aws: EmbeddedAws, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("eyJhbGciOiJub25lIn0.e30.x\n")
    web = {"roleArn": ROLE, "webIdentityTokenFile": str(token)}
    settings = ProviderSettings.of_config({"aws:assumeRoleWithWebIdentity": json.dumps(web)})
    assert "assumed-role/deployer" in who(settings)
    assert aws.calls["sts:AssumeRoleWithWebIdentity"] == 1
    token.unlink()
    with pytest.raises(Unavailable, match="cannot be read"):
        who(settings)


def test_profiles_are_read_from_the_files_that_the_provider_names(aws: EmbeddedAws, tmp_path: Path) -> None:
    file = tmp_path / "credentials"
    file.write_text("[ci]\naws_access_key_id = of-the-file\naws_secret_access_key = y\n")
    settings = ProviderSettings.of_config({"aws:sharedCredentialsFiles": json.dumps([str(file)]), "aws:profile": "ci"})
    assert session(settings, "us-east-1").get_credentials().access_key == "of-the-file"
    with pytest.raises(InvalidInput, match="sharedCredentialsFiles"):
        ProviderSettings.of_config({"aws:sharedCredentialsFiles": ["a", "b"]})
