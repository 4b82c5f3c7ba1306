"""Metrics of work."""

from prometheus_client import Counter, Gauge

WORK = Counter("souk_work_items_total", "Claimed items and periodic jobs, by outcome.", ["worker", "outcome"])
TASK_FAILURES = Counter(
    "souk_work_task_failures_total",
    "Unexpected failures of background tasks, which are then restarted.",
    ["task"],
)
PRUNED = Counter("souk_work_pruned_rows_total", "Rows that retention deleted or reduced.", ["table"])
IN_PROGRESS = Gauge("souk_work_items_in_progress", "Claimed items being handled.", ["worker"])
