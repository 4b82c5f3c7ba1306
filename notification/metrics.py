"""What the shop's owners want to know of mails."""

from prometheus_client import Counter

MAILS = Counter(
    "souk_notification_mails_total",
    "Attempts to hand a mail over, by template and outcome: sent, delayed, refused, not_rendered, too_late, gone, or "
    "lease_lost (another worker has it by now).",
    ("template", "outcome"),
)
