"""The composition root: everything the account service is made of, and its commands."""

from collections.abc import Sequence

from account.events import TOPIC
from account.passwords import COMMON_PASSWORDS, BcryptPasswords
from account.rpc import AccountRpc
from account.settings import Settings
from account.store import PostgresAccountStore
from account.use_cases import Accounts, Limits
from account.web import jwks_route
from kit.auth import SigningKeys, TokenIssuer, TokenVerifier
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
    accounts = Accounts(
        db,
        PostgresAccountStore(db),
        passwords,
        TokenIssuer(keys, lifetime=settings.access_token_seconds),
        limits=Limits(
            session_idle=settings.session_idle_seconds,
            session_absolute=settings.session_absolute_seconds,
            failures_per_account=settings.login_failures_per_account,
            failures_per_address=settings.login_failures_per_address,
        ),
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
        resources=[db, passwords],
        database=db,
        migrations=Migrations("account"),
        verifier=verifier,
        rpc=[AccountRpc(accounts, verifier)],
        routes=[jwks_route(keys)],
        commands={"grant_admin": grant_admin},
    )


def _keys(settings: Settings) -> SigningKeys:
    if settings.is_development:
        return SigningKeys.generate(settings.signing_keys_file)
    return SigningKeys.load(settings.signing_keys_file)
