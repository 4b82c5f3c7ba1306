"""What the use cases of notifications need from outside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from kit.db import Transaction
from notification.notifications.domain import Notification


@dataclass(frozen=True, slots=True)
class NotificationFilter:
    """Which notifications to list; None matches any."""

    account_id: UUID | None = None
    order_id: UUID | None = None


class NotificationStore(Protocol):
    """Notifications, without their delivery (`notification.mail.ports.MailQueue`)."""

    async def add(self, tx: Transaction, notifications: Sequence[Notification]) -> None:
        """Inserts notifications; those whose id exists are skipped."""

    async def erase(self, tx: Transaction, account_id: UUID) -> None:
        """Erases the address and content of an account's notifications; the rows stay as history."""

    async def erase_late_arrivals(self, since: datetime) -> None:
        """Repeats `erase` for accounts deleted after `since`: a mail in progress, or an event handled
        concurrently, may have saved something after the first time.
        """

    async def page(
        self, filter: NotificationFilter, after: tuple[datetime, UUID] | None, limit: int
    ) -> list[Notification]:
        """Newest first, after a position; each with its recipient's address, if known."""

    async def count(self, filter: NotificationFilter) -> int | None:
        """The number of matches; None if there are more than MAX_COUNT."""

    async def page_by_account(
        self, filter: NotificationFilter, account_ids: Sequence[UUID], limit: int
    ) -> Mapping[UUID, Sequence[Notification]]:
        """The newest of every account; accounts without any may be omitted."""

    async def count_by_account(
        self, filter: NotificationFilter, account_ids: Sequence[UUID]
    ) -> Mapping[UUID, int | None]:
        """`count` for every account."""

    async def find_by_orders(
        self, order_ids: Sequence[UUID], owner: UUID | None, limit_per_order: int
    ) -> list[Notification]:
        """The newest of every order; only those of `owner`, unless it is None."""
