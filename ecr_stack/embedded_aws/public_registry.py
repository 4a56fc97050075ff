"""Amazon ECR Public: repositories with catalog data, policies and tags. Images are not pushed to it here.

https://docs.aws.amazon.com/AmazonECRPublic/latest/APIReference/Welcome.html. moto has no ECR Public.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from ecr_stack.embedded_aws.paging import page
from ecr_stack.embedded_aws.policy_documents import UnknownPrincipal, check_document, check_principals
from ecr_stack.embedded_aws.request import Request
from ecr_stack.embedded_aws.rules.repositories import check_tags

__all__ = ["OPERATIONS"]

Answer = dict[str, Any]

_REPOSITORIES = "public repository"
# https://docs.aws.amazon.com/AmazonECR/latest/public/public-registries.html: repositories are made and managed in us-east-1
_HOME = "us-east-1"
_ALIAS = "a1b2c3d4"
_QUOTA = 10_000


def _home(request: Request) -> None:
    if request.region != _HOME:
        raise request.refuse(
            "UnsupportedCommandException", f"The operation {request.model.name} is supported in {_HOME} only"
        )
    if request.get("registryId", request.account) != request.account:
        raise request.invalid("registryId", f"you are not authorized in the registry {request.get('registryId')}")


def _all(request: Request) -> dict[str, Any]:
    return request.state.of(_REPOSITORIES, _HOME)


def _find(request: Request, name: str) -> Answer:
    repository: Answer | None = _all(request).get(name)
    if repository is None:
        raise request.refuse(
            "RepositoryNotFoundException",
            f"The repository with name '{name}' does not exist in the registry with id '{request.account}'",
        )
    return repository


def _named(request: Request) -> Answer:
    return _find(request, request.get("repositoryName"))


def _by_arn(request: Request) -> Answer:
    match = re.fullmatch(r"arn:aws:ecr-public::([0-9]{12}):repository/(.+)", request.get("resourceArn"))
    if match is None or match[1] != request.account:
        raise request.invalid("resourceArn", "Invalid ARN")
    return _find(request, match[2])


def _catalog(given: Answer) -> Answer:
    shown = {name: value for name, value in given.items() if name != "logoImageBlob"}
    if given.get("logoImageBlob"):
        shown["logoUrl"] = "https://d3g9o9u8re44ak.cloudfront.net/logo/embedded.png"
    return {**shown, "marketplaceCertified": False}


def _create(request: Request) -> Answer:
    name = request.get("repositoryName")
    if name in _all(request):
        raise request.refuse(
            "RepositoryAlreadyExistsException",
            f"The repository with name '{name}' already exists in the registry with id '{request.account}'",
        )
    check_tags(request, request.get("tags") or [])
    if len(_all(request)) >= _QUOTA:
        raise request.refuse("LimitExceededException", f"A registry can have at most {_QUOTA} repositories")
    described = {
        "repositoryArn": f"arn:aws:ecr-public::{request.account}:repository/{name}",
        "registryId": request.account,
        "repositoryName": name,
        "repositoryUri": f"public.ecr.aws/{_ALIAS}/{name}",
        "createdAt": request.state.now(),
    }
    tags = {tag["Key"]: tag["Value"] for tag in request.get("tags") or []}
    catalog = _catalog(request.get("catalogData") or {})
    _all(request)[name] = {"described": described, "tags": tags, "catalog": catalog, "policy": None}
    return {"repository": described, "catalogData": catalog}


def _describe(request: Request) -> Answer:
    names = request.get("repositoryNames")
    if names:
        return {"repositories": [_find(request, name)["described"] for name in names]}
    found, more = page(request, [entry["described"] for entry in _all(request).values()], 100)
    return {"repositories": found, **more}


def _delete(request: Request) -> Answer:
    described = _named(request)["described"]
    del _all(request)[request.get("repositoryName")]
    return {"repository": described}


def _put_catalog(request: Request) -> Answer:
    repository = _named(request)
    repository["catalog"] = _catalog(request.get("catalogData"))
    return {"catalogData": repository["catalog"]}


def _get_catalog(request: Request) -> Answer:
    return {"catalogData": _named(request)["catalog"]}


def _policy(request: Request, text: str) -> Answer:
    return {"registryId": request.account, "repositoryName": request.get("repositoryName"), "policyText": text}


def _set_policy(request: Request) -> Answer:
    repository, text = _named(request), request.get("policyText")
    document = request.json_parameter("policyText", request.invalid("PolicyText", "Invalid repository policy provided"))
    wrong = check_document(document, principals=True, resources=False, services=frozenset({"ecr-public"}))
    if wrong:
        raise request.invalid("PolicyText", f"Invalid repository policy provided: {wrong}")
    try:
        check_principals(document, request.account, request.region, request.partition)
    except UnknownPrincipal as unknown:
        raise request.invalid("PolicyText", f"Principal not found: {unknown}") from None
    repository["policy"] = text
    return _policy(request, text)


def _existing_policy(request: Request) -> str:
    text: str | None = _named(request)["policy"]
    if text is None:
        raise request.refuse(
            "RepositoryPolicyNotFoundException",
            f"Repository policy does not exist for the repository with name '{request.get('repositoryName')}' in the "
            f"registry with id '{request.account}'",
        )
    return text


def _get_policy(request: Request) -> Answer:
    return _policy(request, _existing_policy(request))


def _delete_policy(request: Request) -> Answer:
    text = _existing_policy(request)
    _named(request)["policy"] = None
    return _policy(request, text)


def _tag(request: Request) -> Answer:
    tags = _by_arn(request)["tags"]
    check_tags(request, request.get("tags"))
    if len(set(tags) | {tag["Key"] for tag in request.get("tags")}) > 50:
        raise request.refuse("TooManyTagsException", "The list of tags on the repository is over the limit of 50")
    tags.update({tag["Key"]: tag["Value"] for tag in request.get("tags")})
    return {}


def _untag(request: Request) -> Answer:
    tags = _by_arn(request)["tags"]
    for key in request.get("tagKeys"):
        tags.pop(key, None)
    return {}


def _list_tags(request: Request) -> Answer:
    return {"tags": [{"Key": key, "Value": value} for key, value in _by_arn(request)["tags"].items()]}


def _registries(request: Request) -> Answer:
    alias = {"name": _ALIAS, "status": "ACTIVE", "primaryRegistryAlias": True, "defaultRegistryAlias": True}
    registry = {
        "registryId": request.account,
        "registryArn": f"arn:aws:ecr-public::{request.account}:registry/{request.account}",
        "registryUri": f"public.ecr.aws/{_ALIAS}",
        "verified": False,
        "aliases": [alias],
    }
    return {"registries": [registry]}


def _registry_catalog(request: Request) -> Answer:
    names = request.state.of("public registry", _HOME)
    if "displayName" in request.parameters:
        names["displayName"] = request.get("displayName")
    return {"registryCatalogData": dict(names)}


def _token(request: Request) -> Answer:
    token = base64.b64encode(json.dumps({"account": request.account}).encode()).decode()
    login = base64.b64encode(f"AWS:{token}".encode()).decode()
    return {"authorizationData": {"authorizationToken": login, "expiresAt": request.state.now() + timedelta(hours=12)}}


def _no_images(listing: str) -> Callable[[Request], Answer]:
    def answer(request: Request) -> Answer:
        _named(request)
        return {listing: []}

    return answer


def _at_home(answer: Callable[[Request], Answer]) -> Callable[[Request], Answer]:
    def checked(request: Request) -> Answer:
        _home(request)
        return answer(request)

    return checked


OPERATIONS = {
    name: _at_home(answer)
    for name, answer in {
        "CreateRepository": _create,
        "DeleteRepository": _delete,
        "DeleteRepositoryPolicy": _delete_policy,
        "DescribeImages": _no_images("imageDetails"),
        "DescribeImageTags": _no_images("imageTagDetails"),
        "DescribeRegistries": _registries,
        "DescribeRepositories": _describe,
        "GetAuthorizationToken": _token,
        "GetRegistryCatalogData": _registry_catalog,
        "GetRepositoryCatalogData": _get_catalog,
        "GetRepositoryPolicy": _get_policy,
        "ListTagsForResource": _list_tags,
        "PutRegistryCatalogData": _registry_catalog,
        "PutRepositoryCatalogData": _put_catalog,
        "SetRepositoryPolicy": _set_policy,
        "TagResource": _tag,
        "UntagResource": _untag,
    }.items()
}
"""Operation → what answers it."""
