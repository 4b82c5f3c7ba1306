"""Reservations of stock: HELD -> COMMITTED -> RETURNED, or HELD -> RELEASED. How they are kept from racing is the store's business."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from catalog.errors import IdempotencyConflict, OutOfStock, PriceChanged, ProductNotFound, TotalOutOfRange
from kit.errors import JsonValue, SoukError, Violation
from kit.values import CURRENCIES, PRODUCT, Input, MixedCurrency, Money

_LINES_MOST = 100
_QUANTITY_MOST = 1_000_000


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
        given = Input()
        given.require(
            1 <= len(wants) <= _LINES_MOST, f"must have between 1 and {_LINES_MOST} lines", "products"
        )
        seen: set[UUID] = set()
        for at, want in enumerate(wants):
            given.integer(want.quantity, "products", at, "quantity", least=1, most=_QUANTITY_MOST)
            given.require(want.product_id not in seen, "must be in one line only", "products", at, "id")
            seen.add(want.product_id)
        given.done()
        return cls(order_id, tuple(wants), expected_total)

    @property
    def input_hash(self) -> bytes:
        """Tells one order's wants from another's; what the buyer saw is not part of it."""
        text = "|".join(f"{want.product_id.hex}:{want.quantity}" for want in self.wants)
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
        if self.state.has_stock and self.input_hash != wish.input_hash:
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
    if known.minimum <= total.minor <= known.maximum:
        return None
    least, most = (Money(minor, total.currency).text() for minor in (known.minimum, known.maximum))
    rule = f"the total must be between {least} and {most} {total.currency}, it is {total.text()}"
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
