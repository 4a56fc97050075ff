"""The components, for this project's program and for anybody else's."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pulumi

    COMPONENTS: "list[type[pulumi.ComponentResource]]"
    """Every component, as the component package offers them to other languages."""

__all__ = ["COMPONENTS"]


def __getattr__(name: str) -> Any:
    if name != "COMPONENTS":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import pulumi

    import ecr_stack

    public = [getattr(ecr_stack, entry) for entry in ecr_stack.__all__]
    return [entry for entry in public if isinstance(entry, type) and issubclass(entry, pulumi.ComponentResource)]
