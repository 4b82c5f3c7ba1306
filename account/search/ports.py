"""What the search needs from its store. Deleted accounts are never found."""

from typing import Protocol

from account.accounts.domain import Account
from kit.db import Transaction
from kit.values import Position


class AccountSearchStore(Protocol):
    """Accounts by their words."""

    async def page(self, query: str, after: Position | None, limit: int) -> list[Account]:
        """Matching accounts, newest first; all accounts for an empty query."""

    async def count(self, query: str) -> int | None:
        """The number of matching accounts; None above MAX_COUNT."""

    async def index_words(self, tx: Transaction, limit: int) -> int:
        """Writes the words of up to `limit` accounts that have none yet; returns their number."""
