"""Shoppers and clerks who do what comes to their mind, all from one seed, and repeat what was not answered under the same key.

What an answer may be is known: anything else is kept as a violation, as are two answers to one key that name different things.
"""

from __future__ import annotations

import asyncio
import random
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from itertools import cycle
from typing import Final

import httpx

from tests.e2e.shop import Answer, Person, Shop
from tests.faults.mixes import mixes

# Not answered, or not now: the same call is safe to repeat.
AGAIN: Final = {"SERVICE_UNAVAILABLE", "DEADLINE_EXCEEDED", "IDEMPOTENCY_IN_PROGRESS"}
# The shop's own rules.
REFUSED: Final = {"OUT_OF_STOCK", "FAILED_PRECONDITION", "VERSION_CONFLICT", "RATE_LIMITED"}
_CARDS: Final = ("pm_card_visa",) * 7 + ("pm_card_chargeDeclined", "pm_card_chargeDeclinedInsufficientFunds")
# Whose buyer never comes back to act: such an order waits for its deadline, minutes later.
_SLOW_CARDS: Final = (*_CARDS, "pm_card_authenticationRequired")
_PATIENCE_SECONDS = 90.0


@dataclass
class Tally:
    """What was tried, and what came of it."""

    tried: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    repeats: int = 0
    violations: list[str] = field(default_factory=list)

    @property
    def orders(self) -> int:
        """createOrder calls with a key of their own."""
        return self.tried["order"]


@dataclass
class Party:
    """Everybody at the shop: `customers` shop, `clerk` is an ADMIN; each does the deeds of its mix,
    over and over. `seed` makes them do the same again.

    `slow`: some orders wait for their deadline.
    """

    shop: Shop
    clerk: Person
    customers: list[Person]
    products: list[str]
    mixes: list[list[str]]
    seed: int
    slow: bool
    tally: Tally = field(default_factory=Tally)
    _orders: list[tuple[Person, str]] = field(default_factory=list)

    @classmethod
    async def gather(cls, shop: Shop, seed: int, *, slow: bool, customers: int, products: int = 12) -> Party:
        """Signs everybody in and fills the shelves: much of some products, little of others."""
        clerk = await shop.admin()
        people = [await shop.register() for _ in range(customers)]
        shelves = [
            await clerk.create_product(price=f"{3 + n}.50", stock=200 if n % 3 else 20)
            for n in range(products)
        ]
        return cls(shop, clerk, people, shelves, mixes(customers, seed), seed, slow)

    async def go(self, orders: int, pause: float) -> None:
        """Everybody acts, about one action in `pause` seconds each, until so many orders were tried."""
        await asyncio.gather(*(self._act(at, orders, pause) for at in range(len(self.customers))))

    async def _act(self, at: int, orders: int, pause: float) -> None:
        # Keys are of this run alone: a seed may come again on the same stack.
        chance, run = random.Random(f"{self.seed} {at}"), secrets.token_hex(4)
        customer = self.customers[at]
        for number, deed in enumerate(cycle(self.mixes[at])):
            if self.tally.orders >= orders:
                return
            await self._deeds[deed](chance, customer, f"{run}-{at}-{number}")
            await asyncio.sleep(pause * chance.uniform(0.5, 1.5))

    @property
    def _deeds(self) -> Mapping[str, Callable[[random.Random, Person, str], Awaitable[None]]]:
        return {
            "order": self._order,
            "order at once": self._order_at_once,
            "cancel": self._cancel,
            "refund": self._refund,
            "adjust stock": self._adjust,
            "set stock": self._set,
            "move": self._move,
        }

    async def _order(self, chance: random.Random, customer: Person, key: str, *, times: int = 1) -> None:
        self.tally.tried["order"] += 1
        lines = [
            (product, chance.randint(1, 3)) for product in chance.sample(self.products, chance.randint(1, 3))
        ]
        card = chance.choice(_SLOW_CARDS if self.slow else _CARDS)

        async def once() -> Answer | None:
            return await self._until_answered(
                "order", lambda: customer.try_to_buy(*lines, card=card, key=key)
            )

        answers = [answer for answer in await asyncio.gather(*(once() for _ in range(times))) if answer]
        ids = {answer.get("createOrder")["id"] for answer in answers if not answer.errors}
        if len(ids) > 1:
            self.tally.violations.append(f"key {key} was answered with {sorted(ids)}")
        self._orders += [(customer, order_id) for order_id in ids]

    async def _order_at_once(self, chance: random.Random, customer: Person, key: str) -> None:
        self.tally.tried["the same order at once"] += 1
        await self._order(chance, customer, key, times=chance.randint(2, 4))

    async def _cancel(self, chance: random.Random, customer: Person, key: str) -> None:
        if own := [order_id for owner, order_id in self._orders if owner is customer]:
            self.tally.tried["cancel"] += 1
            order_id = chance.choice(own[-10:])
            await self._until_answered("cancel", lambda: customer.cancel(order_id, "changed my mind"))

    async def _refund(self, chance: random.Random, customer: Person, key: str) -> None:
        if not self._orders:
            return
        owner, order_id = chance.choice(self._orders[-1000:])
        try:
            payment = (await owner.order(order_id))["payment"]
        except (AssertionError, httpx.TransportError):
            return
        if payment and payment["status"] == "SUCCEEDED":
            self.tally.tried["refund"] += 1
            amount = chance.choice(["1.00", "0.01", None])
            await self._until_answered("refund", lambda: self.clerk.refund(payment["id"], amount, key))

    async def _adjust(self, chance: random.Random, customer: Person, key: str) -> None:
        self.tally.tried["adjust stock"] += 1
        product, delta = chance.choice(self.products), chance.randint(-5, 30)
        if delta:
            await self._until_answered("adjust stock", lambda: self.clerk.adjust_stock(product, delta, key))

    async def _set(self, chance: random.Random, customer: Person, key: str) -> None:
        self.tally.tried["set stock"] += 1
        product, stock = chance.choice(self.products), chance.choice([None, 10, 50, 200])
        await self._until_answered("set stock", lambda: self.clerk.set_stock(product, stock))

    async def _move(self, chance: random.Random, customer: Person, key: str) -> None:
        if self._orders:
            self.tally.tried["ship or deliver"] += 1
            _, order_id = chance.choice(self._orders[-1000:])
            status = chance.choice(["SHIPPED", "DELIVERED"])
            await self._until_answered("ship or deliver", lambda: self.clerk.move(order_id, status))

    async def _until_answered(self, what: str, call: Callable[[], Awaitable[Answer]]) -> Answer | None:
        """Calls until there is an answer; repeats what was not."""
        end = asyncio.get_running_loop().time() + _PATIENCE_SECONDS
        while asyncio.get_running_loop().time() < end:
            try:
                answer = await call()
            except (httpx.TransportError, ValueError):  # the gateway itself is away, or died amid its answer
                answer = None
            codes = set(answer.codes) if answer else AGAIN
            if not codes & AGAIN:
                self.tally.refused.update(codes)
                if strange := codes - REFUSED:
                    self.tally.violations.append(
                        f"{what} was answered {sorted(strange)}: {answer.errors if answer else ''}"
                    )
                return answer
            self.tally.repeats += 1
            await asyncio.sleep(0.3)
        self.tally.violations.append(f"{what} was not answered within {_PATIENCE_SECONDS:.0f} s")
        return None
