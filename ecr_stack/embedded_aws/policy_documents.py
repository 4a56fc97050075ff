"""Policy documents as AWS reads them when they are attached: their shape, principals and actions.

The grammar: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from ecr_stack.embedded_aws import api_model, moto_backend

__all__ = [
    "UnknownPrincipal",
    "actions_of",
    "check_document",
    "check_principals",
    "known_actions",
    "principals_of",
    "statements_of",
]

_VERSIONS = ("2012-10-17", "2008-10-17")
_DOCUMENT_KEYS = {"Version", "Id", "Statement"}
_STATEMENT_KEYS = {
    "Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition",
}  # fmt: skip
_PRINCIPAL_KINDS = {"AWS", "Service", "Federated", "CanonicalUser"}
_ARN = re.compile(
    r"arn:(?P<partition>aws[a-z-]*):(?P<service>iam|sts)::(?P<account>[0-9]{12}):"
    r"(?P<kind>root|role|user|assumed-role|federated-user|saml-provider|oidc-provider)(/(?P<path>[\w+=,.@:/-]+))?"
)
_SERVICE = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*\.amazonaws\.com(\.cn)?")
# Service principals' names that are neither a service's nor an endpoint's.
_SERVICE_LABELS = frozenset(
    {
        "aoss", "appmesh", "billingconsole", "chatbot", "cloudwatch", "cloudwatch-crossaccount", "codedeploy", "config-multiaccountsetup",
        "delivery", "devops", "ecs-tasks", "edgelambda", "eks-fargate", "eks-fargate-pods", "eks-nodegroup", "elasticmapreduce", "imagebuilder",
        "lex", "mediapackage", "opensearchservice", "ops", "pods", "pullthroughcache", "replication", "replicator", "ses", "spot", "spotfleet",
        "ssm-guiconnect", "tasks", "transitgateway", "vmie", "vpc-flow-logs", "wafv2", "worklink",
    }
)  # fmt: skip
# Actions that are granted in ECR's policies and are no operations of its API.
_ECR_ACTIONS_WITHOUT_OPERATION = {"ReplicateImage", "BatchImportUpstreamImage", "GetImageCopyStatus"}


class UnknownPrincipal(Exception):
    """A policy names someone who does not exist."""


def statements_of(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the statements of a policy document; a single one may stand without a list."""
    statements = document["Statement"]
    return list(statements) if isinstance(statements, list) else [statements]


def actions_of(statement: Mapping[str, Any]) -> list[str]:
    """Return the actions (or those excepted by `NotAction`) of a statement."""
    actions = statement.get("Action", statement.get("NotAction"))
    return [actions] if isinstance(actions, str) else list(actions or [])


def known_actions(service: str) -> frozenset[str]:
    """Return the names, without the service's prefix, that a policy may allow."""
    extra = _ECR_ACTIONS_WITHOUT_OPERATION if service == "ecr" else set()
    return frozenset(api_model.service(service).operation_names) | extra


def check_document(document: Any, *, principals: bool, resources: bool, services: frozenset[str] | None) -> str | None:
    """Return what is wrong with the shape of a policy document, or `None`.

    Args:
        document: plain JSON data.
        principals: whether statements say whom they are about (resource policies), or must not (identity policies).
        resources: whether statements must say what they are about.
        services: the services whose actions may occur, or `None` for any.
    """
    if not isinstance(document, Mapping):
        return "the policy is not a JSON object"
    unknown = set(document) - _DOCUMENT_KEYS
    if unknown:
        return f"unknown element {sorted(unknown)[0]}"
    if document.get("Version", _VERSIONS[-1]) not in _VERSIONS:
        return f"Version must be one of {', '.join(_VERSIONS)}"
    if not document.get("Statement"):
        return "the policy has no Statement"
    statements = statements_of(document)
    for statement in statements:
        wrong = _check_statement(statement, principals, resources, services)
        if wrong:
            return wrong
    sids = [statement["Sid"] for statement in statements if statement.get("Sid")]
    if not principals and len(sids) != len(set(sids)):
        return "Statement IDs (SID) in a single policy must be unique"
    return None


def _check_statement(statement: Any, principals: bool, resources: bool, services: frozenset[str] | None) -> str | None:
    if not isinstance(statement, Mapping):
        return "a statement is not a JSON object"
    unknown = set(statement) - _STATEMENT_KEYS
    if unknown:
        return f"unknown element {sorted(unknown)[0]} in a statement"
    if statement.get("Effect") not in ("Allow", "Deny"):
        return "Effect must be Allow or Deny"
    if not isinstance(statement.get("Sid", ""), str):
        return "Sid must be a text"
    who = {"Principal", "NotPrincipal"} & set(statement)
    if principals and len(who) != 1:
        return "a statement needs one of Principal and NotPrincipal"
    if not principals and who:
        return "Policy document should not specify a principal"
    if len({"Action", "NotAction"} & set(statement)) != 1:
        return "a statement needs one of Action and NotAction"
    what = {"Resource", "NotResource"} & set(statement)
    if len(what) > 1 or (resources and not what):
        return "a statement needs one of Resource and NotResource"
    if not _texts(statement.get("Resource", statement.get("NotResource", "*"))):
        return "Resource must be a text or a list of texts"
    return _check_actions(statement, services) or _check_condition(statement.get("Condition", {}))


