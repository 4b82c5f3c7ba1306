"""The deadline of the current call, which everything it waits for inherits."""

import time
from contextvars import ContextVar

# time.monotonic() at which the caller gives up; None when there is no caller.
deadline: ContextVar[float | None] = ContextVar("deadline", default=None)


def remaining() -> float | None:
    """Seconds left, at least zero; None without a caller (a consumer, a job)."""
    end = deadline.get()
    return None if end is None else max(0.0, end - time.monotonic())
