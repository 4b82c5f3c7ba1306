"""The composition root: everything the account service is made of, and its commands."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final

from account.attempt_store import PostgresAttemptStore
from account.audit_store import PostgresAuditStore
from account.consumers import AccountEvents
from account.credential_store import PostgresCredentialStore
from account.credential_use_cases import Credentials, GuessLimits
from account.device_store import PostgresDeviceStore
from account.device_use_cases import Devices
from account.domain import AuditEvent
from account.events import TOPIC
from account.link_use_cases import LinkLimits, Links
from account.passwords import COMMON_PASSWORDS, BcryptPasswords
from account.peers import Orders
from account.retention import retentions
from account.rpc import AccountRpc
from account.session_store import PostgresSessionStore
from account.session_use_cases import Lifetimes, Sessions
from account.settings import Settings
from account.store import PostgresAccountStore
from account.throttle import Throttle
from account.use_cases import Accounts
from account.web import jwks_route
from kit.auth import LEEWAY, MAX_LIFETIME, KeyFile, Sealer, SigningKeys, TokenIssuer, TokenVerifier
from kit.db import Database, Migrations
from kit.errors import InvalidArgument, Unavailable
from kit.identity import identity_from_settings
from kit.service import Service
from kit.values import utc_now
from kit.work import PeriodicJob

# Longer than it takes until every replica has read the file: a mounted secret is refreshed about once a minute.
_SIGNS_AFTER: Final = timedelta(minutes=3)
_WORDS_SECONDS: Final = 60.0


def build(settings: Settings) -> Service:
    """Everything the account service is made of."""
    keys = _keys(settings)
    verifier = TokenVerifier(keys.public)
    db = Database(settings.database_url, publishes=TOPIC)
    passwords = BcryptPasswords(cost=settings.bcrypt_cost, waiting=settings.passwords_waiting)
    orders = Orders(settings.order_address, identity_from_settings(settings))
    store, audit, secrets = PostgresAccountStore(db), PostgresAuditStore(db), PostgresCredentialStore(db)
    sessions = Sessions(
        db,
        PostgresSessionStore(db),
        audit,
        TokenIssuer(keys, lifetime=settings.access_token_seconds),
        Lifetimes(settings.session_idle_seconds, settings.session_absolute_seconds),
        utc_now,
    )
    devices = Devices(PostgresDeviceStore(db), utc_now)
    attempts = PostgresAttemptStore(db)
    throttle = Throttle(db, attempts, utc_now, max_waiting=settings.passwords_waiting)
    guesses = GuessLimits(settings.login_failures_per_account, settings.login_failures_per_address)
    credentials = Credentials(
        db,
        secrets,
        store,
        audit,
        sessions,
        devices,
        passwords,
        throttle,
        limits=guesses,
        common_passwords=COMMON_PASSWORDS,
        clock=utc_now,
    )
    links = Links(
        db,
        secrets,
        store,
        audit,
        sessions,
        devices,
        passwords,
        throttle,
        Sealer(settings.mail_sealing_key),
        limits=LinkLimits(
            password_reset=settings.password_reset_seconds,
            email_verification=settings.email_verification_seconds,
            per_network=settings.login_failures_per_address,
            reset_answer=settings.reset_answer_seconds,
        ),
        guesses=guesses,
        common_passwords=COMMON_PASSWORDS,
        clock=utc_now,
    )
    accounts = Accounts(
        db,
        store,
        audit,
        sessions,
        credentials,
        devices,
        passwords,
        orders,
        throttle,
        registrations_per_address=settings.registrations_per_address,
        common_passwords=COMMON_PASSWORDS,
        clock=utc_now,
    )

    async def grant_admin(words: Sequence[str]) -> None:
        if len(words) != 1:
            raise InvalidArgument("usage: grant_admin EMAIL")
        account = await accounts.grant_admin(words[0])
        print(f"{account.email} is {account.role.value}")

    async def rotate_keys(words: Sequence[str]) -> None:
        told = _rotated(settings.signing_keys_file, words)
        await accounts.note(AuditEvent("account.rotate_keys", None, None, "console", " ".join(words)))
        print(told)

    return Service(
        name="account",
        settings=settings,
        resources=[db, passwords, orders],
        optional=[orders],
        database=db,
        migrations=Migrations("account"),
        verifier=verifier,
        rpc=[AccountRpc(accounts, credentials, links, sessions, verifier)],
        callers={
            "AccountService": ["gateway"],
            "AccountService/VerifyToken": ["catalog", "order", "payment"],
        },
        routes=[jwks_route(keys)],
        consumes=AccountEvents(accounts).subscriptions(),
        jobs=[
            PeriodicJob("account.make_searchable", _WORDS_SECONDS, accounts.make_searchable),
            *retentions(db, settings),
        ],
        commands={"grant_admin": grant_admin, "rotate_keys": rotate_keys},
    )


def _keys(settings: Settings) -> KeyFile:
    if settings.is_development:
        SigningKeys.generate(settings.signing_keys_file)
    return KeyFile(settings.signing_keys_file)


def _rotated(path: Path, words: Sequence[str]) -> str:
    """Replaces the keys, and answers what happens now."""
    match list(words):
        case []:
            after, keep = _SIGNS_AFTER, MAX_LIFETIME + LEEWAY
            told = (
                f"a new key signs in {_SIGNS_AFTER.seconds} s; tokens of the old one count until they expire"
            )
        case ["now"]:
            # For a key that somebody else may have: everybody refreshes their tokens.
            after, keep = timedelta(0), timedelta(seconds=-1)
            told = "a new key signs from now on; tokens of the old ones count no more"
        case _:
            raise InvalidArgument("usage: rotate_keys [now]")
    try:
        SigningKeys.load(path).rotated(after=after, keep=keep).write(path)
    except OSError as error:
        # A mounted secret is read-only: rotate a copy of the file, and replace the secret by it.
        raise Unavailable(f"{path.name} cannot be replaced: {error.strerror}") from None
    return told
