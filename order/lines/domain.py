"""The lines of an order, and what its total is made of. They never change; amounts are computed once, by `pricing`."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from kit.values import Money
from order.pricing.charges import Charge
from order.pricing.quote import Quote


@dataclass(frozen=True, slots=True)
class LineAmounts:
    """What a line costs: `discount` is what discounts took, `tax` is within `total` or added to it (`Amounts.tax_included`)."""

    discount: Money
    tax: Money
    total: Money


@dataclass(frozen=True, slots=True)
class OptionValue:
    """What a variant is of one option of its product, e.g. Size: M."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Line:
    """One variant of a product, with its name, price, SKU and options when the order was placed; `sku` is empty if it had none.

    `amounts` are None where nothing but the units is charged: no discount and no tax. `variant_id` is None on lines of earlier releases:
    the variant has the UUID of its product.
    """

    product_id: UUID
    name: str
    unit_price: Money
    quantity: int
    amounts: LineAmounts | None = None
    variant_id: UUID | None = None
    sku: str = ""
    options: tuple[OptionValue, ...] = ()

    @property
    def sold_id(self) -> UUID:
        """The variant's id."""
        return self.variant_id or self.product_id

    @property
    def total(self) -> Money:
        """What is charged for the line. Exact, because prices are whole minor units."""
        return self.amounts.total if self.amounts else self.unit_price * self.quantity


@dataclass(frozen=True, slots=True)
class Tax:
    """What one rate comes to for the whole order; `ppm` are millionths. `taxable` contains the tax where prices do."""

    name: str
    ppm: int
    country_code: str
    region: str
    reason: str
    taxable: Money
    amount: Money


@dataclass(frozen=True, slots=True)
class Shipping:
    """How an order is sent, with the method's name and price when the order was placed."""

    method_id: UUID
    name: str
    price: Money
    amounts: LineAmounts


@dataclass(frozen=True, slots=True)
class Amounts:
    """What an order's total is made of.

    `subtotal` is what the goods cost before discounts; where the tax of the shop's own country was replaced, without it. The total is the
    subtotal, less the discounts of lines, with shipping, and with the taxes unless they are included.
    """

    subtotal: Money
    discount: Money
    taxes: tuple[Tax, ...]
    tax: Money
    tax_included: bool
    shipping: Shipping | None

    @classmethod
    def plain(cls, subtotal: Money) -> "Amounts":
        """Of an order without discounts, tax and shipping."""
        zero = Money.zero(subtotal.currency)
        return cls(subtotal, zero, (), zero, tax_included=False, shipping=None)


def amounts_of(quote: Quote) -> Amounts:
    """The amounts of an order that is placed as quoted."""

    def money(minor: int) -> Money:
        return Money(minor, quote.currency)

    shipping = None
    if quote.method and quote.shipping:
        price = money(quote.shipping.base)
        shipping = Shipping(quote.method.id, quote.method.name, price, line_amounts(quote, quote.shipping))
    taxes = [
        Tax(
            name=tax.rate.name,
            ppm=tax.rate.ppm,
            country_code=tax.rate.place.country,
            region=tax.rate.place.region,
            reason=tax.rate.reason,
            taxable=money(tax.taxable),
            amount=money(tax.amount),
        )
        for tax in quote.taxes
    ]
    return Amounts(
        subtotal=money(quote.subtotal),
        discount=money(quote.discount),
        taxes=tuple(sum_by_rate(taxes)),
        tax=money(quote.tax),
        tax_included=quote.tax_included,
        shipping=shipping,
    )


def line_amounts(quote: Quote, charge: Charge) -> LineAmounts:
    """The amounts of a line or of shipping."""
    currency = quote.currency
    return LineAmounts(
        Money(charge.discount, currency), Money(charge.tax, currency), Money(charge.total, currency)
    )


def sum_by_rate(taxes: Iterable[Tax]) -> list[Tax]:
    """The sums of taxes that have the same name, rate, place and reason, in the order of their first ones."""
    sums: dict[tuple[object, ...], Tax] = {}
    for tax in taxes:
        key = (tax.name, tax.ppm, tax.country_code, tax.region, tax.reason)
        earlier = sums.get(key)
        if earlier is not None:
            tax = Tax(*key, earlier.taxable + tax.taxable, earlier.amount + tax.amount)
        sums[key] = tax
    return list(sums.values())
