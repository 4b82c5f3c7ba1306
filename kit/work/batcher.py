"""Group commit: calls that arrive while a batch is in flight go together into the next one; nobody waits for company."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from dataclasses import dataclass
from typing import Generic, TypeVar

from kit.errors import Contention, is_transient
from kit.values.deadline import deadline

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class _Entry(Generic[T, R]):
    item: T
    future: asyncio.Future[R]
    deadline: float | None


class Batcher(Generic[T, R]):
    """Turns `run_many(items) -> results` into `run(item) -> result`.

    `run_many` answers one result an item, in order; an exception among them is raised to that item's caller alone. When
    `run_many` itself fails, each item is run by itself, so that one caller's fault is not the others'. Contention splits the
    batch in halves, down to the item that meets it. Any other transient failure (an outage) is raised to all of them.
    """

    def __init__(
        self, run_many: Callable[[Sequence[T]], Awaitable[Sequence[R | BaseException]]], *, limit: int = 64
    ) -> None:
        self._run_many = run_many
        self._limit = limit
        self._waiting: list[_Entry[T, R]] = []
        self._draining: asyncio.Task[None] | None = None

    async def run(self, item: T) -> R:
        """The item's result, once the batch that it went with is done."""
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Entry(item, future, deadline.get()))
        if self._draining is None:
            # A batch is shared: no caller's principal or transaction holds for the others in it.
            self._draining = asyncio.create_task(self._drain(), context=Context())
        return await future

    async def _drain(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[: self._limit], self._waiting[self._limit :]
                # whoever gave up meanwhile is not worked for
                await self._answer([entry for entry in batch if not entry.future.done()])
        finally:
            # here, not when the task is seen to have ended: who comes in between must find nobody draining
            self._draining = None

    async def _answer(self, batch: Sequence[_Entry[T, R]]) -> None:
        if not batch:
            return
        deadline.set(_latest([entry.deadline for entry in batch]))
        try:
            results = await self._all([entry.item for entry in batch])
        except Exception as error:  # it is raised to the caller it belongs to
            if parts := _parts(batch, error):
                for part in parts:
                    await self._answer([entry for entry in part if not entry.future.done()])
                return
            # An outage is everybody's: asking again for each would only take them longer.
            results = [error] * len(batch)
        for entry, result in zip(batch, results, strict=True):
            if entry.future.done():
                continue
            if isinstance(result, BaseException):
                entry.future.set_exception(result)
            else:
                entry.future.set_result(result)

    async def _all(self, items: Sequence[T]) -> Sequence[R | BaseException]:
        try:
            results = await self._run_many(items)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            # Something inside was cancelled; the callers would wait in vain.
            raise RuntimeError("the batch was cancelled from within") from error
        if len(results) != len(items):
            raise RuntimeError(f"{len(results)} results of {len(items)} items")
        return results


def _parts(batch: Sequence[_Entry[T, R]], error: Exception) -> list[Sequence[_Entry[T, R]]]:
    """What to run again by itself after the batch failed; empty when the error is the answer."""
    if len(batch) == 1:
        return []
    if isinstance(error, Contention):
        middle = len(batch) // 2
        return [batch[:middle], batch[middle:]]
    return [] if is_transient(error) else [[entry] for entry in batch]


def _latest(deadlines: Sequence[float | None]) -> float | None:
    """When nobody waits for the batch any more; None when somebody waits without a deadline."""
    known = [each for each in deadlines if each is not None]
    return max(known) if len(known) == len(deadlines) else None
