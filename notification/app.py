"""Builds the notification service: the composition root."""

from email.utils import parseaddr

from kit.auth import Sealer
from kit.db import Database, Migrations
from kit.guests import MergedGuests
from kit.service import Service
from kit.values import ORDER
from kit.work import PeriodicJob, Worker
from notification.mail.ports import Due
from notification.mail.preview import preview_routes
from notification.mail.rendering import Renderer
from notification.mail.store import PostgresMailQueue
from notification.mail.use_cases import MailDelivery
from notification.notifications.consumers import EventHandlers
from notification.notifications.retention import retentions
from notification.notifications.rpc import NotificationRpc
from notification.notifications.store import PostgresNotificationStore
from notification.notifications.use_cases import GuestNotifications, Notifications
from notification.recipients.store import PostgresRecipientStore
from notification.recipients.use_cases import Recipients
from notification.settings import Settings
from notification.smtp.connection import SmtpServer
from notification.smtp.encoding import ascii_domain
from notification.smtp.mailer import SmtpMailer

_ERASURE_SWEEP_SECONDS = 600.0


def build(settings: Settings) -> Service:
    """Builds the service; nothing is opened yet."""
    db = Database(settings.database_url)
    mailer = SmtpMailer(_smtp_server(settings), sender=settings.mail_from)
    sealer = Sealer(settings.mail_sealing_key)
    renderer = Renderer(shop_url=settings.shop_url, mail_domain=_mail_domain(settings), sealer=sealer)
    recipients = Recipients(PostgresRecipientStore(), clock=db.clock)
    notifications = Notifications(PostgresNotificationStore(db), clock=db.clock)
    on_merged = GuestNotifications(notifications, recipients).guest_merged
    guests = MergedGuests(db, ["notifications"], on_merged, clock=db.clock)
    delivery = MailDelivery(PostgresMailQueue(db), renderer, mailer, clock=db.clock)

    return Service(
        name="notification",
        settings=settings,
        database=db,
        migrations=Migrations("notification"),
        resources=[db, mailer],
        rpc=[NotificationRpc(notifications)],
        callers={"NotificationService": ["gateway"]},
        routes=preview_routes(renderer, sealer, db.clock) if settings.is_development else [],
        consumes=EventHandlers(notifications, recipients, guests, clock=db.clock).subscriptions(),
        jobs=[
            Worker(
                "mails",
                delivery.claim,
                delivery.send,
                concurrency=settings.mails_at_once,
                per_second=settings.mails_per_second,
                on_new_work=db.on_committed,
                order_id=_order_id,
            ),
            PeriodicJob("notification.erasure", _ERASURE_SWEEP_SECONDS, notifications.erase_late_arrivals),
            guests.job("notification.merged_guests"),
            *retentions(db, settings),
        ],
    )


def _smtp_server(settings: Settings) -> SmtpServer:
    return SmtpServer(
        host=settings.smtp_host,
        port=settings.smtp_port,
        username=settings.smtp_username,
        password=settings.smtp_password,
        tls=settings.smtp_tls,
    )


def _mail_domain(settings: Settings) -> str:
    _, sender = parseaddr(ascii_domain(settings.mail_from))
    return sender.rpartition("@")[2]


def _order_id(due: Due) -> str:
    notification, _ = due
    return ORDER.format(notification.order_id) if notification.order_id else ""
