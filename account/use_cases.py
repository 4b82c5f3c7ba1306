"""The use cases of all aggregates, connected with each other."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Protocol

from account.accounts.deletion import AccountEraser, Deletions
from account.accounts.ports import AccountStore, OrderCloser
from account.accounts.roles import Roles
from account.accounts.use_cases import Accounts
from account.addresses.ports import AddressStore
from account.addresses.use_cases import Addresses
from account.attempts.ports import AttemptStore
from account.attempts.use_cases import CountedLimit, Throttle
from account.audit.ports import AuditStore
from account.audit.use_cases import AuditLog
from account.credentials.domain import GuessLimits
from account.credentials.errors import RegisterThrottled
from account.credentials.guessing import PasswordGuesses
from account.credentials.ports import CredentialStore, Passwords
from account.credentials.registration import LimitedHashes, Registrations
from account.credentials.use_cases import Logins, NewPasswords, OwnerConfirmation, PasswordChanges
from account.devices.ports import DeviceStore
from account.devices.use_cases import Devices
from account.guests.domain import GuestPolicy
from account.guests.errors import GuestThrottled
from account.guests.expiry import GuestExpiry
from account.guests.merging import GuestMerges
from account.guests.ports import GuestStore, GuestTokenVerifier, OrderSummaries
from account.guests.use_cases import GuestContacts, GuestRegistrations, GuestStarts
from account.links.domain import LinkLifetimes, Purpose
from account.links.errors import ResetThrottled
from account.links.order_links import OrderLinkRequests, OrderLinks
from account.links.ports import LinkStore, OrderFinder, Sealer
from account.links.tokens import LinkTokens
from account.links.use_cases import (
    EmailVerifications,
    LinkMailer,
    LinkUses,
    PasswordResetRequests,
    PasswordResets,
)
from account.search.ports import AccountSearchStore
from account.search.use_cases import AccountSearch
from account.sessions.domain import Lifetimes
from account.sessions.ports import SessionStore
from account.sessions.tokens import SessionTokens
from account.sessions.use_cases import Sessions
from kit.auth import TokenIssuer
from kit.db import Database
from kit.errors import ResourceExhausted
from kit.values import Clock

# To one account within 15 minutes: enough for an owner who cannot find the mail, too few to annoy one who did not request it.
_MAX_MAILS: Final = 3


class GuestOrders(OrderSummaries, OrderFinder, Protocol):
    """What guests need of the order service."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """The adapters behind the use cases."""

    accounts: AccountStore
    search: AccountSearchStore
    sessions: SessionStore
    credentials: CredentialStore
    devices: DeviceStore
    links: LinkStore
    attempts: AttemptStore
    audit: AuditStore
    addresses: AddressStore
    guests: GuestStore
    guest_tokens: GuestTokenVerifier
    guest_orders: "GuestOrders"
    passwords: Passwords
    orders: OrderCloser
    sealer: Sealer
    tokens: TokenIssuer


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Lifetimes and limits. Limits per network are for 15 minutes."""

    lifetimes: Lifetimes
    link_lifetimes: LinkLifetimes
    guesses: GuessLimits
    registrations_per_network: int
    resets_per_network: int
    guests_per_network: int
    reset_min_duration: timedelta
    guests: GuestPolicy
    max_waiting_guesses: int


