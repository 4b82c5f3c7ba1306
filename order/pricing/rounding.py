"""Rounding of exact ratios of integers."""

from enum import StrEnum


class Rounding(StrEnum):
    """What happens to a half."""

    HALF_UP = "HALF_UP"
    HALF_EVEN = "HALF_EVEN"

    def ratio(self, numerator: int, denominator: int, step: int = 1) -> int:
        """`numerator / denominator`, neither negative, rounded to a multiple of `step`."""
        divisor = denominator * step
        quotient, remainder = divmod(numerator, divisor)
        twice = 2 * remainder
        up = twice > divisor or (twice == divisor and (self is Rounding.HALF_UP or quotient % 2 == 1))
        return (quotient + up) * step
