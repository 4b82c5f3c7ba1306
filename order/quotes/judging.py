"""Whether an order may be placed as it is quoted: the rules that its total, its address and its shipping method have to keep."""

from collections.abc import Callable, Iterator, Sequence
from uuid import UUID

from kit.errors import JsonValue, SoukError, Violation
from kit.values import CURRENCIES, PRODUCT, SHIPPING_METHOD, VARIANT, Money
from order.lines.domain import Line
from order.pricing.quote import Problem, Quote
from order.pricing.rules import MethodKind
from order.quotes.errors import (
    AddressRequired,
    NotDeliveredThere,
    PriceChanged,
    RegionUnknown,
    ShippingMethodRequired,
    TotalOutOfRange,
)
from order.quotes.ports import QuoteRequest


def rejections(request: QuoteRequest, quote: Quote, *, needs_method: bool) -> Iterator[SoukError]:
    """What prevents the order, the first being the reason to reject it."""
    if Problem.REGION_UNKNOWN in quote.problems:
        address = (
            "shippingAddress" if request.shipping_address or not request.billing_address else "billingAddress"
        )
        yield _invalid(RegionUnknown, (address, "region"), "must be a region that the shop knows, such as CA")
    yield from _shipping_rejections(request, quote, needs_method=needs_method)
    total = Money(quote.total, quote.currency)
    yield from _total_rejections(request, total, lambda: _price_details(request, quote))


def rejections_of_goods(request: QuoteRequest, lines: Sequence[Line]) -> Iterator[SoukError]:
    """The same for an order that costs its reserved lines and nothing else."""
    total = sum((line.total for line in lines[1:]), lines[0].total)
    yield from _total_rejections(request, total, lambda: _goods_details(request, lines, total))


def _total_rejections(
    request: QuoteRequest, total: Money, details: Callable[[], dict[str, JsonValue]]
) -> Iterator[SoukError]:
    if rule := _broken_range_rule(total):
        yield _invalid(TotalOutOfRange, ("products",), f"the total {rule}, it is {total.text()}")
    if request.expected_total and not _equals(request.expected_total, total):
        yield PriceChanged(f"the total is now {total.text()} {total.currency}", details=details())


def _shipping_rejections(request: QuoteRequest, quote: Quote, *, needs_method: bool) -> Iterator[SoukError]:
    if needs_method and Problem.ADDRESS_MISSING in quote.problems:
        yield _invalid(AddressRequired, ("shippingAddress",), "is required: the goods have to be shipped")
    if needs_method and Problem.NOT_DELIVERED_THERE in quote.problems:
        yield NotDeliveredThere(fields=[Violation(("shippingAddress",), "is not delivered to")])
    if Problem.METHOD_GONE in quote.problems:
        reasons = [o.reason for o in quote.offers if o.method.id == request.shipping_method_id and o.reason]
        yield NotDeliveredThere(
            "the shipping method is not offered for this address and these goods",
            fields=[Violation(("shippingMethodId",), "is not offered for this address and these goods")],
            details={"not_offered": reasons[0].value} if reasons else {},
        )
    if needs_method and Problem.METHOD_MISSING in quote.problems:
        offered = [SHIPPING_METHOD.format(o.method.id) for o in quote.offers if o.price is not None]
        yield ShippingMethodRequired(
            fields=[Violation(("shippingMethodId",), "is required: the goods have to be shipped")],
            details={"shipping_methods": offered},
        )
    if quote.method and quote.method.kind is MethodKind.DELIVERY and request.shipping_address is None:
        yield _invalid(AddressRequired, ("shippingAddress",), "is required by the shipping method")


def _invalid(
    error: type[RegionUnknown | AddressRequired | TotalOutOfRange], path: tuple[str, ...], rule: str
) -> SoukError:
    return error(f"{'.'.join(path)}: {rule}", fields=[Violation(path, rule)])


def _broken_range_rule(total: Money) -> str:
    """Nothing is charged for a total of zero; everything else has to be a total that the provider charges."""
    currency = CURRENCIES[total.currency]
    if total.minor == 0:
        return ""
    if not currency.minimum <= total.minor <= currency.maximum:
        lowest, highest = (
            Money(minor, total.currency).text() for minor in (currency.minimum, currency.maximum)
        )
        return f"must be 0 or between {lowest} and {highest} {total.currency}"
    return total.step_violation()


def _equals(expected: str, total: Money) -> bool:
    """Whether the decimal that the buyer saw is the total; 5 equals 5.00."""
    whole, _, decimals = expected.partition(".")
    have, _, have_decimals = total.text().partition(".")
    return (whole.lstrip("0"), decimals.rstrip("0")) == (have.lstrip("0"), have_decimals.rstrip("0"))


def _goods_details(request: QuoteRequest, lines: Sequence[Line], total: Money) -> dict[str, JsonValue]:
    reserved: list[JsonValue] = [
        {
            "product_id": PRODUCT.format(line.product_id),
            **_named_id(request, line.sold_id),
            "unit_price": line.unit_price.text(),
            "quantity": line.quantity,
        }
        for line in lines
    ]
    return {"lines": reserved, "total": total.text(), "currency": total.currency}


def _price_details(request: QuoteRequest, quote: Quote) -> dict[str, JsonValue]:
    def text(minor: int) -> str:
        return Money(minor, quote.currency).text()

    lines: list[JsonValue] = [
        {
            **_named_id(request, variant_id),
            "unit_price": text(line.base // quantity),
            "quantity": quantity,
        }
        for (variant_id, quantity), line in zip(request.quantities.items(), quote.lines, strict=True)
    ]
    return {
        "lines": lines,
        "subtotal": text(quote.subtotal),
        "shipping": text(quote.shipping.taxable if quote.shipping else 0),
        "tax": text(quote.tax),
        "total": text(quote.total),
        "currency": quote.currency,
    }


def _named_id(request: QuoteRequest, variant_id: UUID) -> dict[str, JsonValue]:
    """The id by which the request named a line."""
    if variant_id in request.by_product:
        return {"product_id": PRODUCT.format(variant_id)}
    return {"variant_id": VARIANT.format(variant_id)}
