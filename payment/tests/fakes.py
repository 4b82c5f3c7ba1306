"""Fakes of the payment service's ports. The store keeps the same contract as PostgreSQL's (store_contract)."""

from collections.abc import Collection, Sequence
from copy import deepcopy
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from kit.auth import DEVELOPMENT_SEALING_KEY, Sealer
from kit.testing import FakeClock
from kit.values import REFUND, Money
from payment.intents.domain import Intent, IntentStatus
from payment.payments.domain import Payment
from payment.payments.refund import ProviderRefund, Refund, RefundStatus
from payment.webhooks.domain import WebhookEvent

SEALER = Sealer(DEVELOPMENT_SEALING_KEY)


class FakePaymentStore:
    """The stores of all aggregates, in memory. It has no locks: a test's coroutines switch only at awaits."""

    def __init__(self) -> None:
        self.payments: dict[UUID, Payment] = {}
        self.recorded: set[UUID] = set()

    async def add(self, tx: object, payments: Sequence[Payment]) -> set[UUID]:
        orders = {other.order_id for other in self.payments.values()}
        added = set()
        for payment in payments:
            if payment.order_id not in orders:
                self.payments[payment.id] = deepcopy(payment)
                orders.add(payment.order_id)
                added.add(payment.id)
        return added

    async def lock(self, tx: object, payment_id: UUID) -> Payment | None:
        return deepcopy(self.payments.get(payment_id))

    async def lock_many(self, tx: object, ids: Collection[UUID]) -> list[Payment]:
        return [deepcopy(payment) for payment in self.payments.values() if payment.id in ids]

    async def lock_by_orders(self, tx: object, order_ids: Sequence[UUID]) -> list[Payment]:
        return [deepcopy(p) for p in self.payments.values() if p.order_id in order_ids]

    async def lock_by_intent(self, tx: object, provider_id: str) -> Payment | None:
        return next((deepcopy(p) for p in self.payments.values() if p.provider_id == provider_id), None)

    async def lock_by_refund(self, tx: object, provider_id: str) -> Payment | None:
        matches = (p for p in self.payments.values() for r in p.refunds if r.provider_id == provider_id)
        return deepcopy(next(matches, None))

    async def lock_refund(self, tx: object, refund_id: UUID) -> Refund | None:
        return next((deepcopy(refund) for refund in self._refunds() if refund.id == refund_id), None)

    async def save(self, tx: object, *payments: Payment) -> None:
        for payment in payments:
            assert (payment.due_time is not None) == payment.status.is_open
            for refund in payment.refunds:
                assert (refund.due_time is not None) == (refund.status is RefundStatus.PENDING)
            # Only webhooks count declines.
            declines = self.payments[payment.id].declines
            self.payments[payment.id] = replace(deepcopy(payment), declines=declines)

    async def get_many(self, ids: Sequence[UUID], owner: UUID | None) -> list[Payment]:
        return [deepcopy(p) for p in self.payments.values() if p.id in ids and owner in (None, p.account_id)]

    async def find_by_orders(self, order_ids: Sequence[UUID], owner: UUID | None) -> list[Payment]:
        matches = [p for p in self.payments.values() if p.order_id in order_ids]
        return [deepcopy(p) for p in matches if owner in (None, p.account_id)]

    async def claim_payments(self, now: datetime, lease: datetime, limit: int) -> list[Payment]:
        due = [p for p in self._due(now) if p.provider_id or p.may_charge(now)]
        leased = sorted(due, key=lambda p: p.due_time or now)[:limit]
        for payment in leased:
            payment.due_time, payment.attempts = lease, payment.attempts + 1
        return deepcopy(leased)

    async def claim_payment(self, payment_id: UUID, now: datetime, lease: datetime) -> Payment | None:
        due = next((p for p in self._due(now) if p.id == payment_id), None)
        if due is not None:
            due.due_time, due.attempts = lease, due.attempts + 1
        return deepcopy(due)

    async def cancel_expired(self, now: datetime, limit: int) -> int:
        expired = [p for p in self._due(now) if not p.provider_id and not p.may_charge(now)][:limit]
        for payment in expired:
            payment.cancel(now)
        return len(expired)

    async def claim_refunds(self, now: datetime, lease: datetime, limit: int) -> list[Refund]:
        pending = [refund for refund in self._refunds() if refund.is_pending]
        leased = [refund for refund in pending if refund.due_time and refund.due_time <= now][:limit]
        for refund in leased:
            refund.due_time, refund.attempts = lease, refund.attempts + 1
        return deepcopy(leased)

    async def intent_changed(self, event: WebhookEvent, now: datetime) -> bool:
        for payment in self.payments.values():
            if payment.provider_id == event.intent_id and payment.due_time:
                if new := event.event_id not in self.recorded:
                    payment.declines += event.failed
                    payment.due_time = min(now, payment.due_time)
                self.recorded.add(event.event_id)
                return new
        return False

    async def setup_changed(self, event: WebhookEvent, now: datetime) -> bool:
        return False

    async def refund_changed(self, event: WebhookEvent, now: datetime) -> RefundStatus | None:
        for refund in self._refunds():
            if refund.provider_id != event.refund_id:
                continue
            if refund.due_time is None:
                return refund.status
            if event.event_id not in self.recorded:
                self.recorded.add(event.event_id)
                refund.due_time = min(now, refund.due_time)
                return refund.status
        return None

    def _due(self, now: datetime) -> list[Payment]:
        return [p for p in self.payments.values() if p.status.is_open and p.due_time and p.due_time <= now]

    def _refunds(self) -> list[Refund]:
        return [refund for payment in self.payments.values() for refund in payment.refunds]


