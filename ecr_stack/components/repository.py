"""A repository, with all that belongs to it.

Builds an `aws.ecr.Repository` and, where asked for, its lifecycle policy and its repository policy.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/Repositories.html
"""

from collections.abc import Iterable
from typing import Any, Optional

import pulumi
import pulumi_aws as aws

from ecr_stack.components.args import RepositoryArgs
from ecr_stack.components.component import Component, made_here, together
from ecr_stack.components.grants import Grantee, grant
from ecr_stack.components.lifecycle_policy import lifecycle_policy
from ecr_stack.components.repository_policy import repository_policy
from ecr_stack.components.tags import all_tags
from ecr_stack.components.takeover import unrivalled
from ecr_stack.errors import Problem
from ecr_stack.model import is_unknown, python_spelling
from ecr_stack.schema.arguments import RepositoryArguments
from ecr_stack.schema.repository import RepositoryDefaults, default_conflicts

__all__ = ["Repository", "encryption_of", "exclusion_filters"]

REPOSITORY = "aws:ecr/repository:Repository"
LIFECYCLE_POLICY = "aws:ecr/lifecyclePolicy:LifecyclePolicy"
REPOSITORY_POLICY = "aws:ecr/repositoryPolicy:RepositoryPolicy"


class Repository(Component):
    """A repository for container images, with encryption, scanning, lifecycle and access."""

    ARGUMENTS = RepositoryArguments

    repository_name: pulumi.Output[str]
    """The repository's name in ECR."""
    repository_url: pulumi.Output[str]
    """Where to push to and pull from: `ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME`."""
    arn: pulumi.Output[str]
    """The repository's ARN."""
    registry_id: pulumi.Output[str]
    """The registry's id, which is its account's."""

    def __init__(
        self,
        name: str,
        args: RepositoryArgs | RepositoryArguments | None = None,
        opts: Optional[pulumi.ResourceOptions] = None,
    ) -> None:
        former = _aliases(args)
        own = [alias for kind, alias in former if kind not in (REPOSITORY, LIFECYCLE_POLICY, REPOSITORY_POLICY)]
        super().__init__(name, opts, former=own)
        given: Any = args
        if not isinstance(args, RepositoryArguments):
            given = {"name": name, **{key: value for key, value in (args or {}).items() if value is not None}}
        settings: RepositoryArguments = self._validated(given)
        self._check(_conflicts(settings))
        environment = self._environment(settings)
        self._physical_name = physical = self._value(settings, "name", str)
        mutability = self._settled(settings, "tag_mutability", "mutable_tags", "immutable_tags", check=_conflicts)
        encryption_type, key_arn = encryption_of(self, settings)

        adopted = physical if settings.import_existing else None
        if adopted is not None and is_unknown(adopted):
            rule = "what is imported is named when the program runs, and the name is an Output"
            self._check([Problem("name", "(an Output)", rule, "pass the name as a plain string")])
        former_urns = [alias for kind, alias in former if kind == REPOSITORY]

        repository = aws.ecr.Repository(
            name,
            name=physical
            if adopted is None
            else unrivalled(
                self, REPOSITORY, str(adopted), [*former_urns, *self._former_urns(REPOSITORY)], settings.region
            ),
            image_tag_mutability=together(lambda known: known.tag_mutability or "MUTABLE", mutability),
            image_tag_mutability_exclusion_filters=exclusion_filters(
                mutability, aws.ecr.RepositoryImageTagMutabilityExclusionFilterArgs
            ),
            encryption_configurations=[
                aws.ecr.RepositoryEncryptionConfigurationArgs(encryption_type=encryption_type, kms_key=key_arn)
            ],
            image_scanning_configuration=aws.ecr.RepositoryImageScanningConfigurationArgs(
                scan_on_push=self._value(settings, "scan_on_push", lambda flag: flag is not False)
            ),
            force_delete=self._value(settings, "force_delete", bool),
            region=settings.region,
            tags=together(all_tags, physical, environment, self._value(settings, "tags")),
            opts=self._child(
                protect=settings.protect,
                import_=adopted if settings.region is None else _import_id(adopted, settings.region),
                aliases=former_urns,
            ),
        )
        # The documents name the repository by its plain name, so that a preview shows them whole; they depend on it, and
        # are deleted and replaced with it.
        document = {
            "depends_on": [repository],
            "deleted_with": repository,
            "replace_with": [repository],
        }
        if settings.lifecycle is not None or settings.lifecycle_document is not None:
            lifecycle_policy(
                self,
                settings,
                ("lifecycle", "lifecycle_document", "lifecycle_guard"),
                physical,
                {**document, "aliases": [alias for kind, alias in former if kind == LIFECYCLE_POLICY]},
            )
        if settings.access is not None:
            repository_policy(
                self,
                settings,
                physical,
                {**document, "aliases": [alias for kind, alias in former if kind == REPOSITORY_POLICY]},
            )
        self._grants: dict[tuple[str, Any], aws.iam.RolePolicy] = {}
        self.repository_name = repository.name
        self.repository_url = repository.repository_url
        self.arn = made_here(repository.arn)
        self.registry_id = repository.registry_id
        self.register_outputs(
            {
                "repositoryName": self.repository_name,
                "repositoryUrl": self.repository_url,
                "arn": self.arn,
                "registryId": self.registry_id,
                # on record in the stack's state, for reviews and for whoever asks why
                "lifecycleGuard": settings.lifecycle_guard.as_written() if settings.lifecycle_guard else None,
            }
        )

    def grant_pull(self, role: Grantee, *, name: Optional[str] = None) -> aws.iam.RolePolicy:
        """Let a role log in and pull from this repository, through an identity policy.

        Args:
            role: a role of the program, or a role's name, `role/NAME` or ARN.
            name: what the grant is called, if `role` is an Output; by default it is called after the role.

        Raises:
            InvalidArguments: `role` names no role, or one of another account, or is an Output and there is no `name`.
        """
        return grant(self, self._grants, "pull", role, name)

    def grant_push(self, role: Grantee, *, name: Optional[str] = None) -> aws.iam.RolePolicy:
        """Let a role log in and push to this repository. Grant pulling separately.

        Args:
            role: a role of the program, or a role's name, `role/NAME` or ARN.
            name: what the grant is called, if `role` is an Output; by default it is called after the role.

        Raises:
            InvalidArguments: `role` names no role, or one of another account, or is an Output and there is no `name`.
        """
        return grant(self, self._grants, "push", role, name)


