"""Metrics of work."""

from prometheus_client import Counter, Gauge

WORK = Counter("souk_work_items_total", "Claimed items and sweeps that ended.", ["worker", "outcome"])
TASK_FAILURES = Counter(
    "souk_work_task_failures_total",
    "Times that a background task failed unexpectedly and was started again.",
    ["task"],
)
PRUNED = Counter(
    "souk_work_pruned_rows_total", "Rows deleted because their table keeps them no longer.", ["table"]
)
WORKING = Gauge("souk_work_items_under_way", "Claimed items being handled.", ["worker"])
