"""What a cart shows is what its order costs, in every shop."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from kit.errors import FailedPrecondition
from kit.testing.fixtures import database_url, postgres
from kit.testing.principals import customer
from kit.values import CURRENCIES, Money
from order.addresses.domain import Address
from order.carts.domain import CartChange
from order.checkout.domain import CheckOut
from order.pricing.places import Place
from order.pricing.rounding import Rounding
from order.pricing.rules import PROPORTIONAL, Band, Level, Method, Rules, TaxRate, Terms, Treatment, Zone
from order.tests.cart_harness import CartHarness, carts

__all__ = ["carts", "database_url", "postgres"]

ADDRESS = Address("John Doe", "Main Street 1", "", "Portland", "OR", "97201", "US")
_PPM = st.integers(0, 300_000)


@st.composite
def shops(draw: st.DrawFn, currency: str) -> Rules:
    """Rules with taxes of two classes, and a shipping method whose price depends on the subtotal."""
    step, edge = CURRENCIES[currency].step, draw(st.integers(1, 20_000))
    bands = (
        Band(currency, draw(st.integers(0, 900)) * step, 0, edge),
        Band(currency, draw(st.integers(0, 900)) * step, edge),
    )
    tax_class = draw(st.sampled_from(["standard", "reduced", PROPORTIONAL]))
    rates = [
        TaxRate(Place("US"), "country", draw(_PPM)),
        TaxRate(Place("US", "OR"), "state", draw(_PPM)),
        TaxRate(Place("US"), "reduced", draw(_PPM), "reduced"),
        TaxRate(Place("CH"), "home", draw(_PPM)),
    ]
    terms = Terms(draw(st.booleans()), draw(st.sampled_from(Rounding)), draw(st.sampled_from(Level)), "CH")
    zone = Zone(uuid4(), "home", (Place("US"),), (Method(uuid4(), "post", bands, tax_class),))
    return Rules.of(terms, rates, {"US": draw(st.sampled_from(Treatment))}, [zone])


@st.composite
def goods(draw: st.DrawFn, currency: str) -> list[dict[str, Any]]:
    """Products with their quantities."""
    step = CURRENCIES[currency].step
    line = st.fixed_dictionaries(
        {
            "price": st.integers(1, 5_000).map(lambda units: units * step),
            "quantity": st.integers(1, 30),
            "tax_class": st.sampled_from(["standard", "reduced", "food"]),
            "requires_shipping": st.booleans(),
        }
    )
    return draw(st.lists(line, min_size=1, max_size=6))


@pytest.mark.parametrize("currency", ["USD", "JPY", "KWD"])
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
async def test_the_total_of_a_cart_is_that_of_its_order(
    carts: CartHarness, currency: str, data: st.DataObject
) -> None:
    caller, rules = customer(), data.draw(shops(currency))
    await carts.set_rules(rules)
    quantities = {}
    for line in data.draw(goods(currency)):
        quantity = line.pop("quantity")
        quantities[carts.prices.sell(currency=currency, **line)] = quantity
    await carts.add(quantities, caller)
    [zone] = set(rules.zones.values())
    method_id = data.draw(st.sampled_from([zone.methods[0].id, None]))
    names = frozenset({"shipping_address", "shipping_method_id"})
    await carts.carts.change(caller, CartChange(names, ADDRESS, shipping_method_id=method_id))
    quoted = await carts.quote(caller)
    quote = quoted.quote
    assert quote
    total = Money(quote.total, currency)

    command = CheckOut(quoted.cart.id, quoted.cart.version, total.text())
    if quoted.problems:
        with pytest.raises(FailedPrecondition) as incomplete:
            await carts.checkout.check_out(caller, command)
        assert incomplete.value.reason == "CART_INCOMPLETE"
        return
    order = await carts.checkout.check_out(caller, command)

    assert order.total == total
    charges = [line.charge.total for line in quoted.lines if line.charge]
    assert [line.total.minor for line in order.lines] == charges
    shipping = order.amounts.shipping.amounts.total.minor if order.amounts.shipping else 0
    assert sum(charges) + shipping == order.total.minor
    assert order.amounts.tax.minor == quote.tax
    assert order.amounts.subtotal.minor == quote.subtotal


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(difference=st.integers(-300, 300))
async def test_another_total_than_the_quoted_one_is_rejected(carts: CartHarness, difference: int) -> None:
    assume(difference)
    caller = customer()
    await carts.add({carts.prices.sell(999): 1}, caller)
    cart = await carts.cart(caller)
    expected = str(Decimal(999 + difference) / 100)

    with pytest.raises(FailedPrecondition) as changed:
        await carts.checkout.check_out(caller, CheckOut(cart.id, cart.version, expected))

    assert (changed.value.reason, changed.value.details["total"]) == ("PRICE_CHANGED", "9.99")
    assert await carts.quantities(caller)
