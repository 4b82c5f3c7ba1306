"""One contract for the fake store and for PostgreSQL."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any, cast

import pytest

from account.attempt_store import PostgresAttemptStore
from account.audit_store import PostgresAuditStore
from account.credential_store import PostgresCredentialStore
from account.device_store import PostgresDeviceStore
from account.domain import (
    Account,
    AccountDeleted,
    AccountRegistered,
    Audited,
    AuditEvent,
    Purpose,
    Registration,
)
from account.errors import EmailTaken, LoginThrottled
from account.events import TOPIC
from account.ports import AuditFilter, Bucket
from account.session_domain import Refresh, Session
from account.session_store import PostgresSessionStore
from account.store import PostgresAccountStore
from account.tables import TABLES
from account.tests.fakes import FakeStore
from account.throttle import Brake, Throttle
from kit.auth import Role
from kit.db import Database, Migrations, Transaction, assert_tables_match
from kit.db.fake import FakeDatabase
from kit.testing.copy_rows import copy_rows
from kit.testing.fixtures import database_url, postgres
from kit.values import ACCOUNT, AUDIT, PRODUCT, SESSION, utc_now

__all__ = ["database_url", "postgres"]

NOW = utc_now()
World = tuple[Any, Any]


class Stores(
    PostgresAccountStore,
    PostgresSessionStore,
    PostgresCredentialStore,
    PostgresAttemptStore,
    PostgresDeviceStore,
    PostgresAuditStore,
):
    """All six."""


@pytest.fixture(params=["fake", "postgresql"])
async def world(request: pytest.FixtureRequest, database_url: str) -> AsyncIterator[World]:
    if request.param == "fake":
        yield FakeDatabase(), FakeStore()
        return
    await Migrations("account").apply(database_url)
    db = Database(database_url, publishes=TOPIC)
    await db.open()
    yield db, Stores(db)
    await db.close()


def account(email: str = "john@example.com") -> Account:
    read = Registration.read(
        name="John", email=email, phone="", password="SecurePass123!", common=frozenset()
    )
    return Account.register(read, NOW)[0]


async def added(world: World, email: str = "john@example.com") -> Account:
    db, store = world
    made = account(email)
    async with db.transaction() as tx:
        await store.add(tx, made, "hash")
    return made


async def test_an_account_comes_back_as_it_was(world: World) -> None:
    made = await added(world)
    assert await world[1].get_many([made.id, ACCOUNT.new()]) == [made]
    assert await world[1].credentials(made.email) == (made, "hash")
    assert await world[1].credentials("nobody@example.com") is None


async def test_an_address_is_taken_once(world: World) -> None:
    await added(world)
    with pytest.raises(EmailTaken):
        await added(world)


async def test_a_changed_role_is_kept(world: World) -> None:
    made = await added(world)
    db, store = world
    async with db.transaction() as tx:
        locked = await store.lock_by_email(tx, made.email)
        await store.update(tx, locked.grant(Role.ADMIN, NOW)[0])
    assert (await store.get_many([made.id]))[0].role is Role.ADMIN


async def test_a_session_tells_the_role_until_it_ends(world: World) -> None:
    db, store = world
    made = await added(world)
    session = Session.begin(made.id, NOW, idle=timedelta(days=1), absolute=timedelta(days=2))
    async with db.transaction() as tx:
        await store.begin_session(tx, session, b"hash")
    assert await store.session_role(session.id, made.id, NOW) is Role.USER
    assert await store.session_role(session.id, ACCOUNT.new(), NOW) is None
    assert await store.session_role(SESSION.new(), made.id, NOW) is None
    assert await store.session_role(session.id, made.id, NOW + timedelta(days=3)) is None
    async with db.transaction() as tx:
        await store.end_sessions(tx, made.id, NOW)
    assert await store.session_role(session.id, made.id, NOW) is None


async def begun(world: World, owner: Account, refresh_hash: bytes = b"first") -> Session:
    db, store = world
    session = Session.begin(owner.id, NOW, idle=timedelta(days=1), absolute=timedelta(days=2))
    async with db.transaction() as tx:
        await store.begin_session(tx, session, refresh_hash)
    return session


async def rotated(world: World, used: bytes, following: bytes, now: datetime = NOW) -> None:
    db, store = world
    async with db.transaction() as tx:
        refresh, _ = await store.lock_refresh(tx, used)
        await store.rotate(tx, refresh, used, following, f"seed of {used!r}", now, now + timedelta(days=1))


async def found(world: World, refresh_hash: bytes) -> Refresh | None:
    db, store = world
    async with db.transaction() as tx:
        locked = await store.lock_refresh(tx, refresh_hash)
    return locked[0] if locked else None


async def test_a_refresh_token_tells_whether_it_and_what_came_of_it_were_used(world: World) -> None:
    made = await added(world)
    session = await begun(world, made)
    first = await found(world, b"first")
    assert first
    assert (first.session_id, first.account_id, first.use_time) == (session.id, made.id, None)
    assert (first.session_expire_time, first.expire_time) == (
        session.expire_time,
        session.refresh_expire_time,
    )

    assert (first.seed, first.successor_expire_time) == (None, None)

    await rotated(world, b"first", b"second")
    again = await found(world, b"first")
    assert again
    assert (again.use_time, again.seed, again.successor_used) == (NOW, "seed of b'first'", False)
    assert again.successor_expire_time == NOW + timedelta(days=1)

    await rotated(world, b"second", b"third")
    states = {}
    for token in (b"first", b"second", b"third"):
        refresh = await found(world, token)
        assert refresh
        states[token] = (refresh.use_time is not None, refresh.successor_used)
    assert states == {b"first": (True, True), b"second": (True, False), b"third": (False, False)}
    assert await found(world, b"unknown") is None


async def test_sessions_end_once(world: World) -> None:
    db, store = world
    made, other = await added(world), await added(world, "jane@example.com")
    sessions = [await begun(world, made, bytes([number])) for number in range(3)]
    await begun(world, other, b"other")
    async with db.transaction() as tx:
        assert await store.end_session(tx, sessions[0].id, NOW)
        assert not await store.end_session(tx, sessions[0].id, NOW)
        assert set(await store.end_sessions(tx, made.id, NOW)) == {sessions[1].id, sessions[2].id}
        assert await store.end_sessions(tx, made.id, NOW) == []
        # Whose time is over has ended by itself.
        assert await store.end_sessions(tx, other.id, NOW + timedelta(days=2)) == []
    refresh = await found(world, b"\x00")
    assert refresh
    assert refresh.session_ended


async def test_a_password_is_replaced(world: World) -> None:
    db, store = world
    made = await added(world)
    async with db.transaction() as tx:
        assert await store.lock(tx, made.id) == (made, "hash")
        await store.set_password(tx, made.id, "another")
        assert await store.lock(tx, ACCOUNT.new()) is None
    assert await store.password_hash(made.id) == "another"
    assert await store.password_hash(ACCOUNT.new()) is None


async def test_a_link_is_taken_once_in_its_time_for_its_purpose(world: World) -> None:
    db, store = world
    made, expires = await added(world), NOW + timedelta(hours=1)
    reset, proof = Purpose.PASSWORD_RESET, Purpose.EMAIL_VERIFICATION
    async with db.transaction() as tx:
        for link, purpose in ((b"1", reset), (b"2", reset), (b"3", proof)):
            await store.keep_link(tx, purpose, made.id, link, NOW, expires)
    owners = [await store.link_owner(reset, link, NOW) for link in (b"1", b"2", b"3")]
    assert owners == [None, made.id, None]
    assert await store.link_owner(reset, b"2", expires) is None
    async with db.transaction() as tx:
        assert not await store.take_link(tx, reset, b"2", expires)
        assert not await store.take_link(tx, proof, b"2", NOW)
        assert await store.take_link(tx, reset, b"2", NOW)
        assert not await store.take_link(tx, reset, b"2", NOW)


async def test_admins_are_those_who_are_it_now(world: World) -> None:
    db, store = world
    made, other = await added(world), await added(world, "jane@example.com")
    async with db.transaction() as tx:
        for each in (made, other):
            await store.update(tx, each.grant(Role.ADMIN, NOW)[0])
    assert await store.admins() == {made.id, other.id}
    async with db.transaction() as tx:
        assert await store.lock_admins(tx) == {made.id, other.id}
        await store.erase(tx, made.id, NOW)
    assert await store.admins() == {other.id}


async def test_a_deleted_account_is_nowhere_and_its_address_is_free(world: World) -> None:
    db, store = world
    made = await added(world)
    session = await begun(world, made)
    async with db.transaction() as tx:
        await store.keep_link(tx, Purpose.PASSWORD_RESET, made.id, b"link", NOW, NOW + timedelta(hours=1))
        await store.end_sessions(tx, made.id, NOW)
        await store.erase(tx, made.id, NOW)
    assert await store.get_many([made.id]) == []
    assert await store.credentials(made.email) is None
    assert await store.session_role(session.id, made.id, NOW) is None
    assert await found(world, b"first") is None
    assert await store.link_owner(Purpose.PASSWORD_RESET, b"link", NOW) is None
    assert await store.count("") == 0
    await added(world)


async def test_accounts_are_found_by_the_beginnings_of_words(world: World) -> None:
    db, store = world
    for name, email, phone in (
        ("Zoë Müller", "zoe.mueller@example.com", ""),
        ("John O'Neill-Smith", "john_smith+shop@mail.example", "+41441234567"),
        ("Jane", "jane@example.com", ""),
    ):
        read = Registration.read(
            name=name, email=email, phone=phone, password="SecurePass123!", common=frozenset()
        )
        async with db.transaction() as tx:
            await store.add(tx, Account.register(read, NOW)[0], "hash")
    [jane] = await store.page("jane", None, 10)

    async def names(query: str) -> set[str]:
        return {each.name.split()[0] for each in await store.page(query, None, 10)}

    assert await names("") == {"Zoë", "John", "Jane"}
    assert await names("MÜL") == {"Zoë"}
    assert await names("smith joh") == {"John"}
    assert await names("4144123") == {"John"}
    assert await names("example.com") == {"Zoë", "Jane"}
    assert await names("jane smith") == set()
    assert await names("oe") == set()
    assert await names(f" {ACCOUNT.format(jane.id)} ") == {"Jane"}
    assert await names("044 123 45") == {"John"}
    assert await names("muller") == {"Zoë"}
    assert await names("ONeill") == {"John"}
    assert await names("' & | ! :* ( \\") == set()
    assert await names("\U0001f984") == set()
    assert await store.count("-") == 0
    assert await store.count("example.com") == 2


async def test_accounts_are_paged_newest_first(world: World) -> None:
    db, store = world
    made = []
    for number in range(5):
        each = replace(account(f"john{number}@example.com"), create_time=NOW + timedelta(seconds=number // 2))
        async with db.transaction() as tx:
            await store.add(tx, each, "hash")
        made.append(each)
    wanted = sorted(made, key=lambda each: (each.create_time, each.id), reverse=True)
    seen: list[Account] = []
    while page := await store.page("", (seen[-1].create_time, seen[-1].id) if seen else None, 2):
        seen += page
    assert seen == wanted


async def test_attempts_of_a_subject_are_forgotten(world: World) -> None:
    store = world[1]
    await store.count_attempt(["a", "b"], NOW, NOW - timedelta(minutes=15))
    await store.forget_attempts(["a", "c"])
    assert await store.count_attempt(["a", "b"], NOW, NOW - timedelta(minutes=15)) == [(1, NOW), (2, NOW)]


async def test_attempts_are_counted_within_their_window(world: World) -> None:
    store = world[1]
    start = NOW - timedelta(minutes=15)
    assert await store.count_attempt(["b", "a"], NOW, start) == [(1, NOW), (1, NOW)]
    assert await store.count_attempt(["a"], NOW, start) == [(2, NOW)]
    await store.forgive_attempt(["a", "b"])
    assert await store.count_attempt(["a", "b"], NOW, start) == [(2, NOW), (1, NOW)]
    later = NOW + timedelta(minutes=16)
    assert await store.count_attempt(["a"], later, later - timedelta(minutes=15)) == [(1, later)]


async def test_attempts_at_once_are_all_counted(world: World) -> None:
    store = world[1]
    subjects = [["a", "b"], ["b", "a"]] * 20
    counted = await asyncio.gather(
        *(store.count_attempt(each, NOW, NOW - timedelta(minutes=15)) for each in subjects)
    )
    assert max(count for answer in counted for count, _ in answer) == 40


async def test_guesses_hold_their_places_until_they_end(world: World) -> None:
    db, store = world
    start, later = NOW - timedelta(minutes=15), NOW + timedelta(seconds=15)

    async def buckets(now: datetime = NOW) -> list[Bucket]:
        async with db.transaction() as tx:
            locked: list[Bucket] = await store.lock_buckets(tx, ["b", "a"], now, now - timedelta(minutes=15))
        return locked

    assert await buckets() == [Bucket(0, 0, NOW)] * 2
    async with db.transaction() as tx:
        await store.begin_guess(tx, "1", ["b", "a"], later)
        await store.begin_guess(tx, "2", ["b"], later)
    assert await buckets() == [Bucket(0, 2, NOW), Bucket(0, 1, NOW)]
    assert [bucket.guesses for bucket in await buckets(later)] == [0, 0]
    await store.end_guess("1", ["b", "a"], NOW + timedelta(seconds=1), start, wrong=True)
    await store.end_guess("2", ["b"], NOW + timedelta(seconds=2), start, wrong=False)
    assert await buckets() == [Bucket(1, 0, NOW + timedelta(seconds=1))] * 2
    await store.end_guess("3", ["b"], NOW + timedelta(minutes=17), NOW + timedelta(minutes=2), wrong=True)
    assert (await buckets(NOW + timedelta(minutes=17)))[0] == Bucket(1, 0, NOW + timedelta(minutes=17))


async def test_devices_are_known_until_they_are_too_many(world: World) -> None:
    db, store = world
    made, other = await added(world), await added(world, "jane@example.com")
    async with db.transaction() as tx:
        for second, device in enumerate((b"1", b"2", b"3", b"1")):
            await store.keep_device(tx, made.id, device, NOW + timedelta(seconds=second), 2)
        await store.keep_device(tx, other.id, b"4", NOW, 2)
    owners = [await store.device_owner(device) for device in (b"1", b"2", b"3", b"4", b"5")]
    assert owners == [made.id, None, made.id, other.id, None]
    assert set(await store.devices_of(made.id)) == {b"1", b"3"}
    async with db.transaction() as tx:
        await store.erase(tx, made.id, NOW)
    assert await store.device_owner(b"1") is None


async def test_a_hash_is_replaced_unless_the_password_changed(world: World) -> None:
    store = world[1]
    made = await added(world)
    await store.replace_hash(made.id, "hash", "stronger")
    await store.replace_hash(made.id, "hash", "from before")
    assert await store.password_hash(made.id) == "stronger"


async def test_sessions_end_with_every_mailed_link_of_their_account(world: World) -> None:
    db, store = world
    made, other = await added(world), await added(world, "jane@example.com")
    async with db.transaction() as tx:
        for owner, link in ((made, b"1"), (other, b"2")):
            await store.keep_link(tx, Purpose.PASSWORD_RESET, owner.id, link, NOW, NOW + timedelta(hours=1))
        await store.keep_link(tx, Purpose.EMAIL_VERIFICATION, made.id, b"3", NOW, NOW + timedelta(hours=1))
        await store.end_sessions(tx, made.id, NOW)
    assert await store.link_owner(Purpose.PASSWORD_RESET, b"1", NOW) is None
    assert await store.link_owner(Purpose.EMAIL_VERIFICATION, b"3", NOW) is None
    assert await store.link_owner(Purpose.PASSWORD_RESET, b"2", NOW) == other.id


async def test_the_audit_log_is_read_by_who_and_to_what(world: World) -> None:
    db, store = world
    john, jane, product = ACCOUNT.new(), ACCOUNT.new(), PRODUCT.new()
    events = [
        AuditEvent("account.login", john, john, "1.2.3.4", session_id=SESSION.new()),
        AuditEvent("account.login_refused", None, john, "5.6.7.8"),
        AuditEvent("catalog.update_product", jane, product, "1.2.3.4", "more", subject_kind="prod"),
        AuditEvent("account.erase", jane, john, "1.2.3.4"),
    ]
    async with db.transaction() as tx:
        for number, event in enumerate(events):
            await store.audit(tx, event, NOW + timedelta(seconds=number))

    async def read(which: AuditFilter) -> list[AuditEvent]:
        seen: list[Audited] = []
        while page := await store.audit_page(which, (seen[-1].time, seen[-1].id) if seen else None, 1):
            seen += page
        assert await store.audit_count(which) == len(seen)
        return [each.event for each in seen]

    assert await read(AuditFilter()) == events[::-1]
    assert await read(AuditFilter(actor_id=jane)) == [events[3], events[2]]
    assert await read(AuditFilter(subject_id=john, subject_kind="acc")) == [events[3], events[1], events[0]]
    assert await read(AuditFilter(actor_id=jane, subject_id=product, subject_kind="prod")) == [events[2]]
    assert await read(AuditFilter(subject_id=product, subject_kind="acc")) == []

    async with db.transaction() as tx:
        await store.forget_addresses(tx, john)
    assert [each.address for each in await read(AuditFilter())] == ["1.2.3.4", "1.2.3.4", "", ""]


async def test_an_event_keeps_the_id_that_it_was_given(world: World) -> None:
    db, store = world
    event_id = AUDIT.new()
    async with db.transaction() as tx:
        await store.audit(tx, AuditEvent("x.y", ACCOUNT.new(), None, ""), NOW, event_id)
    [kept] = await store.audit_page(AuditFilter(), None, 10)
    assert (kept.id, kept.time) == (event_id, NOW)


@pytest.fixture
async def real(database_url: str) -> AsyncIterator[World]:
    await Migrations("account").apply(database_url)
    db = Database(database_url, publishes=TOPIC)
    await db.open()
    yield db, Stores(db)
    await db.close()


async def test_one_link_is_taken_by_one_of_many(real: World) -> None:
    db, store = real
    made = await added(real)
    async with db.transaction() as tx:
        await store.keep_link(tx, Purpose.PASSWORD_RESET, made.id, b"link", NOW, NOW + timedelta(hours=1))

    async def take() -> Any:
        async with db.transaction() as tx:
            return await store.take_link(tx, Purpose.PASSWORD_RESET, b"link", NOW)

    taken = await asyncio.gather(*(take() for _ in range(8)))
    assert sorted(taken) == [*[False] * 7, True]


async def test_no_more_guesses_are_compared_than_may_be_wrong_whichever_replica_is_asked(real: World) -> None:
    db, store = real
    replicas = [Throttle(db, store, utc_now, max_waiting=100) for _ in range(2)]
    brakes = [Brake("account", "john", 10), Brake("network", "here", 100)]
    comparing = most = 0

    async def guess(number: int) -> str:
        nonlocal comparing, most
        try:
            async with replicas[number % 2].guess(brakes) as guess:
                comparing += 1
                most = max(most, comparing)
                await db.fetchval("SELECT pg_sleep(0.05)")
                comparing -= 1
                guess.wrong = number % 4 == 0
                return "wrong" if guess.wrong else "right"
        except LoginThrottled:
            return "throttled"

    first = Counter(await asyncio.gather(*(guess(number) for number in range(32))))
    assert first == {"right": 24, "wrong": 8}
    assert most <= 10
    second = Counter(await asyncio.gather(*(guess(0) for _ in range(32))))
    assert second == {"wrong": 2, "throttled": 30}
    assert await db.fetchval("SELECT count(*) FROM guesses") == 0


async def test_two_links_of_an_account_used_at_once_do_not_deadlock(real: World) -> None:
    db, store = real
    made = await added(real)
    async with db.transaction() as tx:
        for purpose in Purpose:
            link = purpose.value.encode()
            await store.keep_link(tx, purpose, made.id, link, NOW, NOW + timedelta(hours=1))

    async def use(purpose: Purpose) -> bool:
        async with db.transaction() as tx:
            await store.lock(tx, made.id)
            taken: bool = await store.take_link(tx, purpose, purpose.value.encode(), NOW)
            await store.forget_links(tx, made.id)
        return taken

    assert sum(await asyncio.gather(*(use(purpose) for purpose in [*Purpose] * 8))) == 1


async def test_two_admins_cannot_both_go(real: World) -> None:
    db, store = real
    admins = [await added(real), await added(real, "jane@example.com")]
    async with db.transaction() as tx:
        for each in admins:
            await store.update(tx, each.grant(Role.ADMIN, NOW)[0])

    async def leave(admin: Account) -> bool:
        async with db.transaction() as tx:
            if await store.lock_admins(tx) == {admin.id}:
                return False
            await store.update(tx, admin)
            return True

    assert sorted(await asyncio.gather(*map(leave, admins))) == [False, True]
    assert len(await store.admins()) == 1


async def test_of_tokens_refreshed_at_once_one_is_the_first(real: World) -> None:
    db, store = real
    made = await added(real)
    await begun(real, made)

    async def use(number: int) -> bool:
        async with db.transaction() as tx:
            refresh, _ = await store.lock_refresh(tx, b"first")
            if refresh.seed is None:
                await store.rotate(tx, refresh, b"first", bytes([number]), str(number), NOW, NOW)
            return refresh.seed is None

    assert sum(await asyncio.gather(*(use(number) for number in range(8)))) == 1
    assert len(await db.fetch("SELECT hash FROM refresh_tokens WHERE parent = $1", b"first")) == 1


async def test_nothing_of_a_person_is_left_in_the_database(real: World) -> None:
    db, store = real
    made = await added(real)
    async with db.transaction() as tx:
        await tx.emit(AccountRegistered(made))
        await store.erase(tx, made.id, NOW)
        await tx.emit(AccountDeleted(made.id, NOW))
    async with db.transaction() as tx:
        await store.forget_told(tx, made.id)

    left = await db.fetchrow("SELECT name, email, phone, password_hash FROM accounts WHERE id = $1", made.id)
    assert set(left.values()) == {""}
    [told] = await db.fetch("SELECT type, payload FROM outbox")
    assert told["type"] == "souk.account.v1.AccountDeleted"
    assert b"john" not in told["payload"]


async def test_a_search_reads_an_index(real: World) -> None:
    db, _ = real
    for first in range(1, 100_000, 10_000):
        await db.execute(
            "INSERT INTO accounts SELECT gen_random_uuid(), 'Name' || n, 'mail' || n || '@example.com', '', 'USER', false, '', now(), "
            "now(), NULL, array_to_tsvector(ARRAY['name' || n, 'mail' || n, 'example', 'com', '4144' || 1000000 + n]) "
            "FROM generate_series($1::int, $2::int) AS n",
            first,
            first + 9_999,
        )
    await db.execute("VACUUM ANALYZE accounts")
    plans: list[str] = []

    class Watched:
        """A database that explains what it reads."""

        @asynccontextmanager
        async def transaction(self) -> AsyncIterator[Any]:
            async with db.transaction() as tx:
                yield SimpleNamespace(execute=tx.execute, fetch=partial(self.fetch, tx))

        async def fetch(self, tx: Transaction, sql: str, *args: Any) -> list[Any]:
            rows = await tx.fetch(f"EXPLAIN (ANALYZE, BUFFERS) {sql}", *args)
            plans.append("\n".join(row["QUERY PLAN"] for row in rows))
            return await tx.fetch(sql, *args)

    watched = PostgresAccountStore(cast("Database", Watched()))
    for query, index, count in (
        ("name77777", "accounts_by_words", 1),
        ("+41 44 107 77 77", "accounts_by_words", 1),
        ("mail77777 name77777", "accounts_by_words", 1),
        ("example", "accounts_newest", 21),
    ):
        assert len(await watched.page(query, None, 21)) == count
        assert index in plans[-1], plans[-1]
        assert not any("Seq Scan" in plan for plan in plans), plans
        # For a run with --test_output=all.
        print(query, [plan.splitlines()[-1] for plan in plans])
        plans.clear()


async def test_words_are_made_of_accounts_that_have_none(real: World) -> None:
    db, store = real
    made = await added(real)
    await db.execute("UPDATE accounts SET words = NULL")
    assert await store.page("john", None, 10) == []
    async with db.transaction() as tx:
        assert await store.add_words(tx, 10) == 1
        assert await store.add_words(tx, 10) == 0
    assert await store.page("john", None, 10) == [made]


async def test_a_changed_name_is_found_and_the_one_before_is_not(world: World) -> None:
    db, store = world
    made = await added(world)
    async with db.transaction() as tx:
        await store.update(tx, replace(made, name="Zoë", phone="+41441234567"))
    assert [len(await store.page(query, None, 10)) for query in ("zoe", "1234567", "johnny")] == [1, 1, 0]


async def test_tables_are_declared_as_they_are_migrated(database_url: str) -> None:
    await Migrations("account").apply(database_url)
    await assert_tables_match(database_url, TABLES)


@pytest.mark.parametrize("world", ["postgresql"], indirect=True)
async def test_accounts_and_audit_events_are_counted_exactly_to_ten_thousand_and_not_beyond(
    world: World,
) -> None:
    db, store = world
    made = await added(world)
    event = AuditEvent("account.test", made.id, made.id, "console")
    async with db.transaction() as tx:
        await store.audit(tx, event, NOW)
    filters = [AuditFilter(), AuditFilter(actor_id=made.id), AuditFilter(made.id, made.id, "acc")]
    for more, expected in ((9_999, 10_000), (1, None)):
        await copy_rows(db, "accounts", more, id="gen_random_uuid()", email=f"{more} || 'of' || n")
        await copy_rows(db, "audit_events", more, id="gen_random_uuid()")
        assert [await store.count(query) for query in ("", "john")] == [expected] * 2
        assert [await store.audit_count(which) for which in filters] == [expected] * 3
