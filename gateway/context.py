"""What resolvers know of the request: who asks, the services, what changes, and loaders that live as long as the request."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import strawberry
from graphql import FieldNode, FragmentSpreadNode, InlineFragmentNode, SelectionSetNode
from strawberry.dataloader import DataLoader

from gateway.order_updates import OrderUpdates
from kit.auth import Principal

if TYPE_CHECKING:
    from gateway.peers import Peers

T = TypeVar("T")

# What the services' Batch RPCs take at once.
_LARGEST_BATCH = 100
# Orders, or notifications, of several accounts in one answer: messages have a limit, and an order has up to 100 lines.
_LARGEST_ANSWER = 1000
_USUAL_PAGE = 20
_LARGEST_PAGE = 100


class Context:
    """One request."""

    __slots__ = ("_loaders", "peers", "principal", "updates")

    def __init__(self, peers: "Peers", principal: Principal | None, updates: OrderUpdates) -> None:
        self.peers = peers
        self.updates = updates
        self.principal = principal
        self._loaders: dict[str, DataLoader[str, Any]] = {}

    async def load(
        self,
        name: str,
        key: str,
        many: Callable[[Sequence[str]], Awaitable[Mapping[str, T]]],
        most: int = _LARGEST_BATCH,
    ) -> T | None:
        """What `many` answers for a key, asked together with all other keys of this moment, `most` at once; None when left out."""
        loader = self._loaders.get(name)
        if loader is None:

            async def fetch(keys: list[str]) -> list[T | None]:
                found = await many(keys)
                return [found.get(each) for each in keys]

            loader = self._loaders[name] = DataLoader(fetch, max_batch_size=most)
        found: T | None = await loader.load(key)
        return found

    async def load_page(
        self,
        name: str,
        key: str,
        many: Callable[[Sequence[str]], Awaitable[Mapping[str, T]]],
        size: int | None,
    ) -> T | None:
        """The same for lists of `size` each; `name` tells their arguments. So many lists at once as one message has room for."""
        # What no page may have is refused by whoever is asked.
        rows = _USUAL_PAGE if size is None else min(max(size, 1), _LARGEST_PAGE)
        return await self.load(name, key, many, min(_LARGEST_ANSWER // rows, _LARGEST_BATCH))

    def forget(self) -> None:
        """Drops what was loaded: a mutation may have changed it."""
        self._loaders.clear()


Info = strawberry.Info[Context, None]


def selects(info: Info, *path: str) -> bool:
    """Whether the field being resolved is asked for the field at the end of `path`."""
    raw = info._raw_info
    return any(_selects(node.selection_set, path, raw.fragments) for node in raw.field_nodes)


def _selects(selections: SelectionSetNode | None, path: Sequence[str], fragments: Mapping[str, Any]) -> bool:
    for node in selections.selections if selections else ():
        if isinstance(node, FieldNode):
            if node.name.value == path[0] and (
                len(path) == 1 or _selects(node.selection_set, path[1:], fragments)
            ):
                return True
        elif isinstance(node, InlineFragmentNode):
            if _selects(node.selection_set, path, fragments):
                return True
        elif isinstance(node, FragmentSpreadNode) and _selects(
            fragments[node.name.value].selection_set, path, fragments
        ):
            return True
    return False
