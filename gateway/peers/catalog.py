"""The catalog service: products, categories, search and free stock. The order service reserves stock."""

from collections.abc import Mapping, Sequence
from functools import lru_cache

import strawberry
from souk.catalog.v1 import product_pb2 as product
from souk.catalog.v1 import product_service_pb2 as pb
from souk.catalog.v1 import variant_pb2 as variant

from gateway.types.catalog import (
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
from gateway.types.options import ProductOption
from kit.errors import InvalidArgument, Violation
from kit.graphql import PageRequest
from kit.graphql.conversions import (
    amount,
    check_currency,
    currency,
    instant,
    is_set,
    money,
    or_blank,
    text_or_none,
)
from kit.graphql.paging import connection, page_size
from kit.identity import Identity
from kit.rpc import Peer

_USD = "USD"
_STANDARD_TAX_CLASS = "standard"

# Equal searches get equal pages while catalog caches them. At most 8 MB of encoded pages.
_CACHED_PAGES = 256
_MAX_CACHED_PAGE_BYTES = 32 * 1024
# Lists repeat products, so each version of a product is converted once.
_MAX_CACHED = 8192
_MAX_INT = 2**31 - 1
_cache: dict[tuple[str, int, bool, int | None], Product] = {}


class Catalog(Peer):
    """Products."""

    def __init__(self, address: str, identity: Identity | None = None) -> None:
        super().__init__(address, pb.DESCRIPTOR.services_by_name["ProductService"], identity)

    async def create(self, input: CreateProductInput) -> Product:
        """CreateProduct."""
        request = pb.CreateProductRequest(
            name=input.name,
            description=input.description,
            price=money(
                input.price,
                _USD if input.currency is None else input.currency,
                "price",
                currency_path=("currency",),
            ),
            sku=or_blank(input.sku),
            category=or_blank(input.category),
            image_urls=input.images or (),
            stock=input.stock,
            tax_class=or_blank(input.tax_class),
        )
        return product_of((await self._call("CreateProduct", request, pb.CreateProductResponse)).product)

    async def update(
        self, product_id: str, changes: UpdateProductInput, expected_version: int | None
    ) -> Product:
        """UpdateProduct; required fields cannot be cleared."""
        violations = [
            Violation((name,), "must not be null")
            for name in ("name", "description", "price")
            if getattr(changes, name) is None
        ]
        if violations:
            raise InvalidArgument("a required field cannot be null", fields=violations)
        request = pb.UpdateProductRequest(product_id=product_id, expected_version=expected_version)
        for name in ("name", "description", "sku", "category"):
            if is_set(value := getattr(changes, name)):
                setattr(request, name, or_blank(value))
        if is_set(changes.tax_class):
            request.tax_class = changes.tax_class or _STANDARD_TAX_CLASS
        if is_set(changes.images):
            request.images.urls.extend(changes.images or ())
            request.images.SetInParent()
        if is_set(changes.price) and changes.price is not None:
            code = (await self.get(product_id, stock=False)).currency
            request.price.CopyFrom(money(changes.price, code, "price", currency_path=("price",)))
        return product_of((await self._call("UpdateProduct", request, pb.UpdateProductResponse)).product)

    async def delete(self, product_id: str) -> Product:
        """DeleteProduct."""
        request = pb.DeleteProductRequest(product_id=product_id)
        return product_of((await self._call("DeleteProduct", request, pb.DeleteProductResponse)).product)

    async def adjust_stock(self, product_id: str, delta: int, reason: str | None, key: str) -> Product:
        """AdjustStock."""
        request = pb.AdjustStockRequest(
            product_id=product_id, delta=delta, reason=reason or "", request_id=key
        )
        return product_of((await self._call("AdjustStock", request, pb.AdjustStockResponse)).product)

    async def set_stock(
        self, product_id: str, stock: int | None, expected: int | None, reason: str | None
    ) -> Product:
        """SetStock; None stops tracking."""
        request = pb.SetStockRequest(
            product_id=product_id, stock=stock, expected=expected, reason=reason or ""
        )
        return product_of((await self._call("SetStock", request, pb.SetStockResponse)).product)

    async def get(self, product_id: str, *, stock: bool) -> Product:
        """GetProduct; `stock`: whether `stock` and `available` are needed."""
        request = pb.GetProductRequest(product_id=product_id, omit_stock=not stock)
        return product_of((await self._call("GetProduct", request, pb.GetProductResponse)).product)

    async def batch_get(self, ids: Sequence[str]) -> Mapping[str, Product]:
        """BatchGetProducts, by id."""
        request = pb.BatchGetProductsRequest(product_ids=ids)
        response = await self._call("BatchGetProducts", request, pb.BatchGetProductsResponse)
        return {message.id: product_of(message) for message in response.products}

    async def search(
        self,
        query: str | None,
        filter: ProductFilter | None,
        sort: ProductSort | None,
        page: PageRequest,
        extras: SearchExtras,
    ) -> ProductConnection:
        """SearchProducts."""
        request = pb.SearchProductsRequest(
            query=query or "",
            sort="PRODUCT_SORT_" + (sort or ProductSort.RELEVANCE).name,
            page_size=page.size,
            page_token=page.token,
            count_total=page.count,
            count_facets=extras.facets,
            highlight=extras.highlights,
            omit_stock=not extras.stock,
        )
        if filter is not None:
            if filter.categories is not None:
                request.category_filter.CopyFrom(pb.CategorySlugs(values=filter.categories))
                # For a catalog version without category_filter, during a rolling update.
                request.categories.extend(filter.categories)
            if filter.available is not None:
                request.available = filter.available
            if filter.price is not None:
                _set_price_range(request, filter.price)
            for option in filter.options or ():
                request.options.add(name=option.name, values=option.values)
        response = await self._call_encoded("SearchProducts", request)
        convert = _page if len(response) <= _MAX_CACHED_PAGE_BYTES else _page.__wrapped__
        return convert(response, page.token, extras.facets)

    async def suggest(self, prefix: str, first: int | None) -> list[str]:
        """SuggestProducts."""
        request = pb.SuggestProductsRequest(prefix=prefix, page_size=page_size(first))
        return list((await self._call("SuggestProducts", request, pb.SuggestProductsResponse)).suggestions)

    async def categories(self) -> list[Category]:
        """ListCategories."""
        response = await self._call("ListCategories", pb.ListCategoriesRequest(), pb.ListCategoriesResponse)
        return [_category(message) for message in response.categories]


@lru_cache(_CACHED_PAGES)
def _page(encoded: bytes, token: str, with_facets: bool) -> ProductConnection:
    response = pb.SearchProductsResponse.FromString(encoded)
    edges = [
        ProductEdge(cursor=hit.cursor, node=product_of(hit.product), highlight=text_or_none(hit.highlight))
        for hit in response.hits
    ]
    facets = [_facet(facet) for facet in response.facets] if with_facets else None
    return connection(ProductConnection, edges, response, token, facets=facets)


def _set_price_range(request: pb.SearchProductsRequest, price: PriceFilter) -> None:
    code = _USD if price.currency is None else price.currency
    check_currency(code, "filter", "price", "currency")
    request.currency = code
    for name, bound in (("min", price.min), ("max", price.max)):
        if bound is not None:
            path = ("filter", "price")
            message = money(bound, code, *path, name, currency_path=(*path, "currency"))
            getattr(request, f"{name}_price").CopyFrom(message)


def free_stock(message: product.Product | variant.Variant) -> int | None:
    """None if it is not tracked, or not for the caller. The largest Int also stands for what is larger."""
    return min(message.stock, _MAX_INT) if message.HasField("stock") else None


def product_of(message: product.Product) -> Product:
    """A product of the catalog's message."""
    stock = free_stock(message)
    key = (message.id, message.version, message.available, stock)
    cached = _cache.get(key)
    if cached is None:
        if len(_cache) >= _MAX_CACHED:
            _cache.clear()
        cached = _cache[key] = _convert(message, stock)
    return cached


def _convert(message: product.Product, stock: int | None) -> Product:
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
        options=[ProductOption(name=option.name, values=list(option.values)) for option in message.options],
        # A catalog of the release before variants sends neither of these.
        price_max=amount(message.price_max if message.HasField("price_max") else message.price),
        tax_class=message.tax_class or _STANDARD_TAX_CLASS,
    )


def _category(message: product.Category) -> Category:
    count = message.product_count if message.HasField("product_count") else None
    return Category(id=strawberry.ID(message.id), slug=message.slug, name=message.name, product_count=count)


def _facet(message: pb.Facet) -> Facet:
    values = [FacetValue(value=facet.value, count=facet.count) for facet in message.values]
    return Facet(name=message.name, values=values)
