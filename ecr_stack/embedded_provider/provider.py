"""The AWS provider on top of the embedded AWS, as a provider's methods on plain JSON data.

It is independent of the caller, which is the rehearsal's monitor or a server for the engine's protocol. The caller
unwraps secrets and resolves unknowns.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from ecr_stack.embedded_aws import EmbeddedAws
from ecr_stack.embedded_provider import (
    budgets,
    chatbot,
    cloud_control,
    ecr_public,
    ecr_registry,
    ecr_repository,
    ecr_templates,
    events,
    iam,
    iam_oidc,
    inspector,
    kms,
    schema,
    secrets,
    sns,
    sqs,
    states,
    unchecked,
)
from ecr_stack.embedded_provider.command import Command
from ecr_stack.embedded_provider.functions import FUNCTIONS
from ecr_stack.embedded_provider.property_values import at, has_unknown, steps
from ecr_stack.embedded_provider.resource import Diff, Inputs, Outputs, ResourceType, Scope, json_problem
from ecr_stack.errors import InvalidInput, NotFound, Unavailable
from ecr_stack.model import nearest

__all__ = ["RESOURCE_TYPES", "Provider", "imported"]

RESOURCE_TYPES: Mapping[str, ResourceType] = {
    kind.token: kind
    for kind in (
        ecr_repository.Repository(),
        ecr_repository.LifecyclePolicy(),
        ecr_repository.RepositoryPolicy(),
        ecr_registry.RegistryPolicy(),
        ecr_registry.RegistryScanningConfiguration(),
        ecr_registry.ReplicationConfiguration(),
        ecr_registry.AccountSetting(),
        ecr_registry.PullTimeUpdateExclusion(),
        ecr_templates.RepositoryCreationTemplate(),
        ecr_templates.PullThroughCacheRule(),
        ecr_public.PublicRepository(),
        ecr_public.PublicRepositoryPolicy(),
        events.EventRule(),
        events.EventTarget(),
        sns.Topic(),
        sns.TopicPolicy(),
        sns.TopicSubscription(),
        sqs.Queue(),
        sqs.QueuePolicy(),
        chatbot.SlackChannelConfiguration(),
        inspector.Enabler(),
        secrets.Secret(),
        secrets.SecretVersion(),
        kms.Key(),
        kms.ReplicaKey(),
        kms.KeyPolicy(),
        kms.Alias(),
        iam.Role(),
        iam.RolePolicy(),
        iam.Policy(),
        iam.RolePolicyAttachment(),
        iam_oidc.OpenIdConnectProvider(),
        budgets.Budget(),
        cloud_control.CloudControlResource(),
        Command(),
    )
}
"""The resource types, by token."""

_PROVIDERS = "pulumi:providers:"


def imported(id_: str) -> tuple[str, str | None]:
    """Split an import id into the id and the Region after an `@`, if it is not the provider's.

    https://hashicorp.github.io/terraform-provider-aws/enhanced-region-support
    """
    match = re.fullmatch(r"(.+)@([a-z]{2}(?:-[a-z]+)+-[0-9])", id_)
    return (match[1], match[2]) if match else (id_, None)


class Provider:
    """Creates, reads, updates and deletes resources with the API calls of pulumi-aws.

    Inputs and outputs are plain JSON data under the names of the Pulumi engine (camelCase). Every method raises
    `InvalidInput` for inputs that the provider itself rejects, botocore's `ClientError` if AWS rejects the request, and
    `Unavailable` for unsupported types and functions.
    """

    def __init__(
        self, aws: EmbeddedAws, region: str | None = None, default_tags: Mapping[str, str] | None = None
    ) -> None:
        """Use an embedded AWS.

        Args:
            aws: where resources are created; it must be started before the first resource is.
            region: the Region of resources without one. Default: that of `aws`.
            default_tags: tags for every resource that supports tags.
        """
        self.aws = aws
        self.region = region or aws.region
        self.default_tags = dict(default_tags or {})

    def configured(self, inputs: Inputs) -> Provider:
        """Return the provider that an explicit provider resource configures: its own Region and default tags."""
        values = {key: _decoded(value) for key, value in inputs.items()}
        defaults = values.get("defaultTags")
        tags = defaults.get("tags") if isinstance(defaults, Mapping) else None
        region = values.get("region")
        return Provider(
            self.aws,
            region if isinstance(region, str) and not has_unknown(region) else None,
            tags if isinstance(tags, Mapping) and not has_unknown(tags) else None,
        )

    def has_type(self, type_: str) -> bool:
        """Whether a resource type is emulated."""
        return type_ in RESOURCE_TYPES or type_.startswith(_PROVIDERS)

    def has_function(self, token: str) -> bool:
        """Whether a function is emulated."""
        return _full(token) in FUNCTIONS

    def made_up(self, type_: str, name: str, inputs: Inputs) -> tuple[str, Outputs]:
        """Return an id and outputs for a resource of a type that is not emulated; see `unchecked`."""
        return unchecked.outputs_of(self._scope(inputs), type_, name, inputs)

    def made_up_plan(self, type_: str, inputs: Inputs, unknown: Any) -> Outputs:
        """Return what a preview knows of a resource of a type that is not emulated."""
        return unchecked.planned_outputs_of(type_, inputs, unknown)

    def made_up_result(self, token: str, arguments: Inputs) -> Outputs:
        """Return a result of a function that is not emulated."""
        return unchecked.function_result(self._scope(arguments), token, arguments)

    def check(
        self, type_: str, inputs: Inputs, name: str | None = None, seed: str = "", *, unknown: Any = None
    ) -> dict[str, Any]:
        """Check inputs as the provider does before it asks AWS, and fill in its defaults.

        Args:
            type_: the resource type's token.
            inputs: the program's inputs; nulls count as omitted.
            name: the resource's name; if given, a missing physical name is generated from it.
            seed: generated names differ if this does.
            unknown: the placeholder for values that are not known yet, which are always valid.

        Raises:
            InvalidInput: with every error found.
        """
        if type_.startswith(_PROVIDERS):
            return dict(inputs)
        kind = self._kind(type_)
        given = {key: value for key, value in inputs.items() if value is not None}
        found = schema.problems(kind.args, given)
        if not found:
            found = [each for name in sorted(kind.documents) for each in json_problem(name, given)]
            found += kind.problems(given)
        if unknown is not None:
            found = [each for each in found if not has_unknown(at(given, steps(each.place)))]
        if found:
            raise InvalidInput(f"{type_} {name}" if name else type_, found)
        return self._completed(kind, name, given, seed)

    def create(self, type_: str, name: str, inputs: Inputs) -> tuple[str, Outputs]:
        """Create a resource; returns its id and its outputs."""
        if type_.startswith(_PROVIDERS):
            return _made_up_id(type_, name), dict(inputs)
        kind = self._kind(type_)
        checked = self._completed(kind, name, inputs)
        scope = self._scope(checked)
        if isinstance(kind, Command):
            return f"{name}{_made_up_id(type_, name)[:8]}", kind.made(scope, checked)
        id_ = kind.create(scope, checked)
        outputs = self._read(kind, scope, id_, checked)
        if outputs is None:
            raise Unavailable(f"{type_} {name}: created as {id_}, but not found when read")
        return id_, outputs

    def read(self, type_: str, id_: str, inputs: Inputs | None = None) -> Outputs | None:
        """Read a resource; returns its outputs, or `None` if it does not exist.

        Args:
            type_: the resource type's token.
            id_: its id.
            inputs: those it was created from, as far as they are known.
        """
        if type_.startswith(_PROVIDERS):
            return dict(inputs or {})
        kind = self._kind(type_)
        return self._read(kind, self._scope(inputs or {}), id_, inputs)

    def adopt(self, type_: str, id_: str, inputs: Inputs) -> Outputs:
        """Import a resource that exists outside the program.

        An embedded account is empty at first, so the resource is assumed to exist as the inputs describe it; this is
        not counted as a call of the provider.

        Raises:
            NotFound: the inputs describe another resource than `id_`.
        """
        checked = self.check(type_, inputs)
        kind = self._kind(type_)
        scope = self._scope(checked)
        id_, region = imported(id_)
        if region is not None and region != scope.region:
            raise NotFound(f"the resource to import is in {region}, but the program describes one in {scope.region}")
        found = self._read(kind, scope, id_, checked)
        if found is None:
            with self.aws.uncounted():
                made = self._suppose(kind, scope, id_, checked)
            if made != id_:
                raise NotFound(f"the resource to import is `{id_}`, but the program describes `{made}`")
            found = self._read(kind, scope, id_, checked)
        if found is None:
            raise NotFound(f"there is no {type_} `{id_}` to import")
        return found

    def update(self, type_: str, id_: str, old: Inputs, new: Inputs, outputs: Inputs | None = None) -> Outputs:
        """Update a resource in place, from the old to the new inputs; returns its outputs.

        Args:
            type_: the resource type's token.
            id_: its id.
            old: the inputs that it was created from.
            new: the new inputs.
            outputs: the previous outputs, which a command's scripts see.
        """
        if type_.startswith(_PROVIDERS):
            return dict(new)
        kind = self._kind(type_)
        before, after = self._filled(kind, old), self._filled(kind, new)
        scope = self._scope(after)
        if isinstance(kind, Command):
            return kind.updated(scope, outputs or {}, after)
        if outputs is not None and "tagsAll" in outputs:
            # the default tags may have changed since, so compare with the tags that the resource has
            bare = Scope(self.aws, scope.region, {})
            tagged = {**before, "tags": outputs["tagsAll"]}, {**after, "tags": scope.all_tags(after)}
            kind.update(bare, id_, *tagged)
        else:
            kind.update(scope, id_, before, after)
        read = self._read(kind, scope, id_, after)
        if read is None:
            raise NotFound(f"{type_} `{id_}` no longer exists")
        return read

    def delete(self, type_: str, id_: str, outputs: Inputs) -> None:
        """Delete a resource; one that is gone already is no error."""
        if not type_.startswith(_PROVIDERS):
            self._kind(type_).delete(self._scope(outputs), id_, outputs)

    def diff(self, type_: str, old_inputs: Inputs, new_inputs: Inputs, outputs: Inputs | None = None) -> Diff:
        """Return which properties change, and which of them force a replacement.

        Args:
            type_: the resource type's token.
            old_inputs: the inputs that it was created from.
            new_inputs: the new inputs.
            outputs: its outputs; if given, new inputs are compared with these, as in the provider, which also detects
                changes made outside the program.
        """
        if type_.startswith(_PROVIDERS):
            return Diff(
                tuple(sorted(k for k in {*old_inputs, *new_inputs} if old_inputs.get(k) != new_inputs.get(k))), ()
            )
        kind = self._kind(type_)
        before, after = self._filled(kind, old_inputs), self._filled(kind, new_inputs)
        for key in set(after) & set(outputs or {}):
            before[key] = (outputs or {})[key]
        for each in (before, after):
            if kind.name_property and not each.get(kind.name_property):
                # a generated name is kept
                each[kind.name_property] = (outputs or before).get(kind.name_property)
        before.setdefault("region", self.region)
        after.setdefault("region", self.region)
        found = kind.diff(before, after)
        changes, recreating = set(found.changes), kind.recreates_on & set(found.changes)
        tags = after.get("tags")
        known_tags = tags is None or isinstance(tags, Mapping)
        if outputs is not None and "tagsAll" in outputs and known_tags:
            # changed default tags change a resource whose own tags are unchanged
            wanted = self._scope(after).all_tags(after)
            if not has_unknown(wanted) and dict(outputs["tagsAll"] or {}) != wanted:
                changes.add("tagsAll")
        return Diff(tuple(sorted(changes)), tuple(sorted({*found.replaces, *recreating})))

    def planned(self, type_: str, inputs: Inputs, outputs: Inputs | None = None, *, unknown: Any = None) -> Outputs:
        """Return the planned outputs of a resource, without calling AWS.

        Args:
            type_: the resource type's token.
            inputs: the new, checked inputs.
            outputs: its current outputs; `None` if it does not exist.
            unknown: the placeholder for values that only AWS can provide.
        """
        if type_.startswith(_PROVIDERS):
            return dict(inputs)
        kind = self._kind(type_)
        if isinstance(kind, Command):
            outputs = None  # the output of a command is known only after it has run
        scope = self._scope(inputs)
        known: Outputs = {"region": scope.region}
        tags = inputs.get("tags")
        if tags is None or isinstance(tags, Mapping):
            known["tagsAll"] = scope.all_tags(inputs)
        return states.planned(kind, inputs, outputs, known, unknown)

    def inputs_of(self, type_: str, outputs: Inputs, inputs: Inputs | None = None) -> dict[str, Any]:
        """Return the inputs equivalent to a state; see `states.inputs_of`."""
        if type_.startswith(_PROVIDERS):
            return dict(inputs or {})
        return states.inputs_of(self._kind(type_), outputs, inputs)

    def invoke(self, token: str, arguments: Inputs) -> Outputs:
        """Call a function of the provider, e.g. `aws:index/getRegion:getRegion`."""
        function = FUNCTIONS.get(_full(token))
        if function is None:
            known = ", ".join(sorted(FUNCTIONS))
            raise Unavailable(f"a rehearsal does not support the function `{token}`; supported functions: {known}")
        given = {key: value for key, value in arguments.items() if value is not None}
        return function(self._scope(given), given)

    def _kind(self, type_: str) -> ResourceType:
        kind = RESOURCE_TYPES.get(type_)
        if kind is None:
            guess = nearest(type_, sorted(RESOURCE_TYPES))
            hint = f"; did you mean `{guess}`?" if guess else f"; supported types: {', '.join(sorted(RESOURCE_TYPES))}"
            raise Unavailable(f"a rehearsal does not support the resource type `{type_}`{hint}")
        return kind

    def _scope(self, inputs: Inputs) -> Scope:
        return Scope(self.aws, inputs.get("region") or self.region, self.default_tags)

    def _filled(self, kind: ResourceType, inputs: Inputs) -> dict[str, Any]:
        given = {key: value for key, value in inputs.items() if value is not None}
        return {**kind.defaults, **given}

    def _completed(self, kind: ResourceType, name: str | None, inputs: Inputs, seed: str = "") -> dict[str, Any]:
        completed = self._filled(kind, inputs)
        wanted = kind.name_property
        if wanted and name is not None and not completed.get(wanted):
            prefix = completed.get("namePrefix")
            completed[wanted] = kind.prefixed_name(prefix, name, seed) if prefix else kind.auto_name(name, seed)
        return completed

    def _read(self, kind: ResourceType, scope: Scope, id_: str, inputs: Inputs | None) -> Outputs | None:
        outputs = kind.read(scope, id_, inputs)
        if outputs is not None and "region" in schema.properties_of(kind.args):
            outputs["region"] = scope.region
        return outputs

    def _suppose(self, kind: ResourceType, scope: Scope, id_: str, inputs: Inputs) -> str:
        if isinstance(kind, kms.Key):
            self.aws.suppose(f"arn:{scope.partition}:kms:{scope.region}:{scope.account}:key/{id_}")
            kind.update(scope, id_, {}, inputs)
            return id_
        return kind.create(scope, inputs)


def _decoded(value: Any) -> Any:
    """Parse a value of a provider's configuration: all values except strings are JSON."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _full(token: str) -> str:
    """Convert `aws:index:getRegion` to `aws:index/getRegion:getRegion`."""
    package, _, rest = token.partition(":")
    module, _, name = rest.partition(":")
    return token if "/" in module or not name else f"{package}:{module}/{name}:{name}"


def _made_up_id(type_: str, name: str) -> str:
    digits = hashlib.sha256(f"{type_} {name}".encode()).hexdigest()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:32]}"
