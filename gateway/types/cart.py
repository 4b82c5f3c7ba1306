"""Carts."""

from enum import Enum

import strawberry

from gateway.types.address import Address, AddressInput
from gateway.types.payment import PaymentConfirmation
from gateway.types.shipping import ShippingMethodKind
from gateway.types.tax import Tax
from kit.graphql import Amount, CurrencyCode, Instant, PathStep


@strawberry.enum(description="Why checkout would reject a cart.")
class CartProblemCode(Enum):
    """Why checkout would reject a cart."""

    EMPTY = strawberry.enum_value("EMPTY", description="The cart has no lines.")
    CONTACT_MISSING = strawberry.enum_value(
        "CONTACT_MISSING", description="A guest has not left an address for emails."
    )
    ADDRESS_MISSING = strawberry.enum_value(
        "ADDRESS_MISSING", description="A line must be shipped, and there is no address."
    )
    METHOD_MISSING = strawberry.enum_value(
        "METHOD_MISSING", description="A line must be shipped, and no shipping method is chosen."
    )
    METHOD_GONE = strawberry.enum_value(
        "METHOD_GONE", description="The shipping method does not exist any more, or does not take this cart."
    )
    NOT_DELIVERED_THERE = strawberry.enum_value(
        "NOT_DELIVERED_THERE", description="No shipping method delivers to the address."
    )
    LINE_GONE = strawberry.enum_value("LINE_GONE", description="What the line is about is not sold any more.")
    LINE_SHORT = strawberry.enum_value(
        "LINE_SHORT",
        description="The line wants more than there is in stock. The stock itself decides at checkout, with OUT_OF_STOCK.",
    )
    LINE_OVER_LIMIT = strawberry.enum_value(
        "LINE_OVER_LIMIT", description="The line wants more than an order may have."
    )
    MIXED_CURRENCY = strawberry.enum_value(
        "MIXED_CURRENCY", description="The line has another currency than the cart now."
    )
    TOTAL_OUT_OF_RANGE = strawberry.enum_value(
        "TOTAL_OUT_OF_RANGE", description="The payment provider does not charge this total."
    )
    PRICES_UNAVAILABLE = strawberry.enum_value(
        "PRICES_UNAVAILABLE", description="The catalogue is unavailable; try again later."
    )
    REGION_UNKNOWN = strawberry.enum_value(
        "REGION_UNKNOWN", description="Taxes or shipping depend on the region, which is missing or unknown."
    )


@strawberry.enum(description="What changed since a line was added.")
class CartWarningCode(Enum):
    """What changed since a line was added."""

    PRICE_ROSE = strawberry.enum_value("PRICE_ROSE", description="The unit price is higher.")
    PRICE_FELL = strawberry.enum_value("PRICE_FELL", description="The unit price is lower.")
    LESS_IN_STOCK = strawberry.enum_value(
        "LESS_IN_STOCK", description="Fewer units are left than the line wants."
    )
    OUT_OF_STOCK = strawberry.enum_value("OUT_OF_STOCK", description="No unit is left.")
    GONE = strawberry.enum_value("GONE", description="It is not sold any more.")
    LINES_NOT_MERGED = strawberry.enum_value(
        "LINES_NOT_MERGED",
        description="A guest's cart, or that of an unpaid order, was merged into this one without its lines in another currency, or above "
        "the limit of 100. The order has its lines.",
    )


@strawberry.type(description="A reason for which checkout would reject the cart.")
class CartProblem:
    """A reason for which checkout would reject the cart."""

    code: CartProblemCode = strawberry.field(description="The reason.")
    path: list[PathStep] = strawberry.field(
        description="The field that is missing or wrong, from the cart down, such as lines, 0, quantity."
    )


@strawberry.type(description="A change since a line was added; it does not prevent checkout.")
class CartWarning:
    """A change since a line was added."""

    code: CartWarningCode = strawberry.field(description="What changed.")
    line_id: strawberry.ID | None = strawberry.field(description="The line; null for the whole cart.")
    before: Amount | None = strawberry.field(
        description="The unit price when the line was added, if it changed."
    )
    now: Amount | None = strawberry.field(description="The unit price now, if it changed.")
    available: int | None = strawberry.field(description="For LESS_IN_STOCK: the units that are left.")


@strawberry.type(description="A shipping method and what it costs for a cart.")
class ShippingQuote:
    """A shipping method and what it costs for a cart."""

    method_id: strawberry.ID = strawberry.field(description="Starts with method_.")
    name: str = strawberry.field(description="The name to be shown.")
    kind: ShippingMethodKind = strawberry.field(description="How products come to the buyer.")
    min_days: int | None = strawberry.field(description="Days until the products arrive, at the earliest.")
    max_days: int | None = strawberry.field(description="Days until the products arrive, at the latest.")
    price: Amount | None = strawberry.field(
        description="Without tax that is added; null: not offered for this cart."
    )
    reason: str | None = strawberry.field(
        description="Why it is not offered: NO_RATE, SUBTOTAL_TOO_LOW, SUBTOTAL_TOO_HIGH, TOO_LIGHT or TOO_HEAVY."
    )


