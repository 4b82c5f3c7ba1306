"""In-memory stock. `test_store` runs on it and on PostgreSQL."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from catalog.stock.domain import Adjustment
from kit.errors import IdempotencyConflict


class FakeStockStore:
    """`free_stock`, `adjustments` and `availability_changes` are the tables; the fake of reservations changes them too."""

    def __init__(self) -> None:
        self.free_stock: dict[UUID, int] = {}
        self.adjustments: dict[UUID, Adjustment] = {}
        self.availability_changes: dict[UUID, None] = {}
        # The product of each variant of a product with options; the fake of variants changes it.
        self.product_of: dict[UUID, UUID] = {}
        self._publish_times: dict[UUID, datetime] = {}
        # The ids of each call of `free`, and of `sums`.
        self.free_calls: list[Sequence[UUID]] = []
        self.sums_calls: list[Sequence[UUID]] = []

    async def free(self, ids: Sequence[UUID]) -> dict[UUID, int]:
        self.free_calls.append(ids)
        return {
            product_id: self.free_stock[product_id] for product_id in ids if product_id in self.free_stock
        }

    async def sums(
        self, product_ids: Sequence[UUID], *, quantities: bool = True
    ) -> dict[UUID, tuple[int | None, bool]]:
        self.sums_calls.append(product_ids)
        sums: dict[UUID, tuple[int | None, bool]] = {}
        for product_id in product_ids:
            free = [self.free_stock.get(v) for v, product in self.product_of.items() if product == product_id]
            tracked = [units for units in free if units is not None]
            total = sum(tracked) if tracked and quantities else None
            sums[product_id] = total, any(units != 0 for units in free)
        return sums

    async def products_of(self, tx: object, variant_ids: Iterable[UUID]) -> dict[UUID, UUID]:
        return {variant_id: self.product_of.get(variant_id, variant_id) for variant_id in variant_ids}

    async def start_tracking_all(
        self, tx: object, free: Mapping[UUID, int], actor_id: UUID, now: datetime
    ) -> None:
        for variant_id, units in free.items():
            await self.start_tracking(tx, variant_id, units, actor_id, now)

    async def start_tracking(
        self, tx: object, product_id: UUID, free: int, actor_id: UUID, now: datetime
    ) -> None:
        initial = Adjustment.initial(product_id, free, actor_id, now)
        await self.write(tx, initial, before=None, after=free)

    async def lock(self, tx: object, product_id: UUID) -> int | None:
        return self.free_stock.get(product_id)

    async def write(
        self, tx: object, adjustment: Adjustment, *, before: int | None, after: int | None
    ) -> None:
        if adjustment.id in self.adjustments:
            raise IdempotencyConflict()
        self.adjustments[adjustment.id] = adjustment
        self.free_stock.pop(adjustment.product_id, None)
        if after is not None:
            self.free_stock[adjustment.product_id] = after
        if adjustment.changes_availability(before, after):
            self.availability_changes[adjustment.product_id] = None

    async def adjustment(self, tx: object, adjustment_id: UUID) -> Adjustment | None:
        return self.adjustments.get(adjustment_id)

    async def list_adjustments(self, product_id: UUID) -> list[Adjustment]:
        return [adjustment for adjustment in self.adjustments.values() if adjustment.product_id == product_id]

    async def pop_availability_changes(self, tx: object, limit: int, now: datetime) -> dict[UUID, bool]:
        latest = now - timedelta(seconds=1)
        due = [
            product_id
            for product_id in self.availability_changes
            if self._publish_times.get(product_id, latest) <= latest
        ][:limit]
        for product_id in due:
            del self.availability_changes[product_id]
            self._publish_times[product_id] = now
        return {product_id: self.free_stock.get(product_id, 1) > 0 for product_id in due}
