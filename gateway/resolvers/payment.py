"""Queries and mutations of payments."""

from typing import Annotated

import strawberry

from gateway.context import Info
from gateway.resolvers.arguments import IdempotencyKey, PaymentId
from gateway.types.payment import Payment
from gateway.types.scalars import Amount
from kit.errors import NotFound


@strawberry.type
class PaymentQueries:
    """Payments."""

    @strawberry.field(description="Owner or ADMIN.")
    async def payment(self, info: Info, id: PaymentId) -> Payment | None:
        """One payment."""
        try:
            return await info.context.peers.payment.get(id)
        except NotFound:
            return None


@strawberry.type
class PaymentMutations:
    """Refunds."""

    @strawberry.mutation(description="ADMIN. Without an amount, refunds all that is left of the payment.")
    async def refund_payment(
        self,
        info: Info,
        payment_id: PaymentId,
        idempotency_key: IdempotencyKey,
        amount: Annotated[
            Amount | None, strawberry.argument(description="In the payment's currency, above zero.")
        ] = None,
        reason: Annotated[str | None, strawberry.argument(description="0-500 characters.")] = None,
    ) -> Payment | None:
        """RefundPayment."""
        info.context.clear_loaders()
        return await info.context.peers.payment.refund(payment_id, amount, reason, idempotency_key)
