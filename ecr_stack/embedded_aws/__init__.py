"""An AWS account embedded in the process: no credentials, no network, and it rejects what AWS rejects."""

from importlib.util import find_spec

from ecr_stack.embedded_aws.embedded import EmbeddedAws

__all__ = ["EmbeddedAws"]

# Its modules are imported with the first call, in the midst of a program; that they are missing is told before.
for _package in ("moto", "starlette", "uvicorn"):
    if find_spec(_package) is None:
        raise ModuleNotFoundError(f"No module named {_package!r}", name=_package)
