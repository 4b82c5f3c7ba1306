"""Group commit: calls that arrive while a batch is in flight share the next batch; no call waits for others to arrive."""

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

    `run_many` returns one result per item, in order; an exception among them is raised to that item's caller only. If `run_many` itself
    fails, the items are retried one by one, so that one caller's error does not affect the others. Contention splits the batch in halves,
    down to the item that causes it. Any other transient error (an outage) is raised to all callers.
    """

    def __init__(
        self, run_many: Callable[[Sequence[T]], Awaitable[Sequence[R | BaseException]]], *, limit: int = 64
    ) -> None:
        self._run_many = run_many
        self._limit = limit
        self._waiting: list[_Entry[T, R]] = []
        self._drain_task: asyncio.Task[None] | None = None

    async def run(self, item: T) -> R:
        """The item's result, after its batch has run."""
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Entry(item, future, deadline.get()))
        if self._drain_task is None:
            # A fresh context: a batch must not run with one caller's principal or transaction.
            self._drain_task = asyncio.create_task(self._drain(), context=Context())
        return await future

    async def _drain(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[: self._limit], self._waiting[self._limit :]
                # Skip cancelled callers.
                await self._run_batch([entry for entry in batch if not entry.future.done()])
        finally:
            # Reset before the task ends, so that a new caller starts its own drain.
            self._drain_task = None

    async def _run_batch(self, batch: Sequence[_Entry[T, R]]) -> None:
        if not batch:
            return
        deadline.set(_latest_deadline([entry.deadline for entry in batch]))
        try:
            results = await self._call([entry.item for entry in batch])
        except Exception as error:  # Raised to the callers that it concerns.
            if parts := _parts(batch, error):
                for part in parts:
                    await self._run_batch([entry for entry in part if not entry.future.done()])
                return
            # An outage concerns all callers; retrying each item would only take longer.
            results = [error] * len(batch)
        for entry, result in zip(batch, results, strict=True):
            if entry.future.done():
                continue
            if isinstance(result, BaseException):
                entry.future.set_exception(result)
            else:
                entry.future.set_result(result)

    async def _call(self, items: Sequence[T]) -> Sequence[R | BaseException]:
        try:
            results = await self._run_many(items)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            # Something inside was cancelled; without an error the callers would wait forever.
            raise RuntimeError("the batch was cancelled from within") from error
        if len(results) != len(items):
            raise RuntimeError(f"{len(results)} results for {len(items)} items")
        return results


def _parts(batch: Sequence[_Entry[T, R]], error: Exception) -> list[Sequence[_Entry[T, R]]]:
    """The parts to run again after the batch failed; empty when the error goes to all callers."""
    if len(batch) == 1:
        return []
    if isinstance(error, Contention):
        middle = len(batch) // 2
        return [batch[:middle], batch[middle:]]
    return [] if is_transient(error) else [[entry] for entry in batch]


def _latest_deadline(deadlines: Sequence[float | None]) -> float | None:
    """The latest deadline of the batch; None when a caller has none."""
    given = [deadline for deadline in deadlines if deadline is not None]
    return max(given) if len(given) == len(deadlines) else None
