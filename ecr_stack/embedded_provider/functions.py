"""The lookup functions of pulumi-aws, and those that generate a policy document."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ecr_stack.embedded_aws import api_model
from ecr_stack.embedded_provider.resource import Inputs, Outputs, Scope, missing_is_none, tag_map
from ecr_stack.errors import InvalidInput, NotFound, Problem

__all__ = ["FUNCTIONS"]


def _caller_identity(scope: Scope, _arguments: Inputs) -> Outputs:
    found = scope.call("sts", "GetCallerIdentity")
    account = found["Account"]
    return {"accountId": account, "arn": found["Arn"], "id": account, "userId": found["UserId"]}


def _region(scope: Scope, arguments: Inputs) -> Outputs:
    name = arguments.get("name") or arguments.get("region") or scope.region
    suffix = _suffix(scope)
    description = api_model.describe_region(name)
    if description is None:
        raise NotFound(f"there is no region `{name}`")
    return {
        "description": description,
        "endpoint": f"ec2.{name}.{suffix}",
        "id": name,
        "name": name,
        "region": name,
    }


def _suffix(scope: Scope) -> str:
    return "amazonaws.com.cn" if scope.partition == "aws-cn" else "amazonaws.com"


def _partition(scope: Scope, _arguments: Inputs) -> Outputs:
    suffix = _suffix(scope)
    reverse = ".".join(reversed(suffix.split(".")))
    return {"dnsSuffix": suffix, "id": scope.partition, "partition": scope.partition, "reverseDnsPrefix": reverse}


def _repository(scope: Scope, arguments: Inputs) -> Outputs:
    name = arguments["name"]
    answer = missing_is_none(
        lambda: scope.call(
            "ecr", "DescribeRepositories", repositoryNames=[name], registryId=arguments.get("registryId")
        ),
        "RepositoryNotFoundException",
    )
    if answer is None:
        raise NotFound(f"there is no repository `{name}` in {scope.region}")
    found = answer["repositories"][0]
    tags = scope.call("ecr", "ListTagsForResource", resourceArn=found["repositoryArn"])["tags"]
    images = scope.call("ecr", "DescribeImages", repositoryName=name)["imageDetails"]
    newest: dict[str, Any] = max(images, key=lambda image: image["imagePushedAt"], default={})
    encrypted = found["encryptionConfiguration"]
    return {
        "arn": found["repositoryArn"],
        "encryptionConfigurations": [
            {"encryptionType": encrypted["encryptionType"], "kmsKey": encrypted.get("kmsKey", "")}
        ],
        "id": name,
        "imageScanningConfigurations": [{"scanOnPush": found["imageScanningConfiguration"]["scanOnPush"]}],
        "imageTagMutability": found["imageTagMutability"],
        "imageTagMutabilityExclusionFilters": found.get("imageTagMutabilityExclusionFilters", []),
        "mostRecentImageTags": newest.get("imageTags", []),
        "name": name,
        "region": scope.region,
        "registryId": found["registryId"],
        "repositoryUrl": found["repositoryUri"],
        "tags": tag_map(tags),
    }


def _authorization_token(scope: Scope, _arguments: Inputs) -> Outputs:
    found = scope.call("ecr", "GetAuthorizationToken")["authorizationData"][0]
    user, _, password = base64.b64decode(found["authorizationToken"]).decode().partition(":")
    return {
        "authorizationToken": found["authorizationToken"],
        "expiresAt": found["expiresAt"].strftime("%Y-%m-%dT%H:%M:%SZ"),
        "id": scope.region,
        "password": password,
        "proxyEndpoint": found["proxyEndpoint"],
        "region": scope.region,
        "registryId": scope.account,
        "userName": user,
    }


def _key(scope: Scope, arguments: Inputs) -> Outputs:
    name = arguments["keyId"]
    answer = missing_is_none(lambda: scope.call("kms", "DescribeKey", KeyId=name), "NotFoundException")
    if answer is None:
        raise NotFound(f"there is no key `{name}` in {scope.region}")
    found = answer["KeyMetadata"]
    return {
        "arn": found["Arn"],
        "awsAccountId": found["AWSAccountId"],
        "creationDate": found["CreationDate"].strftime("%Y-%m-%dT%H:%M:%SZ"),
        "customerMasterKeySpec": found["KeySpec"],
        "deletionDate": str(found.get("DeletionDate", "")),
        "description": found.get("Description", ""),
        "enabled": found["Enabled"],
        "id": found["KeyId"],
        "keyId": name,
        "keyManager": found["KeyManager"],
        "keySpec": found["KeySpec"],
        "keyState": found["KeyState"],
        "keyUsage": found["KeyUsage"],
        "multiRegion": found.get("MultiRegion", False),
        "multiRegionConfigurations": [],
        "origin": found["Origin"],
        "region": scope.region,
    }


def _alias(scope: Scope, arguments: Inputs) -> Outputs:
    name = arguments["name"]
    for found in scope.call("kms", "ListAliases")["Aliases"]:
        if found["AliasName"] == name:
            key = found["TargetKeyId"]
            arn = found["AliasArn"]
            return {
                "arn": arn,
                "id": arn,
                "name": name,
                "region": scope.region,
                "targetKeyArn": f"{arn.rpartition(':')[0]}:key/{key}",
                "targetKeyId": key,
            }
    raise NotFound(f"there is no alias `{name}` in {scope.region}")


def _role(scope: Scope, arguments: Inputs) -> Outputs:
    name = arguments["name"]
    answer = missing_is_none(lambda: scope.call("iam", "GetRole", RoleName=name), "NoSuchEntity")
    if answer is None:
        raise NotFound(f"there is no role `{name}`")
    found = answer["Role"]
    return {
        "arn": found["Arn"],
        "createDate": found["CreateDate"].strftime("%Y-%m-%dT%H:%M:%SZ"),
        "id": name,
        "maxSessionDuration": found["MaxSessionDuration"],
        "name": name,
        "path": found["Path"],
        "tags": tag_map(found.get("Tags", [])),
        "uniqueId": found["RoleId"],
    }


_STATEMENT = {
    "actions": "Action", "notActions": "NotAction", "resources": "Resource", "notResources": "NotResource",
}  # fmt: skip


def _policy_document(_scope: Scope, arguments: Inputs) -> Outputs:
    """Generate an IAM policy document as the provider does: statements merged by Sid, lists of one as a string."""
    statements: list[dict[str, Any]] = []
    version, name = arguments.get("version") or "2012-10-17", arguments.get("policyId")
    for source in arguments.get("sourcePolicyDocuments") or []:
        statements.extend(_listed(_json(source, "sourcePolicyDocuments").get("Statement", [])))
    statements.extend(_statement(entry) for entry in arguments.get("statements") or [])
    for source in arguments.get("overridePolicyDocuments") or []:
        for entry in _listed(_json(source, "overridePolicyDocuments").get("Statement", [])):
            sid = entry.get("Sid")
            if sid:
                statements = [other for other in statements if other.get("Sid") != sid]
            statements.append(entry)
    document = {"Version": version, **({"Id": name} if name else {}), "Statement": statements}
    return {
        **{key: value for key, value in arguments.items() if key != "region"},
        "id": str(abs(hash(json.dumps(document, sort_keys=True))) % 2**32),
        "json": json.dumps(document, indent=2),
        "minifiedJson": json.dumps(document, separators=(",", ":")),
        "version": version,
    }


def _statement(entry: Mapping[str, Any]) -> dict[str, Any]:
    written: dict[str, Any] = {}
    if entry.get("sid"):
        written["Sid"] = entry["sid"]
    written["Effect"] = entry.get("effect") or "Allow"
    for name, key in _STATEMENT.items():
        if entry.get(name):
            written[key] = _short(sorted(entry[name], reverse=True))
    for name, key in (("principals", "Principal"), ("notPrincipals", "NotPrincipal")):
        if entry.get(name):
            written[key] = _principals(entry[name])
    if entry.get("conditions"):
        conditions: dict[str, dict[str, Any]] = {}
        for condition in entry["conditions"]:
            conditions.setdefault(condition["test"], {})[condition["variable"]] = _short(condition["values"])
        written["Condition"] = conditions
    return written


def _principals(entries: Sequence[Mapping[str, Any]]) -> Any:
    named: dict[str, list[str]] = {}
    for entry in entries:
        named.setdefault(entry["type"], []).extend(entry["identifiers"])
    if set(named) == {"*"}:
        return "*"
    return {kind: _short(names) for kind, names in named.items()}


def _short(values: Sequence[Any]) -> Any:
    return values[0] if len(values) == 1 else list(values)


def _listed(statements: Any) -> list[dict[str, Any]]:
    return list(statements) if isinstance(statements, list) else [statements]


def _json(text: str, place: str) -> dict[str, Any]:
    try:
        return dict(json.loads(text))
    except (TypeError, ValueError, RecursionError):
        problem = Problem(place, text, "the document is not a JSON object", "write `{…}`")
        raise InvalidInput("getPolicyDocument", [problem]) from None


FUNCTIONS: Mapping[str, Callable[[Scope, Inputs], Outputs]] = {
    "aws:index/getCallerIdentity:getCallerIdentity": _caller_identity,
    "aws:index/getRegion:getRegion": _region,
    "aws:index/getPartition:getPartition": _partition,
    "aws:ecr/getRepository:getRepository": _repository,
    "aws:ecr/getAuthorizationToken:getAuthorizationToken": _authorization_token,
    "aws:kms/getKey:getKey": _key,
    "aws:kms/getAlias:getAlias": _alias,
    "aws:iam/getRole:getRole": _role,
    "aws:iam/getPolicyDocument:getPolicyDocument": _policy_document,
}
"""The supported functions, by token."""
