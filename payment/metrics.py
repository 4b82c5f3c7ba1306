"""What the business counts."""

from prometheus_client import Counter

PAYMENTS = Counter(
    "souk_payment_payments_total",
    "Payments by outcome: succeeded, cancelled, put_off (the provider was away), or the failure's code.",
    ("outcome",),
)
REFUNDS = Counter("souk_payment_refunds_total", "Refunds by outcome: succeeded, put_off.", ("outcome",))
WEBHOOKS = Counter(
    "souk_payment_webhooks_total", "Webhooks by what they were: ours, other, refused.", ("outcome",)
)
