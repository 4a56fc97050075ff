"""What type checkers refuse; an `ignore` that is not needed is an error of `make lint`."""

from ecr_stack import Registry, Repository

Repository("a", {"tag_mutability": "IMUTABLE"})  # type: ignore[arg-type]
Repository("b", {"tagMutability": "IMMUTABLE"})  # type: ignore[arg-type]
Repository("c", {"lifecycle": [{"keep_last": "10"}]})  # type: ignore[arg-type]
Registry("d", {"repositories": {}, "scanning": {"type": "DEEP"}})  # type: ignore[arg-type]