class FakeSavedMethods:
    """Records for which payments a method is to be saved."""

    def __init__(self) -> None:
        self.placed: list[tuple[UUID, UUID]] = []

    async def payments_placed(self, tx: object, payments: Sequence[tuple[UUID, UUID]]) -> None:
        self.placed += payments


class FakeProvider:
    """A provider whose intents become `outcome` when they are confirmed."""

    def __init__(self) -> None:
        self.outcome = Intent("", IntentStatus.SUCCEEDED)
        self.intents: dict[str, Intent] = {}
        # Declined charges of each intent.
        self.declines: dict[str, int] = {}
        # Raised by the next calls before they have an effect, one each.
        self.errors: list[Exception] = []
        # Raised by the next calls after their effect.
        self.lost_responses: list[Exception] = []
        self.calls: list[str] = []
        self.refunded: dict[str, int] = {}
        self.refunds_succeed = True
        # The results of the next refunds.
        self.refund_results: list[ProviderRefund] = []
        self.is_down = False
        # Refunds that the bank returned, by the provider's id.
        self.returned: set[str] = set()

    def available_permits(self, limit: int) -> int:
        return 0 if self.is_down else limit

    async def create(self, payment: Payment) -> Intent:
        self._called("create")
        intent_id = f"pi_{payment.key('create')}"
        secret = SEALER.seal(f"{intent_id}_secret") if payment.is_confirmed_by_page else b""
        return self.intents.setdefault(intent_id, Intent(intent_id, IntentStatus.READY, client_secret=secret))

    async def confirm(self, payment: Payment) -> Intent:
        self._called("confirm")
        intent = self.intents[payment.provider_id]
        if intent.status is IntentStatus.READY:
            self.set_intent(payment.provider_id, self.outcome)
        if self.lost_responses:
            raise self.lost_responses.pop(0)
        return self.intents[payment.provider_id]

    async def retrieve(self, payment: Payment) -> Intent:
        self._called("retrieve")
        declines = self.declines.get(payment.provider_id, 0)
        return replace(self.intents[payment.provider_id], declines=declines)

    async def cancel(self, payment: Payment) -> Intent:
        self._called("cancel")
        if self.intents[payment.provider_id].status is not IntentStatus.SUCCEEDED:
            self.set_intent(payment.provider_id, Intent("", IntentStatus.CANCELLED))
        return self.intents[payment.provider_id]

    async def refund(self, payment: Payment, refund: Refund) -> ProviderRefund:
        self._called("refund")
        if self.refund_results:
            return self.refund_results.pop(0)
        self.refunded[refund.key()] = refund.amount.minor
        if self.lost_responses:
            raise self.lost_responses.pop(0)
        return ProviderRefund(f"re_{refund.key()}", done=self.refunds_succeed)

    async def read_refund(self, payment: Payment, refund: Refund) -> ProviderRefund | None:
        self._called("read_refund")
        if refund.provider_id:
            returned = refund.provider_id in self.returned
            done = self.refunds_succeed and not returned
            return ProviderRefund(refund.provider_id, done=done, rejected=returned)
        prefix = f"re_refund:{REFUND.format(refund.id)}"
        ids = [f"re_{key}" for key in self.refunded]
        made = next((i for i in ids if i.startswith(prefix) and i not in self.returned), None)
        return ProviderRefund(made, done=self.refunds_succeed) if made else None

    def set_intent(self, intent_id: str, intent: Intent) -> None:
        if intent.status is IntentStatus.DECLINED:
            self.declines[intent_id] = self.declines.get(intent_id, 0) + 1
        self.intents[intent_id] = replace(
            intent, id=intent_id, client_secret=self.intents[intent_id].client_secret
        )

    def _called(self, name: str) -> None:
        self.calls.append(name)
        if self.errors:
            raise self.errors.pop(0)


def new_payment(
    clock: FakeClock, *, order_id: UUID | None = None, account_id: UUID | None = None, minor: int = 10_000
) -> Payment:
    """A payment of 100.00 USD to charge within eight minutes."""
    now = clock.now
    return Payment.for_order(
        order_id or uuid4(),
        account_id or uuid4(),
        Money(minor, "USD"),
        "pm_card_visa",
        now + timedelta(minutes=8),
        now,
    )


def new_refund(payment: Payment, minor: int) -> Refund:
    """A pending refund of a part of a payment."""
    return Refund.create(payment.id, payment.id, Money(minor, "USD"), "", payment.create_time)
