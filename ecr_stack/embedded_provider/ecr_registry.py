"""The singletons of a registry: its policy, scanning, replication and account settings."""

# ruff: noqa: ARG002  (all resource types have the same methods, and few use every argument)

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ecr_stack.embedded_provider.resource import (
    Inputs,
    Outputs,
    ResourceType,
    Scope,
    length,
    missing_is_none,
    one_of,
    text_of,
)
from ecr_stack.errors import Problem

__all__ = [
    "AccountSetting",
    "PullTimeUpdateExclusion",
    "RegistryPolicy",
    "RegistryScanningConfiguration",
    "ReplicationConfiguration",
]


class RegistryPolicy(ResourceType):
    """The registry's policy; its id is the registry's."""

    token = "aws:ecr/registryPolicy:RegistryPolicy"
    documents = frozenset({"policy"})

    def create(self, scope: Scope, inputs: Inputs) -> str:
        """PutRegistryPolicy."""
        return str(scope.call("ecr", "PutRegistryPolicy", policyText=text_of(inputs["policy"]))["registryId"])

    def read(self, scope: Scope, id_: str, inputs: Inputs | None) -> Outputs | None:
        """GetRegistryPolicy."""
        found = missing_is_none(lambda: scope.call("ecr", "GetRegistryPolicy"), "RegistryPolicyNotFoundException")
        return found and {"policy": found["policyText"], "registryId": found["registryId"]}

    def update(self, scope: Scope, id_: str, old: Inputs, new: Inputs) -> None:
        """PutRegistryPolicy."""
        self.create(scope, new)

    def delete(self, scope: Scope, id_: str, outputs: Inputs) -> None:
        """DeleteRegistryPolicy."""
        missing_is_none(lambda: scope.call("ecr", "DeleteRegistryPolicy"), "RegistryPolicyNotFoundException")


class RegistryScanningConfiguration(ResourceType):
    """The registry's scanning configuration; its id is the registry's. It always exists: deleting it removes all rules."""

    token = "aws:ecr/registryScanningConfiguration:RegistryScanningConfiguration"

    def problems(self, inputs: Inputs) -> list[Problem]:
        """Check values against the provider's schema."""
        found = [*one_of("scanType", inputs, ("BASIC", "ENHANCED")), *length("rules", inputs, 0, 100)]
        for index, rule in enumerate(inputs.get("rules") or []):
            for problem in [
                *one_of("scanFrequency", rule, ("SCAN_ON_PUSH", "CONTINUOUS_SCAN", "MANUAL")),
                *length("repositoryFilters", rule, 1, 100),
            ]:
                found.append(Problem(f"rules[{index}].{problem.place}", problem.value, problem.rule, problem.remedy))
        return found

    def same(self, name: str, old: Any, new: Any) -> bool:
        """Rules are a set, and so are the filters of a rule."""
        if name == "rules" and old and new:
            return _rule_set(old) == _rule_set(new)
        return super().same(name, old, new)

    def create(self, scope: Scope, inputs: Inputs) -> str:
        """PutRegistryScanningConfiguration."""
        scope.call(
            "ecr", "PutRegistryScanningConfiguration", scanType=inputs["scanType"], rules=inputs.get("rules") or []
        )
        return scope.account

    def read(self, scope: Scope, id_: str, inputs: Inputs | None) -> Outputs | None:
        """GetRegistryScanningConfiguration."""
        found = scope.call("ecr", "GetRegistryScanningConfiguration")
        configuration = found["scanningConfiguration"]
        return {
            "registryId": found["registryId"],
            "rules": configuration.get("rules") or None,
            "scanType": configuration["scanType"],
        }

    def update(self, scope: Scope, id_: str, old: Inputs, new: Inputs) -> None:
        """PutRegistryScanningConfiguration."""
        self.create(scope, new)

    def delete(self, scope: Scope, id_: str, outputs: Inputs) -> None:
        """PutRegistryScanningConfiguration: basic, without rules."""
        scope.call("ecr", "PutRegistryScanningConfiguration", scanType="BASIC", rules=[])


def _rule_set(rules: Sequence[Mapping[str, Any]]) -> set[tuple[Any, frozenset[tuple[Any, Any]]]]:
    return {
        (
            rule.get("scanFrequency"),
            frozenset((each.get("filter"), each.get("filterType")) for each in rule.get("repositoryFilters") or []),
        )
        for rule in rules
    }


