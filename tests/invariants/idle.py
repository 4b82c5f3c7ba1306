"""Waits until the stack is idle: no work is in progress, and every event is consumed."""

import asyncio
import time

from tests.invariants.events import not_consumed
from tests.invariants.sources import DataSources
from tests.invariants.subscriptions import groups_without_inbox

# What a guest's last requests wrote is given to its account within half a minute.
_OF_MERGED_GUESTS = "SELECT count(*) FROM {} t JOIN merged_accounts m ON m.guest_id = t.account_id"
# Counts of unfinished work by database; all are zero when the stack is idle.
_UNFINISHED = {
    "account": ("SELECT count(*) FROM outbox WHERE published_at IS NULL",),
    "catalog": (
        "SELECT count(*) FROM outbox WHERE published_at IS NULL",
        "SELECT count(*) FROM availability_changes",
    ),
    "order": (
        "SELECT count(*) FROM outbox WHERE published_at IS NULL",
        "SELECT count(*) FROM orders WHERE status = 'PENDING'",
        _OF_MERGED_GUESTS.format("orders"),
        _OF_MERGED_GUESTS.format("carts"),
    ),
    "payment": (
        "SELECT count(*) FROM outbox WHERE published_at IS NULL",
        "SELECT count(*) FROM payments WHERE due_time IS NOT NULL",
        "SELECT count(*) FROM refunds WHERE status = 'PENDING'",
        _OF_MERGED_GUESTS.format("payments"),
    ),
    "notification": (
        "SELECT count(*) FROM notifications WHERE status = 'QUEUED'",
        _OF_MERGED_GUESTS.format("notifications"),
    ),
}


async def wait_until_idle(sources: DataSources, seconds: float) -> int:
    """Waits until the stack is idle, at most `seconds`; returns the number of unfinished items."""
    end = time.monotonic() + seconds
    while True:
        remaining = await unfinished(sources)
        if not remaining or time.monotonic() > end:
            return remaining
        await asyncio.sleep(0.5)


async def unfinished(sources: DataSources) -> int:
    """The number of unfinished items."""
    count = 0
    for name, statements in _UNFINISHED.items():
        for sql in statements:
            [row] = await sources.rows(name, sql)
            count += row["count"]
    if count:
        return count
    # A group that has not consumed everything will create new work.
    count = sum(map(len, (await not_consumed(sources)).values()))
    return count or await sources.uncommitted(groups_without_inbox())
