"""What the catalog is told beside what all services are."""

from dataclasses import dataclass
from datetime import timedelta

from kit.settings import BaseSettings, setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(BaseSettings):
    """Settings of the catalog."""

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
    account_address: str = setting("The account service's gRPC, host:port", development="127.0.0.1:9001")
    reservation_seconds: timedelta = setting(
        "Seconds after which a reservation that was not committed expires; more than orders stay PENDING",
        default=timedelta(minutes=15),
        minimum=1,
    )
    sweep_seconds: timedelta = setting(
        "Seconds between looks for expired reservations", default=timedelta(seconds=5), minimum=0.1
    )
    reservation_retention_seconds: timedelta = setting(
        "Seconds for which a reservation that was released or returned is kept; longer than an order's events may be repeated",
        default=timedelta(days=90),
        minimum=timedelta(days=8).total_seconds(),
    )
    adjustment_retention_seconds: timedelta = setting(
        "Seconds for which each change of stock is kept by itself, and its idempotency key with it; older ones are kept as a sum",
        default=timedelta(days=730),
        minimum=timedelta(days=1).total_seconds(),
    )
    cache_seconds: timedelta = setting(
        "Seconds for which a product is read from Redis, unless it changes",
        default=timedelta(seconds=60),
        minimum=1,
    )
    search_cache_seconds: timedelta = setting(
        "Seconds for which a search is answered from Redis",
        default=timedelta(seconds=1),
        minimum=0.05,
        maximum=60,
    )
    drift_seconds: timedelta = setting(
        "Seconds between comparisons of the whole index with the table", default=timedelta(hours=1), minimum=1
    )
