"""Everything the order service is made of: the composition root."""

from kit.db import Database, Migrations
from kit.identity import identity_from_settings
from kit.service import AdminVerifierClient, Service
from kit.work import PeriodicJob
from order.consumers import AccountEvents, PaymentEvents
from order.events import TOPIC
from order.peers import Catalog
from order.ports import AccountLimits
from order.retention import retentions
from order.rpc import OrderRpc
from order.settings import Settings
from order.store import Store
from order.use_cases import Orders, Policy

_LATE_SECONDS = 30.0


def build(settings: Settings) -> Service:
    """Builds the service; nothing is opened yet."""
    db = Database(settings.database_url, publishes=TOPIC)
    identity = identity_from_settings(settings)
    catalog = Catalog(settings.catalog_address, identity)
    admins = AdminVerifierClient(settings.account_address, identity)
    orders = Orders(db, Store(db), catalog, policy(settings))

    return Service(
        name="order",
        settings=settings,
        database=db,
        migrations=Migrations("order"),
        publishes=TOPIC,
        resources=[db, catalog, admins],
        optional=[catalog, admins],
        rpc=[OrderRpc(orders, admins, default_method=settings.default_payment_method)],
        callers={"OrderService": ["gateway"], "OrderService/CloseAccountOrders": ["account"]},
        consumes=[PaymentEvents(orders).subscription(), AccountEvents(orders).subscription()],
        jobs=[
            PeriodicJob("order.overdue", settings.sweep_seconds.total_seconds(), orders.cancel_overdue),
            PeriodicJob("order.closed_accounts", _LATE_SECONDS, orders.close_late),
            *retentions(db, settings),
        ],
    )


def policy(settings: Settings) -> Policy:
    """What the settings decide."""
    return Policy(
        pending=settings.pending_seconds,
        units_per_line=settings.max_units_per_line,
        account=AccountLimits(settings.max_pending_orders, settings.max_failed_payments),
    )
