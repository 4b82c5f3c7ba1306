"""Changes of a variant, and what follows for its product. `declaration` has the rules for declaring all variants of a product."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from catalog.options import ProductOption
from catalog.products.domain import Product, ProductUpdated
from catalog.variants.domain import Terms
from kit.values import FieldReader, Money


@dataclass(frozen=True, slots=True)
class Changes:
    """New values of a variant's terms. None leaves one unchanged; an empty sku, a compare_at of zero and a limit of 0 clear it."""

    price: Money | None = None
    compare_at: Money | None = None
    sku: str | None = None
    weight_grams: int | None = None
    requires_shipping: bool | None = None
    max_per_order: int | None = None

    def apply(self, terms: Terms) -> Terms:
        """The changed terms; raises InvalidArgument with all violations."""
        compare_at = terms.compare_at if self.compare_at is None else self.compare_at
        limit = terms.max_per_order if self.max_per_order is None else self.max_per_order
        reader = FieldReader()
        changed = Terms(
            price=self.price or terms.price,
            sku=terms.sku if self.sku is None else self.sku,
            compare_at=compare_at if compare_at and compare_at.minor else None,
            weight_grams=terms.weight_grams if self.weight_grams is None else self.weight_grams,
            requires_shipping=terms.requires_shipping
            if self.requires_shipping is None
            else self.requires_shipping,
            max_per_order=limit if limit else None,
        ).validated(reader)
        reader.raise_if_invalid()
        return changed


def with_variants(
    product: Product, options: tuple[ProductOption, ...], variants: Sequence[Terms], now: datetime
) -> tuple[Product, ProductUpdated]:
    """The product with these options and variants, at its next version."""
    prices = [terms.price for terms in variants]
    changed = replace(
        product,
        options=options,
        price=min(prices, key=lambda price: price.minor),
        price_max=max(prices, key=lambda price: price.minor),
        sku="" if options else variants[0].sku,
        version=product.version + 1,
        update_time=now,
    )
    return changed, ProductUpdated(changed)
