"""Spans that cost almost nothing in unsampled traces.

Sampling is decided where a trace starts and carried in `traceparent`; child spans follow their parent. An unsampled trace is only two ids
in a context variable: no span of the OpenTelemetry SDK is created, and without an exporter the SDK is not imported.
"""

import random
from collections.abc import Mapping, MutableMapping
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Any, NamedTuple

from opentelemetry import trace as otel
from opentelemetry.context import Context
from opentelemetry.trace import SpanKind

from kit.telemetry.context import correlation_id

Attribute = str | bool | int | float


class Trace(NamedTuple):
    """The current position: trace, span, and whether the trace is sampled."""

    trace_id: int
    span_id: int
    sampled: bool


class _Recording:
    """Set by `configure`: the tracer, the share of sampled traces, and whether runs of periodic jobs are among them."""

    tracer: otel.Tracer | None = None
    ratio: float = 0.0
    jobs: bool = True


_current: ContextVar[Trace | None] = ContextVar("trace", default=None)
_NO_SPAN = nullcontext()


def record_spans(tracer: otel.Tracer | None, ratio: float, *, jobs: bool = True) -> None:
    """Sets the tracer for sampled traces, the share of new traces that is sampled, and whether runs of periodic jobs are among them."""
    _Recording.tracer, _Recording.ratio, _Recording.jobs = tracer, ratio, jobs


def current_trace() -> Trace | None:
    """The position of this task; None outside a span."""
    return _current.get()


class Span:
    """`with span("order.place") as s:`; an exception that leaves the block marks the span as failed."""

    __slots__ = ("_attributes", "_kind", "_name", "_parent", "_span", "_token")

    def __init__(
        self, name: str, kind: SpanKind, attributes: Mapping[str, Attribute] | None, parent: Trace | None
    ) -> None:
        self._name, self._kind, self._attributes, self._parent = name, kind, attributes, parent
        self._span: otel.Span | None = None
        self._token: Token[Trace | None] | None = None

    def set(self, name: str, value: Attribute) -> None:
        """Adds an attribute."""
        if self._span is not None:
            self._span.set_attribute(name, value)

    @property
    def sampled(self) -> bool:
        """Whether this span is recorded."""
        return self._span is not None

    def __enter__(self) -> "Span":
        parent = self._parent or _current.get()
        if parent is None:
            self._start_root()
        elif parent.sampled and _Recording.tracer is not None:
            self._start(
                _Recording.tracer,
                otel.set_span_in_context(otel.NonRecordingSpan(_as_context(parent)), Context()),
            )
        elif self._parent is not None:
            self._token = _current.set(parent)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, stack: TracebackType | None
    ) -> None:
        if self._token is not None:
            _current.reset(self._token)
        if self._span is not None:
            if error is not None:
                self._span.set_status(otel.StatusCode.ERROR, type(error).__name__)
            self._span.end()

    def _start_root(self) -> None:
        sampled = random.random() < _Recording.ratio
        if sampled and _Recording.tracer is not None:
            self._start(_Recording.tracer, Context())
        else:
            self._token = _current.set(_new_trace(sampled))

    def _start(self, tracer: otel.Tracer, context: Context) -> None:
        attributes = dict(self._attributes or {})
        if correlation := correlation_id.get():
            attributes["correlation_id"] = correlation
        self._span = tracer.start_span(self._name, context, self._kind, attributes)
        context_of_span = self._span.get_span_context()
        self._token = _current.set(Trace(context_of_span.trace_id, context_of_span.span_id, True))


def span(
    name: str,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    attributes: Mapping[str, Attribute] | None = None,
    parent: Trace | None = None,
) -> Span:
    """A span under `parent` (from `extract`), else under the current span, else the root of a new trace."""
    return Span(name, kind, attributes, parent)


def job_span(name: str) -> Span:
    """The span of one run of a periodic job: the root of a trace, which is not sampled if jobs are left out."""
    return Span(name, SpanKind.INTERNAL, None, None if _Recording.jobs else _new_trace(False))


def client_span(system: str, command: str) -> Span | AbstractContextManager[None]:
    """A client span for a call to another system, only inside a sampled trace, so that polling loops create no traces.

    `command` is the call without its data, such as SQL with placeholders; its first word becomes part of the span's name.
    """
    current = _current.get()
    if current is None or not current.sampled:
        return _NO_SPAN
    attributes = {"peer.service": system, "db.query.text": command}
    return Span(f"{system} {command.split(None, 1)[0]}", SpanKind.CLIENT, attributes, None)


def traceparent() -> str | None:
    """The W3C header for the current position; None outside a span."""
    current = _current.get()
    return (
        None
        if current is None
        else f"00-{current.trace_id:032x}-{current.span_id:016x}-{'01' if current.sampled else '00'}"
    )


def inject(carrier: MutableMapping[str, Any]) -> None:
    """Writes `traceparent` into headers."""
    if header := traceparent():
        carrier["traceparent"] = header


def extract(carrier: Mapping[str, str]) -> Trace | None:
    """The trace in the headers; None when it is absent or malformed."""
    return parse_traceparent(carrier.get("traceparent"))


def parse_traceparent(header: str | None) -> Trace | None:
    """The trace of a W3C `traceparent` header; None when it is absent or malformed."""
    if not header or len(header) < 55:
        return None
    parts = header[:55].split("-")
    if len(parts) != 4 or [len(component) for component in parts] != [2, 32, 16, 2]:
        return None
    try:
        trace_id, span_id, flags = (int(component, 16) for component in parts[1:])
    except ValueError:
        return None
    return Trace(trace_id, span_id, bool(flags & 1)) if trace_id and span_id else None


def untrusted_trace(header: str | None) -> Trace | None:
    """The trace of an untrusted header: its id is used, sampling is decided here."""
    parent = parse_traceparent(header)
    return parent and parent._replace(sampled=random.random() < _Recording.ratio)


def _new_trace(sampled: bool) -> Trace:
    return Trace(random.getrandbits(128) or 1, random.getrandbits(64) or 1, sampled)


def _as_context(position: Trace) -> otel.SpanContext:
    return otel.SpanContext(
        position.trace_id, position.span_id, is_remote=True, trace_flags=otel.TraceFlags(1)
    )
