"""The composition root of the payment service."""

from collections.abc import Sequence
from datetime import UTC, datetime

from kit.auth import Sealer
from kit.db import Database, Migrations
from kit.errors import InvalidArgument
from kit.guests import MergedGuests
from kit.identity import identity_from_settings
from kit.service import AdminVerifierClient, Service
from kit.values import ORDER
from kit.work import PeriodicJob, Worker
from payment.charges.consumers import OrderEvents
from payment.charges.orders import OrderCharges
from payment.charges.store import PostgresChargeStore
from payment.charges.use_cases import Charges
from payment.customers.consumers import AccountEvents
from payment.customers.store import PostgresCustomerStore
from payment.customers.stripe_customers import StripeCustomers
from payment.customers.use_cases import Customers
from payment.methods.charging import CustomerCharges
from payment.methods.rpc import SavedMethodRpc
from payment.methods.saving import MethodWork
from payment.methods.store import PostgresMethodStore
from payment.methods.stripe_cards import StripeCards
from payment.methods.use_cases import Methods
from payment.page.rpc import PageRpc
from payment.page.store import PostgresStartStore
from payment.page.use_cases import PaymentStart
from payment.payments.events import TOPIC
from payment.payments.store import PostgresPaymentStore
from payment.provider.circuit import Circuit
from payment.provider.stripe_api import is_down
from payment.provider.stripe_client import Stripe
from payment.reading.messages import PaymentView
from payment.reading.rpc import PaymentsRpc
from payment.reading.use_cases import Payments
from payment.reconciliation.stripe_records import StripeRecords
from payment.reconciliation.use_cases import Reconciliation
from payment.refunds.rpc import RefundsRpc
from payment.refunds.store import PostgresRefundStore
from payment.refunds.use_cases import Refunds
from payment.rpc import PaymentServiceRpc
from payment.settings import Settings
from payment.webhooks.store import PostgresWebhookStore
from payment.webhooks.stripe_events import StripeWebhooks
from payment.webhooks.use_cases import Webhooks
from payment.webhooks.web import webhook_route

_OVERDUE_SECONDS = 2.0
_SAVED_METHODS_AT_ONCE = 4


def build(settings: Settings) -> Service:
    """Builds the service without opening anything."""
    db = Database(settings.database_url, publishes=TOPIC)
    sealer = Sealer(settings.payment_sealing_key)
    stripe = _stripe(settings, sealer)
    admins = AdminVerifierClient(settings.account_address, identity_from_settings(settings))
    store = PostgresPaymentStore(db)
    guests = MergedGuests(db, ["payments"], clock=db.clock)
    cards, method_store = StripeCards(stripe), PostgresMethodStore(db)
    customers = Customers(PostgresCustomerStore(db), StripeCustomers(stripe), clock=db.clock)
    methods = Methods(
        db, method_store, customers, cards, max_setups=settings.max_method_setups, clock=db.clock
    )
    saving = MethodWork(db, method_store, store, cards, clock=db.clock)
    orders = OrderCharges(store, methods, default_method=settings.default_payment_method, clock=db.clock)
    provider = CustomerCharges(stripe, method_store, customers)
    charges = Charges(db, store, PostgresChargeStore(db), provider, clock=db.clock)
    start = PaymentStart(store, PostgresStartStore(db), charges, clock=db.clock)
    refunds = Refunds(db, store, PostgresRefundStore(db), stripe, clock=db.clock)
    webhooks = Webhooks(PostgresWebhookStore(db), refunds, clock=db.clock)
    reconciliation = Reconciliation(db, store, StripeRecords(stripe), clock=db.clock)

    async def reconcile(args: Sequence[str]) -> None:
        count = 0
        async for finding in reconciliation.run(_parse_time(args)):
            print(finding, flush=True)
            count += 1
        print(f"{count} differences")

    return Service(
        name="payment",
        settings=settings,
        database=db,
        migrations=Migrations("payment"),
        publishes=TOPIC,
        resources=[db, stripe, admins],
        optional=[admins],
        rpc=[
            PaymentServiceRpc(
                PaymentsRpc(Payments(store), PaymentView(sealer)),
                PageRpc(start, PaymentView(sealer)),
                RefundsRpc(refunds, admins),
            ),
            SavedMethodRpc(methods),
        ],
        callers={"PaymentService": ["gateway"], "SavedMethodService": ["gateway"]},
        routes=[webhook_route(webhooks, StripeWebhooks(settings.stripe_webhook_secret))],
        consumes=[OrderEvents(orders).subscription(), AccountEvents(customers, guests).subscription()],
        jobs=[
            Worker(
                "payments",
                charges.claim,
                charges.advance,
                concurrency=settings.charges_at_once,
                per_second=settings.charges_per_second,
                on_new_work=db.on_committed,
                order_id=lambda payment: ORDER.format(payment.order_id),
            ),
            guests.job("payments.merged_guests"),
            PeriodicJob("payments.overdue", _OVERDUE_SECONDS, charges.cancel_expired),
            Worker(
                "refunds",
                refunds.claim,
                refunds.make,
                concurrency=settings.charges_at_once,
                on_new_work=db.on_committed,
            ),
            Worker(
                "saved_methods",
                saving.claim,
                saving.advance,
                concurrency=_SAVED_METHODS_AT_ONCE,
                on_new_work=db.on_committed,
            ),
            Worker(
                "customers",
                customers.claim,
                customers.delete,
                concurrency=_SAVED_METHODS_AT_ONCE,
                on_new_work=db.on_committed,
            ),
        ],
        commands={"reconcile": reconcile},
    )


def _parse_time(args: Sequence[str]) -> datetime:
    """A time with its offset; without one, in UTC."""
    try:
        [text] = args
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidArgument("usage: reconcile TIME, the restored time, as 2026-11-30T12:00:00Z") from error
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _stripe(settings: Settings, sealer: Sealer) -> Stripe:
    return Stripe(
        api_key=settings.stripe_api_key,
        base_url=settings.stripe_base_url,
        shop_url=settings.shop_url,
        circuit=_circuit(settings),
        sealer=sealer,
    )


def _circuit(settings: Settings) -> Circuit:
    return Circuit(
        failures=settings.circuit_failures,
        open_seconds=settings.circuit_open_seconds,
        is_failure=is_down,
    )
