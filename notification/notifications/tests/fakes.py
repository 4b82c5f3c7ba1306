"""The notifications' store in memory; `notification/tests/stores.py` runs its contract on it and on PostgreSQL."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID, uuid4

from kit.errors import JsonValue
from kit.testing import FakeClock
from kit.values import exact_count
from notification.notifications.domain import Notification, Template
from notification.notifications.ports import NotificationFilter
from notification.recipients.tests.fakes import FakeRecipientStore

LINES: list[JsonValue] = [{"name": "Mug <blue>", "quantity": 2, "unit_price": "9.99", "total": "19.98"}]
CONTEXT: dict[str, JsonValue] = {
    "order_id": "ord_1",
    "lines": LINES,
    "total": "19.98",
    "currency": "USD",
    "reason": "Your payment was declined.",
    "note": "Parcel 00340434161094042557",
    "address": ["John Doe", "1 Market Street", "Springfield IL 62701", "US"],
}


class FakeNotificationStore:
    """`ports.NotificationStore` in memory."""

    def __init__(self, recipients: FakeRecipientStore) -> None:
        self.recipients = recipients.recipients
        self.notifications: dict[UUID, Notification] = {}

    async def add(self, tx: object, notifications: Sequence[Notification]) -> None:
        for notification in notifications:
            number = self._order_number(notification) if notification.template is Template.REFUNDED else {}
            stored = replace(notification, context={**notification.context, **number})
            self.notifications.setdefault(notification.id, stored)

    def _order_number(self, refund: Notification) -> dict[str, JsonValue]:
        for other in self.notifications.values():
            if other.order_id == refund.order_id and "order_number" in other.context:
                return {"order_number": other.context["order_number"]}
        return {}

    async def erase(self, tx: object, account_id: UUID) -> None:
        for notification in self.notifications.values():
            if notification.account_id == account_id:
                notification.recipient, notification.context = "", {}

    async def erase_late_arrivals(self, since: datetime) -> None:
        for recipient in self.recipients.values():
            if recipient.is_deleted and recipient.update_time >= since:
                await self.erase(None, recipient.account_id)

    async def page(
        self, filter: NotificationFilter, after: tuple[datetime, UUID] | None, limit: int
    ) -> list[Notification]:
        matches = sorted(self._matches(filter), key=_position, reverse=True)
        return [self.with_address(n) for n in matches if after is None or _position(n) < after][:limit]

    async def page_by_account(
        self, filter: NotificationFilter, account_ids: Sequence[UUID], limit: int
    ) -> dict[UUID, list[Notification]]:
        return {
            account_id: await self.page(replace(filter, account_id=account_id), None, limit)
            for account_id in account_ids
        }

    async def count_by_account(
        self, filter: NotificationFilter, account_ids: Sequence[UUID]
    ) -> dict[UUID, int | None]:
        return {
            account_id: await self.count(replace(filter, account_id=account_id)) for account_id in account_ids
        }

    async def count(self, filter: NotificationFilter) -> int | None:
        return exact_count(len(self._matches(filter)))

    async def find_by_orders(
        self, order_ids: Sequence[UUID], owner: UUID | None, limit_per_order: int
    ) -> list[Notification]:
        matches = [
            notification
            for order_id in order_ids
            for notification in await self.page(NotificationFilter(owner, order_id), None, limit_per_order)
        ]
        return sorted(matches, key=_position, reverse=True)

    def with_address(self, notification: Notification) -> Notification:
        """A copy with the recipient's address, if known."""
        recipient = self.recipients.get(notification.account_id)
        return replace(
            notification, recipient=notification.recipient or (recipient.email if recipient else "")
        )

    def _matches(self, filter: NotificationFilter) -> list[Notification]:
        return [
            notification
            for notification in self.notifications.values()
            if filter.account_id in (None, notification.account_id)
            and filter.order_id in (None, notification.order_id)
        ]


def _position(notification: Notification) -> tuple[datetime, UUID]:
    return notification.create_time, notification.id


def about_order(
    clock: FakeClock,
    account_id: UUID,
    *,
    order_id: UUID | None = None,
    template: Template = Template.ORDER_CONFIRMED,
) -> Notification:
    """A notification about an order."""
    return Notification.about_order(template, order_id or uuid4(), account_id, CONTEXT, clock())
