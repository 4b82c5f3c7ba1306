"""Metrics of a service's database."""

from prometheus_client import Counter, Gauge, Histogram

CONTENTION = Counter(
    "souk_db_contention_total",
    "Statements and transactions rolled back by a deadlock, a serialization failure, a lock timeout or a migration, "
    "by outcome: retried or gave up.",
    ["outcome"],
)
# Few buckets, because an order has about a hundred statements and an observation looks through them.
STATEMENT_SECONDS = Histogram(
    "souk_db_statement_seconds", "Duration of SQL statements.", buckets=(0.001, 0.005, 0.025, 0.1, 0.5, 2.5)
)
CONNECTIONS = Gauge(
    "souk_db_connections", "Open connections to the database by state: used, idle.", ["state"]
)
