"""Calls the functions that resolve fields directly, with the names and types of their arguments looked up once.

Strawberry's resolvers look them up for each call, through six functions, which takes more time than a plan's completion of a small result.
"""

from collections.abc import Callable, Mapping
from typing import Any

from strawberry import Info

from graphql import GraphQLObjectType, GraphQLSchema
from kit.graphql.inputs import Conversion, Inputs


def call_resolvers_directly(schema: GraphQLSchema, inputs: Inputs) -> None:
    """Replaces the resolvers of a schema that `strawberry.Schema` made, where they only convert arguments and call the function."""
    for kind in schema.type_map.values():
        if isinstance(kind, GraphQLObjectType) and kind is not schema.subscription_type:
            for field in kind.fields.values():
                definition = field.extensions.get("strawberry-definition")
                if definition is not None and _only_calls(definition):
                    arguments = {
                        name: (argument.python_name, inputs.conversion(field.args[name].type))
                        for name, argument in zip(field.args, definition.arguments, strict=True)
                    }
                    field.resolve = _direct(definition, arguments)


def _only_calls(definition: Any) -> bool:
    resolver = definition.base_resolver
    if resolver is None or definition.extensions:
        return False
    return resolver.parent_parameter is None and resolver.root_parameter is None


def _direct(definition: Any, arguments: Mapping[str, tuple[str, Conversion]]) -> Callable[..., Any]:
    resolver = definition.base_resolver
    function, has_self = resolver.wrapped_func, resolver.self_parameter is not None
    info_name = resolver.info_parameter.name if resolver.info_parameter else None

    def resolve(source: Any, info: Any, /, **values: Any) -> Any:
        named = {}
        for name, value in values.items():
            python_name, convert = arguments[name]
            named[python_name] = value if convert is None else convert(value)
        if info_name is not None:
            named[info_name] = Info(_raw_info=info, _field=definition)
        return function(source, **named) if has_self else function(**named)

    return resolve
