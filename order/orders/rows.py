"""Order rows -> domain. A row is selected with ORDER_COLUMNS: the order with its lines and its history."""

from collections.abc import Sequence

from kit.db import Record, Statements
from kit.values import Money
from order.addresses.rows import address_from_json
from order.lines.rows import LINE_COLUMNS, amounts_from_row, lines_from_row
from order.orders.domain import CancelReason, Order, Status, StatusChange

_HISTORY = """
    ARRAY(SELECT (status, time, note, internal_note) FROM order_status_changes WHERE order_id = o.id ORDER BY position) AS history
"""
ORDER_COLUMNS = "SELECT o.*, order_number(o.number, o.id) AS order_number," + LINE_COLUMNS + "," + _HISTORY
SELECT_ORDERS = ORDER_COLUMNS + "FROM orders o\n"


async def read_orders(db: Statements, ids: Sequence[Record]) -> list[Order]:
    """The orders of rows that have an `id`."""
    rows = await db.fetch(SELECT_ORDERS + "WHERE o.id = ANY($1)", [row["id"] for row in ids])
    return [order_from_row(row) for row in rows]


def order_from_row(row: Record) -> Order:
    """An order of a row that was selected with ORDER_COLUMNS."""
    currency = row["currency"]
    return Order(
        id=row["id"],
        number=row["order_number"],
        account_id=row["account_id"],
        lines=lines_from_row(row),
        total=Money(row["total"], currency),
        refunded=Money(row["refunded"], currency),
        status=Status(row["status"]),
        cancel_reason=CancelReason(row["cancel_reason"]) if row["cancel_reason"] else None,
        status_reason=row["status_reason"],
        history=tuple(
            StatusChange(Status(status), time, note, internal)
            for status, time, note, internal in row["history"]
        ),
        shipping_address=address_from_json(row["shipping_address"]),
        version=row["version"],
        deadline=row["deadline"],
        create_time=row["create_time"],
        update_time=row["update_time"],
        cart_id=row["cart_id"],
        amounts=amounts_from_row(row),
        billing_address=address_from_json(row["billing_address"]),
        placed_by_guest=row["guest_network"] is not None,
        note=row["note"] or "",
    )
