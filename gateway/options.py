"""The GraphQL server's options from the settings."""

from pathlib import Path

from gateway.settings import Settings
from kit.graphql import (
    AllowList,
    BrowserOptions,
    DocumentLimits,
    HttpOptions,
    Options,
    RateLimits,
    SocketOptions,
)
from kit.settings import Profile


def graphql_options(settings: Settings) -> Options:
    """Raises OSError and ValueError when the allow-list cannot be read."""
    path = settings.allowed_documents
    return Options(
        name="gateway",
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
            tls=uses_tls(settings),
        ),
        max_connections=settings.max_account_listeners,
        introspection=settings.introspection,
        suggestions=settings.suggestions,
        allowed_documents=AllowList.read(Path(path)) if path else None,
    )


def uses_tls(settings: Settings) -> bool:
    """Whether clients reach the gateway by TLS."""
    return settings.profile is not Profile.DEVELOPMENT


def _document_limits(settings: Settings) -> DocumentLimits:
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


def _http_options(settings: Settings) -> HttpOptions:
    return HttpOptions(
        request_seconds=settings.request_seconds.total_seconds(),
        body_seconds=settings.body_seconds.total_seconds(),
        max_body_bytes=settings.max_body_bytes,
        cache_seconds=settings.cache_seconds.total_seconds(),
    )


def _socket_options(settings: Settings) -> SocketOptions:
    return SocketOptions(
        max_operations=settings.max_socket_operations,
        max_message_bytes=settings.max_socket_message_bytes,
        max_unauthenticated=settings.max_unsigned_sockets,
        idle_seconds=settings.socket_idle_seconds.total_seconds(),
        init_seconds=settings.socket_init_seconds.total_seconds(),
    )
