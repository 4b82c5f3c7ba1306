"""A payment method that an account saved. The card itself is at the provider; here is what a page shows of it."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from kit.values import PAYMENT, PAYMENT_METHOD
from payment.intents.domain import MAX_DECLINES
from payment.leases.domain import LeasedWork

MAX_METHODS: Final = 10
# A page that is left open does not keep its setup forever.
_SETUP_LIFETIME: Final = timedelta(hours=1)
# Within it, the setups that an account starts are limited.
SETUP_WINDOW: Final = timedelta(hours=1)


class MethodState(StrEnum):
    """PENDING until the provider has the card; DELETING until the provider has deleted it."""

    PENDING = "PENDING"
    SAVED = "SAVED"
    DELETING = "DELETING"


class SetupStatus(StrEnum):
    """The status of the provider's setup intent."""

    OPEN = "OPEN"
    SUCCEEDED = "SUCCEEDED"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, slots=True)
class ProviderCard:
    """A card at the provider. It is `attached` to a customer if it can be charged again."""

    id: str
    brand: str
    last4: str
    exp_month: int
    exp_year: int
    attached: bool


@dataclass(frozen=True, slots=True)
class Usage:
    """What an account uses of its limits: `methods` that are saved or may be saved by open pages, and `setups` of the last hour."""

    methods: int
    setups: int


@dataclass(frozen=True, slots=True)
class Setup:
    """The provider's setup intent; `card` once it succeeded. `declines` is the number of its failed attempts."""

    id: str
    status: SetupStatus
    client_secret: str = field(default="", repr=False)
    card: ProviderCard | None = None
    declines: int = 0


@dataclass(slots=True)
class SavedMethod(LeasedWork):
    """A method; `provider_id` is its setup intent, or `payment_id` the payment that it was charged for first."""

    id: UUID
    account_id: UUID
    state: MethodState = MethodState.PENDING
    payment_id: UUID | None = None
    method_id: str = ""
    brand: str = ""
    last4: str = ""
    exp_month: int = 0
    exp_year: int = 0
    is_default: bool = False

    @classmethod
    def of_setup(cls, account_id: UUID, setup: Setup, now: datetime) -> "SavedMethod":
        """A page is about to confirm a setup; its webhook, or a poll, finishes it."""
        method = cls(
            id=PAYMENT_METHOD.new(),
            account_id=account_id,
            provider_id=setup.id,
            create_time=now,
            update_time=now,
        )
        method.schedule_poll(now)
        return method

    @classmethod
    def of_payment(cls, account_id: UUID, payment_id: UUID, now: datetime) -> "SavedMethod":
        """The card that pays is to be saved. The id is derived from the payment's, so that a repeated event adds none."""
        return cls(
            id=PAYMENT_METHOD.derive(PAYMENT.format(payment_id)),
            account_id=account_id,
            payment_id=payment_id,
            create_time=now,
            update_time=now,
            due_time=now,
        )

    def must_cancel(self, setup: Setup, now: datetime) -> bool:
        """Whether its page was left without confirming, or has tried too many cards."""
        is_abandoned = now >= self.create_time + _SETUP_LIFETIME
        return setup.status is SetupStatus.OPEN and (is_abandoned or setup.declines >= MAX_DECLINES)

    def save(self, card: ProviderCard, others: int, now: datetime) -> None:
        """The provider has the card. Without `others` of the account it is the default; beyond the limit it is deleted again."""
        self.method_id, self.brand, self.last4 = card.id, card.brand, card.last4
        self.exp_month, self.exp_year = card.exp_month, card.exp_year
        if others >= MAX_METHODS:
            self.delete(now)
            return
        self.state, self.is_default, self.due_time, self.update_time = (
            MethodState.SAVED,
            not others,
            None,
            now,
        )

    def delete(self, now: datetime) -> None:
        """A worker then deletes the card at the provider."""
        self.state, self.is_default, self.due_time, self.update_time = MethodState.DELETING, False, now, now

    def schedule_poll(self, now: datetime) -> None:
        """While the page or the payment must go on."""
        self.due_time = now + self.poll_interval(now)

    def schedule_retry(self, now: datetime) -> None:
        """After a failed attempt."""
        self.due_time = now + self.retry_delay()
