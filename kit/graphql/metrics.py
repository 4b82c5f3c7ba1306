"""Metrics of a GraphQL server."""

from prometheus_client import Counter, Gauge

OPERATIONS = Counter(
    "souk_graphql_operations_total",
    "GraphQL operations by kind (query, mutation, subscription, none) and outcome: ok, or the first error's code.",
    ["kind", "outcome"],
)
EXECUTIONS = Counter(
    "souk_graphql_executions_total",
    "Executions of queries and mutations by path: compiled, or core (graphql-core alone: a document's first, or one with directives).",
    ["path"],
)
UNUSUAL_VALUES = Counter(
    "souk_graphql_unusual_values_total",
    "Values of compiled selections that graphql-core completed, because they were not as the schema says.",
)
COST = Counter("souk_graphql_cost_total", "Cost of all operations, in points.")
CONNECTIONS = Gauge("souk_graphql_connections", "Open sockets and event streams of signed-in clients.")
RATE_LIMITED = Counter(
    "souk_graphql_rate_limited_total", "Requests rejected by a rate limit, by reason.", ["reason"]
)
RATE_LIMIT_FAILURES = Counter(
    "souk_graphql_rate_limit_failures_total",
    "Requests allowed without a rate-limit check because Redis was unavailable.",
)
