"""A repository on the Amazon ECR Public Gallery, from which everyone may pull.

Builds an `aws.ecrpublic.Repository` and, if someone is to push by it, its policy. Both are made in us-east-1 whatever the
provider's Region is: Amazon ECR Public is managed there.

https://docs.aws.amazon.com/AmazonECR/latest/public/public-repositories.html
"""

from typing import Any, Optional

import pulumi
import pulumi_aws as aws

from ecr_stack.components.args import PublicRepositoryArgs
from ecr_stack.components.caller import Place, caller
from ecr_stack.components.component import Component, together
from ecr_stack.components.tags import all_tags
from ecr_stack.schema.access import Access
from ecr_stack.schema.access_documents import policy_text, repository_policy
from ecr_stack.schema.arguments import PublicRepositoryArguments
from ecr_stack.schema.public_repository import HOME

__all__ = ["PublicRepository"]


class PublicRepository(Component):
    """A public repository with its gallery metadata."""

    ARGUMENTS = PublicRepositoryArguments

    repository_name: pulumi.Output[str]
    """The repository's name."""
    repository_url: pulumi.Output[str]
    """Where to push to and pull from: `public.ecr.aws/ALIAS/NAME`."""
    arn: pulumi.Output[str]
    """The repository's ARN."""

    def __init__(
        self,
        name: str,
        args: PublicRepositoryArgs | PublicRepositoryArguments | None = None,
        opts: Optional[pulumi.ResourceOptions] = None,
    ) -> None:
        super().__init__(name, opts)
        given: Any = args
        if not isinstance(args, PublicRepositoryArguments):
            given = {"name": name, **{key: value for key, value in (args or {}).items() if value is not None}}
        settings: PublicRepositoryArguments = self._validated(given)
        physical, environment = str(settings.name), self._environment(settings)
        self._claim("public repository", physical, "choose another `name`")
        catalog = {
            argument: self._value(settings, field)
            for argument, field in (
                ("description", "description"),
                ("about_text", "about_text"),
                ("usage_text", "usage_text"),
                ("architectures", "architectures"),
                ("operating_systems", "operating_systems"),
                ("logo_image_blob", "logo"),
            )
            if getattr(settings, field) is not None
        }
        repository = aws.ecrpublic.Repository(
            name,
            repository_name=physical,
            catalog_data=aws.ecrpublic.RepositoryCatalogDataArgs(**catalog) if catalog else None,
            force_destroy=self._value(settings, "force_delete", bool),
            region=HOME,
            tags=together(lambda env, own: all_tags(physical, env, own), environment, self._value(settings, "tags")),
            opts=self._child(protect=settings.protect),
        )
        if settings.push:
            aws.ecrpublic.RepositoryPolicy(
                name,
                repository_name=physical,
                policy=caller(self, HOME).then(_push_policy, self._settled(settings, "push", "match")),
                region=HOME,
                opts=self._child(
                    depends_on=[repository],
                    deleted_with=repository,
                    replace_with=[repository],
                    delete_before_replace=True,
                ),
            )
        self.repository_name = repository.repository_name
        self.repository_url = repository.repository_uri
        self.arn = repository.arn
        self.register_outputs(
            {"repositoryName": self.repository_name, "repositoryUrl": self.repository_url, "arn": self.arn}
        )


# https://docs.aws.amazon.com/AmazonECR/latest/public/docker-push-ecr-image.html
_PUSH = (
    "ecr-public:BatchCheckLayerAvailability",
    "ecr-public:CompleteLayerUpload",
    "ecr-public:InitiateLayerUpload",
    "ecr-public:PutImage",
    "ecr-public:UploadLayerPart",
)


def _push_policy(place: Place, known: Any) -> str:
    document: Any = repository_policy(Access(push=known.push, match=known.match), place.account, place.partition)
    return policy_text(
        {**document, "Statement": [{**statement, "Action": list(_PUSH)} for statement in document["Statement"]]}
    )
