"""Orders."""

from enum import Enum

import strawberry

from gateway.types.address import Address, AddressInput
from gateway.types.options import OptionValue
from gateway.types.payment import PaymentConfirmation
from gateway.types.shipping import OrderShipping
from gateway.types.tax import Tax
from kit.graphql import Amount, Connection, CurrencyCode, Edge, Instant


@strawberry.enum(
    description="PENDING -> CONFIRMED -> SHIPPED -> DELIVERED; PENDING or CONFIRMED may become CANCELLED."
)
class OrderStatus(Enum):
    """The state of an order."""

    PENDING = strawberry.enum_value("PENDING", description="Accepted; the payment is in progress.")
    CONFIRMED = strawberry.enum_value("CONFIRMED", description="Paid.")
    SHIPPED = strawberry.enum_value("SHIPPED", description="Shipped.")
    DELIVERED = strawberry.enum_value("DELIVERED", description="Delivered.")
    CANCELLED = strawberry.enum_value("CANCELLED", description="Cancelled; a captured payment is refunded.")


@strawberry.enum(description="Why an order was cancelled.")
class CancelReason(Enum):
    """Why an order was cancelled."""

    CUSTOMER = strawberry.enum_value("CUSTOMER", description="Cancelled by its owner.")
    ADMIN = strawberry.enum_value("ADMIN", description="Cancelled by an ADMIN.")
    PAYMENT_FAILED = strawberry.enum_value("PAYMENT_FAILED", description="The payment provider declined.")
    PAYMENT_TIMEOUT = strawberry.enum_value("PAYMENT_TIMEOUT", description="Not paid before the deadline.")
    RESERVATION_EXPIRED = strawberry.enum_value(
        "RESERVATION_EXPIRED", description="Paid after its stock reservation had expired."
    )
    ACCOUNT_DELETED = strawberry.enum_value("ACCOUNT_DELETED", description="Its account was deleted.")


@strawberry.type(
    description="A variant of a product in an order. name, unitPrice, sku and options are those at the time of the order."
)
class OrderLine:
    """A variant of a product in an order."""

    product_id: strawberry.ID = strawberry.field(description="The product's id.")
    name: str = strawberry.field(description="The product's name when the order was placed.")
    unit_price: Amount = strawberry.field(description="The unit price when the order was placed.")
    quantity: int = strawberry.field(description="Number of units.")
    line_total: Amount = strawberry.field(description="unitPrice times quantity.")
    variant_id: strawberry.ID = strawberry.field(description="The variant's id; starts with var_.")
    sku: str | None = strawberry.field(description="The variant's SKU when the order was placed.")
    options: list[OptionValue] = strawberry.field(
        description="The variant's options when the order was placed, in the product's order; empty without options."
    )
    tax: Amount = strawberry.field(description="Within total, or added to it; see Order.taxIncluded.")
    total: Amount = strawberry.field(description="What is charged for the line.")


@strawberry.type(description="A change of an order's status.")
class OrderStatusChange:
    """A change of an order's status."""

    status: OrderStatus = strawberry.field(description="The new status.")
    at: Instant = strawberry.field(description="When it changed.")
    note: str | None = strawberry.field(description="Shown to the customer.")
    internal_note: str | None = strawberry.field(description="ADMIN only, null for others.")


