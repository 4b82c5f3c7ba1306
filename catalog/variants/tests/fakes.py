"""In-memory variants. The contract test of `variant_changes` runs on them and on PostgreSQL."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from catalog.identities import option_identity, sku_identity
from catalog.products.domain import Product
from catalog.products.errors import SkuTaken
from catalog.products.tests.fakes import FakeProductStore
from catalog.stock.tests.fakes import FakeStockStore
from catalog.variants.domain import OptionPattern, SellableVariant, Terms, Variant, VariantWithStock
from catalog.variants.errors import VariantNotFound
from kit.values import Page, SoldId


class FakeVariantStore:
    """The variants of a fake store's products: declared ones, and one for each product without any."""

    def __init__(self, products: FakeProductStore, stock: FakeStockStore) -> None:
        self._products = products
        self._stock = stock
        self._declared: dict[UUID, list[Variant]] = {}

    async def price(self, ids: Sequence[SoldId]) -> list[SellableVariant | None]:
        return [self._sellable(sold_id) for sold_id in ids]

    async def get_many(self, ids: Sequence[UUID]) -> list[VariantWithStock]:
        return [self._with_stock(variant) for variant in self._all() if variant.id in ids]

    async def page(
        self, patterns: Mapping[UUID, OptionPattern], after: tuple[int, UUID] | None, limit: int
    ) -> dict[UUID, Page[VariantWithStock]]:
        return {
            product_id: Page.of(
                [
                    self._with_stock(variant)
                    for variant in self._matching(product_id, values)
                    if after is None or (variant.position, variant.id) > after
                ],
                limit,
            )
            for product_id, values in patterns.items()
        }

    async def count(self, patterns: Mapping[UUID, OptionPattern]) -> dict[UUID, int]:
        return {
            product_id: len(self._matching(product_id, values)) for product_id, values in patterns.items()
        }

    async def lock_product(self, tx: object, product_id: UUID) -> Product:
        return await self._products.lock(tx, product_id)

    async def lock_product_of(self, tx: object, variant_id: UUID) -> Product:
        for variant in self._all():
            if variant.id == variant_id:
                return await self._products.lock(tx, variant.product_id)
        raise VariantNotFound()

    async def of_product(self, tx: object, product: Product) -> list[Variant]:
        return self._of(product)

    async def write(
        self, tx: object, product: Product, variants: Sequence[Variant], deleted: Sequence[UUID] = ()
    ) -> None:
        self._check_skus(product, variants)
        living = {variant.id: variant for variant in self._of(self._products.products[product.id])}
        living |= {variant.id: variant for variant in variants}
        declared = [variant for variant in living.values() if variant.id not in deleted]
        numbered = [variant for variant in declared if variant.terms.sku]
        if len({sku_identity(variant.terms.sku) for variant in numbered}) < len(numbered):
            raise SkuTaken()
        await self._products.save(tx, product)
        self._declared[product.id] = sorted(declared, key=lambda variant: variant.position)
        skus = {sku_identity(variant.terms.sku) for variant in declared if variant.terms.sku}
        self._products.skus_of_variants[product.id] = skus
        for fake in (self._products, self._stock):
            fake.product_of = {v: p for v, p in fake.product_of.items() if p != product.id}
            fake.product_of |= {variant.id: product.id for variant in declared}

    def _check_skus(self, product: Product, variants: Sequence[Variant]) -> None:
        taken = {
            sku_identity(variant.terms.sku)
            for variant in self._all()
            if variant.terms.sku and variant.product_id != product.id
        }
        if any(sku_identity(variant.terms.sku) in taken for variant in variants if variant.terms.sku):
            raise SkuTaken()

    def _all(self) -> list[Variant]:
        return [variant for product in self._products.products.values() for variant in self._of(product)]

    def _of(self, product: Product) -> list[Variant]:
        if product.options:
            return self._declared[product.id]
        [declared] = self._declared.get(product.id, [None])
        terms = Terms(product.price, product.sku) if declared is None else declared.terms
        return [Variant(product.id, product.id, 0, (), terms)]

    def _matching(self, product_id: UUID, patterns: OptionPattern) -> list[Variant]:
        return [
            variant
            for variant in self._of(self._products.products[product_id])
            if all(
                value is None or option_identity(option.value) == value
                for option, value in zip(variant.options, patterns, strict=False)
            )
        ]

    def _with_stock(self, variant: Variant) -> VariantWithStock:
        return VariantWithStock(variant, self._stock.free_stock.get(variant.id))

    def _sellable(self, sold_id: SoldId) -> SellableVariant | None:
        product = self._products.products.get(sold_id.variant_id)
        if sold_id.by_product and product and product.options:
            return SellableVariant(
                product.id, None, product.name, "", (), None, product.tax_class, 0, False, None, None
            )
        for variant in self._all():
            if variant.id == sold_id.variant_id:
                product, terms = self._products.products[variant.product_id], variant.terms
                return SellableVariant(
                    product_id=product.id,
                    variant_id=variant.id,
                    name=product.name,
                    sku=terms.sku,
                    options=variant.options,
                    unit_price=terms.price,
                    tax_class=product.tax_class,
                    weight_grams=terms.weight_grams,
                    requires_shipping=terms.requires_shipping,
                    max_per_order=terms.max_per_order,
                    free=self._stock.free_stock.get(variant.id),
                )
        return None
