"""Searching accounts."""

from typing import Final

from account.accounts.domain import Account
from account.search.ports import AccountSearchStore
from kit.db import Database
from kit.values import Page, Position

# One transaction of about 50 ms.
_INDEX_BATCH_SIZE: Final = 500


class AccountSearch:
    """The use cases of the search."""

    def __init__(self, db: Database, store: AccountSearchStore) -> None:
        self._db = db
        self._store = store

    async def list_accounts(
        self, query: str, after: Position | None, size: int, *, count: bool
    ) -> Page[Account]:
        """A page of matching accounts, newest first; `count` adds their total."""
        accounts = await self._store.page(query, after, size + 1)
        total = await self._store.count(query) if count else None
        return Page.of(accounts, size, total)

    async def make_searchable(self) -> None:
        """Job: writes the words of accounts that an older release stored without them."""
        indexed = _INDEX_BATCH_SIZE
        while indexed == _INDEX_BATCH_SIZE:
            async with self._db.transaction() as tx:
                indexed = await self._store.index_words(tx, _INDEX_BATCH_SIZE)
