"""Rows of the catalog's database: products, stock and reservations."""

from collections.abc import Iterator

from tests.scale.copying import INT, LONG, NULL, SIZED, UUID, integer, long, row, same, same_long, sized
from tests.scale.order_rows import total
from tests.scale.tables import Table
from tests.scale.world import (
    ADJUSTMENT,
    CATEGORY,
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    Life,
    World,
    account_id,
    order_id,
    product_id,
    scattered,
)

_CATEGORIES = 200
_ADJUSTMENTS = 20
_PRODUCT_KINDS = ("laptop", "phone", "chair", "lamp", "shoe", "watch", "desk", "kettle", "bag", "camera")
_DESCRIPTION = "Made with care, tested twice, and shipped within a day of your order. " * 4
_NO_ARRAY = b"\0" * 8 + b"\0\0\0\x19"  # an empty text[]: no dimensions, no nulls, the type's number
_STATE = {
    Life.PENDING: "HELD",
    Life.CONFIRMED: "COMMITTED",
    Life.SHIPPED: "COMMITTED",
    Life.DELIVERED: "COMMITTED",
    Life.DECLINED: "RELEASED",
    Life.UNPAID: "RELEASED",
    Life.CANCELLED: "RETURNED",
}


def _categories(world: World, part: range) -> Iterator[bytes]:
    template = row(UUID, SIZED, SIZED)
    for number in part:
        name = sized(b"category-%d" % number)
        yield template % (scattered(CATEGORY, number), name, name)


def _products(world: World, part: range) -> Iterator[bytes]:
    living, deleted = (
        row(
            *[UUID, SIZED, same(_DESCRIPTION), LONG, same("USD"), SIZED, UUID, same(_NO_ARRAY), same(1)],
            *[LONG, LONG, gone],
        )
        for gone in (NULL, LONG)
    )
    for product in part:
        name = f"{_PRODUCT_KINDS[product % 10]} {_PRODUCT_KINDS[product // 10 % 10]} {product}".encode()
        time = long(world.start - (world.products - product) * MINUTE)
        values = (
            product_id(product),
            sized(name),
            long(100 + product * 37 % 90_000),
            sized(b"sku-%d" % product),
        )
        category = scattered(CATEGORY, product % _CATEGORIES)
        changed = long(world.now - product * 7 * MINUTE)
        if product % 20 == 0:
            yield deleted % (*values, category, time, changed, changed)
        else:
            yield living % (*values, category, time, changed)


def _stock(world: World, part: range) -> Iterator[bytes]:
    template = row(UUID, LONG)
    for product in part:
        if product % 10 != 0:  # one of ten is not tracked
            yield template % (product_id(product), long(product % 500))


def _adjustments(world: World, part: range) -> Iterator[bytes]:
    template = row(UUID, UUID, LONG, same("counted"), UUID, LONG, SIZED, same(b""))
    admin, created, adjusted = account_id(0), sized(b"CREATE"), sized(b"ADJUST")
    for product in part:
        for number in range(_ADJUSTMENTS):
            time = long(world.start + number * (world.days * DAY // _ADJUSTMENTS) + product * SECOND)
            yield template % (
                *(scattered(ADJUSTMENT, product * _ADJUSTMENTS + number), product_id(product), long(500)),
                *(admin, time, adjusted if number else created),
            )


def _reservations(world: World, part: range) -> Iterator[bytes]:
    templates = {
        life: row(UUID, same(state), same(b"0123456789abcdef"), same("USD"), LONG, LONG, LONG)
        for life, state in _STATE.items()
    }
    for order in part:
        placed = world.placed(order)
        times = (long(placed), long(placed + 20 * SECOND), long(placed + 15 * MINUTE))
        yield templates[world.life(order)] % (order_id(order), *times)


def _reservation_lines(world: World, part: range) -> Iterator[bytes]:
    template = row(UUID, INT, UUID, same("A product of the shop"), LONG, same_long(1), LONG)
    none, one = long(0), long(1)
    for order in part:
        key, price = order_id(order), long(total(order) // world.lines(order))
        for line in range(world.lines(order)):
            product = world.product(order, line)
            taken = none if product % 10 == 0 else one
            yield template % (key, integer(line), product_id(product), price, taken)


def _availability_rows(world: World, part: range) -> Iterator[bytes]:
    template = row(UUID, LONG)
    for product in part:
        yield template % (product_id(product), long(world.now - product * HOUR))


def _products_all(world: World) -> range:
    return range(world.products)


def _orders_all(world: World) -> range:
    return range(world.orders)


CATALOG_TABLES = [
    Table("catalog", "categories", lambda _: range(_CATEGORIES), _categories, "id slug name"),
    Table(
        *("catalog", "products", _products_all, _products),
        "id name description price currency sku category_id image_urls version create_time update_time delete_time",
    ),
    Table("catalog", "stock", _products_all, _stock, "product_id free"),
    Table(
        *("catalog", "stock_adjustments", _products_all, _adjustments),
        "id product_id delta reason actor_id create_time action input_hash",
    ),
    Table(
        *("catalog", "reservations", _orders_all, _reservations),
        "order_id state input_hash currency create_time update_time expire_time",
    ),
    Table(
        *("catalog", "reservation_lines", _orders_all, _reservation_lines),
        "order_id position product_id name unit_price quantity taken",
    ),
    Table(
        *("catalog", "availability_told", lambda world: range(world.products // 2), _availability_rows),
        "product_id told_time",
    ),
]
