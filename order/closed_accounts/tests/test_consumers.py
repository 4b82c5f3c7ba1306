"""AccountDeleted and the sweep after it, with fakes."""

import pytest
from souk.account.v1 import events_pb2 as account_events
from souk.payment.v1 import events_pb2

from kit.auth import Principal, Role
from kit.testing.principals import customer
from kit.values import ACCOUNT, SESSION
from order.closed_accounts import use_cases
from order.orders.domain import CancelReason, OrderCancelled, Status
from order.tests.subscriptions import Subscriptions, payment


async def test_account_deleted_cancels_orders_placed_or_paid_in_the_meantime() -> None:
    shop = Subscriptions()
    waiting = await shop.pending()
    paid = await shop.place(Principal(waiting.account_id, Role.USER, SESSION.new()))
    await shop.receive(events_pb2.PaymentSucceeded(payment=payment(paid)))
    another = await shop.pending()

    for _ in range(2):
        deleted = account_events.AccountDeleted(account_id=ACCOUNT.format(waiting.account_id))
        await shop.receive(deleted)

    for order in (waiting, paid):
        assert (await shop.current(order)).cancel_reason is CancelReason.ACCOUNT_DELETED
    assert (await shop.current(another)).status is Status.PENDING
    assert sum(isinstance(event, OrderCancelled) for event in shop.published()) == 2


async def test_orders_placed_after_the_account_was_deleted_are_cancelled_by_the_sweep() -> None:
    shop = Subscriptions()
    buyer = customer()
    deleted = account_events.AccountDeleted(account_id=ACCOUNT.format(buyer.account_id))
    await shop.receive(deleted)
    late = await shop.place(buyer)
    other = await shop.pending()

    await shop.closed_accounts.cancel_orders_of_closed_accounts()

    assert (await shop.current(late)).cancel_reason is CancelReason.ACCOUNT_DELETED
    assert (await shop.current(other)).status is Status.PENDING


async def test_the_sweep_goes_on_to_the_last_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(use_cases, "_SWEEP_BATCH_SIZE", 2)
    shop, buyers = Subscriptions(), [customer() for _ in range(5)]
    for buyer in buyers:
        await shop.receive(account_events.AccountDeleted(account_id=ACCOUNT.format(buyer.account_id)))
    late = [await shop.place(buyer) for buyer in buyers]

    await shop.closed_accounts.cancel_orders_of_closed_accounts()

    for order in late:
        assert (await shop.current(order)).cancel_reason is CancelReason.ACCOUNT_DELETED
