"""Queries and mutations of products, categories and stock."""

from typing import Annotated

import strawberry
from strawberry import argument

from gateway.context import Info
from gateway.resolvers.arguments import IdempotencyKey, ProductId, SoldId
from gateway.types.catalog import (
    Category,
    CreateProductInput,
    Product,
    ProductConnection,
    ProductFilter,
    ProductSort,
    SearchExtras,
    UpdateProductInput,
)
from kit.graphql import After, First, or_none, page_request, selects

StockReason = Annotated[str | None, argument("For the audit log; 0-500 characters.")]


def _selects_stock(info: Info, *path: str) -> bool:
    """Whether the document selects a field of the products at `path` for which catalog must query its database."""
    return selects(info, *path, "available") or selects(info, *path, "stock")


@strawberry.type
class CatalogQueries:
    """Products and categories."""

    @strawberry.field(description="Public.")
    async def product(self, info: Info, id: ProductId) -> Product | None:
        """One product."""
        return await or_none(info.context.peers.catalog.get(id, stock=_selects_stock(info)))

    @strawberry.field(
        description="Public. Full-text search with typo tolerance, filters and facets; without a query, RELEVANCE sorts as NEWEST."
    )
    async def products(
        self,
        info: Info,
        query: Annotated[str | None, argument("Search text, 0-200 characters.")] = None,
        filter: Annotated[ProductFilter | None, argument("Only products that match.")] = None,
        sort: Annotated[ProductSort | None, argument("The order of the results.")] = ProductSort.RELEVANCE,
        first: First = 20,
        after: After = None,
    ) -> ProductConnection | None:
        """Search."""
        page = page_request(info, first, after)
        stock = _selects_stock(info, "nodes") or _selects_stock(info, "edges", "node")
        extras = SearchExtras(selects(info, "facets"), selects(info, "edges", "highlight"), stock)
        return await info.context.peers.catalog.search(query, filter, sort, page, extras)

    @strawberry.field(description="Public. Completions for a search box.")
    async def product_suggestions(
        self,
        info: Info,
        prefix: Annotated[str, argument("The text typed so far, 0-200 characters.")],
        first: First = 10,
    ) -> list[str] | None:
        """Search suggestions."""
        return await info.context.peers.catalog.suggest(prefix, first)

    @strawberry.field(description="Public. All categories, by name.")
    async def categories(self, info: Info) -> list[Category] | None:
        """All categories with their number of products."""
        return await info.context.peers.catalog.categories()


@strawberry.type
class CatalogMutations:
    """Changes of products and stock."""

    @strawberry.mutation(description="ADMIN.")
    async def create_product(
        self, info: Info, input: Annotated[CreateProductInput, argument("The product.")]
    ) -> Product | None:
        """CreateProduct."""
        return await info.context.peers.catalog.create(input)

    @strawberry.mutation(
        description="ADMIN. Omitted fields keep their value; null clears an optional field; lists are replaced as a whole. An "
        "outdated expectedVersion fails with VERSION_CONFLICT."
    )
    async def update_product(
        self,
        info: Info,
        id: ProductId,
        input: Annotated[UpdateProductInput, argument("The changes.")],
        expected_version: Annotated[int | None, argument("The version that the client has read.")] = None,
    ) -> Product | None:
        """UpdateProduct."""
        return await info.context.peers.catalog.update(id, input, expected_version)

    @strawberry.mutation(description="ADMIN. Returns the product as it was; order lines are unaffected.")
    async def delete_product(self, info: Info, id: ProductId) -> Product | None:
        """DeleteProduct."""
        return await info.context.peers.catalog.delete(id)

    @strawberry.mutation(
        description="ADMIN. Adds delta, which may be negative, to the free stock, which cannot fall below zero. Fails with "
        "FAILED_PRECONDITION (reason NOT_TRACKED) if the stock is not tracked, and with the reason VARIANT_REQUIRED for a product with "
        "options."
    )
    async def adjust_stock(
        self,
        info: Info,
        product_id: SoldId,
        delta: Annotated[int, argument("Units to add; negative: to remove.")],
        idempotency_key: IdempotencyKey,
        reason: StockReason = None,
    ) -> Product | None:
        """AdjustStock."""
        return await info.context.peers.catalog.adjust_stock(product_id, delta, reason, idempotency_key)

    @strawberry.mutation(
        description="ADMIN. Sets the free stock; null stops tracking it. If expected is passed, it must equal the current free stock. "
        "Fails with the reason VARIANT_REQUIRED for a product with options."
    )
    async def set_stock(
        self,
        info: Info,
        product_id: SoldId,
        stock: Annotated[
            int | None, argument("0-1,000,000,000; null: not tracked, always available.")
        ] = None,
        expected: Annotated[int | None, argument("The free stock that the client has read.")] = None,
        reason: StockReason = None,
    ) -> Product | None:
        """SetStock."""
        return await info.context.peers.catalog.set_stock(product_id, stock, expected, reason)
