"""What the use cases need of the outside."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, Protocol
from uuid import UUID

from kit.auth import Principal
from kit.db import Transaction
from payment.domain import Intent, Payment
from payment.refund_domain import ProviderRefund, Refund, RefundStatus

# Longer than a look usually takes. One that takes longer is begun again beside it; the later one's outcome counts.
LEASE: Final = timedelta(seconds=20)


@dataclass(frozen=True, slots=True)
class RefundRequest:
    """What an ADMIN asks to give back, checked; without an amount: what is left."""

    payment_id: UUID
    amount: Decimal | None
    reason: str
    request_id: str


@dataclass(frozen=True, slots=True)
class Hint:
    """A webhook: which intent or refund of the provider's changed, the other is empty; `failed` for a refund that did."""

    event_id: UUID
    intent_id: str = ""
    refund_id: str = ""
    failed: bool = False


class PaymentStore(Protocol):
    """Payments with their refunds."""

    async def add(self, tx: Transaction, payments: Sequence[Payment]) -> set[UUID]:
        """Writes the first payment of each order; answers the ids of those written, not of those whose order has one already."""

    async def lock(self, tx: Transaction, payment_id: UUID) -> Payment | None:
        """A payment, locked until the transaction ends."""

    async def lock_by_orders(self, tx: Transaction, order_ids: Sequence[UUID]) -> list[Payment]:
        """The payments of orders, locked in the order of their ids until the transaction ends."""

    async def lock_by_refund(self, tx: Transaction, provider_id: str) -> Payment | None:
        """The payment that a refund of the provider's belongs to, locked until the transaction ends."""

    async def lock_refund(self, tx: Transaction, refund_id: UUID) -> Refund | None:
        """A refund by the id that its key stands for; nobody else asks for one under it until the transaction ends."""

    async def save(self, tx: Transaction, *payments: Payment) -> None:
        """Writes changed payments, their refunds and what follows for the ledger."""

    async def get_many(self, ids: Sequence[UUID], owner: UUID | None) -> list[Payment]:
        """The payments among the ids, those of `owner` only unless that is None."""

    async def of_orders(self, order_ids: Sequence[UUID], owner: UUID | None) -> list[Payment]:
        """The payments of orders, those of `owner` only unless that is None."""

    async def claim(self, now: datetime, lease: datetime, limit: int) -> list[Payment]:
        """Leases payments that are open, due and not for `give_up`: no other worker gets them before `lease`."""

    async def give_up(self, now: datetime, limit: int) -> int:
        """Ends payments that are due, for which no charge was begun and none may begin any more; answers how many."""

    async def claim_refunds(self, now: datetime, lease: datetime, limit: int) -> list[Refund]:
        """Leases refunds that are pending and due: no other worker gets them before `lease`."""

    async def intent_changed(self, hint: Hint, now: datetime) -> bool:
        """Makes the payment of an intent due now, if it is open; answers whether there is one. The same hint counts once."""

    async def refund_changed(self, hint: Hint, now: datetime) -> RefundStatus | None:
        """Makes a refund due now, if it is pending; answers how it stands here, None when it is nobody's here."""


class Provider(Protocol):
    """Who charges. Every method raises ProviderUnavailable (repeat with the same key) or ProviderFailed (read back first)."""

    def takes(self, limit: int) -> int:
        """How many of `limit` calls it is good to begin now: none while it is down."""

    async def create(self, payment: Payment) -> Intent:
        """An intent that charges nothing yet; raises ProviderRefused when there will never be one."""

    async def confirm(self, payment: Payment) -> Intent:
        """Charges, unless the intent has ended."""

    async def retrieve(self, payment: Payment) -> Intent:
        """How the intent stands now."""

    async def cancel(self, payment: Payment) -> Intent:
        """Ends the intent, so that it never charges; one that has charged meanwhile is answered as it is."""

    async def refund(self, payment: Payment, refund: Refund) -> ProviderRefund:
        """Gives money back."""

    async def read_refund(self, payment: Payment, refund: Refund) -> ProviderRefund | None:
        """How a refund stands that was asked for before; None when the provider knows of none."""


class AdminVerifier(Protocol):
    """The account service, which knows who is an ADMIN now."""

    async def require_admin(self, caller: Principal) -> None:
        """Raises PermissionDenied unless the caller is one, Unauthenticated when the session has ended."""
        ...
