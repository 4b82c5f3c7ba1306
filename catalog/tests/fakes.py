"""Fakes of the catalog's own ports; the stores' keep the same contracts as PostgreSQL's (test_store, test_stock_store)."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from uuid import UUID, uuid4

from catalog.domain import Category, Draft, Product, category_identity, sku_identity
from catalog.errors import IdempotencyConflict, SkuTaken
from catalog.ports import Criteria, Facet, FacetValue, Found
from catalog.stock_domain import (
    Action,
    Adjustment,
    Offer,
    PricedLine,
    Reservation,
    ReservationState,
    Want,
    Wish,
    refusal,
)
from kit.errors import SoukError
from kit.values import CURRENCIES, Money


class FakeProductStore:
    """Products in memory. Locks are not here: a test's coroutines take turns at awaits only."""

    def __init__(self) -> None:
        self.products: dict[UUID, Product] = {}
        self.deleted: dict[UUID, Product] = {}
        self._categories: dict[str, Category] = {}

    async def add(self, tx: object, product: Product) -> None:
        self._check_sku(product)
        self.products[product.id] = product

    async def save(self, tx: object, product: Product) -> None:
        self._check_sku(product)
        self.products[product.id] = product

    async def delete(self, tx: object, product_id: UUID, version: int, now: datetime) -> None:
        self.deleted[product_id] = self.products.pop(product_id)

    async def lock(self, tx: object, product_id: UUID) -> Product | None:
        return self.products.get(product_id)

    async def get_many(self, ids: Sequence[UUID]) -> list[Product]:
        return [self.products[product_id] for product_id in set(ids) if product_id in self.products]

    async def newest(self, after: tuple[datetime, UUID] | None, limit: int) -> list[Product]:
        found = sorted(self.products.values(), key=_newness, reverse=True)
        return [product for product in found if after is None or _newness(product) < after][:limit]

    async def category(self, tx: object, wanted: Category) -> Category:
        found = self._categories.get(category_identity(wanted.name))
        by_slug = {category.slug: category for category in self._categories.values()}
        if found is None and wanted.name not in by_slug:
            slugs = (wanted.slug if number == 1 else f"{wanted.slug}-{number}" for number in count(1))
            found = replace(wanted, slug=next(slug for slug in slugs if slug not in by_slug))
            self._categories[category_identity(wanted.name)] = found
        return found or by_slug[wanted.name]

    async def categories(self) -> list[tuple[Category, int]]:
        counts = Counter(product.category for product in self.products.values())
        known = sorted(self._categories.values(), key=lambda category: category.name)
        return [(category, counts[category]) for category in known]

    def _check_sku(self, product: Product) -> None:
        others = (other for other in self.products.values() if other.id != product.id)
        if product.sku and any(sku_identity(other.sku) == sku_identity(product.sku) for other in others):
            raise SkuTaken()


