"""Criteria and results of a search."""

from dataclasses import dataclass
from enum import StrEnum

from catalog.options import ProductOption
from catalog.products.domain import Product
from kit.values import Money


class Sort(StrEnum):
    """The order of results."""

    RELEVANCE = "RELEVANCE"
    NEWEST = "NEWEST"
    PRICE_ASC = "PRICE_ASC"
    PRICE_DESC = "PRICE_DESC"
    NAME_ASC = "NAME_ASC"
    NAME_DESC = "NAME_DESC"


@dataclass(frozen=True, slots=True)
class Criteria:
    """`after` is the cursor of the previous page's last hit, or empty.

    `categories`: None matches any product, an empty tuple none. `options`: products of which a variant that can be bought has one of the
    values of each.
    `currency`: of the products' prices. If empty: the currency of `min_price` and `max_price`, or any.
    """

    query: str
    categories: tuple[str, ...] | None
    min_price: Money | None
    max_price: Money | None
    available: bool | None
    sort: Sort
    size: int
    after: str
    count_total: bool
    facets: bool = False
    highlight: bool = False
    currency: str = ""
    options: tuple[ProductOption, ...] = ()


@dataclass(frozen=True, slots=True)
class FacetValue:
    """A value of a facet with the number of products that have it."""

    value: str
    count: int


@dataclass(frozen=True, slots=True)
class Facet:
    """The distribution of the matching products over the values of a property."""

    name: str
    values: tuple[FacetValue, ...]


@dataclass(frozen=True, slots=True)
class SearchResult:
    """A page of hits, each with its cursor. `total`, `facets` and `highlights` (HTML, one per hit) only if requested."""

    hits: tuple[tuple[Product, str], ...]
    has_next: bool
    total: int | None
    facets: tuple[Facet, ...] = ()
    highlights: tuple[str, ...] = ()
