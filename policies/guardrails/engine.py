"""The analyzer that the engine talks to, which gives up no guardrail without a reason.

`pulumi_policy` has no hook for the configuration as a whole, and a disabled policy is never called, so that it cannot
object by itself. Its private servicer is therefore extended here, and nowhere else.
"""

from __future__ import annotations

import sys
from typing import Any

from google.protobuf import json_format
from pulumi_policy import EnforcementLevel, policy
from pulumi_policy.policy import _PolicyAnalyzerServicer

from guardrails.configuration import unexplained
from guardrails.pack import POLICIES
from guardrails.stack import SENT


class Analyzer(_PolicyAnalyzerServicer):
    """The servicer of `pulumi_policy`, whose policies stay as they are unless a reason is given."""

    def Configure(self, request: Any, _context: Any) -> Any:  # noqa: N802
        """Take the configuration, without what lacks a reason."""
        kept: dict[str, str] = {}
        for each in POLICIES:
            if each.name not in request.policyConfig:
                continue
            config = request.policyConfig[each.name]
            properties = json_format.MessageToDict(config.properties)
            level = next(one for one in EnforcementLevel if self._map_enforcement_level(one) == config.enforcementLevel)
            if not (wrong := unexplained(each, level, {**each.facts.defaults, **properties})):
                continue
            kept[each.name] = str(wrong)
            config.enforcementLevel = self._map_enforcement_level(each.enforcement_level or EnforcementLevel.MANDATORY)
            config.properties.update(each.facts.defaults)
        if kept:
            sys.stderr.write(
                f"Relaxed without a reason, and therefore still enforced: {', '.join(kept)}. "
                f"{' '.join(kept.values())}\n"
            )
        return super().Configure(request, _context)  # type: ignore[no-untyped-call]

    def ConfigureStack(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Take the stack's own configuration, of which `pulumi_policy` keeps the tags alone."""
        SENT.clear()
        SENT.update(request.config)
        return super().ConfigureStack(request, context)


def install() -> None:
    """Let `PolicyPack` start this analyzer."""
    policy._PolicyAnalyzerServicer = Analyzer  # type: ignore[misc]
