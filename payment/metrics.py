"""What the business counts."""

from prometheus_client import Counter, Gauge

PAYMENTS = Counter(
    "souk_payment_payments_total",
    "Payments by outcome: succeeded, cancelled, put_off (the provider was away), or the failure's code.",
    ("outcome",),
)
REFUNDS = Counter(
    "souk_payment_refunds_total",
    "Refunds by outcome: succeeded, put_off, refused (asked for again later), failed (people must look), bounced (the bank sent back "
    "what had succeeded: people must look).",
    ("outcome",),
)
WEBHOOKS = Counter(
    "souk_payment_webhooks_total",
    "Webhooks by what they were: ours, other (of nothing open, or repeated), refused.",
    ("outcome",),
)
CIRCUIT_OPEN = Gauge(
    "souk_payment_circuit_open", "1 while the provider is not called, because it failed too often in a row."
)
