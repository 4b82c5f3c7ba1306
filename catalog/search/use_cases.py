"""Searching products and completing what a customer types. Stock comes from the tables, everything else from the index."""

from collections.abc import Sequence

from catalog.products.use_cases import Products
from catalog.search.domain import Criteria, Hit, SearchPage
from catalog.search.ports import IndexReader


class ProductSearch:
    """The use cases of search."""

    def __init__(self, index: IndexReader, products: Products) -> None:
        self._index = index
        self._products = products

    async def search(self, criteria: Criteria, *, quantities: bool = True) -> SearchPage:
        """Raises SearchUnavailable, or InvalidArgument for a cursor of another search. `quantities`: see `Products.with_stock`."""
        result = await self._index.search(criteria)
        products = await self._products.with_stock(
            [product for product, _ in result.hits], quantities=quantities
        )
        cursors = [cursor for _, cursor in result.hits]
        highlights = result.highlights or [""] * len(cursors)
        hits = tuple(map(Hit, products, cursors, highlights))
        return SearchPage(hits, result.has_next, result.total, result.facets)

    async def suggest(self, prefix: str, size: int) -> Sequence[str]:
        """Names of products for a search box; raises SearchUnavailable."""
        return await self._index.suggest(prefix, size) if prefix else []
