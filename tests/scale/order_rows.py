"""Rows of the order and payment databases: orders, payments, refunds and the ledger."""

from collections.abc import Iterator
from itertools import chain

from tests.scale.copying import (
    INT,
    LONG,
    NULL,
    SIZED,
    UUID,
    integer,
    long,
    row,
    same,
    same_json,
    sized,
)
from tests.scale.tables import Table
from tests.scale.world import (
    DAY,
    HOUR,
    MINUTE,
    PAYMENT,
    REFUND,
    SECOND,
    Life,
    World,
    account_id,
    order_id,
    payment_id,
    product_id,
    scattered,
)

_ADDRESS = (
    '{"name": "Ada Lovelace", "line1": "12 St James\'s Square", "line2": "", "city": "London", "region": "", '
    '"postal_code": "SW1Y 4JH", "country_code": "GB"}'
)
_STATUS = {
    Life.PENDING: ("PENDING", None),
    Life.CONFIRMED: ("CONFIRMED", None),
    Life.SHIPPED: ("SHIPPED", None),
    Life.DELIVERED: ("DELIVERED", None),
    Life.DECLINED: ("CANCELLED", "PAYMENT_FAILED"),
    Life.UNPAID: ("CANCELLED", "PAYMENT_TIMEOUT"),
    Life.CANCELLED: ("CANCELLED", "CUSTOMER"),
}
# The later statuses of an order, with the time since it was placed.
_HISTORY = {
    Life.PENDING: [],
    Life.CONFIRMED: [("CONFIRMED", 20 * SECOND)],
    Life.SHIPPED: [("CONFIRMED", 20 * SECOND), ("SHIPPED", DAY)],
    Life.DELIVERED: [("CONFIRMED", 20 * SECOND), ("SHIPPED", DAY), ("DELIVERED", 3 * DAY)],
    Life.DECLINED: [("CANCELLED", 20 * SECOND)],
    Life.UNPAID: [("CANCELLED", 10 * MINUTE)],
    Life.CANCELLED: [("CONFIRMED", 20 * SECOND), ("CANCELLED", HOUR)],
}
_PAID = {Life.CONFIRMED, Life.SHIPPED, Life.DELIVERED, Life.CANCELLED}
_PAYMENT_STATUS = {Life.PENDING: "PROCESSING", Life.DECLINED: "FAILED", Life.UNPAID: "CANCELLED"}


def total(order: int) -> int:
    """What an order costs, in cents."""
    return 500 + order * 7_919 % 50_000


def _orders(world: World, part: range) -> Iterator[bytes]:
    templates = {
        (life, addressed): row(
            *[UUID, UUID, UUID, SIZED, same(b"0123456789abcdef"), same("USD"), LONG, LONG],
            *[same(_STATUS[life][0]), same(_STATUS[life][1] or "") if _STATUS[life][1] else NULL, same("")],
            same_json(_ADDRESS) if addressed else NULL,
            *[same(1 + len(_HISTORY[life])), LONG, LONG, LONG],
        )
        for life in Life
        for addressed in (False, True)
    }
    reached = {life: steps[-1][1] if steps else 0 for life, steps in _HISTORY.items()}
    for order in part:
        life, placed, buyer = world.life(order), world.placed(order), account_id(world.account(order))
        back = total(order) if life is Life.CANCELLED else 100 if world.is_refunded_partly(order) else 0
        yield templates[life, order % 4 == 0] % (
            *(order_id(order), buyer, buyer, sized(b"%032x" % order), long(total(order)), long(back)),
            *(long(placed + 10 * MINUTE), long(placed), long(placed + reached[life])),
        )


