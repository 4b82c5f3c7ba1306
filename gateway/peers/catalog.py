"""The catalog: products, categories, search. Stock is the order service's business with it."""

from collections.abc import Mapping, Sequence

import strawberry
from souk.catalog.v1 import product_pb2 as product
from souk.catalog.v1 import product_service_pb2 as pb

from gateway.peers.values import (
    amount,
    currency,
    given,
    instant,
    money,
    or_blank,
    page,
    page_size,
    text_or_none,
)
from gateway.schema.catalog import (
    Category,
    CreateProductInput,
    Facet,
    FacetValue,
    PriceFilter,
    Product,
    ProductConnection,
    ProductEdge,
    ProductFilter,
    ProductSort,
    SearchExtras,
    UpdateProductInput,
)
from kit.errors import InvalidArgument, Violation
from kit.identity import Identity
from kit.rpc import Peer

_USD = "USD"

# Lists show the same products again and again: a version of one is converted once.
_REMEMBERED = 8192
_known: dict[tuple[str, int, bool, int | None], Product] = {}


class Catalog(Peer):
    """Products."""

    def __init__(self, address: str, identity: Identity | None = None) -> None:
        super().__init__(address, pb.DESCRIPTOR.services_by_name["ProductService"], identity)

    async def create(self, wanted: CreateProductInput) -> Product:
        """CreateProduct."""
        request = pb.CreateProductRequest(
            name=wanted.name,
            description=wanted.description,
            price=money(wanted.price, wanted.currency or _USD, "price", currency_path=("currency",)),
            sku=or_blank(wanted.sku),
            category=or_blank(wanted.category),
            image_urls=wanted.images or (),
            stock=wanted.stock,
        )
        return _product((await self._call("CreateProduct", request, pb.CreateProductResponse)).product)

    async def update(
        self, product_id: str, changes: UpdateProductInput, expected_version: int | None
    ) -> Product:
        """UpdateProduct; what is required cannot be cleared."""
        faults = [
            Violation((name,), "must not be null")
            for name in ("name", "description", "price")
            if getattr(changes, name) is None
        ]
        if faults:
            raise InvalidArgument("what is required cannot be cleared", fields=faults)
        request = pb.UpdateProductRequest(product_id=product_id, expected_version=expected_version)
        for name in ("name", "description", "sku", "category"):
            if given(value := getattr(changes, name)):
                setattr(request, name, value or "")
        if given(changes.images):
            request.images.urls.extend(changes.images or ())
            request.images.SetInParent()
        if given(changes.price) and changes.price is not None:
            code = (await self.get(product_id)).currency
            request.price.CopyFrom(money(changes.price, code, "price", currency_path=("price",)))
        return _product((await self._call("UpdateProduct", request, pb.UpdateProductResponse)).product)

    async def delete(self, product_id: str) -> Product:
        """DeleteProduct."""
        request = pb.DeleteProductRequest(product_id=product_id)
        return _product((await self._call("DeleteProduct", request, pb.DeleteProductResponse)).product)

    async def adjust_stock(self, product_id: str, delta: int, reason: str | None, key: str) -> Product:
        """AdjustStock."""
        request = pb.AdjustStockRequest(
            product_id=product_id, delta=delta, reason=reason or "", request_id=key
        )
        return _product((await self._call("AdjustStock", request, pb.AdjustStockResponse)).product)

    async def set_stock(
        self, product_id: str, stock: int | None, expected: int | None, reason: str | None
    ) -> Product:
        """SetStock; without stock the product is not tracked any more."""
        request = pb.SetStockRequest(
            product_id=product_id, stock=stock, expected=expected, reason=reason or ""
        )
        return _product((await self._call("SetStock", request, pb.SetStockResponse)).product)

    async def get(self, product_id: str) -> Product:
        """GetProduct."""
        request = pb.GetProductRequest(product_id=product_id)
        return _product((await self._call("GetProduct", request, pb.GetProductResponse)).product)

    async def batch_get(self, ids: Sequence[str]) -> Mapping[str, Product]:
        """BatchGetProducts, by id."""
        request = pb.BatchGetProductsRequest(product_ids=ids)
        answer = await self._call("BatchGetProducts", request, pb.BatchGetProductsResponse)
        return {found.id: _product(found) for found in answer.products}

    async def search(
        self,
        query: str | None,
        which: ProductFilter | None,
        sort: ProductSort | None,
        first: int | None,
        after: str | None,
        extras: SearchExtras,
    ) -> ProductConnection:
        """SearchProducts."""
        request = pb.SearchProductsRequest(
            query=query or "",
            sort="PRODUCT_SORT_" + (sort or ProductSort.RELEVANCE).name,
            page_size=page_size(first),
            page_token=after or "",
            count_total=extras.total,
            count_facets=extras.facets,
            highlight=extras.highlights,
        )
        if which is not None:
            if which.categories is not None:
                request.category_filter.CopyFrom(pb.CategorySlugs(values=which.categories))
                # For a catalog that does not know the filter yet.
                request.categories.extend(which.categories)
            if which.available is not None:
                request.available = which.available
            if which.price is not None:
                _bound(request, which.price)
        answer = await self._call("SearchProducts", request, pb.SearchProductsResponse)
        edges = [
            ProductEdge(cursor=hit.cursor, node=_product(hit.product), highlight=text_or_none(hit.highlight))
            for hit in answer.hits
        ]
        return ProductConnection(
            **page(edges, has_next=answer.has_next_page, after=after),
            total_count=answer.total_count if answer.HasField("total_count") else None,
            facets=[_facet(facet) for facet in answer.facets] if extras.facets else None,
        )

    async def suggest(self, prefix: str, first: int | None) -> list[str]:
        """SuggestProducts."""
        request = pb.SuggestProductsRequest(prefix=prefix, page_size=page_size(first))
        return list((await self._call("SuggestProducts", request, pb.SuggestProductsResponse)).suggestions)

    async def categories(self) -> list[Category]:
        """ListCategories."""
        answer = await self._call("ListCategories", pb.ListCategoriesRequest(), pb.ListCategoriesResponse)
        return [_category(found) for found in answer.categories]


