"""What the shop of a fault run sells."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Assortment:
    """The products of one currency: their number, their prices, and amounts for partial refunds."""

    count: int
    prices: Callable[[int], str]
    partial_refunds: tuple[str, ...]


ASSORTMENTS: Final[Mapping[str, Assortment]] = {
    "USD": Assortment(6, lambda n: f"{3 + n}.50", ("1.00", "0.01")),
    "EUR": Assortment(3, lambda n: f"{5 + n}.99", ("1.00", "0.01")),
    "JPY": Assortment(3, lambda n: f"{300 + 50 * n}", ("100", "1")),
    "KWD": Assortment(3, lambda n: f"{1 + n}.510", ("0.500", "0.010")),
}
