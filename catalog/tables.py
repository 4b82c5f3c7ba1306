"""The catalog's tables, as Piccolo declares them; a test compares them with the migrated schema. No behaviour."""

from piccolo.columns import UUID, Array, BigInt, Boolean, Bytea, Integer, Text, Timestamptz

from kit.db import Table


class CategoryRow(Table, tablename="categories"):
    """A category."""

    id = UUID(primary_key=True)
    slug = Text()
    name = Text()


class ProductRow(Table, tablename="products"):
    """A product; deleted ones stay."""

    id = UUID(primary_key=True)
    name = Text()
    description = Text()
    price = BigInt()
    currency = Text()
    sku = Text(null=True, default=None)
    category_id = UUID(null=True, default=None)
    image_urls = Array(base_column=Text())
    version = Integer()
    create_time = Timestamptz()
    update_time = Timestamptz()
    delete_time = Timestamptz(null=True, default=None)
    sku_shared = Boolean(default=False)


class StockRow(Table, tablename="stock"):
    """What can be sold now of a tracked product."""

    product_id = UUID(primary_key=True)
    free = BigInt()


class StockAdjustmentRow(Table, tablename="stock_adjustments"):
    """Why free stock was changed by hand."""

    id = UUID(primary_key=True)
    product_id = UUID()
    action = Text()
    delta = BigInt()
    reason = Text()
    actor_id = UUID(null=True, default=None)
    input_hash = Bytea()
    create_time = Timestamptz()


class ReservationRow(Table, tablename="reservations"):
    """What an order holds."""

    order_id = UUID(primary_key=True)
    state = Text()
    input_hash = Bytea()
    currency = Text()
    create_time = Timestamptz()
    update_time = Timestamptz()
    expire_time = Timestamptz()


class ReservationLineRow(Table, tablename="reservation_lines"):
    """One product of a reservation."""

    order_id = UUID(primary_key=True)
    position = Integer()
    product_id = UUID()
    name = Text()
    unit_price = BigInt()
    quantity = BigInt()
    taken = BigInt()


class AvailabilityChangeRow(Table, tablename="availability_changes"):
    """A product that ran out or came back."""

    id = BigInt(primary_key=True)
    product_id = UUID()


class AvailabilityToldRow(Table, tablename="availability_told"):
    """When a product's availability was told last."""

    product_id = UUID(primary_key=True)
    told_time = Timestamptz()


TABLES = (
    CategoryRow,
    ProductRow,
    StockRow,
    StockAdjustmentRow,
    ReservationRow,
    ReservationLineRow,
    AvailabilityChangeRow,
    AvailabilityToldRow,
)
