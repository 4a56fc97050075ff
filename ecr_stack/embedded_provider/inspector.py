"""`aws.inspector2.Enabler`: which kinds of resources Amazon Inspector scans."""

# ruff: noqa: ARG002  (all resource types have the same methods, and few use every argument)

from __future__ import annotations

from typing import Any

from ecr_stack.embedded_provider.resource import Inputs, Outputs, ResourceType, Scope, length
from ecr_stack.errors import Problem, Unavailable

__all__ = ["Enabler"]

# The names in the API's responses, by those in its requests.
_TYPES = {
    "EC2": "ec2",
    "ECR": "ecr",
    "LAMBDA": "lambda",
    "LAMBDA_CODE": "lambdaCode",
    "CODE_REPOSITORY": "codeRepository",
}


class Enabler(ResourceType):
    """The resource types that Inspector scans in accounts; its id combines both.

    The provider enables exactly the requested types: creating it disables every other type, and deleting it disables
    Inspector entirely (`internal/service/inspector2/enabler.go` of the Terraform provider).
    """

    token = "aws:inspector2/enabler:Enabler"

    def problems(self, inputs: Inputs) -> list[Problem]:
        """Check values against the provider's schema."""
        found = [*length("accountIds", inputs, 1, 100), *length("resourceTypes", inputs, 1, len(_TYPES))]
        for index, name in enumerate(inputs.get("resourceTypes") or []):
            if name not in _TYPES:
                found.append(Problem(f"resourceTypes[{index}]", name, f"one of {', '.join(_TYPES)}", "write `ECR`"))
        return found

    def same(self, name: str, old: Any, new: Any) -> bool:
        """Both lists are sets."""
        if name in ("accountIds", "resourceTypes") and old and new:
            return set(old) == set(new)
        return super().same(name, old, new)

    def create(self, scope: Scope, inputs: Inputs) -> str:
        """Enable, BatchGetAccountStatus, then Disable for every other resource type."""
        accounts, wanted = sorted(inputs["accountIds"]), sorted(inputs["resourceTypes"])
        if accounts != [scope.account]:
            raise Unavailable(
                f"{self.token}: a rehearsal supports Inspector only for the account itself, {scope.account}"
            )
        scope.call("inspector2", "Enable", accountIds=accounts, resourceTypes=wanted)
        self._statuses(scope)
        others = [name for name in _TYPES if name not in wanted]
        if others:
            scope.call("inspector2", "Disable", accountIds=accounts, resourceTypes=others)
        return f"{':'.join(accounts)}-{':'.join(wanted)}"

    def _statuses(self, scope: Scope) -> list[str]:
        """The enabled resource types."""
        answer = scope.call("inspector2", "BatchGetAccountStatus", accountIds=[scope.account])
        states = answer["accounts"][0]["resourceState"]
        return [name for name, key in _TYPES.items() if states.get(key, {}).get("status") == "ENABLED"]

    def read(self, scope: Scope, id_: str, inputs: Inputs | None) -> Outputs | None:
        """BatchGetAccountStatus."""
        enabled = self._statuses(scope)
        return {"accountIds": [scope.account], "resourceTypes": enabled} if enabled else None

    def update(self, scope: Scope, id_: str, old: Inputs, new: Inputs) -> None:
        """Enable, and Disable for every type that is not requested."""
        self.create(scope, new)

    def delete(self, scope: Scope, id_: str, outputs: Inputs) -> None:
        """Disable for every type, whether it was requested or not."""
        scope.call("inspector2", "Disable", accountIds=list(outputs["accountIds"]), resourceTypes=list(_TYPES))
