"""The dashboards of the whole system: business, requests, and events with work; objectives are in a module of their own."""

from typing import Final

from dev.dashboards.panels import Panel, grouped, number, quantile, quantiles, rate, troubles

_ORDERS = "souk_order_orders_total"
_OPERATIONS = "souk_graphql_operations_total"
_GRAPHQL = 'job="gateway", route="/graphql"'


def _hour(metric: str, where: str = "", by: str = "") -> str:
    """How much a counter grew in the last hour."""
    return grouped("increase", metric, by, where, "[1h]")


_PLACED = _hour(_ORDERS, 'outcome="placed"')
_CONFIRMED = _hour(_ORDERS, 'outcome="confirmed"')
_CANCELLED = _hour(_ORDERS, 'outcome=~"cancelled_.*"')
_PER_MINUTE = "60 * " + rate(_ORDERS, where='outcome="placed"')
# What the shop sells, and what stops it from selling.
BUSINESS: Final = (
    number("Orders a minute", "short", {"placed": _PER_MINUTE}, width=4),
    number("Orders, last hour", "short", {"placed": _PLACED, "confirmed": _CONFIRMED}, width=5, decimals=0),
    number(
        "Revenue, last hour, minor units",
        "short",
        {"{{currency}}": _hour("souk_order_revenue_minor_total", by="currency")},
        width=5,
        decimals=0,
    ),
    number(
        "Conversion, last hour",
        "percentunit",
        {"of placed orders are paid": f"{_CONFIRMED} / ({_PLACED} > 0) or vector(0)"},
        width=4,
        decimals=0,
    ),
    number(
        "Refunds, last hour",
        "short",
        {"succeeded": _hour("souk_payment_refunds_total", 'outcome="succeeded"')},
        width=3,
        decimals=0,
    ),
    number(
        "Stock-outs, last hour",
        "short",
        {"orders": _hour("souk_catalog_reservations_total", 'outcome="out_of_stock"')},
        width=3,
        decimals=0,
    ),
    Panel(
        title="Orders a minute",
        unit="opm",
        queries={"{{outcome}}": f"60 * {rate(_ORDERS, 'outcome')}"},
        description="By outcome.",
    ),
    Panel(
        title="Revenue per hour, minor units",
        unit="short",
        description="Totals of confirmed orders; 100 is one dollar.",
        queries={"{{currency}}": _hour("souk_order_revenue_minor_total", by="currency")},
    ),
    Panel(
        title="Conversion",
        unit="percentunit",
        max=1,
        description="Share of the orders placed in an hour that were paid, and that were cancelled for any reason.",
        queries={
            "confirmed": f"{_CONFIRMED} / ({_PLACED} > 0) or vector(0)",
            "cancelled": f"{_CANCELLED} / ({_PLACED} > 0) or vector(0)",
        },
    ),
    Panel(
        title="Orders rejected",
        unit="ops",
        queries=troubles("souk_order_rejections_total", "reason"),
        description="By the error's reason.",
    ),
    Panel(
        title="Reservations",
        unit="ops",
        queries={"{{outcome}}": rate("souk_catalog_reservations_total", "outcome")},
        description="out_of_stock is one of the outcomes.",
    ),
    Panel(
        title="Payments",
        unit="ops",
        queries={"{{outcome}}": rate("souk_payment_payments_total", "outcome")},
    ),
    Panel(
        title="Refunds",
        unit="ops",
        queries={"{{outcome}}": rate("souk_payment_refunds_total", "outcome")},
    ),
    Panel(
        title="Mails",
        unit="ops",
        queries={"{{template}} {{outcome}}": rate("souk_notification_mails_total", "template, outcome")},
    ),
    Panel(
        title="Accounts",
        unit="ops",
        queries={
            "registered": rate("souk_account_registrations_total"),
            "deleted": rate("souk_account_deletions_total"),
            "login {{outcome}}": rate("souk_account_logins_total", "outcome"),
        },
    ),
    Panel(
        title="Searches",
        unit="ops",
        queries={"{{source}}": rate("souk_catalog_searches_total", "source")},
        description="By the source of the result.",
    ),
    Panel(
        title="Webhooks",
        unit="ops",
        queries={"{{outcome}}": rate("souk_payment_webhooks_total", "outcome")},
    ),
)


