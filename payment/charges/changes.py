"""Group commit of what workers record: changes that arrive while a transaction runs are written together by the next one.

The rows are locked and loaded, each change is decided in Python, and all are saved at once; each fails alone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from kit.db import Database, retry_on_contention
from kit.events import context_headers
from kit.values import Clock
from kit.work import Batcher, LeaseLost
from payment.payments.domain import DomainEvent, Payment
from payment.payments.ports import PaymentStore

Change = Callable[[Payment, datetime], DomainEvent | None]


@dataclass(frozen=True, slots=True)
class Changed:
    """The payment after its change, and the event that was published."""

    payment: Payment
    event: DomainEvent | None


@dataclass(frozen=True, slots=True)
class _Request:
    leased: Payment
    change: Change
    # The batch runs outside the caller's trace.
    headers: str = field(default_factory=context_headers)


class LeasedChanges:
    """Changes payments whose lease the caller has."""

    def __init__(self, db: Database, payments: PaymentStore, *, clock: Clock) -> None:
        self._db = db
        self._payments = payments
        self._clock = clock
        self._batcher = Batcher(self._write_all)

    @retry_on_contention
    async def write(self, leased: Payment, change: Change) -> Changed:
        """Applies a change to the current row and commits it with its event; raises LeaseLost if another worker has taken over."""
        return await self._batcher.run(_Request(leased, change))

    async def _write_all(self, requests: Sequence[_Request]) -> list[Changed | BaseException]:
        now = self._clock()
        results: list[Changed | BaseException] = []
        published: list[tuple[DomainEvent, str]] = []
        async with self._db.transaction() as tx:
            locked = await self._payments.lock_many(tx, {request.leased.id for request in requests})
            current = {payment.id: payment for payment in locked}
            changed = {}
            for request in requests:
                payment = current[request.leased.id]
                if payment.attempts != request.leased.attempts:
                    results.append(LeaseLost())
                    continue
                event = request.change(payment, now)
                changed[payment.id] = payment
                results.append(Changed(payment, event))
                if event is not None:
                    published.append((event, request.headers))
            if changed:
                await self._payments.save(tx, *changed.values())
            events, headers = [event for event, _ in published], [text for _, text in published]
            await tx.emit(*events, headers=headers)
        return results
