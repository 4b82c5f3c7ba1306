"""Stand-ins for the account service's ports, and the use cases put together with them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from account.credential_use_cases import Credentials, GuessLimits
from account.device_use_cases import Devices
from account.domain import Account, Audited, AuditEvent, Purpose
from account.errors import EmailTaken, TooBusy
from account.link_use_cases import LinkLimits, Links
from account.passwords import COMMON_PASSWORDS
from account.ports import AuditFilter, Bucket
from account.search import matches, read_query, words_of
from account.session_domain import Refresh, Session
from account.session_use_cases import Lifetimes, Sessions
from account.throttle import Throttle
from account.use_cases import Accounts
from kit.auth import Role, SigningKeys, TokenIssuer
from kit.db import Transaction
from kit.db.fake import FakeDatabase
from kit.testing import FakeClock
from kit.values import ACCOUNT, AUDIT, Position, exact_count, utc_now


class FakeStore:
    """Keeps all six stores' ports in memory; shown honest by the store contract. Locks are not here."""

    def __init__(self) -> None:
        self.accounts: dict[UUID, tuple[Account, str]] = {}
        self.sessions: dict[UUID, Session] = {}
        self.ended: dict[UUID, datetime] = {}
        # By hash: session, expiry, when it was used, parent, seed.
        self.refreshes: dict[bytes, tuple[UUID, datetime, datetime | None, bytes | None, str | None]] = {}
        self.links: dict[bytes, tuple[Purpose, UUID, datetime]] = {}
        self.audits: list[Audited] = []
        self.attempts: dict[str, tuple[int, datetime]] = {}
        self.guesses: dict[str, tuple[Sequence[str], datetime]] = {}
        self.devices: dict[bytes, tuple[UUID, datetime]] = {}
        self.forgotten: list[UUID] = []

    async def add(self, tx: Transaction, account: Account, password_hash: str) -> None:
        if any(known.email == account.email for known, _ in self.accounts.values()):
            raise EmailTaken()
        self.accounts[account.id] = (account, password_hash)

    async def update(self, tx: Transaction, account: Account) -> None:
        known, password_hash = self.accounts[account.id]
        self.accounts[account.id] = (replace(account, email=known.email), password_hash)

    async def lock(self, tx: Transaction, account_id: UUID) -> tuple[Account, str] | None:
        return self.accounts.get(account_id)

    async def lock_by_email(self, tx: Transaction, email: str) -> Account | None:
        return next((account for account, _ in self.accounts.values() if account.email == email), None)

    async def lock_admins(self, tx: Transaction) -> set[UUID]:
        return await self.admins()

    async def admins(self) -> set[UUID]:
        return {account.id for account, _ in self.accounts.values() if account.role is Role.ADMIN}

    async def get_many(self, ids: Sequence[UUID]) -> list[Account]:
        return [self.accounts[account_id][0] for account_id in ids if account_id in self.accounts]

    async def page(self, query: str, after: Position | None, limit: int) -> list[Account]:
        found = sorted(
            self._found(query), key=lambda account: (account.create_time, account.id), reverse=True
        )
        return [each for each in found if after is None or (each.create_time, each.id) < after][:limit]

    async def count(self, query: str) -> int | None:
        return exact_count(len(self._found(query)))

    async def add_words(self, tx: Transaction, limit: int) -> int:
        return 0

    async def erase(self, tx: Transaction, account_id: UUID, now: datetime) -> None:
        del self.accounts[account_id]
        await self.forget_links(tx, account_id)
        self.devices = {token: each for token, each in self.devices.items() if each[0] != account_id}
        mine = {session.id for session in self.sessions.values() if session.account_id == account_id}
        self.refreshes = {token: each for token, each in self.refreshes.items() if each[0] not in mine}

    async def forget_told(self, tx: Transaction, account_id: UUID) -> None:
        self.forgotten.append(account_id)

    async def begin_session(self, tx: Transaction, session: Session, refresh_hash: bytes) -> None:
        self.sessions[session.id] = session
        self.refreshes[refresh_hash] = (session.id, session.refresh_expire_time, None, None, None)

    async def lock_refresh(self, tx: Transaction, refresh_hash: bytes) -> tuple[Refresh, Account] | None:
        if refresh_hash not in self.refreshes:
            return None
        session_id, expire_time, use_time, _, seed = self.refreshes[refresh_hash]
        session = self.sessions[session_id]
        following = [each for each in self.refreshes.values() if each[3] == refresh_hash]
        refresh = Refresh(
            session_id=session_id,
            account_id=session.account_id,
            session_expire_time=session.expire_time,
            session_ended=session_id in self.ended,
            expire_time=expire_time,
            use_time=use_time,
            seed=seed,
            successor_expire_time=following[0][1] if following else None,
            successor_used=any(each[2] for each in following),
        )
        return refresh, self.accounts[session.account_id][0]

    async def rotate(
        self,
        tx: Transaction,
        refresh: Refresh,
        used_hash: bytes,
        next_hash: bytes,
        seed: str,
        now: datetime,
        expire_time: datetime,
    ) -> None:
        session_id, expires, _, parent, _ = self.refreshes[used_hash]
        self.refreshes[used_hash] = (session_id, expires, now, parent, seed)
        self.refreshes[next_hash] = (session_id, expire_time, None, used_hash, None)

    async def end_session(self, tx: Transaction, session_id: UUID, now: datetime) -> bool:
        if session_id in self.ended:
            return False
        self.ended[session_id] = now
        return True

    async def end_sessions(self, tx: Transaction, account_id: UUID, now: datetime) -> list[UUID]:
        ended = [
            session.id
            for session in self.sessions.values()
            if session.account_id == account_id and session.expire_time > now and session.id not in self.ended
        ]
        self.ended |= dict.fromkeys(ended, now)
        await self.forget_links(tx, account_id)
        return sorted(ended)

    async def session_role(self, session_id: UUID, account_id: UUID, now: datetime) -> Role | None:
        session = self.sessions.get(session_id)
        if session is None or session_id in self.ended or session.account_id != account_id:
            return None
        if session.expire_time <= now or account_id not in self.accounts:
            return None
        return self.accounts[account_id][0].role

    async def credentials(self, email: str) -> tuple[Account, str] | None:
        return next((found for found in self.accounts.values() if found[0].email == email), None)

    async def password_hash(self, account_id: UUID) -> str | None:
        return self.accounts[account_id][1] if account_id in self.accounts else None

    async def set_password(self, tx: Transaction, account_id: UUID, password_hash: str) -> None:
        self.accounts[account_id] = (self.accounts[account_id][0], password_hash)

    async def replace_hash(self, account_id: UUID, current: str, stronger: str) -> None:
        if await self.password_hash(account_id) == current:
            self.accounts[account_id] = (self.accounts[account_id][0], stronger)

    async def keep_link(
        self,
        tx: Transaction,
        purpose: Purpose,
        account_id: UUID,
        token_hash: bytes,
        now: datetime,
        expire_time: datetime,
    ) -> None:
        kept = {link: each for link, each in self.links.items() if each[:2] != (purpose, account_id)}
        self.links = {**kept, token_hash: (purpose, account_id, expire_time)}

    async def link_owner(self, purpose: Purpose, token_hash: bytes, now: datetime) -> UUID | None:
        found = self.links.get(token_hash)
        return found[1] if found is not None and found[0] is purpose and found[2] > now else None

    async def take_link(self, tx: Transaction, purpose: Purpose, token_hash: bytes, now: datetime) -> bool:
        if await self.link_owner(purpose, token_hash, now) is None:
            return False
        del self.links[token_hash]
        return True

    async def forget_links(self, tx: Transaction, account_id: UUID) -> None:
        self.links = {link: each for link, each in self.links.items() if each[1] != account_id}

    async def device_owner(self, token_hash: bytes) -> UUID | None:
        return self.devices[token_hash][0] if token_hash in self.devices else None

    async def devices_of(self, account_id: UUID) -> list[bytes]:
        return [token for token, each in self.devices.items() if each[0] == account_id]

    async def keep_device(
        self, tx: Transaction, account_id: UUID, token_hash: bytes, now: datetime, limit: int
    ) -> None:
        self.devices[token_hash] = (account_id, now)
        mine = sorted(
            await self.devices_of(account_id), key=lambda token: (-self.devices[token][1].timestamp(), token)
        )
        for token in mine[limit:]:
            del self.devices[token]

    async def audit(
        self, tx: Transaction, event: AuditEvent, now: datetime, event_id: UUID | None = None
    ) -> None:
        self.audits.append(Audited(event_id or AUDIT.new(), now, event))

    async def forget_addresses(self, tx: Transaction, account_id: UUID) -> None:
        self.audits = [
            replace(each, event=replace(each.event, address=""))
            if each.event.actor_id == account_id
            or (each.event.actor_id is None and each.event.subject_id == account_id)
            else each
            for each in self.audits
        ]

    async def audit_page(self, which: AuditFilter, after: Position | None, limit: int) -> list[Audited]:
        found = sorted(self._audited(which), key=lambda each: (each.time, each.id), reverse=True)
        return [each for each in found if after is None or (each.time, each.id) < after][:limit]

    async def audit_count(self, which: AuditFilter) -> int | None:
        return exact_count(len(self._audited(which)))

    async def count_attempt(
        self, subjects: Sequence[str], now: datetime, window_start: datetime
    ) -> list[tuple[int, datetime]]:
        for subject in subjects:
            count, start = self.attempts.get(subject, (0, now))
            self.attempts[subject] = (1, now) if start < window_start else (count + 1, start)
        return [self.attempts[subject] for subject in subjects]

    async def forgive_attempt(self, subjects: Sequence[str]) -> None:
        for subject in subjects:
            count, start = self.attempts[subject]
            self.attempts[subject] = (max(0, count - 1), start)

    async def forget_attempts(self, subjects: Sequence[str]) -> None:
        for subject in subjects:
            self.attempts.pop(subject, None)

    async def lock_buckets(
        self, tx: Transaction, subjects: Sequence[str], now: datetime, window_start: datetime
    ) -> list[Bucket]:
        buckets = []
        for subject in subjects:
            count, start = self.attempts.get(subject, (0, now))
            if start < window_start:
                count, start = 0, now
            self.attempts[subject] = (count, start)
            under_way = [each for each in self.guesses.values() if subject in each[0] and each[1] > now]
            buckets.append(Bucket(count, len(under_way), start))
        return buckets

    async def begin_guess(
        self, tx: Transaction, guess_id: str, subjects: Sequence[str], expire_time: datetime
    ) -> None:
        self.guesses[guess_id] = (subjects, expire_time)

    async def end_guess(
        self, guess_id: str, subjects: Sequence[str], now: datetime, window_start: datetime, *, wrong: bool
    ) -> None:
        self.guesses.pop(guess_id, None)
        for subject in subjects if wrong else ():
            if subject in self.attempts:
                count, start = self.attempts[subject]
                self.attempts[subject] = (1, now) if not count or start < window_start else (count + 1, start)

    def _found(self, query: str) -> list[Account]:
        accounts = [account for account, _ in self.accounts.values()]
        if not query.strip():
            return accounts
        by_id = [account for account in accounts if ACCOUNT.format(account.id) == query.strip()]
        wanted = read_query(query)
        return by_id or [
            account
            for account in accounts
            if wanted is not None and matches(wanted, words_of(account.name, account.email, account.phone))
        ]

    def _audited(self, which: AuditFilter) -> list[Audited]:
        subject = (which.subject_id, which.subject_kind)
        return [
            each
            for each in self.audits
            if which.actor_id in (None, each.event.actor_id)
            and (which.subject_id is None or subject == (each.event.subject_id, each.event.subject_kind))
        ]


