"""What the use cases need of the outside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from catalog.domain import Category, Product
from catalog.stock_domain import Adjustment, Reservation, ReservationState, Wish
from kit.auth import Principal
from kit.db import Statements, Transaction
from kit.errors import SoukError
from kit.values import Money


class Sort(StrEnum):
    """How found products are ordered."""

    RELEVANCE = "RELEVANCE"
    NEWEST = "NEWEST"
    PRICE_ASC = "PRICE_ASC"
    PRICE_DESC = "PRICE_DESC"
    NAME_ASC = "NAME_ASC"
    NAME_DESC = "NAME_DESC"


@dataclass(frozen=True, slots=True)
class Criteria:
    """What is searched for; `after` is the cursor of the product after which to go on, or empty.

    `categories`: None is any, and none of them is nothing.
    `currency`: of the prices that are found; empty: that of `least` and `most`, or any.
    """

    query: str
    categories: tuple[str, ...] | None
    least: Money | None
    most: Money | None
    available: bool | None
    sort: Sort
    size: int
    after: str
    count: bool
    facets: bool = False
    highlight: bool = False
    currency: str = ""


@dataclass(frozen=True, slots=True)
class FacetValue:
    """How many of what is found have a value."""

    value: str
    count: int


@dataclass(frozen=True, slots=True)
class Facet:
    """How what is found divides by a property."""

    name: str
    values: tuple[FacetValue, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """A page of found products, each with its cursor; `total`, `facets` and `highlights` (HTML, one a hit) only when asked for."""

    hits: tuple[tuple[Product, str], ...]
    has_next: bool
    total: int | None
    facets: tuple[Facet, ...] = ()
    highlights: tuple[str, ...] = ()


class ProductStore(Protocol):
    """Products and categories in their table."""

    async def add(self, tx: Transaction, product: Product) -> None:
        """Raises SkuTaken."""

    async def save(self, tx: Transaction, product: Product) -> None:
        """Writes a changed product; raises SkuTaken."""

    async def delete(self, tx: Transaction, product_id: UUID, version: int, now: datetime) -> None:
        """Marks a product deleted, at the deletion's version."""

    async def lock(self, tx: Transaction, product_id: UUID) -> Product | None:
        """A living product, locked until the transaction ends."""

    async def get_many(self, ids: Sequence[UUID]) -> list[Product]:
        """The living products among the ids, in no particular order."""

    async def newest(self, after: tuple[datetime, UUID] | None, limit: int) -> list[Product]:
        """Living products, newest first, after a position."""

    async def category(self, tx: Transaction, wanted: Category) -> Category:
        """The category with the wanted one's name, or whose slug that is; it is made when there is none, with a slug that is free."""

    async def categories(self) -> list[tuple[Category, int]]:
        """All of them by name, with how many living products each has."""


class StockStore(Protocol):
    """Free stock and reservations. Every statement locks stock rows in the order of their products."""

    async def free(self, ids: Sequence[UUID]) -> Mapping[UUID, int]:
        """Free stock of the tracked products among the ids."""

    async def lock(self, tx: Transaction, product_id: UUID) -> int | None:
        """Free stock, locked until the transaction ends; None when it is not tracked."""

    async def write(
        self, tx: Transaction, adjustment: Adjustment, *, before: int | None, after: int | None
    ) -> None:
        """Keeps an adjustment with the free stock that it made of what was there; None: not tracked.

        Its product must be locked, or new. Raises IdempotencyConflict when another product has an adjustment of this id.
        """

    async def adjustment(self, tx: Transaction, adjustment_id: UUID) -> Adjustment | None:
        """One that was kept."""

    async def adjustments(self, product_id: UUID) -> list[Adjustment]:
        """All of a product, oldest first."""

    async def reserve(
        self, wishes: Sequence[Wish], now: datetime, expire_time: datetime
    ) -> list[Reservation | SoukError]:
        """All lines of a wish or none, one statement for all wishes; a reservation there already is answered as it is."""

    async def commit(self, order_ids: Sequence[UUID], now: datetime) -> Mapping[UUID, ReservationState]:
        """HELD becomes COMMITTED; answers where each known one stands then."""

    async def release(
        self, db: Statements, order_ids: Sequence[UUID], now: datetime
    ) -> Mapping[UUID, ReservationState]:
        """Gives back what is taken; an unknown order gets a RELEASED reservation. Answers where each stands then."""

    async def expire(self, now: datetime, limit: int) -> int:
        """Releases HELD reservations past their time; answers how many there were."""

    async def take_availability_changes(
        self, tx: Transaction, limit: int, now: datetime
    ) -> Mapping[UUID, bool]:
        """Products that ran out or came back, with whether they are available now; they are forgotten.

        A product that was told within the last second waits for its next.
        """


class ProductSearch(Protocol):
    """The index."""

    async def find(self, criteria: Criteria) -> Found:
        """Raises SearchUnavailable; InvalidArgument for a cursor of another search."""

    async def suggest(self, prefix: str, size: int) -> Sequence[str]:
        """Names of living products, each once, for who has typed a beginning; raises SearchUnavailable."""


class ProductCache(Protocol):
    """Products that were read lately."""

    async def get_many(self, ids: Sequence[UUID]) -> list[Product]:
        """The living products among the ids, from the cache or else from the table."""

    async def forget(self, *ids: UUID) -> None:
        """What is known of these is out of date."""


class AdminVerifier(Protocol):
    """The account service, which knows who is an ADMIN now."""

    async def require_admin(self, caller: Principal) -> None:
        """Raises PermissionDenied unless the caller is one, Unauthenticated when the session has ended."""
