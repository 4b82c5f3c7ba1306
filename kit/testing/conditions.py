"""Waits for conditions with a deadline, instead of sleeping."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar, overload

T = TypeVar("T")
_PAUSE_SECONDS = 0.02


class TimedOut(AssertionError):
    """A condition did not become true before its deadline."""


@overload
async def eventually(probe: Callable[[], Awaitable[T]], *, seconds: float = 10) -> T: ...
@overload
async def eventually(probe: Callable[[], T], *, seconds: float = 10) -> T: ...
async def eventually(probe: Callable[[], Awaitable[T] | T], *, seconds: float = 10) -> T:
    """Calls `probe` until it returns a true value without an AssertionError, and returns that; raises TimedOut after `seconds`."""
    end = time.monotonic() + seconds
    last: object = None
    while True:
        try:
            result = probe()
            value: T = await result if inspect.isawaitable(result) else result
            if value:
                return value
            last = value
        except AssertionError as error:
            last = error
        if time.monotonic() > end:
            raise TimedOut(f"not within {seconds} s; last seen: {last!r}")
        await asyncio.sleep(_PAUSE_SECONDS)


def wait_until(probe: Callable[[], object], what: str, *, seconds: float = 30) -> None:
    """Synchronous variant: returns once `probe` returns a true value; raises TimedOut with `what`."""
    end = time.monotonic() + seconds
    while not probe():
        if time.monotonic() > end:
            raise TimedOut(f"{what} not within {seconds} s")
        time.sleep(_PAUSE_SECONDS)
