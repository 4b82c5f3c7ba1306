"""Shoppers and an ADMIN who act randomly from one seed, and repeat failed calls with the same idempotency key.

`tests.faults.allowed` lists the errors that a call may return; any other is recorded as a violation, as are two responses to the same key
that name different orders.
"""

from __future__ import annotations

import asyncio
import math
import random
import secrets
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from itertools import cycle
from typing import Final

import httpx

from tests.e2e.page import START_PAYMENT
from tests.e2e.responses import Response
from tests.e2e.shop import Person, Shop
from tests.faults.allowed import error_names, is_retryable, unexpected_errors
from tests.faults.assortments import ASSORTMENTS
from tests.faults.carts import order_from_cart
from tests.faults.login import LoggedIn
from tests.faults.mixes import mixes
from tests.faults.page import pay

_CARDS: Final = (
    *("pm_card_visa",) * 20,
    "pm_card_pendingRefund",
    "pm_card_chargeDeclined",
    "pm_card_chargeDeclinedInsufficientFunds",
)
# Its buyer never authenticates, so the order stays PENDING until its deadline, minutes later.
_SLOW_CARDS: Final = (*_CARDS, "pm_card_authenticationRequired")
_MAX_SECONDS_PER_CALL = 120.0
_ADMIN_PASSWORD = "AdminPass123!"


@dataclass(frozen=True, slots=True)
class PlacedOrder:
    """An order with its buyer and currency."""

    customer: LoggedIn
    id: str
    currency: str


@dataclass
class Totals:
    """Calls by operation, errors by name, and violations."""

    attempted: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    retried: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)

    @property
    def orders(self) -> int:
        """The number of createOrder calls with different keys."""
        return self.attempted["order"]


