"""A cache of another registry: its images are pulled from there once, and from ECR ever after.

Builds an `aws.ecr.PullThroughCacheRule` and, if it has `credentials`, the secret in AWS Secrets Manager from which ECR reads
them, under the name that ECR demands. Who may import by the first pull is up to `RegistryPolicy`.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache.html
"""

import json
from typing import Any, Optional

import pulumi
import pulumi_aws as aws

from ecr_stack.components.args import PullThroughCacheArgs
from ecr_stack.components.caller import caller
from ecr_stack.components.component import Component, together
from ecr_stack.components.replication import registry_host
from ecr_stack.components.tags import all_tags
from ecr_stack.schema.arguments import PullThroughCacheArguments
from ecr_stack.schema.pull_through_cache import pull_through_cache_problems

__all__ = ["PullThroughCache"]


class PullThroughCache(Component):
    """A pull-through cache of another registry under a repository prefix."""

    ARGUMENTS = PullThroughCacheArguments

    prefix: pulumi.Output[str]
    """What the names of cached repositories begin with, or `ROOT`."""
    credential_arn: pulumi.Output[Optional[str]]
    """The ARN of the secret with the login at the upstream, if there is one."""
    pull_command: pulumi.Output[str]
    """How to pull an image through the cache, with `IMAGE:TAG` in its place."""

    def __init__(
        self,
        name: str,
        args: PullThroughCacheArgs | PullThroughCacheArguments,
        opts: Optional[pulumi.ResourceOptions] = None,
    ) -> None:
        super().__init__(name, opts)
        given: Any = args
        if not isinstance(args, PullThroughCacheArguments):
            given = {"prefix": name, **{key: value for key, value in args.items() if value is not None}}
        settings: PullThroughCacheArguments = self._validated(given)
        prefix = str(settings.prefix)
        where = caller(self, settings.region)
        self._claim("pull-through cache", prefix, "choose another `prefix`", region=where.region)
        self._check(
            self._placed("", pull_through_cache_problems({prefix: settings}, where.known_region, where.known_account))
            if not isinstance(args, PullThroughCacheArguments)
            else ()
        )
        depends_on: list[pulumi.Resource] = []
        credential_arn: Any = self._value(settings, "credential_arn") if settings.credential_arn is not None else None
        if settings.credentials is not None:
            secret, version = self._secret(settings, prefix)
            # ECR logs in when the rule is made: the secret must have its value by then.
            depends_on, credential_arn = [version], secret.arn
        rule = aws.ecr.PullThroughCacheRule(
            name,
            ecr_repository_prefix=prefix,
            upstream_registry_url=settings.upstream_url,
            upstream_repository_prefix=settings.upstream_prefix,
            credential_arn=credential_arn,
            custom_role_arn=self._value(settings, "custom_role_arn") if settings.custom_role_arn is not None else None,
            region=settings.region,
            opts=self._child(depends_on=depends_on),
        )
        self.prefix = rule.ecr_repository_prefix
        self.credential_arn = pulumi.Output.from_input(credential_arn)
        path = [] if prefix == "ROOT" else [prefix]
        if settings.upstream == "docker-hub" and settings.upstream_prefix in (None, "ROOT"):
            # Docker Hub's own images, e.g. `nginx`, are in the namespace `library`, which clients add there and not here.
            path.append("library")
        command = where.then(
            lambda place: f"docker pull {'/'.join([registry_host(place.account, place.region), *path])}/IMAGE:TAG"
        )
        self.pull_command = pulumi.Output.from_input(command)
        self.register_outputs(
            {"prefix": self.prefix, "credentialArn": self.credential_arn, "pullCommand": self.pull_command}
        )

    def _secret(
        self, settings: PullThroughCacheArguments, prefix: str
    ) -> tuple[aws.secretsmanager.Secret, aws.secretsmanager.SecretVersion]:
        environment = self._environment(settings)
        name = together(lambda env: f"ecr-pullthroughcache/{env}/{prefix}", environment)
        self._claim("secret", name, "choose another `prefix` or `environment`", region=settings.region)
        secret = aws.secretsmanager.Secret(
            self._label,
            name=name,
            description=f"The login with which Amazon ECR pulls from {settings.upstream_url}",
            # A secret that waits for its end keeps its name, and the cache could not be made again.
            recovery_window_in_days=0,
            region=settings.region,
            tags=together(all_tags, name, environment, self._value(settings, "tags")),
            opts=self._child(),
        )
        text = self._value(
            settings,
            "credentials",
            lambda known: json.dumps({"username": known.username, "accessToken": known.access_token}),
        )
        version = aws.secretsmanager.SecretVersion(
            self._label,
            secret_id=secret.id,
            secret_string=pulumi.Output.secret(text),
            region=settings.region,
            opts=self._child(),
        )
        return secret, version
