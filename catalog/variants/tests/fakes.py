"""In-memory variants."""

from collections.abc import Sequence
from uuid import UUID

from catalog.products.tests.fakes import FakeProductStore
from catalog.stock.tests.fakes import FakeStockStore
from catalog.variants.domain import SellableVariant
from kit.values import SoldId


class FakeVariantStore:
    """The variants of a fake store's products."""

    def __init__(self, products: FakeProductStore, stock: FakeStockStore) -> None:
        self._products = products
        self._stock = stock

    async def price(self, ids: Sequence[SoldId]) -> list[SellableVariant | None]:
        return [self._sellable(sold_id.variant_id) for sold_id in ids]

    def _sellable(self, variant_id: UUID) -> SellableVariant | None:
        product = self._products.products.get(variant_id)
        if product is None:
            return None
        return SellableVariant(
            product_id=product.id,
            variant_id=product.id,
            name=product.name,
            sku=product.sku,
            options=(),
            unit_price=product.price,
            tax_class=product.tax_class,
            weight_grams=0,
            requires_shipping=True,
            max_per_order=None,
            free=self._stock.free_stock.get(product.id),
        )
