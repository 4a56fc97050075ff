"""Guardrails for Amazon ECR: one concept a file, one policy a function, and the function's name is its sentence.

- `guardrails.pack` lists the policies, as `pulumi preview --policy-pack` runs them;
- `guardrails.check` runs the same objects over resources given as plain JSON, without an engine;
- `guardrails.reference` writes down what they say of themselves.
"""
