"""Variants. Their stock is in `stock`, reserving them in `reservations`."""

from dataclasses import dataclass
from uuid import UUID

from catalog.options import OptionValue
from kit.values import Money


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
