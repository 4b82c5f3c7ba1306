"""Payments and refunds."""

from enum import Enum

import strawberry

from kit.graphql import Amount, CurrencyCode, Instant


@strawberry.enum(description="The state of a payment.")
class PaymentStatus(Enum):
    """The state of a payment."""

    PROCESSING = strawberry.enum_value("PROCESSING", description="The outcome is not known yet.")
    REQUIRES_ACTION = strawberry.enum_value(
        "REQUIRES_ACTION",
        description="The buyer must continue at nextActionUrl, or in the page with clientSecret.",
    )
    SUCCEEDED = strawberry.enum_value("SUCCEEDED", description="Captured.")
    FAILED = strawberry.enum_value("FAILED", description="Declined.")
    CANCELLED = strawberry.enum_value("CANCELLED", description="Cancelled before it was captured.")
    PARTIALLY_REFUNDED = strawberry.enum_value("PARTIALLY_REFUNDED", description="Part of it was refunded.")
    REFUNDED = strawberry.enum_value("REFUNDED", description="All of it was refunded.")


@strawberry.enum(description="The state of a refund.")
class RefundStatus(Enum):
    """The state of a refund."""

    PENDING = strawberry.enum_value("PENDING", description="In progress.")
    SUCCEEDED = strawberry.enum_value("SUCCEEDED", description="The buyer was refunded.")
    FAILED = strawberry.enum_value("FAILED", description="The provider rejected it.")


@strawberry.enum(description="Who confirms a payment, which charges it.")
class PaymentConfirmation(Enum):
    """Who confirms a payment."""

    SERVER = strawberry.enum_value(
        "SERVER", description="The server, with paymentMethod. A decline is final."
    )
    CLIENT = strawberry.enum_value(
        "CLIENT",
        description="The buyer's page, with Payment.clientSecret. After a decline it can try another card until Payment.payBefore.",
    )


@strawberry.type(description="A refund to the buyer.")
class Refund:
    """A refund to the buyer."""

    id: strawberry.ID = strawberry.field(description="Starts with ref_.")
    amount: Amount = strawberry.field(description="In the payment's currency.")
    status: RefundStatus = strawberry.field(description="The current state.")
    reason: str | None = strawberry.field(description="The reason, if one was given.")
    created_at: Instant = strawberry.field(description="When it was requested.")


@strawberry.type(description="The payment of an order.")
class Payment:
    """The payment of an order."""

    id: strawberry.ID = strawberry.field(description="Starts with pay_.")
    order_id: strawberry.ID = strawberry.field(description="The order that it pays for.")
    amount: Amount = strawberry.field(description="The amount to charge.")
    refunded_amount: Amount = strawberry.field(description="The amount refunded so far.")
    currency: CurrencyCode = strawberry.field(description="The currency of all amounts of the payment.")
    status: PaymentStatus = strawberry.field(description="The current state.")
    failure_code: str | None = strawberry.field(
        description="card_declined, insufficient_funds, authentication_required or processing_error; null unless FAILED, or "
        "REQUIRES_ACTION after a decline that the buyer may follow with another card."
    )
    next_action_url: str | None = strawberry.field(
        description="Where the buyer continues; null unless REQUIRES_ACTION."
    )
    client_secret: str | None = strawberry.field(
        description="Owner only, null for others, ADMIN included: with it the page confirms the payment at the provider. Null unless "
        "REQUIRES_ACTION and ordered with confirmation CLIENT."
    )
    pay_before: Instant = strawberry.field(
        description="No charge starts after this time; then the order is cancelled unless it was paid."
    )
    refunds: list[Refund] = strawberry.field(description="Oldest first.")
    created_at: Instant = strawberry.field(description="When the payment was created.")
    updated_at: Instant = strawberry.field(description="When the payment last changed.")
