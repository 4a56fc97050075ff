"""Transforms: functions of the program that change what its resources ask for before the engine sees it.

The engine runs those of a resource first, then those of its parents, then those of the whole stack:
https://www.pulumi.com/docs/iac/concepts/resources/options/transforms/
"""

from __future__ import annotations

from typing import Any

from ecr_stack.pulumi_sdk import alias_pb2, call_back, resource_pb2

__all__ = ["Transforms"]

_SAME = {
    "ignore_changes": "ignoreChanges",
    "replace_on_changes": "replaceOnChanges",
    "version": "version",
    "provider": "provider",
    "plugin_download_url": "pluginDownloadURL",
    "deleted_with": "deletedWith",
    "additional_secret_outputs": "additionalSecretOutputs",
    "providers": "providers",
    "plugin_checksums": "pluginChecksums",
    "import": "importId",
    "hide_diff": "hideDiffs",
    "replace_with": "replace_with",
}
"""The options of a transform, and what a request calls them."""
_IF_SET = {
    "protect": "protect",
    "retain_on_delete": "retainOnDelete",
    "custom_timeouts": "customTimeouts",
    "hooks": "hooks",
    "replacement_trigger": "replacement_trigger",
}
"""Those that may also be absent."""


class Transforms:
    """The transforms of a program."""

    def __init__(self) -> None:
        """Start without any."""
        self._of_stack: list[Any] = []
        self._of_resource: dict[str, list[Any]] = {}
        self._parents: dict[str, str] = {}

    def add_to_stack(self, callback: Any) -> None:
        """Remember a transform of every resource."""
        self._of_stack.append(callback)

    async def applied(self, urn: str, request: Any) -> Any:
        """Give what a resource asks for once its transforms have run, and remember them for its children.

        Args:
            urn: the resource.
            request: its `RegisterResourceRequest`.
        """
        self._parents[urn] = request.parent
        if request.transforms:
            self._of_resource[urn] = list(request.transforms)
        current = urn
        while current:
            for callback in self._of_resource.get(current, ()):
                request = await _transformed(callback, request)
            current = self._parents.get(current, "")
        for callback in self._of_stack:
            request = await _transformed(callback, request)
        return request


async def _transformed(callback: Any, request: Any) -> Any:
    asked = resource_pb2.TransformRequest(
        type=request.type,
        name=request.name,
        custom=request.custom,
        parent=request.parent,
        properties=request.object,
        options=_options_of(request),
    )
    answer = await call_back(callback, asked)
    changed = resource_pb2.RegisterResourceRequest()
    changed.CopyFrom(request)
    changed.object.CopyFrom(answer.properties)
    if answer.HasField("options"):
        _set_options(changed, answer.options)
    return changed


def _options_of(request: Any) -> Any:
    options = resource_pb2.TransformResourceOptions(
        depends_on=request.dependencies,
        aliases=[*(alias_pb2.Alias(urn=urn) for urn in request.aliasURNs), *request.aliases],
        delete_before_replace=request.deleteBeforeReplace if request.deleteBeforeReplaceDefined else None,
    )
    _copy(request, options, {theirs: ours for ours, theirs in _SAME.items()})
    for ours, theirs in _IF_SET.items():
        if request.HasField(theirs):
            _copy(request, options, {theirs: ours})
    return options


def _set_options(request: Any, options: Any) -> None:
    of_properties = [urn for each in request.propertyDependencies.values() for urn in each.urns]
    for name in (*_SAME.values(), *_IF_SET.values(), "dependencies", "aliasURNs", "aliases"):
        request.ClearField(name)
    request.dependencies.extend(dict.fromkeys([*options.depends_on, *of_properties]))
    request.aliases.extend(options.aliases)
    request.deleteBeforeReplaceDefined = options.HasField("delete_before_replace")
    request.deleteBeforeReplace = options.delete_before_replace
    _copy(options, request, _SAME)
    _copy(options, request, {ours: theirs for ours, theirs in _IF_SET.items() if options.HasField(ours)})


def _copy(source: Any, target: Any, names: dict[str, str]) -> None:
    for of_source, of_target in names.items():
        value = getattr(source, of_source)
        if isinstance(value, (str, bool)):
            setattr(target, of_target, value)
        elif hasattr(value, "CopyFrom"):
            getattr(target, of_target).CopyFrom(value)
        else:
            getattr(target, of_target).MergeFrom(value)
