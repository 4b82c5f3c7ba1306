"""GuestMerged five times, before and after the guest's orders and the deletion of its account, on PostgreSQL."""

from typing import Any
from uuid import UUID, uuid4

from souk.account.v1 import events_pb2 as account

from kit.events import Event
from kit.guests import MergedGuests
from kit.testing.fixtures import database_url, postgres
from kit.values import ACCOUNT, utc_now
from order.cart_moves.store import PostgresMovingStore
from order.cart_moves.use_cases import CartMoves
from order.closed_accounts.consumers import AccountEvents
from order.closed_accounts.use_cases import ClosedAccounts
from order.listing.ports import OrderFilter
from order.orders.domain import CancelReason, Order, Status
from order.tests.store_contract import StoreHarness, postgres_harness

__all__ = ["database_url", "postgres", "postgres_harness"]

INTO = uuid4()


class Service:
    """The consumer of account's events on PostgreSQL."""

    def __init__(self, harness: StoreHarness) -> None:
        self.harness = harness
        moves = CartMoves(PostgresMovingStore(), harness.clock)
        closed = ClosedAccounts(harness.db, harness.closed_accounts, harness.store, moves, harness.clock)
        self.guests = MergedGuests(
            harness.db, ["orders"], closed.guest_merged, others=["carts"], clock=utc_now
        )
        self.handlers: Any = AccountEvents(closed, self.guests).subscription().handlers

    async def receive(self, body: Any) -> None:
        event: Event[Any] = Event(uuid4(), body.DESCRIPTOR.full_name, "key", utc_now(), body, "", {})
        async with self.harness.db.transaction() as tx:
            await self.handlers[type(body)](tx, event)

    async def merge(self, times: int = 5) -> None:
        guest_id = ACCOUNT.format(self.harness.account)
        for _ in range(times):
            await self.receive(account.GuestMerged(guest_id=guest_id, into_id=ACCOUNT.format(INTO)))

    async def delete(self) -> None:
        await self.receive(account.AccountDeleted(account_id=ACCOUNT.format(INTO)))

    async def orders_of(self, account_id: UUID) -> list[Order]:
        return await self.harness.listing.page(OrderFilter(account_id), None, 10)


async def test_all_orders_of_a_guest_are_those_of_its_account(postgres_harness: StoreHarness) -> None:
    service = Service(postgres_harness)
    await postgres_harness.place(2)
    await postgres_harness.place_cancelled()
    [other] = await postgres_harness.place(account=uuid4())

    await service.merge()

    assert len(await service.orders_of(INTO)) == 3
    assert await service.orders_of(postgres_harness.account) == []
    assert await service.orders_of(other.account_id) == [other]


async def test_an_order_placed_with_the_guests_last_token_follows(postgres_harness: StoreHarness) -> None:
    service = Service(postgres_harness)
    await service.merge()
    [late] = await postgres_harness.place()

    await service.guests.apply_to_late_rows()

    assert [order.id for order in await service.orders_of(INTO)] == [late.id]


async def test_orders_of_a_guest_are_closed_with_an_account_that_was_deleted_before(
    postgres_harness: StoreHarness,
) -> None:
    service = Service(postgres_harness)
    [order] = await postgres_harness.place()
    await service.delete()

    await service.merge()

    [closed] = await service.orders_of(INTO)
    assert (closed.id, closed.status, closed.cancel_reason) == (
        order.id,
        Status.CANCELLED,
        CancelReason.ACCOUNT_DELETED,
    )
    assert closed.shipping_address
    assert (closed.shipping_address.name, closed.shipping_address.country_code) == ("", "CH")
    assert (
        await postgres_harness.db.fetchval("SELECT count(*) FROM outbox WHERE type LIKE '%OrderCancelled'")
        == 1
    )
