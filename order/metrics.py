"""What the business counts."""

from prometheus_client import Counter

ORDERS = Counter(
    "souk_order_orders_total",
    "Orders by what happened to them: placed, confirmed, shipped, delivered, refunded, or cancelled with the reason",
    ("outcome",),
)
REVENUE = Counter(
    "souk_order_revenue_minor_total",
    "Totals of confirmed orders, in the currency's minor unit",
    ("currency",),
)
REFUSALS = Counter("souk_order_refusals_total", "Orders not taken, by the error's reason", ("reason",))
