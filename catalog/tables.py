"""The catalog's tables as Piccolo classes, without behaviour. A test compares them with the migrations."""

from piccolo.columns import JSONB, UUID, Array, BigInt, Boolean, Bytea, Integer, Text, Timestamptz

from kit.db import Table


class CategoryRow(Table, tablename="categories"):
    """A category."""

    id = UUID(primary_key=True)
    slug = Text()
    name = Text()


class ProductRow(Table, tablename="products"):
    """A product. Deleted products keep their row."""

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
    options = JSONB()
    price_max = BigInt(null=True, default=None)
    tax_class = Text()


class VariantRow(Table, tablename="variants"):
    """A variant of a product. Deleted variants keep their row."""

    id = UUID(primary_key=True)
    product_id = UUID()
    position = Integer()
    option_values = Array(base_column=Text())
    option_key = Text()
    sku = Text(null=True, default=None)
    sku_shared = Boolean(default=False)
    price = BigInt()
    compare_at = BigInt(null=True, default=None)
    weight_grams = Integer()
    requires_shipping = Boolean()
    max_per_order = Integer(null=True, default=None)
    delete_time = Timestamptz(null=True, default=None)


class PriceChangeRow(Table, tablename="price_changes"):
    """A change of a variant's price; written by a trigger."""

    id = BigInt(primary_key=True)
    variant_id = UUID()
    old_price = BigInt()
    new_price = BigInt()
    time = Timestamptz()


class StockRow(Table, tablename="stock"):
    """Free stock of a tracked variant; `product_id` is the variant's id here and in all tables below."""

    product_id = UUID(primary_key=True)
    free = BigInt()


class StockAdjustmentRow(Table, tablename="stock_adjustments"):
    """A change of free stock outside reservations."""

    id = UUID(primary_key=True)
    product_id = UUID()
    action = Text()
    delta = BigInt()
    reason = Text()
    actor_id = UUID(null=True, default=None)
    input_hash = Bytea()
    create_time = Timestamptz()


class ReservationRow(Table, tablename="reservations"):
    """A reservation of an order."""

    order_id = UUID(primary_key=True)
    state = Text()
    input_hash = Bytea()
    currency = Text()
    create_time = Timestamptz()
    update_time = Timestamptz()
    expire_time = Timestamptz()


class ReservationLineRow(Table, tablename="reservation_lines"):
    """One line of a reservation."""

    order_id = UUID(primary_key=True)
    position = Integer()
    product_id = UUID()
    name = Text()
    unit_price = BigInt()
    quantity = BigInt()
    taken = BigInt()
    parent_product_id = UUID(null=True, default=None)
    sku = Text(null=True, default=None)
    options = JSONB(null=True, default=None)


class AvailabilityChangeRow(Table, tablename="availability_changes"):
    """A queued change of availability: the product sold out or is back in stock."""

    id = BigInt(primary_key=True)
    product_id = UUID()


class AvailabilityPublishedRow(Table, tablename="availability_told"):
    """When a product's availability was last published."""

    product_id = UUID(primary_key=True)
    told_time = Timestamptz()


TABLES = (
    CategoryRow,
    ProductRow,
    VariantRow,
    PriceChangeRow,
    StockRow,
    StockAdjustmentRow,
    ReservationRow,
    ReservationLineRow,
    AvailabilityChangeRow,
    AvailabilityPublishedRow,
)