def _bound(request: pb.SearchProductsRequest, price: PriceFilter) -> None:
    code = price.currency or _USD
    request.currency = code
    for name, bound in (("min", price.min), ("max", price.max)):
        if bound is not None:
            path = ("filter", "price")
            message = money(bound, code, *path, name, currency_path=(*path, "currency"))
            getattr(request, f"{name}_price").CopyFrom(message)


def _product(message: product.Product) -> Product:
    stock = message.stock if message.HasField("stock") else None
    key = (message.id, message.version, message.available, stock)
    known = _known.get(key)
    if known is None:
        if len(_known) >= _REMEMBERED:
            _known.clear()
        known = _known[key] = _converted(message, stock)
    return known


def _converted(message: product.Product, stock: int | None) -> Product:
    return Product(
        id=strawberry.ID(message.id),
        name=message.name,
        description=message.description,
        price=amount(message.price),
        currency=currency(message.price),
        sku=text_or_none(message.sku),
        category=_category(message.category) if message.HasField("category") else None,
        images=list(message.image_urls),
        stock=stock,
        available=message.available,
        version=message.version,
        created_at=instant(message.create_time),
        updated_at=instant(message.update_time),
    )


def _category(message: product.Category) -> Category:
    count = message.product_count if message.HasField("product_count") else None
    return Category(id=strawberry.ID(message.id), slug=message.slug, name=message.name, product_count=count)


def _facet(message: pb.Facet) -> Facet:
    values = [FacetValue(value=each.value, count=each.count) for each in message.values]
    return Facet(name=message.name, values=values)