@strawberry.type(description="What is wanted, and how much of it.")
class CartLine:
    """What is wanted, and how much of it."""

    id: strawberry.ID = strawberry.field(description="Starts with cli_.")
    variant_id: strawberry.ID = strawberry.field(description="Starts with var_.")
    quantity: int = strawberry.field(description="1-10,000.")
    unit_price: Amount | None = strawberry.field(
        description="The unit price now; null when it is not sold any more, or the catalogue is unavailable."
    )
    seen_price: Amount = strawberry.field(description="The unit price when the line was last added.")
    total: Amount | None = strawberry.field(
        description="What checkout would charge for the line; null like unitPrice."
    )


@strawberry.type(
    description="What the caller is about to buy, with the prices and rules of now: a cart stores no price and holds no stock. It expires "
    "180 days after its last change, a guest's after 30."
)
class Cart:
    """What the caller is about to buy."""

    id: strawberry.ID = strawberry.field(description="Starts with cart_.")
    lines: list[CartLine] = strawberry.field(
        description="At most 100, in the order in which they were added."
    )
    currency: CurrencyCode | None = strawberry.field(
        description="The currency of all amounts, set by the first line; null without lines."
    )
    subtotal: Amount | None = strawberry.field(
        description="The lines without shipping; null without a line that has a price."
    )
    shipping_methods: list[ShippingQuote] = strawberry.field(
        description="Those for the address, in the order to be shown; empty when nothing must be shipped."
    )
    shipping_method_id: strawberry.ID | None = strawberry.field(description="The chosen one.")
    shipping_price: Amount | None = strawberry.field(
        description="What the chosen method costs, without tax that is added; null without one."
    )
    taxes: list[Tax] = strawberry.field(description="The taxes of lines and shipping, one for each rate.")
    tax_total: Amount | None = strawberry.field(description="The sum of the taxes; null like subtotal.")
    tax_included: bool = strawberry.field(
        description="Whether prices contain the taxes; else they are added to them."
    )
    total: Amount | None = strawberry.field(
        description="What checkout would charge as the cart is now; null like subtotal."
    )
    shipping_address: Address | None = strawberry.field(description="Where to send it.")
    billing_address: Address | None = strawberry.field(description="Null: the shipping address.")
    note: str | None = strawberry.field(description="The buyer's note.")
    problems: list[CartProblem] = strawberry.field(
        description="What checkout would reject; empty when it can be called."
    )
    warnings: list[CartWarning] = strawberry.field(description="What changed since the lines were added.")
    version: int = strawberry.field(description="Increases with every change.")
    updated_at: Instant = strawberry.field(description="When the cart last changed.")


@strawberry.input(description="How to reach a guest. Emails about its orders go there.")
class ContactInput:
    """How to reach a guest."""

    name: str = strawberry.field(description="The buyer's name, 1-100 characters.")
    email: str = strawberry.field(description="May be the address of an account.")
    phone: str | None = strawberry.field(default=None, description="E.164, such as +41441234567.")


@strawberry.input(description="Changes of a cart: an omitted field keeps its value, null clears it.")
class UpdateCartInput:
    """Changes of a cart."""

    shipping_address: AddressInput | None = strawberry.field(
        default=strawberry.UNSET, description="Where to send it."
    )
    billing_address: AddressInput | None = strawberry.field(
        default=strawberry.UNSET, description="If it differs from the shipping address."
    )
    shipping_method_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="One of Cart.shippingMethods."
    )
    note: str | None = strawberry.field(
        default=strawberry.UNSET, description="The buyer's note, 1-500 characters."
    )
    contact: ContactInput | None = strawberry.field(
        default=None, description="How to reach a guest; only for guests, and required before their checkout."
    )


@strawberry.input(
    description="A cart as its buyer saw it. paymentMethod is a provider token or a saved method, and defaults to the deployment's."
)
class CheckoutInput:
    """A cart as its buyer saw it."""

    cart_id: strawberry.ID = strawberry.field(description="Cart.id.")
    version: int = strawberry.field(description="Cart.version, as it was shown.")
    expected_total: Amount = strawberry.field(description="Cart.total, as it was shown.")
    payment_method: str | None = strawberry.field(
        default=None,
        description="A provider token, or a saved method of the account (pme_...); 1-255 characters; never a card number.",
    )
    confirmation: PaymentConfirmation = strawberry.field(
        default=PaymentConfirmation.SERVER,
        description="CLIENT: the page confirms the payment after startPayment, and paymentMethod must be null.",
    )
    save_method: bool = strawberry.field(
        default=False,
        description="Saves the payment method for the account once it was charged. Not for guests.",
    )
