"""Every list, look-up and sweep of the payment stores."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID, uuid4

from souk.account.v1 import events_pb2 as account_events

from kit.db import Database, Transaction
from kit.events import Event
from kit.guests import MergedGuests
from kit.values import ACCOUNT
from payment.charges.store import PostgresChargeStore
from payment.customers.store import PostgresCustomerStore
from payment.methods.domain import SavedMethod
from payment.methods.store import PostgresMethodStore
from payment.page.store import PostgresStartStore
from payment.payments.store import PostgresPaymentStore
from payment.refunds.store import PostgresRefundStore
from payment.webhooks.domain import WebhookEvent
from payment.webhooks.store import PostgresWebhookStore
from tests.scale.measuring import Kind, Measure
from tests.scale.moments import moment, rolled_back, uuid
from tests.scale.payment_rows import card, customer_number, method_id, setup
from tests.scale.retention_measures import event_retention
from tests.scale.world import REFUND, Life, World, account_id, order_id, payment_id, scattered


def payment_measures(db: Database, world: World) -> Iterator[Measure]:
    """Measures of the payment service."""
    now = moment(world.now) + timedelta(hours=1)
    yield from _payments(db, world)
    yield from _sweeps(db, now)
    yield from _webhooks(db, world, now)
    yield from _methods(db, now)
    yield from _customers(db, now)
    yield from _merged_guests(db)
    yield from event_retention(db, world)


def _payments(db: Database, world: World) -> Iterator[Measure]:
    store, refunds, start = PostgresPaymentStore(db), PostgresRefundStore(db), PostgresStartStore(db)
    numbers = range(0, world.orders, world.orders // 100)
    payments: list[UUID] = [uuid(payment_id(number)) for number in numbers]
    orders: list[UUID] = [uuid(order_id(number)) for number in numbers]
    owner, refunded = uuid(account_id(0)), _refunded(world)
    for name, whose in (("ADMIN", None), ("owner", owner)):
        yield Measure(
            "payments by id", f"100, {name}", Kind.REQUEST, partial(store.get_many, payments, whose)
        )
        yield Measure(
            "payments of orders", f"100, {name}", Kind.REQUEST, partial(store.find_by_orders, orders, whose)
        )
    settled, late = payments[1], moment(world.now) + timedelta(hours=1)
    yield Measure(
        "payment, locked", "by id", Kind.REQUEST, rolled_back(db, lambda tx: store.lock(tx, settled))
    )
    yield Measure(
        *("payment, locked", "by the provider's refund", Kind.REQUEST),
        rolled_back(db, lambda tx: refunds.lock_by_refund(tx, _provider_refund(refunded))),
    )
    yield Measure(
        *("refund, locked", "by id", Kind.REQUEST),
        rolled_back(db, lambda tx: refunds.lock_refund(tx, uuid(scattered(REFUND, refunded)))),
    )
    yield Measure(
        *("payments of cancelled orders, locked", "100", Kind.SWEEP),
        rolled_back(db, lambda tx: store.lock_by_orders(tx, orders)),
    )
    yield Measure("payment started", "", Kind.REQUEST, lambda: start.claim_payment(settled, late, late))


def _sweeps(db: Database, now: datetime) -> Iterator[Measure]:
    charges, refunds = PostgresChargeStore(db), PostgresRefundStore(db)
    methods, customers = PostgresMethodStore(db), PostgresCustomerStore(db)
    lease = now + timedelta(seconds=30)
    yield Measure(
        "sweep: payments to charge",
        "20",
        Kind.SWEEP,
        lambda: charges.claim_payments(now - timedelta(days=1), lease, 20),
    )
    yield Measure("sweep: payments cancelled", "100", Kind.SWEEP, lambda: charges.cancel_expired(now, 100))
    yield Measure("sweep: refunds to make", "20", Kind.SWEEP, lambda: refunds.claim_refunds(now, lease, 20))
    yield Measure("sweep: methods to save", "20", Kind.SWEEP, lambda: methods.claim_methods(now, lease, 20))
    yield Measure(
        "sweep: customers to delete", "20", Kind.SWEEP, lambda: customers.claim_customers(now, lease, 20)
    )


def _webhooks(db: Database, world: World, now: datetime) -> Iterator[Measure]:
    store, paid, refunded = PostgresWebhookStore(db), world.orders // 3, _provider_refund(_refunded(world))
    intent_id, setup_id = f"pi_{paid:024x}", setup(customer_number(7), 0).decode()
    yield Measure(
        *("webhook", "an intent", Kind.REQUEST),
        lambda: store.intent_changed(WebhookEvent(uuid4(), intent_id, failed=True), now),
    )
    yield Measure(
        *("webhook", "a refund", Kind.REQUEST),
        lambda: store.refund_changed(WebhookEvent(uuid4(), refund_id=refunded), now),
    )
    yield Measure(
        *("webhook", "a setup", Kind.REQUEST),
        lambda: store.setup_changed(WebhookEvent(uuid4(), setup_id=setup_id), now),
    )


def _methods(db: Database, now: datetime) -> Iterator[Measure]:
    store, many = PostgresMethodStore(db), uuid(account_id(100))
    owners = [uuid(account_id(customer_number(number))) for number in range(100)]
    one, hour_ago = uuid(method_id(100, 3)), now - timedelta(hours=1)

    async def save_at_checkout(tx: Transaction) -> None:
        await store.add(tx, [SavedMethod.of_payment(owner, uuid4(), now) for owner in owners])

    async def choose_default(tx: Transaction) -> None:
        methods = await store.lock_account(tx, many)
        for method in methods:
            method.is_default = method.id == one
        await store.save(tx, *sorted(methods, key=lambda method: method.is_default))

    yield Measure("saved methods", "one account with ten", Kind.REQUEST, lambda: store.list_saved([many]))
    yield Measure("saved methods", "100 accounts", Kind.REQUEST, lambda: store.list_saved(owners))
    yield Measure("saved method: default", "of ten", Kind.REQUEST, rolled_back(db, choose_default))
    yield Measure(
        "saved method, locked", "by id", Kind.REQUEST, rolled_back(db, lambda tx: store.lock(tx, one))
    )
    yield Measure(
        *("saved method", "by its card", Kind.REQUEST),
        rolled_back(db, lambda tx: store.has_card(tx, card(100, 3).decode())),
    )
    yield Measure(
        *("saved method: limits", "", Kind.REQUEST),
        rolled_back(db, lambda tx: store.lock_usage(tx, many, hour_ago)),
    )
    yield Measure(
        *("saved method: setup counted", "", Kind.REQUEST),
        rolled_back(db, lambda tx: store.count_setup(tx, many, now, hour_ago)),
    )
    yield Measure("saved methods: add", "100 accounts", Kind.SWEEP, rolled_back(db, save_at_checkout))


def _customers(db: Database, now: datetime) -> Iterator[Measure]:
    store, one = PostgresCustomerStore(db), uuid(account_id(100))
    owners = [uuid(account_id(customer_number(number))) for number in range(100)]
    yield Measure("customer of an account", "", Kind.REQUEST, lambda: store.find_customer(one))
    yield Measure(
        "customer: save", "one that exists", Kind.REQUEST, lambda: store.save_customer(one, "cus_1", now)
    )
    yield Measure(
        *("accounts deleted", "100", Kind.SWEEP),
        rolled_back(db, lambda tx: store.close_accounts(tx, owners, now)),
    )


def _merged_guests(db: Database) -> Iterator[Measure]:
    guests = MergedGuests(db, ["payments"], clock=db.clock)
    body = account_events.GuestMerged(
        guest_id=ACCOUNT.format(uuid(account_id(500))), into_id=ACCOUNT.format(uuid(account_id(501)))
    )
    event = Event(uuid4(), "", "", datetime.min, body, "", {})
    yield Measure(
        *("guest merged: payments", "one account", Kind.REQUEST),
        rolled_back(db, lambda tx: guests.merged(tx, event)),
    )
    yield Measure("sweep: payments of merged guests", "", Kind.SWEEP, guests.apply_to_late_rows)


def _refunded(world: World) -> int:
    """The number of an order that was refunded."""
    return next(
        order for order in range(world.orders // 2, world.orders) if world.life(order) is Life.CANCELLED
    )


def _provider_refund(order: int) -> str:
    return f"re_{order:024x}"
