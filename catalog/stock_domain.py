"""Stock: reservations, HELD -> COMMITTED -> RETURNED or HELD -> RELEASED, and what ADMINs change by hand.

Each adjustment is kept, so that of a product always: free + held + sold = the sum of its adjustments; what is not tracked has none free.
How all this is kept from racing is the store's business.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from catalog.errors import (
    IdempotencyConflict,
    InsufficientStock,
    NotTracked,
    OutOfStock,
    PriceChanged,
    ProductNotFound,
    StockConflict,
    StockLimit,
    TotalOutOfRange,
)
from kit.errors import JsonValue, SoukError, Violation
from kit.values import AUDIT, CURRENCIES, PRODUCT, FieldReader, MixedCurrency, Money

_LINES_MOST = 100
_QUANTITY_MOST = 1_000_000
_STOCK_MOST = 1_000_000_000
_REASON_MOST = 500
_REQUEST_ID_MOST = 255


class ReservationState(StrEnum):
    """Where a reservation stands."""

    HELD = "HELD"
    COMMITTED = "COMMITTED"
    RELEASED = "RELEASED"
    RETURNED = "RETURNED"

    @property
    def has_stock(self) -> bool:
        """Whether stock is taken for it."""
        return self in (ReservationState.HELD, ReservationState.COMMITTED)


@dataclass(frozen=True, slots=True)
class Want:
    """So many of a product."""

    product_id: UUID
    quantity: int


@dataclass(frozen=True, slots=True)
class Wish:
    """What an order wants, checked: each product once. `expected_total` is the total that the buyer saw, if that was told."""

    order_id: UUID
    wants: tuple[Want, ...]
    expected_total: Decimal | None

    @classmethod
    def read(cls, order_id: UUID, wants: Sequence[Want], expected_total: Decimal | None) -> "Wish":
        """Raises InvalidArgument with every fault at once."""
        given = FieldReader()
        given.require(
            1 <= len(wants) <= _LINES_MOST, f"must have between 1 and {_LINES_MOST} lines", "products"
        )
        seen: set[UUID] = set()
        for at, want in enumerate(wants):
            given.integer(want.quantity, "products", at, "quantity", minimum=1, maximum=_QUANTITY_MOST)
            given.require(want.product_id not in seen, "must be in one line only", "products", at, "id")
            seen.add(want.product_id)
        given.raise_if_invalid()
        return cls(order_id, tuple(wants), expected_total)

    @property
    def input_hash(self) -> bytes:
        """Tells one order's wants from another's, in whatever order they stand; what the buyer saw is not part of it."""
        return self._hash(sorted(self.wants, key=lambda want: want.product_id))

    def is_same_as(self, input_hash: bytes) -> bool:
        """Whether this is what was reserved under a hash; earlier releases took the wants in the order in which they stood."""
        return input_hash in (self.input_hash, self._hash(self.wants))

    @staticmethod
    def _hash(wants: Sequence[Want]) -> bytes:
        text = "|".join(f"{want.product_id.hex}:{want.quantity}" for want in wants)
        return hashlib.blake2b(text.encode(), digest_size=16).digest()


@dataclass(frozen=True, slots=True)
class PricedLine:
    """A product as it was priced."""

    product_id: UUID
    name: str
    unit_price: Money
    quantity: int


@dataclass(frozen=True, slots=True)
class Reservation:
    """What an order holds; `lines` are in the order in which they were wanted."""

    order_id: UUID
    state: ReservationState
    input_hash: bytes
    lines: tuple[PricedLine, ...]
    expire_time: datetime

    def for_wish(self, wish: Wish) -> "Reservation":
        """This reservation as the answer to a wish; raises IdempotencyConflict when it was made for another."""
        if self.state.has_stock and not wish.is_same_as(self.input_hash):
            raise IdempotencyConflict()
        return self


@dataclass(frozen=True, slots=True)
class Offer:
    """A wanted product as the tables had it: no price when there is no such product, no `free` when it is not tracked."""

    want: Want
    name: str
    unit_price: Money | None
    free: int | None

    @property
    def is_enough(self) -> bool:
        """Whether as many are free as are wanted."""
        return self.free is None or self.want.quantity <= self.free


class Action(StrEnum):
    """What an adjustment was."""

    CREATE = "CREATE"
    ADJUST = "ADJUST"
    SET = "SET"
    STOP_TRACKING = "STOP_TRACKING"
    # Nobody's act: what an order gave back of a product that was not tracked any more.
    FORGO = "FORGO"
    # Nobody's act either: the sum of adjustments that are too old to be kept one by one.
    CARRIED = "CARRIED"


@dataclass(frozen=True, slots=True)
class Adjustment:
    """Who changed a product's stock, when, by how much and why; `input_hash` is empty unless it was asked for under a request id."""

    id: UUID
    product_id: UUID
    action: Action
    delta: int
    reason: str
    actor_id: UUID | None
    create_time: datetime
    input_hash: bytes = b""

    @classmethod
    def begun(cls, product_id: UUID, free: int, actor_id: UUID, now: datetime) -> "Adjustment":
        """The first of a product that is tracked from its creation."""
        return cls(AUDIT.new(), product_id, Action.CREATE, free, "created", actor_id, now)


