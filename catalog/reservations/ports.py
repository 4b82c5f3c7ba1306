"""What the use cases of reservations need."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from catalog.reservations.domain import Reservation, ReservationRequest, ReservationState
from kit.db import Statements
from kit.errors import SoukError


class ReservationStore(Protocol):
    """Reservations, and the stock that they take and return."""

    async def reserve(
        self, requests: Sequence[ReservationRequest], now: datetime, expire_time: datetime
    ) -> list[Reservation | SoukError]:
        """All lines of a request or none, one statement for all requests. An existing reservation is returned unchanged."""

    async def commit(self, order_ids: Sequence[UUID], now: datetime) -> Mapping[UUID, ReservationState]:
        """HELD becomes COMMITTED; returns the resulting state of each reservation that exists."""

    async def release(
        self, db: Statements, order_ids: Sequence[UUID], now: datetime
    ) -> Mapping[UUID, ReservationState]:
        """Returns the orders' stock, and each resulting state. An order without a reservation gets a RELEASED one."""

    async def expire(self, now: datetime, limit: int) -> int:
        """Releases up to `limit` HELD reservations past their `expire_time`; returns how many."""
