"""Everything the payment service is made of: the composition root."""

from kit.db import Database, Migrations
from kit.identity import identity_from_settings
from kit.service import AdminVerifierClient, Service
from kit.values import utc_now
from kit.work import PeriodicJob, Worker
from payment.circuit import Circuit
from payment.consumers import OrderEvents
from payment.events import TOPIC
from payment.provider import Stripe, is_down
from payment.refund_use_cases import Refunds
from payment.rpc import PaymentRpc
from payment.settings import Settings
from payment.store import PostgresPaymentStore
from payment.use_cases import Payments
from payment.web import webhook_route

_OVERDUE_SECONDS = 1.0


def build(settings: Settings) -> Service:
    """Builds the service; nothing is opened yet."""
    db = Database(settings.database_url, publishes=TOPIC)
    stripe = Stripe(
        api_key=settings.stripe_api_key,
        base_url=settings.stripe_base_url,
        webhook_secret=settings.stripe_webhook_secret,
        shop_url=settings.shop_url,
        circuit=Circuit(
            failures=settings.circuit_failures, open_seconds=settings.circuit_open_seconds, counts=is_down
        ),
    )
    admins = AdminVerifierClient(settings.account_address, identity_from_settings(settings))
    store = PostgresPaymentStore(db)
    payments = Payments(db, store, stripe, default_method=settings.default_payment_method, clock=utc_now)
    refunds = Refunds(db, store, stripe, clock=utc_now)

    return Service(
        name="payment",
        settings=settings,
        database=db,
        migrations=Migrations("payment"),
        publishes=TOPIC,
        resources=[db, stripe, admins],
        optional=[admins],
        rpc=[PaymentRpc(payments, refunds, admins)],
        callers={"PaymentService": ["gateway"]},
        routes=[webhook_route(payments, refunds, stripe)],
        consumes=[OrderEvents(payments).subscription()],
        jobs=[
            Worker(
                "payments",
                payments.claim,
                payments.advance,
                concurrency=settings.charges_at_once,
                per_second=settings.charges_per_second,
            ),
            PeriodicJob("payments.overdue", _OVERDUE_SECONDS, payments.give_up_overdue),
            Worker("refunds", refunds.claim, refunds.make, concurrency=settings.charges_at_once),
        ],
    )
