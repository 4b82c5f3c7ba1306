"""A fake of the cache of rules."""

from order.pricing.rules import Rules
from order.rules.domain import Snapshot


class FakeRules:
    """The rules of the shop, and what this process knows of them: `known` until it asks for newer ones."""

    def __init__(self, rules: Rules | None = None) -> None:
        self.snapshot = self.known = Snapshot(1, rules or Rules())
        self.changes_forever = False

    def start(self, rules: Rules) -> None:
        """New rules that this process knows already."""
        self.change(rules)
        self.known = self.snapshot

    def change(self, rules: Rules) -> None:
        self.snapshot = Snapshot(self.snapshot.revision + 1, rules)

    async def current(self) -> Snapshot:
        if self.changes_forever:
            self.change(self.snapshot.rules)
        return self.known

    async def newest(self) -> Snapshot:
        self.known = self.snapshot
        return self.known

    async def after(self, revision: int) -> Snapshot:
        self.known = self.snapshot
        if self.changes_forever:
            self.change(self.snapshot.rules)
        return self.known
