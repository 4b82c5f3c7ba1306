"""Fakes of the account service's ports, and its use cases on top of them."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from account.accounts.domain import Account
from account.accounts.errors import EmailTaken
from account.accounts.words import words_of
from account.attempts.domain import Bucket
from account.attempts.errors import TooBusy
from account.audit.domain import AuditEvent, AuditFilter, AuditRecord
from account.credentials.domain import Credentials, GuessLimits
from account.links.domain import LinkLifetimes, Purpose
from account.search.query import matches, read_query
from account.sessions.domain import Lifetimes, RefreshToken, Session
from account.use_cases import Policy, Ports, UseCases
from kit.auth import Role, SigningKeys, TokenIssuer
from kit.db import Transaction
from kit.db.fake import FakeDatabase
from kit.testing import FakeClock
from kit.values import ACCOUNT, AUDIT, Position, exact_count, utc_now


@dataclass(frozen=True)
class StoredToken:
    """A row of `refresh_tokens`."""

    session_id: UUID
    expire_time: datetime
    use_time: datetime | None = None
    parent: bytes | None = None
    seed: str | None = None


class FakeStore:
    """All stores in memory. The store contract compares it with PostgreSQL. It has no locks."""

    def __init__(self) -> None:
        self.accounts: dict[UUID, Credentials] = {}
        self.sessions: dict[UUID, Session] = {}
        self.revoked: dict[UUID, datetime] = {}
        self.tokens: dict[bytes, StoredToken] = {}
        self.links: dict[bytes, tuple[Purpose, UUID, datetime]] = {}
        self.audits: list[AuditRecord] = []
        self.attempts: dict[str, tuple[int, datetime]] = {}
        self.guesses: dict[str, tuple[Sequence[str], datetime]] = {}
        self.devices: dict[bytes, tuple[UUID, datetime]] = {}
        self.purged: list[UUID] = []

    async def add(self, tx: Transaction, account: Account, password_hash: str) -> None:
        if any(stored.account.email == account.email for stored in self.accounts.values()):
            raise EmailTaken()
        self.accounts[account.id] = Credentials(account, password_hash)

    async def update(self, tx: Transaction, account: Account) -> None:
        stored, password_hash = self.accounts[account.id]
        self.accounts[account.id] = Credentials(replace(account, email=stored.email), password_hash)

    async def lock(self, tx: Transaction, account_id: UUID) -> Account | None:
        return self.accounts[account_id].account if account_id in self.accounts else None

    async def lock_by_email(self, tx: Transaction, email: str) -> Account | None:
        credentials = await self.credentials(email)
        return credentials.account if credentials else None

    async def lock_admins(self, tx: Transaction) -> set[UUID]:
        return await self.admins()

    async def admins(self) -> set[UUID]:
        return {account.id for account, _ in self.accounts.values() if account.role is Role.ADMIN}

    async def get_many(self, ids: Sequence[UUID]) -> list[Account]:
        return [self.accounts[account_id].account for account_id in ids if account_id in self.accounts]

    async def page(self, query: str, after: Position | None, limit: int) -> list[Account]:
        accounts = sorted(
            self._search(query), key=lambda account: (account.create_time, account.id), reverse=True
        )
        return [
            account for account in accounts if after is None or (account.create_time, account.id) < after
        ][:limit]

    async def count(self, query: str) -> int | None:
        return exact_count(len(self._search(query)))

    async def index_words(self, tx: Transaction, limit: int) -> int:
        return 0

    async def erase(self, tx: Transaction, account_id: UUID, now: datetime) -> None:
        del self.accounts[account_id]
        await self.delete_links(tx, account_id)
        self.devices = {token: row for token, row in self.devices.items() if row[0] != account_id}
        sessions = {session.id for session in self.sessions.values() if session.account_id == account_id}
        self.tokens = {
            token: stored for token, stored in self.tokens.items() if stored.session_id not in sessions
        }

    async def purge_published_events(self, tx: Transaction, account_id: UUID) -> None:
        self.purged.append(account_id)

    async def add_session(self, tx: Transaction, session: Session, refresh_hash: bytes) -> None:
        self.sessions[session.id] = session
        self.tokens[refresh_hash] = StoredToken(session.id, session.refresh_expire_time)

    async def lock_refresh_token(
        self, tx: Transaction, refresh_hash: bytes
    ) -> tuple[RefreshToken, Account] | None:
        if refresh_hash not in self.tokens:
            return None
        token = self.tokens[refresh_hash]
        session = self.sessions[token.session_id]
        successors = [stored for stored in self.tokens.values() if stored.parent == refresh_hash]
        refresh = RefreshToken(
            session_id=session.id,
            account_id=session.account_id,
            session_expire_time=session.expire_time,
            session_revoked=session.id in self.revoked,
            expire_time=token.expire_time,
            use_time=token.use_time,
            seed=token.seed,
            successor_expire_time=successors[0].expire_time if successors else None,
            successor_used=any(stored.use_time for stored in successors),
        )
        return refresh, self.accounts[session.account_id].account

    async def rotate(
        self,
        tx: Transaction,
        refresh: RefreshToken,
        used_hash: bytes,
        next_hash: bytes,
        seed: str,
        now: datetime,
        expire_time: datetime,
    ) -> None:
        used = self.tokens[used_hash]
        self.tokens[used_hash] = replace(used, use_time=now, seed=seed)
        self.tokens[next_hash] = StoredToken(used.session_id, expire_time, parent=used_hash)

    async def revoke_session(self, tx: Transaction, session_id: UUID, now: datetime) -> bool:
        if session_id in self.revoked:
            return False
        self.revoked[session_id] = now
        return True

    async def revoke_sessions(self, tx: Transaction, account_id: UUID, now: datetime) -> list[UUID]:
        revoked = [
            session.id
            for session in self.sessions.values()
            if session.account_id == account_id
            and session.expire_time > now
            and session.id not in self.revoked
        ]
        self.revoked |= dict.fromkeys(revoked, now)
        await self.delete_links(tx, account_id)
        return sorted(revoked)

    async def session_role(self, session_id: UUID, account_id: UUID, now: datetime) -> Role | None:
        session = self.sessions.get(session_id)
        if session is None or session_id in self.revoked or session.account_id != account_id:
            return None
        if session.expire_time <= now or account_id not in self.accounts:
            return None
        return self.accounts[account_id].account.role

    async def credentials(self, email: str) -> Credentials | None:
        return next((stored for stored in self.accounts.values() if stored.account.email == email), None)

    async def lock_credentials(self, tx: Transaction, account_id: UUID) -> Credentials | None:
        return self.accounts.get(account_id)

    async def password_hash(self, account_id: UUID) -> str | None:
        return self.accounts[account_id].password_hash if account_id in self.accounts else None

    async def set_password(self, tx: Transaction, account_id: UUID, password_hash: str) -> None:
        self.accounts[account_id] = Credentials(self.accounts[account_id].account, password_hash)

    async def replace_hash(self, account_id: UUID, current: str, replacement: str) -> None:
        if await self.password_hash(account_id) == current:
            self.accounts[account_id] = Credentials(self.accounts[account_id].account, replacement)

    async def save_link(
        self,
        tx: Transaction,
        purpose: Purpose,
        account_id: UUID,
        token_hash: bytes,
        now: datetime,
        expire_time: datetime,
    ) -> None:
        others = {link: row for link, row in self.links.items() if row[:2] != (purpose, account_id)}
        self.links = {**others, token_hash: (purpose, account_id, expire_time)}

    async def link_owner(self, purpose: Purpose, token_hash: bytes, now: datetime) -> UUID | None:
        link = self.links.get(token_hash)
        return link[1] if link is not None and link[0] is purpose and link[2] > now else None

    async def consume_link(self, tx: Transaction, purpose: Purpose, token_hash: bytes, now: datetime) -> bool:
        if await self.link_owner(purpose, token_hash, now) is None:
            return False
        del self.links[token_hash]
        return True

    async def delete_links(self, tx: Transaction, account_id: UUID) -> None:
        self.links = {link: row for link, row in self.links.items() if row[1] != account_id}

    async def device_owner(self, token_hash: bytes) -> UUID | None:
        return self.devices[token_hash][0] if token_hash in self.devices else None

    async def devices_of(self, account_id: UUID) -> list[bytes]:
        return [token for token, row in self.devices.items() if row[0] == account_id]

    async def save_device(
        self, tx: Transaction, account_id: UUID, token_hash: bytes, now: datetime, limit: int
    ) -> None:
        self.devices[token_hash] = (account_id, now)
        newest_first = sorted(
            await self.devices_of(account_id), key=lambda token: (-self.devices[token][1].timestamp(), token)
        )
        for token in newest_first[limit:]:
            del self.devices[token]

    async def add_event(
        self, tx: Transaction, event: AuditEvent, time: datetime, event_id: UUID | None = None
    ) -> None:
        self.audits.append(AuditRecord(event_id or AUDIT.new(), time, event))

    async def erase_ip_addresses(self, tx: Transaction, account_id: UUID) -> None:
        self.audits = [
            replace(record, event=replace(record.event, address=""))
            if record.event.actor_id == account_id
            or (record.event.actor_id is None and record.event.subject_id == account_id)
            else record
            for record in self.audits
        ]

    async def page_of_events(
        self, filter: AuditFilter, after: Position | None, limit: int
    ) -> list[AuditRecord]:
        records = sorted(
            self._audit_records(filter), key=lambda record: (record.time, record.id), reverse=True
        )
        return [record for record in records if after is None or (record.time, record.id) < after][:limit]

    async def count_events(self, filter: AuditFilter) -> int | None:
        return exact_count(len(self._audit_records(filter)))

    async def count_attempts(
        self, keys: Sequence[str], now: datetime, window_start: datetime
    ) -> list[tuple[int, datetime]]:
        for key in keys:
            count, start = self.attempts.get(key, (0, now))
            self.attempts[key] = (1, now) if start < window_start else (count + 1, start)
        return [self.attempts[key] for key in keys]

    async def refund_attempts(self, keys: Sequence[str]) -> None:
        for key in keys:
            count, start = self.attempts[key]
            self.attempts[key] = (max(0, count - 1), start)

    async def reset_attempts(self, keys: Sequence[str]) -> None:
        for key in keys:
            self.attempts.pop(key, None)

    async def lock_buckets(
        self, tx: Transaction, keys: Sequence[str], now: datetime, window_start: datetime
    ) -> list[Bucket]:
        buckets = []
        for key in keys:
            count, start = self.attempts.get(key, (0, now))
            if start < window_start:
                count, start = 0, now
            self.attempts[key] = (count, start)
            guesses = [row for row in self.guesses.values() if key in row[0] and row[1] > now]
            buckets.append(Bucket(count, len(guesses), start))
        return buckets

    async def start_guess(
        self, tx: Transaction, guess_id: str, keys: Sequence[str], expire_time: datetime
    ) -> None:
        self.guesses[guess_id] = (keys, expire_time)

    async def finish_guess(
        self, guess_id: str, keys: Sequence[str], now: datetime, window_start: datetime, *, wrong: bool
    ) -> None:
        self.guesses.pop(guess_id, None)
        for key in keys if wrong else ():
            if key in self.attempts:
                count, start = self.attempts[key]
                self.attempts[key] = (1, now) if not count or start < window_start else (count + 1, start)

    def _search(self, query: str) -> list[Account]:
        accounts = [account for account, _ in self.accounts.values()]
        if not query.strip():
            return accounts
        by_id = [account for account in accounts if ACCOUNT.format(account.id) == query.strip()]
        parsed = read_query(query)
        return by_id or [
            account
            for account in accounts
            if parsed is not None and matches(parsed, words_of(account.name, account.email, account.phone))
        ]

    def _audit_records(self, filter: AuditFilter) -> list[AuditRecord]:
        subject = (filter.subject_id, filter.subject_kind)
        return [
            record
            for record in self.audits
            if filter.actor_id in (None, record.event.actor_id)
            and (filter.subject_id is None or subject == (record.event.subject_id, record.event.subject_kind))
        ]


class FakePasswords:
    """Hashes by reversing. Hashes that start with "old:" have a lower cost. When `busy` is set, raises TooBusy."""

    def __init__(self) -> None:
        self.busy = False
        self.comparisons = 0
        self.hashes = 0

    async def hash(self, password: bytes) -> str:
        if self.busy:
            raise TooBusy()
        self.hashes += 1
        return password[::-1].hex()

    async def matches(self, password: bytes, password_hash: str | None, subject: Hashable) -> bool:
        if self.busy:
            raise TooBusy()
        self.comparisons += 1
        return password_hash is not None and password_hash.removeprefix("old:") == password[::-1].hex()

    def needs_rehash(self, password_hash: str) -> bool:
        return password_hash.startswith("old:")


class FakeOrders:
    """Records the accounts whose orders were closed, or raises `error`."""

    def __init__(self) -> None:
        self.closed: list[UUID] = []
        self.error: Exception | None = None

    async def close_orders_of(self, account_id: UUID) -> None:
        if self.error:
            raise self.error
        self.closed.append(account_id)


class FakeSealer:
    """Does not encrypt."""

    def seal(self, text: str) -> bytes:
        return text.encode()


class World(UseCases):
    """The use cases on fakes. Limits: 3 wrong passwords for an account from one network, 5 from one network."""

    def __init__(self, keys: SigningKeys) -> None:
        self.db = FakeDatabase()
        self.store = store = FakeStore()
        self.passwords = FakePasswords()
        self.orders = FakeOrders()
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
            passwords=self.passwords,
            orders=self.orders,
            sealer=FakeSealer(),
            tokens=self.issuer,
        )
        policy = Policy(
            lifetimes=Lifetimes(timedelta(days=14), timedelta(days=90)),
            link_lifetimes=LinkLifetimes(timedelta(hours=1), timedelta(days=1)),
            guesses=GuessLimits(3, 5),
            registrations_per_network=100,
            resets_per_network=5,
            reset_min_duration=timedelta(0),
            max_waiting_guesses=100,
        )
        super().__init__(db, ports, policy, self.clock)
