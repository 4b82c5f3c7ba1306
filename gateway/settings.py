"""Settings of the gateway."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from kit.graphql import GraphQLSettings
from kit.settings import setting

_OWN_PLAYGROUND = Path(__file__).with_name("playground")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(GraphQLSettings):
    """Addresses of the services, and the pages for development."""

    service = "gateway"

    http_port: int = setting("Port of GraphQL and the playground", development=8000, minimum=0, maximum=65535)
    grpc_port: int = setting("Not used: the gateway serves no gRPC", default=0)
    account_address: str = setting("account's gRPC, host:port", development="127.0.0.1:9001")
    catalog_address: str = setting("catalog's gRPC, host:port", development="127.0.0.1:9002")
    order_address: str = setting("order's gRPC, host:port", development="127.0.0.1:9003")
    payment_address: str = setting("payment's gRPC, host:port", development="127.0.0.1:9004")
    notification_address: str = setting("notification's gRPC, host:port", development="127.0.0.1:9005")
    peers_awaited_seconds: timedelta = setting(
        "At its start, how long it waits for each service to respond before it is ready without it",
        default=timedelta(seconds=30),
        development=timedelta(0),
        minimum=0,
        maximum=60,
    )
    stripe_publishable_key: str = setting(
        "Stripe's publishable key, for pages that confirm payments (Query.shop); empty: they get none",
        default="",
        development="pk_test_souk",
    )
    playground: bool = setting("Whether /playground is served", default=False, development=True)
    playground_logins: tuple[str, ...] = setting(
        "Logins that the playground offers, NAME=EMAIL / PASSWORD; none: no logins",
        default=(),
        development=("ADMIN=admin@souk.test / AdminPass123!", "John=john@souk.test / UserPass123!"),
    )
    home_links: tuple[str, ...] = setting(
        "Links on the page at /, which exists in development only, NAME=URL",
        default=(),
        development=(
            "Playground=/playground",
            "Mails=http://127.0.0.1:1080",
            "Mail templates=http://127.0.0.1:8005/preview",
            "Prometheus=http://127.0.0.1:9090",
        ),
    )
    start_page_url: str = setting(
        "URL of the local stack's start page, which the page at / passes requests on to, in development only; empty: / has the links above",
        default="",
    )
    playground_files: Path = setting("Directory of the playground's files", default=_OWN_PLAYGROUND)
