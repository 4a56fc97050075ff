"""The stack file as the running program sees it: Pulumi's configuration, judged."""

from typing import Any

import pulumi
from pulumi.runtime.config import CONFIG, get_config_env

from ecr_stack.components.component import as_run_error
from ecr_stack.schema.registry import RegistrySettings
from ecr_stack.schema.stack import settings_in

__all__ = ["stack_settings"]


def stack_settings() -> RegistrySettings:
    """Read the settings of the stack that is running from its stack file.

    Raises:
        InvalidArguments: with every error in the file; Pulumi prints it without a traceback.
    """
    config: dict[str, Any] = {**get_config_env(), **CONFIG.get()}
    with as_run_error():
        return settings_in(config, source=f"Pulumi.{pulumi.get_stack()}.yaml")
