"""Refunds: money on its way back, PENDING until it has arrived (SUCCEEDED) or will not (FAILED). How the provider is asked is not known.

How much may go back, and what follows a refund that failed, is the payment's to say (`domain`).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from kit.values import REFUND, Money

_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 30.0
# What waits for a buyer or a bank is told by a webhook; looking is for those that get lost. Some banks take days.
_FIRST_LOOK: Final = timedelta(seconds=5)
_LAST_LOOK: Final = timedelta(minutes=15)
# A refund that the provider refuses today (our balance there, the buyer's bank) it may make tomorrow: after 1, 4, 16 and 64 minutes.
_REFUSALS_MOST: Final = 5
_FIRST_REFUSAL: Final = timedelta(minutes=1)


class RefundStatus(StrEnum):
    """Where a refund stands."""

    PENDING = "PENDING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class ProviderRefund:
    """The provider's side of a refund; `refused` when this one will not happen, `final` when no other one will either."""

    id: str
    done: bool
    refused: bool = False
    final: bool = False


@dataclass(slots=True)
class Refund:
    """Money on its way back; `input_hash` stands for what was asked for, empty when nobody asked.

    `attempts` counts leases: it is the fencing token of the worker that has the refund now.
    """

    id: UUID
    payment_id: UUID
    amount: Money
    reason: str
    status: RefundStatus
    create_time: datetime
    update_time: datetime
    provider_id: str = ""
    provider_failures: int = 0
    attempts: int = 0
    due_time: datetime | None = None
    input_hash: bytes = b""
    refusals: int = 0

    @classmethod
    def ask(
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
        """A refund to make, now unless `due_time` says when."""
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
        """Whether it is under way."""
        return self.status is RefundStatus.PENDING

    @property
    def may_be_made(self) -> bool:
        """Whether the provider may have made it already.

        The key is not enough to make it once: the provider forgets keys after a day, and keeps a failure under its key.
        """
        return self.attempts > 1 or bool(self.provider_id) or self.provider_failures > 0

    def key(self) -> str:
        """The idempotency key at the provider; another after each failure that it keeps."""
        return numbered(f"refund:{REFUND.format(self.id)}", self.provider_failures)

    def learn(self, answer: ProviderRefund, now: datetime) -> bool:
        """Takes in what the provider says of a refund under way; answers whether it has ended with that."""
        if not self.is_pending:
            return False
        if answer.refused:
            return self._refused(answer, now)
        if answer.done:
            self._end(RefundStatus.SUCCEEDED, answer, now)
            return True
        self.provider_id = answer.id
        self.due_time = now + max(pause(self.attempts), patience(self.create_time, now))
        return False

    def look_again(self, now: datetime, *, failed: bool) -> None:
        """When to try again what the provider could not do; `failed`: it keeps that failure under the key."""
        if self.is_pending:
            self.provider_failures += failed
            self.due_time = now + pause(self.attempts)

    def bounced(self, now: datetime) -> None:
        """It is said to have come back from the bank: looked at again, as if it were under way."""
        self.status, self.due_time, self.update_time = RefundStatus.PENDING, now, now

    def _refused(self, answer: ProviderRefund, now: datetime) -> bool:
        """Another is asked for later, under another key; after the last one it has failed."""
        self.refusals += 1
        if answer.final or self.refusals >= _REFUSALS_MOST:
            self._end(RefundStatus.FAILED, answer, now)
            return True
        self.update_time = now
        self.provider_id = ""
        self.provider_failures += 1
        self.due_time = now + _FIRST_REFUSAL * 4 ** (self.refusals - 1)
        return False

    def _end(self, status: RefundStatus, answer: ProviderRefund, now: datetime) -> None:
        self.status, self.due_time, self.provider_id, self.update_time = status, None, answer.id, now


@dataclass(frozen=True, slots=True)
class WantedRefund:
    """A refund that somebody asks for; its id follows from who asks under which key. Without an amount: what is left."""

    id: UUID
    amount: Money | None
    reason: str
    input_hash: bytes


def pause(attempts: int) -> timedelta:
    """How long to wait after so many attempts: twice as long each time, half a minute at most."""
    return timedelta(
        seconds=min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2 ** min(max(0, attempts - 1), 10))
    )


def patience(since: datetime, now: datetime) -> timedelta:
    """How long to wait before looking again at what others must do first: the longer it takes, the rarer."""
    return min(_LAST_LOOK, max(_FIRST_LOOK, (now - since) / 10))


def numbered(key: str, number: int) -> str:
    """An idempotency key, another for each number."""
    return f"{key}:{number}" if number else key
