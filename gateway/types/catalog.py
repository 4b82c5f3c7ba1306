"""Products and categories."""

from dataclasses import dataclass
from enum import Enum

import strawberry

from gateway.types.options import OptionFilter, ProductOption
from kit.graphql import Amount, Connection, CurrencyCode, Edge, Instant


@strawberry.type(description="A category of products.")
class Category:
    """A category of products."""

    id: strawberry.ID = strawberry.field(description="Starts with cat_.")
    slug: str = strawberry.field(description="Lower case, words joined by hyphens; unique.")
    name: str = strawberry.field(description="The name to display.")
    product_count: int | None = strawberry.field(
        description="Number of products that are not deleted; null except in `categories`."
    )


@strawberry.type(description="A product for sale.")
class Product:
    """A product for sale."""

    id: strawberry.ID = strawberry.field(description="Starts with prod_.")
    name: str = strawberry.field(description="1-200 characters.")
    description: str = strawberry.field(description="0-20,000 characters.")
    price: Amount = strawberry.field(
        description="The unit price; with options, that of the cheapest variant."
    )
    currency: CurrencyCode = strawberry.field(description="The price's currency; cannot be changed.")
    sku: str | None = strawberry.field(
        description="The shop's own number, unique among products that are not deleted; null with options, where variants have SKUs."
    )
    category: Category | None = strawberry.field(description="The product's category, if any.")
    images: list[str] = strawberry.field(description="Absolute http(s) URLs.")
    stock: int | None = strawberry.field(
        description="Free stock: reservations are already subtracted. ADMIN only, null for others; null too if stock is not tracked. "
        "With options, the sum over the variants, or 2,147,483,647 if it is more."
    )
    available: bool = strawberry.field(
        description="Whether the product, or any of its variants, can be ordered now; advisory, createOrder decides."
    )
    version: int = strawberry.field(description="Increases with updateProduct, not with changes of stock.")
    created_at: Instant = strawberry.field(description="When the product was created.")
    updated_at: Instant = strawberry.field(description="When the product last changed.")
    options: list[ProductOption] = strawberry.field(
        description="How its variants differ, in the order to be shown; empty: it is sold as it is."
    )
    price_max: Amount = strawberry.field(
        description="The price of the most expensive variant; equals price without options."
    )
    tax_class: str = strawberry.field(description="The class of its tax rates; standard unless set.")


@strawberry.type(description="A product on a page.")
class ProductEdge(Edge[Product]):
    """A product on a page."""

    highlight: str | None = strawberry.field(
        description="The name, or a part of the description, with matches in <em>; the rest is HTML-escaped."
    )


@strawberry.type(description="A value of a facet, and how many results have it.")
class FacetValue:
    """A value of a facet."""

    value: str = strawberry.field(
        description="A category's slug, available or unavailable, a currency, a price range such as USD 25-50, or a value of an option."
    )
    count: int = strawberry.field(description="Number of results with this value.")


@strawberry.type(description="The results counted by one property, with all filters applied.")
class Facet:
    """The results counted by one property."""

    name: str = strawberry.field(
        description="category, availability, currency, price, or option. and the name of an option, such as option.Size, with the values "
        "of variants that can be ordered."
    )
    values: list[FacetValue] = strawberry.field(
        description="Most frequent first; price ranges from the lowest."
    )


@strawberry.type(description="A page of products.")
class ProductConnection(Connection[ProductEdge, Product]):
    """A page of products."""

    facets: list[Facet] | None = strawberry.field(
        description="Of all results, not only of this page; computed only when selected."
    )


@dataclass(frozen=True, slots=True)
class SearchExtras:
    """Parts of a search that are computed only when the document selects them."""

    facets: bool
    highlights: bool
    stock: bool


@strawberry.enum(description="The order of search results.")
class ProductSort(Enum):
    """The order of search results."""

    RELEVANCE = strawberry.enum_value("RELEVANCE", description="Best match first; NEWEST without a query.")
    NEWEST = strawberry.enum_value("NEWEST", description="Newest first.")
    PRICE_ASC = strawberry.enum_value("PRICE_ASC", description="Lowest price first, grouped by currency.")
    PRICE_DESC = strawberry.enum_value("PRICE_DESC", description="Highest price first, grouped by currency.")
    NAME_ASC = strawberry.enum_value("NAME_ASC", description="A to Z.")
    NAME_DESC = strawberry.enum_value("NAME_DESC", description="Z to A.")


@strawberry.input(description="A price range; both bounds are inclusive.")
class PriceFilter:
    """A price range."""

    min: Amount | None = strawberry.field(default=None, description="The lower bound.")
    max: Amount | None = strawberry.field(default=None, description="The upper bound.")
    currency: CurrencyCode | None = strawberry.field(
        default=CurrencyCode("USD"),
        description="Matches products with this currency only, with or without bounds.",
    )


@strawberry.input(description="Conditions on products; all of them must hold.")
class ProductFilter:
    """Conditions on products."""

    categories: list[str] | None = strawberry.field(
        default=None, description="Slugs; a product matches any of them. An empty list matches no product."
    )
    price: PriceFilter | None = strawberry.field(default=None, description="The price range.")
    available: bool | None = strawberry.field(
        default=None, description="Only products that can be ordered (true) or cannot (false)."
    )
    options: list[OptionFilter] | None = strawberry.field(
        default=None,
        description="Only products of which one variant that can be ordered has one of the values of each; at most 3, each option once.",
    )


@strawberry.input(
    description="name, description and price are required. category is an existing slug, or a name that creates a category. Without "
    "stock, it is not tracked and the product is always available. The currency cannot be changed later."
)
class CreateProductInput:
    """A new product."""

    name: str = strawberry.field(
        description="1-200 characters; no invisible ones, none that change the direction of text."
    )
    description: str = strawberry.field(description="0-20,000 characters.")
    price: Amount = strawberry.field(
        description="Above zero and below 10,000,000,000, with up to the currency's number of decimals; a third decimal must be 0."
    )
    currency: CurrencyCode | None = strawberry.field(
        default=CurrencyCode("USD"), description="The price's currency."
    )
    sku: str | None = strawberry.field(default=None, description="1-64 characters.")
    category: str | None = strawberry.field(default=None, description="A slug or a name, 1-100 characters.")
    images: list[str] | None = strawberry.field(
        default_factory=list, description="Up to 20 absolute http(s) URLs of up to 2,000 characters."
    )
    stock: int | None = strawberry.field(default=None, description="0-1,000,000,000.")
    tax_class: str | None = strawberry.field(
        default=None,
        description="The class of its tax rates: 1-50 lower-case letters, digits and single hyphens between them; null: standard.",
    )


@strawberry.input(
    description="Omitted fields keep their value; null clears an optional field; lists are replaced as a whole."
)
class UpdateProductInput:
    """Changes of a product."""

    name: str | None = strawberry.field(default=strawberry.UNSET, description="1-200 characters.")
    description: str | None = strawberry.field(default=strawberry.UNSET, description="0-20,000 characters.")
    price: Amount | None = strawberry.field(
        default=strawberry.UNSET, description="In the product's currency; see CreateProductInput."
    )
    sku: str | None = strawberry.field(
        default=strawberry.UNSET, description="1-64 characters; null clears it."
    )
    category: str | None = strawberry.field(
        default=strawberry.UNSET, description="A slug or a name; null clears it."
    )
    images: list[str] | None = strawberry.field(default=strawberry.UNSET, description="Replaces all images.")
    tax_class: str | None = strawberry.field(
        default=strawberry.UNSET, description="See CreateProductInput; null: standard."
    )
