"""Every list, look-up and sweep of the account and notification stores."""

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from itertools import product

from account.accounts.store import PostgresAccountStore
from account.audit.domain import AuditFilter
from account.audit.store import PostgresAuditStore
from account.credentials.store import PostgresCredentialStore
from account.search.store import PostgresAccountSearchStore
from account.sessions.store import PostgresSessionStore
from kit.db import Database
from notification.mail.store import PostgresMailQueue
from notification.notifications.ports import NotificationFilter
from notification.notifications.store import PostgresNotificationStore
from tests.scale.account_rows import email, session_id
from tests.scale.measuring import Kind, Measure
from tests.scale.moments import moment, rolled_back, uuid
from tests.scale.retention_measures import account_retention, notification_retention
from tests.scale.world import DAY, MINUTE, SECOND, World, account_id, order_id

# Queries of an ADMIN.
_QUERIES = {
    "all": "",
}
# Rare and common terms, and prefixes that match nearly every account.
_SEARCH_TERMS = {
    "an address": "user.500@example.com",
    "a phone number": "+4420 00000517",
    "a common first name": "ada",
    "a first name": "belin",
    "a full name": "Belin Karabach",
    "a prefix": "kar",
    "a letter in every account": "e",
    "the domain of every address": "example.com",
    "a digit": "4",
    "two digits": "44",
    "two letters": "be",
    "two common words": "ada example",
    "no match": "zzzzzz",
    "a common and a missing word": "example zzzzzz",
}


def account_measures(db: Database, world: World) -> Iterator[Measure]:
    """Measures of the account service."""
    yield from _search(PostgresAccountSearchStore(db), world)
    yield from _accounts(db, PostgresAccountStore(db), world)
    yield from _audit(PostgresAuditStore(db), world)
    yield from _sessions(db, world)
    yield from account_retention(db, world)


def _search(store: PostgresAccountSearchStore, world: World) -> Iterator[Measure]:
    middle = world.accounts // 2
    deep = (moment(500_000_000 * SECOND + middle * MINUTE), uuid(account_id(middle)))
    for group, queries in (("accounts", _QUERIES), ("accounts by words", _SEARCH_TERMS)):
        for name, query in queries.items():
            yield Measure(f"{group}: first page", name, Kind.REQUEST, partial(store.page, query, None, 101))
        for name, query in queries.items():
            yield Measure(f"{group}: deep page", name, Kind.REQUEST, partial(store.page, query, deep, 101))
        for name, query in queries.items():
            yield Measure(
                *(f"{group}: totalCount", name, Kind.REQUEST), partial(store.count, query), may_skip=True
            )


def _accounts(db: Database, store: PostgresAccountStore, world: World) -> Iterator[Measure]:
    some = [uuid(account_id(number)) for number in range(100)]
    yield Measure("accounts by id", "100", Kind.REQUEST, lambda: store.get_many(some))
    yield Measure("ADMINs", "", Kind.REQUEST, store.admins)
    address = email(500).decode()
    yield Measure(
        *("account by address, locked", "", Kind.REQUEST),
        rolled_back(db, lambda tx: store.lock_by_email(tx, address)),
    )
    erased = uuid(account_id(700))
    yield Measure(
        *("account erased", "", Kind.REQUEST),
        rolled_back(db, lambda tx: store.erase(tx, erased, moment(world.now))),
    )


def _audit(store: PostgresAuditStore, world: World) -> Iterator[Measure]:
    one, admin = uuid(account_id(500)), uuid(account_id(0))
    actors = {"any actor": None, "one actor": one, "the busiest ADMIN": admin}
    subjects = {"any subject": None, "one subject": one}
    deep = (moment(world.start + world.days * DAY // 2), admin)
    filters = {
        f"{actor}, {subject}": AuditFilter(
            actor_id=actors[actor],
            subject_id=subjects[subject],
            subject_kind="acc" if subjects[subject] else "",
        )
        for actor, subject in product(actors, subjects)
    }
    for name, chosen in filters.items():
        yield Measure(
            *("audit events: first page", name, Kind.REQUEST),
            partial(store.page_of_events, chosen, None, 101),
        )
    for name, chosen in filters.items():
        yield Measure(
            *("audit events: deep page", name, Kind.REQUEST), partial(store.page_of_events, chosen, deep, 101)
        )
    for name, chosen in filters.items():
        yield Measure(*("audit events: totalCount", name, Kind.REQUEST), partial(store.count_events, chosen))


def _sessions(db: Database, world: World) -> Iterator[Measure]:
    store, credentials = PostgresSessionStore(db), PostgresCredentialStore(db)
    one, now = uuid(account_id(501)), moment(world.now)
    address = email(500).decode()
    yield Measure("login: account by address", "", Kind.REQUEST, lambda: credentials.credentials(address))
    yield Measure(
        *("role of a session", "", Kind.REQUEST),
        lambda: store.session_role(uuid(session_id(501)), one, now),
    )
    yield Measure(
        *("sessions of an account ended", "", Kind.REQUEST),
        rolled_back(db, lambda tx: store.revoke_sessions(tx, one, now)),
    )


def notification_measures(db: Database, world: World) -> Iterator[Measure]:
    """Measures of the notification service."""
    store, queue = PostgresNotificationStore(db), PostgresMailQueue(db)
    middle = world.orders - world.orders // 20
    deep = (moment(world.placed(middle)), uuid(order_id(middle)))
    accounts = {
        "all accounts": None,
        "one account": uuid(account_id(500)),
        "the largest": uuid(account_id(0)),
    }
    orders = {"any order": None, "one order": uuid(order_id(world.orders - world.orders // 50))}
    filters = {
        f"{who}, {what}": NotificationFilter(account_id=accounts[who], order_id=orders[what])
        for who, what in product(accounts, orders)
    }
    for name, chosen in filters.items():
        yield Measure("notifications: first page", name, Kind.REQUEST, partial(store.page, chosen, None, 101))
    for name, chosen in filters.items():
        yield Measure("notifications: deep page", name, Kind.REQUEST, partial(store.page, chosen, deep, 101))
    for name, chosen in filters.items():
        yield Measure("notifications: totalCount", name, Kind.REQUEST, partial(store.count, chosen))
    ids = [uuid(account_id(number)) for number in (0, *range(500, 519))]
    unfiltered = NotificationFilter()
    yield Measure(
        *("notifications of 20 accounts", "page", Kind.REQUEST),
        lambda: store.page_by_account(unfiltered, ids, 21),
    )
    yield Measure(
        *("notifications of 20 accounts", "totalCount", Kind.REQUEST),
        lambda: store.count_by_account(unfiltered, ids),
    )
    some = [uuid(order_id(number)) for number in range(world.orders - 100, world.orders)]
    yield Measure(
        "notifications of orders", "100", Kind.REQUEST, lambda: store.find_by_orders(some, None, 20)
    )
    now = moment(world.now) + timedelta(hours=1)
    lease = now + timedelta(seconds=20)
    yield Measure("sweep: mails to send", "20", Kind.SWEEP, lambda: queue.claim(now, lease, 20))
    since = moment(world.now) - timedelta(days=2)
    yield Measure(
        "sweep: mails of deleted accounts", "", Kind.SWEEP, lambda: store.erase_late_arrivals(since)
    )
    yield from notification_retention(db, world)
