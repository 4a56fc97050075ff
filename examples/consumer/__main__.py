"""A service that runs an image from the registry; it reads the typed outputs of the registry's stack."""

import pulumi
import pulumi_aws as aws

from ecr_stack import RegistryReference

config = pulumi.Config()
registry = RegistryReference(config.require("registry"))
image = registry.image("api-gateway", config.require("version"))

task = aws.ecs.TaskDefinition(
    "api-gateway",
    family="api-gateway",
    container_definitions=pulumi.Output.json_dumps([{"name": "api-gateway", "image": image, "memory": 512}]),
)

pulumi.export("image", image)
