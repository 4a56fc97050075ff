"""Replacement: a changed name or encryption makes a new, empty repository, and the images of the old one are gone.

What a policy can see, and what it cannot: the engine gives a policy what the program asks for now and what will come of
it. It gives neither the state of the last update nor the steps of this one, so no policy can tell a new repository from
one that takes the place of another. Therefore three ways, each closed where it can be:

- what is bound to be replaced, whatever stood before, is seen as it is: a key by its alias;
- `standing` in the configuration says which repositories hold images, and how they are encrypted;
- `lookUp` asks ECR for that, with the credentials that the command has.

What holds without any of them is `repositories-in-production-are-protected`: the engine does not replace what is protected.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pulumi_policy import Severity
from pulumi_policy.policy import PolicyResource

from guardrails.policy import Config, Unjudgeable, stack_policy
from guardrails.resources import REPOSITORY, UNKNOWN, called, each, look, region_of, text

Standing = Mapping[str, Any]
"""How a repository is encrypted as it stands: `encryptionType`, and perhaps `kmsKey`, the ARN."""


@stack_policy(
    types=[REPOSITORY],
    reason="ECR cannot change a repository's name or encryption: Pulumi creates a new repository, without the images.",
    control="Amazon ECR CreateRepository",
    url="https://docs.aws.amazon.com/AmazonECR/latest/userguide/encryption-at-rest.html",
    severity=Severity.HIGH,
    remedy="Keep the name and encryption, or copy the images to a second repository before this one is deleted.",
    stack_file={
        REPOSITORY: "Keep its key and `name` in `ecr-stack:repositories`, and `ecr-stack:encryption`, as they are, or"
        " copy the images to a second repository before this one goes."
    },
    config={
        "standing": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "properties": {"encryptionType": {"type": "string"}, "kmsKey": {"type": "string"}},
            },
            "default": {},
            "description": "The repositories of this stack that hold images: name in ECR to encryptionType and, if"
            " that is to be kept too, kmsKey (the ARN).",
        },
        "lookUp": {
            "type": "boolean",
            "default": False,
            "description": "Ask ECR how the repositories are encrypted that have the same names, and whether they hold"
            " images. Needs boto3, credentials, ecr:DescribeRepositories and ecr:ListImages.",
        },
    },
)
def repositories_are_not_replaced(
    resources: Sequence[PolicyResource], config: Config, report: Callable[[str, str], None]
) -> None:
    """Report repositories that this program would replace, as far as that can be seen."""
    for repository in resources:
        key = _encryption(repository).get("kmsKey")
        if isinstance(key, str) and (":alias/" in key or key.startswith("alias/")):
            report(
                f"{called(repository)} has the kmsKey {key}, an alias. ECR keeps the key's own ARN, so the next"
                " deployment sees a change and replaces the repository. Write the key's ARN.",
                repository.urn,
            )
    standing: Mapping[str, Standing] = config["standing"]
    by_name: dict[str, list[PolicyResource]] = {}  # one name may be in several regions
    for repository in resources:
        by_name.setdefault(text(repository.props, "name"), []).append(repository)
    for name, before in standing.items():
        for repository in by_name.get(name, []):
            _compare(repository, before, "configuration says that it", report)
        if name not in by_name and "" not in by_name:
            report(
                f"{name} holds images, as the configuration says, and is not in this stack any more: it is renamed or"
                " removed, and its images go. Keep its name, or take it from `standing` once they are copied.",
                "",
            )
    if config["lookUp"]:
        for repository, before in _found_in_ecr(resources):
            if text(repository.props, "name") not in standing:
                _compare(repository, before, "in ECR it holds images and", report)


def _encryption(repository: PolicyResource) -> dict[str, Any]:
    configured = next(each(repository.props, "encryptionConfigurations"), None)
    return {"encryptionType": look(configured, "encryptionType") or "AES256", "kmsKey": look(configured, "kmsKey")}


def _compare(repository: PolicyResource, before: Standing, according: str, report: Callable[[str, str], None]) -> None:
    now = _encryption(repository)
    for field in ("encryptionType", "kmsKey"):
        was, becomes = look(before, field), now[field]
        if was and becomes is not UNKNOWN and becomes and was != becomes:
            report(
                f"{called(repository)} would be replaced and lose its images: {according} has {field} {was}, and this"
                f" program asks for {becomes}. Keep {was}.",
                repository.urn,
            )
            return


def _found_in_ecr(resources: Sequence[PolicyResource]) -> list[tuple[PolicyResource, Standing]]:
    """The repositories whose namesakes in ECR hold images, and how those are encrypted.

    Raises:
        Unjudgeable: There is no boto3, or ECR does not answer.
    """
    try:
        import boto3
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError:
        raise Unjudgeable("`lookUp` needs boto3: install it beside the policy pack, or turn lookUp off.") from None
    wanted: dict[str, dict[str, PolicyResource]] = {}
    for repository in resources:
        wanted.setdefault(region_of(repository), {})[text(repository.props, "name")] = repository
    found: list[tuple[PolicyResource, Standing]] = []
    try:
        for region, names in wanted.items():
            ecr = boto3.client("ecr", region_name=region or None)
            for page in ecr.get_paginator("describe_repositories").paginate(maxResults=1000):
                for described in page["repositories"]:
                    name = described["repositoryName"]
                    if name in names and ecr.list_images(repositoryName=name, maxResults=1)["imageIds"]:
                        found.append((names[name], described.get("encryptionConfiguration", {})))
    except (BotoCoreError, ClientError) as error:
        raise Unjudgeable(
            f"ECR did not say which repositories hold images ({error}). Turn lookUp off to go on."
        ) from None
    return found
