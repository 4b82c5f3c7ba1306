"""What resolvers get per request: the caller, the services, order updates, and loaders that batch calls."""

import strawberry

from gateway.order_updates import OrderUpdates
from gateway.peers import Peers
from kit.auth import Principal
from kit.graphql import ResolverContext


class Context(ResolverContext):
    """The context of one request."""

    __slots__ = ("peers", "principal", "updates")

    def __init__(self, peers: Peers, principal: Principal | None, updates: OrderUpdates) -> None:
        super().__init__()
        self.peers = peers
        self.updates = updates
        self.principal = principal


Info = strawberry.Info[Context, None]
