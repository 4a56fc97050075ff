"""What a stack file may say, each key once: its type, default, limits, description, and what must hold between keys.

The `TypedDict`s of the components, the JSON Schema, the reference and the schema of the component package are generated
from these models.
"""
