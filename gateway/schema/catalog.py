"""Products and categories."""

from dataclasses import dataclass
from enum import Enum

import strawberry

from gateway.schema.paging import TOTAL_COUNT, PageInfo
from gateway.schema.scalars import Amount, CurrencyCode, Instant


@strawberry.type(description="A shelf of the shop.")
class Category:
    """A shelf of the shop."""

    id: strawberry.ID = strawberry.field(description="Begins with cat_.")
    slug: str = strawberry.field(description="Lower case, words joined by hyphens; unique.")
    name: str = strawberry.field(description="As people read it.")
    product_count: int | None = strawberry.field(
        description="How many living products it has; counted by `categories` only."
    )


@strawberry.type(description="Something for sale.")
class Product:
    """Something for sale."""

    id: strawberry.ID = strawberry.field(description="Begins with prod_.")
    name: str = strawberry.field(description="1-200 characters.")
    description: str = strawberry.field(description="0-20,000 characters.")
    price: Amount = strawberry.field(description="The price of one.")
    currency: CurrencyCode = strawberry.field(description="The price's currency, fixed at creation.")
    sku: str | None = strawberry.field(description="The shop's own number, unique among living products.")
    category: Category | None = strawberry.field(description="Its shelf, if it has one.")
    images: list[str] = strawberry.field(description="Absolute http(s) URLs.")
    stock: int | None = strawberry.field(
        description="ADMIN only, null for others: free to sell, reservations already taken off; null too where "
        "inventory is not tracked."
    )
    available: bool = strawberry.field(
        description="Whether it can be bought now; advisory, createOrder decides."
    )
    version: int = strawberry.field(description="Moves with updateProduct only, never with stock.")
    created_at: Instant = strawberry.field(description="When it was made.")
    updated_at: Instant = strawberry.field(description="When it last changed.")


@strawberry.type(description="A product of a page.")
class ProductEdge:
    """A product of a page."""

    cursor: str = strawberry.field(description="Goes on after this product when given as after.")
    node: Product = strawberry.field(description="The product.")
    highlight: str | None = strawberry.field(
        description="Its name, or a part of its description, with what was searched for in <em>; HTML-escaped but for that."
    )


@strawberry.type(description="So many of what was found have it.")
class FacetValue:
    """One value of a property."""

    value: str = strawberry.field(
        description="A category's slug, available or unavailable, a currency, or a range of prices such as USD 25-50."
    )
    count: int = strawberry.field(description="How many of the found products.")


@strawberry.type(description="How what was found divides by one of its properties, all filters applied.")
class Facet:
    """How what was found divides."""

    name: str = strawberry.field(description="category, availability, currency or price.")
    values: list[FacetValue] = strawberry.field(
        description="The most frequent first; prices from the lowest."
    )


@strawberry.type(description="A page of products.")
class ProductConnection:
    """A page of products."""

    edges: list[ProductEdge] = strawberry.field(description="The products with their cursors.")
    nodes: list[Product] = strawberry.field(description="The products.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")
    total_count: int | None = strawberry.field(description=TOTAL_COUNT)
    facets: list[Facet] | None = strawberry.field(
        description="Of everything found, whatever the page; counted only when asked for."
    )


@dataclass(frozen=True, slots=True)
class SearchExtras:
    """What a search computes only when the document selects it."""

    total: bool
    facets: bool
    highlights: bool


@strawberry.enum(description="How found products are ordered.")
class ProductSort(Enum):
    """How found products are ordered."""

    RELEVANCE = strawberry.enum_value("RELEVANCE", description="Best match first; NEWEST without a query.")
    NEWEST = strawberry.enum_value("NEWEST", description="Newest first.")
    PRICE_ASC = strawberry.enum_value(
        "PRICE_ASC", description="Lowest price first, one currency after the other."
    )
    PRICE_DESC = strawberry.enum_value(
        "PRICE_DESC", description="Highest price first, one currency after the other."
    )
    NAME_ASC = strawberry.enum_value("NAME_ASC", description="A to Z.")
    NAME_DESC = strawberry.enum_value("NAME_DESC", description="Z to A.")


@strawberry.input(description="Bounds of a price, both inclusive.")
class PriceFilter:
    """Bounds of a price."""

    min: Amount | None = strawberry.field(default=None, description="The least.")
    max: Amount | None = strawberry.field(default=None, description="The most.")
    currency: CurrencyCode | None = strawberry.field(
        default=CurrencyCode("USD"),
        description="Only products with this currency are found, with or without bounds.",
    )


@strawberry.input(description="Which products are found; all that is given must hold.")
class ProductFilter:
    """Which products are found."""

    categories: list[str] | None = strawberry.field(
        default=None, description="Slugs; any of them; with none in it no product matches."
    )
    price: PriceFilter | None = strawberry.field(default=None, description="Bounds of the price.")
    available: bool | None = strawberry.field(
        default=None, description="Only those that can, or cannot, be bought."
    )


@strawberry.input(
    description="Only name, description and price are needed. category is an existing slug, or a name that makes "
    "one. Without stock the product is not tracked: always available. The currency is fixed at creation."
)
class CreateProductInput:
    """A new product."""

    name: str = strawberry.field(
        description="1-200 characters, none invisible or changing the direction of text."
    )
    description: str = strawberry.field(description="0-20,000 characters.")
    price: Amount = strawberry.field(
        description="Above zero, below 10,000,000,000, with at most the currency's decimals; the last of three decimals is 0."
    )
    currency: CurrencyCode | None = strawberry.field(
        default=CurrencyCode("USD"), description="The price's currency."
    )
    sku: str | None = strawberry.field(default=None, description="1-64 characters.")
    category: str | None = strawberry.field(default=None, description="A slug or a name, 1-100 characters.")
    images: list[str] | None = strawberry.field(
        default_factory=list, description="At most 20 absolute http(s) URLs of up to 2,000 characters."
    )
    stock: int | None = strawberry.field(default=None, description="0-1,000,000,000.")


@strawberry.input(
    description="An absent field stays; null clears what is optional; lists are replaced whole."
)
class UpdateProductInput:
    """Changes of a product."""

    name: str | None = strawberry.field(default=strawberry.UNSET, description="1-200 characters.")
    description: str | None = strawberry.field(default=strawberry.UNSET, description="0-20,000 characters.")
    price: Amount | None = strawberry.field(
        default=strawberry.UNSET, description="In the product's own currency, as in CreateProductInput."
    )
    sku: str | None = strawberry.field(
        default=strawberry.UNSET, description="1-64 characters; null clears it."
    )
    category: str | None = strawberry.field(
        default=strawberry.UNSET, description="A slug or a name; null clears it."
    )
    images: list[str] | None = strawberry.field(default=strawberry.UNSET, description="Replaces all of them.")
