"""Business metrics."""

from prometheus_client import Counter

from kit.telemetry import start_at_zero

ORDERS = Counter(
    "souk_order_orders_total",
    "Orders by outcome: placed, confirmed, shipped, delivered, refunded, or cancelled_ with the reason",
    ("outcome",),
)
REVENUE = Counter(
    "souk_order_revenue_minor_total",
    "Totals of confirmed orders, in the currency's minor unit",
    ("currency",),
)
REJECTIONS = Counter("souk_order_rejections_total", "Orders rejected, by the error's reason", ("reason",))
start_at_zero(ORDERS, "placed", "confirmed", "shipped", "delivered", "refunded")
start_at_zero(
    ORDERS, "cancelled_customer", "cancelled_admin", "cancelled_payment_failed", "cancelled_payment_timeout"
)
start_at_zero(ORDERS, "cancelled_reservation_expired", "cancelled_account_deleted")
start_at_zero(REJECTIONS, "OUT_OF_STOCK")
# Other currencies lose their first order of a process in rates.
start_at_zero(REVENUE, "USD")
