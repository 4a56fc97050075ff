"""A local registry: serves the embedded AWS to AWS clients, container tools and the Pulumi engine."""
