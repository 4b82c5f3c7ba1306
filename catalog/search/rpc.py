"""The gRPC methods of search."""

from souk.catalog.v1 import product_service_pb2 as pb

from catalog.products.messages import decode_product
from catalog.products.use_cases import Products
from catalog.requests import sees_stock
from catalog.search.messages import criteria_from_proto, prefix_from_proto
from catalog.search.use_cases import ProductSearch
from kit.rpc import Call, Encoded


class SearchRpc:
    """SearchProducts and SuggestProducts, for every caller."""

    def __init__(self, search: ProductSearch, products: Products) -> None:
        self._search = search
        self._products = products

    async def search_products(
        self, request: pb.SearchProductsRequest, call: Call
    ) -> pb.SearchProductsResponse | Encoded:
        """A page of hits, with the total, facets and highlights on request."""
        encoded = await self._search.search(criteria_from_proto(request))
        if request.omit_stock:
            return Encoded(encoded)
        page = pb.SearchProductsResponse.FromString(encoded)
        messages = [hit.product for hit in page.hits]
        with_stock = sees_stock(call)
        products = [decode_product(message.SerializeToString()) for message in messages]
        products_with_stock = await self._products.with_stock(products, quantities=with_stock)
        for message, product in zip(messages, products_with_stock, strict=True):
            message.available = product.available
            if with_stock and product.stock is not None:
                message.stock = product.stock
        return page

    async def suggest_products(
        self, request: pb.SuggestProductsRequest, call: Call
    ) -> pb.SuggestProductsResponse:
        """Names that complete a prefix."""
        suggestions = await self._search.suggest(*prefix_from_proto(request))
        return pb.SuggestProductsResponse(suggestions=suggestions)
