"""Reservations: HELD -> COMMITTED -> RETURNED, or HELD -> RELEASED. The store keeps concurrent transitions from racing."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final
from uuid import UUID

from catalog.options import OptionValue
from catalog.products.errors import ProductNotFound
from catalog.reservations.errors import LineOverLimit, OutOfStock, PriceChanged, TotalOutOfRange
from catalog.variants.errors import VariantRequired
from kit.errors import IdempotencyConflict, JsonValue, SoukError, Violation
from kit.values import CURRENCIES, PRODUCT, VARIANT, FieldReader, MixedCurrency, Money

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
    """The units of each variant of an order, in the order of its lines. `expected_total` is the total that the buyer saw, if given.

    `by_product`: variants that were named by their product, which must not have options then. `limits_judged`: the caller checks what the
    payment provider charges, on a total of which these lines are only a part.
    """

    order_id: UUID
    quantities: Mapping[UUID, int]
    expected_total: Decimal | None
    by_product: frozenset[UUID] = frozenset()
    limits_judged: bool = False

    @classmethod
    def parse(
        cls,
        order_id: UUID,
        lines: Sequence[tuple[UUID, int]],
        expected_total: Decimal | None,
        *,
        by_product: Iterable[UUID] = (),
        limits_judged: bool = False,
    ) -> "ReservationRequest":
        """From the variant and quantity of each line. Raises InvalidArgument with all violations."""
        reader = FieldReader()
        reader.require(
            1 <= len(lines) <= _MAX_LINES, f"must have between 1 and {_MAX_LINES} lines", "products"
        )
        quantities: dict[UUID, int] = {}
        for index, (variant_id, quantity) in enumerate(lines):
            reader.integer(quantity, "products", index, "quantity", minimum=1, maximum=_MAX_QUANTITY)
            reader.require(variant_id not in quantities, "must be in one line only", "products", index, "id")
            quantities[variant_id] = quantity
        reader.raise_if_invalid()
        return cls(order_id, quantities, expected_total, frozenset(by_product), limits_judged)

    @property
    def input_hash(self) -> bytes:
        """Identifies the lines in any order. The expected total is not part of it."""
        return self._hash(sorted(self.quantities.items()))

    def matches(self, input_hash: bytes) -> bool:
        """Whether a reservation with this hash has the same lines. Earlier releases hashed the lines in the request's order."""
        return input_hash in (self.input_hash, self._hash(self.quantities.items()))

    @staticmethod
    def _hash(lines: Iterable[tuple[UUID, int]]) -> bytes:
        text = "|".join(f"{variant_id.hex}:{quantity}" for variant_id, quantity in lines)
        return hashlib.blake2b(text.encode(), digest_size=16).digest()


@dataclass(frozen=True, slots=True)
class PricedLine:
    """A reserved line with the product's name and the variant's price, SKU and options at that time; `sku` is empty if it had none."""

    product_id: UUID
    name: str
    unit_price: Money
    quantity: int
    variant_id: UUID
    sku: str = ""
    options: tuple[OptionValue, ...] = ()


@dataclass(frozen=True, slots=True)
class Reservation:
    """The stock that an order holds; `lines` are in the request's order. `created`: by the request that it answers."""

    order_id: UUID
    state: ReservationState
    input_hash: bytes
    lines: tuple[PricedLine, ...]
    expire_time: datetime
    created: bool = field(default=False, compare=False)

    def require_same_lines(self, request: ReservationRequest) -> None:
        """Raises IdempotencyConflict if the reservation was made for different lines."""
        if self.state.has_stock and not request.matches(self.input_hash):
            raise IdempotencyConflict("the order already has a reservation with different lines")


@dataclass(frozen=True, slots=True)
class LineQuote:
    """A requested quantity with the variant's current price, None if it does not exist, and free stock, None if it is not tracked.

    `variant_required`: the line names a product with options, so the price is None too. `parent_id` is the product's id if there is one.
    """

    variant_id: UUID
    quantity: int
    unit_price: Money | None
    free: int | None
    parent_id: UUID | None = None
    has_options: bool = False
    variant_required: bool = False
    max_per_order: int | None = None

    @property
    def product_id(self) -> UUID:
        """The product's id, which is that of its first variant."""
        return self.parent_id or self.variant_id

    @property
    def is_enough(self) -> bool:
        """Whether the requested quantity is free."""
        return self.free is None or self.quantity <= self.free

    @property
    def is_missing(self) -> bool:
        """Whether there is no such product or variant."""
        return self.unit_price is None and not self.variant_required

    @property
    def is_over_limit(self) -> bool:
        """Whether one order may not have that many."""
        return self.max_per_order is not None and self.quantity > self.max_per_order


def rejection_of(request: ReservationRequest, quotes: Sequence[LineQuote]) -> SoukError:
    """The error of a request that was not reserved: the first rule that its lines violate, in the order of the code."""
    if missing := _violations(quotes, lambda quote: quote.is_missing, "no such product"):
        return ProductNotFound(fields=missing)
    if named := _violations(
        quotes, lambda quote: quote.variant_required, "must be one of the product's variants"
    ):
        return VariantRequired(fields=named)
    if any(quote.is_over_limit for quote in quotes):
        return _line_over_limit(quotes)
    prices = [(quote.unit_price, quote.quantity) for quote in quotes if quote.unit_price is not None]
    currencies = {price.currency for price, _ in prices}
    if len(currencies) > 1:
        return MixedCurrency("products: all products of an order must have the same currency")
    (currency,) = currencies
    total = Money(sum(price.minor * quantity for price, quantity in prices), currency)
    if not request.limits_judged and (out_of_range := _total_out_of_range(total)):
        return out_of_range
    if request.expected_total is not None and request.expected_total != total.decimal():
        details = _current_price_details(quotes, total)
        return PriceChanged(f"the total is now {total.text()} {currency}", details=details)
    return OutOfStock(
        details={"lines": [_shortage_details(quote) for quote in quotes if not quote.is_enough]}
    )


def _violations(
    quotes: Sequence[LineQuote], is_violated: Callable[[LineQuote], bool], rule: str
) -> list[Violation]:
    return [
        Violation(("products", index, "id"), rule) for index, quote in enumerate(quotes) if is_violated(quote)
    ]


def _line_over_limit(quotes: Sequence[LineQuote]) -> LineOverLimit:
    over_limit = [(index, quote) for index, quote in enumerate(quotes) if quote.is_over_limit]
    fields = [
        Violation(("products", index, "quantity"), f"must not exceed {quote.max_per_order:,}")
        for index, quote in over_limit
    ]
    lines: list[JsonValue] = [
        {**_line_details(quote), "requested": quote.quantity, "max_per_order": quote.max_per_order}
        for _, quote in over_limit
    ]
    return LineOverLimit(fields=fields, details={"lines": lines})


def _line_details(quote: LineQuote) -> dict[str, JsonValue]:
    """The variant is named only where the product does not say which one."""
    variant = {"variant_id": VARIANT.format(quote.variant_id)} if quote.has_options else {}
    return {"product_id": PRODUCT.format(quote.product_id), **variant}


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
            **_line_details(quote),
            "unit_price": quote.unit_price.text() if quote.unit_price else None,
            "quantity": quote.quantity,
        }
        for quote in quotes
    ]
    return {"lines": lines, "total": total.text(), "currency": total.currency}


def _shortage_details(quote: LineQuote) -> dict[str, JsonValue]:
    return {
        **_line_details(quote),
        "requested": quote.quantity,
        # At most the requested quantity: the shop's actual stock is confidential.
        "available": min(quote.free or 0, quote.quantity),
    }
