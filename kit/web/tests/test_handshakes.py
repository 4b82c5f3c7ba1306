"""The rate limit of WebSocket handshakes."""

import pytest

from kit.web.handshakes import HandshakeLimiter


def test_after_a_quiet_time_a_burst_is_answered_at_once() -> None:
    limiter = HandshakeLimiter(per_second=10, burst=3)
    assert [limiter.reserve(100.0) for _ in range(3)] == [0.0, 0.0, 0.0]


def test_the_others_follow_at_the_rate() -> None:
    limiter = HandshakeLimiter(per_second=10, burst=1)
    assert [limiter.reserve(100.0) for _ in range(4)] == pytest.approx([0.0, 0.0, 0.1, 0.2])
    assert limiter.reserve(100.25) == pytest.approx(0.05)


def test_one_that_would_wait_too_long_is_rejected_and_takes_no_place() -> None:
    limiter = HandshakeLimiter(per_second=10, burst=1, max_wait_seconds=0.15)
    assert [limiter.reserve(100.0) for _ in range(5)] == [0.0, 0.0, pytest.approx(0.1), None, None]
    assert limiter.reserve(100.1) == pytest.approx(0.1)
