"""What the cache of rules needs: their tables."""

from typing import Protocol

from order.pricing.rules import Terms
from order.rules.domain import Snapshot


class RulesStore(Protocol):
    """Reads all rules, and keeps the settings of the shop."""

    async def claim_terms(self, terms: Terms) -> None:
        """Writes the shop's settings if it has none yet."""

    async def replace_terms(self, terms: Terms) -> None:
        """Writes the shop's settings."""

    async def revision(self) -> int:
        """The current revision."""

    async def load(self) -> Snapshot:
        """All rules, with a revision that is not above theirs."""
