"""Environments: a stack, its configuration and its tags agree on whether they are production."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

from pulumi_policy import EnforcementLevel, Severity
from pulumi_policy.policy import PolicyResource

from guardrails.policy import Config, stack_policy
from guardrails.production import PRODUCTION, in_production, says_production, tagged
from guardrails.resources import KEY, REPOSITORY, called, stack_of
from guardrails.stack import configured


@stack_policy(
    types=[REPOSITORY, KEY],
    reason="If production has another name, people, alarms and IAM conditions treat it as something else.",
    control="AWS Well-Architected SEC01-BP01",
    url="https://docs.aws.amazon.com/wellarchitected/latest/framework/sec_securely_operate_multi_accounts.html",
    severity=Severity.MEDIUM,
    level=EnforcementLevel.ADVISORY,
    remedy="Use consistent names in the stack, its configuration and its tags.",
    stack_file=dict.fromkeys([REPOSITORY, KEY], "Set `ecr-stack:environment` to match the stack, or rename the stack."),
    config=PRODUCTION,
)
def names_in_production_agree(
    resources: Sequence[PolicyResource], config: Config, report: Callable[[str, str], None]
) -> None:
    """Report production stacks whose configuration or tags have another name."""
    environment = configured("ecr-stack:environment")
    others: dict[str, list[PolicyResource]] = defaultdict(list)
    for resource in resources:
        if not in_production(resource, config):
            continue
        for value in (environment, *tagged(resource, config)):
            if isinstance(value, str) and value.strip() and not says_production(value, "productionValues", config):
                others[value].append(resource)
    for value, called_so in others.items():
        first = called_so[0]
        stack = stack_of(first)
        if says_production(stack, "productionStacks", config):
            says = f"the name of the stack, {stack!r}"
        elif says_production(environment, "productionValues", config):
            says = f"`ecr-stack:environment`, {environment!r}"
        else:
            says = "another tag of it"
        if value == environment:
            what, urn = "this stack", ""
        else:
            few = len(called_so) == 1
            what = called(first) if few else f"{called(first)} and {len(called_so) - 1} more"
            urn = first.urn if few else ""
        where = "`ecr-stack:environment`" if value == environment else f"the tag `{config['productionTag']}`"
        report(
            f"By {says}, {what} counts as production, and by {where} it is {value!r}. One of them is enough: "
            "production rules apply.",
            urn,
        )
