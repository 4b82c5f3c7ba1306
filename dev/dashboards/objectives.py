"""The dashboard of the service level objectives: 99.9 % of operations succeed, 99 % take at most 500 ms, as in the alerts on them."""

from dev.dashboards.panels import Panel, number

_OPERATIONS = "souk_graphql_operations_total"
_FAILED = 'outcome=~"INTERNAL|SERVICE_UNAVAILABLE|DEADLINE_EXCEEDED"'
_GRAPHQL = 'job="gateway", route="/graphql"'


def _failing(window: str) -> str:
    total = f"sum(rate({_OPERATIONS}[{window}]))"
    return f"((sum(rate({_OPERATIONS}{{{_FAILED}}}[{window}])) or vector(0)) / ({total} > 0) or vector(0))"


def _slow(window: str) -> str:
    fast = f'sum(rate(souk_http_request_seconds_bucket{{{_GRAPHQL}, le="0.5"}}[{window}]))'
    total = f"sum(rate(souk_http_request_seconds_count{{{_GRAPHQL}}}[{window}]))"
    return f"(1 - {fast} / ({total} > 0) or vector(0))"


def panels() -> list[Panel]:
    """What is left of both budgets, and how fast they are used."""
    budget = {"red": None, "orange": 0.25, "green": 0.5}
    made: list[Panel] = []
    for title, bad, allowed, goal in (("errors", _failing, 0.001, 0.999), ("latency", _slow, 0.01, 0.99)):
        windows = {
            f"last {window}": f"{bad(window)} / {allowed}" for window in ("5m", "1h", "6h", "1d", "3d")
        }
        made += [
            number(
                f"Objective of {title}: {goal * 100:g} %",
                "percentunit",
                {"last 30 days": f"1 - {bad('30d')}"},
                decimals=2,
                thresholds={"red": None, "green": goal},
            ),
            number(
                f"Budget of {title} left",
                "percentunit",
                {"of 30 days": f"1 - {bad('30d')} / {allowed}"},
                thresholds=budget,
                decimals=0,
            ),
            Panel(
                title=f"Burn rate of {title}",
                unit="short",
                description="1 uses the budget up in 30 days. 14.4 in 1h and 5m, or 6 in 6h, alert at once; "
                "3 in 1d and 1 in 3d open a ticket.",
                queries=windows,
            ),
        ]
    numbers = [panel for panel in made if panel.type == "stat"]
    charts = [panel for panel in made if panel.type == "timeseries"]
    firing = 'ALERTS{alertstate="firing"}'
    return [
        *numbers,
        *charts,
        Panel(
            title="Alerts that fire",
            unit="short",
            description="docs/operations/incidents has a page for each.",
            queries={
                "all": f"count({firing}) or vector(0)",
                "{{alertname}} {{severity}}": f"count by (alertname, severity) ({firing})",
            },
        ),
        Panel(title="Replicas up", unit="short", queries={"{{job}}": "sum by (job) (up)"}),
    ]
