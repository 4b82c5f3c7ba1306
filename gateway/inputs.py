"""Limits of what a client sends as values, checked before anything uses them: nesting, lengths of lists and of texts.

What a field means by its text, and how long that may be, says the service that owns it. Not here: numbers (gateway.reading).
"""

from collections.abc import Callable, Mapping
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

# Input objects of the schema nest three levels.
_MOST_LEVELS: Final = 16
_MOST_ITEMS: Final = 1000
_MOST_VALUES: Final = 10_000
_MOST_NAME: Final = 200
# No text is longer than a product's description, and no other than 2,000 characters (the URL of an image).
_LONGEST: Final = 20_000
_USUAL_LONGEST: Final = 2000
_LONGER: Final = {"description": _LONGEST}

Resolver = Callable[..., Any]
_Path = tuple[str | int, ...]


class _Beyond(Exception):
    """A value is beyond a limit; its path grows on the way out."""

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        self.rule = rule
        self.path: _Path = ()


def check_variables(variables: Mapping[str, Any] | None) -> None:
    """Raises InvalidArgument that names the variable, the path within it and the rule."""
    count = 0
    for name, value in (variables or {}).items():
        try:
            count = _check(value, 0, count)
        except _Beyond as beyond:
            where = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in beyond.path)
            message = f"Variable '${name[:_MOST_NAME]}'{f' at {where}' if where else ''}: {beyond.rule}"
            path = beyond.path or (name[:_MOST_NAME],)
            raise InvalidArgument(message, fields=[Violation(path, beyond.rule)]) from None


def _check(value: Any, level: int, count: int) -> int:
    """How many values there are with these; raises _Beyond."""
    if isinstance(value, str):
        _text(value, _LONGEST)
        return count + 1
    if not isinstance(value, list | dict):
        return count + 1
    if level >= _MOST_LEVELS:
        raise _Beyond(f"must not be nested deeper than {_MOST_LEVELS} levels")
    items = _items(value)
    for step, each in items:
        try:
            count = _check(each, level + 1, count)
            if count > _MOST_VALUES:
                raise _Beyond(f"must not hold more than {_MOST_VALUES:,} values in all")
        except _Beyond as beyond:
            beyond.path = (step, *beyond.path)
            raise
    return count + 1


def _items(value: list[Any] | dict[str, Any]) -> list[tuple[str | int, Any]]:
    if len(value) > _MOST_ITEMS:
        raise _Beyond(f"must have at most {_MOST_ITEMS:,} entries")
    if isinstance(value, list):
        return list(enumerate(value))
    if any(len(name) > _MOST_NAME for name in value):
        raise _Beyond(f"names must have at most {_MOST_NAME} characters")
    return list(value.items())


def _text(value: str, most: int) -> None:
    if len(value) > most:
        raise _Beyond(f"must have at most {most:,} characters")


def limit_arguments(schema: GraphQLSchema) -> None:
    """Every field that takes text refuses what is longer than any text of that name may be, however it was sent."""
    for kind in schema.type_map.values():
        if isinstance(kind, GraphQLObjectType):
            for field in kind.fields.values():
                if _takes_text(field):
                    field.resolve = _limited(field.resolve)
                    field.subscribe = _limited(field.subscribe)


def _takes_text(field: GraphQLField) -> bool:
    kinds = [get_named_type(argument.type) for argument in field.args.values()]
    return any(
        is_input_object_type(kind) or (is_leaf_type(kind) and kind.name in ("String", "ID")) for kind in kinds
    )


def _limited(resolve: Resolver | None) -> Resolver | None:
    if resolve is None:
        return None

    @wraps(resolve)
    def limited(source: Any, info: Any, **arguments: Any) -> Any:
        try:
            for name, value in arguments.items():
                # A mutation's fields are named without its `input`, as the services name them.
                _lengths(value, name, () if name == "input" else (name,))
        except _Beyond as beyond:
            message = f"{'.'.join(map(str, beyond.path))}: {beyond.rule}"
            raise InvalidArgument(message, fields=[Violation(beyond.path, beyond.rule)]) from None
        return resolve(source, info, **arguments)

    return limited


def _lengths(value: Any, name: str, path: _Path) -> None:
    if isinstance(value, str):
        if len(value) > _LONGER.get(name, _USUAL_LONGEST):
            beyond = _Beyond(f"must have at most {_LONGER.get(name, _USUAL_LONGEST):,} characters")
            beyond.path = path
            raise beyond
    elif isinstance(value, dict):
        for key, each in value.items():
            _lengths(each, key, (*path, key))
    elif isinstance(value, list):
        for number, each in enumerate(value):
            _lengths(each, name, (*path, number))
