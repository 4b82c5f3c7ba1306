"""The GraphQL schema: one room per service it fronts; names, arguments and nullability are the public API.

Resolvers ask `info.context.peers` and nothing else. Plain fields have no resolver, so that they cost nothing.
"""

import strawberry
from strawberry.schema.config import StrawberryConfig

from gateway.schema.root import Mutation, Query
from gateway.schema.scalars import SCALARS
from gateway.schema.subscription import Subscription


def build_schema() -> strawberry.Schema:
    """The schema."""
    return strawberry.Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        config=StrawberryConfig(scalar_map=SCALARS),
    )
