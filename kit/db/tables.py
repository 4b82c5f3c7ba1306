"""Piccolo, reduced to what Souk asks of it: declared columns and cold queries.

Its engine here has no connection, pool or transaction of its own: a query runs through `Database.run` or
`Transaction.run`, nowhere else. Piccolo's migrations are not used (`kit.db.Migrations` is).
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NoReturn

from piccolo.engine.base import Engine
from piccolo.querystring import QueryString
from piccolo.table import Table as PiccoloTable

if TYPE_CHECKING:
    from kit.db.statements import Statements

executor: ContextVar[Statements | None] = ContextVar("souk_executor", default=None)


class _SoukEngine(Engine[Any]):
    """Hands Piccolo's SQL to whoever `run` was called on."""

    def __init__(self) -> None:
        # The base class would connect here to ask the server's version.
        self.engine_type = "postgres"
        self.log_queries = self.log_responses = False
        self.query_id = 0
        self.current_transaction = ContextVar("souk_piccolo_transaction", default=None)

    async def run_querystring(self, querystring: QueryString, in_pool: bool = True) -> list[Any]:
        runs = executor.get()
        if runs is None:
            raise RuntimeError("run Piccolo queries through Database.run or Transaction.run")
        sql, args = querystring.compile_string(engine_type="postgres")
        return await runs.fetch(sql, *args)

    def transform_response_to_dicts(self, results: Any) -> list[dict[str, Any]]:
        return [dict(row) for row in results]

    async def get_version(self) -> float:
        self._refuse()

    def get_version_sync(self) -> float:
        self._refuse()

    async def prep_database(self) -> None:
        self._refuse()

    async def batch(self, query: Any, batch_size: int = 100, node: str | None = None) -> NoReturn:
        self._refuse()

    async def run_ddl(self, ddl: str, in_pool: bool = True) -> NoReturn:
        self._refuse()

    def transaction(self, *args: Any, **kwargs: Any) -> NoReturn:
        self._refuse()

    def atomic(self) -> NoReturn:
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise RuntimeError("Piccolo only declares tables and builds queries here; see kit.db")


_ENGINE = _SoukEngine()


class Table(PiccoloTable):
    """The base of every table: `class OrderRow(Table, tablename="orders")`."""

    def __init_subclass__(cls, tablename: str | None = None, **options: Any) -> None:
        super().__init_subclass__(tablename=tablename, db=_ENGINE, **options)


# Piccolo gives every class without a primary key one named `id`, and subclasses would inherit the base's.
delattr(Table, "id")
