"""Queries and mutations of payments."""

from typing import Annotated

import strawberry
from strawberry import argument

from gateway.context import Info
from gateway.resolvers.arguments import IdempotencyKey, OrderId, PaymentId
from gateway.types.payment import Payment
from kit.graphql import Amount, or_none
from kit.values import ORDER


@strawberry.type
class PaymentQueries:
    """Payments."""

    @strawberry.field(description="Owner or ADMIN.")
    async def payment(self, info: Info, id: PaymentId) -> Payment | None:
        """One payment."""
        return await or_none(info.context.peers.payment.get(id))


@strawberry.type
class PaymentMutations:
    """Starting and refunding payments."""

    @strawberry.mutation(
        description="The order's owner, for an order with confirmation CLIENT. Returns its payment with the clientSecret with which the "
        "page confirms it. Can be repeated. SERVICE_UNAVAILABLE, reason PAYMENT_NOT_READY: try again."
    )
    async def start_payment(self, info: Info, order_id: OrderId) -> Payment | None:
        """StartPayment. The order is read first, so that an unknown one is rejected at once; StartPayment would wait for its payment."""
        ORDER.parse(order_id, "orderId")
        await info.context.peers.order.get(order_id)
        return await info.context.peers.payment.start(order_id)

    @strawberry.mutation(description="ADMIN. Without an amount, refunds all that is left of the payment.")
    async def refund_payment(
        self,
        info: Info,
        payment_id: PaymentId,
        idempotency_key: IdempotencyKey,
        amount: Annotated[Amount | None, argument("In the payment's currency, above zero.")] = None,
        reason: Annotated[str | None, argument("0-500 characters.")] = None,
    ) -> Payment | None:
        """RefundPayment."""
        return await info.context.peers.payment.refund(payment_id, amount, reason, idempotency_key)
