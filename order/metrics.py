"""Business metrics."""

from prometheus_client import Counter

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
