"""Retries work that PostgreSQL rolled back because of concurrent work: a deadlock, a serialization failure, a lock timeout, a migration.

The work must have no effect besides its statement or transaction.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

from kit.db.errors import DatabaseContention
from kit.db.metrics import CONTENTION
from kit.db.transaction import current_transaction
from kit.values.backoff import backoff_seconds
from kit.values.deadline import remaining

P = ParamSpec("P")
R = TypeVar("R")

# PostgreSQL takes a second to detect a deadlock, so a caller's deadline usually ends the retries sooner.
_ATTEMPTS = 5
_FIRST_PAUSE_SECONDS = 0.02
_MAX_PAUSE_SECONDS = 0.3


async def run_with_contention_retries(attempt: Callable[[], Awaitable[R]]) -> R:
    """Runs `attempt` and retries it on DatabaseContention, up to five attempts within the caller's deadline; raises the last error."""
    for number in range(1, _ATTEMPTS + 1):
        try:
            return await attempt()
        except DatabaseContention:
            pause = backoff_seconds(number, _FIRST_PAUSE_SECONDS, _MAX_PAUSE_SECONDS)
            left = remaining()
            # Inside a transaction everything was rolled back, so only its owner can retry.
            if number == _ATTEMPTS or current_transaction() or (left is not None and left <= pause):
                CONTENTION.labels("gave_up").inc()
                raise
            CONTENTION.labels("retried").inc()
            await asyncio.sleep(pause)
    raise AssertionError("unreachable")


def retry_on_contention(function: Callable[P, Coroutine[Any, Any, R]]) -> Callable[P, Coroutine[Any, Any, R]]:
    """Decorates a use case that is one transaction, so that it is retried from its start on DatabaseContention.

    Everything else that it does must be idempotent: reads, and idempotent calls to peers.
    """

    @functools.wraps(function)
    async def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        return await run_with_contention_retries(lambda: function(*args, **kwargs))

    return wrapped
