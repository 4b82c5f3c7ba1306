"""A refund: PENDING until the money has arrived (SUCCEEDED) or will not arrive (FAILED).

The payment decides how much may be refunded and what follows a failed refund (`domain`).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from kit.values import REFUND, Money
from payment.leases.domain import LeasedWork

# A refund that the provider rejects now (insufficient balance, the buyer's bank) may work later: after 1, 4, 16 and 64 minutes.
_MAX_REFUND_ATTEMPTS: Final = 5
_FIRST_RETRY_DELAY: Final = timedelta(minutes=1)


class RefundStatus(StrEnum):
    """The status of a refund."""

    PENDING = "PENDING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class ProviderRefund:
    """The provider's state of a refund. `rejected`: this refund will not happen; `final`: no other one will either."""

    id: str
    done: bool
    rejected: bool = False
    final: bool = False


@dataclass(frozen=True, slots=True)
class RefundCommand:
    """A requested refund; its id is derived from the caller and the idempotency key. Without an amount: all that is left."""

    id: UUID
    amount: Money | None
    reason: str
    input_hash: bytes


@dataclass(slots=True)
class Refund(LeasedWork):
    """A refund of a payment. `input_hash` identifies the request; it is empty for the refund of a cancelled order."""

    id: UUID
    payment_id: UUID
    amount: Money
    reason: str
    status: RefundStatus
    input_hash: bytes = b""
    rejections: int = 0

    @classmethod
    def create(
        cls,
        refund_id: UUID,
        payment_id: UUID,
        amount: Money,
        reason: str,
        now: datetime,
        *,
        due_time: datetime | None = None,
        input_hash: bytes = b"",
    ) -> "Refund":
        """A pending refund, due now unless `due_time` is given."""
        return cls(
            id=refund_id,
            payment_id=payment_id,
            amount=amount,
            reason=reason,
            status=RefundStatus.PENDING,
            create_time=now,
            update_time=now,
            due_time=due_time or now,
            input_hash=input_hash,
        )

    @property
    def is_pending(self) -> bool:
        """Whether the outcome is open."""
        return self.status is RefundStatus.PENDING

    @property
    def may_exist_at_provider(self) -> bool:
        """Whether an earlier attempt may have made it.

        The idempotency key does not suffice: the provider forgets keys after a day, and stores failures under them.
        """
        return self.attempts > 1 or bool(self.provider_id) or self.provider_failures > 0

    def key(self) -> str:
        """The provider's idempotency key."""
        return self.attempt_key(f"refund:{REFUND.format(self.id)}")

    def apply(self, result: ProviderRefund, now: datetime) -> bool:
        """Applies the provider's state to a pending refund; returns whether the refund is settled by it."""
        if not self.is_pending:
            return False
        if result.rejected:
            return self._retry_or_fail(result, now)
        if result.done:
            self._settle(RefundStatus.SUCCEEDED, result, now)
            return True
        self.provider_id = result.id
        self.due_time = now + max(self.retry_delay(), self.poll_interval(now))
        return False

    def schedule_retry(self, now: datetime, *, failed: bool) -> None:
        """After the provider was unavailable, or `failed` and stored the failure under the key."""
        if self.is_pending:
            self.provider_failures += failed
            self.due_time = now + self.retry_delay()

    def reopen(self, now: datetime) -> None:
        """A webhook says that the bank returned a successful refund: its state is read again."""
        self.status, self.due_time, self.update_time = RefundStatus.PENDING, now, now

    def _retry_or_fail(self, result: ProviderRefund, now: datetime) -> bool:
        """Retries later with a new key, until the last attempt."""
        self.rejections += 1
        if result.final or self.rejections >= _MAX_REFUND_ATTEMPTS:
            self._settle(RefundStatus.FAILED, result, now)
            return True
        self.update_time = now
        self.provider_id = ""
        self.provider_failures += 1
        self.due_time = now + _FIRST_RETRY_DELAY * 4 ** (self.rejections - 1)
        return False

    def _settle(self, status: RefundStatus, result: ProviderRefund, now: datetime) -> None:
        self.status, self.due_time, self.provider_id, self.update_time = status, None, result.id, now
