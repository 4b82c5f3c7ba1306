"""Writing down what is to be told, sending it, and showing the history.

Reactions to facts only write a row; a pool of workers leases rows and hands the mails over, at least once, under one Message-ID.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from kit.auth import Principal
from kit.db import Transaction
from kit.telemetry import get_logger
from kit.values import NOTIFICATION, Clock, Page
from notification.domain import Failure, Notification, Recipient
from notification.errors import MailDelayed, MailNotRendered, MailRefused
from notification.metrics import MAILS
from notification.ports import Mailer, NotificationFilter, NotificationStore
from notification.rendering import Renderer

log = get_logger(__name__)

# Longer than a hand-over takes.
_LEASE: Final = timedelta(seconds=20)
_EACH_ORDER: Final = 20
# Far longer than a mail is under way.
_FORGOTTEN_FOR: Final = timedelta(days=2)

Due = tuple[Notification, Recipient]


class Notifications:
    """The use cases of notifications."""

    def __init__(self, store: NotificationStore, renderer: Renderer, mailer: Mailer, *, clock: Clock) -> None:
        self._store = store
        self._renderer = renderer
        self._mailer = mailer
        self._clock = clock

    async def account_registered(self, tx: Transaction, recipient: Recipient) -> None:
        """Remembers whom to write to, and welcomes them."""
        await self._store.put_recipient(tx, recipient)
        await self._store.add(tx, [Notification.welcome(recipient.account_id, self._clock())])

    async def account_updated(self, tx: Transaction, recipient: Recipient) -> None:
        """Remembers whom to write to."""
        await self._store.put_recipient(tx, recipient)

    async def account_deleted(self, tx: Transaction, account_id: UUID) -> None:
        """Forgets who they were; what was still to be told is not."""
        await self._store.forget(tx, account_id, self._clock())

    async def forget_again(self) -> None:
        """What was on its way to somebody while they were forgotten is forgotten too."""
        await self._store.forget_again(self._clock() - _FORGOTTEN_FOR)

    async def queue(self, tx: Transaction, notifications: Sequence[Notification]) -> None:
        """Writes down what is to be told; nothing when its fact was heard of before."""
        await self._store.add(tx, notifications)

    async def claim(self, limit: int) -> list[Due]:
        """Notifications to send, with whom to."""
        now = self._clock()
        return await self._store.claim(now, now + _LEASE, limit)

    async def send(self, due: Due) -> None:
        """Hands a leased notification over; what the mail server cannot take now is tried again later."""
        notification, recipient = due
        if recipient.is_gone:
            outcome = "gone"
            notification.failed(recipient.email, Failure.ACCOUNT_DELETED)
        elif notification.is_too_late(self._clock()):
            outcome = "too_late"
            notification.failed(recipient.email, Failure.EXPIRED)
        else:
            outcome = await self._hand_over(notification, recipient)
        if not await self._store.save(notification):
            outcome = "lease_lost"
        MAILS.labels(notification.template, outcome).inc()

    async def _hand_over(self, notification: Notification, recipient: Recipient) -> str:
        try:
            await self._mailer.send(self._renderer.mail(notification, recipient))
        except MailRefused:
            log.warning("mail.refused", notification_id=NOTIFICATION.format(notification.id))
            notification.failed(recipient.email, Failure.REFUSED)
            return "refused"
        except MailDelayed:
            notification.delayed(recipient.email, self._clock())
            return "delayed"
        except MailNotRendered:
            log.exception("mail.not_rendered", notification_id=NOTIFICATION.format(notification.id))
            notification.delayed(recipient.email, self._clock(), Failure.NOT_RENDERED)
            return "not_rendered"
        notification.sent(recipient.email, self._clock())
        return "sent"

    async def list(
        self, which: NotificationFilter, after: tuple[datetime, UUID] | None, size: int, *, count: bool
    ) -> Page[Notification]:
        """A page of the history; whose it may be was decided before."""
        found = await self._store.page(which, after, size + 1)
        total = await self._store.count(which) if count else None
        return Page.of(found, size, total)

    async def list_each(
        self,
        caller: Principal,
        which: NotificationFilter,
        account_ids: Sequence[UUID],
        size: int,
        *,
        count: bool,
    ) -> Sequence[Page[Notification]]:
        """The first page of each account; raises PermissionDenied when one is not the caller's."""
        caller.require_access_to(*account_ids)
        found = await self._store.page_each(which, account_ids, size + 1)
        totals = await self._store.count_each(which, account_ids) if count else {}
        return [Page.of(found.get(each, ()), size, totals[each] if count else None) for each in account_ids]

    async def of_orders(self, caller: Principal, order_ids: Sequence[UUID]) -> Sequence[Notification]:
        """The newest of each order, of those that the caller may see."""
        owner = None if caller.is_admin else caller.account_id
        return await self._store.of_orders(list(dict.fromkeys(order_ids)), owner, _EACH_ORDER)
