"""Queries and mutations of variants, and the variants of a product."""

from functools import partial
from typing import Annotated

import strawberry
from strawberry import argument

from gateway.context import Info
from gateway.resolvers.arguments import ProductId, VariantId
from gateway.types.catalog import Product
from gateway.types.options import OptionValueInput, ProductOptionInput
from gateway.types.variants import UpdateVariantInput, Variant, VariantConnection, VariantInput
from kit.graphql import After, First, or_none, page_request, relation
from kit.values import PRODUCT

ExpectedVersion = Annotated[int | None, argument("The version of the product that the client has read.")]


@relation(Product, description="In their declared order. A product without options has one.")
async def variants(
    self: Product,
    info: Info,
    options: Annotated[
        list[OptionValueInput] | None, argument("Only variants with all of these, each option at most once.")
    ] = None,
    first: First = 20,
    after: After = None,
) -> VariantConnection | None:
    """First pages are loaded for all products of a request together."""
    peer, page, chosen = info.context.peers.variant, page_request(info, first, after), tuple(options or ())
    if page.token:
        return await peer.list(self.id, chosen, page)
    load = partial(peer.list_by_product, chosen, page)
    return await info.context.load_page(f"variants {chosen}", self.id, load, page)


@relation(Variant, description="The product as it is now.")
async def product(self: Variant, info: Info) -> Product | None:
    """Loaded for all variants of a request together."""
    context = info.context
    return await context.load("products", self.product_id, context.peers.catalog.batch_get)


@strawberry.type
class VariantQueries:
    """Variants."""

    @strawberry.field(description="Public.")
    async def variant(self, info: Info, id: VariantId) -> Variant | None:
        """One variant."""
        return await or_none(info.context.peers.variant.get(id))


@strawberry.type
class VariantMutations:
    """Changes of variants."""

    @strawberry.mutation(
        description="ADMIN. Declares all options and variants of a product at once: others of its variants are deleted. Any subset of the "
        "combinations can be sold. Fails with the reason OPTIONS_MISMATCH, DUPLICATE_OPTIONS, TOO_MANY_VARIANTS or SKU_TAKEN; an outdated "
        "expectedVersion fails with VERSION_CONFLICT."
    )
    async def set_variants(
        self,
        info: Info,
        product_id: ProductId,
        options: Annotated[
            list[ProductOptionInput], argument("At most 3; empty: the product is sold as it is.")
        ],
        variants: Annotated[list[VariantInput], argument("1-2,048, in the order to be shown.")],
        expected_version: ExpectedVersion = None,
    ) -> Product | None:
        """SetVariants."""
        peers = info.context.peers
        PRODUCT.parse(product_id, "productId")
        code = (await peers.catalog.get(product_id, stock=False)).currency
        return await peers.variant.declare(product_id, code, options, variants, expected_version)

    @strawberry.mutation(
        description="ADMIN. Raises the product's version. Omitted fields keep their value; null clears an optional field. An outdated "
        "expectedVersion fails with VERSION_CONFLICT."
    )
    async def update_variant(
        self,
        info: Info,
        id: VariantId,
        input: Annotated[UpdateVariantInput, argument("The changes.")],
        expected_version: ExpectedVersion = None,
    ) -> Variant | None:
        """UpdateVariant."""
        return await info.context.peers.variant.update(id, input, expected_version)
