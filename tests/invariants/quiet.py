"""Waiting for a quiet moment: nothing is under way, and every event is consumed."""

import asyncio
import time

from tests.invariants.events import not_consumed
from tests.invariants.evidence import Evidence

# What is still under way, by database: when all of these are zero, nothing moves any more.
_UNDER_WAY = {
    "account": ("SELECT count(*) FROM outbox WHERE published_at IS NULL",),
    "catalog": (
        "SELECT count(*) FROM outbox WHERE published_at IS NULL",
        "SELECT count(*) FROM availability_changes",
    ),
    "order": (
        "SELECT count(*) FROM outbox WHERE published_at IS NULL",
        "SELECT count(*) FROM orders WHERE status = 'PENDING'",
    ),
    "payment": (
        "SELECT count(*) FROM outbox WHERE published_at IS NULL",
        "SELECT count(*) FROM payments WHERE due_time IS NOT NULL",
        "SELECT count(*) FROM refunds WHERE status = 'PENDING'",
    ),
    "notification": ("SELECT count(*) FROM notifications WHERE status = 'QUEUED'",),
}


async def quiet(evidence: Evidence, seconds: float) -> int:
    """Waits until nothing is under way, for so long at most; how much still is."""
    end = time.monotonic() + seconds
    while True:
        left = await under_way(evidence)
        if not left or time.monotonic() > end:
            return left
        await asyncio.sleep(0.5)


async def under_way(evidence: Evidence) -> int:
    """How many things are to be done yet."""
    count = 0
    for name, statements in _UNDER_WAY.items():
        for sql in statements:
            [row] = await evidence.rows(name, sql)
            count += row["count"]
    if count:
        return count
    # A group that has not consumed everything is about to start something new.
    return sum(map(len, (await not_consumed(evidence)).values()))
