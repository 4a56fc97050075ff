"""Custom policy statements, checked for form and public access.

A statement is written as in an IAM policy document, with AWS's own keys.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, model_validator
from pydantic_core import PydanticCustomError, core_schema

from ecr_stack.aws.iam.actions import RegistryAction, RepositoryAction
from ecr_stack.aws.iam.conditions import Conditions, condition_problems
from ecr_stack.aws.iam.principals import arn_of, unique
from ecr_stack.aws.iam.reader import bound, conditions_of
from ecr_stack.aws.names import PRINCIPAL_FORM
from ecr_stack.errors import Problem
from ecr_stack.forms import Described, Form, in_full
from ecr_stack.model import Item, Model, is_unknown, refusal, unknown_in
from ecr_stack.schema.json_schema import at_least_one, given, when

__all__ = ["Principals", "RegistryStatement", "RepositoryStatement", "ServiceName"]

_AWS_KEYS = ConfigDict(alias_generator=None)


def _listed(value: object) -> object:
    """Accept a single string as a list, as IAM does."""
    return [value] if isinstance(value, str) or is_unknown(value) else value


class _AloneOrListed:
    """Metadata of a list that may be written as its only entry."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_before_validator_function(_listed, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        described = dict(handler(schema))
        return described | {"type": ["string", "array"]} | dict(when({"type": "string"}, described["items"]))


_OneOrMore = (Field(min_length=1), _AloneOrListed())


def _wildcard(value: str) -> PydanticCustomError | None:
    if "*" not in value and "?" not in value:
        return None
    return refusal(
        "a wildcard in a principal would grant access to unlisted principals; AWS rejects it within an ARN",
        "list each role, user or account, or use a condition on aws:PrincipalArn or aws:PrincipalOrgID",
    )


StatementPrincipal = Annotated[
    str, replace(PRINCIPAL_FORM, pattern=rf"\*|{PRINCIPAL_FORM.pattern}", explain=_wildcard), Item
]
"""A principal, or `*`."""

ServiceName = Annotated[
    str,
    Form(
        r"[a-z0-9-]+(\.[a-z0-9-]+)*\.amazonaws\.com(\.cn)?",
        "a service principal must be the name of an AWS service",
        "write one such as `lambda.amazonaws.com`",
    ),
    Item,
]
"""An AWS service as a principal, e.g. `codebuild.amazonaws.com`."""


class Principals(Model):
    """The principals of a statement."""

    model_config = _AWS_KEYS

    AWS: Annotated[list[StatementPrincipal], *_OneOrMore] | None = None
    """Roles, users and accounts, or `*` with a condition on `aws:PrincipalOrgID` or a similar key."""
    Service: Annotated[list[ServiceName], *_OneOrMore] | None = None
    """AWS services, e.g. `lambda.amazonaws.com`."""

    def cross_field_errors(self) -> Iterator[Problem]:
        """A statement needs a principal."""
        if self.AWS is None and self.Service is None:
            yield Problem("", {}, "a statement needs a principal", "write `AWS: [role/NAME]` or `Service: [NAME]`")

    @classmethod
    def json_rules(cls) -> Iterator[dict[str, Any]]:
        """A statement needs a principal."""
        yield at_least_one(given("AWS"), given("Service"))

    @property
    def public(self) -> bool:
        """Whether everyone is included."""
        return "*" in (self.known("AWS") or ())

    def document(self, account: str, partition: str) -> str | dict[str, list[str]]:
        """The element in ECR's form."""
        if self.public and self.Service is None:
            return "*"
        found: dict[str, list[str]] = {}
        if self.AWS is not None:
            found["AWS"] = ["*"] if self.public else unique(arn_of(name, account, partition) for name in self.AWS)
        if self.Service is not None:
            found["Service"] = unique(self.Service)
        return found


def _spelled_out(value: object) -> object:
    """Treat the principal `*` as `{AWS: *}`, which is equivalent in a resource policy."""
    return {"AWS": ["*"]} if value == "*" else value