def _texts(value: Any) -> bool:
    if isinstance(value, str):
        return bool(value)
    return isinstance(value, list) and bool(value) and all(isinstance(item, str) and item for item in value)


def _check_actions(statement: Mapping[str, Any], services: frozenset[str] | None) -> str | None:
    given = statement.get("Action", statement.get("NotAction"))
    if not _texts(given):
        return "Action must be a text or a list of texts"
    for action in actions_of(statement):
        if action == "*":
            continue
        service, colon, name = action.partition(":")
        if not colon or not name:
            return f"the action {action} has no service prefix"
        if services is None:
            continue
        if service.lower() not in services:
            return f"the action {action} is of another service"
        if not any(fnmatchcase(known.lower(), name.lower()) for known in known_actions(service.lower())):
            return f"there is no action {action}"
    return None


def _check_condition(condition: Any) -> str | None:
    if not isinstance(condition, Mapping):
        return "Condition must be a JSON object"
    for operator, keys in condition.items():
        if not re.fullmatch(r"((ForAllValues|ForAnyValue):)?[A-Za-z]+", operator):
            return f"unknown condition operator {operator}"
        if not isinstance(keys, Mapping) or not keys:
            return f"the condition {operator} names no keys"
        for key, values in keys.items():
            entries = values if isinstance(values, list) else [values]
            if not all(isinstance(entry, (str, bool, int, float)) for entry in entries):
                return f"the values of {key} must be texts, numbers or booleans"
    return None


def principals_of(statement: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Return kind and name of the principals (or those excepted by `NotPrincipal`) of a statement.

    Raises:
        UnknownPrincipal: the element cannot be read.
    """
    given = statement.get("Principal", statement.get("NotPrincipal"))
    if given == "*":
        yield "AWS", "*"
        return
    if not isinstance(given, Mapping) or not given or set(given) - _PRINCIPAL_KINDS:
        raise UnknownPrincipal(given)
    for kind, names in given.items():
        for name in names if isinstance(names, list) else [names]:
            yield kind, str(name)


def check_principals(document: Mapping[str, Any], account: str, region: str, partition: str) -> None:
    """Look up everyone whom a resource policy names, as AWS does when the policy is attached.

    Roles and users of the account must exist. Those of other accounts cannot be known here and are taken to exist.

    Raises:
        UnknownPrincipal: someone does not exist, or could not.
    """
    checks: dict[str, Callable[[str], bool]] = {
        "AWS": lambda name: _exists(name, account, region, partition),
        "Service": _is_service,
        "Federated": lambda name: _SERVICE.fullmatch(name) is not None or _ARN.fullmatch(name) is not None,
        "CanonicalUser": lambda name: re.fullmatch(r"[0-9a-f]{64}", name) is not None,
    }
    for statement in statements_of(document):
        for kind, name in principals_of(statement):
            if not checks[kind](name):
                raise UnknownPrincipal(name)


def _is_service(name: str) -> bool:
    """Whether a service principal could be one: `SERVICE.amazonaws.com`, with parts of a service before or behind it.

    AWS has no list of them. A name is taken if a part of it is a service's, in botocore's data or in the list here.
    """
    if not _SERVICE.fullmatch(name):
        return False
    labels = set(name.partition(".amazonaws.com")[0].split("."))
    return bool(labels & (api_model.service_labels() | _SERVICE_LABELS))


def _exists(name: str, account: str, region: str, partition: str) -> bool:
    if name == "*" or re.fullmatch(r"[0-9]{12}", name):
        return True
    match = _ARN.fullmatch(name)
    if match is None or match["partition"] != partition:
        return False
    if (match["service"] == "sts") != (match["kind"] in ("assumed-role", "federated-user")):
        return False
    if (match["kind"] == "root") == bool(match["path"]):
        return False
    if match["account"] != account:
        return True
    iam = moto_backend.iam_state(account, region)
    if match["kind"] == "role":
        return any(role.arn == name for role in iam.roles.values())
    if match["kind"] == "user":
        return any(user.arn == name for user in iam.users.values())
    if match["kind"] == "assumed-role":
        return any(role.name == match["path"].split("/")[0] for role in iam.roles.values())
    return True
