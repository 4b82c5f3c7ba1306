"""Orders: what an account bought."""

from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry

from gateway.context import Info
from gateway.schema.catalog import Product
from gateway.schema.notification import Notification
from gateway.schema.paging import TOTAL_COUNT, PageInfo
from gateway.schema.payment import Payment
from gateway.schema.scalars import Amount, CountryCode, CurrencyCode, Instant

if TYPE_CHECKING:
    from gateway.schema.account import Account


@strawberry.enum(
    description="PENDING -> CONFIRMED -> SHIPPED -> DELIVERED; PENDING or CONFIRMED may become CANCELLED."
)
class OrderStatus(Enum):
    """Where an order stands."""

    PENDING = strawberry.enum_value("PENDING", description="Taken; its payment is under way.")
    CONFIRMED = strawberry.enum_value("CONFIRMED", description="Paid.")
    SHIPPED = strawberry.enum_value("SHIPPED", description="On its way.")
    DELIVERED = strawberry.enum_value("DELIVERED", description="Arrived.")
    CANCELLED = strawberry.enum_value(
        "CANCELLED", description="Ended without delivery; what was captured goes back."
    )


@strawberry.enum(description="Why an order was cancelled.")
class CancelReason(Enum):
    """Why an order was cancelled."""

    CUSTOMER = strawberry.enum_value("CUSTOMER", description="By its owner.")
    ADMIN = strawberry.enum_value("ADMIN", description="By an operator.")
    PAYMENT_FAILED = strawberry.enum_value("PAYMENT_FAILED", description="The provider declined.")
    PAYMENT_TIMEOUT = strawberry.enum_value("PAYMENT_TIMEOUT", description="Not paid before its deadline.")
    RESERVATION_EXPIRED = strawberry.enum_value(
        "RESERVATION_EXPIRED", description="Paid after its stock had gone back."
    )
    ACCOUNT_DELETED = strawberry.enum_value("ACCOUNT_DELETED", description="Its account was deleted.")


@strawberry.type(
    description="One product of an order. name and unitPrice are as charged, fixed when it was made."
)
class OrderLine:
    """One product of an order."""

    product_id: strawberry.ID = strawberry.field(description="The product's id.")
    name: str = strawberry.field(description="The product's name when the order was made.")
    unit_price: Amount = strawberry.field(description="The price of one when the order was made.")
    quantity: int = strawberry.field(description="How many.")
    line_total: Amount = strawberry.field(description="unitPrice times quantity.")

    @strawberry.field(description="The product as it is now; null once it is deleted.")
    async def product(self, info: Info) -> Product | None:
        """Loaded for all lines of a request at once."""
        context = info.context
        return await context.load("products", self.product_id, context.peers.catalog.batch_get)


@strawberry.type(description="One step of an order's life.")
class OrderStatusChange:
    """One step of an order's life."""

    status: OrderStatus = strawberry.field(description="The status it got.")
    at: Instant = strawberry.field(description="When.")
    note: str | None = strawberry.field(description="Shown to the customer.")
    internal_note: str | None = strawberry.field(description="Null for anyone but an ADMIN.")


@strawberry.type(description="Where something goes.")
class Address:
    """Where something goes."""

    name: str = strawberry.field(description="Who gets it.")
    line1: str = strawberry.field(description="Street and number.")
    line2: str | None = strawberry.field(description="What line1 had no room for.")
    city: str = strawberry.field(description="City.")
    region: str | None = strawberry.field(description="State, province or canton.")
    postal_code: str = strawberry.field(description="As the country writes it.")
    country_code: CountryCode = strawberry.field(description="Country.")


