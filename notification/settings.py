"""What the notification service is told beside what all services are."""

from dataclasses import dataclass
from datetime import timedelta

from kit.auth import DEVELOPMENT_SEALING_KEY
from kit.settings import BaseSettings, setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(BaseSettings):
    """Settings of the notification service."""

    service = "notification"

    http_port: int = setting(
        "Port of HTTP: health, metrics; /preview in development",
        default=8080,
        development=8005,
        minimum=0,
        maximum=65535,
    )
    grpc_port: int = setting("Port of gRPC", default=9080, development=9005, minimum=0, maximum=65535)
    database_url: str = setting(
        "PostgreSQL, postgresql://user:password@host:port/notification",
        development="postgresql://souk:souk@127.0.0.1:5432/notification",
        secret=True,
    )
    smtp_host: str = setting("The mail server", development="127.0.0.1")
    smtp_port: int = setting("Its port", default=587, development=1025, minimum=1, maximum=65535)
    smtp_tls: str = setting(
        "none, starttls or tls (from the first byte)", default="starttls", development="none"
    )
    smtp_username: str = setting("Login at the mail server; empty: none", default="")
    smtp_password: str = setting("Its password", default="", secret=True)
    mail_from: str = setting(
        "The sender, e.g. Souk <orders@example.com>; its domain ends the Message-IDs",
        development="Souk <orders@souk.test>",
    )
    shop_url: str = setting("Where links in mails lead", development="http://127.0.0.1:8000")
    mail_sealing_key: str = setting(
        "Reads the tokens of links, which account has sealed with the same; 32 bytes in URL-safe base64",
        development=DEVELOPMENT_SEALING_KEY,
        secret=True,
    )
    notification_retention_seconds: timedelta = setting(
        "Seconds for which a notification is kept, and shown in the history, after it was sent or given up; "
        "longer than an event may be repeated, or it would be mailed again",
        default=timedelta(days=365),
        minimum=timedelta(days=60).total_seconds(),
    )
    content_retention_seconds: timedelta = setting(
        "Seconds for which what a mail was made of is kept, to look into it",
        default=timedelta(days=30),
        minimum=timedelta(days=4).total_seconds(),
    )
    unknown_recipient_seconds: timedelta = setting(
        "Seconds after which a mail is given up whose account has not become known",
        default=timedelta(days=7),
        minimum=timedelta(hours=1).total_seconds(),
    )
    mails_at_once: int = setting("Mails handed over at the same time", default=8, minimum=1, maximum=100)
    mails_per_second: float = setting(
        "Mails begun a second, on average; the mail server's limits are its provider's",
        default=50.0,
        minimum=0.1,
    )
