"""A fake of the catalog, as its contract says."""

from typing import Any

from souk.catalog.v1 import product_pb2
from souk.catalog.v1 import product_service_pb2 as catalog

from gateway.tests.fakes.recorder import NOW, Recorder
from kit.rpc import Call
from kit.testing.contracts import UnimplementedServicer
from kit.values import PRODUCT, Money, money_to_proto


def one_product(product_id: str, name: str = "Mug") -> product_pb2.Product:
    return product_pb2.Product(
        id=product_id,
        name=name,
        description="of steel",
        price=money_to_proto(Money(999, "USD")),
        available=True,
        version=1,
        create_time=NOW,
        update_time=NOW,
    )


def shown(request: Any, product_id: str) -> product_pb2.Product:
    """Without what the request omits."""
    product = one_product(product_id)
    if request.omit_stock:
        product.ClearField("stock")
        product.ClearField("available")
    return product


class ProductRpc(UnimplementedServicer):
    service = catalog.DESCRIPTOR.services_by_name["ProductService"]

    def __init__(self, recorder: Recorder) -> None:
        self._record = recorder.record
        self._takes_its_time = recorder.takes_its_time
        self.product_ids = [PRODUCT.format(PRODUCT.new()) for _ in range(3)]

    async def create_product(self, request: Any, call: Call) -> catalog.CreateProductResponse:
        self._record("CreateProduct", request, call)
        made = one_product(PRODUCT.format(PRODUCT.new()), request.name)
        made.price.CopyFrom(request.price)
        return catalog.CreateProductResponse(product=made)

    async def get_product(self, request: Any, call: Call) -> catalog.GetProductResponse:
        self._record("GetProduct", request, call)
        await self._takes_its_time()
        return catalog.GetProductResponse(product=shown(request, request.product_id))

    async def batch_get_products(self, request: Any, call: Call) -> catalog.BatchGetProductsResponse:
        self._record("BatchGetProducts", request, call)
        return catalog.BatchGetProductsResponse(products=map(one_product, request.product_ids))

    async def list_products(self, request: Any, call: Call) -> catalog.ListProductsResponse:
        raise AssertionError("the gateway searches")

    async def search_products(self, request: Any, call: Call) -> catalog.SearchProductsResponse:
        self._record("SearchProducts", request, call)
        ids = self.product_ids
        if request.page_size > len(ids):
            ids = [PRODUCT.format(PRODUCT.new()) for _ in range(request.page_size)]
        hits = [
            catalog.SearchProductsResponse.Hit(
                product=shown(request, product_id),
                cursor=f"after {product_id}",
                highlight="<em>Mug</em>" if request.highlight else "",
            )
            for product_id in ids
        ]
        total = len(self.product_ids) if request.count_total else None
        facet = catalog.Facet(name="currency", values=[catalog.FacetValue(value="USD", count=3)])
        facets = [facet] if request.count_facets else []
        return catalog.SearchProductsResponse(hits=hits, has_next_page=True, total_count=total, facets=facets)

    async def suggest_products(self, request: Any, call: Call) -> catalog.SuggestProductsResponse:
        self._record("SuggestProducts", request, call)
        return catalog.SuggestProductsResponse(suggestions=[f"{request.prefix}top", f"{request.prefix}pad"])

    async def update_product(self, request: Any, call: Call) -> catalog.UpdateProductResponse:
        self._record("UpdateProduct", request, call)
        return catalog.UpdateProductResponse(product=one_product(request.product_id))

    async def delete_product(self, request: Any, call: Call) -> catalog.DeleteProductResponse:
        self._record("DeleteProduct", request, call)
        return catalog.DeleteProductResponse(product=one_product(request.product_id))

    async def adjust_stock(self, request: Any, call: Call) -> catalog.AdjustStockResponse:
        self._record("AdjustStock", request, call)
        changed = one_product(request.product_id)
        changed.stock = 10 + request.delta
        return catalog.AdjustStockResponse(product=changed)

    async def set_stock(self, request: Any, call: Call) -> catalog.SetStockResponse:
        self._record("SetStock", request, call)
        changed = one_product(request.product_id)
        if request.HasField("stock"):
            changed.stock = request.stock
        return catalog.SetStockResponse(product=changed)

    async def list_categories(self, request: Any, call: Call) -> catalog.ListCategoriesResponse:
        self._record("ListCategories", request, call)
        return catalog.ListCategoriesResponse(
            categories=[product_pb2.Category(id="cat_1", slug="s", name="S", product_count=4)]
        )
