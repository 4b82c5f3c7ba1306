"""Queries and mutations of payments."""

from typing import Annotated

import strawberry
from strawberry import argument

from gateway.context import Info
from gateway.resolvers.arguments import IdempotencyKey, PaymentId
from gateway.types.payment import Payment
from kit.graphql import Amount, or_none


@strawberry.type
class PaymentQueries:
    """Payments."""

    @strawberry.field(description="Owner or ADMIN.")
    async def payment(self, info: Info, id: PaymentId) -> Payment | None:
        """One payment."""
        return await or_none(info.context.peers.payment.get(id))


@strawberry.type
class PaymentMutations:
    """Refunds."""

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
