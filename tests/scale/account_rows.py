"""Rows of the account and notification databases: accounts, sessions, audit events and mails."""

from collections.abc import Iterator

from account.accounts.words import words_of
from tests.scale.copying import LONG, NULL, SIZED, UUID, lexemes, long, row, same, same_json, sized
from tests.scale.tables import Table
from tests.scale.world import (
    AUDIT,
    DAY,
    HOUR,
    MINUTE,
    NOTIFICATION,
    SECOND,
    SESSION,
    Life,
    World,
    account_id,
    order_id,
    ordered,
    scattered,
)

# 400 first names and 8,000 family names, all equally common, and one first name that one account in fifty has.
_BEGINNINGS = "Al Be Ca De El Fa Ge Ha In Jo Ka Lu Ma No Ol Pe Ro Sa Ti Ul".split()
_ENDINGS = "ra lin mo ne bert da fried gar hild is ko la mir na os pe rick sa tom va".split()
_FAMILIES = (
    "bach berg burn dale field ford ham land ley man mer mond ner quist row sen stein ton wood worth".split()
)
MAIL_RETENTION_DAYS = 90
_LOGINS = 2
CONTENT_RETENTION_DAYS = 30
_CONTEXT = (
    '{"order_id": "ord_01h455vb4pex5vsknk084sn02q", "lines": [{"name": "A product of the shop", "quantity": 1, '
    '"price": "12.34 USD"}], "total": "12.34 USD"}'
)
_MAILS = {
    "order_placed": ("Your order was placed", 0),
    "order_confirmed": ("Your order is confirmed", 20 * SECOND),
    "order_cancelled": ("Your order was cancelled", 10 * MINUTE),
    "shipped": ("Your order is on its way", DAY),
    "delivered": ("Your order has arrived", 3 * DAY),
}
_MAILED = {
    Life.PENDING: ("order_placed",),
    Life.CONFIRMED: ("order_placed", "order_confirmed"),
    Life.SHIPPED: ("order_placed", "order_confirmed", "shipped"),
    Life.DELIVERED: ("order_placed", "order_confirmed", "shipped", "delivered"),
    Life.DECLINED: ("order_placed", "order_cancelled"),
    Life.UNPAID: ("order_placed", "order_cancelled"),
    Life.CANCELLED: ("order_placed", "order_confirmed", "order_cancelled"),
}


