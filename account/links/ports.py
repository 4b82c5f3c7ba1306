"""What the use cases of mailed links need. A store method without `tx` is a single statement."""

from datetime import datetime
from typing import Protocol
from uuid import UUID

from account.links.domain import Purpose
from kit.db import Transaction


class LinkStore(Protocol):
    """Mailed links, identified by the hashes of their tokens."""

    async def save_link(
        self,
        tx: Transaction,
        purpose: Purpose,
        account_id: UUID,
        token_hash: bytes,
        now: datetime,
        expire_time: datetime,
    ) -> None:
        """Replaces earlier links of the account for the same purpose."""

    async def link_owner(
        self, purpose: Purpose, token_hash: bytes, now: datetime, tx: Transaction | None = None
    ) -> UUID | None:
        """The account of a link; None when it is unknown, used or expired."""

    async def consume_link(self, tx: Transaction, purpose: Purpose, token_hash: bytes, now: datetime) -> bool:
        """Consumes a link; false when it is unknown, used or expired. Of concurrent calls one succeeds."""

    async def delete_links(self, tx: Transaction, account_id: UUID) -> None:
        """Deletes every link of an account."""


class Sealer(Protocol):
    """Encrypts the token of a link for the notification service."""

    def seal(self, text: str) -> bytes:
        """The encrypted token."""


class OrderFinder(Protocol):
    """The order service."""

    async def find_owner(self, number: str) -> UUID | None:
        """The account of the paid order with a number."""
