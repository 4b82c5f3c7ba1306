"""Variants of products."""

import strawberry

from gateway.types.options import OptionValue, OptionValueInput
from kit.graphql import Amount, Connection, CurrencyCode, Edge


@strawberry.type(
    description="One of what a product is sold as. A product without options has exactly one; its id is the product's with another prefix."
)
class Variant:
    """One of what a product is sold as."""

    id: strawberry.ID = strawberry.field(description="Starts with var_.")
    product_id: strawberry.ID = strawberry.field(description="Its product's id.")
    options: list[OptionValue] = strawberry.field(
        description="In the order of the product's options; empty without options."
    )
    sku: str | None = strawberry.field(
        description="The shop's own number, unique among variants that are not deleted."
    )
    price: Amount = strawberry.field(description="The price of one.")
    currency: CurrencyCode = strawberry.field(description="The product's currency.")
    compare_at_price: Amount | None = strawberry.field(description="What it cost before; above price.")
    available: bool = strawberry.field(
        description="Whether it can be ordered now; advisory, createOrder decides."
    )
    stock: int | None = strawberry.field(
        description="Free stock. ADMIN only, null for others; null too if stock is not tracked."
    )
    weight_grams: int = strawberry.field(description="The weight of one.")
    requires_shipping: bool = strawberry.field(description="Whether it has to be shipped.")
    max_per_order: int | None = strawberry.field(
        description="The most that one order may have; null: no limit of its own."
    )


@strawberry.type(description="A variant on a page.")
class VariantEdge(Edge[Variant]):
    """A variant on a page."""


@strawberry.type(description="A page of variants.")
class VariantConnection(Connection[VariantEdge, Variant]):
    """A page of variants."""


@strawberry.input(
    description="A variant as declared. An existing one is found by its id, or else by its options; it keeps its id and stock."
)
class VariantInput:
    """A variant as declared."""

    id: strawberry.ID | None = strawberry.field(
        default=None,
        description="Of a variant of this product; the first variant's is the product's with var_.",
    )
    options: list[OptionValueInput] | None = strawberry.field(
        default_factory=list, description="Each option of the product once; empty without options."
    )
    sku: str | None = strawberry.field(default=None, description="1-64 characters.")
    price: Amount = strawberry.field(description="In the product's currency; see CreateProductInput.")
    compare_at_price: Amount | None = strawberry.field(default=None, description="Above price.")
    weight_grams: int | None = strawberry.field(default=0, description="0-1,000,000,000.")
    requires_shipping: bool | None = strawberry.field(
        default=True, description="False: it can be ordered without a shipping address."
    )
    max_per_order: int | None = strawberry.field(default=None, description="1-1,000,000.")
    stock: int | None = strawberry.field(
        default=None,
        description="0-1,000,000,000; null: not tracked. Only for a new variant: an existing one keeps its stock.",
    )


@strawberry.input(description="Omitted fields keep their value; null clears an optional field.")
class UpdateVariantInput:
    """Changes of a variant."""

    price: Amount | None = strawberry.field(
        default=strawberry.UNSET, description="In the product's currency; see CreateProductInput."
    )
    compare_at_price: Amount | None = strawberry.field(
        default=strawberry.UNSET, description="Above price; null clears it."
    )
    sku: str | None = strawberry.field(
        default=strawberry.UNSET, description="1-64 characters; null clears it."
    )
    weight_grams: int | None = strawberry.field(default=strawberry.UNSET, description="0-1,000,000,000.")
    requires_shipping: bool | None = strawberry.field(
        default=strawberry.UNSET, description="Whether it has to be shipped."
    )
    max_per_order: int | None = strawberry.field(
        default=strawberry.UNSET, description="1-1,000,000; null clears it."
    )
