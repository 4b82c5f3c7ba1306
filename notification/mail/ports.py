"""What sending mail needs from outside."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from notification.mail.domain import Mail
from notification.notifications.domain import Notification
from notification.recipients.domain import Recipient

Due = tuple[Notification, Recipient]


class MailQueue(Protocol):
    """Queued notifications, as work to lease."""

    async def claim(self, now: datetime, lease: datetime, limit: int) -> list[Due]:
        """Leases due notifications until `lease`; those whose recipient is not known yet stay queued.

        The lowest `priority` number first, then the oldest due time. For each recipient and priority only the oldest is leased, so
        their mails stay in order; once an attempt has failed it no longer holds up the ones after it.
        """

    async def save(self, notifications: Sequence[Notification]) -> Sequence[bool]:
        """Saves the results of attempts; returns False for those of which it saves nothing because another worker has taken over the lease.

        SENT is saved regardless of the lease, once. ACCOUNT_DELETED erases the content.
        """

    async def drop(self, notification: Notification) -> bool:
        """Deletes a leased notification; returns False, and deletes nothing, if another worker has taken over the lease."""


class Mailer(Protocol):
    """Sends mail."""

    async def send(self, mail: Mail) -> None:
        """Raises MailRejected or TemporaryDeliveryFailure."""
