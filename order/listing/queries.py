"""The SQL of order lists: the newest orders that match a filter, and their number.

Each filter has an index in list order (orders_newest, orders_of_account, orders_of_status, orders_of_account_and_status; orders_number), so
a query reads only the rows of its page. Statuses are part of the SQL text, because the best index depends on how rare they are (ADR 0012).
Several statuses are one subquery each, merged, because no index holds them together in list order.
"""

from typing import Any

from kit.db import WhereClause, bounded_count
from kit.values import MAX_COUNT, Position
from order.listing.ports import OrderFilter
from order.orders.domain import Status

_NEWEST_FIRST = "o.create_time DESC, o.id DESC"
_BY_STATUS = f"o.status, {_NEWEST_FIRST}"


def newest_orders(
    filter: OrderFilter, after: Position | None, limit: int, *, account: str | None = None
) -> tuple[str, list[Any]]:
    """A SELECT of orders and its arguments; `account` is a column of the enclosing statement that orders must match."""
    query = _conditions(filter, after, account)
    merged = _merged(filter, query, "*", limit)
    return f"SELECT * FROM ({merged}) o ORDER BY {_NEWEST_FIRST} LIMIT {limit:d}", query.args  # noqa: S608 - built from constants


def count_orders(filter: OrderFilter, *, account: str | None = None) -> tuple[str, list[Any]]:
    """A SELECT of the number of orders, at most MAX_COUNT + 1, and its arguments."""
    query = _conditions(filter, None, account)
    merged = _merged(filter, query, "o.id", MAX_COUNT + 1)
    return bounded_count(f"SELECT FROM ({merged}) o"), query.args


def _merged(filter: OrderFilter, query: WhereClause, columns: str, limit: int) -> str:
    """Up to `limit` orders of each status, or of all."""
    where = query.sql or "WHERE true"
    statuses = None if filter.statuses is None else sorted(set(filter.statuses))
    if statuses is None or len(statuses) == len(Status):
        return _select(columns, where, _NEWEST_FIRST, limit)
    bounded = "create_time" in where
    selects = [
        # Statuses are enum values, so they are safe to inline.
        _select(columns, f"{where} AND o.status = '{status.value}'", _NEWEST_FIRST, limit)
        if bounded
        else _select(columns, _only(where, status), _BY_STATUS, limit)
        for status in statuses
    ]
    # Without statuses the conditions stay, because the arguments belong to them.
    return " UNION ALL ".join(selects or [_select(columns, f"{where} AND false", _NEWEST_FIRST, limit)])


def _only(where: str, status: Status) -> str:
    """Equality, written as a range: then only an index that begins with the status has the order.

    With an equality PostgreSQL may prefer orders_newest for a common status, and skip all newer orders that have another one.
    """
    return f"{where} AND o.status >= '{status.value}' AND o.status <= '{status.value}'"


def _select(columns: str, where: str, order: str, limit: int) -> str:
    return f"(SELECT {columns} FROM orders o {where} ORDER BY {order} LIMIT {limit:d})"  # noqa: S608 - built from constants


def _conditions(filter: OrderFilter, after: Position | None, account: str | None) -> WhereClause:
    query = WhereClause()
    if account is not None:
        query.add(f"o.account_id = {account}")
    if filter.account_id is not None:
        query.add("o.account_id = {}", filter.account_id)
    if filter.number is not None:
        query.add("order_number(o.number, o.id) = {}", filter.number)
    if filter.created_after is not None:
        query.add("o.create_time >= {}", filter.created_after)
    # Only the tighter upper bound: with both, PostgreSQL may start its index scan at the looser one.
    before = filter.created_before
    if after is not None and (before is None or after[0] < before):
        query.add("(o.create_time, o.id) < ({}, {})", *after)
    elif before is not None:
        query.add("o.create_time < {}", before)
    return query
