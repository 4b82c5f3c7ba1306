"""Discounts of lines, of the order and of shipping, each taken from what the ones before it left.

Not here: which discounts an order gets.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from order.pricing.allocation import allocate
from order.pricing.rounding import Rounding

MILLION = 1_000_000


class DiscountClass(StrEnum):
    """What a discount is taken from: single lines, all goods together, or shipping. They apply in this order."""

    PRODUCT = "PRODUCT"
    ORDER = "ORDER"
    SHIPPING = "SHIPPING"


class Reward(StrEnum):
    """How a discount's `value` is meant.

    PERCENT: millionths. AMOUNT: minor units off the order, off shipping, or off each unit of a line. FIXED_PRICE: what a unit of a line
    costs instead, in minor units; PRODUCT only.
    """

    PERCENT = "PERCENT"
    AMOUNT = "AMOUNT"
    FIXED_PRICE = "FIXED_PRICE"


@dataclass(frozen=True, slots=True)
class Discount:
    """A reduction that the order gets. `positions`: the lines that it is about, or None for all of them."""

    name: str
    discount_class: DiscountClass
    reward: Reward
    value: int
    positions: frozenset[int] | None = None
    promotion_id: UUID | None = None
    code: str = ""

    def concerns(self, position: int) -> bool:
        """Whether a line is one of those that the discount is about."""
        return self.positions is None or position in self.positions


@dataclass(frozen=True, slots=True)
class AppliedDiscount:
    """What a discount took from a line or from shipping, above 0."""

    discount: Discount
    amount: int


@dataclass(slots=True)
class Reduced:
    """A line or shipping while discounts are taken from it."""

    base: int
    unit_price: int
    quantity: int
    discounts: tuple[AppliedDiscount, ...] = ()

    @property
    def left(self) -> int:
        """What the discounts so far leave; never below 0."""
        return self.base - sum(applied.amount for applied in self.discounts)

    def take(self, discount: Discount, amount: int) -> None:
        """Takes an amount, at most what is left."""
        amount = min(amount, self.left)
        if amount > 0:
            self.discounts = (*self.discounts, AppliedDiscount(discount, amount))


def reduce_lines(
    lines: Sequence[Reduced], discounts: Sequence[Discount], rounding: Rounding, step: int
) -> None:
    """Takes the discounts of lines, then those of the order, which are allocated to lines at once."""
    for discount in discounts:
        if discount.discount_class is DiscountClass.PRODUCT:
            for position, line in enumerate(lines):
                if discount.concerns(position):
                    line.take(discount, _product_discount(discount, line, rounding, step))
    for discount in discounts:
        if discount.discount_class is DiscountClass.ORDER:
            eligible = [line for position, line in enumerate(lines) if discount.concerns(position)]
            weights = [line.left for line in eligible]
            amount = _amount(discount, sum(weights), rounding, step)
            for line, part in zip(eligible, allocate(amount, weights), strict=True):
                line.take(discount, part)


def reduce_shipping(shipping: Reduced, discounts: Sequence[Discount], rounding: Rounding, step: int) -> None:
    """Takes the discounts of shipping."""
    for discount in discounts:
        if discount.discount_class is DiscountClass.SHIPPING:
            shipping.take(discount, _amount(discount, shipping.left, rounding, step))


def _product_discount(discount: Discount, line: Reduced, rounding: Rounding, step: int) -> int:
    """A percentage is rounded once a line, never per unit."""
    match discount.reward:
        case Reward.PERCENT:
            return rounding.ratio(line.left * discount.value, MILLION, step)
        case Reward.AMOUNT:
            return min(discount.value, line.unit_price) * line.quantity
        case Reward.FIXED_PRICE:
            return max(0, line.unit_price - discount.value) * line.quantity


def _amount(discount: Discount, whole: int, rounding: Rounding, step: int) -> int:
    """A multiple of the step: what shares of earlier discounts leave of some lines is none, and the total must stay one."""
    limit = whole - whole % step
    match discount.reward:
        case Reward.PERCENT:
            return min(rounding.ratio(whole * discount.value, MILLION, step), limit)
        case Reward.AMOUNT:
            return min(discount.value, limit)
        case Reward.FIXED_PRICE:
            raise ValueError("a fixed price is for lines")
