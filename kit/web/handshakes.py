"""Limits the rate of WebSocket handshakes."""

from typing import Final

# A handshake takes about half a millisecond of the event loop; at this rate a tenth of the loop's time.
_PER_SECOND: Final = 200
# Answered without waiting after a quiet period.
_BURST: Final = 20
# A handshake that would wait longer gets 503 at once.
_MAX_WAIT_SECONDS: Final = 10.0


class HandshakeLimiter:
    """Spreads a server's WebSocket handshakes over time, so that a flood of them delays other handshakes but not requests."""

    def __init__(
        self,
        per_second: float = _PER_SECOND,
        burst: int = _BURST,
        max_wait_seconds: float = _MAX_WAIT_SECONDS,
    ) -> None:
        self._interval = 1 / per_second
        self._burst_seconds = burst / per_second
        self._max_wait = max_wait_seconds
        self._next = 0.0

    def reserve(self, now: float) -> float | None:
        """Reserves a slot and returns the seconds until it; None, and no slot, when the wait is too long."""
        start = max(self._next, now - self._burst_seconds)
        if start - now > self._max_wait:
            return None
        self._next = start + self._interval
        return max(0.0, start - now)
