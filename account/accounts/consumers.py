"""Consumes the account service's own topic."""

from souk.account.v1 import events_pb2 as pb

from account.accounts.use_cases import Accounts
from kit.db import Transaction
from kit.events import Event, Subscription
from kit.values import ACCOUNT


class AccountEvents:
    """Consumes souk.account.v1."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    def subscriptions(self) -> list[Subscription]:
        """The handler of each event type."""
        return [
            Subscription(
                "souk.account.v1",
                {pb.AccountDeleted: self.account_deleted, pb.GuestMerged: self.guest_merged},
            )
        ]

    async def account_deleted(self, tx: Transaction, event: Event[pb.AccountDeleted]) -> None:
        """Purges the account's events from the outbox. Events are published in order, so all earlier ones are in the topic."""
        await self._accounts.purge_published_events(tx, ACCOUNT.parse(event.body.account_id, "account_id"))

    async def guest_merged(self, tx: Transaction, event: Event[pb.GuestMerged]) -> None:
        """Purges the guest's events, which contain its name and address, as those of a deleted account."""
        await self._accounts.purge_published_events(tx, ACCOUNT.parse(event.body.guest_id, "guest_id"))