class FakePasswords:
    """Hashes by writing backwards; counts how often it was asked. `weak`: hashes that cost too little. `busy`: refuses."""

    def __init__(self) -> None:
        self.busy = False
        self.compared = 0
        self.hashed = 0
        self.weak: set[str] = set()

    async def hash(self, password: bytes) -> str:
        if self.busy:
            raise TooBusy()
        self.hashed += 1
        return password[::-1].hex()

    async def matches(self, password: bytes, password_hash: str | None) -> bool:
        if self.busy:
            raise TooBusy()
        self.compared += 1
        return password_hash is not None and password_hash.removeprefix("old:") == password[::-1].hex()

    def is_weak(self, password_hash: str) -> bool:
        return password_hash.startswith("old:")


class FakeOrders:
    """An order service that remembers whom it was asked about; `refuses` raises instead."""

    def __init__(self) -> None:
        self.closed: list[UUID] = []
        self.refuses: Exception | None = None

    async def close_of(self, account_id: UUID) -> None:
        if self.refuses:
            raise self.refuses
        self.closed.append(account_id)


class FakeSealer:
    """Hides nothing."""

    def seal(self, text: str) -> bytes:
        return text.encode()


class World:
    """The use cases with fakes around them; three wrong passwords for an account from one network, five from one network."""

    def __init__(self, keys: SigningKeys) -> None:
        self.db = FakeDatabase()
        self.store = FakeStore()
        self.passwords = FakePasswords()
        self.orders = FakeOrders()
        self.clock = FakeClock()
        self.clock.now = utc_now()
        self.issuer = TokenIssuer(keys, clock=self.clock)
        db: Any = self.db
        lifetimes = Lifetimes(timedelta(days=14), timedelta(days=90))
        self.sessions = Sessions(db, self.store, self.store, self.issuer, lifetimes, self.clock)
        self.devices = Devices(self.store, self.clock)
        self.throttle = Throttle(db, self.store, self.clock, max_waiting=100)
        self.guesses = GuessLimits(3, 5)
        self.credentials = Credentials(
            db,
            self.store,
            self.store,
            self.store,
            self.sessions,
            self.devices,
            self.passwords,
            self.throttle,
            limits=self.guesses,
            common_passwords=COMMON_PASSWORDS,
            clock=self.clock,
        )
        self.links = Links(
            db,
            self.store,
            self.store,
            self.store,
            self.sessions,
            self.devices,
            self.passwords,
            self.throttle,
            FakeSealer(),
            limits=LinkLimits(timedelta(hours=1), timedelta(days=1), 5, timedelta(0)),
            guesses=self.guesses,
            common_passwords=COMMON_PASSWORDS,
            clock=self.clock,
        )
        self.accounts = Accounts(
            db,
            self.store,
            self.store,
            self.sessions,
            self.credentials,
            self.devices,
            self.passwords,
            self.orders,
            self.throttle,
            registrations_per_address=100,
            common_passwords=COMMON_PASSWORDS,
            clock=self.clock,
        )
