"""What reconciliation needs: the provider's lists."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Protocol

from payment.reconciliation.domain import MadeRefund, ProviderCharge


class ProviderRecords(Protocol):
    """What the provider has. Calls raise ProviderUnavailable and ProviderFailed."""

    def charges(self, since: datetime) -> AsyncIterator[ProviderCharge]:
        """The intents of our payments that were created since then."""

    def refunds(self, since: datetime) -> AsyncIterator[MadeRefund]:
        """Our refunds that were created since then."""
