"""Shoppers and an ADMIN who act randomly from one seed, and repeat failed calls with the same idempotency key (`calls`).

Two responses to the same key that name different orders are a violation.
"""

from __future__ import annotations

import asyncio
import math
import random
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from itertools import cycle
from typing import Final

import httpx

from tests.e2e.page import START_PAYMENT
from tests.e2e.responses import Response
from tests.e2e.shop import Shop
from tests.faults.assortments import ASSORTMENTS
from tests.faults.calls import Calls
from tests.faults.carts import CartBuyer, CheckedOut, Line
from tests.faults.guests import Guests
from tests.faults.login import LoggedIn
from tests.faults.mixes import mixes
from tests.faults.page import pay
from tests.faults.variants import Variants

_CARDS: Final = (
    *("pm_card_visa",) * 20,
    "pm_card_pendingRefund",
    "pm_card_chargeDeclined",
    "pm_card_chargeDeclinedInsufficientFunds",
)
# Its buyer never authenticates, so the order stays PENDING until its deadline, minutes later.
_SLOW_CARDS: Final = (*_CARDS, "pm_card_authenticationRequired")
_ADMIN_PASSWORD = "AdminPass123!"


@dataclass(frozen=True, slots=True)
class PlacedOrder:
    """An order with its currency and its buyer, unless that was a guest."""

    customer: LoggedIn | None
    id: str
    currency: str


