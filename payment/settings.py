"""The payment service's own settings, in addition to those of every service."""

import math
from dataclasses import dataclass

from kit.auth import DEVELOPMENT_SEALING_KEY
from kit.settings import BaseSettings, setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(BaseSettings):
    """Settings of the payment service."""

    service = "payment"

    http_port: int = setting(
        "HTTP port: health, metrics, the provider's webhooks",
        default=8080,
        development=8004,
        minimum=0,
        maximum=65535,
    )
    grpc_port: int = setting("gRPC port", default=9080, development=9004, minimum=0, maximum=65535)
    database_url: str = setting(
        "PostgreSQL, postgresql://user:password@host:port/payment",
        development="postgresql://souk:souk@127.0.0.1:5432/payment",
        secret=True,
    )
    account_address: str = setting(
        "The account service's gRPC address, host:port", development="127.0.0.1:9001"
    )
    stripe_base_url: str = setting(
        "Base URL of Stripe's API", default="https://api.stripe.com", development="http://127.0.0.1:8010"
    )
    stripe_api_key: str = setting("Stripe's secret key", development="sk_test_souk", secret=True)
    stripe_webhook_secret: str = setting(
        "Secret that Stripe signs webhooks with", development="whsec_souk_development", secret=True
    )
    payment_sealing_key: str = setting(
        "Key that encrypts the client secrets of payments in the database: 32 random bytes in URL-safe base64",
        development=DEVELOPMENT_SEALING_KEY,
        secret=True,
    )
    default_payment_method: str = setting(
        "Payment method of orders that name none; if empty, their payments fail",
        default="",
        development="pm_card_visa",
    )
    shop_url: str = setting(
        "Base URL of the shop; the bank sends buyers back to /orders/<id> there",
        development="http://127.0.0.1:8000",
    )
    max_method_setups: int = setting(
        "Maximum number of payment methods that an account starts to save within an hour; each setup allows ten declined cards",
        default=10,
        development=1_000_000,
        minimum=1,
    )
    circuit_failures: int = setting(
        "Consecutive failures of the provider after which the circuit opens", default=5, minimum=1
    )
    circuit_open_seconds: float = setting(
        "Seconds for which an open circuit rejects calls, before one probe", default=2.0, minimum=0.1
    )
    charges_at_once: int = setting(
        "Payments that are processed concurrently; Stripe takes about a second for each",
        default=64,
        minimum=1,
        maximum=256,
    )
    charges_per_second: float = setting(
        "Charges that this replica starts per second on average, inf for no limit; each is two calls, and Stripe allows 100 calls per "
        "second in live mode (50 charges, of all replicas together) and 25 in test mode (12 charges)",
        default=50.0,
        development=math.inf,
        minimum=0.1,
    )