# Rate, errors and duration at every edge.
REQUESTS: Final = (
    Panel(
        title="GraphQL operations",
        unit="ops",
        queries={"{{kind}} {{outcome}}": rate(_OPERATIONS, "kind, outcome")},
        description="By kind and outcome: ok, or the code of the first error.",
        stacked=True,
    ),
    Panel(title="Duration of /graphql", unit="s", queries=quantiles("souk_http_request_seconds", _GRAPHQL)),
    Panel(
        title="Calls by service",
        unit="ops",
        queries={"{{service}} {{outcome}}": rate("souk_rpc_server_requests_total", "service, outcome")},
    ),
    Panel(
        title="Duration of calls, p95",
        unit="s",
        queries={"{{method}}": quantile(0.95, "souk_rpc_server_request_seconds", "method")},
    ),
    Panel(
        title="Failed calls between services",
        unit="ops",
        queries=troubles("souk_rpc_client_requests_total", "job, method, outcome", 'outcome!="OK"'),
    ),
    Panel(
        title="HTTP by status",
        unit="reqps",
        queries={"{{job}} {{outcome}}": rate("souk_http_requests_total", "job, outcome")},
    ),
    Panel(
        title="Connections and order subscriptions",
        unit="short",
        queries={
            "WebSockets and event streams": "sum(souk_graphql_connections)",
            "order subscriptions": "sum(souk_gateway_order_subscriptions)",
        },
    ),
    Panel(
        title="Rate-limited requests",
        unit="ops",
        queries={
            "{{reason}}": rate("souk_graphql_rate_limited_total", "reason"),
            "not checked: Redis unavailable": rate("souk_graphql_rate_limit_failures_total"),
        },
    ),
    Panel(
        title="Cache",
        unit="ops",
        queries={
            "{{cache}} {{result}}": rate("souk_cache_lookups_total", "cache, result"),
            "{{cache}} failed": rate("souk_cache_failures_total", "cache"),
        },
    ),
    Panel(title="Replicas up", unit="short", queries={"{{job}}": "sum by (job) (up)"}),
    Panel(
        title="Execution of GraphQL documents",
        unit="ops",
        description="compiled: by the document's plan; core: by graphql-core, a document's first execution or one with directives. "
        "Unusual values: completed by graphql-core although the selection is compiled.",
        queries={
            "{{path}}": rate("souk_graphql_executions_total", "path"),
            "unusual values": rate("souk_graphql_unusual_values_total"),
        },
    ),
)


# Outbox, consumers, workers, the search index and retention, of all services.
EVENTS: Final = (
    Panel(
        title="Age of the oldest unpublished event",
        unit="s",
        queries={"{{job}}": "max by (job) (souk_events_outbox_age_seconds)"},
    ),
    Panel(
        title="Events published",
        unit="ops",
        queries={"{{type}}": rate("souk_events_published_total", "type")},
    ),
    Panel(
        title="Consumer lag",
        unit="short",
        queries={"{{group}} {{topic}}": "sum by (group, topic) (souk_events_consumer_lag)"},
    ),
    Panel(
        title="Events consumed",
        unit="ops",
        queries={"{{group}} {{outcome}}": rate("souk_events_consumed_total", "group, outcome")},
    ),
    Panel(title="Retries", unit="ops", queries=troubles("souk_events_retries_total", "group, reason")),
    Panel(
        title="Dead letters",
        unit="short",
        queries={
            "all, last hour": f"{_hour('souk_events_dead_lettered_total')} or vector(0)",
            "{{group}} {{topic}}": _hour("souk_events_dead_lettered_total", by="group, topic"),
            "pending: {{group}} {{topic}}": "max by (group, topic) (souk_events_dead_letters)",
        },
    ),
    Panel(
        title="Duration of a batch, p95",
        unit="s",
        queries={"{{group}}": quantile(0.95, "souk_events_batch_seconds", "group")},
    ),
    Panel(
        title="Work items done",
        unit="ops",
        queries={"{{worker}} {{outcome}}": rate("souk_work_items_total", "worker, outcome")},
    ),
    Panel(
        title="Work items in progress",
        unit="short",
        queries={"{{worker}}": "sum by (worker) (souk_work_items_in_progress)"},
    ),
    Panel(
        title="Circuit breaker of the payment provider",
        unit="short",
        queries={"open": "max(souk_payment_circuit_open)"},
    ),
    Panel(
        title="Search index lag, p95",
        unit="s",
        queries={"p95": quantile(0.95, "souk_catalog_index_lag_seconds")},
    ),
    Panel(
        title="Search index",
        unit="ops",
        queries={
            "written": rate("souk_catalog_indexed_products_total"),
            "repaired": rate("souk_catalog_index_repairs_total"),
        },
    ),
    Panel(
        title="Background tasks restarted, last hour",
        unit="short",
        queries={
            "all": f"{_hour('souk_work_task_failures_total')} or vector(0)",
            "{{job}} {{task}}": _hour("souk_work_task_failures_total", by="job, task"),
        },
    ),
    Panel(
        title="Rows deleted by retention",
        unit="ops",
        queries=troubles("souk_work_pruned_rows_total", "job, table"),
    ),
    Panel(
        title="Database contention",
        unit="ops",
        queries=troubles("souk_db_contention_total", "job, outcome"),
    ),
)
