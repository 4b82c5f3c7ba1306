"""The composition root of the order service."""

from collections.abc import Sequence

from kit.db import Database, Migrations
from kit.guests import MergedGuests
from kit.identity import identity_from_settings
from kit.service import AdminVerifierClient, Service
from kit.work import PeriodicJob
from order.cart_moves.store import PostgresMovingStore
from order.cart_moves.use_cases import CartMoves, GuestCarts, UnpaidCarts
from order.cart_quotes.rpc import CartRpc
from order.cart_quotes.use_cases import CartReading
from order.carts.domain import CartLifetimes
from order.carts.retention import cart_jobs
from order.carts.store import PostgresCartStore
from order.carts.use_cases import Carts
from order.checkout.rpc import CheckoutRpc
from order.checkout.use_cases import Checkout
from order.closed_accounts.consumers import AccountEvents
from order.closed_accounts.retention import retentions
from order.closed_accounts.rpc import ClosedAccountsRpc
from order.closed_accounts.store import PostgresClosedAccountStore
from order.closed_accounts.use_cases import ClosedAccounts
from order.listing.rpc import ListingRpc
from order.listing.store import PostgresListingStore
from order.listing.use_cases import Listing
from order.orders.consumers import PaymentEvents
from order.orders.events import TOPIC
from order.orders.rpc import OrdersRpc
from order.orders.store import PostgresOrderStore
from order.orders.use_cases import Orders
from order.peers import Catalog, Guests
from order.placing.rpc import PlacingRpc
from order.placing.use_cases import Placing, Policy
from order.pricing.rules import Terms
from order.quotes.quoting import Quotes
from order.rpc import CartServiceRpc, OrderServiceRpc
from order.rules.snapshot import PricingRules
from order.rules.store import PostgresRulesStore
from order.settings import Settings
from order.shipping.rpc import ShippingRpc
from order.shipping.store import PostgresZoneStore
from order.shipping.use_cases import Shipping
from order.taxes.rpc import TaxRpc
from order.taxes.store import PostgresTaxStore
from order.taxes.use_cases import Taxes
from order.writing.domain import AccountLimits
from order.writing.retention import failed_payment_retention
from order.writing.store import PostgresNewOrderStore

_SWEEP_SECONDS = 30.0


def build(settings: Settings) -> Service:
    """Builds the service without opening anything."""
    db = Database(settings.database_url, publishes=TOPIC)
    identity = identity_from_settings(settings)
    catalog = Catalog(settings.catalog_address, identity)
    guest_accounts = Guests(settings.account_address, identity)
    admins = AdminVerifierClient(settings.account_address, identity)
    store = PostgresOrderStore(db)
    moving_store = PostgresMovingStore()
    cart_moves = CartMoves(moving_store, db.clock)
    orders = Orders(db, store, catalog, cart_moves, db.clock)
    rules_store = PostgresRulesStore(db)
    rules = PricingRules(rules_store, terms(settings))
    quotes = Quotes(rules, catalog, require_method=settings.require_shipping_method, clock=db.clock)
    placing = Placing(db, PostgresNewOrderStore(db), catalog, quotes, policy(settings))
    cart_store = PostgresCartStore(db)
    carts = Carts(db, cart_store, catalog, lifetimes(settings), db.clock)
    reading = CartReading(cart_store, catalog, rules, max_units=settings.max_units_per_line, clock=db.clock)
    guest_carts = GuestCarts(db, cart_moves, guest_accounts)
    checkout = Checkout(cart_store, reading, placing)
    closed_accounts = ClosedAccounts(db, PostgresClosedAccountStore(db), store, cart_moves, db.clock)
    guests = MergedGuests(db, ["orders"], closed_accounts.guest_merged, others=["carts"], clock=db.clock)

    async def set_pricing_settings(_: Sequence[str]) -> None:
        await rules_store.replace_terms(terms(settings))

    return Service(
        name="order",
        settings=settings,
        database=db,
        migrations=Migrations("order"),
        publishes=TOPIC,
        resources=[db, catalog, guest_accounts, admins],
        optional=[catalog, guest_accounts, admins],
        rpc=[
            OrderServiceRpc(
                OrdersRpc(orders, admins),
                PlacingRpc(placing, admins, default_method=settings.default_payment_method),
                ListingRpc(Listing(PostgresListingStore(db))),
                ClosedAccountsRpc(closed_accounts),
            ),
            TaxRpc(Taxes(db, PostgresTaxStore(db)), admins),
            ShippingRpc(Shipping(db, PostgresZoneStore(db), rules), admins),
            CartServiceRpc(CartRpc(carts, reading, guest_carts), CheckoutRpc(checkout)),
        ],
        callers={
            "TaxService": ["gateway"],
            "ShippingService": ["gateway"],
            "OrderService": ["gateway"],
            "OrderService/CloseAccountOrders": ["account"],
            "OrderService/FindOrderOwner": ["account"],
            "OrderService/SummarizeAccountOrders": ["account"],
            "CartService": ["gateway"],
        },
        consumes=[
            PaymentEvents(orders).subscription(),
            AccountEvents(closed_accounts, guests).subscription(),
        ],
        jobs=[
            rules,
            PeriodicJob("order.overdue", settings.sweep_seconds.total_seconds(), orders.cancel_overdue),
            PeriodicJob(
                "order.closed_accounts",
                _SWEEP_SECONDS,
                closed_accounts.cancel_orders_of_closed_accounts,
            ),
            PeriodicJob(
                "order.unpaid_carts",
                _SWEEP_SECONDS,
                UnpaidCarts(db, moving_store, cart_moves, db.clock).reopen,
            ),
            guests.job("order.merged_guests"),
            *retentions(db, settings),
            *cart_jobs(db),
            failed_payment_retention(db),
        ],
        commands={"set-pricing-settings": set_pricing_settings},
    )


def terms(settings: Settings) -> Terms:
    """The shop-wide settings of prices."""
    return Terms(
        prices_include_tax=settings.prices_include_tax,
        rounding=settings.tax_rounding,
        level=settings.tax_level,
        home_country=settings.shop_country.upper(),
    )


def lifetimes(settings: Settings) -> CartLifetimes:
    """How long the settings keep carts."""
    return CartLifetimes(account=settings.cart_seconds, guest=settings.guest_cart_seconds)


def policy(settings: Settings) -> Policy:
    """The rules that the settings define."""
    return Policy(
        pending=settings.pending_seconds,
        units_per_line=settings.max_units_per_line,
        account=AccountLimits(
            settings.max_pending_orders,
            settings.max_failed_payments,
            settings.max_pending_orders_of_guest,
            settings.max_pending_orders_of_guest_network,
            settings.max_failed_payments_of_guest_network,
        ),
        # Not in the database, so a copy of it does not reveal the networks.
        network_secret=settings.database_url,
    )
