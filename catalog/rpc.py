"""The gRPC edge of souk.catalog.v1.ProductService, which covers all aggregates but reservations: request -> call -> response."""

from souk.catalog.v1 import product_pb2
from souk.catalog.v1 import product_service_pb2 as pb

from catalog.categories.messages import category_with_count_to_proto
from catalog.categories.use_cases import Categories
from catalog.ports import AdminVerifier
from catalog.products.domain import ProductWithStock
from catalog.products.messages import changes_from_proto, draft_from_proto, product_with_stock_to_proto
from catalog.products.use_cases import Products
from catalog.search.messages import criteria_from_proto, page_to_proto, prefix_from_proto
from catalog.search.use_cases import ProductSearch
from catalog.stock.messages import stock_change_from_proto, stock_override_from_proto
from catalog.stock.use_cases import Stock
from kit.rpc import Call
from kit.values import PRODUCT, FieldReader, decode_position, encode_position

_NEWEST = "products newest"


class ProductRpc:
    """Each write checks with the account service that the caller is still an ADMIN."""

    service = pb.DESCRIPTOR.services_by_name["ProductService"]

    def __init__(
        self,
        products: Products,
        categories: Categories,
        stock: Stock,
        search: ProductSearch,
        admins: AdminVerifier,
    ) -> None:
        self._products = products
        self._categories = categories
        self._stock = stock
        self._search = search
        self._admins = admins

    async def create_product(self, request: pb.CreateProductRequest, call: Call) -> pb.CreateProductResponse:
        """For ADMIN."""
        caller, draft = call.require_admin(), draft_from_proto(request)
        await self._admins.require_admin(caller)
        product = await self._products.create(caller, draft, address=call.address)
        return pb.CreateProductResponse(product=product_with_stock_to_proto(product, with_stock=True))

    async def get_product(self, request: pb.GetProductRequest, call: Call) -> pb.GetProductResponse:
        """For every caller."""
        product = await self._products.get(PRODUCT.parse(request.product_id, "id"))
        [message] = _for_caller([product], call)
        return pb.GetProductResponse(product=message)

    async def batch_get_products(
        self, request: pb.BatchGetProductsRequest, call: Call
    ) -> pb.BatchGetProductsResponse:
        """For every caller."""
        products = await self._products.get_many(PRODUCT.parse_all(request.product_ids, "product_ids"))
        return pb.BatchGetProductsResponse(products=_for_caller(products, call))

    async def list_products(self, request: pb.ListProductsRequest, call: Call) -> pb.ListProductsResponse:
        """For every caller."""
        reader = FieldReader()
        size = reader.page_size(request.page_size, "first")
        reader.raise_if_invalid()
        after = decode_position(request.page_token, _NEWEST, "after")
        products, has_next = await self._products.list_newest(after, size)
        return pb.ListProductsResponse(
            products=_for_caller(products, call), next_page_token=_cursor(products[-1]) if has_next else ""
        )

    async def search_products(
        self, request: pb.SearchProductsRequest, call: Call
    ) -> pb.SearchProductsResponse:
        """For every caller."""
        page = await self._search.search(criteria_from_proto(request))
        return page_to_proto(page, with_stock=_sees_stock(call))

    async def suggest_products(
        self, request: pb.SuggestProductsRequest, call: Call
    ) -> pb.SuggestProductsResponse:
        """For every caller."""
        suggestions = await self._search.suggest(*prefix_from_proto(request))
        return pb.SuggestProductsResponse(suggestions=suggestions)

    async def update_product(self, request: pb.UpdateProductRequest, call: Call) -> pb.UpdateProductResponse:
        """For ADMIN."""
        caller, product_id = call.require_admin(), PRODUCT.parse(request.product_id, "id")
        changes = changes_from_proto(request)
        await self._admins.require_admin(caller)
        product = await self._products.update(
            caller,
            product_id,
            changes,
            expected_version=request.expected_version if request.HasField("expected_version") else None,
            address=call.address,
        )
        return pb.UpdateProductResponse(product=product_with_stock_to_proto(product, with_stock=True))

    async def delete_product(self, request: pb.DeleteProductRequest, call: Call) -> pb.DeleteProductResponse:
        """For ADMIN."""
        caller, product_id = call.require_admin(), PRODUCT.parse(request.product_id, "id")
        await self._admins.require_admin(caller)
        product = await self._products.delete(caller, product_id, address=call.address)
        return pb.DeleteProductResponse(product=product_with_stock_to_proto(product, with_stock=True))

    async def adjust_stock(self, request: pb.AdjustStockRequest, call: Call) -> pb.AdjustStockResponse:
        """For ADMIN."""
        caller, change = call.require_admin(), stock_change_from_proto(request)
        await self._admins.require_admin(caller)
        product = await self._stock.adjust(caller, change, address=call.address)
        return pb.AdjustStockResponse(product=product_with_stock_to_proto(product, with_stock=True))

    async def set_stock(self, request: pb.SetStockRequest, call: Call) -> pb.SetStockResponse:
        """For ADMIN."""
        caller, override = call.require_admin(), stock_override_from_proto(request)
        await self._admins.require_admin(caller)
        product = await self._stock.override(caller, override, address=call.address)
        return pb.SetStockResponse(product=product_with_stock_to_proto(product, with_stock=True))

    async def list_categories(
        self, request: pb.ListCategoriesRequest, call: Call
    ) -> pb.ListCategoriesResponse:
        """For every caller."""
        categories = map(category_with_count_to_proto, await self._categories.list())
        return pb.ListCategoriesResponse(categories=categories)


def _for_caller(products: list[ProductWithStock], call: Call) -> list[product_pb2.Product]:
    return [product_with_stock_to_proto(product, with_stock=_sees_stock(call)) for product in products]


def _sees_stock(call: Call) -> bool:
    return call.principal is not None and call.principal.is_admin


def _cursor(product: ProductWithStock) -> str:
    return encode_position(_NEWEST, product.product.create_time, product.product.id)
