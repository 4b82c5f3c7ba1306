"""The order service's tables as Piccolo classes; a test compares them with the migrated schema."""

from piccolo.columns import JSONB, UUID, BigInt, Bytea, Integer, Text, Timestamptz

from kit.db import Table


class OrderRow(Table, tablename="orders"):
    """An order without its lines and history."""

    id = UUID(primary_key=True)
    number = BigInt()
    account_id = UUID()
    caller_id = UUID()
    request_id = Text()
    input_hash = Bytea()
    currency = Text()
    total = BigInt()
    refunded = BigInt()
    status = Text()
    cancel_reason = Text(null=True, default=None)
    status_reason = Text()
    shipping_address = JSONB(null=True, default=None)
    version = Integer()
    deadline = Timestamptz()
    create_time = Timestamptz()
    update_time = Timestamptz()


class OrderLineRow(Table, tablename="order_lines"):
    """One product of an order; `position` counts from 0."""

    order_id = UUID(primary_key=True)
    position = Integer()
    product_id = UUID()
    name = Text()
    unit_price = BigInt()
    quantity = Integer()


class OrderStatusChangeRow(Table, tablename="order_status_changes"):
    """One entry of an order's history; `position` counts from 0."""

    order_id = UUID(primary_key=True)
    position = Integer()
    status = Text()
    time = Timestamptz()
    note = Text()
    internal_note = Text()


class ClosedAccountRow(Table, tablename="closed_accounts"):
    """A deleted account."""

    account_id = UUID(primary_key=True)
    close_time = Timestamptz()


TABLES = (OrderRow, OrderLineRow, OrderStatusChangeRow, ClosedAccountRow)
