"""The time left for the call that is being answered, passed down to whatever it waits for."""

import time
from contextvars import ContextVar

# Seconds of time.monotonic() at which the caller gives up; None: nobody waits.
deadline: ContextVar[float | None] = ContextVar("deadline", default=None)


def remaining() -> float | None:
    """Seconds left, never below zero; None when nobody waits (a consumer, a job)."""
    at = deadline.get()
    return None if at is None else max(0.0, at - time.monotonic())
