"""The gRPC methods of products."""

from souk.catalog.v1 import product_pb2
from souk.catalog.v1 import product_service_pb2 as pb

from catalog.products.domain import ProductWithStock
from catalog.products.messages import changes_from_proto, draft_from_proto, product_with_stock_to_proto
from catalog.products.use_cases import Products
from catalog.requests import expected_version, sees_stock
from kit.auth import AdminVerifier
from kit.rpc import Call
from kit.values import PRODUCT, encode_position, requested_page

_NEWEST = "products newest"


class ProductsRpc:
    """Reads are for every caller, writes for ADMIN: each verifies the role with the account service."""

    def __init__(self, products: Products, admins: AdminVerifier) -> None:
        self._products = products
        self._admins = admins

    async def create_product(self, request: pb.CreateProductRequest, call: Call) -> pb.CreateProductResponse:
        """Creates a product, and its category if it is new."""
        caller, draft = call.require_admin(), draft_from_proto(request)
        await self._admins.require_admin(caller)
        product = await self._products.create(caller, draft, address=call.address)
        return pb.CreateProductResponse(product=product_with_stock_to_proto(product, with_stock=True))

    async def get_product(self, request: pb.GetProductRequest, call: Call) -> pb.GetProductResponse:
        """One product."""
        product_id = PRODUCT.parse(request.product_id, "id")
        product = await self._products.get(
            product_id, quantities=sees_stock(call), omit_stock=request.omit_stock
        )
        return pb.GetProductResponse(product=_for_caller([product], call)[0])

    async def batch_get_products(
        self, request: pb.BatchGetProductsRequest, call: Call
    ) -> pb.BatchGetProductsResponse:
        """The products among the ids."""
        ids = PRODUCT.parse_all(request.product_ids, "product_ids")
        products = await self._products.get_many(ids, quantities=sees_stock(call))
        return pb.BatchGetProductsResponse(products=_for_caller(products, call))

    async def list_products(self, request: pb.ListProductsRequest, call: Call) -> pb.ListProductsResponse:
        """A page of all products, newest first."""
        after, size = requested_page(request, _NEWEST)
        products, has_next = await self._products.list_newest(after, size, quantities=sees_stock(call))
        return pb.ListProductsResponse(
            products=_for_caller(products, call), next_page_token=_cursor(products[-1]) if has_next else ""
        )

    async def update_product(self, request: pb.UpdateProductRequest, call: Call) -> pb.UpdateProductResponse:
        """Changes the given fields."""
        caller, product_id = call.require_admin(), PRODUCT.parse(request.product_id, "id")
        changes = changes_from_proto(request)
        await self._admins.require_admin(caller)
        product = await self._products.update(
            caller, product_id, changes, expected_version=expected_version(request), address=call.address
        )
        return pb.UpdateProductResponse(product=product_with_stock_to_proto(product, with_stock=True))

    async def delete_product(self, request: pb.DeleteProductRequest, call: Call) -> pb.DeleteProductResponse:
        """Deletes a product and returns it as it was."""
        caller, product_id = call.require_admin(), PRODUCT.parse(request.product_id, "id")
        await self._admins.require_admin(caller)
        product = await self._products.delete(caller, product_id, address=call.address)
        return pb.DeleteProductResponse(product=product_with_stock_to_proto(product, with_stock=True))


def _for_caller(products: list[ProductWithStock], call: Call) -> list[product_pb2.Product]:
    return [product_with_stock_to_proto(product, with_stock=sees_stock(call)) for product in products]


def _cursor(product: ProductWithStock) -> str:
    return encode_position(_NEWEST, product.product.create_time, product.product.id)
