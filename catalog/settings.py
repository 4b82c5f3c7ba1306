"""Settings of the catalog, besides those that all services have."""

from dataclasses import dataclass
from datetime import timedelta

from kit.settings import BaseSettings, setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(BaseSettings):
    """Read from the environment; each has its description."""

    service = "catalog"

    http_port: int = setting(
        "Port of HTTP: health, metrics", default=8080, development=8002, minimum=0, maximum=65535
    )
    grpc_port: int = setting("Port of gRPC", default=9080, development=9002, minimum=0, maximum=65535)
    database_url: str = setting(
        "PostgreSQL, postgresql://user:password@host:port/catalog",
        development="postgresql://souk:souk@127.0.0.1:5432/catalog",
        secret=True,
    )
    redis_url: str = setting(
        "Redis, redis://host:port/number", development="redis://127.0.0.1:6379/0", secret=True
    )
    elasticsearch_url: str = setting(
        "Elasticsearch, http://host:port; by TLS https://user:password@host:port?ca=FILE",
        development="http://127.0.0.1:9200",
        secret=True,
    )
    account_address: str = setting(
        "Address of the account service (gRPC), host:port", development="127.0.0.1:9001"
    )
    reservation_seconds: timedelta = setting(
        "Seconds after which a reservation that was not committed expires; longer than orders stay PENDING",
        default=timedelta(minutes=15),
        minimum=1,
    )
    sweep_seconds: timedelta = setting(
        "Seconds between sweeps for expired reservations", default=timedelta(seconds=5), minimum=0.1
    )
    reservation_retention_seconds: timedelta = setting(
        "Seconds for which released and returned reservations are kept; longer than an order's events may be redelivered",
        default=timedelta(days=90),
        minimum=timedelta(days=8).total_seconds(),
    )
    adjustment_retention_seconds: timedelta = setting(
        "Seconds for which each adjustment of stock and its idempotency key are kept; older ones are summed up",
        default=timedelta(days=730),
        minimum=timedelta(days=1).total_seconds(),
    )
    cache_seconds: timedelta = setting(
        "Seconds for which Redis caches a product, unless it changes",
        default=timedelta(seconds=60),
        minimum=1,
    )
    search_cache_seconds: timedelta = setting(
        "Seconds for which Redis caches a search result",
        default=timedelta(seconds=1),
        minimum=0.05,
        maximum=60,
    )
    drift_seconds: timedelta = setting(
        "Seconds between comparisons of the whole index with the tables",
        default=timedelta(hours=1),
        minimum=1,
    )
