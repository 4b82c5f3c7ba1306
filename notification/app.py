"""Everything the notification service is made of: the composition root."""

from email.utils import parseaddr

from kit.auth import Sealer
from kit.db import Database, Migrations
from kit.service import Service
from kit.values import utc_now
from kit.work import PeriodicJob, Worker
from notification.consumers import Facts
from notification.mailer import SmtpMailer, ascii_domain
from notification.preview import preview_routes
from notification.rendering import Renderer
from notification.retention import retentions
from notification.rpc import NotificationRpc
from notification.settings import Settings
from notification.store import PostgresNotificationStore
from notification.use_cases import Notifications

_FORGETTING_SECONDS = 600.0


def build(settings: Settings) -> Service:
    """Builds the service; nothing is opened yet."""
    db = Database(settings.database_url)
    _, address = parseaddr(ascii_domain(settings.mail_from))
    mailer = SmtpMailer(
        host=settings.smtp_host,
        port=settings.smtp_port,
        sender=settings.mail_from,
        username=settings.smtp_username,
        password=settings.smtp_password,
        tls=settings.smtp_tls,
    )
    sealer = Sealer(settings.mail_sealing_key)
    renderer = Renderer(
        shop_url=settings.shop_url,
        mail_domain=address.rpartition("@")[2],
        sealer=sealer,
    )
    notifications = Notifications(PostgresNotificationStore(db), renderer, mailer, clock=utc_now)

    return Service(
        name="notification",
        settings=settings,
        database=db,
        migrations=Migrations("notification"),
        resources=[db, mailer],
        rpc=[NotificationRpc(notifications)],
        callers={"NotificationService": ["gateway"]},
        routes=preview_routes(renderer, sealer, utc_now) if settings.is_development else [],
        consumes=Facts(notifications, clock=utc_now).subscriptions(),
        jobs=[
            Worker(
                "mails",
                notifications.claim,
                notifications.send,
                concurrency=settings.mails_at_once,
                per_second=settings.mails_per_second,
            ),
            PeriodicJob("notification.forgetting", _FORGETTING_SECONDS, notifications.forget_again),
            *retentions(db, settings),
        ],
    )
