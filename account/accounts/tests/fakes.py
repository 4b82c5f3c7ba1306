"""The fakes of the ports of accounts."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from account.accounts.domain import Account
from account.accounts.errors import EmailTaken
from account.credentials.domain import Credentials
from account.tests.rows import Rows
from kit.auth import Role
from kit.db import DatabaseContention, Transaction


class FakeAccountStore(Rows):
    """In memory."""

    async def add(self, tx: Transaction, account: Account, password_hash: str) -> None:
        if self.credentials_of(account.email):
            raise EmailTaken()
        self.accounts[account.id] = Credentials(account, password_hash)

    async def update(self, tx: Transaction, account: Account) -> None:
        stored, password_hash = self.accounts[account.id]
        self.accounts[account.id] = Credentials(replace(account, email=stored.email), password_hash)

    async def lock(self, tx: Transaction, account_id: UUID) -> Account | None:
        return self.accounts[account_id].account if account_id in self.accounts else None

    async def lock_by_email(self, tx: Transaction, email: str) -> Account | None:
        credentials = self.credentials_of(email)
        return credentials.account if credentials else None

    async def lock_admins(self, tx: Transaction) -> set[UUID]:
        return await self.admins()

    async def admins(self) -> set[UUID]:
        return {account.id for account, _ in self.accounts.values() if account.role is Role.ADMIN}

    async def get_many(self, ids: Sequence[UUID]) -> list[Account]:
        self.reads.append(set(ids))
        return [self.accounts[account_id].account for account_id in ids if account_id in self.accounts]

    async def erase(self, tx: Transaction, account_id: UUID, now: datetime) -> None:
        if self.contentions:
            self.contentions -= 1
            raise DatabaseContention
        del self.accounts[account_id]
        self.delete_links_of(account_id)
        self.addresses = {key: row for key, row in self.addresses.items() if row.account_id != account_id}
        self.devices = {token: row for token, row in self.devices.items() if row[0] != account_id}
        sessions = {session.id for session in self.sessions.values() if session.account_id == account_id}
        self.tokens = {
            token: stored for token, stored in self.tokens.items() if stored.session_id not in sessions
        }

    async def purge_published_events(self, tx: Transaction, account_id: UUID) -> None:
        self.purged.append(account_id)


class FakeOrders:
    """Records the accounts whose orders were closed, or raises `error`."""

    def __init__(self) -> None:
        self.closed: list[UUID] = []
        self.error: Exception | None = None

    async def close_orders_of(self, account_id: UUID) -> None:
        if self.error:
            raise self.error
        self.closed.append(account_id)
