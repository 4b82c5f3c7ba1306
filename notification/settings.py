"""The notification service's settings, beside those that all services have."""

import math
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
    smtp_host: str = setting("Host of the mail server", development="127.0.0.1")
    smtp_port: int = setting(
        "Port of the mail server", default=587, development=1025, minimum=1, maximum=65535
    )
    smtp_tls: str = setting(
        "none, starttls or tls (from the first byte)", default="starttls", development="none"
    )
    smtp_username: str = setting("User name at the mail server; empty: no login", default="")
    smtp_password: str = setting("Password at the mail server", default="", secret=True)
    mail_from: str = setting(
        "The sender, e.g. Souk <orders@example.com>; Message-IDs end with its domain",
        development="Souk <orders@souk.test>",
    )
    shop_url: str = setting("Base URL of links in mails", development="http://127.0.0.1:8000")
    mail_sealing_key: str = setting(
        "Decrypts the tokens of links; the same key as the account service's; 32 bytes in URL-safe base64",
        development=DEVELOPMENT_SEALING_KEY,
        secret=True,
    )
    notification_retention_seconds: timedelta = setting(
        "Seconds for which a notification is kept, and listed in the history, once it was sent or given up; "
        "longer than an event may be redelivered, or it would be mailed again",
        default=timedelta(days=365),
        minimum=timedelta(days=60).total_seconds(),
    )
    content_retention_seconds: timedelta = setting(
        "Seconds for which the content of a mail is kept, for support",
        default=timedelta(days=30),
        minimum=timedelta(days=4).total_seconds(),
    )
    unknown_recipient_seconds: timedelta = setting(
        "Seconds after which a mail is given up if its account is still unknown",
        default=timedelta(days=7),
        minimum=timedelta(hours=1).total_seconds(),
    )
    mails_at_once: int = setting(
        "Mails that this replica sends concurrently, each on a connection of its own to the mail server",
        default=20,
        minimum=1,
        maximum=100,
    )
    mails_per_second: float = setting(
        "Mails that this replica sends per second on average, inf for no limit; set it if your mail provider has a limit "
        "(of all replicas together)",
        default=math.inf,
        minimum=0.1,
    )
