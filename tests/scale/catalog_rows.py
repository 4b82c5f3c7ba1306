"""Rows of the catalog's database: products, variants, stock and reservations."""

from collections.abc import Iterator

import orjson

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
    same_long,
    sized,
)
from tests.scale.order_rows import total
from tests.scale.tables import Table
from tests.scale.world import (
    ADJUSTMENT,
    CATEGORY,
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    VARIANT,
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
_SIZES, _COLORS = 40, 25
_OPTIONS = orjson.dumps(
    [
        {"name": name, "values": [str(value) for value in range(count)]}
        for name, count in (("Size", _SIZES), ("Color", _COLORS))
    ]
).decode()
_TWO = integer(1) + integer(0) + integer(25) + integer(2) + integer(1)
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
    common = [UUID, SIZED, same(_DESCRIPTION), LONG, same("USD"), SIZED, UUID, same(_NO_ARRAY), same(1)]
    living, deleted = (
        row(*common, LONG, LONG, gone, same_json("[]"), NULL, same("standard")) for gone in (NULL, LONG)
    )
    common[5] = NULL
    with_options = row(*common, LONG, LONG, NULL, same_json(_OPTIONS), LONG, same("standard"))
    for product in part:
        name = f"{_PRODUCT_KINDS[product % 10]} {_PRODUCT_KINDS[product // 10 % 10]} {product}".encode()
        time = long(world.start - (world.products - product) * MINUTE)
        price = _price(product)
        values = (product_id(product), sized(name), long(price), sized(b"sku-%d" % product))
        category = scattered(CATEGORY, product % _CATEGORIES)
        changed = long(world.now - product * 7 * MINUTE)
        if product % 20 == 0:
            yield deleted % (*values, category, time, changed, changed)
        elif world.variants(product) > 1:
            highest = long(price + world.variants(product) - 1)
            yield with_options % (*values[:3], category, time, changed, highest)
        else:
            yield living % (*values, category, time, changed)


def _variants(world: World, part: range) -> Iterator[bytes]:
    rest = (same(250), same(True), NULL)
    simple, deleted = (
        row(UUID, UUID, same(0), same(_NO_ARRAY), same(""), SIZED, LONG, NULL, *rest, gone)
        for gone in (NULL, LONG)
    )
    # One in ten has a SKU.
    one_of_many, with_sku = (
        row(UUID, UUID, INT, SIZED, SIZED, sku, LONG, LONG, *rest, NULL) for sku in (NULL, SIZED)
    )
    for product in part:
        key, price = product_id(product), _price(product)
        if world.variants(product) == 1:
            values = (key, key, sized(b"sku-%d" % product), long(price))
            changed = long(world.now - product * 7 * MINUTE)
            yield deleted % (*values, changed) if product % 20 == 0 else simple % values
            continue
        for number in range(world.variants(product)):
            variant = key if number == 0 else scattered(VARIANT, product * 1_000 + number)
            size, color = b"%d" % (number // _COLORS), b"%d" % (number % _COLORS)
            head = (variant, key, integer(number), _two_texts(size, color), sized(size + b"\x1f" + color))
            prices = (long(price + number), long(2 * price + number))
            if number % 10:
                yield one_of_many % (*head, *prices)
            else:
                yield with_sku % (*head, sized(b"sku-%d-%d" % (product, number)), *prices)


def _price(product: int) -> int:
    return 100 + product * 37 % 90_000


def _two_texts(one: bytes, other: bytes) -> bytes:
    """A text[] of two: one dimension, no nulls, the type's number, two elements counted from 1."""
    return sized(_TWO + sized(one) + sized(other))


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
        "id name description price currency sku category_id image_urls version create_time update_time delete_time "
        "options price_max tax_class",
    ),
    Table(
        *("catalog", "variants", _products_all, _variants),
        "id product_id position option_values option_key sku price compare_at weight_grams requires_shipping max_per_order delete_time",
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
