"""Business metrics."""

from prometheus_client import Counter, Gauge

from kit.telemetry import start_at_zero

PAYMENTS = Counter(
    "souk_payment_payments_total",
    "Payments by outcome: succeeded, cancelled, deferred (the provider was unavailable), or the failure code.",
    ("outcome",),
)
REFUNDS = Counter(
    "souk_payment_refunds_total",
    "Refunds by outcome: succeeded, deferred (the provider was unavailable), rejected (retried later), returned (the bank returned a "
    "successful refund), failed (an ADMIN must request another), replaced (failed; the next refund of the cancelled order follows), "
    "abandoned (the last refund of a cancelled order failed: needs manual action).",
    ("outcome",),
)
PROVIDER_REJECTIONS = Counter(
    "souk_payment_provider_rejections_total",
    "Calls that the provider rejects because of our configuration, such as a wrong key or ids of another account; they are retried.",
    ("operation",),
)
WEBHOOKS = Counter(
    "souk_payment_webhooks_total",
    "Webhooks by outcome: applied, ignored (nothing open, or repeated), rejected (bad signature or body).",
    ("outcome",),
)
CIRCUIT_OPEN = Gauge(
    "souk_payment_circuit_open", "1 while the provider is not called because it failed too often in a row."
)
start_at_zero(PAYMENTS, "succeeded", "cancelled", "deferred", "card_declined")
start_at_zero(REFUNDS, "succeeded", "deferred", "rejected", "returned", "failed", "replaced", "abandoned")
start_at_zero(WEBHOOKS, "applied", "ignored", "rejected")
