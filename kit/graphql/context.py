"""What resolvers of a request share: loaders that batch calls, and what the document selects."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

import strawberry
from strawberry.dataloader import DataLoader

from graphql import FieldNode, FragmentDefinitionNode
from kit.errors import NotFound
from kit.graphql.paging import PageRequest, page_size
from kit.graphql.selection import selected

T = TypeVar("T")
R = TypeVar("R", bound="ResolverContext")

# The limit of the services' Batch RPCs.
_MAX_BATCH: Final = 100
# Bounds a response with the lists of several objects: messages have a size limit, and an item may be large.
_MAX_ROWS_PER_RESPONSE: Final = 1000
_DEFAULT_PAGE: Final = 20
_MAX_PAGE: Final = 100


class ResolverContext:
    """Base of the context of one request."""

    __slots__ = ("_loaders",)

    def __init__(self) -> None:
        self._loaders: dict[str, DataLoader[str, Any]] = {}

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
        page: PageRequest,
    ) -> T | None:
        """Like `load`, for first pages of lists, with smaller batches so that one response fits a message.

        `name` must contain the list's arguments other than `page`.
        """
        # The service rejects an invalid size; here it only must not break the division.
        rows = min(max(page.size, 1), _MAX_PAGE) if page.size else _DEFAULT_PAGE
        batch = min(_MAX_ROWS_PER_RESPONSE // rows, _MAX_BATCH)
        return await self.load(f"{name} {page}", key, load_many, batch)

    def clear_loaders(self) -> None:
        """Drops loaded values, which a mutation may change."""
        self._loaders.clear()

    def selected(
        self,
        nodes: Sequence[FieldNode],
        path: tuple[str, ...],
        fragments: Mapping[str, FragmentDefinitionNode],
    ) -> bool:
        """`selected`, computed once for each document while it is cached: its nodes keep the results."""
        results: dict[tuple[Any, ...], bool] = vars(nodes[0]).setdefault("selected", {})
        # The nodes belong to one document and live as long as it does, so id() is a valid key.
        key = (path, *map(id, nodes))
        if key not in results:
            results[key] = selected(nodes, path, fragments)
        return results[key]


def selects(info: strawberry.Info[R, None], *path: str) -> bool:
    """Whether the document selects the field at the end of `path` below the field being resolved."""
    raw = info._raw_info
    return info.context.selected(raw.field_nodes, path, raw.fragments)


def page_request(info: strawberry.Info[R, None], first: int | None, after: str | None) -> PageRequest:
    """The page that a connection's arguments and selection ask for. Raises InvalidArgument for a size of 0."""
    return PageRequest(page_size(first), after or "", selects(info, "totalCount"))


async def or_none(call: Awaitable[T]) -> T | None:
    """The result of the call; None when it raises NotFound."""
    try:
        return await call
    except NotFound:
        return None
