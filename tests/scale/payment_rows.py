"""Rows of accounts at the payment provider: half of the accounts have a customer with one saved method, every hundredth has ten."""

from collections.abc import Iterator

from tests.scale.copying import LONG, NULL, SIZED, UUID, long, row, same, sized
from tests.scale.tables import Table
from tests.scale.world import (
    ACCOUNT,
    DAY,
    METHOD,
    SECOND,
    World,
    account_id,
    scattered,
)

# Every hundredth account, an even number.
MANY_METHODS = 10
_CUSTOMER_EVERY = 2
_DELETED_EVERY = 1_000
_MERGED_EVERY = 100


def customer_number(number: int) -> int:
    """The account of a customer."""
    return number * _CUSTOMER_EVERY


def _is_deleted(account: int) -> bool:
    return account % _DELETED_EVERY == 2


def _is_due(account: int) -> bool:
    """Whether the provider has yet to delete it."""
    return account % (100 * _DELETED_EVERY) == 2


def card(account: int, number: int) -> bytes:
    """The provider's id of a saved card."""
    return b"pm_%024x" % (account * MANY_METHODS + number)


def setup(account: int, number: int) -> bytes:
    """The provider's id of the setup that saved it."""
    return b"seti_%024x" % (account * MANY_METHODS + number)


def method_id(account: int, number: int) -> bytes:
    """The id of a saved method."""
    return scattered(METHOD, account * MANY_METHODS + number)


def _customers(world: World, part: range) -> Iterator[bytes]:
    active = row(UUID, SIZED, NULL, same(0), NULL, LONG)
    deleted = row(UUID, SIZED, LONG, same(1), NULL, LONG)
    due = row(UUID, SIZED, LONG, same(1), LONG, LONG)
    for number in part:
        account = customer_number(number)
        made = long(world.start + account * SECOND)
        provider = sized(b"cus_%024x" % account)
        if _is_due(account):
            yield due % (account_id(account), provider, long(world.now), long(world.now), made)
        elif _is_deleted(account):
            yield deleted % (account_id(account), sized(b""), long(world.now), made)
        else:
            yield active % (account_id(account), provider, made)


def _methods(world: World, part: range) -> Iterator[bytes]:
    card_columns = [same("visa"), same("4242"), same(12), same(2_034)]
    saved, default = (
        row(
            *[UUID, UUID, same("SAVED"), SIZED, NULL, SIZED, *card_columns],
            *[same(is_default), same(1), NULL, LONG, LONG],
        )
        for is_default in (False, True)
    )
    unsaved = row(
        *[UUID, UUID, SIZED, SIZED, NULL, SIZED, *card_columns, same(False), same(1), LONG, LONG, LONG],
    )
    for number in part:
        account = customer_number(number)
        if _is_deleted(account):
            continue
        owner, made = account_id(account), world.start + account * SECOND
        for method in range(MANY_METHODS if account % 100 == 0 else 1):
            ids = method_id(account, method), owner, sized(setup(account, method))
            times = long(made + method * DAY), long(made + method * DAY)
            yield (saved if method else default) % (*ids, sized(card(account, method)), *times)
        if account % 5_000 == 4:
            # Its page is open, or the provider has yet to forget the card.
            state, known = (b"PENDING", b"") if account % 10_000 == 4 else (b"DELETING", card(account, 1))
            ids = method_id(account, 1), owner, sized(state)
            at_provider = sized(setup(account, 1)), sized(known)
            yield unsaved % (*ids, *at_provider, long(world.now), long(made), long(made))


def _merged(world: World, part: range) -> Iterator[bytes]:
    template = row(UUID, UUID, LONG)
    for number in part:
        guest = scattered(ACCOUNT, world.accounts + number)
        merged = world.now - number * world.days * DAY * _MERGED_EVERY // world.accounts
        yield template % (guest, account_id(number * _MERGED_EVERY), long(merged))


def _numbers(world: World) -> range:
    return range((world.accounts + 1) // _CUSTOMER_EVERY)


METHOD_TABLES = [
    Table(
        *("payment", "provider_customers", _numbers, _customers),
        "account_id provider_id delete_time attempts due_time create_time",
    ),
    Table(
        *("payment", "saved_methods", _numbers, _methods),
        "id account_id state provider_id payment_id method_id brand last4 exp_month exp_year is_default attempts due_time "
        "create_time update_time",
    ),
    Table(
        *("payment", "merged_accounts", lambda world: range(world.accounts // _MERGED_EVERY), _merged),
        "guest_id into_id merge_time",
    ),
]
