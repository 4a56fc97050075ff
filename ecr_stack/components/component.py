"""What all components have in common: how they take arguments, and what their children get of their options.

Arguments are validated once, by the component that someone calls; what it makes inside gets the validated model. An
Output is carried through in its place, and what is built from it is validated when it is known, with the same message.

A child belongs to its component: it inherits `protect`, the provider, `retain_on_delete`, `deleted_with` and
transforms, as Pulumi has it, and here `depends_on` and former names as well, which Pulumi does not hand down.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, Optional, TypeVar
from weakref import WeakKeyDictionary, WeakSet

import pulumi
from pulumi.runtime.settings import get_monitor
from pydantic import BaseModel

from ecr_stack.errors import EcrStackError, InvalidInput, Problem
from ecr_stack.model import Model, is_unknown, parse, python_spelling, register_unknown, unknown_in, validate
from ecr_stack.schema.registry import Environment

__all__ = ["Component", "InvalidArguments", "as_run_error", "logical_name", "together", "unknown"]

T = TypeVar("T")
M = TypeVar("M", bound=Model)

register_unknown(pulumi.Output)


class InvalidArguments(EcrStackError, pulumi.RunError):
    """What was asked for cannot be made. Pulumi prints the message alone, without a traceback."""


@contextmanager
def as_run_error() -> Iterator[None]:
    """Turn an `EcrStackError` into one that Pulumi prints without a traceback."""
    try:
        yield
    except InvalidArguments:
        raise
    except EcrStackError as error:
        raise InvalidArguments(str(error)) from None


_claims: WeakKeyDictionary[Any, dict[Any, Any]] = WeakKeyDictionary()


class _Stack(Model):
    environment: Environment


class Component(pulumi.ComponentResource):
    """A component whose arguments are a model of `ecr_stack.schema`."""

    ARGUMENTS: ClassVar[type[Model]]
    """The model of the arguments."""

    def __init__(self, name: str, opts: Optional[pulumi.ResourceOptions], *, former: Sequence[str] = ()) -> None:
        # Pulumi takes a string for a URN
        named = [
            alias if isinstance(alias, pulumi.Alias) or alias.startswith("urn:") else pulumi.Alias(name=alias)
            for alias in former
        ]
        own = pulumi.ResourceOptions(aliases=named)
        merged = pulumi.ResourceOptions.merge(own, opts)
        kind = f"ecr-stack:index:{type(self).__name__}"
        self._label = name
        self._given = merged
        self._former = [_former(alias, name, kind, merged.parent) for alias in merged.aliases or ()]
        # the engine gives them to children by itself; the URNs are those of this component under its parent's former ones
        above: Any = merged.parent
        inherited: Sequence[Any] = getattr(above, "_inherited", None) or getattr(above, "_aliases", None) or ()
        self._inherited = [_urn(name, kind, urn) for urn in inherited]
        self._origin = (f'{type(self).__name__} "{name}"', "")
        self._places: Mapping[str, str] = {}
        super().__init__(kind, name, {}, merged)

    def _validated(self, args: Any) -> Any:
        """The arguments as their model; a model is validated already, by the component that makes this one."""
        return self._validated_by(self.ARGUMENTS, args)

    def _validated_by(self, model: type[M], args: Any) -> M:
        if isinstance(args, model):
            origin = getattr(args, "_origin", None)
            if origin is not None:
                self._origin, self._places = origin, args._places
            return args
        with as_run_error():
            return parse(model, with_outputs(args), "", source=self._origin[0], python_names=True)

    def _environment(self, settings: Any) -> "pulumi.Input[str]":
        """The environment's name: the argument's, or the Pulumi stack's."""
        if settings.environment is not None:
            named: pulumi.Input[str] = self._value(settings, "environment")
            return named
        with as_run_error():
            return parse(_Stack, {"environment": pulumi.get_stack()}, "", source=self._origin[0]).environment

    def _claim(self, kind: str, name: "pulumi.Input[str]", remedy: str, *, region: Any = None) -> None:
        """Take a name that AWS gives once, so that a second component of the program that takes it is told.

        Raises:
            InvalidArguments: another component has it.
        """
        if is_unknown(name) or is_unknown(region):
            return
        provider = self.get_provider("aws::")
        claims = _claims.setdefault(get_monitor(), {})
        key = (id(provider) if provider else None, region, kind, str(name).lower())
        holder = claims.setdefault(key, self)
        if holder is not self:
            rule = (
                f"an account can have only one {kind} with this name{f' in {region}' if region else ''}, and "
                f"{holder._origin[0]} makes it"
            )
            self._check([Problem(kind, name, rule, remedy)])

    def _check(self, problems: Iterable[Problem]) -> None:
        """Stop if there are problems.

        Raises:
            InvalidArguments: with each of them.
        """
        found = list(problems)
        if found:
            raise self._invalid(found)

    def _placed(self, field: str, problems: Iterable[Problem]) -> Iterator[Problem]:
        """Problems in a field, in Python's spelling, at their place in the arguments."""
        for problem in problems:
            yield self._at(Problem(_joined(field, problem.place), problem.value, problem.rule, problem.remedy))

    def _at(self, problem: Problem) -> Problem:
        """A problem at a place in this component's arguments, as whoever wrote them sees it."""
        own = python_spelling(problem)
        place = _joined(self._places.get(re.split(r"[.\[]", own.place)[0], self._origin[1]), own.place)
        return Problem(place, own.value, own.rule, own.remedy)

    def _invalid(self, problems: Iterable[Problem]) -> InvalidArguments:
        return InvalidArguments(str(InvalidInput(self._origin[0], problems)))

    def _settled(
        self, settings: M, *fields: str, check: Callable[[M], Iterable[Problem]] | None = None
    ) -> "pulumi.Input[M]":
        """The settings, as soon as these fields are known; what was unknown in them is then validated.

        Args:
            settings: validated settings.
            fields: the fields that are needed, by Python name.
            check: what else must hold once they are known; places are relative to the settings.
        """
        wanted = {name: _plain(getattr(settings, name)) for name in fields}
        if not any(unknown_in(getattr(settings, name)) for name in fields):
            return settings
        rest = {name: _plain(value) for name, value in settings.given().items() if name not in fields}

        def validated(known: dict[str, Any]) -> M:
            values = {name: _to_validate(getattr(settings, name), known[name]) for name in fields}
            present = {name: value for name, value in values.items() if value is not None}
            with as_run_error():
                model, problems = validate(type(settings), {**rest, **present}, python_names=True)
                if not problems and check is not None:
                    problems = list(check(model))
                if problems:
                    raise InvalidInput(self._origin[0], map(self._at, problems))
            return model.model_copy(update={name: _filled(getattr(model, name), known[name]) for name in fields})

        return pulumi.Output.all(**wanted).apply(validated)

    def _value(self, settings: Model, field: str, use: Callable[[Any], Any] = lambda value: value) -> Any:
        """A property of a resource that comes from one field."""
        return together(lambda known: use(getattr(known, field)), self._settled(settings, field))

    def _child(self, *, guards: Sequence[pulumi.ResourceHook] = (), **options: Any) -> pulumi.ResourceOptions:
        """The options of a resource that belongs to this component.

        Args:
            guards: hooks before its creation and before each change of it.
            options: its own options, and its `name` if that is not the component's. What is known to AWS by what it belongs to,
                such as a repository's policy, says `delete_before_replace`, as AWS's provider does: after an update that
                failed between the two, the engine would make it anew and then delete it.
        """
        from ecr_stack.components.takeover import takeover_hook

        own = self._part(**options)
        aliases = own.aliases or ()

        def former(name: str, token: str) -> list[Any]:
            inherited = [_urn(name, token, urn) for urn in self._inherited]
            return [_former(alias, name, token, self)[1] for alias in aliases] + inherited

        hooks = pulumi.ResourceHookBinding(
            before_create=[takeover_hook(self, former if aliases or self._inherited else None), *guards],
            before_update=list(guards) or None,
        )
        return pulumi.ResourceOptions.merge(own, pulumi.ResourceOptions(hooks=hooks))

    def _former_urns(self, token: str) -> "list[pulumi.Output[str]]":
        """The URNs that the child of this type and this component's name had, by the component's aliases."""
        return [_urn(former, token, urn) for former, urn in self._former]

    def _part(self, **options: Any) -> pulumi.ResourceOptions:
        """The options of a component that belongs to this one; `options` are its own."""
        depends_on = [*_listed(self._given.depends_on), *_listed(options.pop("depends_on", None))]
        aliases = [
            pulumi.Alias(name=_renamed(options.get("name", self._label), self._label, former), parent=urn)
            for former, urn in self._former
        ]
        options.pop("name", None)
        own = options.pop("aliases", None) or []
        return pulumi.ResourceOptions(
            parent=self, depends_on=depends_on or None, aliases=[*aliases, *own] or None, **options
        )


