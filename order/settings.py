"""The order service's own settings, in addition to those of every service."""

from dataclasses import dataclass
from datetime import timedelta

from kit.settings import BaseSettings, setting
from order.pricing.rounding import Rounding
from order.pricing.rules import Level


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(BaseSettings):
    """Settings of the order service. The catalog's reservations must last longer than PENDING_SECONDS."""

    service = "order"

    http_port: int = setting(
        "HTTP port: health, metrics", development=8003, default=8003, minimum=0, maximum=65535
    )
    grpc_port: int = setting("gRPC port", default=9080, development=9003, minimum=0, maximum=65535)
    database_url: str = setting(
        "PostgreSQL, postgresql://user:password@host:port/order",
        development="postgresql://souk:souk@127.0.0.1:5432/order",
        secret=True,
    )
    account_address: str = setting(
        "The account service's gRPC address, host:port", development="127.0.0.1:9001"
    )
    catalog_address: str = setting(
        "The catalog service's gRPC address, host:port", development="127.0.0.1:9002"
    )
    pending_seconds: timedelta = setting(
        "Seconds after which an unpaid order is cancelled; charging stops when a fifth is left",
        default=timedelta(minutes=10),
        minimum=2,
    )
    sweep_seconds: timedelta = setting(
        "Seconds between two sweeps of overdue unpaid orders", default=timedelta(seconds=5), minimum=0.1
    )
    default_payment_method: str = setting(
        "Same as payment's: a retried request may name this payment method or leave it out",
        default="",
        development="pm_card_visa",
    )
    closed_account_retention_seconds: timedelta = setting(
        "Seconds for which a deleted account is remembered, so that orders placed with its last tokens are cancelled",
        default=timedelta(days=30),
        minimum=timedelta(days=1).total_seconds(),
    )
    max_pending_orders: int = setting(
        "Maximum number of unpaid orders of an account", default=50, development=1_000_000, minimum=1
    )
    max_pending_orders_of_guest: int = setting(
        "Maximum number of unpaid orders of a guest", default=2, minimum=1
    )
    max_pending_orders_of_guest_network: int = setting(
        "Maximum number of unpaid orders of all guests from one network (an IPv4 address, an IPv6 /64)",
        default=20,
        development=1_000_000,
        minimum=1,
    )
    max_failed_payments: int = setting(
        "Maximum number of an account's failed payments within an hour; unpaid orders that it cancels count too",
        default=20,
        development=1_000_000,
        minimum=1,
    )
    max_failed_payments_of_guest_network: int = setting(
        "Maximum number of failed payments of all guests from one network within an hour; unpaid orders that guests cancel count too",
        default=20,
        development=1_000_000,
        minimum=1,
    )
    prices_include_tax: bool = setting(
        "Whether prices of products include tax. It holds for the whole shop, as TAX_ROUNDING, TAX_LEVEL and SHOP_COUNTRY do: they are "
        "written by the first start, a process with others does not start, and the command set-pricing-settings changes them",
        default=False,
        development=True,
    )
    tax_rounding: Rounding = setting(
        "What happens to half a unit of an amount that is rounded: HALF_UP or HALF_EVEN",
        default=Rounding.HALF_UP,
    )
    tax_level: Level = setting(
        "Where tax is rounded: LINE, each line; or RATE, once for each combination of rates over the order",
        default=Level.LINE,
    )
    shop_country: str = setting(
        "The shop's country, ISO 3166-1 alpha-2: decides the tax of orders without an address, and which tax is replaced abroad; "
        "empty: none",
        default="",
        development="US",
    )
    require_shipping_method: bool = setting(
        "Whether createOrder needs a shipping method once the shop has one; a checkout always does",
        default=True,
        development=False,
    )
    max_units_per_line: int = setting(
        "Maximum units of one product in an order", default=10_000, minimum=1, maximum=10_000
    )
    cart_seconds: timedelta = setting(
        "Seconds after the last change at which the cart of an account expires",
        default=timedelta(days=180),
        minimum=timedelta(days=1).total_seconds(),
    )
    guest_cart_seconds: timedelta = setting(
        "Seconds after the last change at which the cart of a guest expires",
        default=timedelta(days=30),
        minimum=timedelta(days=1).total_seconds(),
    )
