"""Products in sizes, of which there are few each, whose variants an ADMIN declares again, updates and deletes while they are sold."""

from __future__ import annotations

import random
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self

from tests.e2e.responses import Response
from tests.e2e.shop import Person
from tests.faults.assortments import ASSORTMENTS
from tests.faults.calls import Calls, User

SET_VARIANTS: Final = """
mutation Declare($id: ID!, $sizes: [String!]!, $variants: [VariantInput!]!) {
  setVariants(productId: $id, options: [{name: "Size", values: $sizes}], variants: $variants) {
    variants { nodes { id } }
  }
}
"""
UPDATE_VARIANT: Final = """
mutation Update($id: ID!, $input: UpdateVariantInput!) { updateVariant(id: $id, input: $input) { id } }
"""
_SIZES: Final = ("S", "M", "L", "XL")
_STOCK: Final = 60


@dataclass
class Variants:
    """`on_sale`: the current variants of each product, by currency; `known`: also those that were deleted."""

    products: Mapping[str, str]
    on_sale: dict[str, list[str]] = field(default_factory=dict)
    known: set[str] = field(default_factory=set)
    _skus: str = field(default_factory=lambda: secrets.token_hex(3))

    @classmethod
    async def create(cls, admin: Person) -> Self:
        """One product in each currency."""
        prices = {currency: assortment.prices(0) for currency, assortment in ASSORTMENTS.items()}
        products = {
            currency: await admin.create_product(price=price, currency=currency)
            for currency, price in prices.items()
        }
        variants = cls(products)
        for currency in products:
            variants._keep(currency, await variants._declare(admin, currency, _SIZES, prices[currency]))
        return variants

    async def change(self, rng: random.Random, calls: Calls, admin: User, key: str) -> None:
        """One random change of one product."""
        currency = rng.choice(list(self.products))
        change = rng.choice(["declare", "update", "set stock", "add stock", "add stock"])
        if change == "declare":
            # Some sizes are deleted, or are back as new variants.
            sizes = [size for size in _SIZES if rng.random() < 0.9] or list(_SIZES)
            price = self._price(rng, currency)
            self._keep(
                currency,
                await calls.retry(
                    "declare variants", admin, lambda person: self._declare(person, currency, sizes, price)
                ),
            )
            return
        variant = rng.choice(self.on_sale[currency])
        if change == "update":
            changes: Mapping[str, Any] = rng.choice(
                [
                    {"price": self._price(rng, currency)},
                    {"sku": f"{self._skus}-{variant}"},
                    {"weightGrams": 250},
                ]
            )
            await calls.retry(
                "update variant",
                admin,
                lambda person: person.execute(UPDATE_VARIANT, id=variant, input=changes),
            )
        elif change == "set stock":
            stock = rng.choice([None, 10, _STOCK, 2 * _STOCK])
            await calls.retry("set stock of variant", admin, lambda person: person.set_stock(variant, stock))
        else:
            delta = rng.randint(1, 2 * _STOCK)
            await calls.retry(
                "add stock of variant", admin, lambda person: person.adjust_stock(variant, delta, key)
            )

    async def _declare(self, admin: Person, currency: str, sizes: Sequence[str], price: str) -> Response:
        variants = [
            {
                "options": [{"name": "Size", "value": size}],
                "price": price,
                "sku": f"{self._skus}-{currency}-{size}",
                "stock": _STOCK,
            }
            for size in sizes
        ]
        return await admin.execute(
            SET_VARIANTS, id=self.products[currency], sizes=list(sizes), variants=variants
        )

    def _keep(self, currency: str, response: Response | None) -> None:
        if response is None or response.errors:
            return
        self.on_sale[currency] = [node["id"] for node in response.get("setVariants")["variants"]["nodes"]]
        self.known.update(self.on_sale[currency])

    def _price(self, rng: random.Random, currency: str) -> str:
        return ASSORTMENTS[currency].prices(rng.choice([0, 0, 0, 1]))
