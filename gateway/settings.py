"""Settings of the gateway."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from kit.settings import BaseSettings, setting

_FIVE_SECONDS = timedelta(seconds=5)
_TEN_SECONDS = timedelta(seconds=10)
_OWN_PLAYGROUND = Path(__file__).with_name("playground")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(BaseSettings):
    """Addresses of the services, limits of requests, and what browsers may do."""

    service = "gateway"

    http_port: int = setting("Port of GraphQL and the playground", development=8000, minimum=0, maximum=65535)
    grpc_port: int = setting("Not used: the gateway serves no gRPC", default=0)
    account_address: str = setting("account's gRPC, host:port", development="127.0.0.1:9001")
    catalog_address: str = setting("catalog's gRPC, host:port", development="127.0.0.1:9002")
    order_address: str = setting("order's gRPC, host:port", development="127.0.0.1:9003")
    payment_address: str = setting("payment's gRPC, host:port", development="127.0.0.1:9004")
    notification_address: str = setting("notification's gRPC, host:port", development="127.0.0.1:9005")
    request_seconds: timedelta = setting(
        "Deadline of a request, seconds", default=_TEN_SECONDS, minimum=0.1, maximum=60
    )
    introspection: bool = setting(
        "Whether clients may introspect the schema", default=False, development=True
    )
    playground: bool = setting("Whether /playground is served", default=False, development=True)
    suggestions: bool = setting(
        "Whether errors suggest names from the schema", default=False, development=True
    )
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
    playground_files: Path = setting("Directory of the playground's files", default=_OWN_PLAYGROUND)
    max_depth: int = setting("Maximum depth of fields in a document", default=12, minimum=1)
    max_fields: int = setting("Maximum fields in a document", default=300, minimum=1)
    max_aliases: int = setting("Maximum aliases in a document", default=30, minimum=0)
    max_directives: int = setting("Maximum directives in a document", default=50, minimum=0)
    max_definitions: int = setting("Maximum operations and fragments in a document", default=100, minimum=1)
    max_spreads: int = setting("Maximum fragment spreads in a document", default=200, minimum=0)
    max_selections: int = setting(
        "Maximum selections in a document with its fragments expanded", default=2000, minimum=1
    )
    max_tokens: int = setting("Maximum tokens in a document", default=2000, minimum=1)
    max_characters: int = setting("Maximum characters in a document", default=20_000, minimum=1)
    max_cost: int = setting("Maximum cost of a document, points", default=5000, minimum=1)
    rate_limit_points: int = setting(
        "Burst: points that a client (an account, else an address) may spend at once",
        default=20_000,
        development=10_000_000,
        minimum=1,
    )
    rate_limit_points_per_second: float = setting(
        "Points that a client regains per second", default=500.0, development=1_000_000.0, minimum=0.001
    )
    sign_in_tries: int = setting(
        "Burst: attempts to log in, register or request a password reset from one address",
        default=20,
        development=10_000,
        minimum=1,
    )
    sign_in_tries_per_minute: float = setting(
        "Attempts that an address regains per minute", default=10.0, development=60_000.0, minimum=0.001
    )
    redis_url: str = setting(
        "Redis for rate limits and persisted documents, redis://host:port/database",
        development="redis://127.0.0.1:6379/0",
        secret=True,
    )
    allowed_documents: str = setting(
        "File of the only documents to execute, by their sha256; empty: any document", default=""
    )
    cors_origins: tuple[str, ...] = setting(
        "Origins whose pages may send requests and open sockets, e.g. https://shop.example; *: any",
        default=(),
        development=("http://localhost:3000", "http://localhost:5173", "http://127.0.0.1:3000"),
    )
    cache_seconds: timedelta = setting(
        "Seconds for which caches may store responses to queries by GET without a token; 0: never",
        default=_FIVE_SECONDS,
        minimum=0,
        maximum=3600,
    )
    body_seconds: timedelta = setting(
        "Timeout for receiving a request's body, seconds", default=_TEN_SECONDS, minimum=0.1, maximum=60
    )
    max_body_bytes: int = setting("Maximum size of a request's body, bytes", default=1024 * 1024, minimum=1)
    max_account_listeners: int = setting(
        "Maximum open sockets and event streams per account, on each replica", default=20, minimum=1
    )
    max_socket_operations: int = setting("Maximum concurrent operations on one socket", default=50, minimum=1)
    max_unsigned_sockets: int = setting(
        "Maximum unauthenticated sockets per address, on each replica",
        default=20,
        development=1000,
        minimum=1,
    )
    max_socket_message_bytes: int = setting(
        "Maximum size of a message on an authenticated socket, bytes; before authentication, 16,384",
        default=128 * 1024,
        minimum=1024,
    )
    socket_idle_seconds: timedelta = setting(
        "Seconds without operation and message after which a socket is closed",
        default=timedelta(minutes=5),
        minimum=0.1,
        maximum=86_400,
    )
    socket_init_seconds: timedelta = setting(
        "Seconds within which a socket must authenticate", default=_FIVE_SECONDS, minimum=0.1, maximum=60
    )
    socket_origins: tuple[str, ...] = setting(
        "Further origins whose pages may open sockets, e.g. https://shop.example; *: any",
        default=(),
    )
    proxy_hops: int = setting(
        "Number of trusted proxies in front: the client is that entry of X-Forwarded-For, counted from its end; 0: none",
        default=0,
        minimum=0,
        maximum=10,
    )
