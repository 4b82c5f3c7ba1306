"""Metrics of sending mail."""

from prometheus_client import Counter

MAILS = Counter(
    "souk_notification_mails_total",
    "Attempts to send a mail, by template and outcome: sent, deferred, rejected, not_rendered, expired, account_deleted, or "
    "lease_lost (another worker took over).",
    ("template", "outcome"),
)
