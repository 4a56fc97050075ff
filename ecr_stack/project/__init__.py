"""Pulumi project and stack files, read as the engine reads them."""
