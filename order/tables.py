"""The order service's tables as Piccolo classes; a test compares them with the migrated schema."""

from piccolo.columns import JSONB, UUID, BigInt, Boolean, Bytea, Integer, Text, Timestamptz

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
    cart_id = UUID(null=True, default=None)


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


class CartRow(Table, tablename="carts"):
    """A cart without its lines."""

    id = UUID(primary_key=True)
    account_id = UUID()
    state = Text()
    currency = Text()
    version = Integer()
    has_contact = Boolean()
    shipping_address = JSONB(null=True, default=None)
    billing_address = JSONB(null=True, default=None)
    shipping_method_id = UUID(null=True, default=None)
    note = Text()
    order_id = UUID(null=True, default=None)
    merged_into = UUID(null=True, default=None)
    create_time = Timestamptz()
    update_time = Timestamptz()
    expire_time = Timestamptz()


class CartLineRow(Table, tablename="cart_lines"):
    """A variant in a cart; `seen_price` is in minor units of the cart's currency."""

    cart_id = UUID(primary_key=True)
    variant_id = UUID()
    id = UUID()
    quantity = Integer()
    seen_price = BigInt()
    create_time = Timestamptz()


class CartRequestRow(Table, tablename="cart_requests"):
    """The idempotency key of an addition to a cart."""

    account_id = UUID(primary_key=True)
    request_id = Text()
    input_hash = Bytea()
    create_time = Timestamptz()


TABLES = (
    OrderRow,
    OrderLineRow,
    OrderStatusChangeRow,
    ClosedAccountRow,
    CartRow,
    CartLineRow,
    CartRequestRow,
)
