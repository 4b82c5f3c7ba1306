"""What the gateway is told."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from kit.settings import BaseSettings, setting

_FIVE_SECONDS = timedelta(seconds=5)
_TEN_SECONDS = timedelta(seconds=10)
_OWN_PLAYGROUND = Path(__file__).with_name("playground")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(BaseSettings):
    """Addresses of the services, and limits of what a request may ask."""

    service = "gateway"

    http_port: int = setting("Port of GraphQL and the playground", development=8000, minimum=0, maximum=65535)
    grpc_port: int = setting("Not used: the gateway serves no gRPC", default=0)
    account_address: str = setting("account's gRPC, host:port", development="127.0.0.1:9001")
    catalog_address: str = setting("catalog's gRPC, host:port", development="127.0.0.1:9002")
    order_address: str = setting("order's gRPC, host:port", development="127.0.0.1:9003")
    payment_address: str = setting("payment's gRPC, host:port", development="127.0.0.1:9004")
    notification_address: str = setting("notification's gRPC, host:port", development="127.0.0.1:9005")
    request_seconds: timedelta = setting(
        "Seconds that a request may take in all", default=_TEN_SECONDS, minimum=0.1, maximum=60
    )
    introspection: bool = setting("Whether the schema may be asked for", default=False, development=True)
    playground: bool = setting("Whether /playground is served", default=False, development=True)
    suggestions: bool = setting("Whether errors guess what was meant", default=False, development=True)
    playground_logins: tuple[str, ...] = setting(
        "Logins that the playground offers, NAME=EMAIL / PASSWORD; none: no logins",
        default=(),
        development=("ADMIN=admin@souk.test / AdminPass123!", "John=john@souk.test / UserPass123!"),
    )
    home_links: tuple[str, ...] = setting(
        "Links on the page at /, which is served in development only, NAME=URL",
        default=(),
        development=(
            "Playground=/playground",
            "Mails=http://127.0.0.1:1080",
            "Mail templates=http://127.0.0.1:8005/preview",
            "Prometheus=http://127.0.0.1:9090",
        ),
    )
    playground_files: Path = setting("Folder of the playground's files", default=_OWN_PLAYGROUND)
    max_depth: int = setting("Deepest nesting of a document's fields", default=12, minimum=1)
    max_fields: int = setting("Most fields of a document", default=300, minimum=1)
    max_aliases: int = setting("Most aliases of a document", default=30, minimum=0)
    max_directives: int = setting("Most directives of a document", default=50, minimum=0)
    max_definitions: int = setting("Most operations and fragments of a document", default=100, minimum=1)
    max_spreads: int = setting("Most spreads of fragments of a document", default=200, minimum=0)
    max_selections: int = setting(
        "Most selections of a document once its fragments are expanded", default=2000, minimum=1
    )
    max_tokens: int = setting("Most tokens of a document", default=2000, minimum=1)
    max_characters: int = setting("Most characters of a document", default=20_000, minimum=1)
    max_cost: int = setting("Most that a document may cost, points", default=5000, minimum=1)
    rate_limit_points: int = setting(
        "Points that a client (an account, else an address) may spend at once",
        default=20_000,
        development=10_000_000,
        minimum=1,
    )
    rate_limit_points_per_second: float = setting(
        "Points that a client gets back each second", default=500.0, development=1_000_000.0, minimum=0.001
    )
    sign_in_tries: int = setting(
        "Tries to log in, register or have a password reset mailed that an address has at once",
        default=20,
        development=10_000,
        minimum=1,
    )
    sign_in_tries_per_minute: float = setting(
        "Tries that an address gets back each minute", default=10.0, development=60_000.0, minimum=0.001
    )
    redis_url: str = setting(
        "Redis, redis://host:port/number: rates, and documents by their hash",
        development="redis://127.0.0.1:6379/0",
        secret=True,
    )
    allowed_documents: str = setting(
        "File of the only documents that are answered, by their sha256; empty: any document", default=""
    )
    cors_origins: tuple[str, ...] = setting(
        "Origins whose pages may ask and open sockets, e.g. https://shop.example; *: any",
        default=(),
        development=("http://localhost:3000", "http://localhost:5173", "http://127.0.0.1:3000"),
    )
    cache_seconds: timedelta = setting(
        "Seconds for which caches may keep answers to queries by GET without a token; 0: not at all",
        default=_FIVE_SECONDS,
        minimum=0,
        maximum=3600,
    )
    body_seconds: timedelta = setting(
        "Seconds within which a request's body must have come", default=_TEN_SECONDS, minimum=0.1, maximum=60
    )
    max_body_bytes: int = setting("Largest body of a request, bytes", default=1024 * 1024, minimum=1)
    max_account_listeners: int = setting(
        "Most open sockets and event streams of one account, on each replica", default=20, minimum=1
    )
    max_socket_operations: int = setting("Most operations at once on one socket", default=50, minimum=1)
    max_unsigned_sockets: int = setting(
        "Most open sockets of one address that did not sign in yet, on each replica",
        default=20,
        development=1000,
        minimum=1,
    )
    max_socket_message_bytes: int = setting(
        "Largest message on a socket that signed in, bytes; before, 16,384", default=128 * 1024, minimum=1024
    )
    socket_idle_seconds: timedelta = setting(
        "Seconds after which a socket is closed that has no operation and says nothing",
        default=timedelta(minutes=5),
        minimum=0.1,
        maximum=86_400,
    )
    socket_init_seconds: timedelta = setting(
        "Seconds within which a socket must sign in", default=_FIVE_SECONDS, minimum=0.1, maximum=60
    )
    socket_origins: tuple[str, ...] = setting(
        "Origins whose pages may open sockets beside the gateway's own, e.g. https://shop.example; *: any",
        default=(),
    )
    proxy_hops: int = setting(
        "Trusted proxies in front: which entry of X-Forwarded-For, from its end, is the client; 0: none",
        default=0,
        minimum=0,
        maximum=10,
    )
