"""Keeping recipients up to date with the account service. Their mail content is erased by `notification.notifications`."""

from collections.abc import Sequence
from uuid import UUID

from kit.db import Transaction
from kit.values import Clock
from notification.recipients.domain import Recipient
from notification.recipients.ports import RecipientStore


class Recipients:
    """The use cases of recipients."""

    def __init__(self, store: RecipientStore, *, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def update(self, tx: Transaction, recipients: Sequence[Recipient]) -> None:
        """Saves accounts' names and addresses; events that arrive out of order change nothing."""
        await self._store.upsert(tx, recipients)

    async def delete(self, tx: Transaction, account_id: UUID) -> None:
        """Erases an account's name and address for good."""
        await self._store.delete(tx, account_id, self._clock())

    async def remove_guest(self, tx: Transaction, guest_id: UUID, into_id: UUID) -> bool:
        """Removes a guest that was merged into an account; returns whether that account was deleted."""
        await self._store.remove_guest(tx, guest_id)
        return await self._store.is_deleted(tx, into_id)