@dataclass
class Shoppers:
    """Everyone in the shop: `customers` and one `admin`; each customer repeats the actions of its mix.

    `seed` makes a run repeatable. `slow`: some orders stay unpaid until their deadline. `tokens_may_fail`: whether some clock is wrong
    now, so that a valid token can look expired or not yet valid.
    """

    shop: Shop
    admin: LoggedIn
    customers: list[LoggedIn]
    products: Mapping[str, list[str]]
    mixes: list[list[str]]
    seed: int
    slow: bool
    tokens_may_fail: Callable[[], bool]
    run: str = field(default_factory=lambda: secrets.token_hex(4))
    totals: Totals = field(default_factory=Totals)
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
        return cls(shop, logged_in, accounts, products, mixes(customers, seed), seed, slow, tokens_may_fail)

    async def act(self, orders: int, pause: float, seconds: float = math.inf) -> None:
        """All customers act, about once every `pause` seconds each, until `orders` were attempted or `seconds` have passed."""
        end = time.monotonic() + seconds
        await asyncio.gather(*(self._act(index, orders, pause, end) for index in range(len(self.customers))))

    async def _act(self, index: int, orders: int, pause: float, end: float) -> None:
        # Keys contain the run: a seed may be used again on the same stack.
        rng = random.Random(f"{self.seed} {index}")
        customer = self.customers[index]
        for number, action in enumerate(cycle(self.mixes[index])):
            if self.totals.orders >= orders or time.monotonic() > end:
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
            "cancel": self._cancel,
            "refund": self._refund,
            "partial refunds": self._partial_refunds,
            "adjust stock": self._adjust_stock,
            "set stock": self._set_stock,
            "update status": self._update_status,
        }

    async def _order(
        self, rng: random.Random, customer: LoggedIn, key: str, *, times: int = 1, by_page: bool = False
    ) -> set[str]:
        self.totals.attempted["order"] += 1
        currency = rng.choice(list(self.products))
        chosen = rng.sample(self.products[currency], rng.randint(1, 3))
        lines = [(product, rng.randint(1, 3)) for product in chosen]
        card = "" if by_page else rng.choice(_SLOW_CARDS if self.slow else _CARDS)
        fields = {"confirmation": "CLIENT"} if by_page else {}

        async def place() -> Response | None:
            return await self._retry(
                "order", customer, lambda buyer: buyer.try_to_buy(*lines, card=card, key=key, **fields)
            )

        responses = [
            response for response in await asyncio.gather(*(place() for _ in range(times))) if response
        ]
        ids = {response.get("createOrder")["id"] for response in responses if not response.errors}
        if len(ids) > 1:
            self.totals.violations.append(f"key {key} created several orders: {sorted(ids)}")
        self._orders += [PlacedOrder(customer, order_id, currency) for order_id in ids]
        return ids

    async def _page_order(self, rng: random.Random, customer: LoggedIn, key: str) -> None:
        """The buyer's page confirms the payment; sometimes a first card is declined."""
        for order_id in await self._order(rng, customer, key, by_page=True):
            if secret := await self._start_payment(customer, order_id):
                await pay(self.shop, rng, secret)

    async def _cart_order(self, rng: random.Random, customer: LoggedIn, key: str) -> None:
        """Orders through the cart, sometimes in several tabs."""
        self.totals.attempted["order"] += 1
        chosen = rng.sample(self.products[rng.choice(list(self.products))], rng.randint(1, 3))
        lines = [(product, rng.randint(1, 3)) for product in chosen]
        card, times = rng.choice(_SLOW_CARDS if self.slow else _CARDS), rng.choice([1, 1, 1, 3])
        result = await order_from_cart(
            lambda operation, call: self._retry(operation, customer, call), lines, card, key, times=times
        )
        if len(result.orders) > 1:
            self.totals.violations.append(f"a cart became several orders: {sorted(result.orders)}")
        self._orders += [PlacedOrder(customer, *order) for order in result.orders.items()]

    async def _start_payment(self, customer: LoggedIn, order_id: str) -> str:
        self.totals.attempted["start payment"] += 1
        started = await self._retry(
            "start payment", customer, lambda buyer: buyer.execute(START_PAYMENT, id=order_id)
        )
        payment = started.get("startPayment") if started and not started.errors else None
        return str(payment["clientSecret"] or "") if payment else ""

    async def _concurrent_order(self, rng: random.Random, customer: LoggedIn, key: str) -> None:
        self.totals.attempted["concurrent order"] += 1
        await self._order(rng, customer, key, times=rng.randint(2, 4))

    async def _cancel(self, rng: random.Random, customer: LoggedIn, key: str) -> None:
        if own := [order.id for order in self._orders if order.customer is customer]:
            self.totals.attempted["cancel"] += 1
            order_id = rng.choice(own[-10:])
            await self._retry("cancel", customer, lambda buyer: buyer.cancel(order_id, "changed my mind"))

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
            payment = (await (await order.customer.person()).order(order.id))["payment"]
        except (AssertionError, httpx.TransportError, ValueError):
            return None
        return (order, payment["id"]) if payment and payment["status"] == "SUCCEEDED" else None

    async def _refund_payment(self, payment_id: str, amount: str | None, key: str) -> None:
        self.totals.attempted["refund"] += 1
        await self._retry("refund", self.admin, lambda admin: admin.refund(payment_id, amount, key))

    async def _adjust_stock(self, rng: random.Random, customer: LoggedIn, key: str) -> None:
        self.totals.attempted["adjust stock"] += 1
        product, delta = self._random_product(rng), rng.randint(-10, 240) or 1
        operation = "remove stock" if delta < 0 else "add stock"
        await self._retry(operation, self.admin, lambda admin: admin.adjust_stock(product, delta, key))

    async def _set_stock(self, rng: random.Random, customer: LoggedIn, key: str) -> None:
        self.totals.attempted["set stock"] += 1
        product, stock = self._random_product(rng), rng.choice([None, 20, 500, 1000])
        await self._retry("set stock", self.admin, lambda admin: admin.set_stock(product, stock))

    async def _update_status(self, rng: random.Random, customer: LoggedIn, key: str) -> None:
        if self._orders:
            order = rng.choice(self._orders[-1000:])
            operation = rng.choice(["ship", "deliver"])
            self.totals.attempted[operation] += 1
            status = "SHIPPED" if operation == "ship" else "DELIVERED"
            await self._retry(operation, self.admin, lambda admin: admin.update_status(order.id, status))

    def _random_product(self, rng: random.Random) -> str:
        return rng.choice([product for products in self.products.values() for product in products])

    async def _retry(
        self, operation: str, user: LoggedIn, call: Callable[[Person], Awaitable[Response]]
    ) -> Response | None:
        """Repeats the call until it succeeds or is rejected; records what happened."""
        end = time.monotonic() + _MAX_SECONDS_PER_CALL
        last = ""
        while time.monotonic() < end:
            person = await user.person()
            try:
                response = await call(person)
            except (
                httpx.TransportError,
                ValueError,
            ) as error:  # the gateway is down, or died while responding
                self.totals.retried[last := type(error).__name__] += 1
                await asyncio.sleep(0.3)
                continue
            if not is_retryable(response) and not self._is_clock_error(response):
                self.totals.rejected.update(error_names(response))
                self.totals.violations += unexpected_errors(operation, response)
                return response
            self.totals.retried.update(error_names(response))
            last = str(response.errors)
            if "UNAUTHENTICATED" in response.codes:
                user.distrust(person)
            await asyncio.sleep(0.3)
        self.totals.violations.append(
            f"{operation} got no response within {_MAX_SECONDS_PER_CALL:.0f} s; last error: {last}"
        )
        return None

    def _is_clock_error(self, response: Response) -> bool:
        return set(response.codes) == {"UNAUTHENTICATED"} and self.tokens_may_fail()
