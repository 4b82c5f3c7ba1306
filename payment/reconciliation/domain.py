"""What follows from a charge or a refund of the provider of which our tables have less, because they were restored to an earlier time.

Workers do the rest: a payment that is attached to its intent is open and due, and a refund that is added is pending and due, so both are
read from the provider and applied like any other.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from kit.values import PAYMENT, Money
from payment.intents.domain import Intent, IntentStatus
from payment.payments.domain import Payment
from payment.payments.refund import ProviderRefund, Refund
from payment.payments.status import PaymentStatus

_REASON = "made before the restore"


@dataclass(frozen=True, slots=True)
class ProviderCharge:
    """An intent of the provider with what it says about the order; `account_id` is None if an older release made it."""

    intent: Intent
    payment_id: UUID
    order_id: UUID
    account_id: UUID | None
    amount: Money

    @property
    def may_take_money(self) -> bool:
        """Whether it has charged, or can."""
        return self.intent.status is not IntentStatus.CANCELLED


@dataclass(frozen=True, slots=True)
class MadeRefund:
    """A refund at the provider, of an intent; `id` is ours."""

    id: UUID
    intent_id: str
    amount: Money
    state: ProviderRefund


class Outcome(StrEnum):
    """What was done about a charge or a refund."""

    ATTACHED = "its payment had no intent yet: a worker reads it"
    REOPENED = "its payment had ended: a worker reads it"
    LOST_ORDER = "its order was lost: what was charged is refunded"
    REFUND_ADDED = "this refund was unknown: a worker reads it"
    # An operator must act.
    OTHER_INTENT = "its payment has another intent: compare both in the provider's dashboard"
    NO_ACCOUNT = "its order was lost, and it names no account: refund it in the provider's dashboard"


@dataclass(frozen=True, slots=True)
class Finding:
    """A difference, and what was done about it; `reference`: the provider's id of the intent or the refund."""

    payment_id: UUID
    reference: str
    amount: Money
    outcome: Outcome

    def __str__(self) -> str:
        amount = f"{self.amount.text()} {self.amount.currency}"
        return f"{PAYMENT.format(self.payment_id)} {self.reference} {amount}: {self.outcome}"


def reconcile_charge(payment: Payment, charge: ProviderCharge, now: datetime) -> Outcome | None:
    """Attaches a payment to the provider's intent where ours has ended, or does not know it; None if nothing is missing."""
    intent = charge.intent
    if payment.provider_id not in ("", intent.id):
        return Outcome.OTHER_INTENT if intent.status is IntentStatus.SUCCEEDED else None
    if not charge.may_take_money or payment.status is PaymentStatus.SUCCEEDED:
        return None
    if payment.status.is_open:
        if payment.provider_id:
            return None
        _attach(payment, intent, now)
        return Outcome.ATTACHED
    payment.status = PaymentStatus.PROCESSING
    # Its order ends, or has ended, so the intent must not charge any more; what it has charged is refunded once the order is cancelled.
    payment.order_cancelled |= intent.status is not IntentStatus.SUCCEEDED
    _attach(payment, intent, now)
    return Outcome.REOPENED


def payment_of_lost_order(charge: ProviderCharge, account_id: UUID, now: datetime) -> Payment:
    """A payment of an order that we do not know: like that of a cancelled one. `cancel_for_order` refunds it."""
    payment = Payment.for_order(charge.order_id, account_id, charge.amount, "", now, now)
    if charge.intent.status is IntentStatus.SUCCEEDED:
        payment.apply_intent(charge.intent, now)
    else:
        payment.order_cancelled = True
        _attach(payment, charge.intent, now)
    return payment


def reconcile_refunds(payment: Payment, refunds: Iterable[MadeRefund], now: datetime) -> list[MadeRefund]:
    """Adds refunds that the provider has made of a captured payment, and returns those that were unknown."""
    known = {refund.id: refund for refund in payment.refunds}
    added = []
    for made in refunds:
        refund = known.get(made.id)
        if made.state.rejected or (refund and (refund.provider_id or not refund.is_pending)):
            continue
        if refund is None:
            refund = Refund.create(made.id, payment.id, made.amount, _REASON, now)
            payment.refunds.append(refund)
        # With an id, the worker reads it before it makes another.
        refund.provider_id, refund.due_time = made.state.id, now
        added.append(made)
    return added


def _attach(payment: Payment, intent: Intent, now: datetime) -> None:
    """From here on only the provider knows whether it has charged."""
    payment.provider_id, payment.confirmed = intent.id, True
    payment.due_time = payment.update_time = now
