"""The component package: the components as a Pulumi plugin, for programs in every language.

https://www.pulumi.com/docs/iac/guides/building-extending/packages/
"""

import ast
import inspect
import json
import sys
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any, Optional, is_typeddict

import pulumi
from pulumi.errors import InputPropertiesError
from pulumi.provider import ConstructResult, main
from pulumi.provider.experimental.analyzer import PropertyDefinition
from pulumi.provider.experimental.component import ComponentProvider
from pulumi.provider.experimental.schema import generate_schema
from pulumi.provider.server import ComponentInitError

from ecr_stack.components import COMPONENTS
from ecr_stack.components.arguments import Refused

__all__ = ["NAME", "Package", "serve"]

NAME = "ecr-stack"


class Package(ComponentProvider):
    """All components, under the project's name and version."""

    def __init__(self) -> None:
        own = version("ecr-stack")
        super().__init__(list(COMPONENTS), NAME, None, own)
        # The SDK reads the descriptions of a class's own fields, and not of those that it inherits.
        for component in COMPONENTS:
            described = self._component_defs[component.__name__]
            arguments = component.__init__.__annotations__["args"]
            self._describe(described.inputs, described.inputs_mapping, arguments)
        for type_ in self._type_defs.values():
            self._describe(type_.properties, type_.properties_mapping, type_.python_type)
        schema = generate_schema(NAME, own, None, self._component_defs, self._type_defs, self._dependencies)
        self.schema = json.dumps(schema.to_json())

    def _describe(self, properties: Mapping[str, PropertyDefinition], names: Mapping[str, str], type_: type) -> None:
        for key, definition in properties.items():
            bases = _bases(type_)
            while definition.description is None and bases:
                base = bases.pop(0)
                definition.description = self.analyzer.get_docstring(base, names[key])
                bases += _bases(base)

    def construct(
        self, name: str, resource_type: str, inputs: Any, options: Optional[pulumi.ResourceOptions] = None
    ) -> ConstructResult:
        """Make a component for a program in another language.

        Raises:
            InputPropertiesError: with every mistake in the arguments; the engine prints it without a traceback.
        """
        try:
            return super().construct(name, resource_type, inputs, options)
        except Exception as error:
            inner = getattr(error, "inner", error) if isinstance(error, ComponentInitError) else error
            if isinstance(inner, Refused):
                raise InputPropertiesError(str(inner), []) from None
            raise


def _bases(type_: type) -> list[type]:
    """The classes that a `TypedDict` is written to inherit from; at run time it has none of them."""
    if not is_typeddict(type_):
        return []
    (written,) = ast.parse(inspect.getsource(type_)).body
    assert isinstance(written, ast.ClassDef)
    module = vars(sys.modules[type_.__module__])
    named = (module.get(base.id) for base in written.bases if isinstance(base, ast.Name))
    return [base for base in named if isinstance(base, type) and is_typeddict(base)]


def serve() -> None:
    """Serve the package to the engine that started this process, until the engine ends it."""
    main(Package(), sys.argv[1:])
