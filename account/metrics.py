"""What the shop's owners want to know of accounts."""

from prometheus_client import Counter

REGISTRATIONS = Counter("souk_account_registrations_total", "Accounts made.")
LOGINS = Counter(
    "souk_account_logins_total",
    "Logins, by outcome: accepted, refused, throttled, busy (more waited than could be served).",
    ["outcome"],
)
SESSIONS_ENDED = Counter("souk_account_sessions_ended_total", "Sessions ended before their time was over.")
DELETIONS = Counter("souk_account_deletions_total", "Accounts deleted.")
