"""All fake stores as one, and the account service's use cases on top of fakes."""

from datetime import timedelta
from typing import Any

from account.accounts.tests.fakes import FakeAccountStore, FakeOrders
from account.addresses.tests.fakes import FakeAddressStore
from account.attempts.tests.fakes import FakeAttemptStore
from account.audit.tests.fakes import FakeAuditStore
from account.credentials.domain import GuessLimits
from account.credentials.tests.fakes import FakeCredentialStore, FakePasswords
from account.devices.tests.fakes import FakeDeviceStore
from account.guests.domain import GuestPolicy
from account.guests.tests.fakes import FakeGuestOrders, FakeGuestStore
from account.links.domain import LinkLifetimes
from account.links.tests.fakes import FakeLinkStore, FakeSealer
from account.search.tests.fakes import FakeAccountSearchStore
from account.sessions.domain import Lifetimes
from account.sessions.tests.fakes import FakeSessionStore
from account.use_cases import Policy, Ports, UseCases
from kit.auth import SigningKeys, TokenIssuer, TokenVerifier
from kit.db.fake import FakeDatabase
from kit.testing import FakeClock
from kit.values import utc_now


class FakeStore(
    FakeAccountStore,
    FakeAccountSearchStore,
    FakeSessionStore,
    FakeCredentialStore,
    FakeLinkStore,
    FakeDeviceStore,
    FakeAuditStore,
    FakeAddressStore,
    FakeGuestStore,
    FakeAttemptStore,
):
    """All stores in memory. The store contract compares it with PostgreSQL."""


# Limits: 3 wrong passwords for an account from one network, 5 from one network.
POLICY = Policy(
    lifetimes=Lifetimes(timedelta(days=14), timedelta(days=90)),
    link_lifetimes=LinkLifetimes(timedelta(hours=1), timedelta(days=1)),
    guesses=GuessLimits(3, 5),
    registrations_per_network=100,
    resets_per_network=5,
    guests_per_network=20,
    guests=GuestPolicy(timedelta(days=30), timedelta(days=365)),
    reset_min_duration=timedelta(0),
    max_waiting_guesses=100,
)


class World(UseCases):
    """The use cases on fakes, with POLICY."""

    def __init__(self, keys: SigningKeys) -> None:
        self.db = FakeDatabase()
        self.store = store = FakeStore()
        self.passwords = FakePasswords()
        self.orders = FakeOrders()
        self.guest_orders = FakeGuestOrders()
        self.clock = FakeClock()
        self.clock.now = utc_now()
        self.issuer = TokenIssuer(keys, clock=self.clock)
        db: Any = self.db
        ports = Ports(
            accounts=store,
            search=store,
            sessions=store,
            credentials=store,
            devices=store,
            links=store,
            attempts=store,
            audit=store,
            addresses=store,
            guests=store,
            guest_tokens=TokenVerifier(keys.public),
            guest_orders=self.guest_orders,
            passwords=self.passwords,
            orders=self.orders,
            sealer=FakeSealer(),
            tokens=self.issuer,
        )
        super().__init__(db, ports, POLICY, self.clock)
