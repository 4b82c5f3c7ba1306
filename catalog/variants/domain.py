"""Variants. Their stock is in `stock`, reserving them in `reservations`; changing them in `variant_changes`."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from catalog.fields import read_price, read_sku
from catalog.identities import option_identity
from catalog.options import OptionValue
from catalog.products.domain import Product
from kit.values import FieldReader, Money

_MAX_WEIGHT: Final = 1_000_000_000
_MAX_PER_ORDER: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Terms:
    """How a variant is sold. `sku` is empty if it has none; `compare_at` is what it cost before, `max_per_order` a limit, or None."""

    price: Money
    sku: str = ""
    compare_at: Money | None = None
    weight_grams: int = 0
    requires_shipping: bool = True
    max_per_order: int | None = None

    def validated(self, reader: FieldReader, *path: str | int) -> "Terms":
        """Collects all violations."""
        read_price(reader, self.price, *path, "price")
        if self.compare_at is not None:
            higher = (
                self.compare_at.currency == self.price.currency and self.compare_at.minor > self.price.minor
            )
            reader.require(higher, "must be above price, in its currency", *path, "compareAtPrice")
            read_price(reader, self.compare_at, *path, "compareAtPrice")
        reader.integer(self.weight_grams, *path, "weightGrams", minimum=0, maximum=_MAX_WEIGHT)
        if self.max_per_order is not None:
            reader.integer(self.max_per_order, *path, "maxPerOrder", minimum=1, maximum=_MAX_PER_ORDER)
        return replace(self, sku=read_sku(reader, self.sku, *path, "sku"))


@dataclass(frozen=True, slots=True)
class Variant:
    """One of what a product is sold as; `options` are in the order of the product's, none without options."""

    id: UUID
    product_id: UUID
    position: int
    options: tuple[OptionValue, ...]
    terms: Terms


@dataclass(frozen=True, slots=True)
class VariantWithStock:
    """A variant with its free stock, None if it is not tracked."""

    variant: Variant
    free: int | None

    @property
    def available(self) -> bool:
        """Whether it can be bought. Only a reservation decides: stock may be taken concurrently."""
        return self.free is None or self.free > 0


@dataclass(frozen=True, slots=True)
class SellableVariant:
    """What a product or variant costs and is now. `variant_id` and `unit_price` are None for a product with options."""

    product_id: UUID
    variant_id: UUID | None
    name: str
    sku: str
    options: tuple[OptionValue, ...]
    unit_price: Money | None
    tax_class: str
    weight_grams: int
    requires_shipping: bool
    max_per_order: int | None
    free: int | None


# The identity of the value that each of up to three options must have; None is any.
OptionPattern = tuple[str | None, str | None, str | None]


def pattern_of(product: Product, options: Sequence[OptionValue]) -> OptionPattern | None:
    """Which variants of a product have all of the options; None if none can."""
    values = {option_identity(option.name): option_identity(option.value) for option in options}
    names = [option_identity(option.name) for option in product.options]
    if not values.keys() <= set(names):
        return None
    first, second, third = [*(values.get(name) for name in names), None, None, None][:3]
    return first, second, third
