"""Shoppers and clerks who do what comes to their mind, all from one seed, and repeat what was not answered under the same key.

What an answer may be is known (tests.faults.allowed): anything else is kept as a violation, as are two answers to one key that name
different things.
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

from tests.e2e.shop import Answer, Person, Shop
from tests.faults.allowed import is_repeatable, refusals, strange
from tests.faults.mixes import mixes
from tests.faults.sessions import Session

_CARDS: Final = (
    *("pm_card_visa",) * 20,
    "pm_card_pendingRefund",
    "pm_card_chargeDeclined",
    "pm_card_chargeDeclinedInsufficientFunds",
)
# Whose buyer never comes back to act: such an order waits for its deadline, minutes later.
_SLOW_CARDS: Final = (*_CARDS, "pm_card_authenticationRequired")
_PATIENCE_SECONDS = 120.0
_ADMIN_PASSWORD = "AdminPass123!"


@dataclass(frozen=True, slots=True)
class Shelf:
    """The products of one currency: so many, their prices, and parts of a payment that may be refunded."""

    count: int
    prices: Callable[[int], str]
    parts: tuple[str, ...]


_SHELVES: Final[Mapping[str, Shelf]] = {
    "USD": Shelf(6, lambda n: f"{3 + n}.50", ("1.00", "0.01")),
    "EUR": Shelf(3, lambda n: f"{5 + n}.99", ("1.00", "0.01")),
    "JPY": Shelf(3, lambda n: f"{300 + 50 * n}", ("100", "1")),
    "KWD": Shelf(3, lambda n: f"{1 + n}.510", ("0.500", "0.010")),
}


@dataclass(frozen=True, slots=True)
class Placed:
    """An order, whose it is, and its currency."""

    customer: Session
    id: str
    currency: str


@dataclass
class Tally:
    """What was tried, and what came of it."""

    tried: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)

    @property
    def orders(self) -> int:
        """createOrder calls with a key of their own."""
        return self.tried["order"]


@dataclass
class Party:
    """Everybody at the shop: `customers` shop, `clerk` is an ADMIN; each does the deeds of its mix, over and over.

    `seed` makes them do the same again. `slow`: some orders wait for their deadline. `tokens_may_fail` says whether some process has the
    wrong time now, by which a token may be from the future or over.
    """

    shop: Shop
    clerk: Session
    customers: list[Session]
    products: Mapping[str, list[str]]
    mixes: list[list[str]]
    seed: int
    slow: bool
    tokens_may_fail: Callable[[], bool]
    run: str = field(default_factory=lambda: secrets.token_hex(4))
    tally: Tally = field(default_factory=Tally)
    _orders: list[Placed] = field(default_factory=list)

    @classmethod
    async def gather(
        cls,
        shop: Shop,
        seed: int,
        *,
        slow: bool,
        customers: int,
        tokens_may_fail: Callable[[], bool] = lambda: False,
    ) -> Party:
        """Signs everybody in and fills the shelves: much of some products, little of others."""
        clerk = await shop.admin()
        people = [Session(shop, await shop.register()) for _ in range(customers)]
        shelves = {
            currency: [
                await clerk.create_product(
                    price=shelf.prices(n), currency=currency, stock=1000 if n % 3 else 40
                )
                for n in range(shelf.count)
            ]
            for currency, shelf in _SHELVES.items()
        }
        session = Session(shop, clerk, _ADMIN_PASSWORD)
        return cls(shop, session, people, shelves, mixes(customers, seed), seed, slow, tokens_may_fail)

    async def go(self, orders: int, pause: float, seconds: float = math.inf) -> None:
        """Everybody acts, about one action in `pause` seconds each, until so many orders were tried or the time is over."""
        end = time.monotonic() + seconds
        await asyncio.gather(*(self._act(at, orders, pause, end) for at in range(len(self.customers))))

    async def _act(self, at: int, orders: int, pause: float, end: float) -> None:
        # Keys are of this run alone: a seed may come again on the same stack.
        chance = random.Random(f"{self.seed} {at}")
        customer = self.customers[at]
        for number, deed in enumerate(cycle(self.mixes[at])):
            if self.tally.orders >= orders or time.monotonic() > end:
                return
            await self._deeds[deed](chance, customer, f"{self.run}-{at}-{number}")
            await asyncio.sleep(pause * chance.uniform(0.5, 1.5))

    @property
    def _deeds(self) -> Mapping[str, Callable[[random.Random, Session, str], Awaitable[None]]]:
        return {
            "order": self._order,
            "order at once": self._order_at_once,
            "cancel": self._cancel,
            "refund": self._refund,
            "refund in parts": self._refund_in_parts,
            "adjust stock": self._adjust,
            "set stock": self._set,
            "move": self._move,
        }

    async def _order(self, chance: random.Random, customer: Session, key: str, *, times: int = 1) -> None:
        self.tally.tried["order"] += 1
        currency = chance.choice(list(self.products))
        chosen = chance.sample(self.products[currency], chance.randint(1, 3))
        lines = [(product, chance.randint(1, 3)) for product in chosen]
        card = chance.choice(_SLOW_CARDS if self.slow else _CARDS)

        async def once() -> Answer | None:
            return await self._until_answered(
                "order", customer, lambda buyer: buyer.try_to_buy(*lines, card=card, key=key)
            )

        answers = [answer for answer in await asyncio.gather(*(once() for _ in range(times))) if answer]
        ids = {answer.get("createOrder")["id"] for answer in answers if not answer.errors}
        if len(ids) > 1:
            self.tally.violations.append(f"key {key} was answered with {sorted(ids)}")
        self._orders += [Placed(customer, order_id, currency) for order_id in ids]

    async def _order_at_once(self, chance: random.Random, customer: Session, key: str) -> None:
        self.tally.tried["the same order at once"] += 1
        await self._order(chance, customer, key, times=chance.randint(2, 4))

    async def _cancel(self, chance: random.Random, customer: Session, key: str) -> None:
        if own := [order.id for order in self._orders if order.customer is customer]:
            self.tally.tried["cancel"] += 1
            order_id = chance.choice(own[-10:])
            await self._until_answered(
                "cancel", customer, lambda buyer: buyer.cancel(order_id, "changed my mind")
            )

    async def _refund(self, chance: random.Random, customer: Session, key: str) -> None:
        """All that is left, mostly."""
        if payment := await self._paid(chance):
            order, payment_id = payment
            amount = chance.choice([*_SHELVES[order.currency].parts, None, None])
            await self._give_back(payment_id, amount, key)

    async def _refund_in_parts(self, chance: random.Random, customer: Session, key: str) -> None:
        """Several parts of one payment, one after the other or at once."""
        if payment := await self._paid(chance):
            order, payment_id = payment
            amounts = [chance.choice(_SHELVES[order.currency].parts) for _ in range(chance.randint(2, 3))]
            parts = [self._give_back(payment_id, amount, f"{key}-{n}") for n, amount in enumerate(amounts)]
            if chance.random() < 0.5:
                await asyncio.gather(*parts)
                return
            for part in parts:
                await part

    async def _paid(self, chance: random.Random) -> tuple[Placed, str] | None:
        """An order whose payment has captured, and that payment."""
        if not self._orders:
            return None
        order = chance.choice(self._orders[-1000:])
        try:
            payment = (await (await order.customer.person()).order(order.id))["payment"]
        except (AssertionError, httpx.TransportError, ValueError):
            return None
        return (order, payment["id"]) if payment and payment["status"] == "SUCCEEDED" else None

    async def _give_back(self, payment_id: str, amount: str | None, key: str) -> None:
        self.tally.tried["refund"] += 1
        await self._until_answered("refund", self.clerk, lambda clerk: clerk.refund(payment_id, amount, key))

    async def _adjust(self, chance: random.Random, customer: Session, key: str) -> None:
        self.tally.tried["adjust stock"] += 1
        product, delta = self._product(chance), chance.randint(-10, 240) or 1
        operation = "take stock" if delta < 0 else "adjust stock"
        await self._until_answered(
            operation, self.clerk, lambda clerk: clerk.adjust_stock(product, delta, key)
        )

    async def _set(self, chance: random.Random, customer: Session, key: str) -> None:
        self.tally.tried["set stock"] += 1
        product, stock = self._product(chance), chance.choice([None, 20, 500, 1000])
        await self._until_answered("set stock", self.clerk, lambda clerk: clerk.set_stock(product, stock))

    async def _move(self, chance: random.Random, customer: Session, key: str) -> None:
        if self._orders:
            order = chance.choice(self._orders[-1000:])
            operation = chance.choice(["ship", "deliver"])
            self.tally.tried[operation] += 1
            status = "SHIPPED" if operation == "ship" else "DELIVERED"
            await self._until_answered(operation, self.clerk, lambda clerk: clerk.move(order.id, status))

    def _product(self, chance: random.Random) -> str:
        return chance.choice([product for products in self.products.values() for product in products])

    async def _until_answered(
        self, what: str, session: Session, call: Callable[[Person], Awaitable[Answer]]
    ) -> Answer | None:
        """Calls until there is an answer; repeats what was not."""
        end = asyncio.get_running_loop().time() + _PATIENCE_SECONDS
        last = ""
        while asyncio.get_running_loop().time() < end:
            person = await session.person()
            try:
                answer = await call(person)
            except (
                httpx.TransportError,
                ValueError,
            ) as error:  # the gateway is down, or died amid its answer
                self.tally.failed[last := type(error).__name__] += 1
                await asyncio.sleep(0.3)
                continue
            if is_repeatable(answer) or self._is_wrong_time(answer):
                self.tally.failed.update(refusals(answer))
                last = str(answer.errors)
                if "UNAUTHENTICATED" in answer.codes:
                    session.distrust(person)
                await asyncio.sleep(0.3)
                continue
            self.tally.refused.update(refusals(answer))
            self.tally.violations += strange(what, answer)
            return answer
        self.tally.violations.append(
            f"{what} was not answered within {_PATIENCE_SECONDS:.0f} s; last: {last}"
        )
        return None

    def _is_wrong_time(self, answer: Answer) -> bool:
        return set(answer.codes) == {"UNAUTHENTICATED"} and self.tokens_may_fail()
