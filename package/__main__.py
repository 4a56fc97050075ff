"""Serves the components to Pulumi programs in every language."""

from ecr_stack.components.package import serve

if __name__ == "__main__":
    serve()
