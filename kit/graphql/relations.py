"""Fields with resolvers, added to a type outside of its class.

Two types that refer to each other would otherwise need modules that import each other.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import strawberry
from strawberry.types.base import get_object_definition

R = TypeVar("R", bound=Callable[..., Any])


def relation(owner: type, *, description: str) -> Callable[[R], R]:
    """Adds the decorated resolver, whose `self` is an `owner`, to that type as a field of its name."""

    def attach(resolver: R) -> R:
        field: Any = strawberry.field(resolver=resolver, description=description)
        field.python_name, field.origin = resolver.__name__, owner
        get_object_definition(owner, strict=True).fields.append(field)
        return resolver

    return attach
