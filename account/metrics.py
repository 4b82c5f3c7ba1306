"""What the shop's owners want to know of accounts."""

from prometheus_client import Counter

REGISTRATIONS = Counter("souk_account_registrations_total", "Accounts made.")
LOGINS = Counter(
    "souk_account_logins_total", "Logins, by outcome: accepted, refused, throttled.", ["outcome"]
)
