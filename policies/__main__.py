"""The policy pack that the Pulumi engine starts. It serves until the engine ends it."""

from guardrails import engine
from guardrails.pack import DESCRIPTION, NAME, POLICIES
from pulumi_policy import EnforcementLevel, PolicyPack

engine.install()
PolicyPack(
    name=NAME,
    policies=[*POLICIES],
    enforcement_level=EnforcementLevel.MANDATORY,
    description=DESCRIPTION,
    provider="aws",
    tags=["aws", "ecr", "kms", "iam"],
)
