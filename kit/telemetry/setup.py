"""Sets up telemetry for a process."""

from typing import TextIO

from opentelemetry import trace as otel
from prometheus_client import disable_created_metrics

from kit.settings import BaseSettings
from kit.telemetry.logs import configure_logging
from kit.telemetry.spans import record_spans


class _Provider:
    """The SDK's tracer provider of this process, flushed at shutdown."""

    current: object | None = None


def configure(service: str, settings: BaseSettings, *, stream: TextIO | None = None) -> None:
    """Logs JSON to standard output and exports spans to `settings.otlp_endpoint`, unless it is empty."""
    configure_logging(service, settings.log_level, stream)
    # One more line for each counter and histogram at every scrape, which nothing reads.
    disable_created_metrics()  # type: ignore[no-untyped-call]
    tracer = _tracer(service, settings.otlp_endpoint) if settings.otlp_endpoint else None
    record_spans(tracer, settings.trace_sample_ratio, jobs=settings.trace_jobs)


def flush() -> None:
    """Exports buffered spans; blocks for a few seconds at most."""
    if _Provider.current is not None:
        _Provider.current.shutdown()  # type: ignore[attr-defined]
        _Provider.current = None


def _tracer(service: str, endpoint: str) -> otel.Tracer:
    # Imported here because the SDK takes 10 MB of memory, which a process without an exporter does not need.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.sampling import ALWAYS_ON

    # ALWAYS_ON, because kit.telemetry.spans samples before it starts a span.
    provider = TracerProvider(
        ALWAYS_ON,
        Resource.create({"service.name": service, "service.namespace": "souk"}),
        shutdown_on_exit=False,
    )
    provider.add_span_processor(
        BatchSpanProcessor(OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces", timeout=3))
    )
    _Provider.current = provider
    return provider.get_tracer("souk")
