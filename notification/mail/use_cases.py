"""Sending queued notifications: a pool of workers leases them and sends each at least once, always with the same Message-ID."""

from datetime import timedelta
from typing import Final

from kit.telemetry import get_logger
from kit.values import NOTIFICATION, Clock
from kit.work import Batcher
from notification.mail.errors import MailNotRendered, MailRejected, TemporaryDeliveryFailure
from notification.mail.metrics import MAILS
from notification.mail.ports import Due, Mailer, MailQueue
from notification.mail.rendering import Renderer
from notification.notifications.domain import Failure, Notification
from notification.recipients.domain import Recipient

log = get_logger(__name__)

# Longer than the mailer's timeout, so that a mail in progress is not leased twice.
_LEASE: Final = timedelta(seconds=20)


class MailDelivery:
    """The use cases of sending mail."""

    def __init__(self, queue: MailQueue, renderer: Renderer, mailer: Mailer, *, clock: Clock) -> None:
        self._queue = queue
        # Mails that were sent while others were being saved are saved together.
        self._results = Batcher(queue.save)
        self._renderer = renderer
        self._mailer = mailer
        self._clock = clock

    async def claim(self, limit: int) -> list[Due]:
        """Leases notifications to send, with their recipients."""
        now = self._clock()
        return await self._queue.claim(now, now + _LEASE, limit)

    async def send(self, due: Due) -> None:
        """Sends a leased notification; schedules a retry if the mail server is temporarily unavailable."""
        notification, recipient = due
        if recipient.is_guest and notification.is_about_unpaid_order:
            # Of an event without `placed_by_guest`, published by an earlier release.
            dropped = await self._queue.drop(notification)
            MAILS.labels(notification.template, "unpaid_guest" if dropped else "lease_lost").inc()
            return
        if recipient.is_deleted:
            outcome = "account_deleted"
            notification.fail(recipient.email, Failure.ACCOUNT_DELETED)
        elif notification.is_expired(self._clock()):
            outcome = "expired"
            notification.fail(recipient.email, Failure.EXPIRED)
        else:
            outcome = await self._deliver(notification, recipient)
        if not await self._results.run(notification):
            outcome = "lease_lost"
        MAILS.labels(notification.template, outcome).inc()

    async def _deliver(self, notification: Notification, recipient: Recipient) -> str:
        try:
            await self._mailer.send(self._renderer.mail(notification, recipient))
        except MailRejected:
            log.warning("mail.rejected", notification_id=NOTIFICATION.format(notification.id))
            notification.fail(recipient.email, Failure.REJECTED)
            return "rejected"
        except TemporaryDeliveryFailure:
            notification.schedule_retry(recipient.email, self._clock())
            return "deferred"
        except MailNotRendered:
            log.exception("mail.not_rendered", notification_id=NOTIFICATION.format(notification.id))
            notification.schedule_retry(recipient.email, self._clock(), Failure.NOT_RENDERED)
            return "not_rendered"
        notification.mark_sent(recipient.email, self._clock())
        return "sent"
