"""How common a word is among accounts, from PostgreSQL's statistics: they decide which words of a query use the index."""

import time
from collections.abc import Mapping, Sequence
from typing import Final

from account.search.query import Query
from kit.db import Transaction

# One account in twenty. An index reads every entry of a word, so a more common one costs more than it excludes.
_COMMON: Final = 0.05
# A shorter word may be the beginning of very many others, such as a country's telephone code.
_MIN_LENGTH: Final = 5
_MAX_AGE_SECONDS: Final = 600.0
_STATISTICS: Final = """
SELECT c.reltuples::float8 AS accounts, s.most_common_elems::text::text[] AS words, s.most_common_elem_freqs::float8[] AS frequencies
FROM pg_class c LEFT JOIN pg_stats s ON s.schemaname = current_schema() AND s.tablename = c.relname AND s.attname = 'words'
WHERE c.oid = 'accounts'::regclass
"""


class WordFrequencies:
    """The most common words with the share of accounts that have them. A word that is not among them counts as rare.

    `accounts` is their number, estimated too.
    """

    def __init__(self, accounts: float = 0, shares: Mapping[str, float] | None = None) -> None:
        self.accounts = accounts
        self._shares = shares or {}

    def matches(self, query: Query) -> float:
        """An upper estimate of the number of accounts that match; 0 when all words of a group are rare."""
        shares = [
            sum(min(self._share(word) for word in alternative) for alternative in group) for group in query
        ]
        return max(0.0, self.accounts) * min(1.0, *shares)

    def selective(self, query: Query) -> Query:
        """The part of the query that an index answers cheaply: without common words; empty when there is nothing else in it."""
        groups = [[self._rare(alternative) for alternative in group] for group in query]
        # An alternative of common words only lets nearly every account pass, and so does its group.
        return [group for group in groups if all(group)]

    def _rare(self, words: Sequence[str]) -> list[str]:
        rare = [word for word in words if self._share(word) < _COMMON]
        return [word for word in rare if len(word) >= _MIN_LENGTH] or rare

    def _share(self, prefix: str) -> float:
        return min(1.0, sum(share for word, share in self._shares.items() if word.startswith(prefix)))


class FrequencyCache:
    """Reads the statistics when they are older than ten minutes."""

    def __init__(self) -> None:
        self._frequencies = WordFrequencies()
        self._expires = 0.0

    async def get(self, tx: Transaction) -> WordFrequencies:
        """The statistics as of the last ANALYZE; all words are rare before the first."""
        if time.monotonic() >= self._expires:
            row = await tx.fetchrow(_STATISTICS)
            assert row is not None
            # The lowest, highest and null share follow those of the words.
            shares = dict(zip(row["words"] or (), row["frequencies"] or (), strict=False))
            self._frequencies = WordFrequencies(row["accounts"], shares)
            self._expires = time.monotonic() + _MAX_AGE_SECONDS
        return self._frequencies
