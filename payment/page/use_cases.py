"""Starting a payment: the intent is created while the buyer's page waits for its secret, and not only when a worker claims the payment.

The order is placed first, so the payment's row, which the order's event creates, may be a moment away.
"""

import asyncio
from contextlib import suppress
from functools import partial
from typing import Final
from uuid import UUID

from kit.auth import Principal
from kit.values import Clock, deadline, remaining
from kit.work import LeaseLost, SingleFlight
from payment.leases.domain import LEASE
from payment.page.errors import NotConfirmedByPage, PaymentNotReady
from payment.page.ports import Charges, StartStore
from payment.payments.domain import Payment
from payment.payments.errors import PaymentNotFound
from payment.payments.ports import PaymentStore

_POLL_SECONDS: Final = 0.05
_WAIT_SECONDS: Final = 4.0
# Left of the caller's deadline for the response.
_RESPONSE_SECONDS: Final = 0.5


class PaymentStart:
    """Starts payments that the buyer's page confirms."""

    def __init__(self, payments: PaymentStore, store: StartStore, charges: Charges, *, clock: Clock) -> None:
        self._payments = payments
        self._store = store
        self._charges = charges
        self._clock = clock
        self._steps: SingleFlight[UUID, bool] = SingleFlight()

    async def start(self, caller: Principal, order_id: UUID) -> Payment:
        """The caller's payment once it has a client secret, or as it is when it needs none any more.

        Raises PaymentNotReady (at once while the provider is down), NotConfirmedByPage, PaymentNotFound.
        """
        left = remaining()
        seconds = _WAIT_SECONDS if left is None else min(_WAIT_SECONDS, left - _RESPONSE_SECONDS)
        try:
            async with asyncio.timeout(seconds):
                return await self._wait(caller, order_id)
        except TimeoutError as error:
            raise PaymentNotReady() from error

    async def _wait(self, caller: Principal, order_id: UUID) -> Payment:
        while True:
            payment = await self._find(caller, order_id)
            if payment and (payment.client_secret or not payment.status.is_open):
                return payment
            if payment and not self._charges.may_call_provider():
                raise PaymentNotReady()
            if payment is None or not await self._steps.run(payment.id, partial(self._step, payment.id)):
                await asyncio.sleep(_POLL_SECONDS)

    async def _step(self, payment_id: UUID) -> bool:
        """Does a worker's step; False if the payment is not due or a worker has it.

        It goes on when its caller leaves, because its lease would keep everyone else from the payment.
        """
        deadline.set(None)
        now = self._clock()
        leased = await self._store.claim_payment(payment_id, now, now + LEASE)
        if leased is None:
            return False
        # A worker that has taken over stores the secret.
        with suppress(LeaseLost):
            await self._charges.advance(leased)
        return True

    async def _find(self, caller: Principal, order_id: UUID) -> Payment | None:
        payments = await self._payments.find_by_orders([order_id], None)
        if not payments:
            return None
        [payment] = payments
        if payment.account_id != caller.account_id:
            raise PaymentNotFound()
        if not payment.is_confirmed_by_page:
            raise NotConfirmedByPage()
        return payment
