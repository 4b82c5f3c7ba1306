"""Running calls concurrently, each without the transaction of its caller."""

import asyncio
from collections.abc import Awaitable, Iterable
from contextvars import Context
from typing import Any


def task(call: Awaitable[Any]) -> "asyncio.Task[Any]":
    """A task with an empty context, so without a transaction."""

    async def run() -> Any:
        return await call

    return asyncio.create_task(run(), context=Context())


async def concurrently(calls: Iterable[Awaitable[Any]]) -> list[Any]:
    """Results in the order of the calls; raises the first error."""
    return list(await asyncio.gather(*map(task, calls)))


async def outcomes(calls: Iterable[Awaitable[Any]]) -> list[Any]:
    """Results and errors in the order of the calls."""
    return list(await asyncio.gather(*map(task, calls), return_exceptions=True))
