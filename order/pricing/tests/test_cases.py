"""The worked prices of cases.md: what `price` makes of them, and that their arithmetic is right."""

from collections import Counter
from fractions import Fraction

import pytest

from kit.values import CURRENCIES
from order.pricing.rules import Treatment
from order.pricing.tests.cases import Case, load

CASES = load()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_worked_case_is_priced_as_written(case: Case) -> None:
    quote = case.quote()
    left = [charge.base - charge.discount for charge in quote.charges]

    assert left == case.amounts(case.left)
    assert [charge.tax for charge in quote.charges] == case.amounts(case.tax)
    assert quote.total == case.minor(case.total)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_arithmetic_of_a_worked_case_gives_its_amounts(case: Case) -> None:
    """Independent of the code under test, but for how a half is rounded."""
    currency = CURRENCIES[case.currency]
    step = 1 if case.treatment is Treatment.INCLUDED else currency.step
    rounded = {False: 0, True: 0}
    for term in case.worked():
        assert abs(term.exact - Fraction(term.shown)) < Fraction(1, 100)
        minor = term.exact * 10**currency.exponent
        rounded[term.home] += case.rounding.ratio(minor.numerator, minor.denominator, step)
    added = 0 if case.treatment is Treatment.INCLUDED else rounded[False]

    assert rounded[False] == sum(case.amounts(case.tax))
    assert sum(case.amounts(case.left)) - rounded[True] + added == case.minor(case.total)


def test_there_are_many_cases_in_currencies_of_every_kind_each_with_a_source() -> None:
    decimals = Counter(CURRENCIES[case.currency].exponent for case in CASES)

    assert len(CASES) >= 80
    assert {0, 2, 3} <= decimals.keys()
    assert min(decimals.values()) >= 5
    assert len({case.name + case.terms for case in CASES}) == len(CASES)
    assert all(case.source and case.arithmetic for case in CASES)