def _former(alias: Any, name: str, kind: str, parent: Optional[pulumi.Resource]) -> tuple[str, "pulumi.Input[str]"]:
    """A component's former name, and its former URN."""
    if isinstance(alias, str):
        return alias.rsplit("::", 1)[-1], alias
    if isinstance(alias, pulumi.Alias):
        given: Any = alias  # a field that is not said is an ellipsis
        former = alias.name if isinstance(alias.name, str) else name
        kind = alias.type_ if isinstance(alias.type_, str) else kind
        above = parent if given.parent is ... else given.parent
        project = given.project if given.project is not ... else None
        stack = given.stack if given.stack is not ... else None
        return former, _urn(former, kind, above, project, stack)
    return name, alias


def _urn(
    name: str, kind: str, parent: Any, project: Optional[str] = None, stack: Optional[str] = None
) -> "pulumi.Output[str]":
    return pulumi.create_urn(name, kind, parent, project or pulumi.get_project(), stack or pulumi.get_stack())


def _renamed(name: str, now: str, former: str) -> str:
    """A child's former name: a child is called after its component, with something behind it."""
    return former + name.removeprefix(now) if name.startswith(now) else name


def _joined(place: str, rest: str) -> str:
    return f"{place}.{rest}" if place and rest and rest[0] != "[" else place + rest


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, Sequence) else [value]


