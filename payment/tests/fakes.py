"""Fakes of the payment service's own ports; the store's keeps the same contract as PostgreSQL's (test_store)."""

from collections.abc import Sequence
from copy import deepcopy
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from kit.testing import FakeClock
from kit.values import REFUND, Money
from payment.domain import Intent, IntentStatus, Payment
from payment.ports import Hint
from payment.refund_domain import ProviderRefund, Refund, RefundStatus


class FakePaymentStore:
    """Payments in memory. Locks are not here: a test's coroutines take turns at awaits only."""

    def __init__(self) -> None:
        self.payments: dict[UUID, Payment] = {}
        self.heard: set[UUID] = set()

    async def add(self, tx: object, payments: Sequence[Payment]) -> set[UUID]:
        known = {other.order_id for other in self.payments.values()}
        added = set()
        for payment in payments:
            if payment.order_id not in known:
                self.payments[payment.id] = deepcopy(payment)
                known.add(payment.order_id)
                added.add(payment.id)
        return added

    async def lock(self, tx: object, payment_id: UUID) -> Payment | None:
        return deepcopy(self.payments.get(payment_id))

    async def lock_by_orders(self, tx: object, order_ids: Sequence[UUID]) -> list[Payment]:
        return [deepcopy(p) for p in self.payments.values() if p.order_id in order_ids]

    async def lock_by_refund(self, tx: object, provider_id: str) -> Payment | None:
        found = (p for p in self.payments.values() for r in p.refunds if r.provider_id == provider_id)
        return deepcopy(next(found, None))

    async def lock_refund(self, tx: object, refund_id: UUID) -> Refund | None:
        return next(
            (deepcopy(r) for p in self.payments.values() for r in p.refunds if r.id == refund_id), None
        )

    async def save(self, tx: object, *payments: Payment) -> None:
        for payment in payments:
            assert (payment.due_time is not None) == payment.status.is_open
            for refund in payment.refunds:
                assert (refund.due_time is not None) == (refund.status is RefundStatus.PENDING)
            self.payments[payment.id] = deepcopy(payment)

    async def get_many(self, ids: Sequence[UUID], owner: UUID | None) -> list[Payment]:
        return [deepcopy(p) for p in self.payments.values() if p.id in ids and owner in (None, p.account_id)]

    async def of_orders(self, order_ids: Sequence[UUID], owner: UUID | None) -> list[Payment]:
        found = [p for p in self.payments.values() if p.order_id in order_ids]
        return [deepcopy(p) for p in found if owner in (None, p.account_id)]

    async def claim(self, now: datetime, lease: datetime, limit: int) -> list[Payment]:
        alive = [p for p in self.payments.values() if p.provider_id or p.may_charge(now)]
        due = [p for p in alive if p.status.is_open and p.due_time and p.due_time <= now]
        leased = sorted(due, key=lambda p: p.due_time or now)[:limit]
        for payment in leased:
            payment.due_time, payment.attempts = lease, payment.attempts + 1
        return deepcopy(leased)

    async def give_up(self, now: datetime, limit: int) -> int:
        over = [
            p
            for p in self.payments.values()
            if p.status.is_open
            and p.due_time
            and p.due_time <= now
            and not p.provider_id
            and not p.may_charge(now)
        ][:limit]
        for payment in over:
            payment.give_up(now)
        return len(over)

    async def claim_refunds(self, now: datetime, lease: datetime, limit: int) -> list[Refund]:
        refunds = [r for p in self.payments.values() for r in p.refunds]
        pending = [r for r in refunds if r.status is RefundStatus.PENDING]
        leased = [r for r in pending if r.due_time and r.due_time <= now][:limit]
        for refund in leased:
            refund.due_time, refund.attempts = lease, refund.attempts + 1
        return deepcopy(leased)

    async def intent_changed(self, hint: Hint, now: datetime) -> bool:
        for payment in self.payments.values():
            if payment.provider_id == hint.intent_id and payment.due_time:
                if fresh := hint.event_id not in self.heard:
                    payment.due_time = min(now, payment.due_time)
                self.heard.add(hint.event_id)
                return fresh
        return False

    async def refund_changed(self, hint: Hint, now: datetime) -> RefundStatus | None:
        refunds = [r for p in self.payments.values() for r in p.refunds if r.provider_id == hint.refund_id]
        for refund in refunds:
            if refund.due_time is None:
                return refund.status
            if hint.event_id not in self.heard:
                self.heard.add(hint.event_id)
                refund.due_time = min(now, refund.due_time)
                return refund.status
        return None