class FakeStockStore:
    """Stock and reservations in memory, of a fake store's products."""

    def __init__(self, products: FakeProductStore) -> None:
        self._products = products
        self._free: dict[UUID, int] = {}
        self._reservations: dict[UUID, Reservation] = {}
        self._taken: dict[UUID, dict[UUID, int]] = {}
        self._flipped: dict[UUID, None] = {}
        self._told_at: dict[UUID, datetime] = {}
        self._adjustments: dict[UUID, Adjustment] = {}
        # Each time that free stock was asked for.
        self.asked: list[Sequence[UUID]] = []

    async def free(self, ids: Sequence[UUID]) -> dict[UUID, int]:
        self.asked.append(ids)
        return {product_id: self._free[product_id] for product_id in ids if product_id in self._free}

    async def lock(self, tx: object, product_id: UUID) -> int | None:
        return self._free.get(product_id)

    async def write(
        self, tx: object, adjustment: Adjustment, *, before: int | None, after: int | None
    ) -> None:
        if adjustment.id in self._adjustments:
            raise IdempotencyConflict()
        self._adjustments[adjustment.id] = adjustment
        self._set(adjustment.product_id, after)
        if adjustment.action is not Action.CREATE and (before == 0) != (after == 0):
            self._flipped[adjustment.product_id] = None

    async def adjustment(self, tx: object, adjustment_id: UUID) -> Adjustment | None:
        return self._adjustments.get(adjustment_id)

    async def adjustments(self, product_id: UUID) -> list[Adjustment]:
        return [made for made in self._adjustments.values() if made.product_id == product_id]

    async def reserve(
        self, wishes: Sequence[Wish], now: datetime, expire_time: datetime
    ) -> list[Reservation | SoukError]:
        return [self._reserve(wish, expire_time) for wish in wishes]

    async def commit(self, order_ids: Sequence[UUID], now: datetime) -> dict[UUID, ReservationState]:
        return self._move(order_ids, {ReservationState.HELD: ReservationState.COMMITTED})

    async def release(
        self, db: object, order_ids: Sequence[UUID], now: datetime
    ) -> dict[UUID, ReservationState]:
        for order_id in order_ids:
            ended = Reservation(order_id, ReservationState.RELEASED, b"", (), now)
            if self._reservations.setdefault(order_id, ended).state.has_stock:
                self._give_back(order_id, now)
        return self._move(
            order_ids,
            {
                ReservationState.HELD: ReservationState.RELEASED,
                ReservationState.COMMITTED: ReservationState.RETURNED,
            },
        )

    async def expire(self, now: datetime, limit: int) -> int:
        held = [r for r in self._reservations.values() if r.state is ReservationState.HELD]
        overdue = [r.order_id for r in held if r.expire_time <= now][:limit]
        for order_id in overdue:
            self._give_back(order_id, now)
        self._move(overdue, {ReservationState.HELD: ReservationState.RELEASED})
        return len(overdue)

    async def take_availability_changes(self, tx: object, limit: int, now: datetime) -> dict[UUID, bool]:
        waits = now - timedelta(seconds=1)
        flipped = [
            each for each in self._flipped if each not in self._told_at or self._told_at[each] <= waits
        ]
        for product_id in flipped[:limit]:
            del self._flipped[product_id]
            self._told_at[product_id] = now
        return {product_id: self._free.get(product_id, 1) > 0 for product_id in flipped[:limit]}

    def _reserve(self, wish: Wish, expire_time: datetime) -> Reservation | SoukError:
        if wish.order_id in self._reservations:
            return self._reservations[wish.order_id]
        offers = [self._offer(want) for want in wish.wants]
        prices = [offer.unit_price for offer in offers]
        if not all(offer.is_enough for offer in offers) or not _acceptable(wish, offers, prices):
            return refusal(wish, offers)
        lines = tuple(
            PricedLine(offer.want.product_id, offer.name, offer.unit_price, offer.want.quantity)
            for offer in offers
            if offer.unit_price
        )
        taken = {offer.want.product_id: offer.want.quantity for offer in offers if offer.free is not None}
        for product_id, quantity in taken.items():
            self._free[product_id] -= quantity
            if not self._free[product_id]:
                self._flipped[product_id] = None
        self._taken[wish.order_id] = taken
        made = Reservation(wish.order_id, ReservationState.HELD, wish.input_hash, lines, expire_time)
        self._reservations[wish.order_id] = made
        return made

    def _offer(self, want: Want) -> Offer:
        product = self._products.products.get(want.product_id)
        name, price = (product.name, product.price) if product else ("", None)
        return Offer(want, name, price, self._free.get(want.product_id))

    def _set(self, product_id: UUID, free: int | None) -> None:
        self._free.pop(product_id, None)
        if free is not None:
            self._free[product_id] = free

    def _give_back(self, order_id: UUID, now: datetime) -> None:
        for product_id, quantity in self._taken.get(order_id, {}).items():
            if product_id not in self._free:
                lost = Adjustment(uuid4(), product_id, Action.FORGO, -quantity, "", None, now)
                self._adjustments[lost.id] = lost
                continue
            if not self._free[product_id]:
                self._flipped[product_id] = None
            self._free[product_id] += quantity

    def _move(
        self, order_ids: Sequence[UUID], steps: Mapping[ReservationState, ReservationState]
    ) -> dict[UUID, ReservationState]:
        known = [self._reservations[order_id] for order_id in order_ids if order_id in self._reservations]
        for r in known:
            state = steps.get(r.state, r.state)
            self._reservations[r.order_id] = Reservation(
                r.order_id, state, r.input_hash, r.lines, r.expire_time
            )
        return {r.order_id: self._reservations[r.order_id].state for r in known}


class FakeCache:
    """Reads the store each time; remembers what it was told to forget."""

    def __init__(self, store: FakeProductStore) -> None:
        self._store = store
        self.forgotten: list[UUID] = []

    async def get_many(self, ids: Sequence[UUID]) -> list[Product]:
        return await self._store.get_many(ids)

    async def forget(self, *ids: UUID) -> None:
        self.forgotten += ids


class FakeSearch:
    """Finds what it was given."""

    def __init__(self) -> None:
        self.products: list[Product] = []
        self.asked: list[Criteria] = []

    async def find(self, criteria: Criteria) -> Found:
        self.asked.append(criteria)
        shown = self.products[: criteria.size]
        hits = tuple((product, f"after {product.name}") for product in shown)
        facets = (Facet("availability", (FacetValue("available", len(self.products)),)),)
        highlights = tuple(f"<em>{product.name}</em>" for product in shown)
        return Found(
            hits,
            len(self.products) > criteria.size,
            len(self.products) if criteria.count else None,
            facets if criteria.facets else (),
            highlights if criteria.highlight else (),
        )

    async def suggest(self, prefix: str, size: int) -> Sequence[str]:
        return [product.name for product in self.products if product.name.startswith(prefix)][:size]


def draft(
    name: str = "Mug",
    *,
    price: Money | None = None,
    sku: str = "",
    category: str = "",
    stock: int | None = None,
) -> Draft:
    """A product to be."""
    return Draft.read(
        name=name,
        description=f"{name} of steel",
        price=price or Money(999, "USD"),
        sku=sku,
        category=category,
        stock=stock,
    )


def _newness(product: Product) -> tuple[datetime, UUID]:
    return product.create_time, product.id


def _acceptable(wish: Wish, offers: Sequence[Offer], prices: Sequence[Money | None]) -> bool:
    known = [price for price in prices if price is not None]
    if len(known) < len(prices) or len({price.currency for price in known}) > 1:
        return False
    total = sum(price.minor * offer.want.quantity for price, offer in zip(known, offers, strict=True))
    limits = CURRENCIES[known[0].currency]
    in_range = limits.minimum <= total <= limits.maximum and total % limits.step == 0
    seen = wish.expected_total
    return in_range and seen in (None, Money(total, known[0].currency).decimal())
