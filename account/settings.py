"""Configuration of the account service."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from kit.auth import DEVELOPMENT_SEALING_KEY
from kit.settings import BaseSettings, setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(BaseSettings):
    """The account service's settings."""

    service = "account"

    http_port: int = setting(
        "HTTP port: health, metrics, JWKS", default=8080, development=8001, minimum=0, maximum=65535
    )
    grpc_port: int = setting("gRPC port", default=9080, development=9001, minimum=0, maximum=65535)
    database_url: str = setting(
        "PostgreSQL, e.g. postgresql://user:password@host:5432/account",
        development="postgresql://souk:souk@127.0.0.1:5432/account",
        secret=True,
    )
    signing_keys_file: Path = setting(
        "File of Ed25519 keys, shared by all replicas; in development it is created if missing",
        development=Path(".souk/signing-keys.json"),
    )
    access_token_seconds: timedelta = setting(
        "Lifetime of an access token in seconds", default=timedelta(minutes=15), minimum=10, maximum=900
    )
    session_idle_seconds: timedelta = setting(
        "Seconds until an unused refresh token expires", default=timedelta(days=14), minimum=60
    )
    session_absolute_seconds: timedelta = setting(
        "Maximum lifetime of a session in seconds, even in constant use",
        default=timedelta(days=90),
        minimum=60,
    )
    session_retention_seconds: timedelta = setting(
        "Seconds for which a revoked or expired session and its tokens are kept, so that reuse of a stolen token is recognized",
        default=timedelta(days=30),
        minimum=timedelta(days=1).total_seconds(),
    )
    audit_retention_seconds: timedelta = setting(
        "Seconds for which events of the audit log are kept",
        default=timedelta(days=1095),
        minimum=timedelta(days=90).total_seconds(),
    )
    device_retention_seconds: timedelta = setting(
        "Seconds for which a device is remembered after its last sign-in",
        default=timedelta(days=180),
        minimum=timedelta(days=1).total_seconds(),
    )
    password_reset_seconds: timedelta = setting(
        "Lifetime of a mailed password reset link in seconds", default=timedelta(hours=1), minimum=10
    )
    email_verification_seconds: timedelta = setting(
        "Lifetime of a mailed email verification link in seconds", default=timedelta(days=1), minimum=10
    )
    reset_answer_seconds: timedelta = setting(
        "Minimum duration of a password reset request in seconds, so that timing does not reveal whether the account exists",
        default=timedelta(milliseconds=200),
        minimum=0,
        maximum=2,
    )
    mail_sealing_key: str = setting(
        "Key that encrypts the tokens of mailed links for the notification service, which has the same key; 32 bytes in URL-safe base64",
        development=DEVELOPMENT_SEALING_KEY,
        secret=True,
    )
    order_address: str = setting("gRPC address of the order service, host:port", development="127.0.0.1:9003")
    bcrypt_cost: int = setting("bcrypt cost; each step doubles the time", default=12, minimum=10, maximum=16)
    passwords_waiting: int = setting(
        "Maximum queued password hashes, and maximum logins waiting to have their password checked; more are rejected",
        default=256,
        minimum=1,
    )
    login_failures_per_account: int = setting(
        "Maximum wrong passwords in 15 minutes for one account from one network, from one known device, or in one session",
        default=10,
        minimum=1,
    )
    login_failures_per_address: int = setting(
        "Maximum wrong passwords, and maximum password reset requests, from one network (an IPv4 address, an IPv6 /64) in 15 minutes",
        default=100,
        development=10_000,
        minimum=1,
    )
    registrations_per_address: int = setting(
        "Maximum registrations from one network in 15 minutes", default=100, development=1_000_000, minimum=1
    )
    order_link_seconds: timedelta = setting(
        "Lifetime of the link in mails to guests in seconds", default=timedelta(days=30), minimum=10
    )
    guests_per_address: int = setting(
        "Maximum new guests from one network in 15 minutes", default=300, development=1_000_000, minimum=1
    )
    guest_retention_seconds: timedelta = setting(
        "Seconds after its last use for which a guest without orders is kept",
        default=timedelta(days=30),
        minimum=timedelta(days=1).total_seconds(),
    )
    guest_order_retention_seconds: timedelta = setting(
        "Seconds for which a guest is kept after the last of its orders ended and changed",
        default=timedelta(days=365),
        minimum=timedelta(days=1).total_seconds(),
    )
