"""Reservations: HELD -> COMMITTED -> RETURNED, or HELD -> RELEASED. The store keeps concurrent transitions from racing."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final
from uuid import UUID

from catalog.products.errors import ProductNotFound
from catalog.reservations.errors import OutOfStock, PriceChanged, TotalOutOfRange
from kit.errors import IdempotencyConflict, JsonValue, SoukError, Violation
from kit.values import CURRENCIES, PRODUCT, FieldReader, MixedCurrency, Money

_MAX_LINES: Final = 100
_MAX_QUANTITY: Final = 1_000_000


class ReservationState(StrEnum):
    """RELEASED: cancelled or expired before it was committed. RETURNED: cancelled after it was committed."""

    HELD = "HELD"
    COMMITTED = "COMMITTED"
    RELEASED = "RELEASED"
    RETURNED = "RETURNED"

    @property
    def has_stock(self) -> bool:
        """Whether the reservation has taken stock that it has not returned."""
        return self in (ReservationState.HELD, ReservationState.COMMITTED)


@dataclass(frozen=True, slots=True)
class ReservationRequest:
    """The units of each product of an order, in the order of its lines. `expected_total` is the total that the buyer saw, if given."""

    order_id: UUID
    quantities: Mapping[UUID, int]
    expected_total: Decimal | None

    @classmethod
    def parse(
        cls, order_id: UUID, lines: Sequence[tuple[UUID, int]], expected_total: Decimal | None
    ) -> "ReservationRequest":
        """From the product and quantity of each line. Raises InvalidArgument with all violations."""
        reader = FieldReader()
        reader.require(
            1 <= len(lines) <= _MAX_LINES, f"must have between 1 and {_MAX_LINES} lines", "products"
        )
        quantities: dict[UUID, int] = {}
        for index, (product_id, quantity) in enumerate(lines):
            reader.integer(quantity, "products", index, "quantity", minimum=1, maximum=_MAX_QUANTITY)
            reader.require(product_id not in quantities, "must be in one line only", "products", index, "id")
            quantities[product_id] = quantity
        reader.raise_if_invalid()
        return cls(order_id, quantities, expected_total)

    @property
    def input_hash(self) -> bytes:
        """Identifies the lines in any order. The expected total is not part of it."""
        return self._hash(sorted(self.quantities.items()))

    def matches(self, input_hash: bytes) -> bool:
        """Whether a reservation with this hash has the same lines. Earlier releases hashed the lines in the request's order."""
        return input_hash in (self.input_hash, self._hash(self.quantities.items()))

    @staticmethod
    def _hash(lines: Iterable[tuple[UUID, int]]) -> bytes:
        text = "|".join(f"{product_id.hex}:{quantity}" for product_id, quantity in lines)
        return hashlib.blake2b(text.encode(), digest_size=16).digest()


@dataclass(frozen=True, slots=True)
class PricedLine:
    """A reserved line with the product's name and price at that time."""

    product_id: UUID
    name: str
    unit_price: Money
    quantity: int


@dataclass(frozen=True, slots=True)
class Reservation:
    """The stock that an order holds; `lines` are in the request's order."""

    order_id: UUID
    state: ReservationState
    input_hash: bytes
    lines: tuple[PricedLine, ...]
    expire_time: datetime

    def require_same_lines(self, request: ReservationRequest) -> None:
        """Raises IdempotencyConflict if the reservation was made for different lines."""
        if self.state.has_stock and not request.matches(self.input_hash):
            raise IdempotencyConflict("the order already has a reservation with different lines")


@dataclass(frozen=True, slots=True)
class LineQuote:
    """A requested quantity with the product's current price, None if it does not exist, and free stock, None if it is not tracked."""

    product_id: UUID
    quantity: int
    unit_price: Money | None
    free: int | None

    @property
    def is_enough(self) -> bool:
        """Whether the requested quantity is free."""
        return self.free is None or self.quantity <= self.free


def rejection_of(request: ReservationRequest, quotes: Sequence[LineQuote]) -> SoukError:
    """The error of a request that was not reserved: the first rule that its lines violate, in the order of the code."""
    missing = [Violation(("products", index, "id"), "no such product") for index in _missing(quotes)]
    if missing:
        return ProductNotFound(fields=missing)
    prices = [(quote.unit_price, quote.quantity) for quote in quotes if quote.unit_price is not None]
    currencies = {price.currency for price, _ in prices}
    if len(currencies) > 1:
        return MixedCurrency("products: all products of an order must have the same currency")
    (currency,) = currencies
    total = Money(sum(price.minor * quantity for price, quantity in prices), currency)
    if out_of_range := _total_out_of_range(total):
        return out_of_range
    if request.expected_total is not None and request.expected_total != total.decimal():
        details = _current_price_details(quotes, total)
        return PriceChanged(f"the total is now {total.text()} {currency}", details=details)
    return OutOfStock(
        details={"lines": [_shortage_details(quote) for quote in quotes if not quote.is_enough]}
    )


def _missing(quotes: Sequence[LineQuote]) -> list[int]:
    return [index for index, quote in enumerate(quotes) if quote.unit_price is None]


def _total_out_of_range(total: Money) -> TotalOutOfRange | None:
    currency = CURRENCIES[total.currency]
    in_range = currency.minimum <= total.minor <= currency.maximum
    if in_range and not total.step_violation():
        return None
    lowest, highest = (Money(minor, total.currency).text() for minor in (currency.minimum, currency.maximum))
    limits = (
        total.step_violation() if in_range else f"must be between {lowest} and {highest} {total.currency}"
    )
    rule = f"the total {limits}, it is {total.text()}"
    return TotalOutOfRange(f"products: {rule}", fields=[Violation(("products",), rule)])


def _current_price_details(quotes: Sequence[LineQuote], total: Money) -> dict[str, JsonValue]:
    lines: list[JsonValue] = [
        {
            "product_id": PRODUCT.format(quote.product_id),
            "unit_price": quote.unit_price.text() if quote.unit_price else None,
            "quantity": quote.quantity,
        }
        for quote in quotes
    ]
    return {"lines": lines, "total": total.text(), "currency": total.currency}


def _shortage_details(quote: LineQuote) -> dict[str, JsonValue]:
    return {
        "product_id": PRODUCT.format(quote.product_id),
        "requested": quote.quantity,
        # At most the requested quantity: the shop's actual stock is confidential.
        "available": min(quote.free or 0, quote.quantity),
    }
