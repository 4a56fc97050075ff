"""A local stand-in for a registry: the embedded AWS, served to AWS clients, container tools and the Pulumi engine."""
