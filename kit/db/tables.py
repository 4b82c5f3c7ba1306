"""Piccolo, used only for declared columns and cold queries.

Its engine here has no connections, pool or transactions: queries run through `Database.run` or `Transaction.run`. Instead of Piccolo's
migrations there is `kit.db.Migrations`.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any, NoReturn, Protocol

from piccolo.engine.base import Engine
from piccolo.querystring import QueryString
from piccolo.table import Table as PiccoloTable


class QueryExecutor(Protocol):
    """Runs the SQL of a Piccolo query: a `Database` or a `Transaction`."""

    async def fetch(self, sql: str, *args: Any) -> list[Any]:
        """All rows."""
        ...


executor: ContextVar[QueryExecutor | None] = ContextVar("souk_executor", default=None)


class _SoukEngine(Engine[Any]):
    """Passes Piccolo's SQL to the object whose `run` was called."""

    def __init__(self) -> None:
        # Does not call the base class, which would connect to query the server's version.
        self.engine_type = "postgres"
        self.log_queries = self.log_responses = False
        self.query_id = 0
        self.current_transaction = ContextVar("souk_piccolo_transaction", default=None)

    async def run_querystring(self, querystring: QueryString, in_pool: bool = True) -> list[Any]:
        current = executor.get()
        if current is None:
            raise RuntimeError("run Piccolo queries through Database.run or Transaction.run")
        sql, args = querystring.compile_string(engine_type="postgres")
        return await current.fetch(sql, *args)

    def transform_response_to_dicts(self, results: Any) -> list[dict[str, Any]]:
        return [dict(row) for row in results]

    async def get_version(self) -> float:
        self._unsupported()

    def get_version_sync(self) -> float:
        self._unsupported()

    async def prep_database(self) -> None:
        self._unsupported()

    async def batch(self, query: Any, batch_size: int = 100, node: str | None = None) -> NoReturn:
        self._unsupported()

    async def run_ddl(self, ddl: str, in_pool: bool = True) -> NoReturn:
        self._unsupported()

    def transaction(self, *args: Any, **kwargs: Any) -> NoReturn:
        self._unsupported()

    def atomic(self) -> NoReturn:
        self._unsupported()

    def _unsupported(self) -> NoReturn:
        raise RuntimeError("Piccolo is used only to declare tables and build queries; see kit.db")


_ENGINE = _SoukEngine()


class Table(PiccoloTable):
    """The base of every table: `class OrderRow(Table, tablename="orders")`."""

    def __init_subclass__(cls, tablename: str | None = None, **options: Any) -> None:
        super().__init_subclass__(tablename=tablename, db=_ENGINE, **options)


# Piccolo adds a primary key `id` to every class without one, and subclasses would inherit it.
delattr(Table, "id")
