"""Every server is stopped for a while under traffic: the documented behaviour, and recovery without a restart of our services.

Every test ends with everything up again and a successful order. SOUK_OUTAGE_SECONDS: how long a server is down.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from tests.e2e.documents import PRODUCT
from tests.e2e.responses import Response, within
from tests.e2e.shop import Person, Shop
from tests.e2e.stack import StackUnderTest, stack

__all__ = ["stack"]

_DOWN_SECONDS = float(os.environ.get("SOUK_OUTAGE_SECONDS", "8"))
_RECOVERY_SECONDS = 60.0
_NO_ERRORS: list[str] = []


@dataclass
class Traffic:
    """A buyer who keeps ordering, with the results."""

    buyer: Person
    product: str
    orders: list[str] = field(default_factory=list)
    codes: set[str] = field(default_factory=set)
    slowest: float = 0

    async def run(self, stopped: asyncio.Event) -> None:
        clock = asyncio.get_running_loop().time
        while not stopped.is_set():
            start = clock()
            response = await self.buyer.try_to_buy(self.product)
            self.slowest = max(self.slowest, clock() - start)
            self.codes.update(response.codes)
            if not response.errors:
                self.orders.append(response.get("createOrder")["id"])
            # About the rate of charges, so that any backlog afterwards is due to the outage.
            await asyncio.sleep(0.05)


@pytest.fixture
async def shop(stack: StackUnderTest) -> AsyncIterator[Shop]:
    async with stack.shop() as shop:
        yield shop


@pytest.fixture
async def traffic(shop: Shop) -> Traffic:
    admin = await shop.admin()
    return Traffic(await shop.register(), await admin.create_product("Lamp", stock=100_000))


@asynccontextmanager
async def without(stack: StackUnderTest, component: str, traffic: Traffic) -> AsyncIterator[None]:
    """The component is down during the block, at least for the outage time, under traffic."""
    stopped = asyncio.Event()
    running = asyncio.create_task(traffic.run(stopped))
    await asyncio.to_thread(stack.stop, component)
    try:
        down = asyncio.create_task(asyncio.sleep(_DOWN_SECONDS))
        yield
        await down
    finally:
        await asyncio.to_thread(stack.start, component)
        stopped.set()
        await running


async def assert_recovery(traffic: Traffic) -> None:
    """A new order succeeds, and so do all orders that were accepted during the outage."""

    async def place() -> str | None:
        response = await traffic.buyer.try_to_buy(traffic.product)
        return None if response.errors else str(response.get("createOrder")["id"])

    last = await within(_RECOVERY_SECONDS, place, "an order after the outage")
    for order in [*traffic.orders, last]:
        await traffic.buyer.wait_for_status(order, "CONFIRMED", seconds=_RECOVERY_SECONDS)


async def test_without_kafka_orders_are_accepted_and_paid_afterwards(
    stack: StackUnderTest, traffic: Traffic
) -> None:
    async with without(stack, "kafka", traffic):
        response = await traffic.buyer.try_to_buy(traffic.product)
        assert response.codes == _NO_ERRORS
        traffic.orders.append(response.get("createOrder")["id"])

    assert traffic.codes == set()
    await assert_recovery(traffic)


async def test_without_elasticsearch_only_the_search_fails(
    stack: StackUnderTest, shop: Shop, traffic: Traffic
) -> None:
    async def search() -> Response:
        return await shop.execute(
            "query($q: String!) { products(query: $q) { nodes { id } } }", q="lamp shade"
        )

    async with without(stack, "elasticsearch", traffic):
        assert (await search()).codes == ["SERVICE_UNAVAILABLE"]
        assert (await shop.execute(PRODUCT, id=traffic.product)).codes == _NO_ERRORS
        admin = await shop.admin()
        added = await admin.create_product("Chandelier")

    assert traffic.codes == set()
    await assert_recovery(traffic)

    async def is_indexed() -> bool:
        return added in await shop.search("chandelier")

    await within(_RECOVERY_SECONDS, is_indexed, "the product that was added during the outage")


async def test_without_redis_everything_works(stack: StackUnderTest, shop: Shop, traffic: Traffic) -> None:
    async with without(stack, "redis", traffic):
        assert (await shop.execute(PRODUCT, id=traffic.product)).codes == _NO_ERRORS
        assert (await shop.execute("{ products(first: 5) { nodes { id } } }")).codes == _NO_ERRORS
        assert (await shop.register()).token

    assert traffic.codes == set()
    await assert_recovery(traffic)


async def test_without_postgresql_callers_get_an_error_within_their_deadline(
    stack: StackUnderTest, traffic: Traffic
) -> None:
    async with without(stack, "postgresql", traffic):
        response = await traffic.buyer.try_to_buy(traffic.product)
        assert response.codes[0] in ("SERVICE_UNAVAILABLE", "DEADLINE_EXCEEDED")

    assert traffic.codes <= {"SERVICE_UNAVAILABLE", "DEADLINE_EXCEEDED"}
    assert traffic.slowest < 15
    await assert_recovery(traffic)


async def test_without_the_provider_orders_wait_for_it(stack: StackUnderTest, traffic: Traffic) -> None:
    async with without(stack, "stripe", traffic):
        pass

    assert traffic.codes == set()
    await assert_recovery(traffic)


async def test_without_a_mail_server_mails_wait(stack: StackUnderTest, traffic: Traffic) -> None:
    await asyncio.to_thread(stack.stop, "mail")
    order = await traffic.buyer.buy(traffic.product)
    await traffic.buyer.wait_for_status(order["id"], "CONFIRMED")
    await asyncio.to_thread(stack.start, "mail")

    [mail] = await traffic.buyer.wait_for_mail("confirmed", order["id"], seconds=_RECOVERY_SECONDS)
    assert mail.subject
