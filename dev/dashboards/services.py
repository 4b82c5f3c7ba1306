"""One dashboard for each service: requests, resources, database, events and work, and what only this service does."""

from collections.abc import Sequence
from typing import Final

from dev.dashboards.panels import Panel, number, quantile, quantiles, rate, troubles


def panels(service: str) -> list[Panel]:
    """All panels of one service."""
    job = f'job="{service}"'
    requests = _OPERATIONS if service == "gateway" else _calls(job)
    database = [] if service == "gateway" else [*_database(job), *_events(job), *_work(job)]
    return [
        *_numbers(service, job),
        *requests,
        *_outgoing(job),
        *_resources(job),
        *database,
        *_own(service, job),
    ]


def _numbers(service: str, job: str) -> Sequence[Panel]:
    gateway = service == "gateway"
    total = "souk_graphql_operations_total" if gateway else "souk_rpc_server_requests_total"
    seconds = "souk_http_request_seconds" if gateway else "souk_rpc_server_request_seconds"
    failed = f'{job}, outcome=~"INTERNAL|SERVICE_UNAVAILABLE|UNAVAILABLE|DEADLINE_EXCEEDED"'
    where = f'{job}, route="/graphql"' if gateway else job
    share = f"({rate(total, where=failed)} or vector(0)) / ({rate(total, where=job)} > 0) or vector(0)"
    bad = {"green": None, "orange": 0.001, "red": 0.02}
    return [
        number("Replicas", "short", {"up": f"sum(up{{{job}}})"}, thresholds={"red": None, "green": 1}),
        number("Requests", "reqps", {"a second": rate(total, where=job)}),
        number("Failed through our fault", "percentunit", {"of all requests": share}, thresholds=bad),
        number("Duration", "s", {"p95": quantile(0.95, seconds, where=where)}),
    ]


def _calls(job: str) -> Sequence[Panel]:
    total, seconds = "souk_rpc_server_requests_total", "souk_rpc_server_request_seconds"
    return [
        Panel(title="Calls by method", unit="reqps", queries={"{{method}}": rate(total, "method", job)}),
        Panel(
            title="Calls that were not OK",
            unit="reqps",
            description="Rejections such as NOT_FOUND too; INTERNAL and UNAVAILABLE are our fault.",
            queries=troubles(total, "method, outcome", f'{job}, outcome!="OK"'),
        ),
        Panel(title="Duration of calls", unit="s", queries=quantiles(seconds, job)),
        Panel(
            title="Duration by method, p95",
            unit="s",
            queries={"{{method}}": quantile(0.95, seconds, "method", job)},
        ),
    ]


_TOTAL: Final = "souk_graphql_operations_total"
_ROUTE: Final = 'job="gateway", route="/graphql"'
_OPERATIONS: Final = (
    Panel(title="Operations by kind", unit="reqps", queries={"{{kind}}": rate(_TOTAL, "kind")}, stacked=True),
    Panel(
        title="Operations with errors",
        unit="reqps",
        description="By the code of the first error. INTERNAL, SERVICE_UNAVAILABLE and DEADLINE_EXCEEDED are our fault.",
        queries=troubles(_TOTAL, "outcome", 'outcome!="ok"'),
    ),
    Panel(title="Duration of /graphql", unit="s", queries=quantiles("souk_http_request_seconds", _ROUTE)),
    Panel(
        title="HTTP by route and status",
        unit="reqps",
        queries={
            "{{route}} {{outcome}}": rate("souk_http_requests_total", "route, outcome", 'job="gateway"')
        },
    ),
    Panel(
        title="Cost of operations",
        unit="cps",
        description="Points a second; docs/guide says what a request costs.",
        queries={"points": rate("souk_graphql_cost_total")},
    ),
    Panel(
        title="Open connections",
        unit="short",
        queries={
            "WebSockets and event streams": "sum(souk_graphql_connections)",
            "order subscriptions": "sum(souk_gateway_order_subscriptions)",
        },
    ),
)


def _outgoing(job: str) -> Sequence[Panel]:
    total = "souk_rpc_client_requests_total"
    return [
        Panel(
            title="Calls to other services",
            unit="reqps",
            queries={
                "{{method}}": rate(total, "method", job),
                "all": f"{rate(total, where=job)} or vector(0)",
            },
        ),
        Panel(
            title="Calls to other services that were not OK",
            unit="reqps",
            queries=troubles(total, "method, outcome", f'{job}, outcome!="OK"'),
        ),
    ]


def _resources(job: str) -> Sequence[Panel]:
    return [
        Panel(
            title="CPU",
            unit="short",
            description="Cores in use, by replica.",
            queries={"{{instance}}": rate("process_cpu_seconds_total", "instance", job)},
        ),
        Panel(
            title="Memory",
            unit="bytes",
            description="Resident memory, by replica.",
            queries={"{{instance}}": f"process_resident_memory_bytes{{{job}}}"},
        ),
    ]


