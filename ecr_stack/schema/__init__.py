"""The format of the stack file: each key's type, default, limits and description, and the checks between keys.

The `TypedDict`s of the components, the JSON Schema, the reference and the schema of the component package are generated
from these models.
"""
