"""The registry of one stack of the fleet: all differences are in its stack file."""

import pulumi

from ecr_stack import Registry, stack_settings

settings = stack_settings()
registry = Registry(settings.environment, settings)

for name, value in registry.outputs().items():
    pulumi.export(name, value)
