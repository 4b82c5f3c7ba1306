"""The pace of WebSocket handshakes."""

import pytest

from kit.web.connections import HandshakePace


def test_after_a_quiet_time_a_burst_is_answered_at_once() -> None:
    pace = HandshakePace(per_second=10, burst=3)
    assert [pace.reserve(100.0) for _ in range(3)] == [0.0, 0.0, 0.0]


def test_the_others_follow_at_the_rate() -> None:
    pace = HandshakePace(per_second=10, burst=1)
    assert [pace.reserve(100.0) for _ in range(4)] == pytest.approx([0.0, 0.0, 0.1, 0.2])
    assert pace.reserve(100.25) == pytest.approx(0.05)


def test_one_that_would_wait_too_long_is_rejected_and_takes_no_place() -> None:
    pace = HandshakePace(per_second=10, burst=1, max_wait_seconds=0.15)
    assert [pace.reserve(100.0) for _ in range(5)] == [0.0, 0.0, pytest.approx(0.1), None, None]
    assert pace.reserve(100.1) == pytest.approx(0.1)
