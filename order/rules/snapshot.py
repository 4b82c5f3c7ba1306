"""The cache of rules. It decides nothing: what is placed with an old revision is rejected by the database, and priced again."""

import asyncio

from kit.errors import Unavailable
from order.pricing.rules import Terms
from order.rules.domain import Snapshot, differences
from order.rules.errors import TermsDiffer
from order.rules.ports import RulesStore


class PricingRules:
    """The rules of prices, as a job; a process whose settings differ from the shop's does not start.

    It is no resource, because the command that changes the shop's settings runs with other ones.
    """

    name = "pricing rules"

    def __init__(self, store: RulesStore, terms: Terms) -> None:
        self._store = store
        self._terms = terms
        self._snapshot: Snapshot | None = None
        self._loading = asyncio.Lock()

    async def open(self) -> None:
        """Writes the settings if the shop has none; raises TermsDiffer if it has others."""
        snapshot = await self._claim_and_load()
        if text := differences(self._terms, snapshot.rules.terms):
            raise TermsDiffer(
                f"{text}; to change them for the whole shop, run the command set-pricing-settings with the new ones"
            )
        self._snapshot = snapshot

    async def close(self) -> None:
        """Nothing to close."""

    async def current(self) -> Snapshot:
        """The rules as this process knows them, which may be outdated."""
        return self._snapshot or await self.after(0)

    async def at(self, revision: int) -> Snapshot:
        """The rules at a revision that the caller has read, or newer ones."""
        current = await self.current()
        return current if current.revision >= revision else await self.after(current.revision)

    async def newest(self) -> Snapshot:
        """The rules as they are now; one statement, unless they have changed."""
        return await self.at(await self._store.revision())

    async def after(self, revision: int) -> Snapshot:
        """Rules that are newer than a revision that was rejected. Concurrent callers load them once."""
        async with self._loading:
            current = self._snapshot
            if current is None or current.revision <= revision:
                current = await self._load()
        return current

    async def _load(self) -> Snapshot:
        snapshot = await self._claim_and_load()
        if text := differences(self._terms, snapshot.rules.terms):
            raise Unavailable(f"{text}; this process has to be restarted", reason=TermsDiffer.reason)
        self._snapshot = snapshot
        return snapshot

    async def _claim_and_load(self) -> Snapshot:
        """Calls may arrive before `open`."""
        await self._store.claim_terms(self._terms)
        return await self._store.load()
