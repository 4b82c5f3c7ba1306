"""The order service's tables as Piccolo classes; a test compares them with the migrated schema."""

from piccolo.columns import JSONB, UUID, BigInt, Boolean, Bytea, Integer, Text, Timestamptz

from kit.db import Table
from kit.guests import MergedAccountRow


class OrderRow(Table, tablename="orders"):
    """An order without its lines and history."""

    id = UUID(primary_key=True)
    number = BigInt(null=True)
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
    guest_network = Text(null=True, default=None)
    cart_id = UUID(null=True, default=None)
    subtotal = BigInt(null=True, default=None)
    discount = BigInt()
    tax = BigInt()
    tax_included = Boolean()
    shipping = JSONB(null=True, default=None)
    shipping_total = BigInt()
    shipping_required = Boolean()
    billing_address = JSONB(null=True, default=None)
    note = Text(null=True, default=None)


class OrderLineRow(Table, tablename="order_lines"):
    """One line of an order; `position` counts from 0. `product_id` is the variant's id, `parent_product_id` its product's."""

    order_id = UUID(primary_key=True)
    position = Integer()
    product_id = UUID()
    name = Text()
    unit_price = BigInt()
    quantity = Integer()
    discount = BigInt()
    tax = BigInt()
    total = BigInt(null=True, default=None)
    parent_product_id = UUID(null=True, default=None)
    sku = Text(null=True, default=None)
    options = JSONB(null=True, default=None)


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


class OrderTaxRow(Table, tablename="order_taxes"):
    """The tax of one rate on one line; a `position` of -1 is shipping."""

    order_id = UUID(primary_key=True)
    position = Integer()
    number = Integer()
    name = Text()
    country = Text()
    region = Text()
    ppm = Integer()
    taxable = BigInt()
    amount = BigInt()
    reason = Text()


class OrderDiscountRow(Table, tablename="order_discounts"):
    """What one discount took from one line; a `position` of -1 is shipping."""

    order_id = UUID(primary_key=True)
    position = Integer()
    number = Integer()
    promotion_id = UUID(null=True, default=None)
    code = Text()
    name = Text()
    amount = BigInt()


class PricingStateRow(Table, tablename="pricing_state"):
    """One row: the revision of the rules, and the settings of the shop, null before its first process wrote them."""

    id = Boolean(primary_key=True)
    revision = BigInt()
    prices_include_tax = Boolean(null=True, default=None)
    tax_rounding = Text(null=True, default=None)
    tax_level = Text(null=True, default=None)
    home_country = Text(null=True, default=None)


class TaxCountryRow(Table, tablename="tax_countries"):
    """A country with tax rules; `treatment` is null where it is that of the shop."""

    country = Text(primary_key=True)
    treatment = Text(null=True, default=None)
    version = Integer()


class TaxRateRow(Table, tablename="tax_rates"):
    """A tax rate in millionths."""

    id = UUID(primary_key=True)
    country = Text()
    position = Integer()
    region = Text()
    postal_prefix = Text()
    tax_class = Text(db_column_name="class")
    name = Text()
    ppm = Integer()
    combine = Text()
    reason = Text()
    valid_from = Timestamptz(null=True, default=None)
    valid_until = Timestamptz(null=True, default=None)


class ShippingZoneRow(Table, tablename="shipping_zones"):
    """A zone without its places and methods."""

    id = UUID(primary_key=True)
    name = Text()
    version = Integer()


class ZonePlaceRow(Table, tablename="zone_places"):
    """A place of a zone."""

    zone_id = UUID(primary_key=True)
    position = Integer()
    country = Text()
    region = Text()
    postal_prefix = Text()


class ShippingMethodRow(Table, tablename="shipping_methods"):
    """A method of a zone."""

    id = UUID(primary_key=True)
    zone_id = UUID()
    position = Integer()
    name = Text()
    kind = Text()
    tax_class = Text()
    min_days = Integer(null=True, default=None)
    max_days = Integer(null=True, default=None)


class ShippingRateRow(Table, tablename="shipping_rates"):
    """A band of a method."""

    method_id = UUID(primary_key=True)
    position = Integer()
    currency = Text()
    measure = Text()
    basis = Text()
    band_start = BigInt()
    band_end = BigInt(null=True, default=None)
    price = BigInt()


class FailedGuestPaymentRow(Table, tablename="failed_guest_payments"):
    """A guest's order whose payment failed, or that the guest cancelled unpaid, within the last hour; `guest_network` is a digest."""

    order_id = UUID(primary_key=True)
    guest_network = Text()
    fail_time = Timestamptz()


TABLES = (
    OrderRow,
    OrderLineRow,
    OrderStatusChangeRow,
    ClosedAccountRow,
    CartRow,
    CartLineRow,
    CartRequestRow,
    OrderTaxRow,
    OrderDiscountRow,
    PricingStateRow,
    TaxCountryRow,
    TaxRateRow,
    ShippingZoneRow,
    ZonePlaceRow,
    ShippingMethodRow,
    ShippingRateRow,
    MergedAccountRow,
    FailedGuestPaymentRow,
)
