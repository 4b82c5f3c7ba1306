"""Rules of spans: the parent decides, and what is not kept costs and says nothing."""

from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from kit.telemetry import (
    SpanKind,
    client_span,
    correlation_id,
    current_trace,
    extract,
    inject,
    job_span,
    span,
)
from kit.telemetry.spans import record_spans, untrusted_trace

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-"


@pytest.fixture
def sampled() -> Iterator[InMemorySpanExporter]:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    record_spans(provider.get_tracer("test"), 1.0)
    yield exporter
    record_spans(None, 0.0)


def test_spans_of_a_kept_trace_nest(sampled: InMemorySpanExporter) -> None:
    with span("outer", kind=SpanKind.SERVER), span("inner") as inner:
        inner.set("lines", 2)
    one, two = sampled.get_finished_spans()
    assert (one.name, two.name) == ("inner", "outer")
    assert one.parent is not None
    assert one.parent.span_id == two.context.span_id
    assert dict(one.attributes or {}) == {"lines": 2}


def test_a_span_names_the_request_that_it_belongs_to(sampled: InMemorySpanExporter) -> None:
    token = correlation_id.set("corr-1")
    with span("rpc", attributes={"lines": 2}):
        pass
    correlation_id.reset(token)
    with span("job"):
        pass
    rpc, job = sampled.get_finished_spans()
    assert dict(rpc.attributes or {}) == {"lines": 2, "correlation_id": "corr-1"}
    assert dict(job.attributes or {}) == {}


@pytest.mark.parametrize(("jobs", "names"), [(True, ["child", "job sweep"]), (False, [])])
def test_runs_of_jobs_are_sampled_unless_they_are_left_out(
    sampled: InMemorySpanExporter, jobs: bool, names: list[str]
) -> None:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(sampled))
    record_spans(provider.get_tracer("test"), 1.0, jobs=jobs)
    with job_span("job sweep"), span("child"):
        assert current_trace() is not None
    assert [finished.name for finished in sampled.get_finished_spans()] == names


def test_a_kept_parent_from_outside_is_continued(sampled: InMemorySpanExporter) -> None:
    with span("rpc", parent=extract({"traceparent": PARENT + "01"})):
        pass
    (context_of_span,) = sampled.get_finished_spans()
    assert f"{context_of_span.context.trace_id:032x}" in PARENT


def test_a_parent_that_is_not_kept_is_passed_on_and_nothing_recorded(sampled: InMemorySpanExporter) -> None:
    carrier: dict[str, str] = {}
    with span("rpc", parent=extract({"traceparent": PARENT + "00"})), span("inner"):
        inject(carrier)
    assert carrier == {"traceparent": PARENT + "00"}
    assert not sampled.get_finished_spans()


@pytest.mark.parametrize("flag", ["00", "01", "ff"])
@pytest.mark.parametrize("ratio", [0.0, 1.0])
def test_a_stranger_names_a_trace_and_does_not_decide_whether_it_is_kept(
    sampled: InMemorySpanExporter, flag: str, ratio: float
) -> None:
    record_spans(TracerProvider().get_tracer("test"), ratio)
    parent = untrusted_trace(PARENT + flag)
    assert parent is not None
    assert f"{parent.trace_id:032x}" in PARENT
    assert parent.sampled is (ratio == 1.0)
    assert untrusted_trace("nonsense") is None


def test_a_failed_span_says_so(sampled: InMemorySpanExporter) -> None:
    with pytest.raises(ValueError, match="x"), span("rpc"):
        raise ValueError("x")
    assert not sampled.get_finished_spans()[0].status.is_ok


def test_a_call_of_a_kept_trace_names_the_server_and_what_was_asked(sampled: InMemorySpanExporter) -> None:
    with span("rpc"), client_span("postgresql", "SELECT 1"):
        pass
    call, rpc = sampled.get_finished_spans()
    assert (call.name, call.kind) == ("postgresql SELECT", SpanKind.CLIENT)
    assert call.parent is not None
    assert call.parent.span_id == rpc.context.span_id
    assert dict(call.attributes or {}) == {"peer.service": "postgresql", "db.query.text": "SELECT 1"}


def test_a_call_outside_of_a_kept_trace_makes_none(sampled: InMemorySpanExporter) -> None:
    with client_span("postgresql", "SELECT 1"):
        assert current_trace() is None
    with span("rpc", parent=extract({"traceparent": PARENT + "00"})), client_span("redis", "MGET"):
        pass
    assert not sampled.get_finished_spans()


def test_a_ratio_of_zero_keeps_nothing(sampled: InMemorySpanExporter) -> None:
    record_spans(None, 0.0)
    with span("rpc"):
        trace = current_trace()
        assert trace is not None
        assert not trace.sampled
    assert current_trace() is None
    assert not sampled.get_finished_spans()


@pytest.mark.parametrize(
    "header", ["", "00-1-2-3", PARENT + "zz", "00-" + "0" * 32 + "-00f067aa0ba902b7-01", "x" * 55]
)
def test_a_malformed_parent_is_ignored(header: str) -> None:
    assert extract({"traceparent": header}) is None
