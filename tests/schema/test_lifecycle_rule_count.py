"""ECR takes 50 rules, and each prefix and each pattern of a stack file is one."""

from __future__ import annotations

import pytest

from ecr_stack.schema.lifecycle import LifecycleRule, rule_list_problems


@pytest.mark.parametrize(("count", "problems"), [(49, 0), (50, 0), (51, 1)])
def test_fifty_prefixes_are_the_most(count: int, problems: int) -> None:
    prefixes = [f"t{number:02}" for number in range(count)]
    assert len(rule_list_problems([LifecycleRule(tag_prefixes=prefixes, keep_last=1)], "lifecycle")) == problems
