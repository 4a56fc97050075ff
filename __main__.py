"""The registry of one environment: what `pulumi up` runs, and what `ecr-stack rehearse` rehearses.

Everything that this environment decides stands in its stack file, Pulumi.STACK.yaml.
"""

import pulumi

from ecr_stack import Registry, stack_settings

settings = stack_settings()
registry = Registry(settings.environment, settings)

for name, value in registry.outputs().items():
    pulumi.export(name, value)
