"""`aws.iam.OpenIdConnectProvider`: a token issuer, such as GitHub Actions."""

from __future__ import annotations

# ruff: noqa: ARG002  (all resource types have the same methods, and few use every argument)
from typing import Any

from ecr_stack.embedded_provider.resource import (
    Inputs,
    Outputs,
    ResourceType,
    Scope,
    changed,
    missing_is_none,
    retag,
    tag_list,
    tag_map,
)
from ecr_stack.errors import Problem

__all__ = ["OpenIdConnectProvider"]

_MISSING = "NoSuchEntity"


class OpenIdConnectProvider(ResourceType):
    """A token issuer that the account trusts; its id is its ARN."""

    token = "aws:iam/openIdConnectProvider:OpenIdConnectProvider"
    replaces_on = frozenset({"url"})
    optional_blocks = frozenset({"thumbprintLists"})

    def problems(self, inputs: Inputs) -> list[Problem]:
        """Check URLs against the provider's schema."""
        url = inputs.get("url") or ""
        if url.startswith("https://"):
            return []
        return [Problem("url", url, "an issuer's URL must begin with https://", f"write https://{url}")]

    def create(self, scope: Scope, inputs: Inputs) -> str:
        """CreateOpenIDConnectProvider."""
        made = scope.call(
            "iam",
            "CreateOpenIDConnectProvider",
            Url=inputs["url"],
            ClientIDList=list(inputs.get("clientIdLists") or []),
            ThumbprintList=list(inputs.get("thumbprintLists") or []) or None,
            Tags=tag_list(scope.all_tags(inputs)),
        )
        return str(made["OpenIDConnectProviderArn"])

    def read(self, scope: Scope, id_: str, inputs: Inputs | None) -> Outputs | None:
        """GetOpenIDConnectProvider."""
        found = missing_is_none(
            lambda: scope.call("iam", "GetOpenIDConnectProvider", OpenIDConnectProviderArn=id_), _MISSING
        )
        if found is None:
            return None
        return {
            "arn": id_,
            "clientIdLists": sorted(found.get("ClientIDList", [])),
            "thumbprintLists": list(found.get("ThumbprintList", [])),
            # the API and the provider return it without the scheme
            "url": found["Url"].removeprefix("https://"),
            **scope.tag_outputs(inputs, tag_map(found.get("Tags", []))),
        }

    def same(self, name: str, old: Any, new: Any) -> bool:
        """The issuer is the same with and without the scheme; the order of clients does not matter."""
        if name == "url" and old and new:
            return str(old).removeprefix("https://") == str(new).removeprefix("https://")
        if name == "clientIdLists" and old and new:
            return sorted(old) == sorted(new)
        return super().same(name, old, new)

    def update(self, scope: Scope, id_: str, old: Inputs, new: Inputs) -> None:
        """UpdateOpenIDConnectProviderThumbprint, Add/RemoveClientIDFromOpenIDConnectProvider, tags: where they differ."""
        prints = list(new.get("thumbprintLists") or [])
        if prints and changed("thumbprintLists", old, new):
            scope.call(
                "iam",
                "UpdateOpenIDConnectProviderThumbprint",
                OpenIDConnectProviderArn=id_,
                ThumbprintList=prints,
            )
        before, after = set(old.get("clientIdLists") or []), set(new.get("clientIdLists") or [])
        for client in sorted(after - before):
            scope.call("iam", "AddClientIDToOpenIDConnectProvider", OpenIDConnectProviderArn=id_, ClientID=client)
        for client in sorted(before - after):
            scope.call("iam", "RemoveClientIDFromOpenIDConnectProvider", OpenIDConnectProviderArn=id_, ClientID=client)
        retag(
            scope.all_tags(old),
            scope.all_tags(new),
            lambda keys: scope.call("iam", "UntagOpenIDConnectProvider", OpenIDConnectProviderArn=id_, TagKeys=keys),
            lambda tags: scope.call(
                "iam", "TagOpenIDConnectProvider", OpenIDConnectProviderArn=id_, Tags=tag_list(tags)
            ),
        )

    def delete(self, scope: Scope, id_: str, outputs: Inputs) -> None:
        """DeleteOpenIDConnectProvider."""
        missing_is_none(
            lambda: scope.call("iam", "DeleteOpenIDConnectProvider", OpenIDConnectProviderArn=id_), _MISSING
        )
