"""What the payment service is told beside what all services are."""

from dataclasses import dataclass

from kit.settings import BaseSettings, setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(BaseSettings):
    """Settings of the payment service."""

    service = "payment"

    http_port: int = setting(
        "Port of HTTP: health, metrics, the provider's webhooks",
        default=8080,
        development=8004,
        minimum=0,
        maximum=65535,
    )
    grpc_port: int = setting("Port of gRPC", default=9080, development=9004, minimum=0, maximum=65535)
    database_url: str = setting(
        "PostgreSQL, postgresql://user:password@host:port/payment",
        development="postgresql://souk:souk@127.0.0.1:5432/payment",
        secret=True,
    )
    account_address: str = setting("The account service's gRPC, host:port", development="127.0.0.1:9001")
    stripe_base_url: str = setting(
        "Stripe's API", default="https://api.stripe.com", development="http://127.0.0.1:8010"
    )
    stripe_api_key: str = setting("Stripe's secret key", development="sk_test_souk", secret=True)
    stripe_webhook_secret: str = setting(
        "What Stripe signs webhooks with", development="whsec_souk_development", secret=True
    )
    default_payment_method: str = setting(
        "The payment method of an order that names none; empty: such an order's payment fails",
        default="",
        development="pm_card_visa",
    )
    shop_url: str = setting(
        "Where the shop is: buyers come back to /orders/<id> there from their bank",
        development="http://127.0.0.1:8000",
    )
    circuit_failures: int = setting(
        "Failures of the provider in a row after which it is not called for a while", default=5, minimum=1
    )
    circuit_open_seconds: float = setting(
        "For how long the provider is not called then, before one call tries", default=2.0, minimum=0.1
    )
    charges_at_once: int = setting(
        "Payments that are worked on at the same time", default=16, minimum=1, maximum=256
    )
    charges_per_second: float = setting(
        "Charges begun a second, on average; each is two calls, and Stripe takes 100 calls a second by default",
        default=50.0,
        minimum=0.1,
    )
