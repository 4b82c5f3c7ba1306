"""An in-memory search index."""

from collections.abc import Sequence

from catalog.products.domain import Product
from catalog.search.domain import Criteria, Facet, FacetValue, SearchResult
from catalog.search.messages import encode_page


class FakeIndexReader:
    """Every search matches all `products`; records the criteria."""

    def __init__(self) -> None:
        self.products: list[Product] = []
        self.searches: list[Criteria] = []

    async def search(self, criteria: Criteria) -> bytes:
        self.searches.append(criteria)
        page = self.products[: criteria.size]
        hits = tuple((product, f"after {product.name}") for product in page)
        facets = (Facet("availability", (FacetValue("available", len(self.products)),)),)
        highlights = tuple(f"<em>{product.name}</em>" for product in page)
        result = SearchResult(
            hits,
            len(self.products) > criteria.size,
            len(self.products) if criteria.count_total else None,
            facets if criteria.facets else (),
            highlights if criteria.highlight else (),
        )
        return encode_page(result)

    async def suggest(self, prefix: str, size: int) -> Sequence[str]:
        return [product.name for product in self.products if product.name.startswith(prefix)][:size]