@dataclass
class Shoppers:
    """Everyone in the shop: `customers` and one `admin`; each customer repeats the actions of its mix.

    `seed` makes a run repeatable. `slow`: some orders stay unpaid until their deadline.
    """

    shop: Shop
    admin: LoggedIn
    customers: list[LoggedIn]
    products: Mapping[str, list[str]]
    variants: Variants
    mixes: list[list[str]]
    seed: int
    slow: bool
    calls: Calls
    run: str = field(default_factory=lambda: secrets.token_hex(4))
    _orders: list[PlacedOrder] = field(default_factory=list)

    @classmethod
    async def register(
        cls,
        shop: Shop,
        seed: int,
        *,
        slow: bool,
        customers: int,
        tokens_may_fail: Callable[[], bool] = lambda: False,
    ) -> Shoppers:
        """Registers the customers and creates the products, some of them with little stock."""
        admin = await shop.admin()
        accounts = [LoggedIn(shop, await shop.register()) for _ in range(customers)]
        products = {
            currency: [
                await admin.create_product(
                    price=assortment.prices(n), currency=currency, stock=1000 if n % 3 else 40
                )
                for n in range(assortment.count)
            ]
            for currency, assortment in ASSORTMENTS.items()
        }
        logged_in = LoggedIn(shop, admin, _ADMIN_PASSWORD)
        variants, calls = await Variants.create(admin), Calls(tokens_may_fail)
        return cls(shop, logged_in, accounts, products, variants, mixes(customers, seed), seed, slow, calls)

    async def act(self, orders: int, pause: float, seconds: float = math.inf) -> None:
        """All customers act, about once every `pause` seconds each, until `orders` were attempted or `seconds` have passed."""
        end = time.monotonic() + seconds
        await asyncio.gather(*(self._act(index, orders, pause, end) for index in range(len(self.customers))))

    async def _act(self, index: int, orders: int, pause: float, end: float) -> None:
        # Keys contain the run: a seed may be used again on the same stack.
        rng = random.Random(f"{self.seed} {index}")
        customer = self.customers[index]
        for number, action in enumerate(cycle(self.mixes[index])):
            if self.calls.totals.orders >= orders or time.monotonic() > end:
                return
            await self._actions[action](rng, customer, f"{self.run}-{index}-{number}")
            await asyncio.sleep(pause * rng.uniform(0.5, 1.5))

    @property
    def _actions(self) -> Mapping[str, Callable[[random.Random, LoggedIn, str], Awaitable[object]]]:
        return {
            "order": self._order,
            "concurrent order": self._concurrent_order,
            "page order": self._page_order,
            "cart order": self._cart_order,
            "guest order": self._guest_order,
            "cancel": self._cancel,
            "refund": self._refund,
            "partial refunds": self._partial_refunds,
            "adjust stock": self._adjust_stock,
            "set stock": self._set_stock,
            "change variants": self._change_variants,
            "update status": self._update_status,
        }

    async def _order(
        self, rng: random.Random, customer: LoggedIn, key: str, *, times: int = 1, by_page: bool = False
    ) -> set[str]:
        self.calls.totals.attempted["order"] += 1
        currency = self._currency(rng)
        lines = self._lines(rng, currency)
        card = "" if by_page else self._card(rng)
        fields = {"confirmation": "CLIENT"} if by_page else {}
        changing = any(product in self.variants.known for product, _ in lines)

        async def place() -> Response | None:
            return await self.calls.retry(
                "order with variants" if changing else "order",
                customer,
                lambda buyer: buyer.try_to_buy(*lines, card=card, key=key, **fields),
            )

        responses = [
            response for response in await asyncio.gather(*(place() for _ in range(times))) if response
        ]
        ids = {response.get("createOrder")["id"] for response in responses if not response.errors}
        if len(ids) > 1:
            self.calls.totals.violations.append(f"key {key} created several orders: {sorted(ids)}")
        self._orders += [PlacedOrder(customer, order_id, currency) for order_id in ids]
        return ids

    async def _page_order(self, rng: random.Random, customer: LoggedIn, key: str) -> None:
        """The buyer's page confirms the payment; sometimes a first card is declined."""
        for order_id in await self._order(rng, customer, key, by_page=True):
            if secret := await self._start_payment(customer, order_id):
                await pay(self.shop, rng, secret)

    async def _cart_order(self, rng: random.Random, customer: LoggedIn, key: str) -> None:
        """Orders through the cart, sometimes in several tabs, sometimes while another tab adds to it."""
        self.calls.totals.attempted.update(["order", "cart order"])
        currency = self._currency(rng)
        buyer = CartBuyer(self.calls, customer, self.variants.known)
        if not await buyer.fill(self._lines(rng, currency), key):
            return
        beside = (self._lines(rng, currency), f"{key}-beside") if rng.random() < 0.2 else None
        result = await buyer.order(self._card(rng), times=rng.choice([1, 1, 1, 3]), beside=beside)
        self._keep(result, customer)

    async def _guest_order(self, rng: random.Random, customer: LoggedIn, key: str) -> None:
        """A guest orders, who may turn out to be the customer."""
        self.calls.totals.attempted.update(["order", "guest order"])
        lines = self._lines(rng, self._currency(rng))
        guests = Guests(self.shop, self.calls, self.variants.known)
        # Whose an order is changes while its guest registers or is merged, so none of them is cancelled by its buyer.
        self._keep(await guests.visit(rng, customer, lines, self._card(rng), key), None)

    def _keep(self, result: CheckedOut, customer: LoggedIn | None) -> None:
        self._orders += [PlacedOrder(customer, *order) for order in result.orders.items()]

    def _currency(self, rng: random.Random) -> str:
        return rng.choice(list(self.products))

    def _lines(self, rng: random.Random, currency: str) -> list[Line]:
        on_sale = [*self.products[currency], *self.variants.on_sale[currency]]
        return [(product, rng.randint(1, 3)) for product in rng.sample(on_sale, rng.randint(1, 3))]

    def _card(self, rng: random.Random) -> str:
        return rng.choice(_SLOW_CARDS if self.slow else _CARDS)

    async def _start_payment(self, customer: LoggedIn, order_id: str) -> str:
        self.calls.totals.attempted["start payment"] += 1
        started = await self.calls.retry(
            "start payment", customer, lambda buyer: buyer.execute(START_PAYMENT, id=order_id)
        )
        payment = started.get("startPayment") if started and not started.errors else None
        return str(payment["clientSecret"] or "") if payment else ""

    async def _concurrent_order(self, rng: random.Random, customer: LoggedIn, key: str) -> None:
        self.calls.totals.attempted["concurrent order"] += 1
        await self._order(rng, customer, key, times=rng.randint(2, 4))

    async def _cancel(self, rng: random.Random, customer: LoggedIn, key: str) -> None:
        if own := [order.id for order in self._orders if order.customer is customer]:
            self.calls.totals.attempted["cancel"] += 1
            order_id = rng.choice(own[-10:])
            await self.calls.retry(
                "cancel", customer, lambda buyer: buyer.cancel(order_id, "changed my mind")
            )

    async def _refund(self, rng: random.Random, customer: LoggedIn, key: str) -> None:
        """Mostly refunds the remaining amount."""
        if payment := await self._captured_payment(rng):
            order, payment_id = payment
            amount = rng.choice([*ASSORTMENTS[order.currency].partial_refunds, None, None])
            await self._refund_payment(payment_id, amount, key)

    async def _partial_refunds(self, rng: random.Random, customer: LoggedIn, key: str) -> None:
        """Several partial refunds of one payment, in sequence or concurrently."""
        if payment := await self._captured_payment(rng):
            order, payment_id = payment
            amounts = [
                rng.choice(ASSORTMENTS[order.currency].partial_refunds) for _ in range(rng.randint(2, 3))
            ]
            refunds = [
                self._refund_payment(payment_id, amount, f"{key}-{n}") for n, amount in enumerate(amounts)
            ]
            if rng.random() < 0.5:
                await asyncio.gather(*refunds)
                return
            for refund in refunds:
                await refund

    async def _captured_payment(self, rng: random.Random) -> tuple[PlacedOrder, str] | None:
        """A random order whose payment is captured, and the payment's id."""
        if not self._orders:
            return None
        order = rng.choice(self._orders[-1000:])
        try:
            payment = (await (await self.admin.person()).order(order.id))["payment"]
        except (AssertionError, httpx.TransportError, ValueError):
            return None
        return (order, payment["id"]) if payment and payment["status"] == "SUCCEEDED" else None

    async def _refund_payment(self, payment_id: str, amount: str | None, key: str) -> None:
        self.calls.totals.attempted["refund"] += 1
        await self.calls.retry("refund", self.admin, lambda admin: admin.refund(payment_id, amount, key))

    async def _adjust_stock(self, rng: random.Random, customer: LoggedIn, key: str) -> None:
        self.calls.totals.attempted["adjust stock"] += 1
        product, delta = self._random_product(rng), rng.randint(-10, 240) or 1
        operation = "remove stock" if delta < 0 else "add stock"
        await self.calls.retry(operation, self.admin, lambda admin: admin.adjust_stock(product, delta, key))

    async def _set_stock(self, rng: random.Random, customer: LoggedIn, key: str) -> None:
        self.calls.totals.attempted["set stock"] += 1
        product, stock = self._random_product(rng), rng.choice([None, 20, 500, 1000])
        await self.calls.retry("set stock", self.admin, lambda admin: admin.set_stock(product, stock))

    async def _change_variants(self, rng: random.Random, customer: LoggedIn, key: str) -> None:
        self.calls.totals.attempted["change variants"] += 1
        await self.variants.change(rng, self.calls, self.admin, key)

    async def _update_status(self, rng: random.Random, customer: LoggedIn, key: str) -> None:
        if self._orders:
            order = rng.choice(self._orders[-1000:])
            operation = rng.choice(["ship", "deliver"])
            self.calls.totals.attempted[operation] += 1
            status = "SHIPPED" if operation == "ship" else "DELIVERED"
            await self.calls.retry(operation, self.admin, lambda admin: admin.update_status(order.id, status))

    def _random_product(self, rng: random.Random) -> str:
        return rng.choice([product for products in self.products.values() for product in products])
