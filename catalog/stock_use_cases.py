"""What orders do with stock, and the sweeps over it."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from catalog.domain import ProductAvailabilityChanged
from catalog.metrics import RESERVATIONS
from catalog.ports import StockStore
from catalog.stock_domain import Reservation, ReservationState, Wish
from kit.db import Database, Transaction, retry_on_contention
from kit.errors import SoukError
from kit.values import Clock
from kit.work import Batcher

_SWEEP = 200
_TELL = 500


class Stock:
    """The use cases of stock."""

    def __init__(self, db: Database, store: StockStore, *, reservation: timedelta, clock: Clock) -> None:
        self._db = db
        self._store = store
        self._reservation = reservation
        self._clock = clock
        # Group commit: what arrives while a statement runs is reserved by the next one.
        self._reserving: Batcher[Wish, Reservation] = Batcher(self.reserve_many)

    async def reserve(self, wish: Wish) -> Reservation:
        """Prices and takes all lines or none; raises what refuses them (`stock_domain.refusal`), or IdempotencyConflict."""
        return await self._reserving.run(wish)

    async def reserve_many(self, wishes: Sequence[Wish]) -> list[Reservation | SoukError]:
        """Each by itself, all in one statement."""
        now = self._clock()
        outcomes = await self._store.reserve(wishes, now, now + self._reservation)
        return [_for_wish(wish, outcome) for wish, outcome in zip(wishes, outcomes, strict=True)]

    async def commit(self, order_id: UUID) -> ReservationState | None:
        """HELD becomes COMMITTED; answers where it stands then, None when there is none."""
        state = (await self._store.commit([order_id], self._clock())).get(order_id)
        RESERVATIONS.labels("committed" if state is ReservationState.COMMITTED else "commit_too_late").inc()
        return state

    async def release(self, order_id: UUID) -> ReservationState:
        """Gives back what is taken; answers where it stands then."""
        states = await self._store.release(self._db, [order_id], self._clock())
        RESERVATIONS.labels("given_back").inc()
        return states[order_id]

    async def orders_cancelled(self, tx: Transaction, order_ids: Sequence[UUID]) -> None:
        """The same as a reaction to the end of orders: one statement, however many they are."""
        states = await self._store.release(tx, order_ids, self._clock())
        RESERVATIONS.labels("given_back").inc(len(states))

    @retry_on_contention
    async def expire(self) -> None:
        """Releases what was held too long."""
        while count := await self._store.expire(self._clock(), _SWEEP):
            RESERVATIONS.labels("expired").inc(count)

    @retry_on_contention
    async def tell_availability(self) -> None:
        """Publishes which products ran out or came back since the last time; each once, and at most once a second."""
        while True:
            async with self._db.transaction() as tx:
                changed = await self._store.take_availability_changes(tx, _TELL, self._clock())
                await tx.emit(*(ProductAvailabilityChanged(*change) for change in changed.items()))
            if not changed:
                return


def _for_wish(wish: Wish, outcome: Reservation | SoukError) -> Reservation | SoukError:
    if not isinstance(outcome, SoukError):
        try:
            outcome = outcome.for_wish(wish)
        except SoukError as error:
            outcome = error
    RESERVATIONS.labels(outcome.reason.lower() if isinstance(outcome, SoukError) else "held").inc()
    return outcome