def _lines(world: World, part: range) -> Iterator[bytes]:
    template = row(UUID, INT, UUID, same("A product of the shop"), LONG, same(1))
    for order in part:
        key, price = order_id(order), long(total(order) // world.lines(order))
        for line in range(world.lines(order)):
            yield template % (key, integer(line), product_id(world.product(order, line)), price)


def _history(world: World, part: range) -> Iterator[bytes]:
    first = row(UUID, same(0), same("PENDING"), LONG, same(""), same(""))
    later = {
        life: [
            (row(UUID, same(at), same(status), LONG, same(""), same("")), after)
            for at, (status, after) in enumerate(steps, 1)
        ]
        for life, steps in _HISTORY.items()
    }
    for order in part:
        key, placed = order_id(order), world.placed(order)
        yield first % (key, long(placed))
        for template, after in later[world.life(order)]:
            yield template % (key, long(placed + after))


def _closed_accounts(world: World, part: range) -> Iterator[bytes]:
    template = row(UUID, LONG)
    for number in part:
        yield template % (account_id(world.accounts - 1 - number), long(world.now - number * HOUR))


def _payments(world: World, part: range) -> Iterator[bytes]:
    templates = {
        life: row(
            *[UUID, UUID, UUID, LONG, same("USD"), same("pm_card_visa"), LONG],
            *[same(_PAYMENT_STATUS.get(life, "SUCCEEDED")), same(life in (Life.UNPAID, Life.CANCELLED))],
            *[SIZED, same(life in _PAID), same(0), same("card_declined" if life is Life.DECLINED else "")],
            *[same(""), same(1), LONG if life is Life.PENDING else NULL, LONG, LONG],
        )
        for life in Life
    }
    for order in part:
        life, placed = world.life(order), world.placed(order)
        provider = b"" if life in (Life.PENDING, Life.UNPAID) else b"pi_%024x" % order
        yield templates[life] % (
            *(payment_id(order), order_id(order), account_id(world.account(order)), long(total(order))),
            *(long(placed + 8 * MINUTE), sized(provider)),
            *((long(placed + MINUTE),) if life is Life.PENDING else ()),
            *(long(placed), long(placed + 20 * SECOND)),
        )


def _refunded(world: World, part: range) -> Iterator[tuple[int, int]]:
    for order in part:
        if world.life(order) is Life.CANCELLED:
            yield order, total(order)
        elif world.is_refunded_partly(order):
            yield order, 100


def _refunds(world: World, part: range) -> Iterator[bytes]:
    template = row(
        *[UUID, UUID, LONG, same("as agreed"), same("SUCCEEDED"), SIZED, same(0), same(1), NULL, LONG, LONG],
        *[same(b""), same(0)],
    )
    for order, amount in _refunded(world, part):
        time = long(world.placed(order) + 5 * DAY)
        provider = sized(b"re_%024x" % order)
        yield template % (scattered(REFUND, order), payment_id(order), long(amount), provider, time, time)


def _ledger(world: World, part: range) -> Iterator[bytes]:
    template = row(UUID, SIZED, UUID, LONG, same("USD"), LONG)
    paid = ((order, scattered(PAYMENT, order), total(order)) for order in part if world.life(order) in _PAID)
    back = ((order, scattered(REFUND, order), -amount) for order, amount in _refunded(world, part))
    sides = ((sized(b"provider"), 1), (sized(b"customer"), -1))
    for order, entry, amount in chain(paid, back):
        payment, time = payment_id(order), long(world.placed(order) + 20 * SECOND)
        for side, sign in sides:
            yield template % (entry, side, payment, long(sign * amount), time)


def _all(world: World) -> range:
    return range(world.orders)


ORDER_TABLES = [
    Table(
        *("order", "orders", _all, _orders),
        "id account_id caller_id request_id input_hash currency total refunded status cancel_reason status_reason "
        "shipping_address version deadline create_time update_time",
    ),
    Table("order", "order_lines", _all, _lines, "order_id position product_id name unit_price quantity"),
    Table(
        "order", "order_status_changes", _all, _history, "order_id position status time note internal_note"
    ),
    Table(
        *("order", "closed_accounts", lambda world: range(world.accounts // 100), _closed_accounts),
        "account_id close_time",
    ),
]
PAYMENT_TABLES = [
    Table(
        *("payment", "payments", _all, _payments),
        "id order_id account_id amount currency payment_method pay_before status order_cancelled provider_id confirmed "
        "provider_failures failure_code next_action_url attempts due_time create_time update_time",
    ),
    Table(
        *("payment", "refunds", _all, _refunds),
        "id payment_id amount reason status provider_id provider_failures attempts due_time create_time update_time "
        "input_hash refusals",
    ),
    Table("payment", "ledger", _all, _ledger, "entry account payment_id amount currency time"),
]
