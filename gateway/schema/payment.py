"""Payments and refunds."""

from enum import Enum

import strawberry

from gateway.schema.scalars import Amount, CurrencyCode, Instant


@strawberry.enum(description="Where a payment stands.")
class PaymentStatus(Enum):
    """Where a payment stands."""

    PROCESSING = strawberry.enum_value("PROCESSING", description="Not decided yet.")
    REQUIRES_ACTION = strawberry.enum_value(
        "REQUIRES_ACTION", description="The buyer must act at nextActionUrl."
    )
    SUCCEEDED = strawberry.enum_value("SUCCEEDED", description="Captured.")
    FAILED = strawberry.enum_value("FAILED", description="Declined for good.")
    CANCELLED = strawberry.enum_value("CANCELLED", description="Ended before a capture.")
    PARTIALLY_REFUNDED = strawberry.enum_value("PARTIALLY_REFUNDED", description="A part went back.")
    REFUNDED = strawberry.enum_value("REFUNDED", description="All of it went back.")


@strawberry.enum(description="Where a refund stands.")
class RefundStatus(Enum):
    """Where a refund stands."""

    PENDING = strawberry.enum_value("PENDING", description="On its way.")
    SUCCEEDED = strawberry.enum_value("SUCCEEDED", description="The money went back.")
    FAILED = strawberry.enum_value("FAILED", description="The provider refused.")


@strawberry.type(description="Money on its way back to the buyer.")
class Refund:
    """Money on its way back."""

    id: strawberry.ID = strawberry.field(description="Begins with ref_.")
    amount: Amount = strawberry.field(description="How much, in the payment's currency.")
    status: RefundStatus = strawberry.field(description="Where it stands.")
    reason: str | None = strawberry.field(description="Why, if somebody said so.")
    created_at: Instant = strawberry.field(description="When it was asked for.")


@strawberry.type(description="The charge of one order.")
class Payment:
    """The charge of one order."""

    id: strawberry.ID = strawberry.field(description="Begins with pay_.")
    order_id: strawberry.ID = strawberry.field(description="The order it pays.")
    amount: Amount = strawberry.field(description="What is charged.")
    refunded_amount: Amount = strawberry.field(description="What went back.")
    currency: CurrencyCode = strawberry.field(description="The currency of all its amounts.")
    status: PaymentStatus = strawberry.field(description="Where it stands.")
    failure_code: str | None = strawberry.field(
        description="card_declined, insufficient_funds, authentication_required or processing_error; "
        "null unless FAILED."
    )
    next_action_url: str | None = strawberry.field(
        description="Where the buyer goes on while REQUIRES_ACTION."
    )
    refunds: list[Refund] = strawberry.field(description="Oldest first.")
    created_at: Instant = strawberry.field(description="When it was begun.")
    updated_at: Instant = strawberry.field(description="When it last changed.")