def _database(job: str) -> Sequence[Panel]:
    statement = "souk_db_statement_seconds"
    return [
        Panel(title="Statements", unit="ops", queries={"a second": rate(f"{statement}_count", where=job)}),
        Panel(title="Duration of statements", unit="s", queries=quantiles(statement, job)),
        Panel(
            title="Connections to the database",
            unit="short",
            queries={"{{state}}": f"sum by (state) (souk_db_connections{{{job}}})"},
            stacked=True,
        ),
        Panel(
            title="Database contention",
            unit="ops",
            description="Deadlocks, serialization failures and lock timeouts.",
            queries=troubles("souk_db_contention_total", "outcome", job),
        ),
    ]


def _events(job: str) -> Sequence[Panel]:
    return [
        Panel(
            title="Events published",
            unit="ops",
            queries={
                "{{type}}": rate("souk_events_published_total", "type", job),
                "all": f"{rate('souk_events_published_total', where=job)} or vector(0)",
            },
        ),
        Panel(
            title="Age of the oldest unpublished event",
            unit="s",
            queries={"outbox": f"max(souk_events_outbox_age_seconds{{{job}}})"},
        ),
        Panel(
            title="Events consumed",
            unit="ops",
            queries={
                "{{group}} {{outcome}}": rate("souk_events_consumed_total", "group, outcome", job),
                "all": f"{rate('souk_events_consumed_total', where=job)} or vector(0)",
            },
        ),
        Panel(
            title="Consumer lag",
            unit="short",
            description="Events that are published and not consumed yet.",
            queries={
                "{{group}} {{topic}}": f"sum by (group, topic) (souk_events_consumer_lag{{{job}}})",
                "all": f"sum(souk_events_consumer_lag{{{job}}}) or vector(0)",
            },
        ),
        Panel(
            title="Retries", unit="ops", queries=troubles("souk_events_retries_total", "group, reason", job)
        ),
        Panel(
            title="Dead letters",
            unit="short",
            queries={
                "all": f"sum(souk_events_dead_letters{{{job}}}) or vector(0)",
                "{{group}} {{topic}}": f"max by (group, topic) (souk_events_dead_letters{{{job}}})",
            },
        ),
    ]


def _work(job: str) -> Sequence[Panel]:
    return [
        Panel(
            title="Work items and periodic jobs",
            unit="ops",
            queries={"{{worker}} {{outcome}}": rate("souk_work_items_total", "worker, outcome", job)},
        ),
        Panel(
            title="Background tasks restarted",
            unit="ops",
            queries=troubles("souk_work_task_failures_total", "task", job),
        ),
    ]


def _own(service: str, job: str) -> Sequence[Panel]:
    """What only this service does, by outcome."""
    counted = {
        "account": [("Logins", "souk_account_logins_total", "outcome")],
        "catalog": [
            ("Reservations", "souk_catalog_reservations_total", "outcome"),
            ("Searches", "souk_catalog_searches_total", "source"),
        ],
        "order": [("Orders", "souk_order_orders_total", "outcome")],
        "payment": [
            ("Payments", "souk_payment_payments_total", "outcome"),
            ("Refunds", "souk_payment_refunds_total", "outcome"),
            ("Webhooks", "souk_payment_webhooks_total", "outcome"),
        ],
        "notification": [("Mails", "souk_notification_mails_total", "template, outcome")],
        "gateway": [("Requests rejected by a rate limit", "souk_graphql_rate_limited_total", "reason")],
    }
    panels = [
        Panel(title=title, unit="ops", queries=troubles(metric, by)) for title, metric, by in counted[service]
    ]
    return [*panels, *(_INDEX if service == "catalog" else _PROVIDER if service == "payment" else [])]


_INDEX: Final = (
    Panel(
        title="Search index",
        unit="ops",
        queries={
            "written": rate("souk_catalog_indexed_products_total"),
            "repaired": rate("souk_catalog_index_repairs_total"),
        },
    ),
    Panel(
        title="Search index lag",
        unit="s",
        description="Time from a product's change until searches see it.",
        queries=quantiles("souk_catalog_index_lag_seconds"),
    ),
)


_PROVIDER: Final = (
    Panel(
        title="Payment provider",
        unit="short",
        description="1 while it is not called because it failed too often in a row.",
        queries={"circuit open": "max(souk_payment_circuit_open)"},
    ),
    Panel(
        title="Calls that the provider rejects",
        unit="ops",
        description="Because of our configuration, such as a wrong key.",
        queries=troubles("souk_payment_provider_rejections_total", "operation"),
    ),
)