@dataclass(frozen=True, slots=True)
class StockChange:
    """So much more of a product, or less, checked."""

    product_id: UUID
    delta: int
    reason: str
    request_id: str

    @classmethod
    def read(cls, product_id: UUID, delta: int, reason: str, request_id: str) -> "StockChange":
        """Raises InvalidArgument with every fault at once."""
        given = FieldReader()
        change = cls(
            product_id,
            given.integer(delta, "delta", minimum=-_STOCK_MOST, maximum=_STOCK_MOST),
            given.text(reason, "reason", max_length=_REASON_MOST, lines=True),
            given.text(request_id, "idempotencyKey", min_length=1, max_length=_REQUEST_ID_MOST),
        )
        given.raise_if_invalid()
        return change

    def of(self, actor_id: UUID, now: datetime) -> Adjustment:
        """The adjustment that this is; the same caller's same request id has the same id."""
        key = AUDIT.derive("adjust stock", str(actor_id), self.request_id)
        text = f"{self.product_id.hex}:{self.delta}:{self.reason}"
        asked = hashlib.blake2b(text.encode(), digest_size=16).digest()
        return Adjustment(key, self.product_id, Action.ADJUST, self.delta, self.reason, actor_id, now, asked)

    def applied_to(self, free: int | None) -> int:
        """What is free after it; raises NotTracked, InsufficientStock, StockLimit."""
        if free is None:
            raise NotTracked()
        after = free + self.delta
        if after < 0:
            raise InsufficientStock(details={"stock": free})
        if after > _STOCK_MOST:
            raise StockLimit(f"free stock never exceeds {_STOCK_MOST:,}", details={"stock": free})
        return after


@dataclass(frozen=True, slots=True)
class StockCount:
    """The free stock that a product is to have, checked: None, and it is not tracked. `expected` is what the caller read."""

    product_id: UUID
    stock: int | None
    expected: int | None
    reason: str

    @classmethod
    def read(cls, product_id: UUID, stock: int | None, expected: int | None, reason: str) -> "StockCount":
        """Raises InvalidArgument with every fault at once."""
        given = FieldReader()
        for name, value in (("stock", stock), ("expected", expected)):
            if value is not None:
                given.integer(value, name, minimum=0, maximum=_STOCK_MOST)
        count = cls(
            product_id, stock, expected, given.text(reason, "reason", max_length=_REASON_MOST, lines=True)
        )
        given.raise_if_invalid()
        return count

    def instead_of(self, free: int | None, actor_id: UUID, now: datetime) -> Adjustment:
        """The adjustment from what is free now, None when it is not tracked; raises StockConflict."""
        if self.expected is not None and self.expected != free:
            raise StockConflict(details={"stock": free})
        action = Action.STOP_TRACKING if self.stock is None else Action.SET
        delta = (self.stock or 0) - (free or 0)
        return Adjustment(AUDIT.new(), self.product_id, action, delta, self.reason, actor_id, now)


def refusal(wish: Wish, offers: Sequence[Offer]) -> SoukError:
    """Why nothing was reserved for a wish, given what there was."""
    missing = [Violation(("products", at, "id"), "no such product") for at in _missing(offers)]
    if missing:
        return ProductNotFound(fields=missing)
    lines = [(offer.want, offer.unit_price) for offer in offers if offer.unit_price is not None]
    currencies = {price.currency for _, price in lines}
    if len(currencies) > 1:
        return MixedCurrency("products: all of an order must have the same currency")
    (currency,) = currencies
    total = Money(sum(price.minor * want.quantity for want, price in lines), currency)
    if outside := _outside(total):
        return outside
    if wish.expected_total is not None and wish.expected_total != total.decimal():
        return PriceChanged(f"the total is {total.text()} {currency} now", details=_now(offers, total))
    return OutOfStock(details={"lines": [_short(offer) for offer in offers if not offer.is_enough]})


def _missing(offers: Sequence[Offer]) -> list[int]:
    return [at for at, offer in enumerate(offers) if offer.unit_price is None]


def _outside(total: Money) -> TotalOutOfRange | None:
    known = CURRENCIES[total.currency]
    within = known.minimum <= total.minor <= known.maximum
    if within and not total.step_violation():
        return None
    least, most = (Money(minor, total.currency).text() for minor in (known.minimum, known.maximum))
    limits = total.step_violation() if within else f"must be between {least} and {most} {total.currency}"
    rule = f"the total {limits}, it is {total.text()}"
    return TotalOutOfRange(f"products: {rule}", fields=[Violation(("products",), rule)])


def _now(offers: Sequence[Offer], total: Money) -> dict[str, JsonValue]:
    lines: list[JsonValue] = [
        {
            "product_id": PRODUCT.format(offer.want.product_id),
            "unit_price": offer.unit_price.text() if offer.unit_price else None,
            "quantity": offer.want.quantity,
        }
        for offer in offers
    ]
    return {"lines": lines, "total": total.text(), "currency": total.currency}


def _short(offer: Offer) -> dict[str, JsonValue]:
    # No more than was asked for: how much a shop has is its own business.
    return {
        "product_id": PRODUCT.format(offer.want.product_id),
        "requested": offer.want.quantity,
        "available": min(offer.free or 0, offer.want.quantity),
    }
