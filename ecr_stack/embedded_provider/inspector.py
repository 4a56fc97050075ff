"""`aws.inspector2.Enabler`: which kinds of resources Amazon Inspector scans."""

# ruff: noqa: ARG002  (all resource types have the same methods, and few use every argument)

from __future__ import annotations

from typing import Any

from ecr_stack.embedded_provider.resource import Inputs, Outputs, ResourceType, Scope, length
from ecr_stack.errors import Problem, Unavailable

__all__ = ["Enabler"]

# The names of the API's answers, by those of its requests.
_TYPES = {
    "EC2": "ec2",
    "ECR": "ecr",
    "LAMBDA": "lambda",
    "LAMBDA_CODE": "lambdaCode",
    "CODE_REPOSITORY": "codeRepository",
}


class Enabler(ResourceType):
    """What Inspector scans in accounts; its id is made of both.

    The provider makes it exactly what is asked for: creating it disables every other kind of resource, and deleting it
    disables Inspector as a whole (`internal/service/inspector2/enabler.go` of the Terraform provider).
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
        """Enable, BatchGetAccountStatus, then Disable for every other kind of resource."""
        accounts, wanted = sorted(inputs["accountIds"]), sorted(inputs["resourceTypes"])
        if accounts != [scope.account]:
            raise Unavailable(f"{self.token}: Inspector is rehearsed for the account itself, {scope.account}")
        scope.call("inspector2", "Enable", accountIds=accounts, resourceTypes=wanted)
        self._statuses(scope)
        others = [name for name in _TYPES if name not in wanted]
        if others:
            scope.call("inspector2", "Disable", accountIds=accounts, resourceTypes=others)
        return f"{':'.join(accounts)}-{':'.join(wanted)}"

    def _statuses(self, scope: Scope) -> list[str]:
        """The kinds that are enabled."""
        answer = scope.call("inspector2", "BatchGetAccountStatus", accountIds=[scope.account])
        states = answer["accounts"][0]["resourceState"]
        return [name for name, key in _TYPES.items() if states.get(key, {}).get("status") == "ENABLED"]

    def read(self, scope: Scope, id_: str, inputs: Inputs | None) -> Outputs | None:
        """BatchGetAccountStatus."""
        enabled = self._statuses(scope)
        return {"accountIds": [scope.account], "resourceTypes": enabled} if enabled else None

    def update(self, scope: Scope, id_: str, old: Inputs, new: Inputs) -> None:
        """Enable, and Disable for every kind that is not asked for."""
        self.create(scope, new)

    def delete(self, scope: Scope, id_: str, outputs: Inputs) -> None:
        """Disable for every kind, whether it was asked for or not."""
        scope.call("inspector2", "Disable", accountIds=list(outputs["accountIds"]), resourceTypes=list(_TYPES))
