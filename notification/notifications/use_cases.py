"""Queueing notifications, erasing deleted accounts' content, and listing the history."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from kit.auth import Principal
from kit.db import Transaction
from kit.values import Clock, Page
from notification.notifications.domain import Notification
from notification.notifications.ports import NotificationFilter, NotificationStore
from notification.recipients.use_cases import Recipients

_MAX_PER_ORDER: Final = 20
# Far longer than one attempt to send a mail takes.
_ERASURE_RECHECK_WINDOW: Final = timedelta(days=2)


class Notifications:
    """The use cases of notifications."""

    def __init__(self, store: NotificationStore, *, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def queue(self, tx: Transaction, notifications: Sequence[Notification]) -> None:
        """Queues notifications for sending; those of an event that was handled before are skipped."""
        await self._store.add(tx, notifications)

    async def erase(self, tx: Transaction, account_id: UUID) -> None:
        """Erases what a deleted account's notifications contain; queued ones are not sent."""
        await self._store.erase(tx, account_id)

    async def erase_late_arrivals(self) -> None:
        """Erases what mails in progress saved after their account was deleted."""
        await self._store.erase_late_arrivals(self._clock() - _ERASURE_RECHECK_WINDOW)

    async def list(
        self, filter: NotificationFilter, after: tuple[datetime, UUID] | None, size: int, *, count: bool
    ) -> Page[Notification]:
        """A page of the history; the caller has checked access to the filter's account."""
        notifications = await self._store.page(filter, after, size + 1)
        total = await self._store.count(filter) if count else None
        return Page.of(notifications, size, total)

    async def list_by_account(
        self,
        caller: Principal,
        filter: NotificationFilter,
        account_ids: Sequence[UUID],
        size: int,
        *,
        count: bool,
    ) -> Sequence[Page[Notification]]:
        """The first page of every account; raises PermissionDenied unless the caller has access to all of them."""
        caller.require_access_to(*account_ids)
        pages = await self._store.page_by_account(filter, account_ids, size + 1)
        totals = await self._store.count_by_account(filter, account_ids) if count else {}
        return [
            Page.of(pages.get(account_id, ()), size, totals[account_id] if count else None)
            for account_id in account_ids
        ]

    async def find_by_orders(self, caller: Principal, order_ids: Sequence[UUID]) -> Sequence[Notification]:
        """The newest notifications of every order that the caller has access to."""
        owner = None if caller.is_admin else caller.account_id
        return await self._store.find_by_orders(list(dict.fromkeys(order_ids)), owner, _MAX_PER_ORDER)


class GuestNotifications:
    """What becomes of a guest that was merged into an account; its notifications belong to the account already."""

    def __init__(self, notifications: Notifications, recipients: Recipients) -> None:
        self._notifications = notifications
        self._recipients = recipients

    async def guest_merged(self, tx: Transaction, guest_id: UUID, into_id: UUID) -> None:
        """Removes the guest's name and address, and erases the content of notifications if the account was deleted."""
        if await self._recipients.remove_guest(tx, guest_id, into_id):
            await self._notifications.erase(tx, into_id)
