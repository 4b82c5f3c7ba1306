"""What the gateway counts."""

from prometheus_client import Counter

OPERATIONS = Counter(
    "souk_gateway_operations_total",
    "GraphQL operations by kind (query, mutation, none) and outcome: ok, or the first error's code.",
    ["kind", "outcome"],
)
