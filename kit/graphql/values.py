"""Limits on the values that a client sends, checked before anything uses them: nesting, lengths of lists and of texts.

The exact length and format of a field are its service's concern. Not here: numbers (kit.graphql.parsing).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Final

from graphql import (
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_input_object_type,
    is_leaf_type,
)
from kit.errors import InvalidArgument, Violation

_MAX_LEVELS: Final = 16
_MAX_NAME_LENGTH: Final = 200


@dataclass(frozen=True, slots=True)
class _Sizes:
    """Maximum entries of one list or object, and values of a request."""

    items: int
    values: int


_SIZES: Final = _Sizes(1000, 10_000)
# The variants of a product with all of their fields. Reading them takes the gateway half a second, so only ADMIN may send as many.
_SIZES_OF_ADMIN: Final = _Sizes(2048, 40_000)
Resolver = Callable[..., Any]
_Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class TextLimits:
    """Maximum lengths in characters; `by_name` are longer ones for single fields and arguments."""

    default: int = 2000
    by_name: Mapping[str, int] = field(default_factory=dict)

    @property
    def longest(self) -> int:
        """No text of any name may be longer."""
        return max(self.default, *self.by_name.values(), 0)


class _LimitExceeded(Exception):
    """`path` grows while the error leaves the nested values."""

    def __init__(self, rule: str, path: _Path = ()) -> None:
        super().__init__(rule)
        self.rule = rule
        self.path = path


def check_variables(variables: Mapping[str, Any] | None, max_length: int, *, by_admin: bool) -> None:
    """Raises InvalidArgument that names the variable, the path within it and the rule."""
    sizes = _SIZES_OF_ADMIN if by_admin else _SIZES
    count = 0
    for name, value in (variables or {}).items():
        try:
            count = _check(value, 0, count, max_length, sizes)
        except _LimitExceeded as error:
            where = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.path)
            name = name[:_MAX_NAME_LENGTH]
            message = f"Variable '${name}'{f' at {where}' if where else ''}: {error.rule}"
            raise InvalidArgument(message, fields=[Violation(error.path or (name,), error.rule)]) from None


def _check(value: Any, level: int, count: int, max_length: int, sizes: _Sizes) -> int:
    """The number of values including these; raises _LimitExceeded."""
    if isinstance(value, str):
        if len(value) > max_length:
            raise _LimitExceeded(f"must have at most {max_length:,} characters")
        return count + 1
    if not isinstance(value, list | dict):
        return count + 1
    if level >= _MAX_LEVELS:
        raise _LimitExceeded(f"must not be nested deeper than {_MAX_LEVELS} levels")
    for step, item in _items(value, sizes.items):
        try:
            count = _check(item, level + 1, count, max_length, sizes)
            if count > sizes.values:
                raise _LimitExceeded(f"must not hold more than {sizes.values:,} values in total")
        except _LimitExceeded as error:
            error.path = (step, *error.path)
            raise
    return count + 1


def _items(value: list[Any] | dict[str, Any], max_items: int) -> list[tuple[str | int, Any]]:
    if len(value) > max_items:
        raise _LimitExceeded(f"must have at most {max_items:,} entries")
    if isinstance(value, list):
        return list(enumerate(value))
    if any(len(name) > _MAX_NAME_LENGTH for name in value):
        raise _LimitExceeded(f"names must have at most {_MAX_NAME_LENGTH} characters")
    return list(value.items())


def limit_arguments(schema: GraphQLSchema, limits: TextLimits) -> None:
    """Makes every field that takes text reject arguments beyond the limits, whether literals or variables."""
    for kind in schema.type_map.values():
        if isinstance(kind, GraphQLObjectType):
            for definition in kind.fields.values():
                if _takes_text(definition):
                    definition.resolve = _limited(definition.resolve, limits)
                    definition.subscribe = _limited(definition.subscribe, limits)


def _takes_text(definition: GraphQLField) -> bool:
    kinds = [get_named_type(argument.type) for argument in definition.args.values()]
    return any(
        is_input_object_type(kind) or (is_leaf_type(kind) and kind.name in ("String", "ID")) for kind in kinds
    )


def _limited(resolve: Resolver | None, limits: TextLimits) -> Resolver | None:
    if resolve is None:
        return None

    @wraps(resolve)
    def limited(source: Any, info: Any, **arguments: Any) -> Any:
        try:
            for name, value in arguments.items():
                # Paths within a mutation's `input` omit it, as the services' own errors do.
                _check_lengths(value, name, () if name == "input" else (name,), limits)
        except _LimitExceeded as error:
            message = f"{'.'.join(map(str, error.path))}: {error.rule}"
            raise InvalidArgument(message, fields=[Violation(error.path, error.rule)]) from None
        return resolve(source, info, **arguments)

    return limited


def _check_lengths(value: Any, name: str, path: _Path, limits: TextLimits) -> None:
    if isinstance(value, str):
        limit = limits.by_name.get(name, limits.default)
        if len(value) > limit:
            raise _LimitExceeded(f"must have at most {limit:,} characters", path)
    elif isinstance(value, dict):
        for key, item in value.items():
            _check_lengths(item, key, (*path, key), limits)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _check_lengths(item, name, (*path, index), limits)
