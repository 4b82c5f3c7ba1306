"""What a cart costs now, what changed since its lines were added, and what checkout would reject. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from kit.values import CURRENCIES, Money
from order.carts.domain import Cart, CartLine, Sellable, Unsellable
from order.pricing.charges import Charge, PricedItem
from order.pricing.quote import Problem as QuoteProblem
from order.pricing.quote import Quote, price
from order.pricing.rules import MethodKind, Rules
from order.quotes.quoting import destination_of


class ProblemCode(StrEnum):
    """Why checkout would reject a cart; the contract (cart.proto) describes each."""

    EMPTY = "EMPTY"
    CONTACT_MISSING = "CONTACT_MISSING"
    ADDRESS_MISSING = "ADDRESS_MISSING"
    METHOD_MISSING = "METHOD_MISSING"
    METHOD_GONE = "METHOD_GONE"
    NOT_DELIVERED_THERE = "NOT_DELIVERED_THERE"
    REGION_UNKNOWN = "REGION_UNKNOWN"
    LINE_GONE = "LINE_GONE"
    LINE_SHORT = "LINE_SHORT"
    LINE_OVER_LIMIT = "LINE_OVER_LIMIT"
    MIXED_CURRENCY = "MIXED_CURRENCY"
    TOTAL_OUT_OF_RANGE = "TOTAL_OUT_OF_RANGE"
    PRICES_UNAVAILABLE = "PRICES_UNAVAILABLE"


class WarningCode(StrEnum):
    """What changed since a line was added; the contract (cart.proto) describes each."""

    PRICE_ROSE = "PRICE_ROSE"
    PRICE_FELL = "PRICE_FELL"
    LESS_IN_STOCK = "LESS_IN_STOCK"
    OUT_OF_STOCK = "OUT_OF_STOCK"
    GONE = "GONE"
    LINES_NOT_MERGED = "LINES_NOT_MERGED"


Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class CartProblem:
    """A reason to reject a checkout, and the path of its field from the cart down."""

    code: ProblemCode
    path: Path


@dataclass(frozen=True, slots=True)
class CartWarning:
    """A change. `line` is None if it concerns the whole cart; the other fields are set where the code needs them."""

    code: WarningCode
    line: CartLine | None = None
    before: Money | None = None
    now: Money | None = None
    available: int | None = None


@dataclass(frozen=True, slots=True)
class QuotedLine:
    """A line with what the catalog says about it and what it costs; None: it cannot be bought, or prices are unavailable."""

    line: CartLine
    variant: Sellable | None = None
    charge: Charge | None = None


@dataclass(frozen=True, slots=True)
class CartQuote:
    """A cart as it is now; `quote` is None without a line that can be priced."""

    cart: Cart
    lines: tuple[QuotedLine, ...]
    quote: Quote | None
    problems: tuple[CartProblem, ...]
    warnings: tuple[CartWarning, ...]


@dataclass(frozen=True, slots=True)
class CartTerms:
    """What a cart is judged by besides the catalog: the shop's rules, the units that an order may have of one variant, the time."""

    rules: Rules
    max_units: int
    now: datetime


_PATHS: dict[QuoteProblem, Path] = {
    QuoteProblem.ADDRESS_MISSING: ("shippingAddress",),
    QuoteProblem.REGION_UNKNOWN: ("shippingAddress", "region"),
    QuoteProblem.NOT_DELIVERED_THERE: ("shippingAddress",),
    QuoteProblem.METHOD_MISSING: ("shippingMethodId",),
    QuoteProblem.METHOD_GONE: ("shippingMethodId",),
}


