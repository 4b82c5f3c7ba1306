"""Reads the worked prices of cases.md; their language is explained there."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from kit.values import CURRENCIES, utc_now
from order.pricing.charges import PricedItem
from order.pricing.discounts import Discount, DiscountClass, Reward
from order.pricing.places import Destination, Place
from order.pricing.quote import Quote, price
from order.pricing.rounding import Rounding
from order.pricing.rules import PROPORTIONAL, Band, Level, Method, Rules, TaxRate, Terms, Treatment, Zone

METHOD = UUID(int=7)
_HOME, _ABROAD = "CH", "AT"
_LINE = re.compile(r"(\d+) x ([\d.]+) @ ([^\s,]+)")
_DISCOUNT = re.compile(
    r"(?:#(\d+)|(lines|order|shipping))(?: #(\d+))? (?:for ([\d.]+)|-([\d.]+)(%?))(?: each)?"
)
_TERM = re.compile(r"(home )?([\d.*/]+) = ([\d.]+)")


class Term(NamedTuple):
    """A tax before it is rounded, as an exact fraction of the major unit; `shown` is its value in decimals."""

    home: bool
    exact: Fraction
    shown: Decimal


@dataclass(frozen=True, slots=True)
class Case:
    """A row of the table."""

    name: str
    terms: str
    lines: str
    discounts: str
    shipping: str
    left: str
    tax: str
    total: str
    arithmetic: str
    source: str

    @property
    def currency(self) -> str:
        """Its code."""
        return self.terms.split()[0]

    @property
    def rounding(self) -> Rounding:
        """HALF_UP unless the terms name the other."""
        return Rounding.HALF_EVEN if "HALF_EVEN" in self.terms else Rounding.HALF_UP

    @property
    def treatment(self) -> Treatment:
        """How prices and tax relate."""
        return Treatment(self.terms.split()[1].upper())

    def minor(self, amount: str) -> int:
        """An amount of the table in minor units."""
        return int(Decimal(amount).scaleb(CURRENCIES[self.currency].exponent))

    def amounts(self, column: str) -> list[int]:
        """The amounts of the lines, then of shipping."""
        return [self.minor(amount) for amount in re.split(r"[,+]", column)]

    def worked(self) -> Iterator[Term]:
        """The terms of the arithmetic."""
        for home, expression, shown in _TERM.findall(self.arithmetic):
            yield Term(bool(home), _evaluate(expression), Decimal(shown))

    def quote(self) -> Quote:
        """What `price` makes of it."""
        lines = _LINE.findall(self.lines)
        items = [PricedItem(self.minor(unit), int(count), tax_class=rates) for count, unit, rates in lines]
        rules = self._rules({rates for _, _, rates in lines})
        discounts = [self._discount(*match) for match in _DISCOUNT.findall(self.discounts)]
        destination = Destination(_ABROAD)
        return price(items, rules, destination, METHOD, discounts, currency=self.currency, now=utc_now())

    def _rules(self, classes: set[str]) -> Rules:
        level = Level.RATE if "RATE" in self.terms else Level.LINE
        terms = Terms(self.treatment is Treatment.INCLUDED, self.rounding, level, _HOME)
        zones: list[Zone] = []
        if self.shipping != "-":
            amount, tax_class = self.shipping.replace("goods", PROPORTIONAL).split(" @ ")
            classes = {*classes, tax_class}
            band = Band(self.currency, self.minor(amount))
            zones = [
                Zone(UUID(int=1), "abroad", (Place(_ABROAD),), (Method(METHOD, "post", (band,), tax_class),))
            ]
        rates = [rate for tax_class in classes for rate in _rates(tax_class)]
        return Rules.of(terms, rates, {_ABROAD: self.treatment}, zones)

    def _discount(
        self, line: str, whole: str, of_line: str, fixed: str, value: str, percent: str
    ) -> Discount:
        target = line or of_line
        positions = frozenset({int(target) - 1}) if target else None
        discount_class = {"order": DiscountClass.ORDER, "shipping": DiscountClass.SHIPPING}.get(
            whole, DiscountClass.PRODUCT
        )
        if fixed:
            return Discount("sale", discount_class, Reward.FIXED_PRICE, self.minor(fixed), positions)
        if percent:
            return Discount("sale", discount_class, Reward.PERCENT, int(Decimal(value) * 10_000), positions)
        return Discount("sale", discount_class, Reward.AMOUNT, self.minor(value), positions)


def load() -> list[Case]:
    """Every row of the table."""
    text = Path(__file__).with_name("cases.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith("| case ")]
    return [Case(*(cell.strip() for cell in row.strip("|").split("|"))) for row in rows]


def _rates(tax_class: str) -> Iterator[TaxRate]:
    """The rates of a class by its name: 8.1%>6%+1.25% has 8.1 % in the shop's country, two rates abroad."""
    home, _, abroad = tax_class.rpartition(">")
    for country, rates in ((_HOME, home), (_ABROAD, abroad)):
        for rate in re.findall(r"[\d.]+", rates) if rates != PROPORTIONAL else ():
            ppm = int(Decimal(rate) * 10_000)
            yield TaxRate(Place(country), f"{rate} %", ppm, tax_class)


def _evaluate(expression: str) -> Fraction:
    """A product and quotient of decimals, from left to right, exactly."""
    first, *rest = re.findall(r"[*/]?[\d.]+", expression)
    result: Any = Fraction(first)
    for part in rest:
        factor = Fraction(part[1:])
        result = result * factor if part[0] == "*" else result / factor
    return Fraction(result)
