"""Events of souk.account.v1 -> customers, and payments of merged guests."""

from collections.abc import Sequence

from souk.account.v1 import events_pb2 as pb

from kit.db import Transaction
from kit.events import BatchHandler, Event, Subscription
from kit.guests import MergedGuests
from kit.values import ACCOUNT
from payment.customers.use_cases import Customers


class AccountEvents:
    """Reactions to souk.account.v1."""

    def __init__(self, customers: Customers, guests: MergedGuests) -> None:
        self._customers = customers
        self._guests = guests

    def subscription(self) -> Subscription:
        """The reaction to each event type."""
        return Subscription(
            "souk.account.v1",
            {pb.AccountDeleted: BatchHandler(self.accounts_deleted), pb.GuestMerged: self._guests.merged},
        )

    async def accounts_deleted(self, tx: Transaction, events: Sequence[Event[pb.AccountDeleted]]) -> None:
        """Deletes what is saved."""
        ids = [ACCOUNT.parse(event.body.account_id, "account_id") for event in events]
        await self._customers.accounts_deleted(tx, sorted(set(ids)))
