"""Rules of log lines."""

import io
import logging
from collections.abc import Iterator

import orjson
import pytest

from kit.telemetry import correlation_id, get_logger, new_correlation_id, span
from kit.telemetry.logs import configure_logging


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    root, stream = logging.getLogger(), io.StringIO()
    handlers, level = root.handlers[:], root.level
    configure_logging("order", "INFO", stream)
    yield stream
    root.handlers[:], root.level = handlers, level


def read(lines: io.StringIO) -> dict[str, object]:
    line: dict[str, object] = orjson.loads(lines.getvalue().splitlines()[-1])
    return line


def test_a_line_carries_event_fields_and_correlation(lines: io.StringIO) -> None:
    token = correlation_id.set("abc")
    get_logger("order.use_cases").info("order.placed", order_id="ord_1", lines=2)
    correlation_id.reset(token)
    line = read(lines)
    assert line["event"] == "order.placed"
    assert (line["order_id"], line["lines"], line["correlation_id"], line["service"]) == (
        "ord_1",
        2,
        "abc",
        "order",
    )


def test_a_line_within_a_span_names_its_trace(lines: io.StringIO) -> None:
    with span("order.place"):
        get_logger("x").info("here")
    assert len(str(read(lines)["trace_id"])) == 32


def test_an_exception_is_logged_with_its_stack(lines: io.StringIO) -> None:
    try:
        raise RuntimeError("broken")
    except RuntimeError:
        get_logger("x").exception("rpc.failed")
    line = read(lines)
    assert line["error_type"] == "RuntimeError"
    assert "test_logs" in str(line["stack"])


def test_slow_steps_of_kafkas_own_loop_are_not_logged_and_its_other_warnings_are(lines: io.StringIO) -> None:
    selector = logging.getLogger("kafka.net.selector")
    slow = (
        "Task %r ran for %.3fs (>%.3fs threshold). It is blocking the event loop -- likely a tight sync loop"
    )
    selector.warning(slow % ("x", 0.14, 0.1))
    assert lines.getvalue() == ""
    selector.warning("Task %s left RUNNING after step; demoting to UNSCHEDULED", "x")
    assert "left RUNNING" in str(read(lines)["event"])


def test_a_refresh_of_kafkas_metadata_that_was_cancelled_is_not_logged(lines: io.StringIO) -> None:
    cluster = logging.getLogger("kafka.cluster")
    cluster.error("Metadata refresh: failed %s", "Cancelled")
    assert lines.getvalue() == ""
    cluster.error("Metadata refresh: failed %s", "KafkaConnectionError")
    assert "KafkaConnectionError" in str(read(lines)["event"])


def test_a_field_cannot_replace_the_event(lines: io.StringIO) -> None:
    get_logger("x").info("order.placed", level="none", service="other")
    assert (read(lines)["level"], read(lines)["service"]) == ("INFO", "order")


def test_lines_below_the_level_are_not_written(lines: io.StringIO) -> None:
    get_logger("x").debug("detail")
    assert lines.getvalue() == ""


def test_a_strange_correlation_id_is_replaced() -> None:
    assert new_correlation_id("req-1") == "req-1"
    for given in (None, "", "a b", "x" * 129, 'a"b'):
        assert len(new_correlation_id(given)) == 32
