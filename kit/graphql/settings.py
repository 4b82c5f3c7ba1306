"""The settings of a GraphQL server, and its options from them."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from kit.graphql.options import (
    BrowserOptions,
    DocumentLimits,
    HttpOptions,
    Options,
    RateLimits,
    SocketOptions,
)
from kit.graphql.persisted import AllowList
from kit.settings import BaseSettings, Profile, setting

_FIVE_SECONDS = timedelta(seconds=5)
_TEN_SECONDS = timedelta(seconds=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphQLSettings(BaseSettings):
    """What a service that serves GraphQL adds: limits of requests, and what browsers may do."""

    request_seconds: timedelta = setting(
        "Deadline of a request, seconds", default=_TEN_SECONDS, minimum=0.1, maximum=60
    )
    introspection: bool = setting(
        "Whether clients may introspect the schema", default=False, development=True
    )
    suggestions: bool = setting(
        "Whether errors suggest names from the schema", default=False, development=True
    )
    compiled_plans: bool = setting(
        "Whether results are completed by functions compiled for each document; false: by graphql-core, slower",
        default=True,
    )
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
        "Maximum unauthenticated sockets per address, and open sockets and event streams of all guests of one network, on each replica",
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

    @property
    def uses_tls(self) -> bool:
        """Whether clients reach the server by TLS."""
        return self.profile is not Profile.DEVELOPMENT


def options_from_settings(settings: GraphQLSettings) -> Options:
    """Raises OSError and ValueError when the allow-list cannot be read."""
    path = settings.allowed_documents
    return Options(
        name=settings.service,
        documents=_document_limits(settings),
        rates=RateLimits(
            points=settings.rate_limit_points,
            points_per_second=settings.rate_limit_points_per_second,
            credential_attempts=settings.sign_in_tries,
            credential_attempts_per_minute=settings.sign_in_tries_per_minute,
        ),
        http=_http_options(settings),
        sockets=_socket_options(settings),
        browsers=BrowserOptions(
            cors_origins=settings.cors_origins,
            socket_origins=settings.socket_origins,
            proxy_hops=settings.proxy_hops,
            tls=settings.uses_tls,
        ),
        max_connections=settings.max_account_listeners,
        introspection=settings.introspection,
        suggestions=settings.suggestions,
        compiled_plans=settings.compiled_plans,
        allowed_documents=AllowList.read(Path(path)) if path else None,
    )


def _document_limits(settings: GraphQLSettings) -> DocumentLimits:
    return DocumentLimits(
        depth=settings.max_depth,
        fields=settings.max_fields,
        aliases=settings.max_aliases,
        directives=settings.max_directives,
        definitions=settings.max_definitions,
        spreads=settings.max_spreads,
        selections=settings.max_selections,
        tokens=settings.max_tokens,
        characters=settings.max_characters,
        cost=settings.max_cost,
    )


def _http_options(settings: GraphQLSettings) -> HttpOptions:
    return HttpOptions(
        request_seconds=settings.request_seconds.total_seconds(),
        body_seconds=settings.body_seconds.total_seconds(),
        max_body_bytes=settings.max_body_bytes,
        cache_seconds=settings.cache_seconds.total_seconds(),
    )


def _socket_options(settings: GraphQLSettings) -> SocketOptions:
    return SocketOptions(
        max_operations=settings.max_socket_operations,
        max_message_bytes=settings.max_socket_message_bytes,
        max_unauthenticated=settings.max_unsigned_sockets,
        idle_seconds=settings.socket_idle_seconds.total_seconds(),
        init_seconds=settings.socket_init_seconds.total_seconds(),
    )
