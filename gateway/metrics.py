"""What the gateway counts."""

from prometheus_client import Counter, Gauge

OPERATIONS = Counter(
    "souk_gateway_operations_total",
    "GraphQL operations by kind (query, mutation, subscription, none) and outcome: ok, or the first error's code.",
    ["kind", "outcome"],
)
SOCKETS = Gauge("souk_gateway_sockets", "Open sockets of graphql-transport-ws.")
WATCHED = Gauge("souk_gateway_watched_orders", "Subscriptions to orders.")
