"""What saved methods need: a store, customers and a provider."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from kit.db import Transaction
from payment.intents.domain import Intent
from payment.methods.domain import ProviderCard, SavedMethod, Setup, Usage
from payment.payments.domain import Payment


class MethodStore(Protocol):
    """Saved methods."""

    async def add(self, tx: Transaction, methods: Sequence[SavedMethod]) -> set[UUID]:
        """Writes new methods, except those that exist and those of deleted accounts; returns the ids that were written."""

    async def lock_account(self, tx: Transaction, account_id: UUID) -> list[SavedMethod]:
        """The SAVED methods of an account, the default first, then the newest; the account is locked until the transaction ends."""

    async def lock(self, tx: Transaction, method_id: UUID) -> SavedMethod | None:
        """A method, locked until the transaction ends."""

    async def has_card(self, tx: Transaction, card_id: str) -> bool:
        """Whether some method has the provider's card."""

    async def save(self, tx: Transaction, *methods: SavedMethod) -> None:
        """Writes changed methods, in order."""

    async def delete(self, tx: Transaction, method_id: UUID) -> None:
        """Deletes a method."""

    async def list_saved(self, account_ids: Sequence[UUID]) -> list[SavedMethod]:
        """The SAVED methods of accounts, the default of each first, then the newest."""

    async def lock_usage(self, tx: Transaction, account_id: UUID, since: datetime) -> Usage:
        """What an account uses of its limits, with its setups since a time; the account is locked until the transaction ends."""

    async def count_setup(self, tx: Transaction, account_id: UUID, now: datetime, since: datetime) -> None:
        """Counts one setup of an account; earlier ones than `since` count no longer."""

    async def claim_methods(self, now: datetime, lease: datetime, limit: int) -> Sequence[SavedMethod]:
        """Leases due methods until `lease`."""


class Customers(Protocol):
    """`customers.use_cases.Customers`."""

    async def ensure(self, account_id: UUID) -> str:
        """The account's id at the provider; empty for a deleted account."""


class MethodProvider(Protocol):
    """Setups and cards. Calls raise ProviderUnavailable or ProviderFailed, and may then be repeated."""

    def available_permits(self, limit: int) -> int:
        """How many of `limit` calls may start now; 0 while the provider is down."""

    async def create_setup(self, customer_id: str, key: str) -> Setup:
        """A setup intent, which the page confirms with its secret."""

    async def read_setup(self, setup_id: str) -> Setup:
        """Its state."""

    async def cancel_setup(self, setup_id: str) -> Setup:
        """Cancels it; one that succeeded is returned as it is."""

    async def charged_card(self, intent_id: str) -> ProviderCard | None:
        """The card that an intent charged; None for other kinds of methods."""

    async def detach(self, card_id: str) -> None:
        """Deletes a card at the provider; one that is not attached counts as deleted."""


class CustomerChargeProvider(Protocol):
    """`provider.stripe_client.Stripe`: charges for customers."""

    def available_permits(self, limit: int) -> int:
        """How many of `limit` calls may start now; 0 while the provider is down."""

    async def create(self, payment: Payment, customer_id: str = "") -> Intent:
        """Creates an intent."""

    async def confirm(self, payment: Payment, card_id: str = "") -> Intent:
        """Charges the card, or else the payment's method."""

    async def retrieve(self, payment: Payment) -> Intent:
        """Reads the intent's state."""

    async def cancel(self, payment: Payment) -> Intent:
        """Cancels the intent."""
