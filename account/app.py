"""The composition root of the account service, and its console commands."""

import sys
from collections.abc import Sequence
from typing import Final

from account.accounts.consumers import AccountEvents
from account.accounts.store import PostgresAccountStore
from account.addresses.rpc import AddressRpc
from account.addresses.store import PostgresAddressStore
from account.attempts.store import PostgresAttemptStore
from account.audit.consumers import AuditEvents
from account.audit.domain import AuditEvent
from account.audit.store import PostgresAuditStore
from account.credentials.domain import GuessLimits
from account.credentials.passwords import BcryptPasswords
from account.credentials.store import PostgresCredentialStore
from account.devices.store import PostgresDeviceStore
from account.events import TOPIC
from account.guests.domain import GuestPolicy
from account.guests.peers import GuestOrders
from account.guests.store import PostgresGuestStore
from account.links.domain import LinkLifetimes
from account.links.store import PostgresLinkStore
from account.retention import retentions
from account.rpc import AccountServiceRpc, GuestRpc
from account.search.store import PostgresAccountSearchStore
from account.sessions.domain import Lifetimes
from account.sessions.key_rotation import rotate_keys
from account.sessions.store import PostgresSessionStore
from account.sessions.web import jwks_route
from account.settings import Settings
from account.use_cases import Policy, Ports, UseCases
from kit.auth import KeyFile, Sealer, SigningKeys, TokenIssuer, TokenVerifier
from kit.db import Database, Migrations
from kit.errors import InvalidArgument
from kit.identity import identity_from_settings
from kit.service import Service
from kit.work import PeriodicJob

_MAKE_SEARCHABLE_SECONDS: Final = 60.0
_GUEST_EXPIRY_SECONDS: Final = 600.0


def build(settings: Settings) -> Service:
    """Connects everything that the account service consists of."""
    keys = _keys(settings)
    verifier = TokenVerifier(keys.public)
    db = Database(settings.database_url, publishes=TOPIC)
    passwords = BcryptPasswords(cost=settings.bcrypt_cost, waiting=settings.passwords_waiting)
    orders = GuestOrders(settings.order_address, identity_from_settings(settings))
    ports = Ports(
        accounts=PostgresAccountStore(db),
        search=PostgresAccountSearchStore(db),
        sessions=PostgresSessionStore(db),
        credentials=PostgresCredentialStore(db),
        devices=PostgresDeviceStore(db),
        links=PostgresLinkStore(db),
        attempts=PostgresAttemptStore(db),
        audit=PostgresAuditStore(db),
        addresses=PostgresAddressStore(db),
        guests=PostgresGuestStore(db),
        guest_tokens=verifier,
        guest_orders=orders,
        passwords=passwords,
        orders=orders,
        sealer=Sealer(settings.mail_sealing_key),
        tokens=TokenIssuer(keys, lifetime=settings.access_token_seconds, clock=db.clock),
    )
    use_cases = UseCases(db, ports, _policy(settings), db.clock)

    async def grant_admin(args: Sequence[str]) -> None:
        if len(args) != 1:
            raise InvalidArgument("usage: grant_admin EMAIL")
        account = await use_cases.roles.grant_admin(args[0])
        print(f"{account.email} is {account.role.value}")

    async def rotate_signing_keys(args: Sequence[str]) -> None:
        message = rotate_keys(settings.signing_keys_file, args, sys.stdout)
        audit = AuditEvent("account.rotate_keys", None, None, "console", " ".join(args))
        await use_cases.audit.record_alone(audit)
        # Printed keys are the whole output.
        print(message, file=sys.stderr if "-" in args else sys.stdout)

    return Service(
        name="account",
        settings=settings,
        resources=[db, passwords, orders],
        optional=[orders],
        database=db,
        migrations=Migrations("account"),
        verifier=verifier,
        rpc=[
            AccountServiceRpc(use_cases, verifier),
            AddressRpc(use_cases.addresses),
            GuestRpc(use_cases, TokenVerifier(keys.public)),
        ],
        callers={
            "AccountService": ["gateway"],
            "AddressService": ["gateway"],
            "GuestService": ["gateway"],
            "GuestService/MergeGuest": ["order"],
            "AccountService/VerifyToken": ["catalog", "order", "payment"],
        },
        routes=[jwks_route(keys)],
        consumes=[
            *AuditEvents(use_cases.audit).subscriptions(),
            *AccountEvents(use_cases.accounts).subscriptions(),
        ],
        jobs=[
            PeriodicJob(
                "account.make_searchable", _MAKE_SEARCHABLE_SECONDS, use_cases.search.make_searchable
            ),
            PeriodicJob("account.guest_expiry", _GUEST_EXPIRY_SECONDS, use_cases.guest_expiry.delete_unused),
            *retentions(db, settings),
        ],
        commands={"grant_admin": grant_admin, "rotate_keys": rotate_signing_keys},
    )


def _keys(settings: Settings) -> KeyFile:
    if settings.is_development:
        SigningKeys.generate(settings.signing_keys_file)
    return KeyFile(settings.signing_keys_file)


def _policy(settings: Settings) -> Policy:
    return Policy(
        lifetimes=Lifetimes(settings.session_idle_seconds, settings.session_absolute_seconds),
        link_lifetimes=LinkLifetimes(
            settings.password_reset_seconds, settings.email_verification_seconds, settings.order_link_seconds
        ),
        guesses=GuessLimits(settings.login_failures_per_account, settings.login_failures_per_address),
        registrations_per_network=settings.registrations_per_address,
        resets_per_network=settings.login_failures_per_address,
        guests_per_network=settings.guests_per_address,
        guests=GuestPolicy(settings.guest_retention_seconds, settings.guest_order_retention_seconds),
        reset_min_duration=settings.reset_answer_seconds,
        max_waiting_guesses=settings.passwords_waiting,
    )
