"""Resources that a program refers to and does not make: they are assumed to exist in the embedded account."""

from __future__ import annotations

import json
import re

from ecr_stack.embedded_aws import api_model, moto_backend
from ecr_stack.embedded_aws.request import Request
from ecr_stack.errors import Unavailable

__all__ = ["AssumedResources"]

_ARN = re.compile(
    r"arn:(?P<partition>aws[a-z-]*):(?P<service>iam|kms):(?P<region>[a-z0-9-]*):(?P<account>[0-9]{12}):"
    r"(?P<kind>role|user|key)(?P<path>/(?:[\w+=,.@-]+/)*)(?P<name>[\w+=,.@-]+)"
)
_SECRET = re.compile(
    r"arn:aws[a-z-]*:secretsmanager:(?P<region>[a-z0-9-]+):(?P<account>[0-9]{12}):"
    r"secret:(?P<name>[\w/+=.@-]+)-[a-zA-Z0-9]{6}"
)
# IAM exists once in a partition; which of its regions is asked makes no difference.
_REGIONS = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1", "aws-eusc": "eusc-de-east-1"}
_TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


class AssumedResources:
    """The roles, users, keys and secrets that are assumed to exist in an account."""

    def __init__(self, account: str) -> None:
        self._account = account
        self._made: set[tuple[str, str, str]] = set()

    def assume(self, arn: str) -> bool:
        """Let a role, user, key or secret exist. Those of other accounts are taken to exist anyway.

        Returns:
            Whether it did not exist before.

        Raises:
            Unavailable: the ARN is of something else.
        """
        secret = _SECRET.fullmatch(arn)
        if secret is not None:
            api_model.check_region(secret["region"])
            return secret["account"] != self._account or moto_backend.make_secret(
                self._account, secret["region"], secret["name"], arn
            )
        match = _ARN.fullmatch(arn)
        if match is None:
            raise Unavailable(f"roles, users, keys and secrets can be assumed to exist, not `{arn}`")
        if match["account"] != self._account:
            return True
        if match["service"] == "kms":
            return self._key(match["region"], match["name"])
        region = _REGIONS.get(match["partition"], "us-east-1")
        iam = moto_backend.iam_state(self._account, region)
        if match["kind"] == "user":
            if match["name"] in iam.users:
                return False
            iam.create_user(region, match["name"], match["path"])
            self._made.add((match["partition"], "user", match["name"]))
            return True
        if any(role.name == match["name"] for role in iam.roles.values()):
            return False
        iam.create_role(match["name"], json.dumps(_TRUST), match["path"], None, "", [], "3600")
        self._made.add((match["partition"], "role", match["name"]))
        return True

    def _key(self, region: str, id_: str) -> bool:
        api_model.check_region(region)
        state = moto_backend.kms_state(self._account, region)
        if id_ in state.keys:
            return False
        key = state.create_key(None, "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT", "", None, id_.startswith("mrk-"))
        del state.keys[key.id]
        key.arn = key.arn.replace(key.id, id_)
        key.id = id_
        state.keys[id_] = key
        return True

    def make_room(self, request: Request) -> None:
        """Let a program make a role itself that was only assumed to exist, or a user."""
        if request.service != "iam" or request.model.name not in ("CreateRole", "CreateUser"):
            return
        kind = "role" if request.model.name == "CreateRole" else "user"
        name = request.get("RoleName" if kind == "role" else "UserName")
        if (request.partition, kind, name) not in self._made:
            return
        self._made.discard((request.partition, kind, name))
        iam = moto_backend.iam_state(request.account, request.region)
        if kind == "user":
            iam.users.pop(name, None)
        for id_, role in list(iam.roles.items()):
            if kind == "role" and role.name == name:
                del iam.roles[id_]