def with_outputs(args: Any) -> Any:
    """Copy arguments: whatever is known later becomes an Output, in its place."""
    if args is None:
        return {}
    if isinstance(args, BaseModel) or is_unknown(args):
        return args
    if isinstance(args, Mapping):
        return {key: with_outputs(value) if value is not None else None for key, value in args.items()}
    if isinstance(args, (list, tuple)):
        return [with_outputs(value) if value is not None else None for value in args]
    if isinstance(args, Awaitable) or asyncio.isfuture(args):
        return pulumi.Output.from_input(args)
    return args


def _plain(value: Any) -> Any:
    """Data again, by Python names, with what is unknown in it."""
    if isinstance(value, Model):
        return {name: _plain(item) for name, item in value.given().items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return value


def _filled(value: Any, known: Any) -> Any:
    """A validated value, with what was unknown in it."""
    if isinstance(value, Model) and isinstance(known, Mapping):
        own = {name: _filled(item, known.get(name)) for name, item in value.given().items()}
        return value.model_copy(update=own)
    if isinstance(value, list) and isinstance(known, list):
        return [_filled(item, there) for item, there in zip(value, known, strict=True)]
    if isinstance(value, Mapping) and isinstance(known, Mapping):
        return {key: _filled(item, known.get(key)) for key, item in value.items()}
    return known if is_unknown(value) else value


_made_here: WeakSet[Any] = WeakSet()


def made_here(output: "pulumi.Output[T]") -> "pulumi.Output[T]":
    """Mark a value that comes from a resource made here, so that it is not validated as if someone had written it.

    Tests of other people's programs answer what they like for a resource's ARN.
    """
    _made_here.add(output)
    return output


def is_made_here(value: Any) -> bool:
    """Whether a value is one that `made_here` marked."""
    return value in _made_here


def _to_validate(value: Any, known: Any) -> Any:
    """What is to be validated of a value that has become known: neither what was made here, nor what came to nothing."""
    if isinstance(value, Model) and isinstance(known, Mapping):
        return {name: _to_validate(item, known.get(name)) for name, item in value.given().items()}
    if isinstance(value, list) and isinstance(known, list):
        return [_to_validate(item, there) for item, there in zip(value, known, strict=True)]
    if isinstance(value, Mapping) and isinstance(known, Mapping):
        return {key: _to_validate(item, known.get(key)) for key, item in value.items()}
    return value if is_unknown(value) and (known is None or is_made_here(value)) else known


def together(build: Callable[..., T], *values: Any) -> "pulumi.Input[T]":
    """Build something at once if all values are known, else when they are."""
    if not any(is_unknown(value) for value in values):
        with as_run_error():
            return build(*values)

    def later(known: list[Any]) -> T:
        with as_run_error():
            return build(*known)

    return pulumi.Output.all(*values).apply(later)


def logical_name(resource: pulumi.Resource) -> str:
    """The name that a program gave a resource."""
    return resource._name


def unknown() -> "pulumi.Output[Any]":
    """An Output that never becomes known: for what the provider does not tell."""

    def settled(value: Any) -> "asyncio.Future[Any]":
        future: asyncio.Future[Any] = asyncio.get_event_loop().create_future()
        future.set_result(value)
        return future

    return pulumi.Output(settled(set()), settled(None), settled(False), settled(False))