class UseCases:
    """All use cases of the service."""

    def __init__(self, db: Database, ports: Ports, policy: Policy, clock: Clock) -> None:
        self.audit = AuditLog(db, ports.audit, clock)
        self.search = AccountSearch(db, ports.search)
        self.throttle = Throttle(db, ports.attempts, clock, max_waiting=policy.max_waiting_guesses)
        self._add_sessions(db, ports, policy, clock)
        self._add_accounts(db, ports, clock)
        tokens = LinkTokens(ports.links, ports.sealer, policy.link_lifetimes, clock)
        self._add_guests(db, ports, policy, tokens, clock)
        self._add_passwords(db, ports, policy)
        self._add_deletion(db, ports, policy, clock)
        self._add_links(db, ports, policy, tokens, clock)

    def _add_sessions(self, db: Database, ports: Ports, policy: Policy, clock: Clock) -> None:
        tokens = SessionTokens(ports.tokens, policy.lifetimes)
        self.sessions = Sessions(db, ports.sessions, self.audit, tokens, clock)
        self.devices = Devices(ports.devices, self.sessions, clock)

    def _add_accounts(self, db: Database, ports: Ports, clock: Clock) -> None:
        self.accounts = Accounts(db, ports.accounts, self.audit, self.sessions, clock)
        self.roles = Roles(db, ports.accounts, self.audit, self.sessions, clock)
        self.addresses = Addresses(db, ports.addresses, ports.accounts, self.sessions, clock)

    def _add_guests(
        self, db: Database, ports: Ports, policy: Policy, tokens: LinkTokens, clock: Clock
    ) -> None:
        store, sessions = ports.guests, self.sessions
        limit = self._limit("guest", policy.guests_per_network, GuestThrottled)
        self.order_links = OrderLinks(db, store, sessions, tokens)
        self.guest_starts = GuestStarts(db, store, sessions, limit, clock)
        self.guest_contacts = GuestContacts(db, store, sessions, self.order_links, clock)
        self.guest_merges = GuestMerges(db, store, sessions, self.audit, clock)
        self.guest_registrations = GuestRegistrations(store, sessions, ports.guest_tokens, clock)

    def _add_passwords(self, db: Database, ports: Ports, policy: Policy) -> None:
        store, passwords, sessions = ports.credentials, ports.passwords, self.sessions
        limit = self._limit("register", policy.registrations_per_network, RegisterThrottled)
        hashes = LimitedHashes(passwords, limit)
        self.registrations = Registrations(db, self.accounts, self.guest_registrations, hashes, self.devices)
        self.guesses = PasswordGuesses(self.throttle, policy.guesses, self.devices, self.audit)
        self.logins = Logins(db, store, passwords, self.devices, self.guesses)
        self.confirmation = OwnerConfirmation(store, passwords, sessions, self.guesses)
        self.new_passwords = NewPasswords(store, passwords, sessions)
        self.password_changes = PasswordChanges(db, store, self.confirmation, self.new_passwords, sessions)

    def _add_deletion(self, db: Database, ports: Ports, policy: Policy, clock: Clock) -> None:
        eraser = AccountEraser(db, ports.accounts, self.audit, self.sessions, clock)
        self.deletions = Deletions(self.sessions, self.confirmation, ports.orders, eraser)
        self.guest_expiry = GuestExpiry(ports.guests, ports.guest_orders, eraser, policy.guests, clock)

    def _add_links(
        self, db: Database, ports: Ports, policy: Policy, tokens: LinkTokens, clock: Clock
    ) -> None:
        mails = {
            Purpose.PASSWORD_RESET: self._limit("reset", _MAX_MAILS, ResetThrottled),
            Purpose.EMAIL_VERIFICATION: self._limit("verification", _MAX_MAILS, ResetThrottled),
            Purpose.ORDER_ACCESS: self._limit("order-link", _MAX_MAILS, ResetThrottled),
        }
        network = self._limit("reset-network", policy.resets_per_network, ResetThrottled)
        mailer = LinkMailer(db, ports.accounts, tokens, self.audit, mails)
        links = LinkUses(ports.accounts, tokens, self.audit, clock)
        self.reset_requests = PasswordResetRequests(
            ports.credentials, mailer, network, policy.reset_min_duration
        )
        self.resets = PasswordResets(db, links, self.new_passwords, self.guesses)
        self.order_link_requests = OrderLinkRequests(
            ports.accounts,
            ports.guest_orders,
            mailer,
            self._limit("order-link-network", policy.resets_per_network, ResetThrottled),
            policy.reset_min_duration,
        )
        self.verifications = EmailVerifications(db, ports.accounts, self.sessions, mailer, links)

    def _limit(self, kind: str, limit: int, error: type[ResourceExhausted]) -> CountedLimit:
        return CountedLimit(self.throttle, kind, limit, error)
