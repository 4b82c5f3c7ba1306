"""Runs work again that PostgreSQL undid because it competed with other work: a deadlock, a serialization failure, a lock timeout.

Only what had no effect besides its statement or its transaction may be repeated like this.
"""

from __future__ import annotations

import asyncio
import functools
import random
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

from prometheus_client import Counter

from kit.db.errors import DatabaseContention
from kit.db.transaction import current_transaction
from kit.values.deadline import remaining

P = ParamSpec("P")
R = TypeVar("R")

CONTENTION = Counter(
    "souk_db_contention_total",
    "Statements and transactions undone by a deadlock, a serialization failure or a lock timeout, by what followed.",
    ["outcome"],
)

# PostgreSQL takes a second to find a deadlock, so a caller's deadline usually ends it sooner.
_ATTEMPTS = 5
_FIRST_PAUSE_SECONDS = 0.02
_MAX_PAUSE_SECONDS = 0.3


async def run_with_contention_retries(attempt: Callable[[], Awaitable[R]]) -> R:
    """Runs `attempt`, again after DatabaseContention: at most five times, within the caller's deadline; raises the last one."""
    for number in range(1, _ATTEMPTS + 1):
        try:
            return await attempt()
        except DatabaseContention:
            # Jittered, so that two that met do not meet again.
            pause = min(_MAX_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2 ** (number - 1)) * random.uniform(0.5, 1)
            left = remaining()
            # Inside a transaction all of it was undone, so repeating is for its owner.
            if number == _ATTEMPTS or current_transaction() or (left is not None and left <= pause):
                CONTENTION.labels("given up").inc()
                raise
            CONTENTION.labels("repeated").inc()
            await asyncio.sleep(pause)
    raise AssertionError("unreachable")


def retry_on_contention(function: Callable[P, Coroutine[Any, Any, R]]) -> Callable[P, Coroutine[Any, Any, R]]:
    """Decorates a use case that is one transaction, so that it runs again from its start after DatabaseContention.

    Whatever else it does must be harmless to repeat: reads, and calls to peers that are idempotent.
    """

    @functools.wraps(function)
    async def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        return await run_with_contention_retries(lambda: function(*args, **kwargs))

    return wrapped
