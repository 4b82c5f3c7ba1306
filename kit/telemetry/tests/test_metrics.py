"""Rules of RED metrics."""

import pytest
from prometheus_client import CollectorRegistry

from kit.telemetry import RedMetrics


def test_requests_are_counted_by_outcome_and_timed() -> None:
    registry = CollectorRegistry()
    watched = RedMetrics("rpc_server", ("method",), registry).watch("PlaceOrder")
    watched.observe(0.02)
    watched.observe(0.03, "NOT_FOUND")
    with pytest.raises(KeyError), watched.time():
        raise KeyError
    value = registry.get_sample_value
    assert value("souk_rpc_server_requests_total", {"method": "PlaceOrder", "outcome": "OK"}) == 1
    assert value("souk_rpc_server_requests_total", {"method": "PlaceOrder", "outcome": "KeyError"}) == 1
    assert value("souk_rpc_server_request_seconds_count", {"method": "PlaceOrder"}) == 3
