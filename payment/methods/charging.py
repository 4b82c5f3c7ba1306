"""Charges for customers: a payment whose method is saved, or is to be saved, belongs to the account's customer at the provider."""

from kit.errors import InvalidArgument
from kit.values import PAYMENT_METHOD
from payment.intents.domain import Intent, IntentStatus
from payment.methods.ports import CustomerChargeProvider, Customers, MethodStore
from payment.payments.domain import Payment


class CustomerCharges:
    """`charges.ports.ChargeProvider`: adds the customer and the saved card to what the provider is asked."""

    def __init__(self, provider: CustomerChargeProvider, methods: MethodStore, customers: Customers) -> None:
        self._provider = provider
        self._methods = methods
        self._customers = customers

    def available_permits(self, limit: int) -> int:
        """As the provider's."""
        return self._provider.available_permits(limit)

    async def create(self, payment: Payment) -> Intent:
        """With the customer only if a card is saved or to be saved. A method of another account is rejected when it is confirmed."""
        saved = await self._card(payment) if _names_saved(payment) else ""
        needs_customer = payment.save_method or saved
        customer = await self._customers.ensure(payment.account_id) if needs_customer else ""
        return await self._provider.create(payment, customer)

    async def confirm(self, payment: Payment) -> Intent:
        """A saved method that does not exist, or is another account's, is declined: it cannot be charged."""
        if not _names_saved(payment):
            return await self._provider.confirm(payment)
        card = await self._card(payment)
        if not card:
            return Intent(payment.provider_id, IntentStatus.DECLINED, "processing_error")
        return await self._provider.confirm(payment, card)

    async def retrieve(self, payment: Payment) -> Intent:
        """As the provider's."""
        return await self._provider.retrieve(payment)

    async def cancel(self, payment: Payment) -> Intent:
        """As the provider's."""
        return await self._provider.cancel(payment)

    async def _card(self, payment: Payment) -> str:
        try:
            method_id = PAYMENT_METHOD.parse(payment.payment_method)
        except InvalidArgument:
            return ""
        methods = await self._methods.list_saved([payment.account_id])
        return next((method.method_id for method in methods if method.id == method_id), "")


def _names_saved(payment: Payment) -> bool:
    return payment.payment_method.startswith(PAYMENT_METHOD.start)