def _import_id(name: Any, region: Any) -> Any:
    """What the provider imports: a Region other than its own stands behind the name.

    https://hashicorp.github.io/terraform-provider-aws/enhanced-region-support
    """
    return None if name is None else together(lambda name, region: f"{name}@{region}", name, region)


def encryption_of(owner: Component, settings: Any) -> "tuple[pulumi.Input[str], pulumi.Input[Optional[str]]]":
    """The type of the encryption that settings ask for, and the ARN of its key."""
    encryption = settings.encryption
    if encryption is None:
        return "AES256", None
    if not is_unknown(encryption) and encryption.key_arn is None and not is_unknown(encryption.type):
        return encryption.type, None
    known = not is_unknown(encryption) and not is_unknown(encryption.type)
    return (
        # known as it is, it shows in a preview although the key is not made yet
        encryption.type if known else owner._value(settings, "encryption", lambda value: value.type),
        owner._value(settings, "encryption", lambda value: value.key_arn),
    )


def exclusion_filters(settings: Any, kind: type) -> Any:
    """The tags that are exceptions from the mutability, as arguments of a resource; nothing if there are none."""

    def filters(known: RepositoryDefaults) -> Any:
        tags = known.mutable_tags or known.immutable_tags or []
        return [kind(filter=tag, filter_type="WILDCARD") for tag in tags] or None

    return together(filters, settings)


def _conflicts(settings: Any) -> Iterable[Problem]:
    return [python_spelling(problem) for problem in default_conflicts(settings, settings.given())]


def _aliases(args: Any) -> list[tuple[str, str]]:
    """The former names and URNs of a repository, each with the resource type that it is for; `""` for a name."""
    given = args.aliases if isinstance(args, RepositoryArguments) else (args or {}).get("aliases")
    aliases = given if isinstance(given, list) else []
    plain = [alias for alias in aliases if isinstance(alias, str)]
    return [
        (alias.split("::")[-2].split("$")[-1] if alias.startswith("urn:") and alias.count("::") >= 3 else "", alias)
        for alias in plain
    ]
