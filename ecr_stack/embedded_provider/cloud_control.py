"""`aws.cloudcontrol.Resource`: a resource by its CloudFormation type, created by AWS's Cloud Control API.

https://docs.aws.amazon.com/cloudcontrolapi/latest/userguide/what-is-cloudcontrolapi.html

Signing configurations are created by the calls that their handlers make. Resources of other types are placeholders, of
which only the form is checked.
"""

# ruff: noqa: ARG002  (all resource types have the same methods, and few use every argument)

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from ecr_stack.embedded_provider.resource import Inputs, Outputs, ResourceType, Scope, json_problem, missing_is_none
from ecr_stack.errors import Problem
from ecr_stack.resources import SIGNING_CONFIGURATION

__all__ = ["CloudControlResource"]


class CloudControlResource(ResourceType):
    """A resource by its CloudFormation type; its id is the type's primary identifier.

    The provider reads `properties` only, so a `desiredState` that someone else changed is no difference.
    https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/cloudcontrol/resource.go
    """

    token = "aws:cloudcontrol/resource:Resource"
    replaces_on = frozenset({"typeName"})

    def problems(self, inputs: Inputs) -> list[Problem]:
        """Reject what is not JSON and no type, and properties that a signing configuration does not have."""
        type_ = inputs.get("typeName")
        found = json_problem("desiredState", inputs)
        if isinstance(type_, str) and not re.fullmatch(
            r"[A-Za-z0-9]{2,64}::[A-Za-z0-9]{2,64}::[A-Za-z0-9]{2,64}", type_
        ):
            found.append(
                Problem("typeName", type_, "must be a CloudFormation type", "write a type such as AWS::ECR::Repository")
            )
        if not found and type_ == SIGNING_CONFIGURATION and isinstance(inputs.get("desiredState"), str):
            state = json.loads(inputs["desiredState"])
            if set(state) != {"Rules"} or not isinstance(state["Rules"], list):
                found.append(
                    Problem(
                        "desiredState",
                        state,
                        "a signing configuration must have a list of `Rules`",
                        'write {"Rules": […]}',
                    )
                )
        return found

    def same(self, name: str, old: Any, new: Any) -> bool:
        """Another spelling of the same JSON is no difference."""
        if name == "desiredState" and isinstance(old, str) and isinstance(new, str):
            return bool(json.loads(old) == json.loads(new))
        return super().same(name, old, new)

    def create(self, scope: Scope, inputs: Inputs) -> str:
        """PutSigningConfiguration, or nothing."""
        if inputs["typeName"] == SIGNING_CONFIGURATION:
            rules = [_renamed(rule) for rule in json.loads(inputs["desiredState"])["Rules"]]
            scope.call("ecr", "PutSigningConfiguration", signingConfiguration={"rules": rules})
            return scope.account
        return hashlib.sha256(f"{inputs['typeName']} {inputs['desiredState']}".encode()).hexdigest()[:16]

    def read(self, scope: Scope, id_: str, inputs: Inputs | None) -> Outputs | None:
        """GetSigningConfiguration, or what was asked for."""
        given = dict(inputs or {"typeName": SIGNING_CONFIGURATION})
        if given["typeName"] != SIGNING_CONFIGURATION:
            return {**given, "properties": given["desiredState"]}
        found = missing_is_none(
            lambda: scope.call("ecr", "GetSigningConfiguration"), "SigningConfigurationNotFoundException"
        )
        if found is None:
            return None
        rules = [_capitalized(rule) for rule in found["signingConfiguration"]["rules"]]
        properties = json.dumps({"RegistryId": found["registryId"], "Rules": rules})
        return {"desiredState": json.dumps({"Rules": rules}), **given, "properties": properties}

    def update(self, scope: Scope, id_: str, old: Inputs, new: Inputs) -> None:
        """PutSigningConfiguration, or nothing."""
        self.create(scope, new)

    def delete(self, scope: Scope, id_: str, outputs: Inputs) -> None:
        """DeleteSigningConfiguration, or nothing."""
        if outputs["typeName"] == SIGNING_CONFIGURATION:
            missing_is_none(
                lambda: scope.call("ecr", "DeleteSigningConfiguration"), "SigningConfigurationNotFoundException"
            )


def _renamed(value: Any) -> Any:
    """Convert CloudFormation's property names to the API's."""
    if isinstance(value, dict):
        return {name[:1].lower() + name[1:]: _renamed(each) for name, each in value.items()}
    return [_renamed(each) for each in value] if isinstance(value, list) else value


def _capitalized(value: Any) -> Any:
    """Convert the API's names to CloudFormation's."""
    if isinstance(value, dict):
        return {name[:1].upper() + name[1:]: _capitalized(each) for name, each in value.items()}
    return [_capitalized(each) for each in value] if isinstance(value, list) else value
