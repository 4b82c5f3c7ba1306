"""Metrics of the gateway's own; those of its GraphQL server: kit.graphql.metrics."""

from prometheus_client import Gauge

ORDER_SUBSCRIPTIONS = Gauge("souk_gateway_order_subscriptions", "Open subscriptions to orders.")
