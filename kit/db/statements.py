"""asyncpg's statement methods and Piccolo's queries, the same on a database and a transaction."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any

import asyncpg

from kit.db.errors import StatementDeadlineExceeded, translate
from kit.db.metrics import STATEMENT_SECONDS
from kit.db.tables import executor
from kit.telemetry import client_span
from kit.values.deadline import remaining


class Statements(ABC):
    """Runs SQL with `$1` parameters within the caller's deadline; raises `kit.errors` (see `kit.db.errors`)."""

    __slots__ = ()

    async def fetch(self, sql: str, *args: Any) -> list[asyncpg.Record]:
        """All rows."""
        rows: list[asyncpg.Record] = await self._statement("fetch", sql, args)
        return rows

    async def fetchrow(self, sql: str, *args: Any) -> asyncpg.Record | None:
        """The first row, or None."""
        row: asyncpg.Record | None = await self._statement("fetchrow", sql, args)
        return row

    async def fetchval(self, sql: str, *args: Any) -> Any:
        """The first column of the first row, or None."""
        return await self._statement("fetchval", sql, args)

    async def execute(self, sql: str, *args: Any) -> str:
        """The command tag, such as `UPDATE 3`."""
        status: str = await self._statement("execute", sql, args)
        return status

    async def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Runs the statement once per row; for cold paths. Hot paths use `unnest`."""
        await self._statement("executemany", sql, (list(rows),))

    async def run(self, query: Any) -> Any:
        """The result of a Piccolo query on tables derived from `kit.db.Table`."""
        token = executor.set(self)
        try:
            return await query.run()
        finally:
            executor.reset(token)

    @abstractmethod
    async def _statement(self, method: str, sql: str, args: tuple[Any, ...]) -> Any:
        """Runs one statement on this object's connection."""

    @staticmethod
    async def _perform(connection: Any, method: str, sql: str, args: tuple[Any, ...]) -> Any:
        seconds = remaining()
        if seconds is not None and seconds <= 0:
            raise StatementDeadlineExceeded("the deadline passed")
        started = time.perf_counter()
        try:
            with client_span("postgresql", sql):
                return await getattr(connection, method)(sql, *args, timeout=seconds)
        except Exception as error:
            translated = translate(error, connection, has_deadline=seconds is not None)
            if translated is error:
                raise
            raise translated from error
        finally:
            STATEMENT_SECONDS.observe(time.perf_counter() - started)
