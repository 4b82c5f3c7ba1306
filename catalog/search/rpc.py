"""The gRPC methods of search."""

from souk.catalog.v1 import product_service_pb2 as pb

from catalog.requests import sees_stock
from catalog.search.messages import criteria_from_proto, page_to_proto, prefix_from_proto
from catalog.search.use_cases import ProductSearch
from kit.rpc import Call


class SearchRpc:
    """SearchProducts and SuggestProducts, for every caller."""

    def __init__(self, search: ProductSearch) -> None:
        self._search = search

    async def search_products(
        self, request: pb.SearchProductsRequest, call: Call
    ) -> pb.SearchProductsResponse:
        """A page of hits, with the total, facets and highlights on request."""
        with_stock = sees_stock(call)
        page = await self._search.search(criteria_from_proto(request), quantities=with_stock)
        return page_to_proto(page, with_stock=with_stock)

    async def suggest_products(
        self, request: pb.SuggestProductsRequest, call: Call
    ) -> pb.SuggestProductsResponse:
        """Names that complete a prefix."""
        suggestions = await self._search.suggest(*prefix_from_proto(request))
        return pb.SuggestProductsResponse(suggestions=suggestions)
