"""Spans as records of the log store, from what the services export (OTLP over HTTP)."""

import time
from typing import Any, Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

_MAX_TEXT: Final = 2000
_KINDS: Final = {
    Span.SPAN_KIND_INTERNAL: "internal",
    Span.SPAN_KIND_SERVER: "server",
    Span.SPAN_KIND_CLIENT: "client",
    Span.SPAN_KIND_PRODUCER: "producer",
    Span.SPAN_KIND_CONSUMER: "consumer",
}


def records_of_export(body: bytes) -> list[dict[str, Any]]:
    """The records of one export; raises google.protobuf.message.DecodeError."""
    return [
        _record(_text_attributes(resource.resource.attributes).get("service.name", "unknown"), span)
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def _record(service: str, span: Span) -> dict[str, Any]:
    failed = span.status.code == Status.STATUS_CODE_ERROR
    return {
        **_text_attributes(span.attributes),
        "time": _instant(span.start_time_unix_nano),
        "service": service,
        "event": span.name,
        "trace_id": span.trace_id.hex(),
        "span_id": span.span_id.hex(),
        "parent_id": span.parent_span_id.hex(),
        "span": _KINDS.get(span.kind, "internal"),
        "start_us": span.start_time_unix_nano // 1000,
        "duration_us": (span.end_time_unix_nano - span.start_time_unix_nano) // 1000,
        **({"error": span.status.message or "failed"} if failed else {}),
    }


def _text_attributes(attributes: Any) -> dict[str, str]:
    return dict(_attribute(attribute) for attribute in attributes)


def _attribute(attribute: KeyValue) -> tuple[str, str]:
    value = getattr(attribute.value, attribute.value.WhichOneof("value") or "string_value")
    return attribute.key, str(value)[:_MAX_TEXT]


def _instant(nanoseconds: int) -> str:
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{rest:09d}Z"
