"""The gRPC edge of products: request -> call -> response. What the messages mean is in `messages`."""

from souk.catalog.v1 import product_service_pb2 as pb

from catalog.domain import Product
from catalog.messages import (
    category_to_proto,
    changes_from_proto,
    criteria_from_proto,
    draft_from_proto,
    facet_to_proto,
    prefix_from_proto,
    shown_to_proto,
    stock_change_from_proto,
    stock_count_from_proto,
)
from catalog.use_cases import Products
from kit.rpc import Call
from kit.values import PRODUCT, FieldReader, decode_position, encode_position

_NEWEST = "products newest"


class ProductRpc:
    """souk.catalog.v1.ProductService."""

    service = pb.DESCRIPTOR.services_by_name["ProductService"]

    def __init__(self, products: Products) -> None:
        self._products = products

    async def create_product(self, request: pb.CreateProductRequest, call: Call) -> pb.CreateProductResponse:
        """CreateProduct."""
        shown = await self._products.create(
            call.require_admin(), draft_from_proto(request), address=call.address
        )
        return pb.CreateProductResponse(product=shown_to_proto(shown, with_stock=True))

    async def get_product(self, request: pb.GetProductRequest, call: Call) -> pb.GetProductResponse:
        """GetProduct."""
        shown = await self._products.get(PRODUCT.parse(request.product_id, "id"))
        return pb.GetProductResponse(product=shown_to_proto(shown, with_stock=_sees_stock(call)))

    async def batch_get_products(
        self, request: pb.BatchGetProductsRequest, call: Call
    ) -> pb.BatchGetProductsResponse:
        """BatchGetProducts."""
        found = await self._products.get_many(PRODUCT.parse_all(request.product_ids, "product_ids"))
        with_stock = _sees_stock(call)
        return pb.BatchGetProductsResponse(
            products=[shown_to_proto(shown, with_stock=with_stock) for shown in found]
        )

    async def list_products(self, request: pb.ListProductsRequest, call: Call) -> pb.ListProductsResponse:
        """ListProducts."""
        given = FieldReader()
        size = given.page_size(request.page_size, "first")
        given.raise_if_invalid()
        after = decode_position(request.page_token, _NEWEST, "after")
        found, has_next = await self._products.newest(after, size)
        with_stock = _sees_stock(call)
        return pb.ListProductsResponse(
            products=[shown_to_proto(shown, with_stock=with_stock) for shown in found],
            next_page_token=_cursor(found[-1].product) if has_next else "",
        )

    async def search_products(
        self, request: pb.SearchProductsRequest, call: Call
    ) -> pb.SearchProductsResponse:
        """SearchProducts."""
        page = await self._products.search(criteria_from_proto(request))
        with_stock = _sees_stock(call)
        hits = [
            pb.SearchProductsResponse.Hit(
                product=shown_to_proto(shown, with_stock=with_stock), cursor=cursor, highlight=highlight
            )
            for shown, cursor, highlight in page.hits
        ]
        facets = map(facet_to_proto, page.facets)
        return pb.SearchProductsResponse(
            hits=hits, has_next_page=page.has_next, total_count=page.total, facets=facets
        )

    async def suggest_products(
        self, request: pb.SuggestProductsRequest, call: Call
    ) -> pb.SuggestProductsResponse:
        """SuggestProducts."""
        return pb.SuggestProductsResponse(
            suggestions=await self._products.suggest(*prefix_from_proto(request))
        )

    async def update_product(self, request: pb.UpdateProductRequest, call: Call) -> pb.UpdateProductResponse:
        """UpdateProduct."""
        caller = call.require_admin()
        shown = await self._products.update(
            caller,
            PRODUCT.parse(request.product_id, "id"),
            changes_from_proto(request),
            expected_version=request.expected_version if request.HasField("expected_version") else None,
            address=call.address,
        )
        return pb.UpdateProductResponse(product=shown_to_proto(shown, with_stock=True))

    async def delete_product(self, request: pb.DeleteProductRequest, call: Call) -> pb.DeleteProductResponse:
        """DeleteProduct."""
        shown = await self._products.delete(
            call.require_admin(), PRODUCT.parse(request.product_id, "id"), address=call.address
        )
        return pb.DeleteProductResponse(product=shown_to_proto(shown, with_stock=True))

    async def adjust_stock(self, request: pb.AdjustStockRequest, call: Call) -> pb.AdjustStockResponse:
        """AdjustStock."""
        caller = call.require_admin()
        shown = await self._products.adjust_stock(
            caller, stock_change_from_proto(request), address=call.address
        )
        return pb.AdjustStockResponse(product=shown_to_proto(shown, with_stock=True))

    async def set_stock(self, request: pb.SetStockRequest, call: Call) -> pb.SetStockResponse:
        """SetStock."""
        caller = call.require_admin()
        shown = await self._products.set_stock(caller, stock_count_from_proto(request), address=call.address)
        return pb.SetStockResponse(product=shown_to_proto(shown, with_stock=True))

    async def list_categories(
        self, request: pb.ListCategoriesRequest, call: Call
    ) -> pb.ListCategoriesResponse:
        """ListCategories."""
        counted = await self._products.categories()
        return pb.ListCategoriesResponse(categories=[category_to_proto(*each) for each in counted])


def _sees_stock(call: Call) -> bool:
    return call.principal is not None and call.principal.is_admin


def _cursor(product: Product) -> str:
    return encode_position(_NEWEST, product.create_time, product.id)
