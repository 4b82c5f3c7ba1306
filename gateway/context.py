"""What resolvers know of the request: who asks, the services, what changes, and loaders that live as long as the request."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import strawberry
from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    SelectionSetNode,
)
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

    __slots__ = ("_loaders", "_selected", "peers", "principal", "updates")

    def __init__(self, peers: "Peers", principal: Principal | None, updates: OrderUpdates) -> None:
        self.peers = peers
        self.updates = updates
        self.principal = principal
        self._loaders: dict[str, DataLoader[str, Any]] = {}
        # The nodes live as long as the document of this request, so that their identity is a key.
        self._selected: dict[tuple[Any, ...], bool] = {}

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

    def selected(
        self,
        nodes: Sequence[FieldNode],
        path: tuple[str, ...],
        fragments: Mapping[str, FragmentDefinitionNode],
    ) -> bool:
        """`selected`, worked out once for all rows of a list: they are asked the same."""
        key = (path, *map(id, nodes))
        if key not in self._selected:
            self._selected[key] = selected(nodes, path, fragments)
        return self._selected[key]

    def forget(self) -> None:
        """Drops what was loaded: a mutation may have changed it."""
        self._loaders.clear()


Info = strawberry.Info[Context, None]


def selects(info: Info, *path: str) -> bool:
    """Whether the field being resolved is asked for the field at the end of `path`."""
    raw = info._raw_info
    return info.context.selected(raw.field_nodes, path, raw.fragments)


def selected(
    nodes: Sequence[FieldNode], path: Sequence[str], fragments: Mapping[str, FragmentDefinitionNode]
) -> bool:
    """Whether these fields select the one at the end of `path`; each fragment is looked at once on each step of it."""
    sets = [node.selection_set for node in nodes]
    for name in path:
        sets = [field.selection_set for field in _named(sets, name, fragments)]
        if not sets:
            return False
    return True


def _named(
    sets: Sequence[SelectionSetNode | None], name: str, fragments: Mapping[str, FragmentDefinitionNode]
) -> list[FieldNode]:
    found: list[FieldNode] = []
    spread: set[str] = set()
    unread = [each for each in sets if each]
    while unread:
        for node in unread.pop().selections:
            if isinstance(node, FieldNode):
                if node.name.value == name:
                    found.append(node)
            elif isinstance(node, InlineFragmentNode):
                unread.append(node.selection_set)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in spread:
                spread.add(node.name.value)
                unread.append(fragments[node.name.value].selection_set)
    return found
