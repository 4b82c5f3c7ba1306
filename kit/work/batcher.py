"""Group commit: calls that arrive while a batch is in flight go together into the next one; nobody waits for company."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from typing import Generic, TypeVar

from kit.errors import is_transient

T = TypeVar("T")
R = TypeVar("R")


class Batcher(Generic[T, R]):
    """Turns `run_many(items) -> results` into `run(item) -> result`.

    `run_many` answers one result an item, in order; an exception among them is raised to that item's caller alone. When
    `run_many` itself fails, each item is run by itself, so that one caller's fault is not the others'; unless the failure is
    a passing one (an outage), which all of them get.
    """

    def __init__(
        self, run_many: Callable[[Sequence[T]], Awaitable[Sequence[R | BaseException]]], *, limit: int = 64
    ) -> None:
        self._run_many = run_many
        self._limit = limit
        self._waiting: list[tuple[T, asyncio.Future[R]]] = []
        self._draining: asyncio.Task[None] | None = None

    async def run(self, item: T) -> R:
        """The item's result, once the batch that it went with is done."""
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._draining is None:
            # A batch is nobody's own: no caller's deadline, principal or transaction holds for the others in it.
            self._draining = asyncio.create_task(self._drain(), context=Context())
        return await future

    async def _drain(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[: self._limit], self._waiting[self._limit :]
                # whoever gave up meanwhile is not worked for
                await self._answer([(item, future) for item, future in batch if not future.done()])
        finally:
            # here, not when the task is seen to have ended: who comes in between must find nobody draining
            self._draining = None

    async def _answer(self, batch: Sequence[tuple[T, asyncio.Future[R]]]) -> None:
        if not batch:
            return
        try:
            results = await self._run_many([item for item, _ in batch])
        except Exception as error:  # it is raised to the caller it belongs to
            if len(batch) > 1 and not is_transient(error):
                for entry in batch:
                    await self._answer([entry])
                return
            # An outage is everybody's: asking again for each would only take them longer.
            results = [error] * len(batch)
        for (_, future), result in zip(batch, results, strict=True):
            if future.done():
                continue
            if isinstance(result, BaseException):
                future.set_exception(result)
            else:
                future.set_result(result)
