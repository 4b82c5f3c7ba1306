"""The generated data set: its sizes, and how its rows refer to each other.

Everything is computed from a number: the id of order 17, its account, its status. So any process can generate any table on its own,
consistent with the others.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

SECOND: Final = 1_000_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
_EPOCH_MILLISECONDS: Final = 946_684_800_000  # 2000-01-01, PostgreSQL's epoch

# Lines per order; 1.5 on average.
_LINES: Final = (1, 1, 1, 2, 1, 3, 1, 1, 2, 1, 1, 4, 1, 1, 1, 1, 2, 1, 3, 1)
_MASK: Final = (1 << 128) - 1
_ODD: Final = 0x9E3779B97F4A7C15F39CC0605CEDC835  # 2^128 over the golden ratio: its multiples spread evenly


class Life(IntEnum):
    """The outcome of an order."""

    PENDING = 0
    CONFIRMED = 1
    SHIPPED = 2
    DELIVERED = 3
    DECLINED = 4
    UNPAID = 5
    CANCELLED = 6


@dataclass(frozen=True, slots=True)
class World:
    """Sizes and times, in microseconds since 2000; `now` is when the last order is placed."""

    orders: int
    accounts: int
    products: int
    now: int
    days: int = 730

    @property
    def start(self) -> int:
        """When the first order was placed."""
        return self.now - self.days * DAY

    @property
    def rows(self) -> int:
        """Approximate number of rows of all large tables."""
        return self.orders * 1267 // 100 + self.accounts * 1_100 // 100 + self.products * 1_249 // 10

    @property
    def bytes_needed(self) -> int:
        """Approximate disk use while the databases are filled, including temporary files of sorting."""
        return self.orders * 2_600 + self.accounts * 3_600 + self.products * 40_000 + 500_000_000

    def since(self, days: float) -> range:
        """The orders of the last `days`."""
        return range(self.orders - min(self.orders, int(self.orders * days / self.days)), self.orders)

    def placed(self, order: int) -> int:
        """When an order was placed."""
        return self.start + (order + 1) * self.days * DAY // self.orders

    def account(self, order: int) -> int:
        """The account that placed it: one order in a hundred is from one reseller, one in fifty from twenty other large accounts."""
        if order % 100 == 7:
            return 0
        if order % 50 == 9:
            return 1 + order // 50 % 20
        return 21 + order * 2_654_435_761 % (self.accounts - 21)

    def lines(self, order: int) -> int:
        """The number of its lines."""
        return _LINES[order % 20]

    def product(self, order: int, line: int) -> int:
        """The product of a line; a tenth of all lines have one of the hundred best sellers."""
        number = order * 40_503 + line * 7
        return number % min(100, self.products) if number % 10 == 3 else number % self.products

    def variants(self, product: int) -> int:
        """The number of its variants: one product in ten has options, so that there are a hundred variants for each product."""
        return 1_000 if product % 10 == 5 else 1

    def life(self, order: int) -> Life:
        """Old orders are delivered or cancelled, except a few that remain CONFIRMED."""
        left = self.orders - order
        if left <= max(20, self.orders // 100_000):
            return Life.PENDING
        if order % 17 == 0:
            return (Life.DECLINED, Life.UNPAID, Life.CANCELLED)[order // 17 % 3]
        if left <= self.orders // 700 or order % 10_007 == 0:
            return Life.CONFIRMED
        return Life.SHIPPED if left <= self.orders // 250 else Life.DELIVERED

    def is_refunded_partly(self, order: int) -> bool:
        """Whether it was refunded in part after delivery."""
        return order % 100 == 1 and self.life(order) is Life.DELIVERED


def scattered(kind: int, number: int) -> bytes:
    """An id derived from a key, as ids of orders and payments are: consecutive numbers have distant ids."""
    return ((number * 32 + kind + 1) * _ODD & _MASK).to_bytes(16, "big")


def ordered(kind: int, number: int, time: int) -> bytes:
    """An id of version 7, as ids of accounts and products are: later ones sort after earlier ones."""
    milliseconds = time // 1000 + _EPOCH_MILLISECONDS
    return (milliseconds << 80 | ((number * 32 + kind + 1) * _ODD & _MASK) >> 48).to_bytes(16, "big")


(
    ORDER,
    PAYMENT,
    REFUND,
    NOTIFICATION,
    ACCOUNT,
    PRODUCT,
    CATEGORY,
    SESSION,
    AUDIT,
    EVENT,
    ADJUSTMENT,
    CART,
    CART_LINE,
    VARIANT,
    METHOD,
) = range(15)


def order_id(order: int) -> bytes:
    """The id of an order, and of its reservation."""
    return scattered(ORDER, order)


def payment_id(order: int) -> bytes:
    """The id of an order's payment."""
    return scattered(PAYMENT, order)


def account_id(account: int) -> bytes:
    """Accounts registered one a minute, the first of them before any order."""
    return ordered(ACCOUNT, account, 500_000_000 * SECOND + account * MINUTE)


def product_id(product: int) -> bytes:
    """The id of a product."""
    return ordered(PRODUCT, product, 500_000_000 * SECOND + product * HOUR)
