"""The schedule of work at the provider. One worker at a time holds a lease on a payment, refund or saved method."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from kit.values import backoff_seconds

# Longer than a step normally takes. A longer step overlaps with the next worker's, which is harmless: both use the same idempotency keys.
LEASE: Final = timedelta(seconds=20)

_MIN_RETRY_SECONDS = 0.5
_MAX_RETRY_SECONDS = 30.0
# Webhooks report what a buyer or a bank did. Polling covers lost webhooks; some banks take days.
_MIN_POLL_INTERVAL: Final = timedelta(seconds=5)
_MAX_POLL_INTERVAL: Final = timedelta(minutes=15)


@dataclass(slots=True, kw_only=True)
class LeasedWork:
    """What payments, refunds and saved methods have in common.

    `due_time` is the next processing time, or the end of the current lease; None when nothing is left to do. `attempts` counts leases
    and is the worker's fencing token. `provider_failures` counts failures that the provider stored under an idempotency key.
    """

    create_time: datetime
    update_time: datetime
    provider_id: str = ""
    provider_failures: int = 0
    attempts: int = 0
    due_time: datetime | None = None

    def lease_expired(self, now: datetime) -> bool:
        """Whether the worker must not start anything at the provider any more."""
        return self.due_time is None or now >= self.due_time

    def attempt_key(self, operation: str) -> str:
        """The provider's idempotency key of an operation; a new one after each failure that the provider stored."""
        return f"{operation}:{self.provider_failures}" if self.provider_failures else operation

    def retry_delay(self) -> timedelta:
        """Doubles with every attempt, up to half a minute."""
        seconds = backoff_seconds(self.attempts, _MIN_RETRY_SECONDS, _MAX_RETRY_SECONDS, min_share=1.0)
        return timedelta(seconds=seconds)

    def poll_interval(self, now: datetime) -> timedelta:
        """Grows with the age of the work."""
        return min(_MAX_POLL_INTERVAL, max(_MIN_POLL_INTERVAL, (now - self.create_time) / 10))