def _name(account: int) -> bytes:
    number = account * 7_919
    first = "Ada" if account % 50 == 3 else _BEGINNINGS[number % 20] + _ENDINGS[number // 20 % 20]
    number //= 400
    family = _BEGINNINGS[number % 20] + _ENDINGS[number // 20 % 20] + _FAMILIES[number // 400 % 20]
    return f"{first} {family}".encode()


def email(account: int) -> bytes:
    """The address of an account."""
    return f"user.{account}@example.com".encode()


def _accounts(world: World, part: range) -> Iterator[bytes]:
    living, deleted = (
        row(
            *[UUID, SIZED, SIZED, SIZED, SIZED, same(not gone), SIZED, LONG, LONG],
            *([LONG, NULL] if gone else [NULL, SIZED]),
        )
        for gone in (False, True)
    )
    user, admin, empty, bcrypt = sized(b"USER"), sized(b"ADMIN"), sized(b""), sized(b"$2b$12$" + b"x" * 53)
    for account in part:
        time = long(500_000_000 * SECOND + account * MINUTE)
        if account >= world.accounts - world.accounts // 100:  # the last hundredth is deleted
            yield deleted % (*(account_id(account), empty, empty, empty, user, empty), time, time, time)
        else:
            role = admin if account % (world.accounts // 20) == 0 else user
            name, address, telephone = _name(account), email(account), b"+4420%08d" % account
            terms = sorted(words_of(name.decode(), address.decode(), telephone.decode()))
            yield living % (
                *(account_id(account), sized(name), sized(address), sized(telephone), role, bcrypt),
                *(time, time, lexemes(terms)),
            )


def session_id(account: int) -> bytes:
    """The id of an account's session."""
    return scattered(SESSION, account)


def _sessions(world: World, part: range) -> Iterator[bytes]:
    templates = [row(UUID, UUID, LONG, LONG, ended) for ended in (NULL, LONG)]
    for account in part:
        created = world.now - account * 97 % 120 * DAY
        ended = account % 4 == 0
        values = (session_id(account), account_id(account), long(created), long(created + 90 * DAY))
        yield templates[ended] % (*values, *((long(created + DAY),) if ended else ()))


def _refresh_tokens(world: World, part: range) -> Iterator[bytes]:
    first = row(SIZED, UUID, LONG, LONG, LONG, NULL)
    second = row(SIZED, UUID, LONG, LONG, NULL, SIZED)
    for account in part:
        created, session = world.now - account * 97 % 120 * DAY, session_id(account)
        hashes = [
            sized(scattered(SESSION, account) + scattered(AUDIT, account * 2 + number)) for number in (0, 1)
        ]
        used = long(created + HOUR)
        yield first % (hashes[0], session, long(created), long(created + 14 * DAY), used)
        yield second % (hashes[1], session, used, long(created + HOUR + 14 * DAY), hashes[0])


def _audit_events(world: World, part: range) -> Iterator[bytes]:
    template = row(UUID, LONG, SIZED, UUID, UUID, same("203.0.113.7"), same(""), UUID, same("acc"))
    login, change = sized(b"account.login"), sized(b"account.update_role")
    count = world.accounts * _LOGINS
    admin = account_id(0)
    for account in part:
        for number in range(_LOGINS):
            at = number * world.accounts + account
            time = world.start + at * (world.days * DAY // count)
            event, who = ordered(AUDIT, at, time), account_id(account)
            if number == 0 and account % 10 == 0:
                yield template % (event, long(time), change, admin, who, session_id(0))
            else:
                yield template % (event, long(time), login, who, who, session_id(account))


def _login_attempts(world: World, part: range) -> Iterator[bytes]:
    template = row(SIZED, same(1), LONG)
    for number in part:
        yield template % (sized(b"account:%064x" % number), long(world.now - number % 3600 * SECOND))


def _mailed_link_rows(world: World, part: range) -> Iterator[bytes]:
    template = row(SIZED, same("PASSWORD_RESET"), UUID, LONG, LONG)
    for account in part:
        time = world.now - account % 3600 * SECOND
        values = (sized(scattered(AUDIT, account) * 2), account_id(account), long(time), long(time + HOUR))
        yield template % values


def _recipients(world: World, part: range) -> Iterator[bytes]:
    living, gone = row(UUID, SIZED, SIZED, LONG, NULL), row(UUID, same(""), same(""), LONG, LONG)
    for account in part:
        time = long(500_000_000 * SECOND + account * MINUTE)
        if account >= world.accounts - world.accounts // 100:
            yield gone % (account_id(account), time, time)
        else:
            yield living % (account_id(account), sized(_name(account)), sized(email(account)), time)


def _notifications(world: World, part: range) -> Iterator[bytes]:
    def template(name: str, context: str, recipient: bytes, status: str, due: bytes, sent: bytes) -> bytes:
        return row(
            *[
                UUID,
                UUID,
                UUID,
                same(name),
                same_json(context),
                same(_MAILS[name][0]),
                recipient,
                same(status),
            ],
            *[same(1), due, LONG, sent, NULL, same("")],
        )

    new = {name: template(name, _CONTEXT, SIZED, "SENT", NULL, LONG) for name in _MAILS}
    old = {name: template(name, "{}", SIZED, "SENT", NULL, LONG) for name in _MAILS}
    queued = {name: template(name, _CONTEXT, same(""), "QUEUED", LONG, NULL) for name in _MAILS}
    recent = world.since(CONTENT_RETENTION_DAYS).start
    for order in part:
        key, account, placed = order_id(order), world.account(order), world.placed(order)
        who, recipient = account_id(account), sized(email(account))
        for number, name in enumerate(_MAILED[world.life(order)]):
            mail = scattered(NOTIFICATION, order * 4 + number)
            time = long(placed + _MAILS[name][1])
            if order % 5_000 == 3:  # its recipient is unknown
                yield queued[name] % (mail, scattered(AUDIT, order), key, time, time)
            else:
                yield (new if order >= recent else old)[name] % (mail, who, key, recipient, time, time)


def _people(world: World) -> range:
    return range(world.accounts)


ACCOUNT_TABLES = [
    Table(
        *("account", "accounts", _people, _accounts),
        "id name email phone role email_verified password_hash create_time update_time delete_time words",
    ),
    Table("account", "sessions", _people, _sessions, "id account_id create_time expire_time end_time"),
    Table(
        *("account", "refresh_tokens", _people, _refresh_tokens),
        "hash session_id create_time expire_time use_time parent",
    ),
    Table(
        *("account", "audit_events", _people, _audit_events),
        "id time action actor_id subject_id address detail session_id subject_kind",
    ),
    Table(
        *("account", "login_attempts", lambda world: range(world.accounts // 10), _login_attempts),
        "subject attempts window_start",
    ),
    Table(
        *("account", "mailed_links", lambda world: range(world.accounts // 50), _mailed_link_rows),
        "hash purpose account_id create_time expire_time",
    ),
]
NOTIFICATION_TABLES = [
    Table(
        "notification", "recipients", _people, _recipients, "account_id name email update_time delete_time"
    ),
    Table(
        *("notification", "notifications", lambda world: world.since(MAIL_RETENTION_DAYS), _notifications),
        "id account_id order_id template context subject recipient status attempts due_time create_time send_time "
        "expire_time failure",
    ),
]
