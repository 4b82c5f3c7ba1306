"""The fakes of the ports of credentials."""

from collections.abc import Hashable
from uuid import UUID

from account.attempts.errors import TooBusy
from account.credentials.domain import Credentials
from account.tests.rows import Rows
from kit.db import Transaction


class FakeCredentialStore(Rows):
    """In memory."""

    async def credentials(self, email: str) -> Credentials | None:
        return self.credentials_of(email)

    async def lock_credentials(self, tx: Transaction, account_id: UUID) -> Credentials | None:
        return self.accounts.get(account_id)

    async def password_hash(self, account_id: UUID) -> str | None:
        return self.accounts[account_id].password_hash if account_id in self.accounts else None

    async def set_password(self, tx: Transaction, account_id: UUID, password_hash: str) -> None:
        self.accounts[account_id] = Credentials(self.accounts[account_id].account, password_hash)

    async def replace_hash(self, account_id: UUID, current: str, replacement: str) -> None:
        if await self.password_hash(account_id) == current:
            self.accounts[account_id] = Credentials(self.accounts[account_id].account, replacement)


class FakePasswords:
    """Hashes by reversing. Hashes that start with "old:" have a lower cost. When `busy` is set, raises TooBusy."""

    def __init__(self) -> None:
        self.busy = False
        self.comparisons = 0
        self.hashes = 0

    async def hash(self, password: bytes) -> str:
        if self.busy:
            raise TooBusy()
        self.hashes += 1
        return password[::-1].hex()

    async def matches(self, password: bytes, password_hash: str | None, subject: Hashable) -> bool:
        if self.busy:
            raise TooBusy()
        self.comparisons += 1
        return password_hash is not None and password_hash.removeprefix("old:") == password[::-1].hex()

    def needs_rehash(self, password_hash: str) -> bool:
        return password_hash.startswith("old:")
