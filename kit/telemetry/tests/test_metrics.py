"""Rules of RED metrics."""

from prometheus_client import CollectorRegistry

from kit.telemetry import RedMetrics


def test_requests_are_counted_by_outcome_and_timed() -> None:
    registry = CollectorRegistry()
    metrics = RedMetrics("rpc_server", ("method",), registry).bind("PlaceOrder")
    metrics.observe(0.02)
    metrics.observe(0.03, "NOT_FOUND")
    value = registry.get_sample_value
    assert value("souk_rpc_server_requests_total", {"method": "PlaceOrder", "outcome": "OK"}) == 1
    assert value("souk_rpc_server_requests_total", {"method": "PlaceOrder", "outcome": "NOT_FOUND"}) == 1
    assert value("souk_rpc_server_request_seconds_count", {"method": "PlaceOrder"}) == 2


def test_expected_outcomes_are_exported_before_the_first_request_and_durations_with_it() -> None:
    registry = CollectorRegistry()
    metrics = RedMetrics("rpc_server", ("method",), registry, expected=("OK",)).bind("PlaceOrder")
    value = registry.get_sample_value
    assert value("souk_rpc_server_requests_total", {"method": "PlaceOrder", "outcome": "OK"}) == 0
    assert value("souk_rpc_server_request_seconds_count", {"method": "PlaceOrder"}) is None
    metrics.observe(0.02)
    assert value("souk_rpc_server_request_seconds_count", {"method": "PlaceOrder"}) == 1
