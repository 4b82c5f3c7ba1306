"""The composition root: everything the account service is made of, and its commands."""

from collections.abc import Sequence

from account.audit_store import PostgresAuditStore
from account.consumers import AccountEvents
from account.credential_store import PostgresCredentialStore
from account.credential_use_cases import CredentialLimits, Credentials
from account.events import TOPIC
from account.passwords import COMMON_PASSWORDS, BcryptPasswords
from account.peers import Orders
from account.rpc import AccountRpc
from account.session_store import PostgresSessionStore
from account.session_use_cases import Lifetimes, Sessions
from account.settings import Settings
from account.store import PostgresAccountStore
from account.throttle import Throttle
from account.use_cases import Accounts
from account.web import jwks_route
from kit.auth import Sealer, SigningKeys, TokenIssuer, TokenVerifier
from kit.db import Database, Migrations
from kit.errors import InvalidArgument
from kit.service import Service
from kit.values import utc_now


def build(settings: Settings) -> Service:
    """Everything the account service is made of."""
    keys = _keys(settings)
    verifier = TokenVerifier(keys.public)
    db = Database(settings.database_url, publishes=TOPIC)
    passwords = BcryptPasswords(cost=settings.bcrypt_cost, waiting=settings.passwords_waiting)
    orders = Orders(settings.order_address)
    store, audit, secrets = PostgresAccountStore(db), PostgresAuditStore(db), PostgresCredentialStore(db)
    sessions = Sessions(
        db,
        PostgresSessionStore(db),
        audit,
        TokenIssuer(keys, lifetime=settings.access_token_seconds),
        Lifetimes(settings.session_idle_seconds, settings.session_absolute_seconds),
        utc_now,
    )
    credentials = Credentials(
        db,
        secrets,
        store,
        audit,
        sessions,
        passwords,
        Sealer(settings.mail_sealing_key),
        limits=CredentialLimits(
            failures_per_account=settings.login_failures_per_account,
            failures_per_address=settings.login_failures_per_address,
            password_reset=settings.password_reset_seconds,
            email_verification=settings.email_verification_seconds,
            reset_answer=settings.reset_answer_seconds,
        ),
        common_passwords=COMMON_PASSWORDS,
        clock=utc_now,
    )
    accounts = Accounts(
        db,
        store,
        audit,
        sessions,
        credentials,
        passwords,
        orders,
        Throttle(secrets, utc_now),
        registrations_per_address=settings.registrations_per_address,
        common_passwords=COMMON_PASSWORDS,
        clock=utc_now,
    )

    async def grant_admin(words: Sequence[str]) -> None:
        if len(words) != 1:
            raise InvalidArgument("usage: grant_admin EMAIL")
        account = await accounts.grant_admin(words[0])
        print(f"{account.email} is {account.role.value}")

    return Service(
        name="account",
        settings=settings,
        resources=[db, passwords, orders],
        optional=[orders],
        database=db,
        migrations=Migrations("account"),
        verifier=verifier,
        rpc=[AccountRpc(accounts, credentials, sessions, verifier)],
        routes=[jwks_route(keys)],
        consumes=AccountEvents(accounts).subscriptions(),
        commands={"grant_admin": grant_admin},
    )


def _keys(settings: Settings) -> SigningKeys:
    if settings.is_development:
        return SigningKeys.generate(settings.signing_keys_file)
    return SigningKeys.load(settings.signing_keys_file)
