"""Options of the servers under test."""

from dataclasses import fields, replace
from typing import Any

from kit.graphql import (
    BrowserOptions,
    DocumentLimits,
    HttpOptions,
    Options,
    RateLimits,
    SocketOptions,
)

DOCUMENT_LIMITS = DocumentLimits(
    depth=12,
    fields=300,
    aliases=30,
    directives=50,
    definitions=100,
    spreads=200,
    selections=2000,
    tokens=2000,
    characters=20_000,
    cost=5000,
)
# Regains a point in 1,000 s: none while a test runs.
RATES = RateLimits(
    points=100, points_per_second=0.001, credential_attempts=3, credential_attempts_per_minute=0.01
)
OPTIONS = Options(
    name="library",
    documents=DOCUMENT_LIMITS,
    rates=RATES,
    http=HttpOptions(request_seconds=10, body_seconds=10, max_body_bytes=1024 * 1024, cache_seconds=5),
    sockets=SocketOptions(
        max_operations=50,
        max_message_bytes=128 * 1024,
        max_unauthenticated=1000,
        idle_seconds=300,
        init_seconds=5,
    ),
    browsers=BrowserOptions(cors_origins=(), socket_origins=(), proxy_hops=1, tls=False),
    max_connections=20,
    introspection=False,
    suggestions=False,
    compiled_plans=True,
)


def with_options(**changes: Any) -> Options:
    """OPTIONS with changes by name, whichever record has the field."""
    options = OPTIONS
    for record in ("documents", "rates", "http", "sockets", "browsers"):
        names = {entry.name for entry in fields(getattr(options, record))} & changes.keys()
        part = replace(getattr(options, record), **{name: changes.pop(name) for name in names})
        options = replace(options, **{record: part})
    return replace(options, **changes)
