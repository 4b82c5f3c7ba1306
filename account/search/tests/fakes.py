"""The fake of the search's port."""

from account.accounts.domain import Account
from account.accounts.words import words_of
from account.search.query import matches, read_query
from account.tests.rows import Rows
from kit.db import Transaction
from kit.values import ACCOUNT, Position, exact_count


class FakeAccountSearchStore(Rows):
    """In memory."""

    async def page(self, query: str, after: Position | None, limit: int) -> list[Account]:
        accounts = sorted(
            self._search(query), key=lambda account: (account.create_time, account.id), reverse=True
        )
        return [
            account for account in accounts if after is None or (account.create_time, account.id) < after
        ][:limit]

    async def count(self, query: str) -> int | None:
        return exact_count(len(self._search(query)))

    async def index_words(self, tx: Transaction, limit: int) -> int:
        return 0

    def _search(self, query: str) -> list[Account]:
        accounts = [account for account, _ in self.accounts.values() if not account.guest]
        if not query.strip():
            return accounts
        by_id = [account for account in accounts if ACCOUNT.format(account.id) == query.strip()]
        parsed = read_query(query)
        return by_id or [
            account
            for account in accounts
            if parsed is not None and matches(parsed, words_of(account.name, account.email, account.phone))
        ]
