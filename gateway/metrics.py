"""What the gateway counts."""

from prometheus_client import Counter, Gauge

OPERATIONS = Counter(
    "souk_gateway_operations_total",
    "GraphQL operations by kind (query, mutation, subscription, none) and outcome: ok, or the first error's code.",
    ["kind", "outcome"],
)
LISTENERS = Gauge("souk_gateway_listeners", "Open sockets and event streams of accounts.")
WATCHED = Gauge("souk_gateway_watched_orders", "Subscriptions to orders.")
RATE_LIMITED = Counter(
    "souk_gateway_rate_limited_total",
    "Requests refused because their client asked too much, by reason.",
    ["reason"],
)
RATE_LIMIT_FAILURES = Counter(
    "souk_gateway_rate_limit_failures_total", "Requests that nobody counted, because Redis did not answer."
)
COST = Counter("souk_gateway_cost_total", "Cost of all operations, in points.")
