"""Serves the components to Pulumi programs in every language."""

from importlib.metadata import version

from pulumi.provider.experimental import component_provider_host

from ecr_stack.components import COMPONENTS

if __name__ == "__main__":
    component_provider_host(components=COMPONENTS, name="ecr-stack", version=version("ecr-stack"))
