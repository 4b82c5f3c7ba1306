"""What a cart costs, its warnings and its problems: pure."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.values import CART, CART_LINE, PRODUCT, Money, money_from_proto
from order.addresses.domain import Address
from order.cart_quotes.domain import CartQuote, CartTerms, ProblemCode, WarningCode, quote_cart
from order.cart_quotes.messages import cart_to_proto
from order.carts.domain import Cart, CartLine, CartState, Sellable, Unsellable
from order.pricing.places import Place
from order.pricing.rules import Band, Method, Rules, TaxRate, Terms, Treatment, Zone

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ADDRESS = Address("John Doe", "Bahnhofstrasse 1", "", "Zürich", "ZH", "8001", "CH")
POST = Method(PRODUCT.new(), "Post", (Band("USD", 700),))
SHIPPING = Rules.of(
    Terms(),
    [TaxRate(Place("CH"), "VAT", 81_000)],
    zones=[Zone(PRODUCT.new(), "Home", (Place("CH"),), (POST,))],
)


def line(quantity: int = 1, seen: int = 1000, currency: str = "USD") -> CartLine:
    return CartLine(CART_LINE.new(), PRODUCT.new(), quantity, Money(seen, currency))


def cart(*lines: CartLine, **fields: Any) -> Cart:
    values: dict[str, Any] = {
        "currency": lines[0].seen_price.currency if lines else "",
        "has_contact": False,
        "shipping_address": None,
        "billing_address": None,
        "shipping_method_id": None,
        "note": "",
        "version": 1,
        "update_time": NOW,
        "state": CartState.OPEN,
        "rules_revision": 1,
        **fields,
    }
    return Cart(id=CART.new(), account_id=PRODUCT.new(), lines=lines, **values)


def sold(line_: CartLine, price: int = 1000, currency: str = "USD", **details: Any) -> Sellable:
    return Sellable(line_.variant_id, line_.variant_id, "Mug", Money(price, currency), **details)


def quote(
    line_: Cart, *variants: Sellable | Unsellable, rules: Rules | None = None, **options: Any
) -> CartQuote:
    return quote_cart(line_, variants, CartTerms(rules or Rules(), 10_000, NOW), **options)


def codes(quoted: CartQuote) -> list[ProblemCode]:
    return [problem.code for problem in quoted.problems]


def test_a_cart_costs_what_its_lines_cost_now() -> None:
    first, second = line(2, seen=900), line(3)

    quoted = quote(cart(first, second), sold(first), sold(second, 250))

    assert quoted.quote
    assert (quoted.quote.subtotal, quoted.quote.total) == (2750, 2750)
    assert [priced.charge.total for priced in quoted.lines if priced.charge] == [2000, 750]
    assert quoted.problems == ()


def test_an_empty_cart_costs_nothing_and_cannot_be_ordered() -> None:
    quoted = quote(cart())

    assert quoted.quote is None
    assert codes(quoted) == [ProblemCode.EMPTY]


@pytest.mark.parametrize(("price", "code"), [(1100, WarningCode.PRICE_ROSE), (900, WarningCode.PRICE_FELL)])
def test_a_changed_price_is_a_warning_with_both_prices(price: int, code: WarningCode) -> None:
    line_ = line()

    [warning] = quote(cart(line_), sold(line_, price)).warnings

    assert (warning.code, warning.line) == (code, line_)
    assert (warning.before, warning.now) == (Money(1000, "USD"), Money(price, "USD"))


def test_an_unchanged_price_is_no_warning() -> None:
    line_ = line()

    assert quote(cart(line_), sold(line_)).warnings == ()


@pytest.mark.parametrize(
    ("free", "expected"),
    [(None, None), (5, None), (4, (WarningCode.LESS_IN_STOCK, 4)), (0, (WarningCode.OUT_OF_STOCK, None))],
)
def test_missing_stock_is_a_warning_and_a_problem(free: int | None, expected: Any) -> None:
    line_ = line(5)

    quoted = quote(cart(line_), sold(line_, free=free))

    warnings = [(warning.code, warning.available) for warning in quoted.warnings]
    assert warnings == ([expected] if expected else [])
    assert codes(quoted) == ([ProblemCode.LINE_SHORT] if expected else [])


def test_a_line_that_is_gone_is_named_and_the_others_are_priced() -> None:
    gone, other = line(), line()

    quoted = quote(cart(gone, other), Unsellable.UNKNOWN, sold(other))

    assert [(problem.code, problem.path) for problem in quoted.problems] == [
        (ProblemCode.LINE_GONE, ("lines", 0))
    ]
    assert [(warning.code, warning.line) for warning in quoted.warnings] == [(WarningCode.GONE, gone)]
    assert quoted.quote
    assert quoted.quote.total == 1000
    assert [priced.charge is None for priced in quoted.lines] == [True, False]


def test_a_line_whose_currency_changed_is_a_problem_and_is_not_priced() -> None:
    line_ = line()

    quoted = quote(cart(line_), sold(line_, currency="EUR"))

    assert codes(quoted) == [ProblemCode.MIXED_CURRENCY]
    assert quoted.quote is None


def test_a_variants_and_the_shops_limits_of_units_are_problems() -> None:
    few, many = line(4), line(10_001)

    quoted = quote(cart(few, many), sold(few, max_per_order=3), sold(many))

    assert [(problem.code, problem.path) for problem in quoted.problems] == [
        (ProblemCode.LINE_OVER_LIMIT, ("lines", 0, "quantity")),
        (ProblemCode.LINE_OVER_LIMIT, ("lines", 1, "quantity")),
    ]


def test_without_the_catalog_a_cart_has_no_prices_and_one_problem() -> None:
    quoted = quote_cart(cart(line(), line()), None, CartTerms(Rules(), 10_000, NOW))

    assert quoted.quote is None
    assert [(priced.variant, priced.charge) for priced in quoted.lines] == [(None, None)] * 2
    assert codes(quoted) == [ProblemCode.PRICES_UNAVAILABLE]
    assert quoted.warnings == ()


def test_a_guest_leaves_a_contact() -> None:
    line_ = line()

    assert codes(quote(cart(line_), sold(line_), lacks_contact=True)) == [ProblemCode.CONTACT_MISSING]
    assert codes(quote(cart(line_, has_contact=True), sold(line_), lacks_contact=True)) == []


def test_what_is_shipped_needs_an_address_and_a_method_and_what_is_not_needs_neither() -> None:
    line_ = line()
    addressed = cart(line_, shipping_address=ADDRESS)

    assert ProblemCode.ADDRESS_MISSING in codes(quote(cart(line_), sold(line_), rules=SHIPPING))
    assert codes(quote(addressed, sold(line_), rules=SHIPPING)) == [ProblemCode.METHOD_MISSING]
    assert codes(quote(cart(line_), sold(line_, requires_shipping=False), rules=SHIPPING)) == []
    abroad = replace(addressed, shipping_address=replace(ADDRESS, country_code="DE", region=""))
    assert codes(quote(abroad, sold(line_), rules=SHIPPING)) == [ProblemCode.NOT_DELIVERED_THERE]
    gone = replace(addressed, shipping_method_id=PRODUCT.new())
    assert codes(quote(gone, sold(line_), rules=SHIPPING)) == [ProblemCode.METHOD_GONE]


def test_shipping_and_tax_are_part_of_the_total() -> None:
    line_ = line()
    chosen = cart(line_, shipping_address=ADDRESS, shipping_method_id=POST.id)

    quoted = quote(chosen, sold(line_), rules=SHIPPING)

    assert quoted.quote
    assert quoted.quote.shipping
    assert (quoted.quote.subtotal, quoted.quote.shipping.total, quoted.quote.tax) == (1000, 757, 81 + 57)
    assert quoted.quote.total == 1838
    assert quoted.problems == ()


@pytest.mark.parametrize("treatment", Treatment)
def test_what_a_cart_shows_adds_up(treatment: Treatment) -> None:
    line_ = line()
    chosen = cart(line_, shipping_address=ADDRESS, shipping_method_id=POST.id)
    rules = replace(SHIPPING, terms=Terms(home_country="CH"), treatments={"CH": treatment})

    shown = cart_to_proto(quote(chosen, sold(line_), rules=rules))

    parts = [shown.subtotal, shown.shipping_price, *([] if shown.tax_included else [shown.tax_total])]
    assert sum(money_from_proto(part).minor for part in parts) == money_from_proto(shown.total).minor


@pytest.mark.parametrize(
    ("price", "fits"), [(49, False), (50, True), (99_999_999, True), (100_000_000, False)]
)
def test_a_total_outside_the_providers_limits_is_a_problem(price: int, fits: bool) -> None:
    line_ = line()

    quoted = quote(cart(line_), sold(line_, price))

    assert codes(quoted) == ([] if fits else [ProblemCode.TOTAL_OUT_OF_RANGE])


@given(st.lists(st.tuples(st.integers(1, 50), st.integers(1, 5000), st.booleans()), max_size=8))
def test_the_lines_add_up_to_the_total(line_: list[tuple[int, int, bool]]) -> None:
    lines = [line(quantity) for quantity, _, _ in line_]
    variants = [
        Unsellable.UNKNOWN if gone else sold(one, price)
        for one, (_, price, gone) in zip(lines, line_, strict=True)
    ]

    quoted = quote(cart(*lines), *variants)

    totals = [priced.charge.total if priced.charge else 0 for priced in quoted.lines]
    assert totals == [0 if gone else quantity * price for quantity, price, gone in line_]
    assert sum(totals) == (quoted.quote.total if quoted.quote else 0)
