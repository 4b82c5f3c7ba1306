"""Shoppers and an ADMIN who go on while data is lost. Failures are expected then; what was acknowledged is remembered."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Final

import httpx

from kit.testing import eventually
from tests.e2e.responses import Response
from tests.e2e.shop import PASSWORD, Person, Shop

_PAUSE_SECONDS: Final = 0.4
_ORDER_SECONDS: Final = 120.0
_CARDS: Final = (*("pm_card_visa",) * 6, "pm_card_pendingRefund", "pm_card_chargeDeclined")


@dataclass(frozen=True, slots=True)
class PlacedOrder:
    """An order that was acknowledged at `time`, in seconds since 1970."""

    id: str
    time: float


@dataclass
class Shopping:
    """`shoppers` order, cancel and have orders refunded until `stop`."""

    shop: Shop
    admin: Person
    shoppers: list[Person]
    product: str
    orders: list[PlacedOrder] = field(default_factory=list)
    responses: Counter[str] = field(default_factory=Counter)
    _stopped: bool = False

    @classmethod
    async def prepare(cls, shop: Shop, shoppers: int) -> Shopping:
        """Registers the shoppers and creates the product."""
        admin = await shop.admin()
        product = await admin.create_product(price="12.34", stock=100_000)
        return cls(shop, admin, [await shop.register() for _ in range(shoppers)], product)

    async def run(self) -> None:
        """Until `stop`."""
        await asyncio.gather(*(self._act(number) for number in range(len(self.shoppers))))

    def stop(self) -> None:
        """All finish their current request."""
        self._stopped = True

    async def first_order_after(self, moment: float) -> float:
        """When the first order was acknowledged after that moment."""
        return await eventually(lambda: self._placed_after(moment), seconds=_ORDER_SECONDS)

    async def _placed_after(self, moment: float) -> float:
        return next((order.time for order in self.orders if order.time > moment), 0.0)

    async def _act(self, number: int) -> None:
        rng = random.Random(number)
        while not self._stopped:
            buyer = self.shoppers[number]
            response = await self._request(buyer.try_to_buy(self.product, card=rng.choice(_CARDS)))
            if response is not None and not response.errors:
                order_id = response.get("createOrder")["id"]
                self.orders.append(PlacedOrder(order_id, time.time()))
                await self._follow_up(rng, buyer, order_id)
            elif response is not None and response.errors[0]["extensions"]["code"] == "UNAUTHENTICATED":
                self.shoppers[number] = await self.shop.login(buyer.email, PASSWORD)

    async def _follow_up(self, rng: random.Random, buyer: Person, order_id: str) -> None:
        if rng.random() < 0.2:
            await self._request(buyer.cancel(order_id, "changed my mind"))
        elif rng.random() < 0.3:
            earlier = rng.choice(self.orders[-20:]).id
            if (payment := await self._payment(earlier)) is not None:
                await self._request(self.admin.refund(payment, rng.choice(["1.00", None])))

    async def _payment(self, order_id: str) -> str | None:
        try:
            payment = (await self.admin.order(order_id))["payment"]
        except (AssertionError, httpx.TransportError, ValueError, TypeError):
            return None
        return str(payment["id"]) if payment else None

    async def _request(self, call: Awaitable[Response]) -> Response | None:
        """The response; None if there was none."""
        response: Response | None = None
        try:
            response = await call
        except (httpx.TransportError, ValueError) as error:
            self.responses[type(error).__name__] += 1
        if response is not None:
            code = response.errors[0]["extensions"]["code"] if response.errors else "ok"
            self.responses[code] += 1
        await asyncio.sleep(_PAUSE_SECONDS)
        return response
