"""What the business counts."""

from prometheus_client import Counter, Gauge

PAYMENTS = Counter(
    "souk_payment_payments_total",
    "Payments by outcome: succeeded, cancelled, put_off (the provider was away), or the failure's code.",
    ("outcome",),
)
REFUNDS = Counter(
    "souk_payment_refunds_total",
    "Refunds by outcome: succeeded, put_off (the provider was unavailable), refused (asked for again later), bounced (the bank sent back "
    "what had succeeded; made again), failed (an ADMIN must ask for it again), followed (failed, its order is cancelled, and the next is "
    "made), abandoned (the last of a cancelled order failed: its money is still here).",
    ("outcome",),
)
PROVIDER_REJECTIONS = Counter(
    "souk_payment_provider_rejections_total",
    "Calls that the provider rejects for a reason of ours, such as a wrong key or ids of another account; they are tried again.",
    ("operation",),
)
WEBHOOKS = Counter(
    "souk_payment_webhooks_total",
    "Webhooks by what they were: ours, other (of nothing open, or repeated), refused.",
    ("outcome",),
)
CIRCUIT_OPEN = Gauge(
    "souk_payment_circuit_open", "1 while the provider is not called, because it failed too often in a row."
)
