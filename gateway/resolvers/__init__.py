"""The schema: queries, mutations, subscriptions and relations, one module per service.

Resolvers call `info.context.peers` and nothing else. Root fields are nullable, so that a failing service nulls its own field only.
"""

import strawberry

from gateway.resolvers.roots import Mutation, Query
from gateway.resolvers.subscription import Subscription
from kit.graphql import SCALARS, TextLimits, build_schema

# Beyond any text that a service accepts; each service checks the exact length.
TEXTS = TextLimits(default=2000, by_name={"description": 20_000})


def make_schema() -> strawberry.Schema:
    """The public API."""
    return build_schema(Query, Mutation, Subscription, scalars=SCALARS, texts=TEXTS)
