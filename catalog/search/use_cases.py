"""Searching products and completing what a customer types. Everything comes from the index; `rpc` adds stock."""

from collections.abc import Sequence

from catalog.search.domain import Criteria
from catalog.search.ports import IndexReader


class ProductSearch:
    """The use cases of search."""

    def __init__(self, index: IndexReader) -> None:
        self._index = index

    async def search(self, criteria: Criteria) -> bytes:
        """The encoded page, without stock. Raises SearchUnavailable, or InvalidArgument for a cursor of another search."""
        return await self._index.search(criteria)

    async def suggest(self, prefix: str, size: int) -> Sequence[str]:
        """Names of products for a search box; raises SearchUnavailable."""
        return await self._index.suggest(prefix, size) if prefix else []
