"""The SQL of lists of orders: the newest that match a filter, and how many do.

An index holds each filter's orders in the order of the list (orders_newest, orders_of_account, orders_of_status,
orders_of_account_and_status), so a page reads what it shows and no more. Statuses are part of the text, because which index is best
depends on how rare they are (ADR 0012); several are one list each, merged: no index has them together in this order.
"""

from typing import Any

from kit.db import WhereClause, bounded_count
from kit.values import MAX_COUNT, Position
from order.ports import OrderFilter

_ORDER = "o.create_time DESC, o.id DESC"


def newest_orders(
    which: OrderFilter, after: Position | None, limit: int, *, of: str | None = None
) -> tuple[str, list[Any]]:
    """A SELECT of orders and its arguments; `of`: only of the account in that column of the statement around it."""
    query = _conditions(which, after, of)
    merged = _merged(which, query, "*", limit)
    return f"SELECT * FROM ({merged}) o ORDER BY {_ORDER} LIMIT {limit:d}", query.args  # noqa: S608 - of constants


def count_orders(which: OrderFilter, *, of: str | None = None) -> tuple[str, list[Any]]:
    """A SELECT of the number of orders, MAX_COUNT + 1 when there are more than MAX_COUNT, and its arguments."""
    query = _conditions(which, None, of)
    merged = _merged(which, query, "o.id", MAX_COUNT + 1)
    return bounded_count(f"SELECT FROM ({merged}) o"), query.args


def _merged(which: OrderFilter, query: WhereClause, columns: str, limit: int) -> str:
    """So many of each status, or of all."""
    where = query.sql or "WHERE true"
    wheres = [where]
    if which.statuses is not None:
        # They are words of ours: an enumeration's. None of them: nothing; the other conditions stay, as the arguments are theirs.
        wheres = [f"{where} AND o.status = '{status.value}'" for status in sorted(set(which.statuses))]
    ends = f"ORDER BY {_ORDER} LIMIT {limit:d}"
    lists = [f"(SELECT {columns} FROM orders o {each} {ends})" for each in wheres or [f"{where} AND false"]]  # noqa: S608 - of constants
    return " UNION ALL ".join(lists)


def _conditions(which: OrderFilter, after: Position | None, of: str | None) -> WhereClause:
    query = WhereClause()
    if of is not None:
        query.add(f"o.account_id = {of}")
    if which.account_id is not None:
        query.add("o.account_id = {}", which.account_id)
    if which.created_after is not None:
        query.add("o.create_time >= {}", which.created_after)
    # Of two upper ends the nearer one implies the other, and with both PostgreSQL may begin at the farther one and read up to the nearer.
    before = which.created_before
    if after is not None and (before is None or after[0] < before):
        query.add("(o.create_time, o.id) < ({}, {})", *after)
    elif before is not None:
        query.add("o.create_time < {}", before)
    return query
