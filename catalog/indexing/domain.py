"""What the index needs to know of a product."""

from dataclasses import dataclass

from catalog.products.domain import Product


@dataclass(frozen=True, slots=True)
class IndexRow:
    """A product as the tables have it; `is_active` is False if it was deleted."""

    product: Product
    is_active: bool
    available: bool
