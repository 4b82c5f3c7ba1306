"""What the order service is told beside what all services are."""

from dataclasses import dataclass
from datetime import timedelta

from kit.settings import BaseSettings, setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(BaseSettings):
    """Settings of the order service. The catalog's reservations must last longer than PENDING_SECONDS."""

    service = "order"

    http_port: int = setting(
        "Port of HTTP: health, metrics", development=8003, default=8003, minimum=0, maximum=65535
    )
    grpc_port: int = setting("Port of gRPC", default=9080, development=9003, minimum=0, maximum=65535)
    database_url: str = setting(
        "PostgreSQL, postgresql://user:password@host:port/order",
        development="postgresql://souk:souk@127.0.0.1:5432/order",
        secret=True,
    )
    account_address: str = setting("The account service's gRPC, host:port", development="127.0.0.1:9001")
    catalog_address: str = setting("The catalog's gRPC, host:port", development="127.0.0.1:9002")
    pending_seconds: timedelta = setting(
        "Seconds after which an unpaid order is cancelled; charging stops when a fifth is left",
        default=timedelta(minutes=10),
        minimum=2,
    )
    sweep_seconds: timedelta = setting(
        "Seconds between looks for unpaid orders past their time", default=timedelta(seconds=5), minimum=0.1
    )
    default_payment_method: str = setting(
        "As payment has it: a repeated request may name this payment method or none, and means the same",
        default="",
        development="pm_card_visa",
    )
    closed_account_retention_seconds: timedelta = setting(
        "Seconds for which a deleted account is remembered, so that an order that it placed at its end is cancelled",
        default=timedelta(days=30),
        minimum=timedelta(days=1).total_seconds(),
    )
    max_pending_orders: int = setting(
        "Unpaid orders that an account may have at once", default=50, development=1_000_000, minimum=1
    )
    max_failed_payments: int = setting(
        "An account's failed payments within an hour", default=20, development=1_000_000, minimum=1
    )
    max_units_per_line: int = setting(
        "Units of one product in an order", default=10_000, minimum=1, maximum=10_000
    )
