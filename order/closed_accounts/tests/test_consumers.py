"""AccountDeleted and the sweep after it, with fakes."""

from souk.account.v1 import events_pb2 as account_events
from souk.payment.v1 import events_pb2

from kit.auth import Principal, Role
from kit.testing.principals import customer
from kit.values import ACCOUNT, SESSION
from order.orders.domain import CancelReason, OrderCancelled, Status
from order.tests.listening import Listening, payment


async def test_account_deleted_cancels_what_slipped_through() -> None:
    listening = Listening()
    waiting = await listening.pending()
    paid = await listening.place(Principal(waiting.account_id, Role.USER, SESSION.new()))
    await listening.hears(events_pb2.PaymentSucceeded(payment=payment(paid)))
    another = await listening.pending()

    for _ in range(2):
        deleted = account_events.AccountDeleted(account_id=ACCOUNT.format(waiting.account_id))
        await listening.hears(deleted)

    for order in (waiting, paid):
        assert (await listening.current(order)).cancel_reason is CancelReason.ACCOUNT_DELETED
    assert (await listening.current(another)).status is Status.PENDING
    assert sum(isinstance(fact, OrderCancelled) for fact in listening.facts()) == 2


async def test_what_a_deleted_account_still_placed_is_cancelled_by_the_sweep() -> None:
    listening = Listening()
    buyer = customer()
    deleted = account_events.AccountDeleted(account_id=ACCOUNT.format(buyer.account_id))
    await listening.hears(deleted)
    late = await listening.place(buyer)
    other = await listening.pending()

    await listening.closed_accounts.cancel_orders_of_closed_accounts()

    assert (await listening.current(late)).cancel_reason is CancelReason.ACCOUNT_DELETED
    assert (await listening.current(other)).status is Status.PENDING
