"""Telemetry of a process: JSON logs, spans, metrics, and the correlation id that links them.

`log = get_logger(__name__); log.info("order.placed", order_id=...)`, `with span("stripe confirm"):`, `with client_span("redis", "MGET"):`,
`RedMetrics("rpc_server", ("method",))`. Callers decide what to record and must leave out personal data.
"""

from opentelemetry.trace import SpanKind

from kit.telemetry.context import correlation_id, new_correlation_id
from kit.telemetry.logs import Log, get_logger
from kit.telemetry.metrics import BoundRedMetrics, RedMetrics, start_at_zero
from kit.telemetry.setup import configure, flush
from kit.telemetry.spans import (
    Span,
    Trace,
    client_span,
    current_trace,
    extract,
    inject,
    job_span,
    span,
    traceparent,
)

__all__ = [
    "BoundRedMetrics",
    "Log",
    "RedMetrics",
    "Span",
    "SpanKind",
    "Trace",
    "client_span",
    "configure",
    "correlation_id",
    "current_trace",
    "extract",
    "flush",
    "get_logger",
    "inject",
    "job_span",
    "new_correlation_id",
    "span",
    "start_at_zero",
    "traceparent",
]
