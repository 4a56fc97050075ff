"""Runs the real Pulumi engine with the embedded AWS in place of the AWS provider.

`server` implements the engine's provider protocol on top of the rehearsal's own provider; `run` takes a stack through
its lifecycle with the `pulumi` command on PATH.
"""
