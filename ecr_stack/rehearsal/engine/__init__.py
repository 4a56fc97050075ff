"""The real Pulumi engine, with the embedded AWS in place of the AWS provider.

`server` speaks the engine's provider protocol on top of the rehearsal's own provider; `run` takes a stack through its
whole life with the `pulumi` command that is on PATH.
"""
