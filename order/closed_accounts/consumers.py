"""Events of souk.account.v1 -> use cases."""

from souk.account.v1 import events_pb2 as account

from kit.db import Transaction
from kit.events import Event, Subscription
from kit.guests import MergedGuests
from kit.values import ACCOUNT
from order.closed_accounts.use_cases import ClosedAccounts


class AccountEvents:
    """Reactions to souk.account.v1."""

    def __init__(self, closed_accounts: ClosedAccounts, guests: MergedGuests) -> None:
        self._closed_accounts = closed_accounts
        self._guests = guests

    def subscription(self) -> Subscription:
        """The reaction to each event type."""
        return Subscription(
            "souk.account.v1",
            {account.AccountDeleted: self.account_deleted, account.GuestMerged: self._guests.merged},
        )

    async def account_deleted(self, tx: Transaction, event: Event[account.AccountDeleted]) -> None:
        """Closes the account's orders."""
        account_id = ACCOUNT.parse(event.body.account_id, "account_id")
        await self._closed_accounts.account_deleted(tx, account_id)
