"""What resolvers get per request: the caller, the services, order updates, and loaders that batch calls."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

import strawberry
from graphql import FieldNode, FragmentDefinitionNode
from strawberry.dataloader import DataLoader

from gateway.order_updates import OrderUpdates
from gateway.peers import Peers
from kit.auth import Principal
from kit.graphql.selection import selected

T = TypeVar("T")

# The limit of the services' Batch RPCs.
_MAX_BATCH = 100
# Bounds a response with orders or notifications of several accounts: messages have a size limit, and an order has up to 100 lines.
_MAX_ROWS_PER_RESPONSE = 1000
_DEFAULT_PAGE = 20
_MAX_PAGE = 100


class Context:
    """The context of one request."""

    __slots__ = ("_loaders", "_selected", "peers", "principal", "updates")

    def __init__(self, peers: Peers, principal: Principal | None, updates: OrderUpdates) -> None:
        self.peers = peers
        self.updates = updates
        self.principal = principal
        self._loaders: dict[str, DataLoader[str, Any]] = {}
        # The nodes live as long as the request's document, so id() is a valid key.
        self._selected: dict[tuple[Any, ...], bool] = {}

    async def load(
        self,
        name: str,
        key: str,
        load_many: Callable[[Sequence[str]], Awaitable[Mapping[str, T]]],
        max_batch: int = _MAX_BATCH,
    ) -> T | None:
        """Loads one key through the DataLoader `name`. Keys requested in the same event-loop tick are batched, up to `max_batch`.

        Returns None if `load_many` omits the key.
        """
        loader = self._loaders.get(name)
        if loader is None:

            async def fetch(keys: list[str]) -> list[T | None]:
                values = await load_many(keys)
                return [values.get(key) for key in keys]

            loader = self._loaders[name] = DataLoader(fetch, max_batch_size=max_batch)
        value: T | None = await loader.load(key)
        return value

    async def load_page(
        self,
        name: str,
        key: str,
        load_many: Callable[[Sequence[str]], Awaitable[Mapping[str, T]]],
        size: int | None,
    ) -> T | None:
        """Like `load`, for lists of `size` items, with smaller batches so that one response fits a message.

        `name` must contain the list's arguments.
        """
        # The service rejects an invalid size; here it only must not break the division.
        rows = _DEFAULT_PAGE if size is None else min(max(size, 1), _MAX_PAGE)
        return await self.load(name, key, load_many, min(_MAX_ROWS_PER_RESPONSE // rows, _MAX_BATCH))

    def selected(
        self,
        nodes: Sequence[FieldNode],
        path: tuple[str, ...],
        fragments: Mapping[str, FragmentDefinitionNode],
    ) -> bool:
        """`selected`, computed once for all rows of a list: they share the nodes."""
        key = (path, *map(id, nodes))
        if key not in self._selected:
            self._selected[key] = selected(nodes, path, fragments)
        return self._selected[key]

    def clear_loaders(self) -> None:
        """Drops loaded values, which a mutation may change."""
        self._loaders.clear()


Info = strawberry.Info[Context, None]


def selects(info: Info, *path: str) -> bool:
    """Whether the document selects the field at the end of `path` below the field being resolved."""
    raw = info._raw_info
    return info.context.selected(raw.field_nodes, path, raw.fragments)