@strawberry.type(description="An order of an account.")
class Order:
    """An order of an account."""

    id: strawberry.ID = strawberry.field(description="Starts with ord_.")
    number: str = strawberry.field(
        description="What people call the order: digits, unique, from 1001. Some numbers are left out; it is no invoice number."
    )
    account_id: strawberry.ID = strawberry.field(description="The account that placed the order.")
    lines: list[OrderLine] = strawberry.field(description="In the order of the request.")
    total_price: Amount = strawberry.field(
        description="The total charge: subtotal and shipping, with the taxes unless they are included."
    )
    subtotal: Amount = strawberry.field(
        description="What the products cost; where the tax of the shop's own country is replaced, without that tax."
    )
    shipping: OrderShipping | None = strawberry.field(
        description="Null: nothing was to be shipped, or no method was named."
    )
    taxes: list[Tax] = strawberry.field(description="The taxes of lines and shipping, one for each rate.")
    tax_total: Amount = strawberry.field(description="The sum of the taxes.")
    tax_included: bool = strawberry.field(
        description="Whether prices contain the taxes; else they are added to them."
    )
    refunded_amount: Amount = strawberry.field(description="The amount refunded so far.")
    currency: CurrencyCode = strawberry.field(description="The currency of all amounts of the order.")
    status: OrderStatus = strawberry.field(description="The current status.")
    cancel_reason: CancelReason | None = strawberry.field(description="Null unless CANCELLED.")
    status_reason: str | None = strawberry.field(description="Further explanation of the status.")
    history: list[OrderStatusChange] = strawberry.field(description="Oldest first.")
    shipping_address: Address | None = strawberry.field(description="The shipping address, if any.")
    billing_address: Address | None = strawberry.field(description="The billing address, if any.")
    note: str | None = strawberry.field(
        description="The buyer's note, from the cart; null without one, and once the account was deleted."
    )
    version: int = strawberry.field(description="Increases with every change.")
    created_at: Instant = strawberry.field(description="When the order was placed.")
    updated_at: Instant = strawberry.field(description="When the order last changed.")


@strawberry.type(description="An order on a page.")
class OrderEdge(Edge[Order]):
    """An order on a page."""


@strawberry.type(description="A page of orders, newest first.")
class OrderConnection(Connection[OrderEdge, Order]):
    """A page of orders."""


@strawberry.input(description="Conditions on orders; all of them must hold.")
class OrderFilter:
    """Conditions on orders."""

    statuses: list[OrderStatus] | None = strawberry.field(
        default=None, description="An order matches any of them. An empty list matches no order."
    )
    created_after: Instant | None = strawberry.field(default=None, description="Inclusive.")
    created_before: Instant | None = strawberry.field(default=None, description="Exclusive.")
    number: str | None = strawberry.field(
        default=None, description="The order with this number, 1-18 digits."
    )


@strawberry.input(description="A product to order.")
class OrderProductInput:
    """A product to order."""

    id: strawberry.ID = strawberry.field(
        description="The id of a variant, or of a product without options; with options it fails with the reason VARIANT_REQUIRED."
    )
    quantity: int = strawberry.field(description="1-10,000.")


@strawberry.input(
    description="accountId defaults to the caller's; another account requires ADMIN. paymentMethod is a provider token and defaults to the "
    "deployment's (pm_card_visa in development). If the total differs from expectedTotal, the error is PRICE_CHANGED with the lines and "
    "the new total, and nothing is reserved or charged. Repeating an idempotencyKey with the same input returns the same order; with "
    "different input it fails with IDEMPOTENCY_CONFLICT."
)
class CreateOrderInput:
    """A new order."""

    account_id: strawberry.ID | None = strawberry.field(default=None, description="The account to order for.")
    products: list[OrderProductInput] = strawberry.field(
        description="1-100 products; quantities of a repeated product are added up."
    )
    shipping_address: AddressInput | None = strawberry.field(
        default=None, description="The shipping address."
    )
    shipping_method_id: strawberry.ID | None = strawberry.field(
        default=None,
        description="One of shippingMethods for the address. Required for products that are shipped once the shop has a method, except "
        "for ADMIN: without it, FAILED_PRECONDITION (reason SHIPPING_METHOD_REQUIRED).",
    )
    billing_address: AddressInput | None = strawberry.field(
        default=None, description="Decides the taxes where there is no shipping address."
    )
    payment_method: str | None = strawberry.field(
        default=None,
        description="A provider token, or a saved method of the account (pme_...); 1-255 characters; never a card number.",
    )
    expected_total: Amount | None = strawberry.field(
        default=None, description="The total that the buyer has seen, with shipping and taxes."
    )
    confirmation: PaymentConfirmation = strawberry.field(
        default=PaymentConfirmation.SERVER,
        description="CLIENT: the page confirms the payment after startPayment, and paymentMethod must be null.",
    )
    save_method: bool = strawberry.field(
        default=False,
        description="Saves the payment method for the account once it was charged. Not for guests.",
    )
    idempotency_key: str | None = strawberry.field(
        default=None, description="Chosen by the client, 1-255 characters; makes the mutation safe to retry."
    )
