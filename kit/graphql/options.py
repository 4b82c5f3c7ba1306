"""What a deployment chooses: limits, rates, and what browsers may do."""

from dataclasses import dataclass

from kit.graphql.persisted import AllowList


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentLimits:
    """Maximum of each that a document may have; `depth` is in levels of fields, `selections` with fragments expanded, `cost` in points."""

    depth: int
    fields: int
    aliases: int
    directives: int
    definitions: int
    spreads: int
    selections: int
    tokens: int
    characters: int
    cost: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimits:
    """Token buckets: `points` and `credential_attempts` are their capacities. The latter is per network address."""

    points: int
    points_per_second: float
    credential_attempts: int
    credential_attempts_per_minute: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpOptions:
    """`request_seconds` bounds queries and mutations on every transport. `cache_seconds` 0: responses are never cacheable."""

    request_seconds: float
    body_seconds: float
    max_body_bytes: int
    cache_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketOptions:
    """`max_unauthenticated` is per network address, on each replica. `init_seconds` is the time until connection_init must arrive."""

    max_operations: int
    max_message_bytes: int
    max_unauthenticated: int
    idle_seconds: float
    init_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserOptions:
    """Origins that may send requests and open sockets; "*" is any. `proxy_hops` is the number of trusted proxies in front."""

    cors_origins: tuple[str, ...]
    socket_origins: tuple[str, ...]
    proxy_hops: int
    tls: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """All of them. `name` prefixes the keys in Redis; `max_connections` is per account, on each replica.

    `compiled_plans`: whether `kit.graphql.plans` completes values; without them graphql-core does, with the same results.
    """

    name: str
    documents: DocumentLimits
    rates: RateLimits
    http: HttpOptions
    sockets: SocketOptions
    browsers: BrowserOptions
    max_connections: int
    introspection: bool
    suggestions: bool
    compiled_plans: bool
    allowed_documents: AllowList | None = None
