"""Collects the plans of statements: stores run as usual, and auto_explain reports EXPLAIN (ANALYZE, BUFFERS) of each statement.

No SQL is copied from the stores: the statements that they send are measured, with the plans that their connections use (ADR 0012).
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from kit.db import Database
from kit.db.errors import is_disconnected

_SETTINGS = {
    "session_preload_libraries": "auto_explain",
    "auto_explain.log_min_duration": "0",
    "auto_explain.log_analyze": "on",
    "auto_explain.log_buffers": "on",
    "auto_explain.log_timing": "off",
    "auto_explain.log_format": "json",
    "auto_explain.log_level": "notice",
}
# Small tables may be scanned: PostgreSQL's own, which asyncpg reads types from, and tables with at most this many rows.
_FEW_ROWS = 2_000


@dataclass(frozen=True, slots=True)
class Plan:
    """One statement that ran."""

    milliseconds: float
    root: dict[str, Any]

    @property
    def pages(self) -> int:
        """Pages of 8 KiB that it read."""
        return int(self.root["Shared Hit Blocks"] + self.root["Shared Read Blocks"])

    @property
    def scans(self) -> list[str]:
        """Tables, other than small ones, that it scanned sequentially."""
        return [
            node["Relation Name"]
            for node in _nodes(self.root)
            if node["Node Type"] == "Seq Scan"
            and _rows_read(node) > _FEW_ROWS
            and not node["Relation Name"].startswith("pg_")
        ]

    @property
    def rows_read(self) -> int:
        """Rows that scans read, including those that a filter removed."""
        return sum(_rows_read(node) for node in _nodes(self.root) if "Relation Name" in node)


@dataclass(slots=True)
class Plans:
    """Collects the plans of the statements of a database."""

    collected: list[Plan] = field(default_factory=list)

    def take(self) -> list[Plan]:
        """The plans since the last call."""
        collected, self.collected = self.collected, []
        return collected

    def notice(self, _: object, message: Any) -> None:
        """Receives a message of the server from asyncpg."""
        head, separator, plan = message.message.partition("plan:\n")
        if separator:
            self.collected.append(Plan(float(head.split()[1]), json.loads(plan)["Plan"]))


class ExplainedDatabase(Database):
    """A database of a service, whose statements report their plans."""

    def __init__(self, url: str, **options: Any) -> None:
        super().__init__(url, **options)
        self.plans = Plans()
        # Nested statements include foreign key checks, one per row: reporting them takes longer than running them.
        self.reports_nested = True

    async def acquire(self) -> Any:
        """A connection that reports plans."""
        connection = await super().acquire()
        nested = "on" if self.reports_nested else "off"
        await connection.execute(f"SET auto_explain.log_nested_statements = {nested}")
        connection.add_log_listener(self.plans.notice)
        return connection

    async def release(self, connection: Any) -> None:
        """Returns it to the pool."""
        if not is_disconnected(connection):
            connection.remove_log_listener(self.plans.notice)
        await super().release(connection)


async def explain(url: str) -> None:
    """Makes all later sessions of a database report their plans to the client."""
    connection = await asyncpg.connect(url)
    try:
        name = await connection.fetchval("SELECT quote_ident(current_database())")
        for key, value in _SETTINGS.items():
            await connection.execute(f"ALTER DATABASE {name} SET {key} = '{value}'")
    finally:
        await connection.close()


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from _nodes(child)


def _rows_read(node: dict[str, Any]) -> int:
    removed = sum(node.get(f"Rows Removed by {why}", 0) for why in ("Filter", "Index Recheck"))
    return int((node["Actual Rows"] + removed) * node["Actual Loops"])
