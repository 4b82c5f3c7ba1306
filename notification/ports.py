"""What the use cases need of the outside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from kit.db import Transaction
from notification.domain import Mail, Notification, Recipient


@dataclass(frozen=True, slots=True)
class NotificationFilter:
    """Which notifications; None: any."""

    account_id: UUID | None = None
    order_id: UUID | None = None


class NotificationStore(Protocol):
    """Notifications and recipients."""

    async def add(self, tx: Transaction, notifications: Sequence[Notification]) -> None:
        """Writes notifications, but for those whose fact has one already."""

    async def put_recipient(self, tx: Transaction, recipient: Recipient) -> None:
        """What is known of a person now; older news change nothing, nor do any of somebody who is gone."""

    async def forget(self, tx: Transaction, account_id: UUID, now: datetime) -> None:
        """Takes away all that tells who an account was, heard of yet or not; the history of what was sent stays."""

    async def forget_again(self, since: datetime) -> None:
        """Forgets once more those who are gone since then: a mail may have been on its way meanwhile."""

    async def claim(self, now: datetime, lease: datetime, limit: int) -> list[tuple[Notification, Recipient]]:
        """Leases notifications that are due and whose recipient is known, or gone: no other claim gets them before `lease`.

        The lowest `priority` number first, then the oldest due time. Of one recipient and priority there is one at a time, in the order
        of their making, until an attempt has failed: one that cannot go out does not hold up those after it.
        """

    async def save(self, notification: Notification) -> bool:
        """Writes what became of an attempt; answers False, and writes nothing, when another worker has the lease by now.

        That a mail went out is written all the same, once.
        """

    async def page(
        self, which: NotificationFilter, after: tuple[datetime, UUID] | None, limit: int
    ) -> list[Notification]:
        """Newest first, after a position; each with its recipient's address as far as it is known."""

    async def count(self, which: NotificationFilter) -> int | None:
        """How many there are; None: more than MAX_COUNT."""

    async def page_each(
        self, which: NotificationFilter, account_ids: Sequence[UUID], limit: int
    ) -> Mapping[UUID, Sequence[Notification]]:
        """The newest of each account; one without any may be left out."""
        ...

    async def count_each(
        self, which: NotificationFilter, account_ids: Sequence[UUID]
    ) -> Mapping[UUID, int | None]:
        """How many each account has, as `count` does."""
        ...

    async def of_orders(self, order_ids: Sequence[UUID], owner: UUID | None, each: int) -> list[Notification]:
        """The newest of each order, those of `owner` only unless that is None."""


class Mailer(Protocol):
    """The way out."""

    async def send(self, mail: Mail) -> None:
        """Hands a mail over; raises MailRefused or MailDelayed."""
