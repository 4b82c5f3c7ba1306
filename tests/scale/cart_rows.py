"""Rows of carts: each account has an open one, every twentieth of which expired."""

from collections.abc import Iterator

from tests.scale.copying import INT, LONG, NULL, UUID, integer, long, row, same
from tests.scale.tables import Table
from tests.scale.world import (
    CART,
    CART_LINE,
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    World,
    account_id,
    ordered,
    product_id,
)

# Lines per cart; every hundredth cart has 20.
_LINES = (1, 2, 1, 3, 1)
_LARGE = 20
EXPIRED_EVERY = 20
# Half a year before the end of the data.
_MADE = 800_000_000 * SECOND


def cart_id(account: int) -> bytes:
    """The id of an account's cart."""
    return ordered(CART, account, _MADE + account * MINUTE)


def cart_line_id(account: int, line: int) -> bytes:
    """The id of a line in an account's cart."""
    return ordered(CART_LINE, account * _LARGE + line, _MADE)


def first_expiry(world: World) -> int:
    """When the first cart expired; the others follow, one a minute."""
    return world.now - world.accounts // EXPIRED_EVERY * MINUTE


def _lines_of(account: int) -> int:
    return _LARGE if account % 100 == 0 else _LINES[account % len(_LINES)]


def _carts(world: World, part: range) -> Iterator[bytes]:
    template = row(
        *[UUID, UUID, same("OPEN"), same("USD"), INT, same(False), NULL, NULL, NULL, same(""), NULL, NULL],
        *[LONG, LONG, LONG],
    )
    for account in part:
        expired = account % EXPIRED_EVERY == 1
        expiry = (
            first_expiry(world) + account // EXPIRED_EVERY * MINUTE
            if expired
            else world.now + (1 + account % 180) * DAY
        )
        changed = long(expiry - 180 * DAY)
        yield template % (
            *(cart_id(account), account_id(account), integer(_lines_of(account))),
            *(long(expiry - 180 * DAY - HOUR), changed, long(expiry)),
        )


def _cart_lines(world: World, part: range) -> Iterator[bytes]:
    template = row(UUID, UUID, UUID, same(1), LONG, LONG)
    for account in part:
        for line in range(_lines_of(account)):
            product = product_id((account * 31 + line) % world.products)
            ids = cart_id(account), product, cart_line_id(account, line)
            yield template % (*ids, long(1_999), long(world.now - 180 * DAY))


def _accounts(world: World) -> range:
    return range(world.accounts)


CART_TABLES = [
    Table(
        *("order", "carts", _accounts, _carts),
        "id account_id state currency version has_contact shipping_address billing_address shipping_method_id note order_id merged_into "
        "create_time update_time expire_time",
    ),
    Table(
        *("order", "cart_lines", _accounts, _cart_lines),
        "cart_id variant_id id quantity seen_price create_time",
    ),
]