class _EverybodyOrNamed:
    """Metadata of principals that may be written as `*`."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_before_validator_function(_spelled_out, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        described: dict[str, Any] = when({"type": "string"}, {"const": "*"}, otherwise=dict(handler(schema)))
        return described


_SID = "[A-Za-z0-9]{1,100}"


def _sid(value: str) -> str:
    if value in RESERVED_SIDS or re.fullmatch(r"(AllowPullThroughCache(ByAccounts)?|AllowService)[0-9]+", value):
        raise refusal(f"the Sid `{value}` is used by the statement of a grant", "choose another, e.g. by its purpose")
    if re.fullmatch(_SID, value):
        return value
    fixed = re.sub(r"[^A-Za-z0-9]", "", value.title() if re.search(r"[^A-Za-z0-9]", value) else value)[:100]
    raise refusal(
        "a Sid must be 1 to 100 letters and digits",
        f"write `{fixed}`" if fixed and fixed not in RESERVED_SIDS else "write one such as `AuditorsRead`",
    )


RESERVED_SIDS = frozenset(
    {
        "AllowReadOnly", "AllowReadOnlyByAccounts", "AllowFullAccess", "AllowFullAccessByAccounts", "AllowServices",
        "AllowPull", "AllowPullByAccounts", "AllowPullByOrganizations", "AllowPush", "AllowPushByAccounts",
        "AllowLambdaAccounts", "AllowLambda", "AllowReplication", "AllowPullThroughCache",
        "AllowPullThroughCacheByAccounts",
    }
)  # fmt: skip
"""The Sids of the statements generated from grants."""


class _Statement(Model):
    model_config = _AWS_KEYS

    Sid: Annotated[str, AfterValidator(_sid), Described(pattern=in_full(_SID))] | None = None
    """The statement's id: letters and digits, unique in the policy."""
    Effect: Literal["Allow", "Deny"]
    """`Allow` or `Deny`."""
    Principal: Annotated[Principals, _EverybodyOrNamed()]
    """The principals it applies to."""
    Condition: Conditions | None = None
    """The conditions under which it applies."""

    @model_validator(mode="before")
    @classmethod
    def _no_negations(cls, data: Any) -> Any:
        for key in ("NotPrincipal", "NotAction", "NotResource"):
            if isinstance(data, dict) and key in data:
                raise refusal(
                    f"`{key}` also covers everything that you did not think of",
                    f"write `{key.removeprefix('Not')}` with an explicit list",
                )
        return data

    def cross_field_errors(self) -> Iterator[Problem]:
        """Conditions can hold, and `*` needs one that restricts it."""
        principal, condition = self.known("Principal"), self.known("Condition")
        yield from condition_problems(condition or {})
        if self.known("Effect") != "Allow" or principal is None or is_unknown(self.Condition):
            return
        if unknown_in(condition or {}):
            return
        if principal.public and not bound(conditions_of(condition or {})):
            yield Problem(
                "",
                self.as_written(),
                "the statement grants access to everybody with an AWS account: its principal is `*`, and no condition "
                "restricts it",
                "list the principals, or add `Condition: {StringEquals: {aws:PrincipalOrgID: o-…}}`",
            )

    def _document(self, account: str, partition: str, actions: list[str]) -> dict[str, Any]:
        document: dict[str, Any] = {} if self.Sid is None else {"Sid": self.Sid}
        document["Effect"] = self.Effect
        document["Principal"] = self.Principal.document(account, partition)
        document["Action"] = sorted(set(actions))
        if self.Condition is not None:
            document["Condition"] = {
                operator: {key: list(values) for key, values in keys.items()}
                for operator, keys in self.Condition.items()
            }
        return document


def _this_repository(value: list[str]) -> list[str]:
    if value != ["*"]:
        raise refusal(
            "a repository policy only applies to its own repository",
            "remove `Resource`, and move the statement to the repository that it should apply to",
        )
    return value


class RepositoryStatement(_Statement):
    """A custom statement in a repository policy."""

    Action: Annotated[list[RepositoryAction], *_OneOrMore]
    """Full names of ECR actions, without wildcards and `ecr:GetAuthorizationToken`."""
    Resource: Annotated[list[str], *_OneOrMore, AfterValidator(_this_repository)] | None = None
    """Omitted or `*`; both mean the repository itself."""

    def document(self, account: str, partition: str) -> dict[str, Any]:
        """The statement in ECR's form."""
        return self._document(account, partition, self.Action)


RepositoryResource = Annotated[
    str,
    Form(
        r"arn:aws[a-z-]*:ecr:[a-z0-9-]+:[0-9]{12}:repository/[a-z0-9._/*?-]+|\*",
        "a statement in the registry policy must apply to repositories in the registry",
        "write arn:aws:ecr:REGION:ACCOUNT:repository/NAME, with `*` in the name for several",
    ),
    Item,
]


class RegistryStatement(_Statement):
    """A custom statement in a registry policy."""

    Action: Annotated[list[RegistryAction], *_OneOrMore]
    """Full names of ECR actions, without wildcards and `ecr:GetAuthorizationToken`."""
    Resource: Annotated[list[RepositoryResource], *_OneOrMore] | None = None
    """ARNs of repositories, with `*` in the name for several. Default: every repository."""

    def document(self, account: str, partition: str, everything: str) -> dict[str, Any]:
        """The statement in ECR's form; `everything` replaces a missing `Resource`."""
        return {**self._document(account, partition, self.Action), "Resource": unique(self.Resource or [everything])}