class ReplicationConfiguration(ResourceType):
    """The registry's replication configuration; its id is the registry's. Deleting it removes all rules."""

    token = "aws:ecr/replicationConfiguration:ReplicationConfiguration"

    def problems(self, inputs: Inputs) -> list[Problem]:
        """Check the numbers of rules, destinations and filters against the provider's schema."""
        rules = (inputs.get("replicationConfiguration") or {}).get("rules")
        found = length("rules", {"rules": rules}, 1, 10)
        for index, rule in enumerate(rules or []):
            for problem in [*length("destinations", rule, 1, 25), *length("repositoryFilters", rule, 0, 100)]:
                place = f"replicationConfiguration.rules[{index}].{problem.place}"
                found.append(Problem(place, problem.value, problem.rule, problem.remedy))
        return found

    def create(self, scope: Scope, inputs: Inputs) -> str:
        """PutReplicationConfiguration."""
        given = inputs.get("replicationConfiguration") or {"rules": []}
        scope.call("ecr", "PutReplicationConfiguration", replicationConfiguration=_written(given))
        return scope.account

    def read(self, scope: Scope, id_: str, inputs: Inputs | None) -> Outputs | None:
        """DescribeRegistry."""
        found = scope.call("ecr", "DescribeRegistry")
        configuration = found["replicationConfiguration"]
        return {
            "registryId": found["registryId"],
            "replicationConfiguration": configuration if configuration.get("rules") else None,
        }

    def update(self, scope: Scope, id_: str, old: Inputs, new: Inputs) -> None:
        """PutReplicationConfiguration."""
        self.create(scope, new)

    def delete(self, scope: Scope, id_: str, outputs: Inputs) -> None:
        """PutReplicationConfiguration without rules."""
        scope.call("ecr", "PutReplicationConfiguration", replicationConfiguration={"rules": []})


def _written(configuration: Inputs) -> dict[str, Any]:
    """To the provider, an empty list of filters is the same as no list."""
    rules = []
    for rule in configuration["rules"]:
        written = {"destinations": list(rule["destinations"])}
        if rule.get("repositoryFilters"):
            written["repositoryFilters"] = list(rule["repositoryFilters"])
        rules.append(written)
    return {"rules": rules}


class AccountSetting(ResourceType):
    """An account setting; its id is the setting's name. Deleting it changes nothing."""

    token = "aws:ecr/accountSetting:AccountSetting"
    replaces_on = frozenset({"name"})

    def problems(self, inputs: Inputs) -> list[Problem]:
        """Check names and values against the provider's schema."""
        names = ("BASIC_SCAN_TYPE_VERSION", "REGISTRY_POLICY_SCOPE", "BLOB_MOUNTING")
        missing = [] if inputs.get("name") else [Problem("name", None, "the property is required", "add `name`")]
        return [*missing, *one_of("name", inputs, names)]

    def create(self, scope: Scope, inputs: Inputs) -> str:
        """PutAccountSetting."""
        return str(scope.call("ecr", "PutAccountSetting", name=inputs["name"], value=inputs["value"])["name"])

    def read(self, scope: Scope, id_: str, inputs: Inputs | None) -> Outputs | None:
        """GetAccountSetting."""
        found = scope.call("ecr", "GetAccountSetting", name=id_)
        return {"name": found["name"], "value": found["value"]}

    def update(self, scope: Scope, id_: str, old: Inputs, new: Inputs) -> None:
        """PutAccountSetting."""
        self.create(scope, new)

    def delete(self, scope: Scope, id_: str, outputs: Inputs) -> None:
        """Do nothing: AWS has no call for it."""


class PullTimeUpdateExclusion(ResourceType):
    """A role or user whose pulls do not update the pull time of images; its id is the principal's ARN."""

    token = "aws:ecr/pullTimeUpdateExclusion:PullTimeUpdateExclusion"
    replaces_on = frozenset({"principalArn"})

    def create(self, scope: Scope, inputs: Inputs) -> str:
        """RegisterPullTimeUpdateExclusion."""
        asked = inputs["principalArn"]
        return str(scope.call("ecr", "RegisterPullTimeUpdateExclusion", principalArn=asked)["principalArn"])

    def read(self, scope: Scope, id_: str, inputs: Inputs | None) -> Outputs | None:
        """ListPullTimeUpdateExclusions, filtered by ARN."""
        found = scope.call("ecr", "ListPullTimeUpdateExclusions")["pullTimeUpdateExclusions"]
        return {"principalArn": id_} if id_ in found else None

    def update(self, scope: Scope, id_: str, old: Inputs, new: Inputs) -> None:
        """Do nothing: another principal is another exclusion."""

    def delete(self, scope: Scope, id_: str, outputs: Inputs) -> None:
        """DeregisterPullTimeUpdateExclusion."""
        missing_is_none(
            lambda: scope.call("ecr", "DeregisterPullTimeUpdateExclusion", principalArn=id_),
            "ExclusionNotFoundException",
        )