def quote_cart(
    cart: Cart,
    variants: Sequence[Sellable | Unsellable] | None,
    terms: CartTerms,
    *,
    lacks_contact: bool = False,
) -> CartQuote:
    """Prices and judges a cart. `variants` are those of its lines, in their order; None while the catalog is unavailable."""
    if variants is None:
        unavailable = CartProblem(ProblemCode.PRICES_UNAVAILABLE, ("lines",))
        problems = (*_cart_problems(cart, lacks_contact=lacks_contact), unavailable)
        return CartQuote(
            cart, tuple(QuotedLine(line) for line in cart.lines), None, problems, tuple(_cart_warnings(cart))
        )
    sold_variants = [variant if isinstance(variant, Sellable) else None for variant in variants]
    pairs = list(zip(cart.lines, sold_variants, strict=True))
    sellable = [(line, sold) for line, sold in pairs if sold and sold.price.currency == cart.currency]
    quote = _quote(cart, sellable, terms) if sellable else None
    charges = {
        line.id: charge for (line, _), charge in zip(sellable, quote.lines if quote else (), strict=True)
    }
    return CartQuote(
        cart,
        tuple(QuotedLine(line, sold, charges.get(line.id)) for line, sold in pairs),
        quote,
        (
            *_cart_problems(cart, lacks_contact=lacks_contact),
            *_line_problems(cart, pairs, terms.max_units),
            *(_quote_problems(cart, quote) if quote else ()),
        ),
        (*_cart_warnings(cart), *_line_warnings(pairs)),
    )


def _quote(cart: Cart, sellable: Sequence[tuple[CartLine, Sellable]], terms: CartTerms) -> Quote:
    items = [
        PricedItem(sold.price.minor, line.quantity, sold.tax_class, sold.weight_grams, sold.requires_shipping)
        for line, sold in sellable
    ]
    return price(
        items,
        terms.rules,
        destination_of(terms.rules, cart.shipping_address, cart.billing_address),
        cart.shipping_method_id,
        currency=cart.currency,
        now=terms.now,
    )


def _cart_problems(cart: Cart, *, lacks_contact: bool) -> Iterator[CartProblem]:
    if not cart.lines:
        yield CartProblem(ProblemCode.EMPTY, ("lines",))
    if lacks_contact and not cart.has_contact:
        yield CartProblem(ProblemCode.CONTACT_MISSING, ("contact",))


def _line_problems(
    cart: Cart, pairs: Sequence[tuple[CartLine, Sellable | None]], max_units: int
) -> Iterator[CartProblem]:
    for index, (line, sold) in enumerate(pairs):
        if sold is None:
            yield CartProblem(ProblemCode.LINE_GONE, ("lines", index))
            continue
        if sold.price.currency != cart.currency:
            yield CartProblem(ProblemCode.MIXED_CURRENCY, ("lines", index))
        if line.quantity > min(max_units, sold.max_per_order or max_units):
            yield CartProblem(ProblemCode.LINE_OVER_LIMIT, ("lines", index, "quantity"))
        if sold.free is not None and line.quantity > sold.free:
            yield CartProblem(ProblemCode.LINE_SHORT, ("lines", index, "quantity"))


def _quote_problems(cart: Cart, quote: Quote) -> Iterator[CartProblem]:
    problems = list(quote.problems)
    is_delivery = quote.method is not None and quote.method.kind is MethodKind.DELIVERY
    if is_delivery and cart.shipping_address is None and QuoteProblem.ADDRESS_MISSING not in problems:
        problems.insert(0, QuoteProblem.ADDRESS_MISSING)
    for problem in problems:
        yield CartProblem(ProblemCode(problem.value), _PATHS[problem])
    currency, total = CURRENCIES[quote.currency], Money(quote.total, quote.currency)
    is_charged = currency.minimum <= total.minor <= currency.maximum and not total.step_violation()
    if total.minor and not is_charged:
        yield CartProblem(ProblemCode.TOTAL_OUT_OF_RANGE, ("total",))


def _cart_warnings(cart: Cart) -> Iterator[CartWarning]:
    if cart.leaves_lines_out:
        yield CartWarning(WarningCode.LINES_NOT_MERGED)


def _line_warnings(pairs: Sequence[tuple[CartLine, Sellable | None]]) -> Iterator[CartWarning]:
    for line, sold in pairs:
        if sold is None:
            yield CartWarning(WarningCode.GONE, line)
            continue
        before, now = line.seen_price, sold.price
        if before.currency == now.currency and before.minor != now.minor:
            code = WarningCode.PRICE_ROSE if now.minor > before.minor else WarningCode.PRICE_FELL
            yield CartWarning(code, line, before=before, now=now)
        if sold.free == 0:
            yield CartWarning(WarningCode.OUT_OF_STOCK, line)
        elif sold.free is not None and line.quantity > sold.free:
            yield CartWarning(WarningCode.LESS_IN_STOCK, line, available=sold.free)
