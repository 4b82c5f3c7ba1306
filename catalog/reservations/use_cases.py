"""Reserving, committing and releasing the stock of orders."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from catalog.metrics import RESERVATIONS
from catalog.reservations.domain import Reservation, ReservationRequest, ReservationState
from catalog.reservations.ports import ReservationStore
from kit.db import Database, Transaction, retry_on_contention
from kit.errors import IdempotencyConflict, SoukError
from kit.values import Clock
from kit.work import Batcher

_SWEEP_BATCH_SIZE = 200


class Reservations:
    """The use cases of reservations."""

    def __init__(self, db: Database, store: ReservationStore, *, lifetime: timedelta, clock: Clock) -> None:
        """`lifetime`: how long a reservation stays HELD."""
        self._db = db
        self._store = store
        self._lifetime = lifetime
        self._clock = clock
        # Group commit: requests that arrive while a statement runs share the next one.
        self._batch: Batcher[ReservationRequest, Reservation] = Batcher(self.reserve_many)

    async def reserve(self, request: ReservationRequest) -> Reservation:
        """Prices and takes all lines or none; raises the error of `domain.rejection_of`, or IdempotencyConflict."""
        return await self._batch.run(request)

    async def reserve_many(self, requests: Sequence[ReservationRequest]) -> list[Reservation | SoukError]:
        """One result per request, all in one statement."""
        now = self._clock()
        outcomes = await self._store.reserve(requests, now, now + self._lifetime)
        return [_result_for(request, outcome) for request, outcome in zip(requests, outcomes, strict=True)]

    async def commit(self, order_id: UUID) -> ReservationState | None:
        """HELD becomes COMMITTED; returns the resulting state, None if the order has no reservation."""
        state = (await self._store.commit([order_id], self._clock())).get(order_id)
        RESERVATIONS.labels("committed" if state is ReservationState.COMMITTED else "commit_too_late").inc()
        return state

    async def release(self, order_id: UUID) -> ReservationState:
        """Returns the order's stock, and the resulting state."""
        states = await self._store.release(self._db, [order_id], self._clock())
        RESERVATIONS.labels("released").inc()
        return states[order_id]

    async def release_cancelled(self, tx: Transaction, order_ids: Sequence[UUID]) -> None:
        """Returns the stock of cancelled orders, in one statement."""
        states = await self._store.release(tx, order_ids, self._clock())
        RESERVATIONS.labels("released").inc(len(states))

    @retry_on_contention
    async def expire(self) -> None:
        """Releases all reservations past their `expire_time`."""
        while count := await self._store.expire(self._clock(), _SWEEP_BATCH_SIZE):
            RESERVATIONS.labels("expired").inc(count)


def _result_for(request: ReservationRequest, outcome: Reservation | SoukError) -> Reservation | SoukError:
    if isinstance(outcome, Reservation):
        try:
            outcome.require_same_lines(request)
        except IdempotencyConflict as error:
            outcome = error
    RESERVATIONS.labels(outcome.reason.lower() if isinstance(outcome, SoukError) else "held").inc()
    return outcome
