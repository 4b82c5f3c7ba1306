"""What a process tells about itself: JSON logs, spans, metrics, and the correlation id that ties them
together.

`log = get_logger(__name__); log.info("order.placed", order_id=...)`, `with span("stripe confirm"):`, `with outgoing("redis", "MGET"):`,
`Red("rpc_server", ("method",))`. Nothing here decides what is worth telling, and personal data is the
caller's to leave out (`mask_email`).
"""

from opentelemetry.trace import SpanKind

from kit.telemetry.context import correlation_id, new_correlation_id
from kit.telemetry.logs import Log, get_logger, mask_email
from kit.telemetry.metrics import BoundRedMetrics, RedMetrics
from kit.telemetry.setup import configure, flush
from kit.telemetry.spans import Span, Trace, client_span, current_trace, extract, inject, span, traceparent

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
    "mask_email",
    "new_correlation_id",
    "span",
    "traceparent",
]