class FakeProvider:
    """A provider whose intents become `outcome` when they are confirmed; `fails` are raised first, one at each call."""

    def __init__(self) -> None:
        self.outcome = Intent("", IntentStatus.SUCCEEDED)
        self.intents: dict[str, Intent] = {}
        self.fails: list[Exception] = []
        # Raised after the effect: the answer is lost.
        self.loses: list[Exception] = []
        self.calls: list[str] = []
        self.refunded: dict[str, int] = {}
        self.refund_done = True
        # What the next refunds are answered with.
        self.refuses: list[ProviderRefund] = []
        self.is_down = False
        # Refunds that the bank sent back, by the provider's id.
        self.bounced: set[str] = set()

    def takes(self, limit: int) -> int:
        return 0 if self.is_down else limit

    async def create(self, payment: Payment) -> Intent:
        self._called("create")
        intent_id = f"pi_{payment.key('create')}"
        return self.intents.setdefault(intent_id, Intent(intent_id, IntentStatus.READY))

    async def confirm(self, payment: Payment) -> Intent:
        self._called("confirm")
        intent = self.intents[payment.provider_id]
        if intent.status is IntentStatus.READY:
            self.answers(payment.provider_id, self.outcome)
        if self.loses:
            raise self.loses.pop(0)
        return self.intents[payment.provider_id]

    async def retrieve(self, payment: Payment) -> Intent:
        self._called("retrieve")
        return self.intents[payment.provider_id]

    async def cancel(self, payment: Payment) -> Intent:
        self._called("cancel")
        if self.intents[payment.provider_id].status is not IntentStatus.SUCCEEDED:
            self.answers(payment.provider_id, Intent("", IntentStatus.CANCELLED))
        return self.intents[payment.provider_id]

    async def refund(self, payment: Payment, refund: Refund) -> ProviderRefund:
        self._called("refund")
        if self.refuses:
            return self.refuses.pop(0)
        self.refunded[refund.key()] = refund.amount.minor
        if self.loses:
            raise self.loses.pop(0)
        return ProviderRefund(f"re_{refund.key()}", done=self.refund_done)

    async def read_refund(self, payment: Payment, refund: Refund) -> ProviderRefund | None:
        self._called("read_refund")
        if refund.provider_id:
            bounced = refund.provider_id in self.bounced
            return ProviderRefund(refund.provider_id, done=self.refund_done and not bounced, refused=bounced)
        mark = f"re_refund:{REFUND.format(refund.id)}"
        made = [f"re_{key}" for key in self.refunded]
        known = next((each for each in made if each.startswith(mark) and each not in self.bounced), None)
        return ProviderRefund(known, done=self.refund_done) if known else None

    def answers(self, intent_id: str, intent: Intent) -> None:
        """From now on, of this intent."""
        self.intents[intent_id] = Intent(
            intent_id, intent.status, intent.failure_code, intent.next_action_url
        )

    def _called(self, name: str) -> None:
        self.calls.append(name)
        if self.fails:
            raise self.fails.pop(0)


def asked(
    clock: FakeClock, *, order_id: UUID | None = None, account_id: UUID | None = None, minor: int = 10_000
) -> Payment:
    """A charge of 100.00 USD to make within eight minutes."""
    now = clock.now
    return Payment.ask(
        order_id or uuid4(),
        account_id or uuid4(),
        Money(minor, "USD"),
        "pm_card_visa",
        now + timedelta(minutes=8),
        now,
    )
