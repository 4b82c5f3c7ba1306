"""Business metrics of the account service."""

from prometheus_client import Counter

from kit.telemetry import start_at_zero

REGISTRATIONS = Counter("souk_account_registrations_total", "Accounts registered.")
LOGINS = Counter(
    "souk_account_logins_total",
    "Logins by outcome: accepted, rejected, throttled, busy (the password could not be checked in time).",
    ["outcome"],
)
SESSIONS_REVOKED = Counter(
    "souk_account_sessions_revoked_total", "Sessions revoked, which excludes expired ones."
)
DELETIONS = Counter("souk_account_deletions_total", "Accounts deleted.")
start_at_zero(LOGINS, "accepted", "rejected", "throttled", "busy")
