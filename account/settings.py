"""What the account service is told."""

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
        "Port of HTTP: health, metrics, JWKS", default=8080, development=8001, minimum=0, maximum=65535
    )
    grpc_port: int = setting("Port of gRPC", default=9080, development=9001, minimum=0, maximum=65535)
    database_url: str = setting(
        "PostgreSQL, e.g. postgresql://user:password@host:5432/account",
        development="postgresql://souk:souk@127.0.0.1:5432/account",
        secret=True,
    )
    signing_keys_file: Path = setting(
        "File of Ed25519 keys, shared by all replicas; in development it is made when absent",
        development=Path(".souk/signing-keys.json"),
    )
    access_token_seconds: timedelta = setting(
        "Seconds that an access token lasts", default=timedelta(minutes=15), minimum=10, maximum=900
    )
    session_idle_seconds: timedelta = setting(
        "Seconds after which an unused refresh token ends", default=timedelta(days=14), minimum=60
    )
    session_absolute_seconds: timedelta = setting(
        "Seconds after which a session ends whatever happens", default=timedelta(days=90), minimum=60
    )
    session_retention_seconds: timedelta = setting(
        "Seconds for which a session and its tokens are kept after it ended or expired; a stolen token that comes back is known until then",
        default=timedelta(days=30),
        minimum=timedelta(days=1).total_seconds(),
    )
    audit_retention_seconds: timedelta = setting(
        "Seconds for which an event of the audit log is kept",
        default=timedelta(days=1095),
        minimum=timedelta(days=90).total_seconds(),
    )
    device_retention_seconds: timedelta = setting(
        "Seconds for which a device is remembered that nobody signs in from",
        default=timedelta(days=180),
        minimum=timedelta(days=1).total_seconds(),
    )
    password_reset_seconds: timedelta = setting(
        "Seconds that a mailed link to set a password is good", default=timedelta(hours=1), minimum=10
    )
    email_verification_seconds: timedelta = setting(
        "Seconds that a mailed link to prove an address is good", default=timedelta(days=1), minimum=10
    )
    reset_answer_seconds: timedelta = setting(
        "Seconds that asking for a link to set a password takes at least, so that the time tells nothing",
        default=timedelta(milliseconds=200),
        minimum=0,
        maximum=2,
    )
    mail_sealing_key: str = setting(
        "Hides the tokens of mailed links on their way to notification, which has the same; 32 bytes in URL-safe base64",
        development=DEVELOPMENT_SEALING_KEY,
        secret=True,
    )
    order_address: str = setting("The order service's gRPC, host:port", development="127.0.0.1:9003")
    bcrypt_cost: int = setting(
        "bcrypt's cost; each step doubles the time", default=12, minimum=10, maximum=16
    )
    passwords_waiting: int = setting(
        "Passwords that may wait to be hashed, and logins that may wait for their turn; more are rejected",
        default=256,
        minimum=1,
    )
    login_failures_per_account: int = setting(
        "Wrong passwords in 15 minutes for one account from one network, from one known device, or in one session",
        default=10,
        minimum=1,
    )
    login_failures_per_address: int = setting(
        "Wrong passwords from one network (an IPv4 address, an IPv6 /64) in 15 minutes, and requests of links to set one",
        default=100,
        development=10_000,
        minimum=1,
    )
    registrations_per_address: int = setting(
        "Accounts made from one network in 15 minutes", default=100, development=1_000_000, minimum=1
    )