@strawberry.type(description="What an account bought.")
class Order:
    """What an account bought."""

    id: strawberry.ID = strawberry.field(description="Begins with ord_.")
    account_id: strawberry.ID = strawberry.field(description="Whose it is.")
    lines: list[OrderLine] = strawberry.field(description="In the order they were asked for.")
    total_price: Amount = strawberry.field(
        description="The whole charge: today the sum of lineTotal; later tax, shipping and discounts are in it too."
    )
    refunded_amount: Amount = strawberry.field(description="What went back to the buyer.")
    currency: CurrencyCode = strawberry.field(description="The currency of all its amounts.")
    status: OrderStatus = strawberry.field(description="Where it stands.")
    cancel_reason: CancelReason | None = strawberry.field(description="Null unless CANCELLED.")
    status_reason: str | None = strawberry.field(description="Free text beside the reason.")
    history: list[OrderStatusChange] = strawberry.field(description="Oldest first.")
    shipping_address: Address | None = strawberry.field(description="Where it goes, if it was given.")
    version: int = strawberry.field(description="Raised by every change.")
    created_at: Instant = strawberry.field(description="When it was placed.")
    updated_at: Instant = strawberry.field(description="When it last changed.")

    @strawberry.field(description="Whose it is; null once the account is deleted.")
    async def account(
        self, info: Info
    ) -> Annotated["Account", strawberry.lazy("gateway.schema.account")] | None:
        """Loaded for all orders of a request at once."""
        context = info.context
        return await context.load("accounts", self.account_id, context.peers.account.batch_get)

    @strawberry.field(description="The current payment; null until there is one.")
    async def payment(self, info: Info) -> Payment | None:
        """Loaded for all orders of a request at once."""
        context = info.context
        return await context.load("payments", self.id, context.peers.payment.batch_get)

    @strawberry.field(description="What was sent about it, newest first, at most 20.")
    async def notifications(self, info: Info) -> list[Notification] | None:
        """Loaded for all orders of a request at once."""
        context = info.context
        found = await context.load("notifications", self.id, context.peers.notification.batch_list)
        return list(found or ())


@strawberry.type(description="An order of a page.")
class OrderEdge:
    """An order of a page."""

    cursor: str = strawberry.field(description="Goes on after this order when given as after.")
    node: Order = strawberry.field(description="The order.")


@strawberry.type(description="A page of orders, newest first.")
class OrderConnection:
    """A page of orders."""

    edges: list[OrderEdge] = strawberry.field(description="The orders with their cursors.")
    nodes: list[Order] = strawberry.field(description="The orders.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")
    total_count: int | None = strawberry.field(description=TOTAL_COUNT)


@strawberry.input(description="Which orders; all that is given must hold.")
class OrderFilter:
    """Which orders."""

    statuses: list[OrderStatus] | None = strawberry.field(
        default=None, description="Any of them; with none in it no order matches."
    )
    created_after: Instant | None = strawberry.field(default=None, description="Inclusive.")
    created_before: Instant | None = strawberry.field(default=None, description="Exclusive.")


@strawberry.input(description="One product to buy.")
class OrderProductInput:
    """One product to buy."""

    id: strawberry.ID = strawberry.field(description="The product's id.")
    quantity: int = strawberry.field(description="1-10,000.")


@strawberry.input(description="Where something is to go.")
class AddressInput:
    """Where something is to go."""

    name: str = strawberry.field(description="Who gets it, 1-100 characters.")
    line1: str = strawberry.field(description="Street and number, 1-100 characters.")
    line2: str | None = strawberry.field(default=None, description="What line1 had no room for.")
    city: str = strawberry.field(description="City, 1-100 characters.")
    region: str | None = strawberry.field(default=None, description="State, province or canton.")
    postal_code: str = strawberry.field(description="As the country writes it.")
    country_code: CountryCode = strawberry.field(description="Country.")


@strawberry.input(
    description="accountId may be left out; one that is not the caller's own needs ADMIN. paymentMethod is a "
    "provider token; left out, the deployment's default (pm_card_visa in development). expectedTotal guards the "
    "price the buyer saw: if it differs, PRICE_CHANGED with the lines and the new total, and nothing is reserved "
    "or charged. The same idempotencyKey with the same input answers the same order, with other input "
    "IDEMPOTENCY_CONFLICT."
)
class CreateOrderInput:
    """A new order."""

    account_id: strawberry.ID | None = strawberry.field(default=None, description="Whose order it is.")
    products: list[OrderProductInput] = strawberry.field(
        description="1-100; the same product twice is added up."
    )
    shipping_address: AddressInput | None = strawberry.field(default=None, description="Where it goes.")
    payment_method: str | None = strawberry.field(
        default=None, description="A provider token, 1-255 characters; never a card number."
    )
    expected_total: Amount | None = strawberry.field(default=None, description="The total the buyer saw.")
    idempotency_key: str | None = strawberry.field(
        default=None, description="1-255 characters, the caller's own; makes repeating safe."
    )
