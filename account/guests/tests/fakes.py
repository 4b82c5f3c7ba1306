"""The fakes of the ports of guests."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from account.accounts.domain import Account
from account.accounts.errors import EmailTaken
from account.credentials.domain import Credentials
from account.guests.domain import DueGuest, OrderState, OrderSummary
from account.tests.rows import Rows
from kit.db import Transaction
from kit.values import utc_now


class FakeGuestStore(Rows):
    """In memory."""

    async def add_guest(self, tx: Transaction, guest: Account, due_time: datetime) -> None:
        self.accounts[guest.id] = Credentials(guest, "")
        self.guest_due_times[guest.id] = due_time

    async def lock_guest(self, tx: Transaction, account_id: UUID) -> Account | None:
        account = self._living(account_id)
        return account if account and account.guest else None

    async def set_contact(self, tx: Transaction, guest: Account) -> None:
        self.accounts[guest.id] = Credentials(guest, "")

    async def register_guest(self, tx: Transaction, account: Account, password_hash: str) -> None:
        if self.credentials_of(account.email):
            raise EmailTaken()
        self.accounts[account.id] = Credentials(account, password_hash)

    async def lock_pair(
        self, tx: Transaction, guest_id: UUID, into_id: UUID
    ) -> tuple[Account | None, Account | None]:
        into = self._living(into_id)
        return await self.lock_guest(tx, guest_id), into if into and not into.guest else None

    async def merged_into(self, tx: Transaction, guest_id: UUID) -> UUID | None:
        return self.merged.get(guest_id)

    async def merge_guest(self, tx: Transaction, guest_id: UUID, into_id: UUID, now: datetime) -> None:
        del self.accounts[guest_id]
        del self.guest_due_times[guest_id]
        self.merged[guest_id] = into_id
        sessions = {session.id for session in self.sessions.values() if session.account_id == guest_id}
        self.tokens = {key: token for key, token in self.tokens.items() if token.session_id not in sessions}

    async def due_guests(self, now: datetime, limit: int) -> Sequence[DueGuest]:
        due = sorted((time, id_) for id_, time in self.guest_due_times.items() if time <= now)
        return [
            DueGuest(id_, self._use_time(id_))
            for _, id_ in due
            if (account := self._living(id_)) and account.guest
        ][:limit]

    async def postpone_guests(self, times: Mapping[UUID, datetime]) -> None:
        self.guest_due_times |= times

    def _living(self, account_id: UUID) -> Account | None:
        return self.accounts[account_id].account if account_id in self.accounts else None

    def _use_time(self, guest_id: UUID) -> datetime:
        starts = [session.create_time for session in self.sessions.values() if session.account_id == guest_id]
        return max([*starts, self.accounts[guest_id].account.create_time])


class FakeGuestOrders:
    """The orders of accounts: `summaries` by account, `owners` by number."""

    def __init__(self) -> None:
        self.summaries: dict[UUID, OrderSummary] = {}
        self.owners: dict[str, UUID] = {}

    async def summarize(self, account_ids: Sequence[UUID]) -> list[OrderSummary]:
        none = OrderSummary(OrderState.NONE, utc_now())
        return [self.summaries.get(account_id, none) for account_id in account_ids]

    async def find_owner(self, number: str) -> UUID | None:
        return self.owners.get(number)
