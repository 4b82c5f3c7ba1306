"""What resolvers get per request: the caller, the services, order updates, and loaders that batch calls."""

from collections.abc import Mapping, Sequence

import strawberry
from graphql import FieldNode, FragmentDefinitionNode

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

    def selected(
        self,
        nodes: Sequence[FieldNode],
        path: tuple[str, ...],
        fragments: Mapping[str, FragmentDefinitionNode],
    ) -> bool:
        """Computed once for each document while it is cached: its nodes keep the results."""
        if len(nodes) > 1:
            return super().selected(nodes, path, fragments)
        results: dict[tuple[str, ...], bool] = vars(nodes[0]).setdefault("selected", {})
        result = results.get(path)
        if result is None:
            result = results[path] = super().selected(nodes, path, fragments)
        return result


Info = strawberry.Info[Context, None]
